//! What an answer to an update, or the lack of one, means to an operator: what happened, and what to do about it.
//!
//! Pure. Servers say little and mean different things by the same code, so each text names every likely cause. What is
//! not signed is told as unauthenticated: somebody in between may have said it.

use super::exchange;
use super::gss;
use super::query::code_name;
use super::signer::Signer;
use super::tsig::Unverified;
use crate::escape::domain;
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::Name;
use hickory_proto::rr::rdata::tsig::TsigError;
use std::net::SocketAddr;
use std::time::Duration;

/// Why one server did not confirm the update.
#[derive(Debug)]
pub(crate) enum Failure {
    /// There was no answer.
    Exchange(exchange::Error),
    /// There is no Kerberos context with the server, so nothing was sent.
    Gss(gss::Error),
    /// There was one that is not to be believed, with the code it bears.
    Unverified(Unverified, ResponseCode),
    /// The answer is not one to this request.
    Foreign(&'static str),
    /// The server said no.
    Code(ResponseCode),
}

/// What is known where a failure is explained.
#[derive(Debug)]
pub(crate) struct Situation<'a> {
    /// The name that the update changes.
    pub(crate) name: &'a Name,
    /// The zone that it goes to.
    pub(crate) zone: &'a Name,
    /// What signed it.
    pub(crate) signer: Signer<'a>,
    /// Whether it deletes other records than addresses.
    pub(crate) is_broad: bool,
    /// Whether the configuration names the server, and not the SOA record.
    pub(crate) is_configured: bool,
    /// The primary by the zone's SOA record, if it is known.
    pub(crate) primary: Option<&'a Name>,
}

impl Failure {
    /// Whether the other addresses need not be tried: a server was reached, and it said no.
    pub(crate) fn is_final(&self) -> bool {
        match self {
            Self::Code(code)
            | Self::Unverified(
                Unverified::Unsigned | Unverified::Rejected(_) | Unverified::BadTime { .. },
                code,
            ) => !matches!(
                code,
                ResponseCode::NoError | ResponseCode::ServFail | ResponseCode::NotImp
            ),
            Self::Exchange(_) | Self::Gss(_) | Self::Foreign(_) | Self::Unverified(..) => false,
        }
    }

    /// The exchange that failed, if that is it.
    pub(crate) fn exchange(&self) -> Option<&exchange::Error> {
        match self {
            Self::Exchange(error) | Self::Gss(gss::Error::Exchange(error)) => Some(error),
            _ => None,
        }
    }

    /// Whether a server that is not the primary answers so, too.
    pub(crate) fn may_be_a_secondarys(&self) -> bool {
        matches!(
            self,
            Self::Code(ResponseCode::Refused | ResponseCode::NotAuth | ResponseCode::NotImp)
                | Self::Unverified(
                    Unverified::Unsigned,
                    ResponseCode::Refused | ResponseCode::NotAuth | ResponseCode::NotImp
                )
        )
    }
}

/// One server's failure: what happened and what to do.
pub(crate) fn failure(failure: &Failure, situation: &Situation<'_>) -> String {
    match failure {
        Failure::Exchange(error) => error.to_string(),
        Failure::Gss(error) => error.to_string(),
        Failure::Foreign(what) => format!("could not confirm: {what}"),
        Failure::Code(code) => refusal(*code, true, situation),
        Failure::Unverified(Unverified::Unsigned, code) if *code != ResponseCode::NoError => {
            refusal(*code, false, situation)
        }
        Failure::Unverified(error, _) => unverified(error, situation),
    }
}

