//! With a KDC: which answers are believed, and what is said of the others.

use super::*;

#[test]
fn a_good_kdc_gives_a_ticket_in_two_exchanges() {
    let (ticket, requests, _) = ask(0, |_, request| Reply::to(request).octets());
    let ticket = ticket.unwrap();
    assert_eq!(
        (ticket.clock_offset(), ticket.service.as_str()),
        (0, SERVICE)
    );
    assert_eq!(ticket.key.octets(), session_key(2).octets());
    let asked: Vec<_> = requests
        .iter()
        .map(|request| (request.kind, request.sname.as_str()))
        .collect();
    assert_eq!(
        asked,
        [
            (kind::AS_REQ, "krbtgt/EXAMPLE.COM"),
            (kind::TGS_REQ, SERVICE)
        ]
    );
    assert!(
        requests
            .iter()
            .all(|request| request.realm == "EXAMPLE.COM")
    );
}

#[test]
fn an_answer_to_something_else_is_not_believed() {
    let is_said = |changed, change: fn(&mut Reply), what: &str| {
        let said = said(changed, change);
        let who = if changed == 0 {
            "cannot log in as HOST$@EXAMPLE.COM"
        } else {
            "cannot get a ticket for DNS/ns.example.com as HOST$@EXAMPLE.COM"
        };
        assert_eq!(
            said,
            format!(
                "{who}: the KDC's answer {what}: something between here and the KDC of EXAMPLE.COM answers in its place, or it is broken"
            )
        );
    };
    for exchange in [0, 1] {
        is_said(
            exchange,
            |reply| reply.nonce += 1,
            "is one to another request",
        );
        is_said(
            exchange,
            |reply| reply.nonce = -1,
            "is one to another request",
        );
        is_said(
            exchange,
            |reply| reply.cname = "OTHER$",
            "is for another principal",
        );
        is_said(
            exchange,
            |reply| reply.crealm = "OTHER",
            "is for another principal",
        );
        is_said(
            exchange,
            |reply| reply.part = kind::ENC_AP_REP_PART,
            "is malformed inside",
        );
        is_said(
            exchange,
            |reply| reply.ticket = Any::new(Tag::Sequence, []).unwrap(),
            "is malformed",
        );
    }
    is_said(
        0,
        |reply| reply.sname = "krbtgt/OTHER",
        "has a ticket for something else",
    );
    is_said(
        0,
        |reply| reply.srealm = "OTHER",
        "has a ticket for something else",
    );
    is_said(
        1,
        |reply| reply.key = own_key(Enctype::Aes256Sha1),
        "is encrypted in a way that was not asked for",
    );
}

#[test]
fn an_answer_with_another_key_tells_both_versions() {
    let other = || key_of(Enctype::Aes256Sha384, 99);
    assert_eq!(
        said(0, move |reply| reply.key = other()),
        "cannot log in as HOST$@EXAMPLE.COM: the keytab is stale: its key has kvno 2, the KDC's has kvno 3; export it anew"
    );
    assert_eq!(
        said(0, |reply| reply.usage = usage::TGS_REP),
        "cannot log in as HOST$@EXAMPLE.COM: the keytab is stale: its key has kvno 2, the KDC's has kvno 3; export it anew"
    );
    assert_eq!(
        said(0, |reply| {
            reply.usage = usage::TGS_REP;
            reply.kvno = None;
        }),
        "cannot log in as HOST$@EXAMPLE.COM: the keytab's key (kvno 2) is not the KDC's; export it anew"
    );
    assert_eq!(
        said(1, |reply| reply.key = session_key(3)),
        "cannot get a ticket for DNS/ns.example.com as HOST$@EXAMPLE.COM: the KDC's answer is not encrypted with the session's key: something else answered"
    );
}

#[test]
fn the_tag_of_the_other_reply_is_taken_where_rfc_4120_allows_it() {
    let (ticket, _, _) = ask(0, |_, request| {
        let mut reply = Reply::to(request);
        reply.part = kind::ENC_TGS_REP_PART;
        reply.octets()
    });
    ticket.unwrap();
}

#[test]
fn the_next_enctype_is_tried_for_lack_of_one_and_never_for_a_wrong_key() {
    let (ticket, requests, _) = ask(0, |count, request| match count {
        0 | 1 => no(ETYPE_NOSUPP, NOW, None),
        _ => Reply::to(request).octets(),
    });
    ticket.unwrap();
    let first: Vec<_> = requests
        .iter()
        .take(3)
        .map(|request| request.etypes[0])
        .collect();
    assert_eq!(first, [20, 18, 19]);

    let info = |etypes: &[i32]| {
        let entries: Vec<_> = etypes
            .iter()
            .map(|&etype| EtypeInfo2Entry {
                etype,
                salt: None,
                s2kparams: None,
            })
            .collect();
        let hint = PaData {
            padata_type: PaData::ETYPE_INFO2,
            padata_value: OctetString::new(entries.to_der().unwrap()).unwrap(),
        };
        vec![hint].to_der().unwrap()
    };
    for (e_data, count) in [
        (None, 1),
        (Some(info(&[20, 17])), 1),
        (Some(info(&[17, 23])), 2),
        (Some(info(&[23])), 1),
        (Some(vec![1]), 1),
    ] {
        let (ticket, requests, _) = ask(0, move |_, _| no(PREAUTH_FAILED, NOW, e_data.clone()));
        let error = ticket.unwrap_err().to_string();
        assert!(error.contains("(24): the keytab is stale"), "{error}");
        assert_eq!(requests.len(), count);
    }
    let (ticket, requests, _) = ask(0, |_, _| no(ETYPE_NOSUPP, NOW, None));
    let error = ticket.unwrap_err().to_string();
    assert!(
        error.contains("has none of the keytab's enctypes"),
        "{error}"
    );
    assert_eq!(requests.len(), 4);
}

