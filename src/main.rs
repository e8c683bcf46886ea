//! Registers this computer's own addresses in DNS.
fn main() {}
