//! Certificates are read anew: who comes is shown the new one, who is there stays, unless its key is off the list.

use vagus::Server;
use vagus_test_support::{Connector, server};
use vagus_tls::testing::{Authority, request};
use vagus_tls::{KeyPair, Pem, Pin, Settings};

const CONNECT: &str = r#"{"verbose":false}"#;

fn set(server: &Server, change: impl FnOnce(&mut Option<Settings>)) {
    let mut config = server.reloads().unwrap().current.config.clone();
    change(&mut config.clients.tls);
    server.reload(config).unwrap();
}

#[test]
fn replaced_where_they_are() {
    let folder = std::env::temp_dir().join(format!("vagus-certificates-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let authority = Authority::new("ca");
    let issue = || authority.issue(&request("server").host("localhost").ip("127.0.0.1"));
    let (first, second) = (issue(), issue());
    let (certificate, key) = first.write(&folder, "server");
    let settings = Settings {
        certificates: vec![KeyPair {
            certificate: Pem::File(certificate.clone()),
            key: Pem::File(key.clone()),
        }],
        ..Settings::default()
    };
    let server = server().tls(settings).start();
    let connector = Connector::trusting(&authority);
    let shown = |certificate: Option<openssl::x509::X509>| Pin::of(&certificate.unwrap());
    let mut stays = server.client().secured(&connector).connect(CONNECT);
    stays.sync_silent();
    assert_eq!(shown(stays.server_certificate()), Pin::of(&first.certificate));

    second.write(&folder, "server");
    set(&server, |_| {});
    let mut comes = server.client().secured(&connector).connect(CONNECT);
    comes.sync_silent();
    assert_eq!(shown(comes.server_certificate()), Pin::of(&second.certificate));
    stays.sync_silent();

    // What cannot be used leaves the one there is.
    std::fs::write(&key, "nonsense").unwrap();
    let config = server.reloads().unwrap().current.config.clone();
    server.reload(config).unwrap_err();
    let mut comes = server.client().secured(&connector).connect(CONNECT);
    comes.sync_silent();
    assert_eq!(shown(comes.server_certificate()), Pin::of(&second.certificate));
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_key_that_is_off_the_list_is_cut_off() {
    let authority = Authority::new("ca");
    let own = authority.issue(&request("server").host("localhost").ip("127.0.0.1"));
    let (ann, bob) = (authority.issue(&request("ann")), authority.issue(&request("bob")));
    let (ann_pin, bob_pin) = (
        Pin::of(&ann.certificate).unwrap(),
        Pin::of(&bob.certificate).unwrap(),
    );
    let settings = Settings {
        certificates: vec![own.pair()],
        ca: Some(authority.ca()),
        verify: true,
        pinned_certs: [ann_pin, bob_pin].into_iter().collect(),
        ..Settings::default()
    };
    let server = server().tls(settings).start();
    let connect = |who| {
        let connector = Connector::trusting(&authority).showing(who);
        let mut client = server.client().secured(&connector).connect(CONNECT);
        client.sync_silent();
        client
    };
    let (mut ann, mut bob) = (connect(&ann), connect(&bob));
    set(&server, |tls| {
        tls.as_mut().unwrap().pinned_certs = [ann_pin].into_iter().collect();
    });
    assert_eq!(bob.closed(), "");
    ann.sync_silent();
}

#[test]
fn tls_is_turned_on_and_off() {
    let authority = Authority::new("ca");
    let own = authority.issue(&request("server").host("localhost").ip("127.0.0.1"));
    let settings = Settings {
        certificates: vec![own.pair()],
        ..Settings::default()
    };
    let server = server().start();
    let mut plain = server.connected();
    set(&server, |tls| *tls = Some(settings));
    let client = server.client();
    assert!(
        client.info().contains(r#""tls_required":true"#),
        "{}",
        client.info()
    );
    let mut secured = client.secured(&Connector::trusting(&authority)).connect(CONNECT);
    secured.sync_silent();
    plain.sync_silent();
    set(&server, |tls| *tls = None);
    assert!(!server.client().info().contains("tls_required"));
    server.connected().sync_silent();
    secured.sync_silent();
}
