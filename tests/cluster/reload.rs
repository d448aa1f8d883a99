//! A cluster is set otherwise while it runs: what has to be agreed upon anew is, and interest is exact again.

use crate::peer::Route;
use crate::world::{await_interest, await_members, member};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use vagus_configs::{Listen, Port};
use vagus_test_support::{Client, Message, TestServer, eventually, server};

/// A server whose cluster says this, beside where it is and whom it connects to.
struct Member {
    server: TestServer,
    /// Where it listens for routes.
    at: SocketAddr,
}

fn text(name: &str, at: &str, routes: &[SocketAddr], more: &str) -> String {
    let routes: Vec<String> = routes.iter().map(|at| format!("\"nats-route://{at}\"")).collect();
    let routes = routes.join(", ");
    format!(
        "server_name: {name}
         accounts {{ A {{ users: [{{user: a, password: p}}] }}, B {{ users: [{{user: b, password: p}}] }} }}
         cluster {{ name: tests, listen: \"{at}\", routes: [{routes}]
         {more} }}"
    )
}

impl Member {
    fn start(name: &str, routes: &[SocketAddr], more: &str) -> Self {
        let server = server()
            .arbiters(2)
            .monitoring()
            .configured(&text(name, "127.0.0.1:-1", routes, more))
            .start();
        let at = server.cluster_address().unwrap();
        Self { server, at }
    }

    fn set(&self, routes: &[SocketAddr], more: &str) {
        let at = self.at.to_string();
        self.server
            .reconfigure(&text(self.server.name(), &at, routes, more));
    }

    fn shown(&self) -> String {
        self.server.get("/routez").body
    }

    /// The numbers of its routes.
    fn numbers(&self) -> BTreeSet<u64> {
        let shown = self.server.get("/routez").json();
        let routes = shown["routes"].as_array().unwrap().iter();
        routes.map(|route| route["rid"].as_u64().unwrap()).collect()
    }

    /// The seats of its routes to others, in order.
    fn seats(&self) -> Vec<String> {
        let routes = self.server.cluster().unwrap().routes;
        let mut seats: Vec<String> = routes.into_iter().map(|(_, seat)| format!("{seat:?}")).collect();
        seats.sort();
        seats
    }