#[test]
fn a_clock_that_is_off_is_corrected_once() {
    let (ticket, requests, _) = ask(5000, |count, request| match count {
        0 => no(SKEW, NOW, None),
        _ => Reply::to(request).octets(),
    });
    assert_eq!((ticket.unwrap().clock_offset(), requests.len()), (-5000, 3));
    let (ticket, requests, _) = ask(5000, |_, _| no(SKEW, NOW, None));
    let error = ticket.unwrap_err().to_string();
    assert!(
        error.contains("the clocks of this computer and of EXAMPLE.COM differ by too much (37)"),
        "{error}"
    );
    assert_eq!(requests.len(), 2);
    // Only what was encrypted with our key says the time for good.
    let (ticket, _, _) = ask(0, |count, request| match count {
        0 => no(SKEW, 0, None),
        _ => Reply::to(request).octets(),
    });
    assert_eq!(ticket.unwrap().clock_offset(), 0);
}

#[test]
fn referrals_end() {
    let (ticket, requests, _) = ask(0, |count, request| {
        let mut reply = Reply::to(request);
        if count > 0 {
            reply.sname = ["krbtgt/A", "krbtgt/B", "krbtgt/A"][count - 1];
        }
        reply.session = session_key(1);
        reply.octets()
    });
    assert_eq!(
        ticket.unwrap_err().to_string(),
        "cannot get a ticket for DNS/ns.example.com as HOST$@EXAMPLE.COM: the referrals from realm to realm do not end: EXAMPLE.COM, A, B, A"
    );
    let realms: Vec<_> = requests
        .iter()
        .map(|request| request.realm.as_str())
        .collect();
    assert_eq!(realms, ["EXAMPLE.COM", "EXAMPLE.COM", "A", "B"]);
}

#[test]
fn what_a_kdc_says_is_shown_without_its_escapes() {
    let (ticket, _, _) = ask(0, |_, _| no(12, NOW, None));
    assert_eq!(
        ticket.unwrap_err().to_string(),
        "cannot log in as HOST$@EXAMPLE.COM: the policy of EXAMPLE.COM does not allow it (12); see the KDC's log; it says: its \\u{1b}[31mown words"
    );
}

#[test]
fn every_code_of_a_kdc_ends_in_one_line() {
    for code in (-2..100).chain([i32::MAX]) {
        let (ticket, requests, _) = ask(0, move |_, _| no(code, NOW, None));
        let error = ticket.unwrap_err().to_string();
        assert!(
            !error.contains('\n') && error.starts_with("cannot log in as HOST$@EXAMPLE.COM: "),
            "{error}"
        );
        assert!(requests.len() <= 4, "{code}");
    }
}

#[test]
fn an_answer_cut_or_changed_anywhere_is_never_believed() {
    let (_, requests, outside) = ask(0, |_, request| Reply::to(request).octets());
    let credentials = Credentials {
        principal: Principal {
            name: name("HOST$"),
            realm: "EXAMPLE.COM".into(),
        },
        kvno: 2,
        keys: Enctype::ALL.map(own_key).into(),
    };
    let mut client = Client {
        environment: &outside,
        deadline: time::Instant::now(),
        offset: 0,
        proven: None,
    };
    let good = Reply::to(&requests[0]);
    let octets = good.octets();
    let purpose = || Purpose::LogIn {
        principal: "HOST$".into(),
        kvno: 2,
    };
    let mut believes = |octets: &[u8]| {
        let Ok(Answer::Reply(reply)) = read_answer(octets, kind::AS_REP) else {
            return None;
        };
        client
            .read_as_reply(&credentials, &reply, requests[0].nonce, purpose())
            .ok()
    };
    assert!(believes(&octets).is_some());
    for at in 0..octets.len() {
        assert!(believes(&octets[..at]).is_none(), "cut to {at}");
        let mut changed = octets.clone();
        changed[at] ^= 1;
        // What is outside the encrypted part, and not compared, can't harm: a ticket that the service does not read, the
        // case of a name, its kind, the key's version.
        if let Some(session) = believes(&changed) {
            assert_eq!(session.key.octets(), good.session.octets());
            assert!(session.client.name.is(&name("HOST$")));
        }
    }
}
