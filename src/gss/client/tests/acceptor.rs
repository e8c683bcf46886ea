//! With a server: which tokens make a context, and which signatures count.

use super::*;

/// A ticket for the service, as a KDC gives it.
fn service_ticket() -> (ServiceTicket, Outside) {
    let (ticket, _, outside) = ask(0, |_, request| Reply::to(request).octets());
    (ticket.unwrap(), outside)
}

/// What a server makes of the token, each part of which a test may change.
struct Acceptor {
    time: Duration,
    key: Key,
    subkey: Option<Key>,
    sequence: Option<i64>,
    state: u8,
    mechanism: &'static str,
    message: u8,
}

impl Acceptor {
    /// A good one.
    fn new() -> Self {
        Self {
            time: Duration::from_secs(NOW),
            key: session_key(2),
            subkey: Some(own_key(Enctype::Aes256Sha1)),
            sequence: Some(77),
            state: 0,
            mechanism: "1.2.840.113554.1.2.2",
            message: 2,
        }
    }

    /// Its token.
    fn token(&self) -> Vec<u8> {
        let time = Instant::new(self.time).unwrap();
        let part = EncApRepPart {
            ctime: time.time,
            cusec: time.microseconds,
            subkey: self.subkey.as_ref().map(|key| EncryptionKey {
                keytype: key.enctype().number(),
                keyvalue: OctetStringRef::new(key.octets()).unwrap(),
            }),
            seq_number: self.sequence,
        };
        let plain = Zeroizing::new(encode(kind::ENC_AP_REP_PART, &part).unwrap());
        let message = if self.message == 2 {
            let reply = ApRep {
                pvno: PVNO,
                msg_type: kind::AP_REP,
                enc_part: EncryptedData::seal(&self.key, usage::AP_REP, &plain, [4; BLOCK])
                    .unwrap(),
            };
            encode(kind::AP_REP, &reply).unwrap()
        } else {
            no(41, NOW, None)
        };
        spnego::tests::response(self.state, self.mechanism, self.message, &message)
    }
}

/// A context with a server like that, or what is said of it.
fn context(acceptor: &Acceptor) -> Result<crate::Context, String> {
    let (ticket, outside) = service_ticket();
    let (negotiation, _) = ticket.initiate(&outside).unwrap();
    negotiation
        .accept(&acceptor.token())
        .map_err(|error| error.to_string())
}

#[test]
fn a_server_that_proves_itself_gives_a_context() {
    context(&Acceptor::new()).unwrap();
    context(&Acceptor {
        subkey: None,
        sequence: None,
        ..Acceptor::new()
    })
    .unwrap();
    context(&Acceptor {
        mechanism: "1.2.840.48018.1.2.2",
        ..Acceptor::new()
    })
    .unwrap();
    context(&Acceptor {
        sequence: Some(-1),
        ..Acceptor::new()
    })
    .unwrap();
}

#[test]
fn a_server_that_does_not_prove_itself_gives_none() {
    let not_proven = |what: &str| {
        format!(
            "the server did not prove that it is DNS/ns.example.com ({what}), and without that nothing is sent to it"
        )
    };
    for (acceptor, said) in [
        (Acceptor { time: Duration::from_secs(NOW + 1), ..Acceptor::new() }, not_proven("its AP-REP answers another request")),
        (Acceptor { time: Duration::from_micros(NOW * 1_000_000 + 1), ..Acceptor::new() }, not_proven("its AP-REP answers another request")),
        (Acceptor { key: session_key(3), ..Acceptor::new() }, not_proven("its AP-REP is not made with the ticket's key")),
        (Acceptor { key: own_key(Enctype::Aes256Sha1), ..Acceptor::new() }, not_proven("its AP-REP is not one to our ticket")),
        (Acceptor { mechanism: "1.2.3", ..Acceptor::new() }, "the server chose another mechanism than Kerberos (1.2.3)".into()),
        (Acceptor { state: 1, ..Acceptor::new() }, "the server wants to go on negotiating, for which one TKEY exchange leaves no room: it may not take Kerberos".into()),
        (Acceptor { state: 2, ..Acceptor::new() }, "the server refuses to negotiate Kerberos (SPNEGO says reject): has it a keytab, and does `tkey-gssapi-keytab` or the like name it?".into()),
        (Acceptor { message: 3, ..Acceptor::new() }, "the server does not take the ticket for DNS/ns.example.com: its keytab has another key for this service than the KDC (41); export it anew on the server".into()),
    ] {
        assert_eq!(context(&acceptor).unwrap_err(), said);
    }
}

#[test]
fn a_token_cut_or_changed_anywhere_gives_no_context() {
    let (ticket, outside) = service_ticket();
    let token = Acceptor::new().token();
    let accepts = |token: &[u8]| ticket.initiate(&outside).unwrap().0.accept(token).is_ok();
    assert!(accepts(&token));
    for at in 0..token.len() {
        assert!(!accepts(&token[..at]), "cut to {at}");
        let mut changed = token.clone();
        changed[at] ^= 0x55;
        assert!(!accepts(&changed), "octet {at} changed");
    }
}

#[test]
fn a_signature_counts_once_and_in_order() {
    let acceptor = Acceptor::new();
    let mut context = context(&acceptor).unwrap();
    let key = acceptor.subkey.as_ref().unwrap();
    let mic = |flags, sequence: u64, usage, parts: &[u8]| {
        let mut mic = vec![4, 4, flags, 255, 255, 255, 255, 255];
        mic.extend(sequence.to_be_bytes());
        let checksum = key.checksum(usage, &[parts, &mic]);
        mic.extend(checksum);
        mic
    };
    let good = |sequence| mic(5, sequence, usage::ACCEPTOR_SIGN, b"answer");
    let order = |expected, found| Err(BadMic::Sequence { expected, found });
    assert_eq!(context.verify(&good(78), &[b"answer"]), order(77, 78));
    assert_eq!(context.verify(&good(76), &[b"answer"]), order(77, 76));
    assert_eq!(
        context.verify(&mic(4, 77, usage::ACCEPTOR_SIGN, b"answer"), &[b"answer"]),
        Err(BadMic::Form)
    );
    assert_eq!(
        context.verify(&mic(1, 77, usage::ACCEPTOR_SIGN, b"answer"), &[b"answer"]),
        Err(BadMic::Form)
    );
    assert_eq!(
        context.verify(&mic(5, 77, usage::INITIATOR_SIGN, b"answer"), &[b"answer"]),
        Err(BadMic::Checksum)
    );
    assert_eq!(
        context.verify(&good(77), &[b"another"]),
        Err(BadMic::Checksum)
    );
    for length in 0..good(77).len() {
        assert!(
            context.verify(&good(77)[..length], &[b"answer"]).is_err(),
            "cut to {length}"
        );
    }
    assert_eq!(context.verify(&good(77), &[b"ans", b"wer"]), Ok(()));
    assert_eq!(context.verify(&good(77), &[b"answer"]), order(78, 77));
    assert_eq!(context.verify(&good(78), &[b"answer"]), Ok(()));

    // Ours, with the acceptor's subkey, and never twice the same.
    let (first, second) = (context.sign(&[b"request"]), context.sign(&[b"request"]));
    assert_eq!(first[..8], [4, 4, 4, 255, 255, 255, 255, 255]);
    assert_eq!(first.len(), 28);
    assert_ne!(first, second);
    assert_eq!(
        first[16..],
        key.checksum(usage::INITIATOR_SIGN, &[b"request", &first[..16]])
    );
}
