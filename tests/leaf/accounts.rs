//! Links count in their account, are held to its limit, and are told of as clients are.

use crate::peer::Peer;
use crate::world::{await_links, leaf_by};
use serde_json::Value;
use vagus_configs::ServerUrl;
use vagus_test_support::{Client, TestServer, eventually, server};

fn text(more: &str, at: &str) -> String {
    format!(
        "server_name: hub
        http: \"127.0.0.1:-1\"
        system_account: SYS
        accounts {{
            SYS {{ users: [{{user: s, password: p}}] }}
            A {{ users: [{{user: a, password: p}}], {more} }}
        }}
        leafnodes {{ listen: \"{at}\" }}"
    )
}

fn hub(more: &str) -> TestServer {
    server()
        .configured(&text(more, "127.0.0.1:-1"))
        .arbiters(2)
        .start()
}

const AS_A: &str = r#","user":"a","pass":"p","name":"edge""#;

fn system(hub: &TestServer) -> Client {
    let mut client = hub
        .client()
        .connect(r#"{"verbose":false,"user":"s","pass":"p","headers":true}"#);
    client.sync_silent();
    client
}

fn event(client: &mut Client) -> (String, Value) {
    let message = client.message();
    let json = serde_json::from_slice(&message.payload).unwrap();
    (message.subject.to_string(), json)
}

#[test]
fn links_are_counted_and_told_of() {
    let hub = hub("");
    let mut client = system(&hub);
    client.send("SUB $SYS.ACCOUNT.A.> 1");
    client.sync_silent();
    let mut peer = Peer::bound_as(&hub, AS_A);
    let (subject, json) = event(&mut client);
    assert_eq!(subject, "$SYS.ACCOUNT.A.CONNECT");
    let told = &json["client"];
    assert_eq!(
        (&told["kind"], &told["name"], &told["user"], &told["acc"]),
        (&"Leafnode".into(), &"edge".into(), &"a".into(), &"A".into()),
        "{json}"
    );
    let (subject, json) = event(&mut client);
    assert!(subject.ends_with(".SERVER.CONNS"), "{subject}");
    assert_eq!(
        (&json["conns"], &json["leafnodes"], &json["total_conns"]),
        (&0.into(), &1.into(), &1.into()),
        "{json}"
    );
    peer.say("LMSG x 5\r\nhello\r\nLMSG y 2\r\nhi");
    peer.sync();
    let statistics = hub.get("/accstatz?acc=A").json();
    let of_account = &statistics["account_statz"][0];
    assert_eq!(of_account["leafnodes"], 1, "{statistics}");
    assert_eq!(of_account["received"]["leafs"]["msgs"], 2, "{statistics}");
    assert_eq!(of_account["received"]["leafs"]["bytes"], 7, "{statistics}");
    let account = hub.get("/accountz?acc=A").json();
    let detail = &account["account_detail"];
    assert_eq!(
        (&detail["leafnode_connections"], &detail["client_connections"]),
        (&1.into(), &0.into()),
        "{account}"
    );
    let metrics = hub.get("/metrics").body;
    let of_account = metrics
        .lines()
        .find(|line| line.contains("leaf_nodes{") && line.contains("\"A\""));
    assert!(of_account.is_some_and(|line| line.ends_with(" 1")), "{metrics}");
    drop(peer);
    loop {
        let (subject, json) = event(&mut client);
        if subject == "$SYS.ACCOUNT.A.DISCONNECT" {
            assert_eq!(json["client"]["kind"], "Leafnode", "{json}");
            assert_eq!(json["sent"]["msgs"], 2, "{json}");
            break;
        }
    }
}

/// Who may ask the server may have a link closed as a client is.
#[test]
fn links_are_kicked_by_their_number() {
    let hub = hub("");
    let mut client = system(&hub);
    let peer = Peer::bound_as(&hub, AS_A);
    await_links(&hub, 1);
    let leafz = hub.get("/leafz").json();
    let id = leafz["server_id"].as_str().unwrap().to_owned();
    for (cid, is_done) in [
        (leafz["leafs"][0]["id"].as_u64().unwrap(), true),
        (4_000_000, false),
    ] {
        let asked = format!("{{\"cid\":{cid}}}");
        client.send(&format!(
            "SUB kicked.{cid} {cid}\r\nPUB $SYS.REQ.SERVER.{id}.KICK kicked.{cid} {}\r\n{asked}",
            asked.len()
        ));
        let (_, answer) = event(&mut client);
        assert_eq!(answer["error"].is_null(), is_done, "{answer}");
    }
    assert!(peer.rest().is_empty());
    await_links(&hub, 0);
}

/// Who is not let in is of no account; that it was not is told.
#[test]
fn who_is_refused_is_told_of_as_such() {
    let hub = hub("");
    let mut client = system(&hub);
    client.send("SUB $SYS.SERVER.*.CLIENT.AUTH.ERR 1\r\nSUB $SYS.ACCOUNT.*.DISCONNECT 2");
    client.sync_silent();
    let mut peer = Peer::to(&hub);
    peer.say(r#"CONNECT {"user":"a","pass":"wrong","name":"edge"}"#);
    assert_eq!(peer.rest(), ["-ERR 'Authorization Violation'"]);
    let (subject, json) = event(&mut client);
    assert!(subject.ends_with(".CLIENT.AUTH.ERR"), "{subject}");
    assert_eq!(json["client"]["kind"], "Leafnode", "{json}");
    // What comes next is of somebody else.
    drop(hub.client().connect(r#"{"verbose":false,"user":"a","pass":"p"}"#));
    assert_eq!(event(&mut client).1["client"]["kind"], "Client");
}

#[test]
fn an_account_has_so_many_links_and_no_more() {
    let hub = hub("limits { max_leafnodes: 1 }");
    let mut first = Peer::bound_as(&hub, AS_A);
    let refused = |hub: &TestServer| {
        let mut peer = Peer::to(hub);
        peer.say(r#"CONNECT {"user":"a","pass":"p","name":"other"}"#);
        assert!(peer.line().starts_with("INFO"));
        assert_eq!(
            peer.rest(),
            ["-ERR 'maximum account active connections exceeded'"]
        );
    };
    refused(&hub);
    // Clients are another matter.
    let mut clients: Vec<Client> = (0..2)
        .map(|_| hub.client().connect(r#"{"verbose":false,"user":"a","pass":"p"}"#))
        .collect();
    clients.iter_mut().for_each(Client::sync_silent);
    first.sync();
    let at = hub.leafnode_address().unwrap().to_string();
    hub.reconfigure(&text("limits { max_leafnodes: 0 }", &at));
    assert_eq!(
        first.rest(),
        ["-ERR 'maximum account active connections exceeded'"]
    );
    clients.iter_mut().for_each(Client::sync_silent);
    await_links(&hub, 0);
}

/// A leaf node that is not let in for that tries again, and is let in when there is room.
#[test]
fn a_leaf_node_waits_for_room() {
    let hub = hub("limits { max_leafnodes: 1 }");
    let first = Peer::bound_as(&hub, AS_A);
    let address = hub.leafnode_address().unwrap();
    let leaf = leaf_by("second", &[address], |remote| {
        remote.urls = vec![ServerUrl::parse(&format!("nats-leaf://a:p@{address}")).unwrap()];
    });
    let leaf = leaf
        .set(|config| config.leafnodes.reconnect = std::time::Duration::from_millis(10))
        .start();
    let last_error = || {
        let hubs = leaf.hubs().unwrap();
        hubs[0].dialling.as_ref().unwrap().last_error.clone()
    };
    eventually(|| last_error().is_some_and(|error| error.contains("maximum account active connections")));
    drop(first);
    await_links(&leaf, 1);
    await_links(&hub, 1);
}
