//! Streams get messages of streams on the other side of a link, by the name of their domain: nothing is missing and nothing is
//! there twice, however often the link ends meanwhile.

use crate::peer::Peer;
use crate::world::await_links;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::Duration;
use vagus_test_support::{Client, Folder, Relay, TestServer, eventually, server};

/// A server with streams in a domain that is called as it is.
fn start(name: &str, folder: &Folder, leafnodes: &str) -> TestServer {
    let text = format!(
        "server_name: {name}
        jetstream {{ store_dir: {:?}, domain: {name} }}
        leafnodes {{ reconnect: 10ms, {leafnodes} }}",
        folder.path()
    );
    server().configured(&text).start()
}

/// Who asks, and is answered on a subject that nobody else listens to, on whichever side of the link.
struct Asker {
    client: Client,
    inbox: String,
}

fn asker(server: &TestServer, inbox: &str) -> Asker {
    let mut client = server.connected();
    client.subscribe(inbox, "9");
    client.sync_silent();
    Asker {
        client,
        inbox: inbox.to_owned(),
    }
}

#[track_caller]
fn ask(asker: &mut Asker, subject: &str, payload: &str) -> Value {
    let Asker { client, inbox } = asker;
    client.send(&format!("PUB {subject} {inbox} {}\r\n{payload}", payload.len()));
    serde_json::from_slice(&client.message().payload).unwrap()
}

#[track_caller]
fn create(client: &mut Asker, config: &Value) {
    let name = config["name"].as_str().unwrap();
    let created = ask(
        client,
        &format!("$JS.API.STREAM.CREATE.{name}"),
        &config.to_string(),
    );
    assert_eq!(created["did_create"], true, "{created}");
}

#[track_caller]
fn publish(client: &mut Asker, subject: &str, numbers: std::ops::Range<u32>) {
    for number in numbers {
        let acknowledged = ask(client, subject, &number.to_string());
        assert!(acknowledged["error"].is_null(), "{acknowledged}");
    }
}

fn messages(client: &mut Asker, stream: &str) -> u64 {
    let info = ask(client, &format!("$JS.API.STREAM.INFO.{stream}"), "");
    info["state"]["messages"].as_u64().unwrap_or_default()
}

/// The subject and the payload at each sequence.
#[track_caller]
fn expect_all(client: &mut Asker, (stream, subject): (&str, &str), count: u32) {
    for number in 0..count {
        let asked = json!({"seq": number + 1}).to_string();
        let got = ask(client, &format!("$JS.API.STREAM.MSG.GET.{stream}"), &asked);
        assert_eq!(got["message"]["subject"], subject, "{got}");
        let data = got["message"]["data"].as_str().unwrap_or_default();
        let decoded = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, data).unwrap();
        assert_eq!(decoded, number.to_string().as_bytes(), "{got}");
    }
}

#[test]
fn mirrors_and_sources_go_on_over_a_link_that_ends() {
    let folders = [Folder::new("leaf-hub"), Folder::new("leaf-edge")];
    let hub = start("HUB", &folders[0], "listen: \"127.0.0.1:-1\"");
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let relay = Relay::start(any, hub.leafnode_address().unwrap(), Duration::ZERO);
    let remotes = format!(
        "remotes: [{{ url: \"nats-leaf://{}\", ignore_discovered_servers: true }}]",
        relay.address()
    );
    let leaf = start("LEAF", &folders[1], &remotes);
    await_links(&hub, 1);
    await_links(&leaf, 1);
    let (mut at_hub, mut at_leaf) = (asker(&hub, "at.hub"), asker(&leaf, "at.leaf"));
    create(&mut at_leaf, &json!({"name": "EDGE", "subjects": ["edge.>"]}));
    create(
        &mut at_hub,
        &json!({"name": "CENTRAL", "subjects": ["central.>"]}),
    );
    publish(&mut at_leaf, "edge.a", 0..10);
    publish(&mut at_hub, "central.a", 0..10);
    let of =
        |name: &str, domain: &str| json!({"name": name, "external": {"api": format!("$JS.{domain}.API")}});
    create(
        &mut at_hub,
        &json!({"name": "COPY", "mirror": of("EDGE", "LEAF")}),
    );
    create(
        &mut at_leaf,
        &json!({"name": "TAKEN", "sources": [of("CENTRAL", "HUB")]}),
    );
    eventually(|| messages(&mut at_hub, "COPY") == 10);
    eventually(|| messages(&mut at_leaf, "TAKEN") == 10);
    for round in 1..5 {
        relay.end_all();
        let numbers = round * 10..(round + 1) * 10;
        publish(&mut at_leaf, "edge.a", numbers.clone());
        publish(&mut at_hub, "central.a", numbers);
    }
    await_links(&hub, 1);
    await_links(&leaf, 1);
    eventually(|| messages(&mut at_hub, "COPY") >= 50);
    eventually(|| messages(&mut at_leaf, "TAKEN") >= 50);
    assert_eq!(
        (messages(&mut at_hub, "COPY"), messages(&mut at_leaf, "TAKEN")),
        (50, 50)
    );
    expect_all(&mut at_hub, ("COPY", "edge.a"), 50);
    expect_all(&mut at_leaf, ("TAKEN", "central.a"), 50);
}