    fn client(&self, user: &str) -> Client {
        let connect = format!(r#"{{"verbose":false,"headers":true,"user":"{user}","pass":"p"}}"#);
        let mut client = self.server.client().connect(&connect);
        client.sync_silent();
        client
    }
}

/// What one publishes in each account comes to the other, as often as it takes until interest has come there.
fn expect_exchange(from: &Member, to: &Member) {
    for user in ["a", "b"] {
        let (mut publisher, mut subscriber) = (from.client(user), to.client(user));
        subscriber.subscribe("x", "1");
        subscriber.sync_silent();
        eventually(|| {
            publisher.publish("x", user.as_bytes());
            publisher.sync_silent();
            !subscriber.sync_messages().is_empty()
        });
        // Each comes once: there may have been several, and none is there twice.
        publisher.publish("x", b"last");
        publisher.sync_silent();
        let last = |messages: Vec<Message>| {
            messages
                .iter()
                .filter(|message| message.payload == b"last")
                .count()
        };
        let mut count = 0;
        eventually(|| {
            count += last(subscriber.sync_messages());
            count > 0
        });
        count += last(subscriber.sync_messages());
        assert_eq!(count, 1);
    }
}

#[test]
fn routes_come_and_go() {
    let (first, second) = (Member::start("a", &[], ""), Member::start("b", &[], ""));
    first.set(&[second.at], "");
    await_members(&first.server, 1);
    expect_exchange(&first, &second);
    first.set(&[], "");
    await_members(&first.server, 0);
    await_members(&second.server, 0);
    first.set(&[second.at], "");
    await_members(&second.server, 1);
    expect_exchange(&second, &first);
}

#[test]
fn pools_form_anew() {
    let first = Member::start("a", &[], "pool_size: 2");
    let second = Member::start("b", &[first.at], "pool_size: 2");
    eventually(|| first.seats() == ["Pinned(\"$SYS\")", "Pooled(0)", "Pooled(1)"]);
    for (size, seats) in [(3, 3), (1, 1), (2, 2)] {
        let more = format!("pool_size: {size}");
        first.set(&[], &more);
        second.set(&[first.at], &more);
        eventually(|| first.seats().len() == seats + 1 && second.seats().len() == seats + 1);
        expect_exchange(&first, &second);
    }
}

#[test]
fn accounts_get_routes_of_their_own_and_lose_them() {
    let first = Member::start("a", &[], "pool_size: 2");
    let second = Member::start("b", &[first.at], "pool_size: 2");
    eventually(|| first.seats().len() == 3 && second.seats().len() == 3);
    let others = first.numbers();
    // The one that is not set so yet does the same.
    second.set(&[first.at], "pool_size: 2, accounts: [A]");
    eventually(|| first.seats().contains(&"Pinned(\"A\")".to_owned()) && first.seats().len() == 4);
    expect_exchange(&first, &second);
    first.set(&[], "pool_size: 2, accounts: [A]");
    expect_exchange(&second, &first);
    assert!(first.numbers().is_superset(&others));
    first.set(&[], "pool_size: 2");
    second.set(&[first.at], "pool_size: 2");
    eventually(|| first.seats().len() == 3 && second.seats().len() == 3);
    expect_exchange(&first, &second);
    // Those of the pool have carried the other accounts all the time.
    assert_eq!(first.numbers(), others);
}

/// What is wanted in an account that moves is wanted all the time by somebody who stays, and comes once wherever it goes.
#[test]
fn interest_moves_with_its_account() {
    let first = Member::start("a", &[], "pool_size: 2");
    let second = Member::start("b", &[first.at], "pool_size: 2");
    eventually(|| first.seats().len() == 3 && second.seats().len() == 3);
    let mut subscribers = [&first, &second].map(|member| {
        let mut subscriber = member.client("a");
        subscriber.send("SUB x.> 1\r\nSUB x.y 2\r\nSUB x.y workers 3");
        subscriber.sync_silent();
        subscriber
    });
    let exact = || {
        let indexes = [&first, &second].map(|member| member.server.router_of("A").unwrap().subscriptions);
        // Its own three, and what the other has said of its own three.
        assert!(indexes.iter().all(|count| *count <= 6), "{indexes:?}");
        indexes == [6, 6]
    };
    eventually(exact);
    for more in ["pool_size: 2, accounts: [A]", "pool_size: 2"] {
        first.set(&[], more);
        second.set(&[first.at], more);
        let seats = if more.contains("A") { 4 } else { 3 };
        eventually(|| first.seats().len() == seats && second.seats().len() == seats);
        eventually(exact);
        let mut publisher = first.client("a");
        publisher.publish("x.y", b"");
        publisher.publish("x.last", b"");
        publisher.sync_silent();
        let mut count = 0;
        for subscriber in &mut subscribers {
            while subscriber.message().subject == "x.y" {
                count += 1;
            }
        }
        // To two on each server, and to one of the workers.
        assert_eq!(count, 5);
    }
}

#[test]
fn compression_changes() {
    let first = Member::start("a", &[], "");
    let second = Member::start("b", &[first.at], "");
    eventually(|| first.seats().len() == 4);
    assert!(first.shown().contains(r#""compression": "off""#));
    for (mode, expected) in [
        ("fast", ["s2_fast", "s2_fast"]),
        ("best", ["s2_best", "s2_fast"]),
        ("off", ["off", "off"]),
        ("{ mode: auto, rtts: [1h] }", ["s2_uncompressed", "s2_fast"]),
    ] {
        first.set(&[], &format!("compression: {mode}"));
        let shows = |member: &Member, mode: &str| {
            let shown = member.shown();
            shown.matches(&format!("\"compression\": \"{mode}\"")).count() == 4
        };
        eventually(|| shows(&first, expected[0]) && (mode == "best" || shows(&second, expected[1])));
        expect_exchange(&first, &second);
        expect_exchange(&second, &first);
    }
}

#[test]
fn permissions_change() {
    let first = member("a", &[]).start();
    let at = first.cluster_address().unwrap();
    let set = |permissions: &str| {
        first.reconfigure(&format!(
            "server_name: a, cluster {{ name: tests, listen: \"{at}\", {permissions} }}"
        ));
    };
    let mut client = first.connected();
    client.send("SUB in 1\r\nSUB secret 2");
    client.sync_silent();
    let mut route = Route::joined(&first);
    let mut told = [route.line(), route.line()];
    told.sort();
    assert_eq!(told, ["RS+ $G in", "RS+ $G secret"]);
    route.say("RS+ $G out\r\nRS+ $G hidden");
    await_interest(&first, 4);
    set("permissions { import: in, export: out }");
    let info = route.line_with("INFO ");
    assert!(
        info.contains(r#""import":{"allow":["in"]},"export":{"allow":["out"]}"#),
        "{info}"
    );
    // What is still imported may be told once more.
    assert_eq!(route.line_with("RS- "), "RS- $G secret");
    await_interest(&first, 3);
    set("");
    route.line_with("INFO ");
    assert_eq!(route.line_with("RS+ $G secret"), "RS+ $G secret");
    // It is for the other server to tell again what it wants.
    route.say("RS+ $G hidden");
    await_interest(&first, 4);
}

/// A server that lets others have more is told again what they want of that.
#[test]
fn what_others_export_is_asked_for() {
    let first = Member::start("a", &[], "permissions { export: none }");
    let second = Member::start("b", &[first.at], "");
    await_members(&first.server, 1);
    await_members(&second.server, 1);
    let mut subscriber = second.client("a");
    subscriber.subscribe("x", "1");
    subscriber.sync_silent();
    let mut publisher = first.client("a");
    publisher.publish("x", b"1");
    publisher.sync_silent();
    first.set(&[], "");
    eventually(|| {
        publisher.publish("x", b"2");
        publisher.sync_silent();
        let messages = subscriber.sync_messages();
        assert!(messages.iter().all(|message| message.payload == b"2"));
        !messages.is_empty()
    });
}

#[test]
fn who_may_connect_changes() {
    let first = Member::start("a", &[], "");
    first.set(&[], "authorization { user: u, password: p }");
    let refused = Member::start("b", &[first.at], "");
    let url = format!("routes: [\"nats-route://u:p@{}\"]", first.at);
    let admitted = Member::start("c", &[], &url);
    await_members(&first.server, 1);
    await_members(&admitted.server, 1);
    assert!(refused.server.cluster().unwrap().members.is_empty());
    assert_eq!(first.server.cluster().unwrap().members, ["c"]);
}

#[test]
fn where_the_cluster_is_does_not_change() {
    let first = Member::start("a", &[], "");
    let config = first.server.reloads().unwrap().current.config.clone();
    let refused = |change: fn(&mut Listen)| {
        let mut config = config.clone();
        change(&mut config.cluster.as_mut().unwrap().listener.listen);
        first.server.reload(config).unwrap_err().to_string()
    };
    let port = first.at.port();
    assert_eq!(
        refused(|listen| listen.port = Port::Fixed(1)),
        format!("config reload not supported for cluster port: old={port}, new=1")
    );
    assert_eq!(
        refused(|listen| listen.host = "localhost".to_owned()),
        "config reload not supported for cluster host: old=127.0.0.1, new=localhost"
    );
}
