use super::*;

#[test]
fn who_needs_no_credentials_sends_at_once() {
    let mut sender = Sender::new(None, [0; 16]);
    assert!(sender.is_open());
    assert_eq!(sender.take(b"\x81\xa3ack\xa1c"), Ok(Told::Arrived(b"c")));
    assert_eq!(sender.take(b"\xc0"), Ok(Told::Nothing));
    let helo = Helo {
        nonce: b"n".to_vec(),
        auth: Vec::new(),
    };
    assert_eq!(sender.take(&helo.encode()), Err(HandshakeError::KeyWanted));
}

#[test]
fn what_is_out_of_turn_ends_it() {
    let credentials = Arc::new(Credentials {
        shared_key: "key".to_owned(),
        self_hostname: "out".to_owned(),
        users: Vec::new(),
    });
    let mut sender = Sender::new(Some(credentials.clone()), [0; 16]);
    let expected = HandshakeError::Unexpected("HELO");
    assert_eq!(sender.take(b"\x81\xa3ack\xa1c"), Err(expected));
    let helo = Helo {
        nonce: b"n".to_vec(),
        auth: Vec::new(),
    };
    let mut sender = Sender::new(Some(credentials), [0; 16]);
    assert!(matches!(sender.take(&helo.encode()), Ok(Told::Reply(_))));
    let expected = HandshakeError::Unexpected("PONG");
    assert_eq!(sender.take(&helo.encode()), Err(expected));
}

/// A peer that only pretends to know the key gets no events.
#[test]
fn a_peer_has_to_know_the_key_too() {
    let credentials = Arc::new(Credentials {
        shared_key: "key".to_owned(),
        self_hostname: "out".to_owned(),
        users: Vec::new(),
    });
    let helo = Helo {
        nonce: b"n".to_vec(),
        auth: Vec::new(),
    };
    let mut sender = Sender::new(Some(credentials), [0; 16]);
    assert!(matches!(sender.take(&helo.encode()), Ok(Told::Reply(_))));
    let pong = Pong {
        is_welcome: true,
        reason: b"",
        hostname: b"in",
        digest: &digest(&[b"guess"]),
    };
    assert_eq!(sender.take(&pong.encode()), Err(HandshakeError::SharedKey));
    assert!(!sender.is_open());
}
