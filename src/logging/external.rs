//! `ext://` names: the Python objects that a configuration can refer to and a native program can have.

use crate::level;
use crate::syslog_codes::{FACILITIES, PRIORITIES};
use crate::system;

use crate::value::{Object, Value};

/// `socket.SOCK_STREAM`, as Linux has it.
pub(crate) const SOCK_STREAM: i64 = 1;

/// `socket.SOCK_DGRAM`, as Linux has it.
pub(crate) const SOCK_DGRAM: i64 = 2;

/// Finds a class by its full name.
pub(crate) type Classes = fn(&str) -> Option<&'static str>;

/// What an `ext://` name stands for. `classes` finds the classes that there are.
///
/// # Errors
/// What only a Python program could have.
pub(crate) fn find(name: &str, classes: Classes) -> Result<Value, String> {
    known(name, classes).ok_or_else(|| unknown(name))
}

/// What a name stands for, if a native program can have it.
fn known(name: &str, classes: Classes) -> Option<Value> {
    if let Some(constant) = name.strip_prefix("logging.handlers.SysLogHandler.LOG_") {
        let constant = if constant == "SOLCRON" {
            "solaris-cron".to_owned()
        } else {
            constant.to_ascii_lowercase()
        };
        let known = FACILITIES
            .iter()
            .chain(&PRIORITIES)
            .find(|(name, _)| *name == constant);
        // `LOG_CRITICAL`, `LOG_ERROR`, `LOG_PANIC` and `LOG_WARN` are names of priorities, but no constants.
        let constant =
            known.filter(|(name, _)| !matches!(*name, "critical" | "error" | "panic" | "warn"));
        return constant.map(|(_, number)| Value::Int(*number));
    }
    if let Some(class) = classes(name) {
        return Some(Value::Object(Object::Class(class)));
    }
    if let Some(level) = name.strip_prefix("logging.").and_then(level::by_name) {
        return Some(Value::Int(level));
    }
    Some(match name {
        "sys.stdout" | "sys.__stdout__" => Value::Object(Object::Stdout),
        "sys.stderr" | "sys.__stderr__" => Value::Object(Object::Stderr),
        "socket.SOCK_STREAM" => Value::Int(SOCK_STREAM),
        "socket.SOCK_DGRAM" => Value::Int(SOCK_DGRAM),
        "logging.handlers.DEFAULT_TCP_LOGGING_PORT" => Value::Int(9020),
        "logging.handlers.DEFAULT_UDP_LOGGING_PORT" => Value::Int(9021),
        "logging.handlers.DEFAULT_HTTP_LOGGING_PORT" => Value::Int(9022),
        "logging.handlers.DEFAULT_SOAP_LOGGING_PORT" => Value::Int(9023),
        "logging.handlers.SYSLOG_UDP_PORT" | "logging.handlers.SYSLOG_TCP_PORT" => Value::Int(514),
        "logging.BASIC_FORMAT" => Value::Str("%(levelname)s:%(name)s:%(message)s".to_owned()),
        "os.devnull" => Value::Str(system::DEVNULL.to_owned()),
        "datetime.time.min" => Value::Object(Object::Time(0)),
        "datetime.time.max" => Value::Object(Object::Time(86_399)),
        _ => return None,
    })
}

/// The complaint about any other name.
fn unknown(name: &str) -> String {
    format!(
        "\"ext://{name}\" is not supported: it needs a Python interpreter; there are ext://sys.stdout, ext://sys.stderr, \
         ext://socket.SOCK_STREAM, ext://socket.SOCK_DGRAM, the levels of logging (ext://logging.INFO), the constants \
         of SysLogHandler (ext://logging.handlers.SysLogHandler.LOG_LOCAL0) and of logging.handlers"
    )
}
