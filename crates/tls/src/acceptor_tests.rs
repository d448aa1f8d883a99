//! Handshakes in memory, with a client that is the library's own.

use super::*;
use crate::testing::{Authority, Issued, KeyKind, request};
use crate::{CertificateNames, KeyPair, OcspPeer, Peer, Pem};
use openssl::ssl::{HandshakeError, MidHandshakeSslStream, SslConnector, SslStream, SslVersion};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::rc::Rc;

type Bytes = Rc<RefCell<VecDeque<u8>>>;

/// One end of a line without a wire.
#[derive(Debug)]
struct End {
    incoming: Bytes,
    outgoing: Bytes,
}

impl Read for End {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.incoming.borrow_mut().read(buffer)? {
            0 => Err(io::ErrorKind::WouldBlock.into()),
            count => Ok(count),
        }
    }
}

impl Write for End {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.outgoing.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

enum Side {
    Under(MidHandshakeSslStream<End>),
    Done(SslStream<End>),
    Failed,
}

impl Side {
    fn of(outcome: Result<SslStream<End>, HandshakeError<End>>) -> Self {
        match outcome {
            Ok(stream) => Self::Done(stream),
            Err(HandshakeError::WouldBlock(under)) => Self::Under(under),
            Err(_) => Self::Failed,
        }
    }

    fn go_on(self) -> Self {
        match self {
            Self::Under(under) => Self::of(under.handshake()),
            other => other,
        }
    }
}

/// A client as a test wants it.
struct Client {
    context: openssl::ssl::SslConnectorBuilder,
    host: &'static str,
}

fn client(authority: &Authority) -> Client {
    let mut context = SslConnector::builder(SslMethod::tls_client()).unwrap();
    context.set_mode(SslMode::NO_AUTO_CHAIN);
    context.set_cert_store(store(&[authority.certificate().clone()]).unwrap());
    Client {
        context,
        host: "localhost",
    }
}

impl Client {
    fn with(mut self, certificate: &Issued) -> Self {
        self.context.set_certificate(&certificate.certificate).unwrap();
        self.context.set_private_key(&certificate.key).unwrap();
        self
    }

    fn only(mut self, version: SslVersion) -> Self {
        self.context.set_min_proto_version(Some(version)).unwrap();
        self.context.set_max_proto_version(Some(version)).unwrap();
        self
    }

    fn to(mut self, host: &'static str) -> Self {
        self.host = host;
        self
    }

    /// Both ends of a handshake: the server's and the client's; None where it failed.
    fn connect(self, acceptor: &Acceptor) -> (Option<SslStream<End>>, Option<SslStream<End>>) {
        let (there, back) = (Bytes::default(), Bytes::default());
        let near = End {
            incoming: back.clone(),
            outgoing: there.clone(),
        };
        let far = End {
            incoming: there,
            outgoing: back,
        };
        let mut client = Side::of(self.context.build().connect(self.host, near));
        let mut server = Side::of(acceptor.start().unwrap().accept(far));
        for _ in 0..10 {
            client = client.go_on();
            server = server.go_on();
        }
        let done = |side| match side {
            Side::Done(stream) => Some(stream),
            Side::Under(_) | Side::Failed => None,
        };
        (done(server), done(client))
    }

    /// The server's end of a handshake that succeeds.
    #[track_caller]
    fn accepted(self, acceptor: &Acceptor) -> SslStream<End> {
        self.connect(acceptor).0.expect("the handshake succeeds")
    }