/// What to do when no server could be reached: the first of those that were tried, the zone, its primary if it is known,
/// and whether the configuration names the servers.
pub(crate) fn unreachable(
    server: SocketAddr,
    zone: &Name,
    primary: Option<&Name>,
    is_configured: bool,
) -> String {
    let port = server.port();
    let zone = domain(zone);
    match primary {
        _ if is_configured => format!(
            "`server` says to send there, and updates go over TCP port {port}: check that a name server runs there and that no firewall is in the way, or correct `server`"
        ),
        Some(primary) => format!(
            "the SOA record of {zone} names {} as the primary, and updates go over TCP port {port}: check that it runs and that no firewall is in the way, or set `server` to where updates are taken",
            domain(primary)
        ),
        None => {
            format!("updates for {zone} go over TCP port {port}: check what firewalls let through")
        }
    }
}

/// A time for people.
pub(crate) fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

/// What a response code means here, and what to do. `is_believed`: the answer is as trustworthy as the request asks for.
fn refusal(code: ResponseCode, is_believed: bool, situation: &Situation<'_>) -> String {
    let (name, zone) = (domain(situation.name), domain(situation.zone));
    let said = if is_believed {
        code_name(code)
    } else {
        format!("{}, not signed, so unauthenticated", code_name(code))
    };
    match code {
        ResponseCode::FormErr => format!(
            "the server could not read the update ({said}): check that it is a name server that takes updates"
        ),
        ResponseCode::ServFail => format!(
            "the server failed ({said}): see its log; its disk or journal may be at fault, or {name} has more records than it takes{}",
            match situation.signer {
                // So it is with Samba, whose records have access lists.
                Signer::Gss(_) => format!(
                    ", or, with Samba, {} may not change {name}: whoever made the record owns it",
                    situation.signer.describe()
                ),
                _ => String::new(),
            }
        ),
        ResponseCode::NXDomain => {
            format!("a name that should exist does not ({said}): see the server's log for {zone}")
        }
        ResponseCode::NotImp => format!(
            "the server does not implement updates ({said}): {}",
            secondary("a resolver or a secondary", situation)
        ),
        ResponseCode::Refused => format!(
            "the server refuses the update ({said}); likely causes: {}",
            causes_of_refusal(is_believed, situation)
        ),
        ResponseCode::YXDomain => {
            format!("a name that should not exist does ({said}): see the server's log for {zone}")
        }
        ResponseCode::YXRRSet => {
            format!(
                "a CNAME is at {name} ({said}): remove it from {zone}, or set \"replace\": \"all\""
            )
        }
        ResponseCode::NXRRSet => {
            format!("records that should exist do not ({said}): see the server's log for {zone}")
        }
        ResponseCode::NotAuth => format!(
            "the server is not authoritative for {zone}, or does not let {} change it ({said}): check `zone`, `server` and its policy{}; {}",
            situation.signer.describe(),
            if situation.signer.is_some() {
                ""
            } else {
                ", and give a `tsig` key: the update is not signed"
            },
            secondary("a secondary", situation)
        ),
        ResponseCode::NotZone => {
            format!("{name} is not in the zone {zone} ({said}): check `hostname` and `zone`")
        }
        _ => format!("the server answers with {said}: see its log"),
    }
}

/// Why a server may say REFUSED, the likeliest first.
fn causes_of_refusal(is_believed: bool, situation: &Situation<'_>) -> String {
    let (name, zone) = (domain(situation.name), domain(situation.zone));
    let who = situation.signer.describe();
    let mut causes = Vec::new();
    if situation.signer.is_some() {
        if !is_believed && matches!(situation.signer, Signer::Key(_)) {
            causes.push(format!(
                "{who} has another name, algorithm or secret there or is unknown (PowerDNS says no more)"
            ));
        }
        causes.push(format!(
            "its policy for {zone} does not let {who} change {name}"
        ));
    } else {
        causes.push(format!(
            "the update is not signed, and the server takes only signed ones for {zone}: give a `tsig` key"
        ));
    }
    if situation.is_broad && situation.signer.is_some() {
        causes
            .push("its policy allows address records only: set \"replace\": \"addresses\"".into());
    }
    if situation.name.iter().any(|label| label.contains(&b'_')) {
        causes.push(format!(
            "{name} has an underscore, which BIND's check-names refuses"
        ));
    }
    causes.push(secondary("a secondary", situation));
    causes.join("; ")
}

