//! A request that nobody listens to is answered at once, if its requester can understand the answer.

use vagus_test_support::{Client, TestServer, server};

const NOBODY: &str = "NATS/1.0 503\r\nNats-Subject: service\r\n\r\n";

fn requester(server: &TestServer) -> Client {
    let mut client = server.connected();
    client.subscribe("inbox.*", "9");
    client
}

#[track_caller]
fn is_told(client: &mut Client) {
    client.send("PUB service inbox.1 2\r\nhi\r\nPING");
    client.expect(&format!(
        "HMSG inbox.1 9 {0} {0}\r\n{NOBODY}\r\nPONG",
        NOBODY.len()
    ));
}

#[test]
fn are_told_at_once() {
    let server = server().start();
    let mut client = requester(&server);
    for _ in 0..3 {
        is_told(&mut client);
    }
}

/// A plain subscription, a wildcard or a queue group is somebody; when it is gone, there is nobody again.
#[test]
fn are_those_who_listen_at_that_moment() {
    let server = server().arbiters(2).start();
    let mut client = requester(&server);
    for subscription in ["service 1", "serv* 1", "* 1", "> 1", "service workers 1"] {
        for arbiter in [0, 1] {
            let mut service = server.connected_on(arbiter);
            service.send(&format!("SUB {subscription}"));
            service.sync_silent();
            client.send("PUB service inbox.1 2\r\nhi");
            if subscription == "serv* 1" {
                // Not a wildcard: it stands for itself.
                client.expect(&format!("HMSG inbox.1 9 {0} {0}\r\n{NOBODY}", NOBODY.len()));
            } else {
                service.expect("MSG service 1 inbox.1 2\r\nhi");
                client.sync_silent();
            }
            service.send("UNSUB 1");
            service.sync_silent();
            is_told(&mut client);
        }
    }
}

/// No answer for what asks for none, nor to clients that did not ask to be told or have no inbox here.
#[test]
fn are_not_told_to_others() {
    let server = server().start();
    let mut client = requester(&server);
    client.send("PUB service 2\r\nhi");
    client.send("PUB service elsewhere 2\r\nhi");
    client.sync_silent();
    for options in [
        r#"{"verbose":false,"headers":true}"#,
        r#"{"verbose":false,"headers":true,"no_responders":false}"#,
    ] {
        let mut client = server.client().connect(options);
        client.subscribe("inbox.*", "9");
        client.send("PUB service inbox.1 2\r\nhi");
        client.sync_silent();
    }
}

#[test]
fn need_headers() {
    let server = server().start();
    let mut client = server
        .client()
        .connect(r#"{"verbose":false,"no_responders":true}"#);
    assert_eq!(
        client.closed(),
        "-ERR 'no responders requires headers support'\r\n"
    );
}
