//! A client comes in only if the authority of its certificate has nothing against it.

use openssl::ssl::SslVersion;
use vagus_test_support::{Client, Connector, HeldPort, Responder, TestServer, server};
use vagus_tls::testing::{Authority, Issued, request};
use vagus_tls::{OcspPeer, Settings};

const CONNECT: &str = r#"{"verbose":false,"pedantic":false,"headers":true,"no_responders":true}"#;

struct World {
    authority: Authority,
    responder: Responder,
    settings: Settings,
}

impl World {
    fn new() -> Self {
        let authority = Authority::new("Test CA");
        let responder = Responder::start();
        responder.speak_for(&authority);
        let settings = Settings {
            certificates: vec![authority.issue(&request("server").host("localhost")).pair()],
            ca: Some(authority.ca()),
            verify: true,
            ..Settings::default()
        };
        Self {
            authority,
            responder,
            settings,
        }
    }

    /// A client that can be asked about.
    fn issue(&self) -> Issued {
        self.authority
            .issue(&request("client").responder(self.responder.url()))
    }

    fn server(&self, change: impl FnOnce(&mut OcspPeer)) -> TestServer {
        let mut peer = OcspPeer {
            verify: true,
            ..OcspPeer::default()
        };
        change(&mut peer);
        let settings = Settings {
            ocsp_peer: Some(peer),
            // Making an answer takes a while on a busy machine.
            timeout: vagus_test_support::PATIENCE,
            ..self.settings.clone()
        };
        server().tls(settings).start()
    }

    fn connector(&self, certificate: &Issued) -> Connector {
        Connector::trusting(&self.authority).showing(certificate)
    }

    #[track_caller]
    fn expect_in(&self, server: &TestServer, certificate: &Issued) -> Client {
        let mut client = server
            .client()
            .secured(&self.connector(certificate))
            .connect(CONNECT);
        client.sync_silent();
        client
    }

    /// It is told that its certificate is a bad one.
    #[track_caller]
    fn expect_sent_away(&self, server: &TestServer, certificate: &Issued) {
        for version in [SslVersion::TLS1_2, SslVersion::TLS1_3] {
            let connector = self.connector(certificate).version(version);
            let alert = match server.client().try_secured(&connector) {
                Err(error) => error,
                // With this version the client learns it only after its own last word.
                Ok(mut client) => client.tls_error(),
            };
            assert!(alert.contains("bad certificate"), "{version:?}: {alert}");
        }
    }
}

/// What was said outlives the server, where that is wanted; what somebody else wrote there does not count.
#[test]
fn answers_are_kept_over_a_restart() {
    let folder = std::env::temp_dir().join(format!("vagus-ocsp-{}", std::process::id()));
    let mut world = World::new();
    world.settings.ocsp_cache.local_store = Some(folder.clone());
    let good = world.issue();
    world.responder.approve(&good);
    let asks = |kept: bool| {
        let before = world.responder.asked();
        let server = world.server(patient);
        world.expect_in(&server, &good);
        server.shutdown();
        assert_eq!(world.responder.asked(), before + usize::from(!kept));
    };
    asks(false);
    asks(true);
    let file = folder.join("answers.txt");
    let text = std::fs::read_to_string(&file).unwrap();
    let (line, _) = text.rsplit_once(' ').unwrap();
    std::fs::write(&file, format!("{line} AAAA\n")).unwrap();
    asks(false);
    std::fs::remove_dir_all(folder).unwrap();
}

fn patient(peer: &mut OcspPeer) {
    peer.ca_timeout = vagus_test_support::PATIENCE;
}

#[test]
fn only_certificates_that_are_good() {
    let world = World::new();
    let (good, revoked, unknown) = (world.issue(), world.issue(), world.issue());
    world.responder.approve(&good);
    world.responder.revoke(&revoked);
    let server = world.server(patient);
    world.expect_in(&server, &good);
    world.expect_sent_away(&server, &revoked);
    world.expect_sent_away(&server, &unknown);
    server.expect_nothing_left();

    let server = world.server(|peer| {
        patient(peer);
        peer.unknown_is_good = true;
    });
    world.expect_in(&server, &unknown);
    world.expect_sent_away(&server, &revoked);

    let server = world.server(|peer| {
        patient(peer);
        peer.warn_only = true;
    });
    world.expect_in(&server, &revoked);
}

