//! Of which certificates peers are told the state, and of which they are asked for one over HTTPS.

use super::client::client;
use super::verifying;
use crate::acceptor::https_acceptor;
use crate::testing::{Authority, Request, request};
use crate::{Acceptor, KeyPair, OcspPeer, Pem, Settings, Stapling, StaplingMode};

/// Monitoring asks nobody for a certificate, unless certificates are checked with their authority.
#[test]
fn https_by_the_same_settings() {
    let authority = Authority::new("ca");
    let https = |settings: &Settings| Acceptor {
        contexts: [https_acceptor(settings).unwrap().build().into_context()].into(),
        ..Acceptor::new(settings).unwrap()
    };
    let settings = verifying(&authority);
    client(&authority).accepted(&https(&settings));
    client(&authority).refused(&https(&Settings {
        ocsp_peer: Some(OcspPeer {
            verify: true,
            ..OcspPeer::default()
        }),
        ..settings
    }));
    assert!(https_acceptor(&Settings::default()).is_err());
}

fn stapling(mode: StaplingMode) -> Option<Stapling> {
    Some(Stapling {
        mode,
        urls: Vec::new(),
    })
}

#[test]
fn of_which_certificates_peers_are_told_the_state() {
    let authority = Authority::new("ca");
    let url = "http://127.0.0.1:1";
    let staples = |request: Request, mode: Option<StaplingMode>| {
        let settings = Settings {
            certificates: vec![authority.issue(&request.responder(url)).pair()],
            ca: Some(authority.ca()),
            stapling: mode.and_then(stapling),
            ..Settings::default()
        };
        let acceptor = Acceptor::new(&settings).unwrap();
        let staples: Vec<bool> = acceptor
            .staples()
            .iter()
            .map(|staple| staple.ends_server())
            .collect();
        staples
    };
    for (mode, of_demanding, of_others) in [
        (None, &[false][..], &[][..]),
        (Some(StaplingMode::Auto), &[false], &[]),
        (Some(StaplingMode::Must), &[true], &[]),
        (Some(StaplingMode::Always), &[true], &[true]),
        (Some(StaplingMode::Never), &[], &[]),
    ] {
        assert_eq!(
            staples(request("a").must_staple(), mode),
            of_demanding,
            "{mode:?}"
        );
        assert_eq!(staples(request("a"), mode), of_others, "{mode:?}");
    }
}

#[test]
fn who_is_asked_about_a_certificate() {
    let authority = Authority::new("ca");
    let middle = authority.intermediate("middle");
    let told = |settings: &Settings| Acceptor::new(settings).unwrap_err().to_string();
    let pair = |request: &Request| {
        let issued = middle.issue(request);
        KeyPair {
            certificate: Pem::Text((issued.certificate_text() + &middle.own().certificate_text()).into()),
            ..issued.pair()
        }
    };
    let by = |certificate: KeyPair, urls: &[&str]| Settings {
        certificates: vec![certificate],
        stapling: Some(Stapling {
            mode: StaplingMode::Always,
            urls: urls.iter().map(|url| (*url).to_owned()).collect(),
        }),
        ..Settings::default()
    };
    let named = request("a").responder("http://127.0.0.1:1");
    let urls = |settings: &Settings| Acceptor::new(settings).unwrap().staples()[0].urls().to_vec();
    assert_eq!(urls(&by(pair(&named), &[])), ["http://127.0.0.1:1"]);
    assert_eq!(urls(&by(pair(&named), &["http://b"])), ["http://b"]);
    assert_eq!(
        told(&by(pair(&request("a")), &[])),
        "peers cannot be told the state of the certificate in the settings (ocsp): it does not say whom to ask, and \
         ocsp has no url"
    );
    assert_eq!(
        told(&by(middle.issue(&named).pair(), &[])),
        "peers cannot be told the state of the certificate in the settings (ocsp): the certificate of its issuer is \
         neither behind it in cert_file nor in ca_file"
    );
}
