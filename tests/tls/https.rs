//! Monitoring over HTTPS shows the certificate of clients' TLS, and when it ends.

use crate::world::World;
use openssl::ssl::{SslConnector, SslMethod, SslStream};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use vagus::{Server, StartError};
use vagus_configs::{Admin, Config, Port};
use vagus_tls::testing::request;
use vagus_tls::{KeyPair, Pem, Pin, Settings};

fn start(tls: Option<Settings>) -> Result<Server, StartError> {
    let mut config = Config::default();
    config.clients.tls = tls;
    config.clients.listen.host = "127.0.0.1".to_owned();
    config.clients.listen.port = Port::Free;
    config.monitoring.https = Some(Port::Free);
    Server::start(config)
}

fn open(world: &World, server: &Server) -> SslStream<TcpStream> {
    open_at(world, server.secure_monitor_address().unwrap())
}

fn open_at(world: &World, address: SocketAddr) -> SslStream<TcpStream> {
    let socket = TcpStream::connect(address).unwrap();
    let mut connector = SslConnector::builder(SslMethod::tls_client()).unwrap();
    let authority = world.authority.certificate().clone();
    connector.cert_store_mut().add_cert(authority).unwrap();
    connector.build().connect("localhost", socket).unwrap()
}

#[test]
fn shows_when_the_certificate_ends() {
    let world = World::new();
    // The last second of 2030.
    let certificate = world.issue(&request("server").host("localhost").valid(0, 1_924_991_999));
    let settings = world.with(|tls| {
        tls.certificates = vec![certificate.pair()];
        // Nobody is asked for one to see how the server is.
        tls.verify = true;
        tls.timeout = std::time::Duration::from_millis(1500);
    });
    let server = start(Some(settings)).unwrap();
    let mut stream = open(&world, &server);
    stream
        .write_all(b"GET /varz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    for field in [
        r#""tls_cert_not_after": "2030-12-31T23:59:59Z""#,
        r#""tls_required": true"#,
        r#""tls_verify": true"#,
        r#""tls_timeout": 1.5"#,
    ] {
        assert!(answer.contains(field), "{field}: {answer}");
    }
    drop(stream);
    server.shutdown();
}

#[test]
fn needs_a_certificate() {
    let error = start(None).unwrap_err();
    assert!(matches!(error, StartError::HttpsWithoutTls), "{error}");
}

fn start_administration(world: &World, certificate: KeyPair) -> Server {
    let mut admin = Admin {
        tls: Some(world.with(|tls| tls.certificates = vec![certificate])),
        ..Admin::default()
    };
    admin.listen.port = Port::Free;
    let mut config = Config {
        admin: Some(admin),
        ..Config::default()
    };
    config.clients.listen.host = "127.0.0.1".to_owned();
    config.clients.listen.port = Port::Free;
    Server::start(config).unwrap()
}

/// The admin service has a certificate of its own.
#[test]
fn administration_may_be_over_https() {
    let world = World::new();
    let certificate = world.issue(&request("admin").host("localhost"));
    let server = start_administration(&world, certificate.pair());
    let mut stream = open_at(&world, server.admin_address().unwrap());
    stream
        .write_all(b"GET /v1/session HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    drop(stream);
    server.shutdown();
}

/// The certificate of the admin service is read anew, whether or not the configuration has changed.
#[test]
fn administration_shows_the_certificate_that_is_there_now() {
    let world = World::new();
    let folder = std::env::temp_dir().join(format!("vagus-admin-certificate-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let issue = || world.issue(&request("admin").host("localhost"));
    let (first, second) = (issue(), issue());
    let (certificate, key) = first.write(&folder, "admin");
    let pair = KeyPair {
        certificate: Pem::File(certificate),
        key: Pem::File(key.clone()),
    };
    let server = start_administration(&world, pair);
    let reload = || server.reload(server.reloads().unwrap().current.config.clone());
    let shown = || {
        let stream = open_at(&world, server.admin_address().unwrap());
        Pin::of(&stream.ssl().peer_certificate().unwrap())
    };
    assert_eq!(shown(), Pin::of(&first.certificate));
    second.write(&folder, "admin");
    reload().unwrap();
    assert_eq!(shown(), Pin::of(&second.certificate));
    // What cannot be used leaves the one there is.
    std::fs::write(&key, "nonsense").unwrap();
    reload().unwrap_err();
    assert_eq!(shown(), Pin::of(&second.certificate));
    std::fs::remove_dir_all(&folder).unwrap();
    server.shutdown();
}
