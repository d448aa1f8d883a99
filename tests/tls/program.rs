//! The program, told by flags and files how to speak TLS.

use crate::world::{CONNECT, World, expect_sent_away};
use std::fs;
use std::path::{Path, PathBuf};
use vagus_test_support::{Process, spawn_binary};
use vagus_tls::testing::request;

/// A folder with `ca.pem`, `server.pem` and `server.key`, gone at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(world: &World, name: &str) -> Self {
        let folder = Self(std::env::temp_dir().join(format!("vagus-tls-{name}-{}", std::process::id())));
        fs::create_dir_all(&folder.0).unwrap();
        world.authority.own().write(&folder.0, "ca");
        world
            .issue(&request("server").host("localhost"))
            .write(&folder.0, "server");
        folder
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[track_caller]
fn expect_tls(world: &World, process: &mut Process) {
    let client = process.client();
    assert!(
        client.info().contains(r#""tls_required":true"#),
        "{}",
        client.info()
    );
    let mut client = client.secured(&world.connector()).connect(CONNECT);
    client.sync_silent();
}

#[test]
fn by_flags() {
    let world = World::new();
    let folder = Folder::new(&world, "flags");
    let (certificate, key, ca) = (
        folder.path("server.pem"),
        folder.path("server.key"),
        folder.path("ca.pem"),
    );
    let mut process = spawn_binary!(
        "-a",
        "127.0.0.1",
        "-p",
        "-1",
        "--tls",
        "--tlscert",
        &certificate,
        "--tlskey",
        &key
    );
    expect_tls(&world, &mut process);
    let mut process = spawn_binary!(
        "-a",
        "127.0.0.1",
        "-p",
        "-1",
        "--tlsverify",
        "--tlscert",
        &certificate,
        "--tlskey",
        &key,
        "--tlscacert",
        &ca
    );
    expect_sent_away(process.client().try_secured(&world.connector()));
    let good = world.connector().showing(&world.issue(&request("good")));
    let mut client = process.client().secured(&good).connect(CONNECT);
    client.sync_silent();
}

#[test]
fn by_a_file() {
    let world = World::new();
    let folder = Folder::new(&world, "file");
    let path = folder.path("server.conf");
    let text = format!(
        "listen: \"127.0.0.1:-1\"\ntls {{ cert_file: {:?}, key_file: {:?} }}",
        folder.path("server.pem"),
        folder.path("server.key")
    );
    fs::write(&path, text).unwrap();
    expect_tls(&world, &mut spawn_binary!("-c", &path));
    let mut process = spawn_binary!("-c", &path, "--tls=false");
    let mut client = process.client().connect(CONNECT);
    client.sync_silent();
    assert_eq!(spawn_binary!("-t", "-c", &path).wait().code(), Some(0));
}

#[test]
fn certificates_that_cannot_be_used() {
    let world = World::new();
    let folder = Folder::new(&world, "unusable");
    let (certificate, other) = (folder.path("server.pem"), folder.path("ca.key"));
    let mut process = spawn_binary!(
        "-a",
        "127.0.0.1",
        "-p",
        "-1",
        "--tlscert",
        &certificate,
        "--tlskey",
        &other
    );
    assert_eq!(process.wait().code(), Some(1));
    process.log_line("does not belong to the certificate in");

    let path = folder.path("server.conf");
    let text = format!(
        "tls {{ cert_file: {certificate:?}, key_file: {:?} }}",
        Path::new(&other)
    );
    fs::write(&path, text).unwrap();
    for arguments in [&["-t", "-c"][..], &["-c"]] {
        let arguments = [arguments, &[&path]].concat();
        let mut process = Process::spawn(env!("CARGO_BIN_EXE_vagus"), &arguments);
        assert_eq!(process.wait().code(), Some(1));
        process.log_line(&format!("{path}:1:0: the private key in {other}"));
    }
}
