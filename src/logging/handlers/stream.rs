//! `logging.StreamHandler`: standard output and standard error.

use std::io::Write;

use super::super::format::{Formatter, Late};
use super::super::record::Record;
use super::super::value::{Object, Value};
use super::{Arguments, Sink, late_text, reason};

/// One of the two standard streams.
pub(in super::super) struct Stream {
    /// which
    stream: Late<Object>,
    /// what ends a record
    terminator: Late<String>,
}

impl Stream {
    /// Reads the class's arguments.
    pub(in super::super) fn new(arguments: &mut Arguments) -> Self {
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

/// Text as it goes to a text stream: Windows' lines end in two characters.
pub(in super::super) fn with_line_ends(text: String) -> String {
    if cfg!(windows) {
        text.replace('\n', "\r\n")
    } else {
        text
    }
}

impl Sink for Stream {
    fn emit(&mut self, record: &Record, formatter: &Formatter) -> Result<(), String> {
        let mut text = formatter.format(record)?;
        let stream = self.stream.clone()?;
        text.push_str(self.terminator.as_ref().map_err(Clone::clone)?);
        let text = with_line_ends(text);
        let (name, result) = if stream == Object::Stdout {
            let mut out = std::io::stdout().lock();
            (
                "stdout",
                out.write_all(text.as_bytes()).and_then(|()| out.flush()),
            )
        } else {
            (
                "stderr",
                std::io::stderr().lock().write_all(text.as_bytes()),
            )
        };
        result.map_err(|error| format!("{name}: {}", reason(&error)))
    }

    fn set(&mut self, name: &str, value: &Value) {
        match name {
            "terminator" => self.terminator = late_text(name, value),
            "stream" => self.stream = Err("a stream set as an attribute has no 'write'".to_owned()),
            _ => {}
        }
    }
}
