//! Keeps a computer's own A and AAAA records right, by DNS itself.
//!
//! The program is this library under a thin `main.rs`. Read [`run`] for the story of one invocation; each of its steps
//! is a call into the module that owns it.
//!
//! # Which way data flows
//!
//! Facts of the host become addresses, addresses and configuration become a [`registration`], and a registration that the
//! cache does not confirm becomes one signed update:
//!
//! ```text
//! host, hosts, name → addresses → desired → registration → cache → dns: zone → message → answer → cache
//! ```
//!
//! # What lives where
//!
//! | module | owns |
//! |---|---|
//! | [`cli`] | the command line |
//! | [`run`] | the story of one run, and which mode it is |
//! | [`config`] | the JSON file to a validated `Config`: sections, servers, key files |
//! | [`desired`] | facts of the host and the configuration to what should be registered |
//! | [`registration`] | the value that everything turns around |
//! | [`name`] | what a registrable name is, and finding this machine's from texts |
//! | [`hosts`] | the hosts file, for this machine's name and for servers' addresses |
//! | [`addresses`] | which addresses to register, and why the others are left out |
//! | [`cache`] | what a server has confirmed: the entry, its durable file, the lock |
//! | [`host`] | facts of the operating system; the only unsafe code and the only `cfg(target_os)` |
//! | [`dns`] | name servers, zone, message, signature, exchange, and what an answer means |
//! | `delivery` | how this configuration delivers an update: where to, signed by what |
//! | `kerberos` | the `gss` key to a ticket: keytab, KDCs, clock and chance for the package `gss-tsig` |
//! | `status` | what `--status` shows |
//! | `warnings` | what a run that sends warns of |
//! | [`secret`] | a shared secret that nothing shows |
//! | [`resolv_conf`] | resolv.conf as the C library reads it |
//! | `escape` | the one sanitiser of text that others wrote |
//! | [`logger`] | stderr and the `logging` section as one logger |
//!
//! # What may import what
//!
//! `run` imports everything; nothing imports `run`. `dns`, `host`, `addresses` and `cache` import neither `config` nor
//! logging. Whatever needs a clock, randomness or the host's texts takes them as arguments if it can be pure. Errors are
//! returned, never logged where they occur; a typed error carries the exit status.

pub mod addresses;
pub mod cache;
pub mod cli;
pub mod config;
mod delivery;
pub mod desired;
pub mod dns;
mod escape;
pub mod host;
pub mod hosts;
mod kerberos;
pub mod logger;
pub mod name;
pub mod registration;
pub mod resolv_conf;
pub mod run;
pub mod secret;
mod status;
mod warnings;
