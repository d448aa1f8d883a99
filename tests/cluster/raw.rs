//! What a server says on a route, and what becomes of those who say something else.

use crate::peer::{Acceptor, Route, info_of_old};
use crate::world::{await_interest, await_members, member};

#[test]
fn interest_and_messages_have_their_lines() {
    let server = member("a", &[]).start();
    let mut route = Route::joined(&server);
    let mut client = server.connected();
    client.send("SUB a.* 1\r\nSUB a.* 2");
    client.sync_silent();
    route.expect(&["RS+ $G a.*"]);
    client.send("SUB a.* q 3");
    client.sync_silent();
    route.expect(&["RS+ $G a.* q 1"]);
    client.send("SUB a.* q 4");
    client.sync_silent();
    route.expect(&["RS+ $G a.* q 2"]);
    client.send("UNSUB 3\r\nUNSUB 1");
    client.sync_silent();
    route.expect(&["RS+ $G a.* q 1"]);
    client.send("UNSUB 4\r\nPING\r\nUNSUB 2");
    client.sync();
    client.sync();
    let mut last = [route.line(), route.line()];
    last.sort();
    assert_eq!(last, ["RS- $G a.*", "RS- $G a.* q"]);

    route.say("RS+ $G b\r\nRS+ $G b q 3\r\nRS+ $G c r 1");
    // Each member counts.
    await_interest(&server, 5);
    client.send("PUB b 2\r\nhi\r\nPUB b inbox 2\r\nhi\r\nPUB c 2\r\nho\r\nPUB c inbox 2\r\nho");
    client.sync_silent();
    for line in [
        "RMSG $G b | q 2",
        "hi",
        "RMSG $G b + inbox q 2",
        "hi",
        "RMSG $G c | r 2",
        "ho",
        "RMSG $G c + inbox r 2",
        "ho",
    ] {
        assert_eq!(route.line(), line);
    }
    client.send("HPUB b 12 14\r\nNATS/1.0\r\n\r\nhi");
    client.sync_silent();
    route.expect(&["HMSG $G b | q 12 14", "NATS/1.0", "", "hi"]);
}

/// An older server announces a subject once for its clients and its leaf nodes, and names the cluster only as it begins.
#[test]
fn a_server_of_old_does_not_say_whose_interest_ends() {
    let acceptor = Acceptor::new();
    let dials = member("a", &[acceptor.address()]).start();
    let dialled = member("b", &[]).start();
    let mut route_of_dialled = Route::to(&dialled);
    route_of_dialled.say(r#"CONNECT {"echo":true,"headers":true,"name":"NX","cluster":"tests","lnoc":true}"#);
    route_of_dialled.say(&info_of_old("NX", ""));
    let mut route_of_dials = acceptor.accept_as(&info_of_old("NX", ""));
    // The route of the system account alone is refused.
    while !route_of_dials.any_line().starts_with("INFO") {
        route_of_dials = acceptor.accept_as(&info_of_old("NX", ""));
    }
    for (server, mut route) in [(dials, route_of_dials), (dialled, route_of_dialled)] {
        await_members(&server, 1);
        route.say("LS+ edge $G s\r\nLS+ edge $G s q 2\r\nRS+ $G t");
        await_interest(&server, 4);
        route.say("LS-  $G s\r\nRS- $G s q\r\nLS- $G t\r\nRS+ $G last");
        await_interest(&server, 1);
        server.connected().send("PUB last 0\r\n");
        route.line_with("RMSG $G last 0");
    }
}

/// Those of a group are served that the line names, whoever else is a member of another.
#[test]
fn a_message_is_for_the_groups_that_it_names() {
    let server = member("a", &[]).start();
    let mut client = server.connected();
    client.send("SUB a 1\r\nSUB a q 2\r\nSUB a p 3");
    client.sync_silent();
    let mut route = Route::joined(&server);
    route.say("RMSG $G a 1\r\n1\r\nRMSG $G a | q 1\r\n2\r\nRMSG $G a + r p q 1\r\n3\r\nHMSG $G a | p 12 13\r\nNATS/1.0\r\n\r\n4\r\nPING");
    let line = loop {
        let line = route.line();
        if line == "PONG" {
            break line;
        }
    };
    assert_eq!(line, "PONG");
    let mut came: Vec<String> = client
        .sync_messages()
        .into_iter()
        .map(|message| format!("{} {}", message.sid, String::from_utf8_lossy(&message.payload)))
        .collect();
    came.sort();
    assert_eq!(came, ["1 1", "1 2", "1 3", "1 4", "2 2", "2 3", "3 3", "3 4"]);
}

/// What is looked at once for a row of messages alike is looked at anew as soon as one differs.
#[test]
fn messages_that_repeat_a_line_are_all_passed_on() {
    let server = member("a", &[]).start();
    let mut client = server.connected();
    client.send("SUB a 1\r\nSUB b 2");
    client.sync_silent();
    let mut route = Route::joined(&server);
    route.say("RMSG $G a 1\r\n1\r\nRMSG $G a 1\r\n2\r\nRMSG $G b 1\r\n3\r\nRMSG X a 1\r\nx\r\nRMSG X a 1\r\ny\r\nRMSG $G a 1\r\n4\r\nPING\r\nRMSG $G a 1\r\n5\r\nRMSG $G a 2\r\n66\r\nRMSG $G a 2\r\n77\r\nPING");
    route.line_with("PONG");
    route.line_with("PONG");
    let came: Vec<String> = client
        .sync_messages()
        .into_iter()
        .map(|message| format!("{} {}", message.sid, String::from_utf8_lossy(&message.payload)))
        .collect();
    assert_eq!(came, ["1 1", "1 2", "2 3", "1 4", "1 5", "1 66", "1 77"]);
}

#[test]
fn what_is_no_server_is_refused() {
    let server = member("a", &[]).start();
    for (said, answer) in [
        ("SUB a 1", "-ERR 'Unknown Protocol Operation'"),
        ("RS+ $G a", "-ERR 'Authorization Violation'"),
        (
            r#"CONNECT {"lang":"rust","verbose":false}"#,
            "-ERR 'attempted to connect to route port'",
        ),
        (
            r#"CONNECT {"name":"NX","cluster":"other"}"#,
            "-ERR 'Rejecting connection, cluster name \"other\" does not match \"tests\"'",
        ),
        (
            r#"CONNECT {"name":"NX","cluster":"tests","gateway":"g"}"#,
            "-ERR 'Rejecting connection from gateway \"g\" on the Route port'",
        ),
        ("CONNECT {", ""),
        ("CONNECT []", ""),
        ("CONNECT [1]", ""),
        ("INFO {}", "-ERR 'Authorization Violation'"),
    ] {
        let mut route = Route::to(&server);
        route.say(said);
        assert_eq!(route.rest(), answer, "{said}");
    }
    for said in ["RMSG $G a 1234567890", "INFO []", "INFO [1]"] {
        let mut route = Route::joined(&server);
        route.say(said);
        assert_eq!(route.rest(), "", "{said}");
        await_members(&server, 0);
    }
    server.expect_to_serve();
}

#[test]
fn a_second_route_to_the_same_server_is_closed() {
    let server = member("a", &[]).start();
    let _first = Route::joined(&server);
    let second = Route::joined(&server);
    assert_eq!(second.rest(), "");
    await_members(&server, 1);
}
