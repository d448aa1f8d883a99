//! What people back up with a command is a folder like that of nats-server's tools, of which streams are made again.

use crate::commands::{done, json, keeping, refused};
use crate::world::Folder;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use vagus_test_support::TestServer;

/// A stream with messages and a consumer that has acknowledged one.
#[track_caller]
fn fill(server: &TestServer, name: &str, messages: usize) {
    done(server, &format!("stream add {name} --subjects {name}.*"));
    for number in 0..messages {
        done(server, &format!("req {name}.{number} message-{number}"));
    }
    done(server, &format!("consumer add {name} C"));
    done(server, &format!("consumer next {name} C"));
}

#[track_caller]
fn count(server: &TestServer, name: &str, what: &str) -> u64 {
    json(server, &format!("stream info {name} --json"))["state"][what]
        .as_u64()
        .unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_stream_is_made_again_of_its_folder() {
    let (folder, backups) = (Folder::new("jetstream"), Folder::new("backups"));
    let server = keeping(&folder);
    fill(&server, "S", 3);
    let to = backups.path().join("deep/S");
    let path = to.to_str().unwrap();
    let said = done(&server, &format!("backup S {path}"));
    assert!(said.starts_with("Backed up S, 3 messages of "), "{said}");
    // Nobody else reads what was in the stream.
    assert_eq!(mode(&to), 0o700);
    for file in ["backup.json", "stream.tar.s2"] {
        assert_eq!(mode(&to.join(file)), 0o600);
    }
    assert_eq!(fs::read_dir(&to).unwrap().count(), 2);
    refused(&server, &format!("backup S {path}"), "--force replaces it");
    refused(&server, &format!("restore {path}"), "(10130)");
    done(&server, "stream rm S -f");
    let said = done(&server, &format!("restore {path}"));
    assert!(
        said.starts_with("Restored S, 3 messages of ") && said.contains(", 1 consumers, from "),
        "{said}"
    );
    assert_eq!(done(&server, "stream get S 2 --raw"), "message-1\n");
    let consumer = json(&server, "consumer info S C --json");
    assert_eq!(consumer["ack_floor"]["stream_seq"], 1);

    done(&server, &format!("backup S {path} --no-consumers -f"));
    done(&server, "stream rm S -f");
    done(&server, &format!("restore {path}"));
    assert_eq!(count(&server, "S", "consumer_count"), 0);
    assert_eq!(count(&server, "S", "messages"), 3);
}

#[test]
fn what_fails_leaves_nothing_behind() {
    let (folder, backups) = (Folder::new("jetstream"), Folder::new("backups"));
    let server = keeping(&folder);
    let path = backups.path().to_str().unwrap().to_owned();
    refused(&server, &format!("backup S {path}"), "stream not found (10059)");
    assert_eq!(fs::read_dir(backups.path()).unwrap().count(), 0);
    refused(&server, &format!("restore {path}"), "backup.json: No such file");
    refused(&server, &format!("backup --all {path}"), "there are no streams");
    refused(
        &server,
        &format!("restore --all {path}"),
        "there are no backups in the folders of",
    );

    fill(&server, "S", 3);
    done(&server, &format!("backup S {path}"));
    done(&server, "stream rm S -f");
    let content = backups.path().join("stream.tar.s2");
    let whole = fs::read(&content).unwrap();
    // The checksum of the first chunk, behind what says that it is a stream of S2 and the chunk's own header.
    let mut damaged = whole.clone();
    damaged[14] ^= 1;
    for bytes in [&damaged[..], &whole[..whole.len() / 2], b"no backup"] {
        fs::write(&content, bytes).unwrap();
        refused(&server, &format!("restore {path}"), "restore failed");
        refused(&server, "stream info S", "stream not found (10059)");
    }
    fs::write(&content, &whole).unwrap();
    let description = backups.path().join("backup.json");
    for text in ["", "[]", "{}", r#"{"config":{"name":"../S"}}"#] {
        fs::write(&description, text).unwrap();
        refused(
            &server,
            &format!("restore {path}"),
            "does not say which stream is backed up",
        );
    }
}

#[test]
fn all_streams_are_backed_up_and_made_again() {
    let (folder, backups) = (Folder::new("jetstream"), Folder::new("backups"));
    let server = keeping(&folder);
    for name in ["ONE", "TWO"] {
        fill(&server, name, 2);
    }
    let path = backups.path().to_str().unwrap().to_owned();
    let said = done(&server, &format!("backup --all {path}"));
    assert_eq!(said.lines().count(), 2, "{said}");
    done(&server, "stream rm TWO -f");
    // One that is there does not keep the others from being made.
    refused(
        &server,
        &format!("restore --all {path}"),
        "that has failed for 1 of 2 streams",
    );
    assert_eq!(count(&server, "TWO", "messages"), 2);

    // The settings that are named come into force, under the name that the messages have.
    done(&server, "stream rm ONE -f");
    let settings = backups.path().join("settings");
    fs::write(
        &settings,
        r#"{"subjects":["ONE.*"],"storage":"file","description":"anew"}"#,
    )
    .unwrap();
    let settings = settings.to_str().unwrap();
    done(&server, &format!("restore {path}/ONE --config {settings}"));
    let info = json(&server, "stream info ONE --json");
    assert_eq!(info["config"]["description"], "anew");
    fs::write(settings, r#"{"name":"OTHER"}"#).unwrap();
    refused(
        &server,
        &format!("restore {path}/ONE --config {settings}"),
        "the stream has to be ONE",
    );
}
