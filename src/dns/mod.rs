//! The wire: finding the zone, building, signing and sending the update, and believing its answer.
//!
//! | file | owns |
//! |---|---|
//! | `query` | one question, and what counts as its answer |
//! | `order` | which name server is asked when, and whose answer counts |
//! | `inquiry` | the sockets of one question |
//! | `fetch` | an answer that was too long for UDP, over TCP |
//! | `resolver` | the name servers in order, and what a run has learnt of them |
//! | `srv` | the servers of a service |
//! | `zone` | from a name to its zone's apex and primary |
//! | `server` | a server of the configuration |
//! | `lookup` | where a host is, by the hosts file and DNS |
//! | `target` | where an update goes: apex and addresses |
//! | `message` | the update as a message |
//! | `script` | the update for nsupdate |
//! | `tsig`, `gss`, `signer` | signing a request, and verifying its answer |
//! | `tls` | TLS around an exchange: the handshake, and who is trusted |
//! | `exchange` | one message over TCP, and its answer |
//! | `send` | which server is tried when, and what ends it |
//! | `explain` | what an answer means to an operator |
//! | `current` | what a primary says now |

pub(crate) mod current;
mod exchange;
mod explain;
mod fetch;
pub mod gss;
mod inquiry;
pub(crate) mod lookup;
pub mod message;
mod order;
pub mod query;
mod resolver;
pub(crate) mod script;
pub(crate) mod send;
pub(crate) mod server;
pub(crate) mod signer;
pub(crate) mod srv;
pub(crate) mod target;
pub mod tls;
pub mod tsig;
pub(crate) mod zone;
