//! Certificates are read anew when the server is told to: who comes then sees the new ones, who is in stays.

use crate::world::{CONNECT, World, expect_sent_away};
use openssl::x509::X509;
use std::fs;
use std::path::PathBuf;
use vagus::Config;
use vagus_test_support::{Client, TestServer, server};
use vagus_tls::testing::{Issued, request};
use vagus_tls::{KeyPair, Pem, Pin, Settings};

/// A folder of its own, gone at the end.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn current(server: &TestServer) -> Config {
    server.reloads().unwrap().current.config.clone()
}

/// Sets the server to other settings of TLS while it runs.
fn set(server: &TestServer, change: impl FnOnce(&mut Settings)) -> Result<(), String> {
    let mut config = current(server);
    change(config.clients.tls.as_mut().unwrap());
    server
        .reload(config)
        .map(|_| ())
        .map_err(|error| error.to_string())
}

fn serial(certificate: &X509) -> String {
    certificate
        .serial_number()
        .to_bn()
        .unwrap()
        .to_hex_str()
        .unwrap()
        .to_string()
}

#[track_caller]
fn expect_shown(world: &World, server: &TestServer, expected: &Issued) -> Client {
    let mut client = server.client().secured(&world.connector()).connect(CONNECT);
    client.sync_silent();
    let shown = client.server_certificate().unwrap();
    assert_eq!(serial(&shown), serial(&expected.certificate));
    client
}

#[test]
fn files_are_replaced() {
    let world = World::new();
    let folder = Folder(std::env::temp_dir().join(format!("vagus-renewed-{}", std::process::id())));
    fs::create_dir_all(&folder.0).unwrap();
    let new = || world.issue(&request("server").host("localhost").ip("127.0.0.1"));
    let (first, second) = (new(), new());
    let (certificate, key) = first.write(&folder.0, "server");
    let settings = world.with(|tls| {
        tls.certificates = vec![KeyPair {
            certificate: Pem::File(certificate.clone()),
            key: Pem::File(key.clone()),
        }];
    });
    let server = server().tls(settings).start();
    let mut old = expect_shown(&world, &server, &first);

    // What was read counts, not what has become of the file.
    second.write(&folder.0, "server");
    expect_shown(&world, &server, &first);
    set(&server, |_| {}).unwrap();
    let mut client = expect_shown(&world, &server, &second);
    old.sync_silent();

    // Half of a change is none.
    fs::write(&key, first.key_text()).unwrap();
    let error = set(&server, |_| {}).unwrap_err();
    assert!(error.contains("does not belong to the certificate in"), "{error}");
    fs::remove_file(&certificate).unwrap();
    let error = set(&server, |_| {}).unwrap_err();
    assert!(error.contains("cannot read the certificate"), "{error}");
    expect_shown(&world, &server, &second);
    for client in [&mut old, &mut client] {
        client.sync_silent();
    }
}

#[test]
fn who_is_no_longer_pinned_goes() {
    let world = World::new();
    let (one, other) = (world.issue(&request("one")), world.issue(&request("other")));
    let pin = |issued: &Issued| Pin::of(&issued.certificate).unwrap();
    let server = server().tls(world.with(|tls| tls.verify = true)).start();
    let connect = |issued: &Issued| {
        let mut client = server
            .client()
            .secured(&world.connector().showing(issued))
            .connect(CONNECT);
        client.sync_silent();
        client
    };
    let (mut stays, mut goes) = (connect(&one), connect(&other));
    set(&server, |tls| tls.pinned_certs = [pin(&one)].into()).unwrap();
    assert_eq!(goes.closed(), "");
    stays.sync_silent();
    expect_sent_away(server.client().try_secured(&world.connector().showing(&other)));
    set(&server, |tls| tls.pinned_certs.clear()).unwrap();
    connect(&other).sync_silent();
    stays.sync_silent();
}

#[test]
fn who_comes_shows_what_is_asked_for_now() {
    let world = World::new();
    let server = server().tls(world.settings.clone()).start();
    let connector = world.connector();
    let mut early = server.client().secured(&connector).connect(CONNECT);
    early.sync_silent();
    set(&server, |tls| tls.verify = true).unwrap();
    expect_sent_away(server.client().try_secured(&connector));
    early.sync_silent();
    let known = world.connector().showing(&world.issue(&request("known")));
    let mut client = server.client().secured(&known).connect(CONNECT);
    client.sync_silent();
}