/// Without the setting, nobody is asked.
#[test]
fn who_does_not_check_does_not_ask() {
    let world = World::new();
    let revoked = world.issue();
    world.responder.revoke(&revoked);
    let server = server().tls(world.settings.clone()).start();
    world.expect_in(&server, &revoked);
    assert_eq!(world.responder.asked(), 0);
}

#[test]
fn a_certificate_that_names_nobody_to_ask_is_good() {
    let world = World::new();
    let server = world.server(patient);
    world.expect_in(&server, &world.authority.issue(&request("client")));
    assert_eq!(world.responder.asked(), 0);
}

#[test]
fn an_answer_is_remembered_while_it_holds() {
    let world = World::new();
    let certificate = world.issue();
    world.responder.approve(&certificate);
    let server = world.server(patient);
    for _ in 0..3 {
        world.expect_in(&server, &certificate);
    }
    assert_eq!(world.responder.asked(), 1);
    world.responder.revoke(&certificate);
    world.expect_in(&server, &certificate);
}

/// An answer of somebody else is none.
#[test]
fn only_the_authority_may_say_it() {
    let world = World::new();
    let certificate = world.issue();
    world.responder.approve(&certificate);
    world.responder.speak_for(&Authority::new("Test CA"));
    world.expect_sent_away(&world.server(patient), &certificate);
}

#[test]
fn when_nobody_answers() {
    let world = World::new();
    let nobody = HeldPort::new();
    let url = format!("http://{}", nobody.address());
    let certificate = world.authority.issue(&request("client").responder(&url));
    world.expect_sent_away(&world.server(patient), &certificate);
    let tolerant = world.server(|peer| {
        patient(peer);
        peer.allow_when_ca_unreachable = true;
    });
    world.expect_in(&tolerant, &certificate);
}

/// Of the certificate, and of who has shown it.
#[test]
fn the_system_account_is_told_of_those_that_are_refused() {
    let world = World::new();
    let (good, revoked) = (world.issue(), world.issue());
    world.responder.approve(&good);
    world.responder.revoke(&revoked);
    let mut peer = OcspPeer {
        verify: true,
        ..OcspPeer::default()
    };
    patient(&mut peer);
    let settings = Settings {
        ocsp_peer: Some(peer),
        timeout: vagus_test_support::PATIENCE,
        ..world.settings.clone()
    };
    let server = server()
        .configured("accounts { SYS { users: [{user: sys, password: p}] } }, system_account: SYS")
        .tls(settings)
        .start();
    let mut system = server
        .client()
        .secured(&world.connector(&good))
        .connect(r#"{"verbose":false,"user":"sys","pass":"p"}"#);
    system.subscribe("$SYS.SERVER.*.OCSP.PEER.>", "1");
    system.sync_silent();
    let connector = world.connector(&revoked).version(SslVersion::TLS1_2);
    assert!(server.client().try_secured(&connector).is_err());
    let [of_link, of_peer] = ["LINK.INVALID", "CONN.REJECT"].map(|what| {
        let message = system.message();
        assert!(message.subject.ends_with(what), "{}", message.subject);
        serde_json::from_slice::<serde_json::Value>(&message.payload).unwrap()
    });
    assert_eq!(
        of_link["type"],
        "io.nats.server.advisory.v1.ocsp_peer_link_invalid"
    );
    assert_eq!(of_link["reason"], "Invalid OCSP response status: revoked");
    assert_eq!(of_peer["type"], "io.nats.server.advisory.v1.ocsp_peer_reject");
    assert_eq!(
        (&of_peer["kind"], &of_peer["reason"]),
        (&"Client".into(), &"client not OCSP valid".into())
    );
    let peer = &of_peer["peer"];
    assert_eq!((peer, peer), (&of_link["peer"], &of_link["link"]));
    assert_eq!(
        (&peer["subject"], &peer["issuer"]),
        (&"CN=client".into(), &"CN=Test CA".into())
    );
    let der = revoked.certificate.to_der().unwrap();
    assert_eq!(peer["raw"], openssl::base64::encode_block(&der));
    assert_eq!(
        peer["fingerprint"],
        openssl::base64::encode_block(&openssl::sha::sha256(&der))
    );
    system.sync_silent();
}