    #[track_caller]
    fn refused(self, acceptor: &Acceptor) {
        assert!(self.connect(acceptor).0.is_none(), "the handshake fails");
    }
}

fn localhost(authority: &Authority) -> Settings {
    let server = authority.issue(&request("server").host("localhost"));
    Settings {
        certificates: vec![server.pair()],
        ..Settings::default()
    }
}

fn verifying(authority: &Authority) -> Settings {
    Settings {
        verify: true,
        ca: Some(authority.ca()),
        ..localhost(authority)
    }
}

#[test]
fn versions_and_suites_as_they_are_shown() {
    let authority = Authority::new("ca");
    let acceptor = Acceptor::new(&localhost(&authority)).unwrap();
    let stream = client(&authority).only(SslVersion::TLS1_3).accepted(&acceptor);
    let peer = Peer::of(stream.ssl());
    assert_eq!((peer.version, peer.certificates.as_slice()), ("1.3", &[][..]));
    assert!(
        peer.cipher_suite.parse::<CipherSuite>().is_ok(),
        "{}",
        peer.cipher_suite
    );

    let stream = client(&authority).only(SslVersion::TLS1_2).accepted(&acceptor);
    let peer = Peer::of(stream.ssl());
    assert_eq!(peer.version, "1.2");
    assert_eq!(peer.cipher_suite, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256");
    client(&authority).only(SslVersion::TLS1_1).refused(&acceptor);
}

#[test]
fn the_oldest_version_that_is_spoken() {
    let authority = Authority::new("ca");
    let settings = Settings {
        min_version: Version::Tls13,
        ..localhost(&authority)
    };
    let acceptor = Acceptor::new(&settings).unwrap();
    client(&authority).only(SslVersion::TLS1_2).refused(&acceptor);
    client(&authority).accepted(&acceptor);
}

#[test]
fn only_chosen_suites_are_spoken() {
    let authority = Authority::new("ca");
    let with = |names: &[&str]| {
        let settings = Settings {
            cipher_suites: names.iter().map(|name| name.parse().unwrap()).collect(),
            ..localhost(&authority)
        };
        Acceptor::new(&settings).unwrap()
    };
    let suite = |stream: &SslStream<End>| Peer::of(stream.ssl()).cipher_suite;

    let aes_256 = with(&["TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"]);
    let stream = client(&authority).only(SslVersion::TLS1_2).accepted(&aes_256);
    assert_eq!(suite(&stream), "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384");
    // The suites of the newer version are another matter.
    client(&authority).only(SslVersion::TLS1_3).accepted(&aes_256);
    let mut other = client(&authority).only(SslVersion::TLS1_2);
    other
        .context
        .set_cipher_list("ECDHE-ECDSA-AES128-GCM-SHA256")
        .unwrap();
    other.refused(&aes_256);

    let chacha = with(&["TLS_CHACHA20_POLY1305_SHA256"]);
    let stream = client(&authority).accepted(&chacha);
    assert_eq!(suite(&stream), "TLS_CHACHA20_POLY1305_SHA256");
    client(&authority).only(SslVersion::TLS1_2).refused(&chacha);

    let of_rsa = with(&["TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"]);
    client(&authority).only(SslVersion::TLS1_2).refused(&of_rsa);
}

#[test]
fn suites_that_the_library_does_not_have() {
    let authority = Authority::new("ca");
    let settings = Settings {
        cipher_suites: vec!["TLS_RSA_WITH_RC4_128_SHA".parse().unwrap()],
        ..localhost(&authority)
    };
    // Some builds have it.
    if let Err(error) = Acceptor::new(&settings) {
        assert_eq!(
            error.to_string(),
            "none of the cipher suites is in this version of OpenSSL: TLS_RSA_WITH_RC4_128_SHA"
        );
    }
}

#[test]
fn only_chosen_curves_are_used() {
    let authority = Authority::new("ca");
    let settings = Settings {
        curve_preferences: vec![Curve::X25519MlKem768, Curve::P384],
        ..localhost(&authority)
    };
    let acceptor = Acceptor::new(&settings).unwrap();
    let mut with_it = client(&authority);
    with_it.context.set_groups_list("P-384").unwrap();
    with_it.accepted(&acceptor);
    let mut without = client(&authority);
    without.context.set_groups_list("P-521").unwrap();
    without.refused(&acceptor);
}

#[test]
fn a_peer_must_show_a_certificate_of_the_authority() {
    let (authority, other) = (Authority::new("ca"), Authority::new("other"));
    let acceptor = Acceptor::new(&verifying(&authority)).unwrap();
    let derek = request("derek");
    client(&authority).refused(&acceptor);
    client(&authority).with(&other.issue(&derek)).refused(&acceptor);
    client(&authority)
        .with(&authority.issue(&derek.clone().expired()))
        .refused(&acceptor);

    let derek = authority.issue(&derek);
    let stream = client(&authority).with(&derek).accepted(&acceptor);
    let certificates = Peer::of(stream.ssl()).certificates;
    let [certificate] = certificates.as_slice() else {
        panic!("{certificates:?}");
    };
    assert_eq!(certificate.subject, "CN=derek");
    assert_eq!(
        certificate.subject_pk_sha256,
        Pin::of(&derek.certificate).unwrap()
    );
    assert_eq!(certificate.cert_sha256.len(), 64);
}

#[test]
fn all_certificates_of_a_peer_are_shown() {
    let authority = Authority::new("ca");
    let middle = authority.intermediate("middle");
    let acceptor = Acceptor::new(&verifying(&authority)).unwrap();
    let mut client = client(&authority).with(&middle.issue(&request("derek")));
    client
        .context
        .add_extra_chain_cert(middle.certificate().clone())
        .unwrap();
    let stream = client.accepted(&acceptor);
    let subjects: Vec<String> = Peer::of(stream.ssl())
        .certificates
        .into_iter()
        .map(|certificate| certificate.subject)
        .collect();
    assert_eq!(subjects, ["CN=derek", "CN=middle"]);
}

/// As in Go, what is in the file is trusted, be it the certificate of a root or not.
#[test]
fn an_authority_need_not_be_a_root() {
    let authority = Authority::new("ca");
    let middle = authority.intermediate("middle");
    let settings = Settings {
        ca: Some(middle.ca()),
        ..verifying(&authority)
    };
    let acceptor = Acceptor::new(&settings).unwrap();
    client(&authority)
        .with(&middle.issue(&request("derek")))
        .accepted(&acceptor);
    client(&authority)
        .with(&authority.issue(&request("derek")))
        .refused(&acceptor);
}

#[test]
fn pinned_keys() {
    let authority = Authority::new("ca");
    let (known, unknown) = (authority.issue(&request("a")), authority.issue(&request("b")));
    let settings = Settings {
        pinned_certs: [Pin::of(&known.certificate).unwrap()].into(),
        ..verifying(&authority)
    };
    let acceptor = Acceptor::new(&settings).unwrap();
    assert!(acceptor.is_pinned(client(&authority).with(&known).accepted(&acceptor).ssl()));
    assert!(!acceptor.is_pinned(client(&authority).with(&unknown).accepted(&acceptor).ssl()));

    let unasked = Settings {
        verify: false,
        ..settings
    };
    let acceptor = Acceptor::new(&unasked).unwrap();
    assert!(!acceptor.is_pinned(client(&authority).accepted(&acceptor).ssl()));
    let acceptor = Acceptor::new(&localhost(&authority)).unwrap();
    assert!(acceptor.is_pinned(client(&authority).accepted(&acceptor).ssl()));
}

/// A pin is the hash of what `openssl x509 -pubkey` shows.
#[test]
fn a_pin_is_of_the_public_key() {
    for kind in [KeyKind::Ecdsa, KeyKind::Rsa] {
        let issued = Authority::new("ca").issue(&request("a").key(kind));
        let encoded = issued.key.public_key_to_der().unwrap();
        let expected = openssl::sha::sha256(&encoded);
        assert_eq!(Pin::of(&issued.certificate).unwrap().bytes(), &expected);
    }
}

#[test]
fn a_host_chooses_the_certificate() {
    let authority = Authority::new("ca");
    let pair = |name: &str, host: &str| authority.issue(&request(name).host(host)).pair();
    let settings = Settings {
        certificates: vec![
            pair("one", "one.example.com"),
            pair("two", "two.example.com"),
            pair("any", "*.example.com"),
        ],
        ..Settings::default()
    };
    let acceptor = Acceptor::new(&settings).unwrap();
    for (host, expected) in [
        ("one.example.com", "one"),
        ("TWO.example.com", "two"),
        ("three.example.com", "any"),
        ("example.com", "one"),
        ("a.b.example.com", "one"),
        ("127.0.0.1", "one"),
    ] {
        let mut client = client(&authority).to(host);
        client.context.set_verify(SslVerifyMode::NONE);
        let (_, stream) = client.connect(&acceptor);
        let certificate = stream.unwrap().ssl().peer_certificate().unwrap();
        let name = CertificateNames::of(&certificate).subject;
        assert_eq!(name, format!("CN={expected}"), "{host}");
    }
}

/// A certificate that is chosen by a host asks the same of peers as the others do.
#[test]
fn every_certificate_verifies() {
    let authority = Authority::new("ca");
    let mut settings = verifying(&authority);
    settings
        .certificates
        .push(authority.issue(&request("two").host("two")).pair());
    let acceptor = Acceptor::new(&settings).unwrap();
    client(&authority).to("two").refused(&acceptor);
    let derek = authority.issue(&request("derek"));
    client(&authority).to("two").with(&derek).accepted(&acceptor);
}

#[test]
fn the_chain_is_shown_to_peers() {
    let authority = Authority::new("ca");
    let middle = authority.intermediate("middle");
    let server = middle.issue(&request("server").host("localhost"));
    let text = server.certificate_text() + &middle.own().certificate_text();
    let settings = Settings {
        certificates: vec![KeyPair {
            certificate: Pem::Text(text.into()),
            ..server.pair()
        }],
        ..Settings::default()
    };
    client(&authority).accepted(&Acceptor::new(&settings).unwrap());
}

#[test]
fn when_it_expires() {
    let authority = Authority::new("ca");
    let pair = |not_after| authority.issue(&request("a").valid(0, not_after)).pair();
    for end in [4_102_444_800, 1_000_000_000, 86_399] {
        let settings = Settings {
            certificates: vec![pair(end), pair(7)],
            ..Settings::default()
        };
        assert_eq!(Acceptor::new(&settings).unwrap().not_after(), end);
    }
}

#[test]
fn what_makes_no_acceptor() {
    let authority = Authority::new("ca");
    let pair = authority.issue(&request("a")).pair();
    let missing = || Pem::File("/nowhere/a.pem".into());
    let text = |text: &str| Pem::Text(text.into());
    let told = |settings: Settings| Acceptor::new(&settings).unwrap_err().to_string();
    let told_of_pair = |certificate: Pem, key: Pem| {
        told(Settings {
            certificates: vec![KeyPair { certificate, key }],
            ..Settings::default()
        })
    };
    let (certificate, key) = (|| pair.certificate.clone(), || pair.key.clone());

    assert_eq!(
        told(Settings::default()),
        "TLS needs a certificate and its private key"
    );
    assert_eq!(
        told_of_pair(missing(), key()),
        "cannot read the certificate /nowhere/a.pem: No such file or directory (os error 2)"
    );
    assert_eq!(
        told_of_pair(certificate(), missing()),
        "cannot read the private key /nowhere/a.pem: No such file or directory (os error 2)"
    );
    assert_eq!(
        told_of_pair(key(), key()),
        "there is no certificate in the settings"
    );
    assert_eq!(
        told_of_pair(certificate(), certificate()),
        "there is no private key in the settings"
    );
    assert_eq!(
        told_of_pair(authority.ca(), key()),
        "the private key in the settings does not belong to the certificate in the settings"
    );
    let damaged = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
    let error = told_of_pair(text(damaged), key());
    assert!(
        error.starts_with("the certificate in the settings is damaged: "),
        "{error}"
    );
    let damaged = "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n";
    let error = told_of_pair(certificate(), text(damaged));
    assert!(
        error.starts_with("the private key in the settings is damaged: "),
        "{error}"
    );
    assert_eq!(
        told(Settings {
            ca: Some(text("nothing")),
            ..localhost(&authority)
        }),
        "there is no CA certificate in the settings"
    );
    assert_eq!(
        told(Settings {
            ocsp_peer: Some(OcspPeer {
                verify: true,
                ..OcspPeer::default()
            }),
            ..localhost(&authority)
        }),
        "to check certificates of clients by OCSP (ocsp_peer), verify must be on"
    );
}

/// Nobody is asked for the password.
#[test]
fn a_key_with_a_password() {
    let issued = Authority::new("ca").issue(&request("a"));
    let cipher = openssl::symm::Cipher::aes_256_cbc();
    let key = issued
        .key
        .private_key_to_pem_pkcs8_passphrase(cipher, b"secret")
        .unwrap();
    let settings = Settings {
        certificates: vec![KeyPair {
            key: Pem::Text(String::from_utf8(key).unwrap().into()),
            ..issued.pair()
        }],
        ..Settings::default()
    };
    assert_eq!(
        Acceptor::new(&settings).unwrap_err().to_string(),
        "the private key in the settings has a password; a key without one is needed"
    );
}