/// A message that a consumer pushes goes by the subject that it is pushed to, and shows that under which it is kept.
#[test]
fn what_is_pushed_over_a_link_shows_its_own_subject() {
    let folder = Folder::new("leaf-pushed");
    let hub = start("HUB", &folder, "listen: \"127.0.0.1:-1\"");
    let mut peer = Peer::bound(&hub);
    peer.say("LS+ to.there");
    peer.sync_past_interest();
    let mut client = asker(&hub, "at.hub");
    create(&mut client, &json!({"name": "S", "subjects": ["s.>"]}));
    let consumer = json!({"stream_name": "S", "config": {
        "name": "C", "deliver_subject": "to.there", "ack_policy": "none"
    }});
    let made = ask(&mut client, "$JS.API.CONSUMER.CREATE.S.C", &consumer.to_string());
    assert!(made["error"].is_null(), "{made}");
    publish(&mut client, "s.a", 7..8);
    let line = peer.message_line();
    let words: Vec<&str> = line.split(' ').collect();
    let [_, subject, reply, size] = words[..] else {
        panic!("{line}");
    };
    assert_eq!((subject, size), ("to.there", "1"), "{line}");
    assert!(
        reply.starts_with("$JS.ACK.S.C.1.1.1.") && reply.ends_with(".0@s.a"),
        "{line}"
    );
    // What comes is shown so, too.
    let mut subscriber = hub.connected();
    subscriber.send("SUB to.here 1\r\nSUB s.b 2");
    subscriber.sync_silent();
    peer.say("LMSG to.here $JS.ACK.O.C.1.1.1.1.0@s.b 1\r\nx");
    let message = subscriber.message();
    assert_eq!(
        (&*message.sid, &*message.subject, message.reply.as_deref()),
        ("1", "s.b", Some("$JS.ACK.O.C.1.1.1.1.0"))
    );
    assert!(subscriber.sync_messages().is_empty());
}

/// Clients that ask for streams by the name of a domain put the API's prefix before what they write to buckets, too.
#[test]
fn buckets_are_written_to_by_the_name_of_their_domain() {
    let folders = [Folder::new("leaf-hub"), Folder::new("leaf-edge")];
    let hub = start("HUB", &folders[0], "listen: \"127.0.0.1:-1\"");
    let remotes = format!(
        "remotes: [{{ url: \"nats-leaf://{}\" }}]",
        hub.leafnode_address().unwrap()
    );
    let leaf = start("LEAF", &folders[1], &remotes);
    await_links(&hub, 1);
    await_links(&leaf, 1);
    let (mut at_hub, mut at_leaf) = (asker(&hub, "at.hub"), asker(&leaf, "at.leaf"));
    for (at, own) in [(&mut at_hub, "HUB"), (&mut at_leaf, "LEAF")] {
        for kind in ["KV", "OBJ"] {
            let config = json!({"name": format!("{kind}_B"), "subjects": [format!("${kind}.B.>")]});
            create(at, &config);
            let acknowledged = ask(at, &format!("$JS.{own}.API.${kind}.B.key"), "x");
            assert_eq!(acknowledged["domain"], own, "{acknowledged}");
        }
    }
    for (at, other) in [(&mut at_hub, "LEAF"), (&mut at_leaf, "HUB")] {
        for kind in ["KV", "OBJ"] {
            let acknowledged = ask(at, &format!("$JS.{other}.API.${kind}.B.key"), "y");
            assert_eq!(acknowledged["domain"], other, "{acknowledged}");
            assert_eq!(acknowledged["seq"], 2, "{acknowledged}");
        }
    }
}
