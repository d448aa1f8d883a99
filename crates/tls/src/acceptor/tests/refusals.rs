//! Settings that make no acceptor.

use super::localhost;
use crate::testing::{Authority, request};
use crate::{Acceptor, KeyPair, OcspPeer, Pem, Settings};

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
