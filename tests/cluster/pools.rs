//! Two servers have several connections with each other, over which accounts are spread, and one for each account that is
//! pinned.

use crate::peer::{Acceptor, Route};
use crate::world::{NAME, await_members, clustered, in_cluster, member, servers};
use std::net::SocketAddr;
use vagus_configs::Cluster;
use vagus_test_support::{Client, HeldPort, ServerBuilder, TestServer, eventually, eventually_equal};

/// Of these `G` goes by the third connection of three, `C` by the second, and the others by the first; but `E` is pinned
/// where that is said.
const ACCOUNTS: [&str; 6] = ["A", "B", "C", "D", "E", "G"];

/// A member with these accounts, each with a user of that name, whose password is p.
fn with_accounts(name: &str, cluster: Cluster) -> ServerBuilder {
    let users = ACCOUNTS.map(|account| format!("{account} {{ users: [{{user: {account}, password: p}}] }}"));
    let text = format!("accounts {{ {} }}", users.join(", "));
    in_cluster(name, cluster).set(|config| {
        let accounts = vagus_test_support::server().configured(&text);
        let _ = accounts.set(|with| {
            config.accounts = with.accounts.clone();
            config.clients.credentials = with.clients.credentials.clone();
        });
    })
}

fn client(server: &TestServer, user: &str) -> Client {
    let mut client = server.client().connect(&format!(
        r#"{{"verbose":false,"user":"{user}","pass":"p","headers":true,"no_responders":true}}"#
    ));
    client.sync();
    client
}

/// With a pool of this size, and these accounts pinned.
fn pooled(size: usize, accounts: &[&str], routes: &[SocketAddr]) -> Cluster {
    Cluster {
        pool_size: size,
        accounts: accounts.iter().map(|&name| name.to_owned()).collect(),
        ..clustered(Some(NAME), routes)
    }
}

/// Returns when the routes of a server, which has one other, are these.
fn await_routes(server: &TestServer, expected: &str) {
    let routes = || {
        let routes = server.cluster().unwrap().routes;
        let seats: Vec<_> = routes.iter().map(|(_, seat)| format!("{seat:?}")).collect();
        seats.join(" ")
    };
    eventually_equal(routes, expected);
}

const THREE: &str = r#"Pooled(0) Pooled(1) Pooled(2) Pinned("$SYS")"#;

#[test]
fn each_pair_has_a_pool_and_a_route_of_the_system() {
    let servers = servers(3);
    for server in &servers {
        eventually(|| {
            let state = server.cluster().unwrap();
            let pinned = state
                .routes
                .iter()
                .filter(|(_, seat)| format!("{seat:?}").contains("SYS"));
            state.routes.len() == 8 && pinned.count() == 2
        });
    }
}

