//! Accounts that servers have at different times: what is wanted in them elsewhere counts as soon as they are there, and
//! nothing is left of those that are gone.

use crate::peer::Route;
use crate::world::await_members;
use std::collections::BTreeSet;
use vagus_test_support::{Client, TestServer, eventually, server};

/// A member with these accounts, each with a user of that name, whose password is p; as text.
fn text(name: &str, routes: &str, accounts: &[&str]) -> String {
    let users: Vec<_> = accounts
        .iter()
        .map(|account| format!("{account} {{ users: [{{user: {account}, password: p}}] }}"))
        .collect();
    format!(
        "server_name: {name}
        cluster {{ name: tests, listen: \"127.0.0.1:-1\", pool_size: -1, routes: [{routes}] }}
        accounts {{ {} }}",
        users.join(", ")
    )
}

fn start(name: &str, routes: &str, accounts: &[&str]) -> TestServer {
    server()
        .configured(&text(name, routes, accounts))
        .arbiters(2)
        .start()
}

/// A client of this user.
fn client(server: &TestServer, user: &str) -> Client {
    let mut client = server
        .client()
        .connect(&format!(r#"{{"verbose":false,"user":"{user}","pass":"p"}}"#));
    client.sync_silent();
    client
}

/// Hears what is told of an account up to its subject `end`.
fn hear(route: &mut Route, account: &str, told: &mut BTreeSet<String>) {
    loop {
        let line = route.line();
        let (verb, rest) = line.split_at(4);
        let Some(subject) = rest.strip_prefix(&format!("{account} ")) else {
            continue;
        };
        match verb {
            "RS+ " if subject == "end" => return,
            "RS+ " => told.insert(subject.to_owned()),
            _ => {
                told.retain(|known| known.trim_end_matches(" 1") != subject);
                true
            }
        };
    }
}

#[test]
fn what_is_wanted_in_an_account_counts_once_it_is_there() {
    let server = start("a", "", &["Y"]);
    let mut route = Route::joined(&server);
    route.say("RS+ $G a\r\nRS+ X news.*\r\nRS+ X gone\r\nRS+ X jobs workers 3\r\nRS+ X jobs others 1\r\nRS- X gone\r\nRS- X jobs others\r\nPING");
    route.line_with("PONG");
    for _ in 0..2 {
        server.reconfigure(&text("a", "", &["Y", "X"]));
        let mut publisher = client(&server, "X");
        publisher.send("SUB end 1\r\nPUB gone 1\r\n0\r\nPUB news.x 1\r\n1\r\nPUB jobs 1\r\n2");
        publisher.sync_silent();
        assert_eq!(route.line_with("RMSG"), "RMSG X news.x 1");
        assert_eq!(route.line_with("RMSG"), "RMSG X jobs | workers 1");
        // It goes, and the second time it is there again.
        server.reconfigure(&text("a", "", &["Y"]));
        eventually(|| server.connections().is_empty());
    }
    // What is said of it meanwhile counts as well.
    route.say("RS- X news.*\r\nRS+ X late\r\nPING");
    route.line_with("PONG");
    server.reconfigure(&text("a", "", &["Y", "X"]));
    let mut publisher = client(&server, "X");
    publisher.send("PUB news.x 1\r\n1\r\nPUB late 1\r\n2");
    publisher.sync_silent();
    assert_eq!(route.line_with("RMSG"), "RMSG X late 1");
}

/// However soon another account of that name comes, others are told what is wanted in that, and nothing else.
#[test]
fn nothing_is_told_of_an_account_that_is_gone() {
    let server = start("a", "", &["Y", "X"]);
    let mut route = Route::joined(&server);
    let mut told = BTreeSet::new();
    for round in 0..20 {
        let mut client = client(&server, "X");
        client.send(&format!("SUB a.{round} 1\r\nSUB both 2\r\nSUB jobs workers 3"));
        client.sync_silent();
        client.subscribe("end", "4");
        // Of the rounds before nothing is left.
        let expected = [&format!("a.{round}"), "both", "jobs workers 1"].map(str::to_owned);
        hear(&mut route, "X", &mut told);
        assert_eq!(told, expected.into(), "round {round}");
        server.reconfigure(&text("a", "", &["Y"]));
        server.reconfigure(&text("a", "", &["Y", "X"]));
    }
}

/// An account that one server has before another, in a cluster of two.
#[test]
fn an_account_comes_to_servers_one_after_the_other() {
    let first = start("a", "", &["Y", "X"]);
    let address = first.cluster_address().unwrap();
    let routes = format!("\"nats-route://{address}\"");
    let second = start("b", &routes, &["Y"]);
    await_members(&first, 1);
    await_members(&second, 1);
    let mut subscriber = client(&first, "X");
    subscriber.subscribe("news", "1");
    second.reconfigure(&text("b", &routes, &["Y", "X"]));
    let mut publisher = client(&second, "X");
    publisher.subscribe("answers", "1");
    eventually(|| {
        publisher.publish("news", b"hi");
        publisher.sync_silent();
        !subscriber.sync_messages().is_empty()
    });
    eventually(|| {
        subscriber.publish("answers", b"hi");
        !publisher.sync_messages().is_empty()
    });
}
