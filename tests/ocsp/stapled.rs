//! Clients that ask for it are told in the handshake what the authority says of the server's certificate.

use openssl::ssl::{Ssl, SslContext, SslMethod, SslVerifyMode, StatusType};
use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use vagus::{Server, StartError};
use vagus_configs::{Config, Port};
use vagus_test_support::{HeldPort, Responder};
use vagus_tls::ocsp::{CertificateStatus, Question};
use vagus_tls::testing::{Authority, Issued, request};
use vagus_tls::{Settings, Stapling, StaplingMode};

struct World {
    authority: Authority,
    responder: Responder,
}

impl World {
    fn new() -> Self {
        let authority = Authority::new("Test CA");
        let responder = Responder::start();
        responder.speak_for(&authority);
        Self { authority, responder }
    }

    fn issue(&self, must_staple: bool) -> Issued {
        let request = request("server")
            .host("localhost")
            .responder(self.responder.url());
        self.authority.issue(&if must_staple {
            request.must_staple()
        } else {
            request
        })
    }

    fn start(&self, certificate: &Issued, mode: StaplingMode) -> Result<Server, StartError> {
        let mut config = Config::default();
        config.clients.tls = Some(Settings {
            certificates: vec![certificate.pair()],
            ca: Some(self.authority.ca()),
            stapling: Some(Stapling {
                mode,
                urls: Vec::new(),
            }),
            ..Settings::default()
        });
        config.clients.listen.host = "127.0.0.1".to_owned();
        config.clients.listen.port = Port::Free;
        Server::start(config)
    }

    /// What a client of the server is told of its certificate.
    fn told(&self, server: &Server, certificate: &Issued) -> Option<CertificateStatus> {
        let socket = TcpStream::connect(server.client_address()).unwrap();
        let mut info = String::new();
        BufReader::with_capacity(1, &socket).read_line(&mut info).unwrap();
        assert!(info.starts_with("INFO "), "{info}");
        let mut context = SslContext::builder(SslMethod::tls_client()).unwrap();
        context.set_verify(SslVerifyMode::NONE);
        let mut ssl = Ssl::new(&context.build()).unwrap();
        ssl.set_status_type(StatusType::OCSP).unwrap();
        let stream = ssl.connect(socket).unwrap();
        let staple = stream.ssl().ocsp_status()?;
        let question = Question::new(&certificate.certificate, self.authority.certificate());
        Some(question.read(staple).unwrap().status)
    }
}

#[test]
fn of_which_certificates_clients_are_told() {
    let world = World::new();
    for (must_staple, mode, told) in [
        (false, StaplingMode::Always, true),
        (true, StaplingMode::Auto, true),
        (true, StaplingMode::Must, true),
        (false, StaplingMode::Auto, false),
        (false, StaplingMode::Must, false),
        (true, StaplingMode::Never, false),
    ] {
        let certificate = world.issue(must_staple);
        world.responder.approve(&certificate);
        let server = world.start(&certificate, mode).unwrap();
        let expected = told.then_some(CertificateStatus::Good);
        assert_eq!(
            world.told(&server, &certificate),
            expected,
            "{must_staple} {mode:?}"
        );
        server.shutdown();
    }
}

#[test]
fn a_revoked_certificate() {
    let world = World::new();
    let certificate = world.issue(true);
    world.responder.revoke(&certificate);
    for mode in [StaplingMode::Always, StaplingMode::Must] {
        let error = world.start(&certificate, mode).unwrap_err();
        assert_eq!(
            error.to_string(),
            "found existing OCSP status for the certificate of [CN=server]: revoked"
        );
    }
    // Clients decide.
    let server = world.start(&certificate, StaplingMode::Auto).unwrap();
    assert_eq!(
        world.told(&server, &certificate),
        Some(CertificateStatus::Revoked)
    );
    server.shutdown();
}

#[test]
fn nobody_answers() {
    let world = World::new();
    let nobody = HeldPort::new();
    let url = format!("http://{}", nobody.address());
    let certificate = world
        .authority
        .issue(&request("server").must_staple().responder(&url));
    let error = world
        .start(&certificate, StaplingMode::Auto)
        .unwrap_err()
        .to_string();
    let expected = format!("bad OCSP status update for the certificate of [CN=server]: {url}: ");
    assert!(error.starts_with(&expected), "{error}");
}

/// An answer of somebody else is none.
#[test]
fn only_the_authority_may_say_it() {
    let world = World::new();
    let certificate = world.issue(true);
    world.responder.approve(&certificate);
    world.responder.speak_for(&Authority::new("Test CA"));
    let error = world
        .start(&certificate, StaplingMode::Auto)
        .unwrap_err()
        .to_string();
    assert!(error.contains("it is not signed by the authority"), "{error}");
}