/// That a server may not be the primary but `what`, and which one is.
fn secondary(what: &str, situation: &Situation<'_>) -> String {
    match situation.primary {
        Some(primary) if situation.is_configured => format!(
            "it may be {what}: the primary by the zone's SOA record is {}, so point `server` there",
            domain(primary)
        ),
        Some(primary) => format!(
            "{}, the primary by the zone's SOA record, may be {what}: point `server` at the true primary",
            domain(primary)
        ),
        None => format!("it may be {what}: point `server` at the primary"),
    }
}

/// Why an answer is not believed, and what to do.
fn unverified(error: &Unverified, situation: &Situation<'_>) -> String {
    let key = situation.signer.describe();
    match error {
        Unverified::Rejected(TsigError::BadSig | TsigError::BadKey) if matches!(situation.signer, Signer::Gss(_)) => {
            "the server does not know the Kerberos context that it agreed upon just now (unauthenticated): did it start anew, \
             or does another one answer under its address?"
                .into()
        }
        Unverified::Rejected(TsigError::BadSig) => format!(
            "the server finds the signature wrong (BADSIG, unauthenticated): give {key} the same secret here and there"
        ),
        Unverified::Rejected(TsigError::BadKey) => format!(
            "the server does not take {key} (BADKEY, unauthenticated): check that its name and algorithm are the same there{}",
            // Knot says so too where the key is known but may not do this.
            if situation.is_broad {
                " and, with Knot, that it may change this zone; where it may change addresses only, set \"replace\": \"addresses\""
            } else {
                " and, with Knot, that it may change this zone"
            }
        ),
        Unverified::Rejected(TsigError::BadTime) => {
            "the server finds the time wrong (BADTIME, unauthenticated): set the clocks of both"
                .into()
        }
        Unverified::Rejected(TsigError::BadTrunc) => format!(
            "the server finds the signature of {key} too short (BADTRUNC, unauthenticated): let it take whole signatures"
        ),
        Unverified::Rejected(TsigError::Unknown(code)) => format!(
            "the server rejects the signature of {key} with error {code} (unauthenticated): see its log"
        ),
        Unverified::BadTime { client, server } => format!(
            "the clocks differ (BADTIME): it is {client} here and {server} there, in seconds since 1970: set the one that is off by {} seconds",
            client.abs_diff(*server)
        ),
        Unverified::OtherTime { client, server } => format!(
            "could not confirm: the answer was signed at {server} and it is {client} here, in seconds since 1970: set the clock that is off by {} seconds",
            client.abs_diff(*server)
        ),
        Unverified::Unsigned => format!(
            "could not confirm: the answer is not signed: check that the server knows {key} and that nothing in between answers"
        ),
        other => format!("could not confirm: the answer {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::message::tests::name;
    use crate::dns::tsig::{Algorithm, Key};
    use crate::secret::Secret;
    use std::io;

    /// What stands in a situation: the name, and whether the update is broad, the server configured, the primary known.
    struct Case {
        /// The name.
        name: &'static str,
        /// Whether it is signed.
        is_signed: bool,
        /// See [`Situation`].
        is_broad: bool,
        /// See [`Situation`].
        is_configured: bool,
        /// See [`Situation`].
        primary: Option<&'static str>,
    }

    /// Signed, broad, sent to the primary by the SOA record.
    const USUAL: Case = Case {
        name: "host.example.com.",
        is_signed: true,
        is_broad: true,
        is_configured: false,
        primary: Some("ns1.example.com."),
    };

    impl Case {
        /// What is said of a failure, or of a server that cannot be reached.
        fn says(&self, what: Option<&Failure>) -> String {
            let secret = Secret::from_base64("c2VjcmV0").unwrap();
            let key = Key::new(&name("k.example."), Algorithm::Sha256, secret);
            let primary = self.primary.map(name);
            let situation = Situation {
                name: &name(self.name),
                zone: &name("example.com."),
                signer: Signer::from(self.is_signed.then_some(&key)),
                is_broad: self.is_broad,
                is_configured: self.is_configured,
                primary: primary.as_ref(),
            };
            match what {
                Some(what) => failure(what, &situation),
                None => unreachable(
                    "192.0.2.53:53".parse().unwrap(),
                    situation.zone,
                    situation.primary,
                    situation.is_configured,
                ),
            }
        }
    }

    /// A code in an answer without a signature.
    fn unsigned(code: ResponseCode) -> Failure {
        Failure::Unverified(Unverified::Unsigned, code)
    }

    /// Expects these words in a text, and none that nobody should read.
    #[track_caller]
    fn has(text: &str, words: &[&str]) {
        for word in words {
            assert!(text.contains(word), "{word:?} is not in {text}");
        }
        assert!(
            !text.contains("?;") && !text.contains(". ") && !text.contains(".;"),
            "{text}"
        );
        assert!(!text.contains('\n') && !text.ends_with('.'), "{text}");
        assert!(
            !text.contains("secret\"") && !text.contains("c2VjcmV0"),
            "{text}"
        );
    }

    #[test]
    fn an_unsigned_refusal_may_be_a_wrong_key_first_and_then_policy() {
        let text = USUAL.says(Some(&unsigned(ResponseCode::Refused)));
        has(
            &text,
            &[
                "REFUSED",
                "unauthenticated",
                "k.example (hmac-sha256)",
                "PowerDNS",
                "policy",
                "\"addresses\"",
                "secondary",
            ],
        );
        assert!(text.find("PowerDNS") < text.find("policy"), "{text}");
    }

    #[test]
    fn a_signed_refusal_is_not_a_wrong_key() {
        let text = USUAL.says(Some(&Failure::Code(ResponseCode::Refused)));
        has(
            &text,
            &[
                "policy for example.com",
                "host.example.com",
                "\"addresses\"",
            ],
        );
        assert!(
            !text.contains("PowerDNS") && !text.contains("unauthenticated"),
            "{text}"
        );
        let narrow = Case {
            is_broad: false,
            ..USUAL
        };
        assert!(
            !narrow
                .says(Some(&Failure::Code(ResponseCode::Refused)))
                .contains("\"addresses\"")
        );
    }

    #[test]
    fn an_underscore_is_a_likely_cause_where_there_is_one() {
        let underscore = Case {
            name: "my_host.example.com.",
            ..USUAL
        };
        has(
            &underscore.says(Some(&Failure::Code(ResponseCode::Refused))),
            &["my_host.example.com has an underscore", "check-names"],
        );
        assert!(
            !USUAL
                .says(Some(&Failure::Code(ResponseCode::Refused)))
                .contains("underscore")
        );
    }

    #[test]
    fn an_unsigned_update_that_is_refused_is_told_to_be_signed() {
        let plain = Case {
            is_signed: false,
            ..USUAL
        };
        for code in [ResponseCode::Refused, ResponseCode::NotAuth] {
            let text = plain.says(Some(&Failure::Code(code)));
            has(&text, &["not signed", "`tsig`"]);
            assert!(!text.contains("\"addresses\""), "{text}");
        }
    }

    #[test]
    fn a_secondary_names_the_primary() {
        let configured = Case {
            is_configured: true,
            ..USUAL
        };
        for code in [
            ResponseCode::Refused,
            ResponseCode::NotAuth,
            ResponseCode::NotImp,
        ] {
            has(
                &configured.says(Some(&unsigned(code))),
                &["secondary", "ns1.example.com", "`server`"],
            );
        }
        let unknown = Case {
            primary: None,
            ..configured
        };
        has(
            &unknown.says(Some(&unsigned(ResponseCode::NotAuth))),
            &["NOTAUTH", "secondary", "`server`", "policy"],
        );
    }

    #[test]
    fn the_errors_of_the_signature_are_unauthenticated_and_name_the_key() {
        for (error, words) in [
            (TsigError::BadKey, ["BADKEY", "name and algorithm"]),
            (TsigError::BadSig, ["BADSIG", "the same secret"]),
            (TsigError::BadTrunc, ["BADTRUNC", "whole signatures"]),
            (TsigError::Unknown(23), ["error 23", "see its log"]),
        ] {
            let failure = Failure::Unverified(Unverified::Rejected(error), ResponseCode::NotAuth);
            let text = USUAL.says(Some(&failure));
            has(&text, &words);
            has(
                &text,
                &["unauthenticated", "the key k.example (hmac-sha256)"],
            );
        }
    }

    #[test]
    fn the_hint_at_addresses_stands_where_it_can_apply() {
        let bad_key = Failure::Unverified(
            Unverified::Rejected(TsigError::BadKey),
            ResponseCode::NotAuth,
        );
        has(&USUAL.says(Some(&bad_key)), &["Knot", "\"addresses\""]);
        let narrow = Case {
            is_broad: false,
            ..USUAL
        };
        assert!(!narrow.says(Some(&bad_key)).contains("\"addresses\""));
    }

    #[test]
    fn clocks_that_differ_are_told_with_both_times() {
        let bad_time = Unverified::BadTime {
            client: 2000,
            server: 3000,
        };
        has(
            &USUAL.says(Some(&Failure::Unverified(bad_time, ResponseCode::NotAuth))),
            &["BADTIME", "2000 here", "3000 there", "1000 seconds"],
        );
        let other = Unverified::OtherTime {
            client: 3000,
            server: 2000,
        };
        has(
            &USUAL.says(Some(&Failure::Unverified(other, ResponseCode::NoError))),
            &["could not confirm", "1000 seconds"],
        );
    }

    #[test]
    fn a_server_that_cannot_be_reached_is_told_with_who_named_it() {
        has(
            &USUAL.says(None),
            &[
                "SOA record of example.com",
                "ns1.example.com",
                "TCP port 53",
                "firewall",
                "`server`",
            ],
        );
        let configured = Case {
            is_configured: true,
            ..USUAL
        };
        let text = configured.says(None);
        has(
            &text,
            &[
                "`server` says to send there",
                "TCP port 53",
                "correct `server`",
            ],
        );
        assert!(!text.contains("SOA"), "{text}");
        let local = Case {
            primary: Some("localhost."),
            ..USUAL
        };
        has(
            &local.says(None),
            &["SOA record of example.com names localhost"],
        );
    }

    #[test]
    fn each_code_has_a_text_of_its_own() {
        let mut texts = std::collections::BTreeSet::new();
        for code in 1..=12_u16 {
            for failure in [Failure::Code(code.into()), unsigned(code.into())] {
                let text = USUAL.says(Some(&failure));
                has(&text, &[]);
                assert!(texts.insert(text.clone()), "{text}");
            }
        }
    }

    #[test]
    fn a_no_is_final_and_what_may_pass_is_not() {
        for code in [
            ResponseCode::Refused,
            ResponseCode::NotAuth,
            ResponseCode::YXRRSet,
        ] {
            assert!(
                Failure::Code(code).is_final() && unsigned(code).is_final(),
                "{code}"
            );
        }
        for code in [ResponseCode::ServFail, ResponseCode::NotImp] {
            assert!(
                !Failure::Code(code).is_final() && !unsigned(code).is_final(),
                "{code}"
            );
        }
        assert!(!unsigned(ResponseCode::NoError).is_final());
        assert!(!Failure::Exchange(exchange::Error::Closed(0)).is_final());
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        assert!(!Failure::Exchange(exchange::Error::Connect(refused)).is_final());
    }

    #[test]
    fn times_are_for_people() {
        assert_eq!(seconds(Duration::from_micros(345_434)), "0.3 s");
        assert_eq!(seconds(Duration::from_secs(3)), "3.0 s");
    }
}
