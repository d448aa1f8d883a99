//! Certificates that are weak, ours and those of peers.

use super::client::client;
use super::{localhost, verifying};
use crate::testing::{Authority, KeyKind, request};
use crate::{Acceptor, Settings};
use openssl::ssl::SslVersion;

const VERSIONS: [SslVersion; 2] = [SslVersion::TLS1_2, SslVersion::TLS1_3];

/// A server goes on with what it has, and says so.
#[test]
fn our_certificates_may_be_weak() {
    let authority = Authority::new("ca");
    for (request, weakness) in [
        (request("a").signed_with_sha1(), "is signed with SHA-1"),
        (request("a").key(KeyKind::RsaOf(1024)), "an RSA key of 1024 bits"),
        (
            request("a").key(KeyKind::Rsa).signed_with_sha1(),
            "is signed with SHA-1",
        ),
    ] {
        let settings = Settings {
            certificates: vec![authority.issue(&request.host("localhost")).pair()],
            ..Settings::default()
        };
        let acceptor = Acceptor::new(&settings).unwrap();
        let told = acceptor.weaknesses();
        assert!(told.len() == 1 && told[0].contains(weakness), "{told:?}");
        assert!(told[0].contains("[CN=a] in the settings"), "{told:?}");
        for version in VERSIONS {
            let mut lenient = client(&authority).only(version);
            lenient.context.set_security_level(0);
            lenient.accepted(&acceptor);
        }
    }
    let strong = Acceptor::new(&localhost(&authority)).unwrap();
    assert_eq!(strong.weaknesses(), [] as [&str; 0]);
}

/// Peers show what Go takes from them, whatever the server itself has.
#[test]
fn those_of_peers_may_not() {
    let authority = Authority::new("ca");
    let weak = authority.issue(&request("server").host("localhost").signed_with_sha1());
    let weak = Settings {
        certificates: vec![weak.pair()],
        ..verifying(&authority)
    };
    for settings in [verifying(&authority), weak] {
        let acceptor = Acceptor::new(&settings).unwrap();
        for version in VERSIONS {
            let accepts = |request| {
                let mut peer = client(&authority).only(version);
                peer.context.set_security_level(0);
                peer.with(&authority.issue(&request))
                    .connect(&acceptor)
                    .0
                    .is_some()
            };
            assert!(accepts(request("peer")));
            assert!(accepts(request("peer").key(KeyKind::RsaOf(1024))));
            assert!(!accepts(request("peer").signed_with_sha1()));
            assert!(!accepts(request("peer").key(KeyKind::RsaOf(768))));
        }
    }
}

#[test]
fn a_key_that_anybody_can_break() {
    let issued = Authority::new("ca").issue(&request("a").key(KeyKind::RsaOf(768)));
    let settings = Settings {
        certificates: vec![issued.pair()],
        ..Settings::default()
    };
    assert_eq!(
        Acceptor::new(&settings).unwrap_err().to_string(),
        "the certificate in the settings has an RSA key of fewer than 1024 bits"
    );
}
