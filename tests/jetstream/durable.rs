//! What was acknowledged is there, however the server ended.

use crate::world::{Folder, ask_json, asker, end, process, process_in};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustix::process::Signal;
use serde_json::json;
use std::net::TcpStream;
use std::thread::yield_now;
use vagus_test_support::{Client, spawn_binary};

const MESSAGES: usize = 500;

/// How often a server is started under the eyes of a client.
const ROUNDS: usize = 5;

#[track_caller]
fn create(client: &mut Client, storage: &str) {
    let config = json!({"name": "S", "subjects": ["a.>"], "storage": storage}).to_string();
    let created = ask_json(client, "$JS.API.STREAM.CREATE.S", &config);
    assert_eq!(created["did_create"], true, "{created}");
}

/// Publishes, and waits for the acknowledgements.
#[track_caller]
fn publish(client: &mut Client, from: usize) {
    for number in from..from + MESSAGES {
        let payload = number.to_string();
        client.send(&format!(
            "PUB a.{} inbox {}\r\n{payload}",
            number % 7,
            payload.len()
        ));
    }
    for number in from..from + MESSAGES {
        let acknowledged = client.message();
        let expected = format!(r#"{{"stream":"S","seq":{}}}"#, number + 1);
        assert_eq!(String::from_utf8_lossy(&acknowledged.payload), expected);
    }
}

#[track_caller]
fn expect(client: &mut Client, messages: usize) {
    let info = ask_json(client, "$JS.API.STREAM.INFO.S", "");
    let state = &info["state"];
    assert_eq!(state["messages"], messages, "{info}");
    assert_eq!(state["last_seq"], messages);
    for number in [0, messages / 2, messages - 1] {
        let wanted = json!({"seq": number + 1}).to_string();
        let got = ask_json(client, "$JS.API.STREAM.MSG.GET.S", &wanted);
        let message = &got["message"];
        assert_eq!(message["subject"], format!("a.{}", number % 7), "{got}");
        assert_eq!(message["data"], STANDARD.encode(number.to_string()));
    }
}

#[test]
fn after_a_kill() {
    let folder = Folder::new("jetstream");
    let mut server = process(&folder);
    let mut client = asker(server.client());
    create(&mut client, "file");
    publish(&mut client, 0);
    end(server, Signal::KILL);

    let mut server = process(&folder);
    let mut client = asker(server.client());
    expect(&mut client, MESSAGES);
    publish(&mut client, MESSAGES);
    end(server, Signal::KILL);

    let mut server = process(&folder);
    let mut client = asker(server.client());
    expect(&mut client, 2 * MESSAGES);
}

#[test]
fn after_a_stop() {
    let folder = Folder::new("jetstream");
    let mut server = process(&folder);
    let mut client = asker(server.client());
    create(&mut client, "file");
    publish(&mut client, 0);
    end(server, Signal::TERM);

    let mut server = process(&folder);
    let mut client = asker(server.client());
    expect(&mut client, MESSAGES);
    let deleted = ask_json(&mut client, "$JS.API.STREAM.DELETE.S", "");
    assert_eq!(deleted["success"], true, "{deleted}");
    end(server, Signal::KILL);

    let mut server = process(&folder);
    let mut client = asker(server.client());
    let info = ask_json(&mut client, "$JS.API.STREAM.INFO.S", "");
    assert_eq!(info["error"]["err_code"], 10059, "{info}");
}

/// What a client says that connects as soon as it can, as those do that were connected before, reaches the streams.
#[test]
fn who_connects_first_finds_the_streams() {
    let folder = Folder::new("jetstream");
    let mut server = process(&folder);
    let address = server.client_address();
    let mut client = asker(server.client());
    create(&mut client, "file");
    publish(&mut client, 0);
    for round in 1..=ROUNDS {
        end(server, Signal::KILL);
        let port = address.port().to_string();
        let kept_in = folder.path().to_str().unwrap();
        server = spawn_binary!("-js", "-sd", kept_in, "-a", "127.0.0.1", "-p", &port);
        while TcpStream::connect(address).is_err() {
            yield_now();
        }
        let mut client = asker(Client::to(address));
        let acknowledged = ask_json(&mut client, "a.0", "x");
        assert_eq!(acknowledged["seq"], MESSAGES + round, "{acknowledged}");
    }
}

/// Nothing of a stream in memory is left.
#[test]
fn memory_forgets() {
    let folder = Folder::new("jetstream");
    let mut server = process(&folder);
    let mut client = asker(server.client());
    create(&mut client, "memory");
    publish(&mut client, 0);
    expect(&mut client, MESSAGES);
    let config = json!({"name": "S", "subjects": ["a.>", "b"], "storage": "memory"}).to_string();
    let updated = ask_json(&mut client, "$JS.API.STREAM.UPDATE.S", &config);
    assert!(updated["error"].is_null(), "{updated}");
    let acknowledged = ask_json(&mut client, "b", "x");
    assert_eq!(acknowledged["seq"], MESSAGES + 1);
    end(server, Signal::TERM);

    let mut server = process(&folder);
    let mut client = asker(server.client());
    let info = ask_json(&mut client, "$JS.API.STREAM.INFO.S", "");
    assert_eq!(info["error"]["err_code"], 10059, "{info}");
    create(&mut client, "file");
    publish(&mut client, 0);
}

/// Where a file is in the place of the folder, the server says so in nats-server's words, and does not start.
#[test]
fn a_file_is_no_folder() {
    let folder = Folder::new("jetstream");
    std::fs::create_dir_all(folder.path()).unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let mut server = process_in(&file);
    server.log_line("storage directory is not a directory");
    assert!(!server.wait().success());
}

/// Two servers never write to one folder.
#[test]
fn a_folder_is_of_one_server() {
    let folder = Folder::new("jetstream");
    let mut first = process(&folder);
    first.client_address();
    let mut second = process(&folder);
    second.log_line("is in use by another server");
    assert!(!second.wait().success());
}
