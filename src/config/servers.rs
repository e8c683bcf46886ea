//! Servers as the configuration names them: one, or a list in the order in which they are tried.

use super::section::{At, Fault, fault, kind, quoted, string};
use crate::dns::server::Server;
use serde_json::Value;

/// One server, or a list of them in the order in which they are tried.
#[inline(never)]
pub(super) fn servers((path, value): At) -> Result<Vec<Server>, Fault> {
    match value {
        Value::String(_) => server((path, value)).map(|server| vec![server]),
        Value::Array(_) => list((path, value)),
        other => Err(fault(
            path,
            format!(
                "must be a string or a list of strings, not {}",
                kind(&other)
            ),
        )),
    }
}

/// A list of servers, one at least.
pub(super) fn list((path, value): At) -> Result<Vec<Server>, Fault> {
    let Value::Array(items) = value else {
        return Err(fault(
            path,
            format!("must be a list of strings, not {}", kind(&value)),
        ));
    };
    if items.is_empty() {
        return Err(fault(
            path,
            "is an empty list; name a server, or leave it out",
        ));
    }
    items
        .into_iter()
        .enumerate()
        .map(|(index, item)| server((format!("{path}[{index}]"), item)))
        .collect()
}

/// One server.
fn server(value: At) -> Result<Server, Fault> {
    let (path, text) = string(value)?;
    Server::parse(&text).map_err(|wrong| fault(path, format!("{} {wrong}", quoted(&text))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_list_keeps_its_order_and_names_the_one_at_fault() {
        let read = |value| {
            servers(("server".into(), value))
                .map(|servers| {
                    servers
                        .into_iter()
                        .map(|server| server.text)
                        .collect::<Vec<_>>()
                })
                .map_err(|fault| fault.to_string())
        };
        assert_eq!(read(json!("b")).unwrap(), ["b"]);
        assert_eq!(read(json!(["b", "a:1"])).unwrap(), ["b", "a:1"]);
        assert_eq!(
            read(json!([])).unwrap_err(),
            "server: is an empty list; name a server, or leave it out"
        );
        assert_eq!(
            read(json!(["a", 5])).unwrap_err(),
            "server[1]: must be a string, not a number"
        );
        assert_eq!(
            read(json!({})).unwrap_err(),
            "server: must be a string or a list of strings, not an object"
        );
    }
}
