//! Handlers: one file for each kind of destination, and what they share.

mod arguments;
mod event_log;
mod file;
mod http;
mod journal;
mod memory;
mod rotating;
mod sink;
mod smtp;
mod socket;
mod stream;
mod syslog;
mod text_file;
mod timed;
mod watched;

pub(crate) use arguments::Arguments;
pub(crate) use event_log::EventLog;
pub(crate) use file::FileHandler;
pub(crate) use http::Http;
pub(crate) use journal::Journal;
pub(crate) use memory::Memory;
pub(crate) use rotating::Rotating;
pub(crate) use sink::{Sink, Taken};
pub(crate) use smtp::Smtp;
pub(crate) use socket::Socket;
pub(crate) use stream::Stream;
pub(crate) use syslog::SysLog;
pub(crate) use timed::Timed;
pub(crate) use watched::Watched;
