use super::*;
use crate::handshake::Login;
use crate::sender::{Sender, Told};

const LIMITS: Limits = Limits {
    frame: 1000,
    unpacked: 1000,
};

fn credentials(hostname: &str, key: &str, users: &[(&str, &str)]) -> Arc<Credentials> {
    let login = |(username, password): &(&str, &str)| Login {
        username: (*username).to_owned(),
        password: (*password).to_owned(),
    };
    Arc::new(Credentials {
        shared_key: key.to_owned(),
        self_hostname: hostname.to_owned(),
        users: users.iter().map(login).collect(),
    })
}

/// Has both shake hands; what each of the two comes to.
fn shake(receiver: Arc<Credentials>, sender: Arc<Credentials>) -> (Result<(), String>, Result<(), String>) {
    let (mut receiver, helo) = Receiver::greet(Some(receiver), LIMITS, [7; 32]);
    let mut sender = Sender::new(Some(sender), [8; 16]);
    let ping = match sender.take(&helo.unwrap()) {
        Ok(Told::Reply(ping)) => Bytes::from(ping),
        Ok(other) => panic!("{other:?}"),
        Err(error) => return (Ok(()), Err(error.to_string())),
    };
    assert!(!receiver.is_open() && !sender.is_open());
    let (received, pong) = match receiver.take(&ping) {
        Ok(Received::Reply(pong)) => (Ok(()), pong),
        Err(Refusal::Handshake(error, Some(pong))) => (Err(error.to_string()), pong),
        other => panic!("{other:?}"),
    };
    let told = sender.take(&pong).map(|told| assert_eq!(told, Told::Open));
    assert_eq!(receiver.is_open(), received.is_ok());
    assert_eq!(sender.is_open(), told.is_ok());
    (received, told.map_err(|error| error.to_string()))
}

#[test]
fn who_knows_the_key_comes_in() {
    let (received, told) = shake(credentials("in", "key", &[]), credentials("out", "key", &[]));
    assert_eq!((received, told), (Ok(()), Ok(())));
    let users = [("ann", "secret"), ("bob", "word")];
    let (received, told) = shake(
        credentials("in", "key", &users),
        credentials("out", "key", &[("bob", "word")]),
    );
    assert_eq!((received, told), (Ok(()), Ok(())));
}

#[test]
fn others_do_not() {
    let refused = |text: &str| Err(text.to_owned());
    let told = |text: &str| Err(format!("the peer refuses: {text}"));
    let (key, user) = ("shared_key mismatch", "username/password mismatch");
    let (one, two) = shake(credentials("in", "key", &[]), credentials("out", "other", &[]));
    assert_eq!((one, two), (refused(key), told(key)));
    for login in [("ann", "wrong"), ("eve", "secret"), ("", "")] {
        let (one, two) = shake(
            credentials("in", "key", &[("ann", "secret")]),
            credentials("out", "key", &[login]),
        );
        assert_eq!((one, two), (refused(user), told(user)));
    }
    let (_, told) = shake(
        credentials("in", "key", &[("ann", "secret")]),
        credentials("out", "key", &[]),
    );
    assert_eq!(told, refused("the peer wants a username"));
    let (one, _) = shake(credentials("same", "key", &[]), credentials("same", "key", &[]));
    assert_eq!(one, refused("the peer has the same self_hostname, \"same\""));
}

#[test]
fn nothing_is_taken_before_the_handshake() {
    let event = Bytes::from_static(b"\x93\xa1t\x01\x80");
    let (mut receiver, _) = Receiver::greet(Some(credentials("in", "key", &[])), LIMITS, [7; 32]);
    let refusal = receiver.take(&event).unwrap_err();
    assert_eq!(refusal.to_string(), "a PING was expected of the peer");
    let (mut receiver, greeting) = Receiver::greet(None, LIMITS, [7; 32]);
    assert_eq!(greeting, None);
    let received = receiver.take(&event).unwrap();
    assert!(matches!(received, Received::Events(_, Arrived(None))));
}

#[test]
fn who_asks_is_told_what_has_arrived() {
    let (mut receiver, _) = Receiver::greet(None, LIMITS, [7; 32]);
    let frame = Bytes::from_static(b"\x94\xa1t\x01\x80\x81\xa5chunk\xa2c1");
    let Ok(Received::Events(_, arrived)) = receiver.take(&frame) else {
        panic!("no events");
    };
    assert_eq!(arrived.reply().unwrap(), b"\x81\xa3ack\xa2c1");
    assert!(matches!(
        receiver.take(&Bytes::from_static(b"\xc0")),
        Ok(Received::Nothing)
    ));
}

#[test]
fn secrets_are_not_shown() {
    let shown = format!("{:?}", credentials("in", "hush", &[("ann", "hush")]));
    assert!(shown.contains("ann") && !shown.contains("hush"), "{shown}");
}
