//! How long a service takes is told with what the server knows at which it answers.

use crate::peer::Route;
use crate::world::await_members;
use serde_json::Value;
use vagus_test_support::{Client, TestServer, eventually, server};

/// A exports a service of which it is told how long it takes, on `told`; B asks.
fn start(name: &str, routes: &str) -> TestServer {
    let text = format!(
        "server_name: {name}
        cluster {{ name: tests, listen: \"127.0.0.1:-1\", pool_size: -1, routes: [{routes}] }}
        accounts {{
            A {{
                users: [{{user: a, password: p}}]
                exports: [{{service: svc, latency: {{sampling: 100, subject: told}}}}]
            }}
            B {{
                users: [{{user: b, password: p}}]
                imports: [{{service: {{account: A, subject: svc}}}}]
            }}
            SYS {{ users: [{{user: sys, password: p}}] }}
        }}
        system_account: SYS"
    );
    server().configured(&text).arbiters(2).start()
}

fn client(server: &TestServer, user: &str) -> Client {
    let mut client = server
        .client()
        .connect(&format!(r#"{{"verbose":false,"user":"{user}","pass":"p"}}"#));
    client.sync_silent();
    client
}

fn listener(server: &TestServer) -> Client {
    let mut listener = client(server, "a");
    listener.subscribe("told", "1");
    listener.sync_silent();
    listener
}

/// Asks until the request has come to somebody who is to answer it.
fn ask(asker: &mut Client) {
    asker.send("PUB svc inbox 0\r\n");
    asker.sync();
}

fn event(listener: &mut Client) -> Value {
    serde_json::from_slice(&listener.message().payload).unwrap()
}

#[test]
fn who_answers_at_another_server_is_told_of() {
    let first = start("a", "");
    let second = start(
        "b",
        &format!("\"nats-route://{}\"", first.cluster_address().unwrap()),
    );
    await_members(&first, 1);
    await_members(&second, 1);
    let mut service = client(&second, "a");
    service.subscribe("svc", "1");
    service.sync_silent();
    let mut listener = listener(&first);
    let mut asker = client(&first, "b");
    asker.subscribe("inbox", "9");
    // The answer, and what is said of it, find their way back once both servers know what the other wants.
    eventually(|| {
        ask(&mut asker);
        for question in service.sync_messages() {
            service.publish(&question.reply.unwrap(), b"yes");
        }
        service.sync();
        !asker.sync_messages().is_empty()
    });
    // What was asked before may have found nobody.
    let told = loop {
        let told = event(&mut listener);
        if told["status"] == 200 {
            break told;
        }
    };
    let responder = &told["responder"];
    assert_eq!(
        (
            &responder["acc"],
            &responder["user"],
            &responder["server"],
            &responder["cluster"]
        ),
        (&"A".into(), &"a".into(), &"b".into(), &"tests".into())
    );
    assert_eq!(told["requestor"]["acc"], "B");
    let [service, system, total] = ["service", "system", "total"].map(|time| told[time].as_u64().unwrap());
    // What a round trip took is taken off.
    assert!(total > 0 && total >= service + system, "{told}");
}

const MEASURED: &str = r#"{"type":"","id":"","timestamp":"0001-01-01T00:00:00Z","status":200,"responder":{"acc":"A","rtt":5,"user":"far"},"start":"2026-01-01T00:00:00Z","service":7,"system":0,"total":12}"#;

/// The reply subject of the next request that the route is given.
fn reply(route: &mut Route) -> String {
    // Header blocks end with an empty line, which is not the end of the stream.
    let mut lines = (0..100).map(|_| route.any_line());
    let line = lines.find(|line| line.starts_with("HMSG A svc "));
    line.unwrap().split(' ').nth(3).unwrap().to_owned()
}

#[test]
fn what_another_server_says_may_come_before_the_answer_or_behind_it() {
    let server = start("a", "");
    let mut route = Route::joined(&server);
    route.say("RS+ A svc\r\nPING");
    route.line_with("PONG");
    let mut listener = listener(&server);
    let mut asker = client(&server, "b");
    asker.subscribe("inbox", "9");
    for before in [true, false] {
        ask(&mut asker);
        let reply = reply(&mut route);
        let (marked, mark) = reply.rsplit_once('.').unwrap();
        assert_eq!(mark, "T");
        let whom = marked.rsplit('.').next().unwrap();
        let json = format!(r#"{{"account":"A","req_id":"{reply}","m2":{MEASURED}}}"#);
        let measured = format!("RMSG SYS $SYS.LATENCY.M2.{whom} {}\r\n{json}", json.len());
        let answer = format!("RMSG A {reply} 3\r\nyes");
        let both = match before {
            true => [measured, answer],
            false => [answer, measured],
        };
        route.say(&both.join("\r\n"));
        let told = event(&mut listener);
        assert_eq!(
            (&told["status"], &told["service"], &told["responder"]["user"]),
            (&200.into(), &7.into(), &"far".into()),
            "{told}"
        );
        assert_eq!(asker.message().payload, b"yes");
    }
    listener.sync_silent();
}

#[test]
fn an_answer_of_which_nothing_is_said_is_told_of_all_the_same() {
    let server = start("a", "");
    let mut route = Route::joined(&server);
    route.say("RS+ A svc\r\nPING");
    route.line_with("PONG");
    let mut listener = listener(&server);
    let mut asker = client(&server, "b");
    asker.subscribe("inbox", "9");
    ask(&mut asker);
    let reply = reply(&mut route);
    route.say(&format!("RMSG A {reply} 3\r\nyes"));
    let told = event(&mut listener);
    assert_eq!(
        (&told["status"], &told["responder"]),
        (&200.into(), &Value::Null),
        "{told}"
    );
}

#[test]
fn a_server_is_told_how_long_its_question_took() {
    let server = start("a", "");
    let mut route = Route::joined(&server);
    let mut service = client(&server, "a");
    service.subscribe("svc", "1");
    service.sync_silent();
    route.say("RS+ SYS $SYS.LATENCY.M2.SRV\r\nRS+ A _R_.x.>\r\nPING");
    route.line_with("PONG");
    // One that is not marked is nobody's to measure.
    for reply in ["_R_.x.1", "_R_.x.2.SRV.T"] {
        route.say(&format!("RMSG A svc {reply} 0\r\n"));
        let question = service.message();
        assert_eq!(question.reply.as_deref(), Some(reply));
        service.publish(reply, b"yes");
        // Twice says nothing more.
        service.publish(reply, b"yes");
        service.sync();
    }
    let mut told = Vec::new();
    for _ in 0..5 {
        told.push(route.line_with("RMSG "));
    }
    let measured = told
        .iter()
        .position(|line| line.starts_with("RMSG SYS $SYS.LATENCY.M2.SRV "))
        .unwrap();
    assert!(
        told[measured + 1].starts_with("RMSG A _R_.x.2.SRV.T "),
        "{told:?}"
    );
    assert_eq!(
        told.iter()
            .filter(|line| line.starts_with("RMSG A _R_.x."))
            .count(),
        4,
        "{told:?}"
    );
}
