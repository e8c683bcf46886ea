//! Kerberos as far as GSS-TSIG (RFC 3645) needs it, in Rust alone: from a keytab to signatures.
//!
//! ```text
//! keytab → Credentials → client: AS, TGS → ServiceTicket → initiate → token → TKEY → token → Context → MICs
//! ```
//!
//! | module | owns |
//! |---|---|
//! | `keytab` | the file with a host's keys, and which principal and key to use |
//! | `conf` | the `kdc` lines of krb5.conf |
//! | `kdc` | one request to a realm's KDCs, by UDP and TCP, within a deadline |
//! | `client` | the AS and TGS exchanges of RFC 4120, with the referrals of RFC 6806 |
//! | `context` | the AP exchange, and the MICs of RFC 4121 |
//! | `spnego` | the framing of RFC 2743 and the negotiation of RFC 4178, for one mechanism |
//! | `messages` | the ASN.1 of RFC 4120 |
//! | `crypto` | the enctypes 17 to 20 of RFC 3962 and RFC 8009 |
//! | `error` | everything that can go wrong, in an administrator's words |
//!
//! Nothing here reads a configuration, a file or a clock, nor asks DNS: what is needed from outside is in
//! [`Environment`]. There is no ticket cache, no password, no delegation, no RC4 and no DES. Mutual authentication is
//! always demanded.

mod client;
mod conf;
mod context;
mod crypto;
mod error;
#[cfg(fuzzing)]
pub mod fuzzing;
mod kdc;
mod keytab;
mod messages;
mod spnego;

pub use client::{Environment, ServiceTicket};
pub use conf::{Include, Krb5Conf};
pub use context::{BadMic, Context, Negotiation};
pub use error::{Error, Purpose};
pub use kdc::Kdcs;
pub use keytab::{Choice, Credentials, Keytab, KeytabError};
