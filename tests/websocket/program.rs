//! The program: its log and its files.

use std::fs;
use vagus_test_support::{eventually, spawn_binary};

#[test]
fn tells_where_it_listens() {
    let folder = std::env::temp_dir().join(format!("vagus-websocket-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let (config, log) = (folder.join("server.conf"), folder.join("log"));
    let text = format!(
        "listen: \"127.0.0.1:-1\"\nports_file_dir: {:?}\nlog_file: {:?}\n
         websocket {{ listen: \"127.0.0.1:-1\", no_tls: true }}",
        folder.display(),
        log.display()
    );
    fs::write(&config, text).unwrap();
    let process = spawn_binary!("-c", config.to_str().unwrap());
    let read = || fs::read_to_string(&log).unwrap_or_default();
    eventually(|| read().contains("Server is ready"));
    let told = read();
    let (_, line) = told
        .split_once("Listening for websocket clients on ws://")
        .unwrap();
    let address = line.lines().next().unwrap();
    assert!(told.contains("Websocket not configured with TLS. DO NOT USE IN PRODUCTION!"));
    let ports = fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path());
    let ports = ports.filter(|path| path.extension().is_some_and(|end| end == "ports"));
    let ports = fs::read_to_string(ports.last().unwrap()).unwrap();
    assert!(
        ports.contains(&format!(r#""websocket":["ws://{address}"]"#)),
        "{ports}"
    );
    drop(process);
    fs::remove_dir_all(&folder).unwrap();
}
