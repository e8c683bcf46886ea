//! Which addresses to register: the `ipv4`, `ipv6` and `addresses` keys to [`Rules`].

use super::section::{At, Fault, Section, boolean, fault, kind, quoted, section, string};
use crate::addresses::Rules;
use ipnet::IpNet;
use serde_json::Value;
use std::net::IpAddr;

/// The `ipv4`, `ipv6` and `addresses` keys.
pub(super) fn rules(top: &mut Section) -> Result<Rules, Fault> {
    let ipv4 = top.required("ipv4").and_then(boolean)?;
    let mut ipv6 = top
        .required("ipv6")
        .and_then(|value| section(value, &["enable", "teredo"]))?;
    let enabled = ipv6.required("enable").and_then(boolean)?;
    // Who has IPv6 off need not say what of it to leave out.
    let teredo = match ipv6.optional("teredo") {
        None if !enabled => Ok(false),
        Some(teredo) => boolean(teredo),
        None => ipv6.required("teredo").and_then(boolean),
    };
    let mut rules = Rules {
        ipv4,
        ipv6: enabled,
        teredo: teredo?,
        ..Rules::default()
    };
    if !rules.ipv4 && !rules.ipv6 {
        return Err(fault(
            "ipv4",
            "neither ipv4 nor ipv6.enable is true, so there is nothing to register",
        ));
    }
    if let Some(addresses) = top.optional("addresses") {
        let mut addresses = section(addresses, &["include", "exclude"])?;
        rules.include = addresses
            .optional("include")
            .map_or(Ok(Vec::new()), networks)?;
        rules.exclude = addresses
            .optional("exclude")
            .map_or(Ok(Vec::new()), networks)?;
        if let Some(both) = rules
            .include
            .iter()
            .find(|network| rules.exclude.contains(network))
        {
            return Err(fault(
                "addresses.exclude",
                format!("{both} is in `include` as well"),
            ));
        }
    }
    Ok(rules)
}

/// A list of networks; a bare address is a network of itself.
fn networks((path, value): At) -> Result<Vec<IpNet>, Fault> {
    let Value::Array(items) = value else {
        return Err(fault(
            path,
            format!("must be a list of networks, not {}", kind(&value)),
        ));
    };
    let parse = |(index, item): (usize, Value)| {
        let (path, text) = string((format!("{path}[{index}]"), item))?;
        // ipnet reads 010.0.0.0 as 10.0.0.0; others read it as 8.0.0.0.
        let address: Option<IpAddr> = text.split('/').next().and_then(|ip| ip.parse().ok());
        let network = address.and_then(|ip| {
            if text.contains('/') {
                text.parse().ok()
            } else {
                Some(IpNet::from(ip))
            }
        });
        let network = network.ok_or_else(|| {
            fault(
                &*path,
                format!(
                    "{} is no network; write it like \"192.0.2.0/24\"",
                    quoted(&text)
                ),
            )
        })?;
        if network.addr() != network.network() {
            return Err(fault(
                path,
                format!(
                    "{} has bits set behind the prefix; did you mean \"{}\"?",
                    quoted(&text),
                    network.trunc()
                ),
            ));
        }
        Ok(network)
    };
    items.into_iter().enumerate().map(parse).collect()
}
