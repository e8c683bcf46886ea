//! The wire: finding the zone, building, signing and sending the update, and believing its answer.

pub(crate) mod exchange;
pub(crate) mod tls;
pub(crate) mod tsig;
pub(crate) mod update;
pub(crate) mod zone;
