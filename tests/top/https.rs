//! Over HTTPS the server has to be who it says.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use vagus::Server;
use vagus_configs::{Config, Port};
use vagus_tls::Settings;
use vagus_tls::testing::{Authority, Issued, request};

/// A folder with certificates, gone at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("vagus-top-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str, text: &[u8]) -> String {
        let path = self.0.join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left is in the system's folder for that.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn start(certificate: &Issued) -> Server {
    let mut config = Config::default();
    config.clients.tls = Some(Settings {
        certificates: vec![certificate.pair()],
        ..Settings::default()
    });
    config.clients.listen.host = "127.0.0.1".to_owned();
    config.clients.listen.port = Port::Free;
    config.monitoring.https = Some(Port::Free);
    Server::start(config).unwrap()
}

/// What it says on standard error; nothing if it shows the server.
fn top(server: &Server, more: &[&str]) -> String {
    let port = server.secure_monitor_address().unwrap().port().to_string();
    let output = Command::new(env!("CARGO_BIN_EXE_vagus"))
        .args(["top", "-ms", &port, "-o", "-"])
        .args(more)
        .output()
        .unwrap();
    let shows = String::from_utf8_lossy(&output.stdout).contains(server.id());
    assert_eq!(shows, output.status.success(), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn only_who_is_trusted_is_asked() {
    let folder = Folder::new("trust");
    let authority = Authority::new("Ours");
    let ours = folder.file("ours.pem", &authority.certificate().to_pem().unwrap());
    let theirs = Authority::new("Theirs").certificate().to_pem().unwrap();
    let theirs = folder.file("theirs.pem", &theirs);
    let client = authority.issue(&request("client"));
    let certificate = folder.file("client.pem", &client.certificate.to_pem().unwrap());
    let key = folder.file("client.key", &client.key.private_key_to_pem_pkcs8().unwrap());
    let server = start(&authority.issue(&request("server").host("localhost").ip("127.0.0.1")));

    assert_eq!(top(&server, &["-cacert", &ours]), "");
    assert_eq!(
        top(&server, &["-cacert", &ours, "-cert", &certificate, "-key", &key]),
        ""
    );
    assert_eq!(top(&server, &["-k"]), "");
    let refused = "vagus: cannot ask the server for /varz: TLS: ";
    for doubtful in [&["-cacert", &theirs][..], &[]] {
        let said = top(&server, doubtful);
        assert!(
            said.starts_with(refused) && said.contains("certificate verify failed"),
            "{said}"
        );
    }
    let said = top(&server, &["-cacert", &ours, "-cert", &key, "-key", &certificate]);
    assert!(said.starts_with(&format!("vagus: cannot use {key}: ")), "{said}");
    server.shutdown();

    let elsewhere = start(&authority.issue(&request("server").host("elsewhere.example")));
    let said = top(&elsewhere, &["-cacert", &ours]);
    assert!(said.starts_with(refused), "{said}");
    assert_eq!(top(&elsewhere, &["-cacert", &ours, "-k"]), "");
    elsewhere.shutdown();
}
