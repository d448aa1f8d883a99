//! Handshakes in memory between a Connector and an Acceptor.

use super::*;
use crate::line::line;
use crate::testing::{Authority, Issued, KeyKind, request};
use crate::{Acceptor, Peer, Pin, StreamError, TlsStream, Unfinished};
use std::io::{Read, Write};

fn shown_by(server: &Issued) -> Settings {
    Settings {
        certificates: vec![server.pair()],
        ..Settings::default()
    }
}

fn trusting(authority: &Authority) -> Settings {
    Settings {
        ca: Some(authority.ca()),
        ..Settings::default()
    }
}

/// What the handshake comes to for the client and for the server.
type Outcome = (Result<String, String>, Result<Peer, String>);

fn advance<S: Read + Write>(stream: &mut TlsStream<S>) -> Option<Result<(), StreamError>> {
    match stream.handshake() {
        Ok(()) => Some(Ok(())),
        Err(Unfinished::Failed(error)) => Some(Err(error)),
        Err(Unfinished::WantsRead | Unfinished::WantsWrite) => None,
    }
}

/// A handshake with the server of this name. Of the client, the name that it asked for is given.
fn meet(client: &Settings, server: &Settings, name: &str) -> Outcome {
    let (near, far) = line();
    let ssl = Connector::new(client).unwrap().start(name).unwrap();
    let mut client = TlsStream::new(ssl, near).unwrap();
    let ssl = Acceptor::new(server).unwrap().start().unwrap();
    let mut server = TlsStream::new(ssl, far).unwrap();
    let (mut near, mut far) = (None, None);
    for _ in 0..10 {
        near = near.or_else(|| advance(&mut client));
        far = far.or_else(|| advance(&mut server));
    }
    let asked_for = || {
        let name = server.ssl().servername(openssl::ssl::NameType::HOST_NAME);
        name.unwrap_or_default().to_owned()
    };
    let near = near.expect("the client's side ends");
    let far = far.unwrap_or(Ok(()));
    (
        near.map(|()| asked_for()).map_err(|error| error.to_string()),
        far.map(|()| Peer::of(server.ssl()))
            .map_err(|error| error.to_string()),
    )
}

fn client_side(client: &Settings, server: &Settings, name: &str) -> Result<String, String> {
    meet(client, server, name).0
}

#[test]
fn the_certificate_has_to_be_for_the_server() {
    let authority = Authority::new("ca");
    let certificate = request("common.example")
        .host("a.example")
        .host("*.b.example")
        .ip("127.0.0.1")
        .ip("::1");
    let server = shown_by(&authority.issue(&certificate));
    let client = trusting(&authority);
    for (name, asked_for) in [
        ("a.example", Some("a.example")),
        ("A.Example.", Some("A.Example")),
        ("x.b.example", Some("x.b.example")),
        // An address is not asked for by name.
        ("127.0.0.1", Some("")),
        ("::1", Some("")),
        ("127.0.0.2", None),
        ("b.example", None),
        ("x.y.b.example", None),
        ("c.example", None),
        // What a certificate is called is not what it is for.
        ("common.example", None),
    ] {
        let told = client_side(&client, &server, name);
        match asked_for {
            Some(asked_for) => assert_eq!(told.as_deref(), Ok(asked_for), "{name}"),
            None => {
                let error = told.unwrap_err();
                assert!(error.contains("mismatch"), "{name}: {error}");
            }
        }
    }
}

#[test]
fn the_authority_has_to_be_known() {
    let (authority, other) = (Authority::new("ca"), Authority::new("other"));
    let server = shown_by(&authority.issue(&request("server").host("a.example")));
    let refused = client_side(&trusting(&other), &server, "a.example").unwrap_err();
    assert!(
        refused.starts_with("tls: failed to verify certificate: "),
        "{refused}"
    );
    // The system's do not include it either.
    assert!(client_side(&Settings::default(), &server, "a.example").is_err());
    let insecure = Settings {
        insecure: true,
        ..trusting(&other)
    };
    assert_eq!(
        client_side(&insecure, &server, "b.example").as_deref(),
        Ok("b.example")
    );
}

#[test]
fn certificates_have_to_be_good() {
    let authority = Authority::new("ca");
    let good = || request("server").host("a.example");
    for (bad, reason) in [
        (good().expired(), "certificate has expired"),
        (
            good().signed_with_sha1(),
            "CA signature digest algorithm too weak",
        ),
    ] {
        let server = shown_by(&authority.issue(&bad));
        let refused = client_side(&trusting(&authority), &server, "a.example").unwrap_err();
        assert!(refused.contains(reason), "{refused}");
    }
    let short = shown_by(&authority.issue(&good().key(KeyKind::RsaOf(1024))));
    assert!(client_side(&trusting(&authority), &short, "a.example").is_ok());
}

#[test]
fn the_own_certificate_is_shown_if_it_is_asked_for() {
    let authority = Authority::new("ca");
    let server = shown_by(&authority.issue(&request("server").host("a.example")));
    let client = Settings {
        certificates: vec![authority.issue(&request("derek")).pair()],
        ..trusting(&authority)
    };
    let (_, seen) = meet(&client, &server, "a.example");
    assert_eq!(seen.unwrap().certificates, []);
    let asking = Settings {
        verify: true,
        ca: Some(authority.ca()),
        ..server
    };
    let (_, seen) = meet(&client, &asking, "a.example");
    assert_eq!(seen.unwrap().certificates[0].subject, "CN=derek");
    let (_, without) = meet(&trusting(&authority), &asking, "a.example");
    assert_eq!(without.unwrap_err(), "tls: client didn't provide a certificate");
}

#[test]
fn pinned_keys_and_no_others() {
    let authority = Authority::new("ca");
    let issued = authority.issue(&request("server").host("a.example"));
    let server = shown_by(&issued);
    for (pinned, is_let_in) in [
        (vec![], true),
        (vec![Pin::of(&issued.certificate).unwrap()], true),
        (vec!["00".repeat(32).parse().unwrap()], false),
    ] {
        let settings = Settings {
            pinned_certs: pinned.into_iter().collect(),
            ..trusting(&authority)
        };
        let connector = Connector::new(&settings).unwrap();
        let (near, far) = line();
        let mut client = TlsStream::new(connector.start("a.example").unwrap(), near).unwrap();
        let ssl = Acceptor::new(&server).unwrap().start().unwrap();
        let mut far = TlsStream::new(ssl, far).unwrap();
        while advance(&mut client).is_none() {
            let _ = advance(&mut far);
        }
        assert_eq!(connector.is_pinned(client.ssl()), is_let_in);
    }
}

#[test]
fn what_makes_no_connector() {
    let missing = Settings {
        ca: Some(crate::Pem::File("/nowhere/ca.pem".into())),
        ..Settings::default()
    };
    assert_eq!(
        Connector::new(&missing).unwrap_err().to_string(),
        "cannot read the CA certificate /nowhere/ca.pem: No such file or directory (os error 2)"
    );
}

#[test]
fn what_is_no_name_of_a_server() {
    let connector = Connector::new(&Settings::default()).unwrap();
    for name in ["", ".", "a\0b", &"a".repeat(300)] {
        assert!(connector.start(name).is_err(), "{name:?}");
    }
}