#[test]
fn servers_with_different_pools_have_as_many_as_the_larger() {
    for (first, second, routes) in [
        (3, 3, THREE),
        (1, 1, r#"Pooled(0) Pinned("$SYS")"#),
        (1, 3, THREE),
        (3, 1, THREE),
        (0, 3, "Only"),
        (3, 0, "Only"),
        (0, 0, "Only"),
    ] {
        let one = in_cluster("a", pooled(first, &[], &[])).start();
        let routes_to_one = [one.cluster_address().unwrap()];
        let other = in_cluster("b", pooled(second, &[], &routes_to_one)).start();
        await_routes(&one, routes);
        await_routes(&other, routes);
        let mut subscriber = one.connected();
        subscriber.subscribe("news", "1");
        eventually(|| other.router().unwrap().subscriptions == 1);
        let mut publisher = other.connected();
        publisher.publish("news", b"hi");
        publisher.sync_silent();
        subscriber.expect("MSG news 1 2\r\nhi");
        subscriber.sync_silent();
    }
}

/// Whichever connection an account goes by, its messages come once, in order, and to nobody else.
#[test]
fn accounts_are_spread_over_the_pool() {
    let one = with_accounts("a", pooled(3, &["E"], &[])).start();
    let other = with_accounts("b", pooled(3, &["E"], &[one.cluster_address().unwrap()])).start();
    let all = r#"Pooled(0) Pooled(1) Pooled(2) Pinned("$SYS") Pinned("E")"#;
    await_routes(&one, all);
    await_routes(&other, all);
    let mut subscribers = ACCOUNTS.map(|account| client(&one, account));
    for subscriber in &mut subscribers {
        subscriber.subscribe("news.*", "1");
        subscriber.join("jobs", "workers", "2");
    }
    let mut publishers = ACCOUNTS.map(|account| client(&other, account));
    for (account, publisher) in ACCOUNTS.iter().zip(&mut publishers) {
        publisher.subscribe("inbox", "9");
        eventually(|| {
            publisher.send("PUB jobs inbox 0\r\n");
            publisher.sync_messages().is_empty()
        });
        for number in 0..100 {
            publisher.publish(&format!("news.{number}"), account.as_bytes());
        }
        publisher.sync_silent();
    }
    for (account, subscriber) in ACCOUNTS.iter().zip(&mut subscribers) {
        let mut came = Vec::new();
        while came.len() < 100 {
            let message = subscriber.message();
            if message.sid == "1" {
                assert_eq!(message.payload, account.as_bytes());
                came.push(message.subject);
            }
        }
        let sent: Vec<_> = (0..100).map(|number| format!("news.{number}")).collect();
        assert_eq!(came, sent);
        assert!(subscriber.sync_messages().is_empty());
    }
}

/// Interest comes by the connection of the account, and on that of a pinned one it is not said whose it is.
#[test]
fn each_connection_tells_of_its_accounts() {
    let server = with_accounts("a", pooled(3, &["E"], &[])).start();
    let mut pool: Vec<Route> = (0..3)
        .map(|index| {
            let more = format!(r#","route_pool_size":3,"route_pool_idx":{index}"#);
            Route::introduced(&server, &more)
        })
        .collect();
    let mut pinned = Route::introduced(&server, r#","route_pool_size":3,"route_account":"E""#);
    await_routes(&server, r#"Pooled(0) Pooled(1) Pooled(2) Pinned("E")"#);
    let mut clients = ACCOUNTS.map(|account| client(&server, account));
    for client in &mut clients {
        client.subscribe("a", "1");
    }
    let mut told = |route: usize, count: usize| {
        let mut lines: Vec<_> = (0..count).map(|_| pool[route].line()).collect();
        lines.sort();
        lines
    };
    assert_eq!(told(0, 3), ["RS+ A a", "RS+ B a", "RS+ D a"]);
    assert_eq!(told(1, 1), ["RS+ C a"]);
    assert_eq!(told(2, 1), ["RS+ G a"]);
    pinned.expect(&["RS+ a"]);
    pinned.say("RS+ b q 2\r\nRS+ c\r\nPING");
    pinned.line_with("PONG");
    clients[4].send("PUB b r 1\r\n1\r\nPUB c 1\r\n2\r\nHPUB c 12 13\r\nNATS/1.0\r\n\r\n3");
    pinned.expect(&[
        "RMSG b + r q 1",
        "1",
        "RMSG c 1",
        "2",
        "HMSG c 12 13",
        "NATS/1.0",
        "",
        "3",
    ]);
    pinned.say("RMSG a r 2\r\nhi\r\nHMSG a 12 12\r\nNATS/1.0\r\n\r\n\r\nRS- c\r\nPING");
    pinned.line_with("PONG");
    clients[4].expect("MSG a 1 r 2\r\nhi");
    clients[4].expect("HMSG a 1 12 12\r\nNATS/1.0\r\n\r\n");
    clients[4].publish("c", b"");
    clients[4].sync_silent();
    // Interest may come by any connection, as the other server may have another pool: messages go back by that.
    pool[1].say("RS+ A x\r\nPING");
    pool[1].line_with("PONG");
    clients[0].publish("x", b"hi");
    pool[1].expect(&["RMSG A x 2", "hi"]);
}

#[test]
fn what_is_no_part_of_the_pool_is_refused() {
    let server = with_accounts("a", pooled(3, &["E"], &[])).start();
    let _first = Route::introduced(&server, r#","route_pool_size":3"#);
    await_members(&server, 1);
    for (more, answer) in [
        (r#","route_pool_size":3"#, ""),
        ("", ""),
        (
            r#","route_pool_size":3,"route_pool_idx":3"#,
            "-ERR 'Invalid route pool index: 3 - pool size is 3'",
        ),
        (
            r#","route_pool_size":2,"route_pool_idx":-1"#,
            "-ERR 'Invalid route pool index: -1 - pool size is 2'",
        ),
        (
            r#","route_pool_size":3,"route_account":"A""#,
            r#"-ERR 'No route for account "A"'"#,
        ),
        (
            r#","route_account":"E""#,
            r#"-ERR 'Not possible to have a dedicated route for account "E" between those servers'"#,
        ),
        (
            r#","route_pool_size":3,"route_account":"X""#,
            r#"-ERR 'Unable to lookup account "X": account missing'"#,
        ),
    ] {
        assert_eq!(Route::introduced(&server, more).rest(), answer, "{more}");
    }
    client(&server, "A").sync_silent();
    await_members(&server, 1);
}

/// Who dials makes the connections of the pool one after the other, each once the one before has shown that it is let in,
/// and makes those again that end.
#[test]
fn a_pool_is_filled_and_stays_full() {
    let acceptor = Acceptor::new();
    let _server = member("a", &[acceptor.address()]).start();
    let mut pool = Vec::new();
    let mut pinned = None;
    let accept = |pool: &mut Vec<(usize, Route)>, pinned: &mut Option<Route>| {
        let mut route = acceptor.accept(r#","route_pool_size":3"#);
        let info = route.line_with("INFO");
        if info.contains(r#""route_account":"$SYS""#) {
            *pinned = Some(route);
            return;
        }
        let index = (1..3).find(|index| info.contains(&format!(r#""route_pool_idx":{index}"#)));
        route.line_with("PING");
        route.say("PONG");
        pool.push((index.unwrap_or(0), route));
    };
    while pool.len() < 3 || pinned.is_none() {
        accept(&mut pool, &mut pinned);
    }
    let indexes = |pool: &[(usize, Route)]| pool.iter().map(|(index, _)| *index).collect::<Vec<_>>();
    assert_eq!(indexes(&pool), [0, 1, 2]);
    drop(pool.remove(1));
    accept(&mut pool, &mut pinned);
    assert_eq!(indexes(&pool), [0, 2, 1]);
    pinned = None;
    accept(&mut pool, &mut pinned);
    assert!(pinned.is_some() && pool.len() == 3);
}

/// A server that knows of no pool has one route, which carries everything, and no other is made as long as there is that.
#[test]
fn a_server_without_a_pool_has_one_route() {
    let acceptor = Acceptor::new();
    let server = member("a", &[acceptor.address()]).start();
    let mut only = None;
    let mut refused = false;
    while only.is_none() || !refused {
        let mut route = acceptor.accept("");
        let line = route.any_line();
        if line.starts_with("INFO") {
            assert!(
                !line.contains("route_pool_idx") && !line.contains("route_account"),
                "{line}"
            );
            only = Some(route);
        } else {
            let text =
                r#"-ERR 'Not possible to have a dedicated route for account "$SYS" between those servers'"#;
            assert_eq!(line, text);
            refused = true;
        }
    }
    let mut only = only.unwrap();
    only.line_with("RS+ $SYS ");
    let mut client = server.connected();
    client.subscribe("a", "1");
    only.expect(&["RS+ $G a"]);
    await_routes(&server, "Only");
}

/// A whole server goes, and comes back.
#[test]
fn all_connections_come_back_with_their_server() {
    let held = HeldPort::new();
    let mut cluster = pooled(3, &["E"], &[]);
    cluster.listener.listen.port = held.fixed();
    let first = with_accounts("a", cluster.clone()).start();
    let second = with_accounts("b", pooled(3, &["E"], &[held.address()])).start();
    let all = r#"Pooled(0) Pooled(1) Pooled(2) Pinned("$SYS") Pinned("E")"#;
    await_routes(&second, all);
    first.shutdown();
    await_routes(&second, "");
    let first = with_accounts("a", cluster).start();
    await_routes(&second, all);
    await_routes(&first, all);
    for account in ["A", "C", "E", "G"] {
        let mut subscriber = client(&first, account);
        subscriber.subscribe("service", "1");
        let mut requester = client(&second, account);
        requester.subscribe("inbox", "9");
        eventually(|| {
            requester.send("PUB service inbox 0\r\n");
            requester.sync_messages().is_empty()
        });
    }
}
