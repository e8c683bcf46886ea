//! `logging.StreamHandler`: standard output and standard error.

use std::sync::Arc;

use std::io::Write;

use super::arguments::Arguments;
use super::sink::{Sink, Taken};
use crate::error::reason;
use crate::format::Formatter;
use crate::late::{self, Late};
use crate::record::Record;
use crate::streams::{self, Stderr};
use crate::system;
use crate::value::{Object, Value};

/// One of the two standard streams.
pub(crate) struct Stream {
    /// which
    stream: Late<Object>,
    /// what ends a record
    terminator: Late<String>,
}

impl Stream {
    /// Reads the class's arguments.
    pub(crate) fn new(arguments: &mut Arguments) -> Self {
        let stream = match arguments.take("stream") {
            None | Some(Value::None) => Ok(Object::Stderr),
            Some(Value::Object(object @ (Object::Stdout | Object::Stderr))) => Ok(object),
            Some(value) => Err(format!(
                "stream {} has no 'write'; there are ext://sys.stdout and ext://sys.stderr",
                value.repr()
            )),
        };
        Stream {
            stream,
            terminator: Ok("\n".to_owned()),
        }
    }
}

impl Sink for Stream {
    fn emit(&mut self, record: &Arc<Record>, formatter: &Formatter) -> Result<Taken, String> {
        let mut text = formatter.format(record)?;
        let stream = self.stream.clone()?;
        text.push_str(self.terminator.as_ref().map_err(Clone::clone)?);
        let text = system::line_ends(text);
        let (name, result) = if stream == Object::Stdout {
            ("stdout", streams::print(text.as_bytes()))
        } else {
            ("stderr", Stderr.write_all(text.as_bytes()))
        };
        result
            .map(|()| Taken::Written)
            .map_err(|error| format!("{name}: {}", reason(&error)))
    }

    fn set(&mut self, name: &str, value: &Value) {
        match name {
            "terminator" => self.terminator = late::text(name, value),
            "stream" => self.stream = Err("a stream set as an attribute has no 'write'".to_owned()),
            _ => {}
        }
    }

    fn is_stderr(&self) -> bool {
        self.stream == Ok(Object::Stderr)
    }
}
