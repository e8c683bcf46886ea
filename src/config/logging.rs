//! The `logging` key: Python's dictionary schema, which the package `dictconfig` reads.
//!
//! Two things are ours: comments, which Python does not know, and what it would take for a file's name and no file has.

use super::json::is_comment;
use super::path;
use super::section::{At, Fault, fault, kind};
use serde_json::Value;
use serde_json::map::Map;

/// Reads the section.
#[inline(never)]
pub(super) fn logging((at, value): At) -> Result<dictconfig::Configuration, Fault> {
    let Value::Object(mut section) = value else {
        return Err(fault(
            at,
            format!("must be an object, not {}", kind(&value)),
        ));
    };
    remove_comments(&mut section);
    let handlers = section.get("handlers").and_then(Value::as_object);
    for (name, handler) in handlers.into_iter().flatten() {
        if let Some(file) = handler.get("filename").and_then(Value::as_str) {
            path::check(file)
                .map_err(|wrong| fault(format!("{at}.handlers.{name}.filename"), wrong))?;
        }
    }
    dictconfig::Configuration::from_json(&Value::Object(section), "pydyndns").map_err(|error| {
        let place = match error.path() {
            "" => at,
            key => format!("{at}.{key}"),
        };
        fault(place, error.message())
    })
}

/// Takes out the comments that Python would take for something. A name may begin as it likes: what stands under one is a
/// comment only if it can't be what is named.
fn remove_comments(section: &mut Map<String, Value>) {
    for group in ["formatters", "filters", "handlers", "loggers"] {
        let Some(Value::Object(named)) = section.get_mut(group) else {
            continue;
        };
        named.retain(|name, value| match value {
            Value::Object(keys) if group == "handlers" => {
                !is_comment(name) || keys.contains_key("class") || keys.contains_key("()")
            }
            other => !is_comment(name) || other.is_object(),
        });
        for keys in named.values_mut().filter_map(Value::as_object_mut) {
            keys.retain(|key, _| !is_comment(key));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn comments_may_stand_in_every_object_and_names_begin_as_they_like() {
        for comment in [json!("why"), json!(null), json!({"a": [1]})] {
            let section = json!({
                "version": 1, "_why": comment, "$schema": comment,
                "formatters": {"_why": comment, "f": {"format": "%(message)s", "_why": comment}},
                "filters": {"_why": comment, "l": {"name": "pydyndns", "_why": comment}},
                "handlers": {
                    "_why": comment,
                    "_h": {"class": "logging.NullHandler", "formatter": "f", "filters": ["l"], "_why": comment},
                },
                "loggers": {"_why": comment, "pydyndns": {"level": "INFO", "$schema": comment}},
                "root": {"handlers": ["_h"], "_why": comment},
            });
            let read = logging(("logging".into(), section)).map(|_| ());
            assert!(read.is_ok(), "{comment}: {}", read.unwrap_err());
        }
        let wrong =
            json!({"version": 1, "handlers": {"h": {"class": "logging.NullHandler", "why": 1}}});
        let said = logging(("logging".into(), wrong)).err().unwrap();
        assert!(said.to_string().starts_with("logging.handlers.h.why: "));
    }
}
