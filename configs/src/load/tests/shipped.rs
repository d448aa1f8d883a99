//! The files beside this crate: those that are shipped can be used as they are, those in `bad` are refused
//! with the words in their first lines.

use super::obstacles;
use crate::{Cluster, Config, ConfigError, Disk, JetStream, Listen, Port, WebSocket, load, parse};
use std::fs;
use std::path::{Path, PathBuf};
use vagus_auth::credentials::Credentials;

fn files_in(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "conf"))
        .collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

#[test]
fn shipped_files_are_valid() {
    for path in files_in("") {
        let loaded = load(&path).unwrap();
        assert_eq!(loaded.warnings, [], "{}", path.display());
        assert_eq!(loaded.obstacles, [], "{}", path.display());
    }
}

#[test]
fn the_shipped_files_say_the_defaults() {
    for path in files_in("") {
        let mut config = load(&path).unwrap().config;
        if path.ends_with("users.conf") {
            assert!(matches!(config.clients.credentials, Credentials::Users { .. }));
            config.clients.credentials = Credentials::Open;
        }
        assert_eq!(config, Config::default(), "{}", path.display());
    }
}

#[test]
fn those_of_clusters_are_valid_and_say_so() {
    for path in files_in("cluster") {
        let text = fs::read_to_string(&path).unwrap();
        let environment = |name: &str| (name == "SERVER_NAME").then(|| "vagus-1".to_owned());
        let loaded = parse(&text, &path, &Disk, &environment).unwrap();
        assert_eq!(loaded.warnings, [], "{}", path.display());
        assert_eq!(loaded.obstacles, [], "{}", path.display());
        let cluster = loaded.config.cluster.unwrap();
        assert!(loaded.config.server_name.is_some() && cluster.name.is_some());
        assert!(matches!(cluster.listener.listen.port, Port::Fixed(6222 | 6223)));
    }
}

#[test]
fn the_settings_of_clusters_say_the_defaults() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("cluster/settings.conf");
    let cluster = load(&path).unwrap().config.cluster.unwrap();
    assert_eq!(
        cluster,
        Cluster {
            name: Some("east".to_owned()),
            ..Cluster::default()
        }
    );
}

#[test]
fn those_of_connectors_are_valid() {
    for path in files_in("connectors") {
        let loaded = load(&path).unwrap();
        assert_eq!(loaded.warnings, [], "{}", path.display());
        assert_eq!(loaded.obstacles, [], "{}", path.display());
        assert!(loaded.config.connectors.len() > 1, "{}", path.display());
    }
}

/// What they say that is usual is what holds where nothing is said.
#[test]
fn the_settings_of_connectors_say_the_defaults() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("connectors/fluentd.conf");
    let text = fs::read_to_string(&path).unwrap();
    let said = load(&path).unwrap().config.connectors;
    let usual = |line: &&str| {
        let keys = [
            "max_",
            "account",
            "chunk_",
            "flush_",
            "connect_",
            "ack_",
            "retry_",
            "tag: \">\"",
            "listen",
        ];
        !keys.iter().any(|key| line.trim_start().starts_with(key))
    };
    let text: Vec<&str> = text.lines().filter(usual).collect();
    let unsaid = parse(&text.join("\n"), &path, &Disk, &|_: &str| None).unwrap();
    assert_eq!(said, unsaid.config.connectors);
}

#[test]
fn the_settings_of_websocket_say_the_defaults() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("websocket/settings.conf");
    let loaded = load(&path).unwrap();
    assert_eq!((loaded.warnings, loaded.obstacles), (vec![], vec![]));
    let expected = WebSocket {
        no_tls: true,
        ..WebSocket::at(Listen {
            port: Port::Fixed(8080),
            ..Listen::default()
        })
    };
    assert_eq!(loaded.config.websocket, Some(expected));
}

#[test]
fn the_settings_of_streams_say_the_defaults() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("jetstream.conf");
    let text = fs::read_to_string(&path).unwrap();
    let enabled = text.replace("enabled: false", "enabled: true");
    assert_ne!(enabled, text);
    let loaded = parse(&enabled, &path, &Disk, &|_: &str| None).unwrap();
    assert_eq!(loaded.config.jetstream, Some(JetStream::default()));
}

/// A file in `bad` begins with what it is refused with: a comment, a line for each error, without the folder.
#[test]
fn bad_files_are_refused() {
    for path in files_in("bad") {
        let text = fs::read_to_string(&path).unwrap();
        let expected: Vec<&str> = text.lines().map_while(|line| line.strip_prefix("# ")).collect();
        let folder = format!("{}/", path.parent().unwrap().display());
        let told = match load(&path) {
            Err(ConfigError::Unreadable { .. }) => panic!("{}", path.display()),
            Err(error) => error.to_string(),
            Ok(loaded) => obstacles(&loaded),
        };
        assert_eq!(told.replace(&folder, ""), expected.join("\n"));
    }
}
