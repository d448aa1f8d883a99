//! Who is sent away learns why, beneath TLS, whatever it has sent in the meantime.

use crate::world::World;
use openssl::ssl::{Ssl, SslContext, SslMethod, SslStream, SslVersion};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use vagus_test_support::{PATIENCE, server};
use vagus_tls::testing::{Authority, Issued, request};

fn connect(
    socket: TcpStream,
    version: SslVersion,
    shown: Option<&Issued>,
) -> Result<SslStream<TcpStream>, String> {
    let mut context = SslContext::builder(SslMethod::tls_client()).unwrap();
    context.set_min_proto_version(Some(version)).unwrap();
    context.set_max_proto_version(Some(version)).unwrap();
    if let Some(shown) = shown {
        context.set_certificate(&shown.certificate).unwrap();
        context.set_private_key(&shown.key).unwrap();
    }
    let ssl = Ssl::new(&context.build()).unwrap();
    ssl.connect(socket).map_err(|error| error.to_string())
}

#[test]
fn are_heard() {
    let world = World::new();
    let server = server().tls(world.with(|tls| tls.verify = true)).start();
    let foreign = Authority::new("Another CA").issue(&request("stranger"));
    for (version, shown, alert) in [
        (SslVersion::TLS1_3, None, "certificate required"),
        (SslVersion::TLS1_3, Some(&foreign), "unknown ca"),
        (SslVersion::TLS1_2, None, "handshake failure"),
        (SslVersion::TLS1_2, Some(&foreign), "unknown ca"),
    ] {
        for _ in 0..10 {
            let socket = TcpStream::connect(server.client_address()).unwrap();
            socket.set_read_timeout(Some(PATIENCE)).unwrap();
            let mut info = String::new();
            // INFO alone comes before the handshake.
            BufReader::new(&socket).read_line(&mut info).unwrap();
            let said = connect(socket, version, shown).and_then(|mut stream| {
                // What nobody reads must not have the system answer with a reset.
                let _ = stream.write_all(&[b'x'; 8192]);
                stream.read(&mut [0; 64]).map_err(|error| error.to_string())
            });
            let error = said.expect_err("it is sent away");
            assert!(error.contains(alert), "{version:?} {alert}: {error}");
        }
    }
    server.expect_nothing_left();
}
