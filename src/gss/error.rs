//! Everything that can go wrong between a keytab and a signature, in an administrator's words: what was attempted, why
//! it failed, what to do.

use std::fmt;
use std::io;
use std::net::SocketAddr;

/// What a KDC was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purpose {
    /// To log in as a principal, with a key of this version.
    LogIn {
        /// `name@REALM`.
        principal: String,
        /// The version of the key in the keytab.
        kvno: u32,
    },
    /// To give a ticket for a service.
    Ticket {
        /// The service's name.
        service: String,
        /// Who wants it, `name@REALM`.
        principal: String,
    },
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LogIn { principal, .. } => write!(f, "cannot log in as {principal}"),
            Self::Ticket { service, principal } => {
                write!(f, "cannot get a ticket for {service} as {principal}")
            }
        }
    }
}

/// Why there is no signature.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody knows where the realm's KDCs are.
    #[error("{purpose}: cannot find a KDC of the realm {realm}: {reason}")]
    NoKdc {
        /// What for.
        purpose: Purpose,
        /// The realm.
        realm: String,
        /// Why, and what to do.
        reason: String,
    },
    /// None of the realm's KDCs answers.
    #[error(
        "{purpose}: no KDC of the realm {realm} answers (known from {source_name}): {}; do KDCs run there, is a firewall in the way, or must `kdc` name others?",
        listed(attempts)
    )]
    Unreachable {
        /// What for.
        purpose: Purpose,
        /// The realm.
        realm: String,
        /// Where the addresses are known from.
        source_name: String,
        /// Each attempt, with what came of it.
        attempts: Vec<(SocketAddr, String)>,
    },
    /// A KDC said no.
    #[error("{purpose}: {}", explain(*code, purpose, realm, text.as_ref()))]
    Refused {
        /// What for.
        purpose: Purpose,
        /// Whose KDC.
        realm: String,
        /// The code of RFC 4120, section 7.5.9.
        code: i32,
        /// What else it said, if it is to be shown.
        text: Option<String>,
    },
    /// The KDC's answer was not encrypted with the key that we have.
    #[error("{purpose}: {}", stale(purpose, *there))]
    NotDecrypted {
        /// What for.
        purpose: Purpose,
        /// The version of the key that the KDC used, if it said so.
        there: Option<i64>,
    },
    /// A KDC's answer is not one to what was asked.
    #[error(
        "{purpose}: the KDC's answer {what}: something between here and the KDC of {realm} answers in its place, or it is broken"
    )]
    Unbelievable {
        /// What for.
        purpose: Purpose,
        /// Whose KDC.
        realm: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// Realms that point at each other, or too many.
    #[error("{purpose}: the referrals from realm to realm do not end: {}", realms.join(", "))]
    Referrals {
        /// What for.
        purpose: Purpose,
        /// The realms.
        realms: Vec<String>,
    },
    /// The clock can't be right.
    #[error("this computer's clock cannot be right: it is before 1970 or beyond 9999; set it")]
    Clock,
    /// The server's token is no SPNEGO.
    #[error("the server's token {0}: it is not the Kerberos of RFC 4178 and RFC 4121")]
    Token(&'static str),
    /// The server does not want Kerberos.
    #[error(
        "the server refuses to negotiate Kerberos (SPNEGO says reject): has it a keytab, and does `tkey-gssapi-keytab` or the like name it?"
    )]
    Rejected,
    /// The server wants more.
    #[error(
        "the server wants to go on negotiating, for which one TKEY exchange leaves no room: it may not take Kerberos"
    )]
    Incomplete,
    /// The server chose something else.
    #[error("the server chose another mechanism than Kerberos ({0})")]
    OtherMechanism(String),
    /// The server's Kerberos says no.
    #[error("the server does not take the ticket for {service}: {}", explain_acceptor(*code))]
    NotAccepted {
        /// The service that the ticket was for.
        service: String,
        /// The code of RFC 4120, section 7.5.9.
        code: i32,
    },
    /// The server did not prove who it is.
    #[error(
        "the server did not prove that it is {service} ({what}), and without that nothing is sent to it"
    )]
    NotMutual {
        /// The service that it should be.
        service: String,
        /// What was missing or wrong.
        what: &'static str,
    },
    /// There is no chance.
    #[error("the system has no random numbers: {0}")]
    Random(#[from] io::Error),
    /// A message can't be encoded.
    #[error("cannot encode a Kerberos message: {0}")]
    Encoding(der::Error),
}

