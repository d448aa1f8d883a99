//! Handshakes in memory.

mod client;
mod refusals;
mod stapling;
mod strength;

use super::*;
use crate::line::End;
use crate::testing::{Authority, KeyKind, request};
use crate::{CertificateNames, CipherSuite, Curve, KeyPair, Peer, Pem, Version};
use client::client;
use openssl::ssl::{SslStream, SslVerifyMode, SslVersion};

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
