//! The system account spans the cluster: each server answers what is asked of all, and tells of itself everywhere.

use crate::world::await_members;
use serde_json::Value;
use std::collections::BTreeSet;
use vagus_test_support::{Client, Message, TestServer, eventually, server};

fn start(name: &str, routes: &str) -> TestServer {
    let text = format!(
        "server_name: {name}
        cluster {{ name: tests, listen: \"127.0.0.1:-1\", routes: [{routes}] }}
        accounts {{ A {{ users: [{{user: a, password: p}}] }}, SYS {{ users: [{{user: sys, password: p}}] }} }}
        system_account: SYS"
    );
    server().configured(&text).arbiters(2).start()
}

fn three() -> Vec<TestServer> {
    let mut servers = vec![start("a", "")];
    let seed = format!("\"nats-route://{}\"", servers[0].cluster_address().unwrap());
    servers.extend(["b", "c"].map(|name| start(name, &seed)));
    for server in &servers {
        await_members(server, 2);
        // With their pools, and the routes of the system account.
        eventually(|| server.cluster().unwrap().routes.len() == 8);
    }
    servers
}

fn client(server: &TestServer, user: &str) -> Client {
    let mut client = server
        .client()
        .connect(&format!(r#"{{"verbose":false,"user":"{user}","pass":"p"}}"#));
    client.sync_silent();
    client
}

fn json(message: &Message) -> Value {
    serde_json::from_slice(&message.payload).unwrap()
}

#[test]
fn each_server_answers_what_is_asked_of_all() {
    let servers = three();
    let mut system = client(&servers[2], "sys");
    system.subscribe("inbox.*", "1");
    for (number, what) in ["", ".STATSZ", ".IDZ", ".VARZ", ".ROUTEZ"].iter().enumerate() {
        let mut answers = Vec::new();
        // Whom the others ask is known here a little later than they are.
        eventually(|| {
            system.send(&format!("PUB $SYS.REQ.SERVER.PING{what} inbox.{number} 0\r\n"));
            answers.extend(system.sync_messages());
            let names: BTreeSet<_> = answers.iter().map(|answer| name_in(&json(answer))).collect();
            names == ["a", "b", "c"].map(str::to_owned).into()
        });
        if *what == ".STATSZ" {
            let statsz = &json(answers.last().unwrap())["statsz"];
            assert_eq!(statsz["routes"].as_array().unwrap().len(), 8, "{statsz}");
            assert_eq!(statsz["active_servers"], 3, "{statsz}");
        }
    }
}

fn name_in(answer: &Value) -> String {
    let server = match &answer["server"] {
        Value::Object(server) => &server["name"],
        _ => &answer["name"],
    };
    server.as_str().unwrap().to_owned()
}

#[test]
fn what_becomes_of_connections_is_told_everywhere() {
    let servers = three();
    let mut system = client(&servers[1], "sys");
    system.send("SUB $SYS.ACCOUNT.A.CONNECT 1\r\nSUB $SYS.ACCOUNT.A.DISCONNECT 2");
    system.sync_silent();
    for (server, name) in servers.iter().zip(["a", "b", "c"]) {
        let mut client = client(server, "a");
        client.publish("x", b"12345");
        client.sync_silent();
        let event = system.message();
        assert_eq!((&*event.sid, name_in(&json(&event))), ("1", name.to_owned()));
        client.end();
        let event = system.message();
        let event_json = json(&event);
        assert_eq!((&*event.sid, name_in(&event_json)), ("2", name.to_owned()));
        assert_eq!(event_json["sent"]["bytes"], 5, "{event_json}");
    }
}