/// Attempts, one after the other.
fn listed(attempts: &[(SocketAddr, String)]) -> String {
    if attempts.is_empty() {
        return "the time was up before one was asked".into();
    }
    attempts
        .iter()
        .map(|(address, outcome)| format!("{address} {outcome}"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// What a key that does not fit means.
fn stale(purpose: &Purpose, there: Option<i64>) -> String {
    match (purpose, there) {
        (Purpose::LogIn { kvno, .. }, Some(there)) if there != i64::from(*kvno) => format!(
            "the keytab is stale: its key has kvno {kvno}, the KDC's has kvno {there}; export it anew"
        ),
        (Purpose::LogIn { kvno, .. }, _) => {
            format!("the keytab's key (kvno {kvno}) is not the KDC's; export it anew")
        }
        (Purpose::Ticket { .. }, _) => {
            "the KDC's answer is not encrypted with the session's key: something else answered"
                .into()
        }
    }
}

/// What a KDC's error code means here, and what to do.
fn explain(code: i32, purpose: &Purpose, realm: &str, text: Option<&String>) -> String {
    let reason = match (code, purpose) {
        (1 | 2 | 23, Purpose::LogIn { .. }) => {
            format!("its entry or key in {realm} has expired ({code}); renew it there")
        }
        (1 | 2, Purpose::Ticket { .. }) => {
            format!("an entry in {realm} has expired ({code}); renew it there")
        }
        (6, _) => format!(
            "the realm {realm} does not know this principal (6); is the host joined, and is this the right keytab, `principal` and `realm`?"
        ),
        (7, Purpose::Ticket { service, .. }) => format!(
            "the realm {realm} does not know this service (7); does {service} name the primary as the SOA record does, has it a principal there, or must `service` be set?"
        ),
        (12, _) => format!("the policy of {realm} does not allow it (12); see the KDC's log"),
        (14, Purpose::LogIn { .. }) => format!(
            "{realm} has none of the keytab's enctypes for it (14); export the keytab anew, with AES keys"
        ),
        (14, Purpose::Ticket { service, .. }) => {
            format!("{service} has no AES key in {realm} (14); give it one")
        }
        (18, _) => {
            format!("the account is disabled, locked or expired in {realm} (18); enable it there")
        }
        (24, Purpose::LogIn { kvno, .. }) => format!(
            "the KDC of {realm} does not take the keytab's key, kvno {kvno} (24): the keytab is stale, since the account's password was changed; export it anew"
        ),
        (25, _) => format!(
            "{realm} wants another pre-authentication than the encrypted timestamp (25), for which a keytab does not suffice"
        ),
        (31 | 41, _) => format!(
            "the KDC of {realm} finds the request changed on its way or wrongly encrypted ({code})"
        ),
        (32, _) => {
            format!("the KDC of {realm} finds the ticket expired (32): are both clocks right?")
        }
        (37, _) => format!(
            "the clocks of this computer and of {realm} differ by too much (37); set both, by NTP"
        ),
        (60, _) => format!("the KDC of {realm} failed (60); see its log"),
        (68, _) => {
            format!("the KDC does not serve the realm {realm} (68); is `realm` right, and `kdc`?")
        }
        _ => format!("the KDC of {realm} says no with code {code}; see its log"),
    };
    // Where the code says all there is to say, the KDC's own words are only it again in capitals.
    match text.map(|text| text.trim_end_matches('\0')) {
        Some(text) if !text.is_empty() && !is_known(code) => {
            format!("{reason}; it says: {}", text.escape_debug())
        }
        _ => reason,
    }
}

/// Whether a code has but one cause.
fn is_known(code: i32) -> bool {
    matches!(code, 1 | 2 | 6 | 7 | 14 | 18 | 23..=25 | 37 | 68)
}

/// What the server's Kerberos means by a code.
fn explain_acceptor(code: i32) -> String {
    match code {
        33 | 32 | 37 => format!(
            "the clocks of this computer, the KDC and the server differ by too much ({code}); set all three, by NTP"
        ),
        31 | 35 | 41 | 44 | 45 => format!(
            "its keytab has another key for this service than the KDC ({code}); export it anew on the server"
        ),
        34 => "it takes it for one that it has seen already (34)".into(),
        _ => format!("code {code}; see its log"),
    }
}
