//! Servers find each other, and each has one route to every other.

use crate::world::{NAME, await_members, clustered, in_cluster, member, servers};
use vagus_auth::credentials::Credentials;
use vagus_test_support::{HeldPort, eventually};

#[test]
fn all_meet_through_one() {
    let servers = servers(4);
    let names: Vec<_> = servers
        .iter()
        .map(|server| server.cluster().unwrap().members)
        .collect();
    assert_eq!(names[0], ["b", "c", "d"]);
    assert_eq!(names[3], ["a", "b", "c"]);
}

#[test]
fn two_that_connect_to_each_other_have_one_route() {
    let first = member("a", &[]).start();
    let address = first.cluster_address().unwrap();
    let second = member("b", &[address]).start();
    await_members(&first, 1);
    let third = member("c", &[address, second.cluster_address().unwrap()]).start();
    for server in [&first, &second, &third] {
        await_members(server, 2);
    }
    // One that goes is missed, and found again by those who look for it.
    drop(second);
    await_members(&first, 1);
    await_members(&third, 1);
}

#[test]
fn one_that_comes_back_is_found_again() {
    let held = HeldPort::new();
    let mut cluster = clustered(Some(NAME), &[]);
    cluster.listener.listen.port = held.fixed();
    let first = in_cluster("a", cluster.clone()).start();
    let second = member("b", &[held.address()]).start();
    await_members(&second, 1);
    first.shutdown();
    await_members(&second, 0);
    let first = in_cluster("a", cluster).start();
    await_members(&first, 1);
    await_members(&second, 1);
}

#[test]
fn a_name_that_is_made_up_gives_way_to_one_that_is_not() {
    let first = in_cluster("a", clustered(None, &[])).start();
    let made_up = first.cluster().unwrap().name;
    let second = in_cluster("b", clustered(Some(NAME), &[first.cluster_address().unwrap()])).start();
    await_members(&first, 1);
    await_members(&second, 1);
    assert_ne!(made_up, NAME);
    assert_eq!(first.cluster().unwrap().name, NAME);
    let mut client = first.connected();
    eventually(|| {
        client = first.connected();
        client.info().contains(r#""cluster":"tests""#)
    });
}

#[test]
fn servers_of_another_cluster_are_no_members() {
    let first = member("a", &[]).start();
    let other = in_cluster(
        "b",
        clustered(Some("others"), &[first.cluster_address().unwrap()]),
    )
    .start();
    let third = member("c", &[first.cluster_address().unwrap()]).start();
    await_members(&third, 1);
    await_members(&first, 1);
    assert!(other.cluster().unwrap().members.is_empty());
}

#[test]
fn who_connects_has_to_say_who_it_is() {
    let mut cluster = clustered(Some(NAME), &[]);
    cluster.listener.credentials = Credentials::User {
        name: "route".into(),
        password: "secret".into(),
    };
    let first = in_cluster("a", cluster).start();
    let address = first.cluster_address().unwrap();
    let refused = member("b", &[address]).start();
    let mut cluster = clustered(Some(NAME), &[address]);
    cluster.routes[0].user = "route".into();
    cluster.routes[0].password = "secret".into();
    let third = in_cluster("c", cluster).start();
    await_members(&first, 1);
    await_members(&third, 1);
    assert_eq!(first.cluster().unwrap().members, ["c"]);
    assert!(refused.cluster().unwrap().members.is_empty());
}

#[test]
fn one_that_connects_to_itself_is_alone() {
    let own = HeldPort::new();
    let mut cluster = clustered(Some(NAME), &[own.address()]);
    cluster.listener.listen.port = own.fixed();
    let server = in_cluster("a", cluster).start();
    let other = member("b", &[own.address()]).start();
    await_members(&server, 1);
    assert_eq!(server.cluster().unwrap().members, ["b"]);
    await_members(&other, 1);
}

#[test]
fn clients_are_told_where_else_to_connect() {
    let first = member("a", &[]).start();
    let mut client = first.connected();
    client.sync_silent();
    let second = member("b", &[first.cluster_address().unwrap()]).start();
    await_members(&first, 1);
    let other = second.client_address().to_string();
    let mut told = first.client();
    eventually(|| {
        told = first.client();
        told.info().contains(&other)
    });
    assert!(
        told.info().contains(&first.client_address().to_string()),
        "{}",
        told.info()
    );
    let mut silent = clustered(Some(NAME), &[first.cluster_address().unwrap()]);
    silent.advertises = false;
    let third = in_cluster("c", silent).start();
    await_members(&third, 2);
    assert!(!third.client().info().contains("connect_urls"));
    assert!(
        !first
            .client()
            .info()
            .contains(&third.client_address().to_string())
    );
}

#[test]
fn routes_are_shown() {
    let first = member("a", &[]).monitoring().start();
    let second = member("b", &[first.cluster_address().unwrap()])
        .monitoring()
        .start();
    await_members(&first, 1);
    await_members(&second, 1);
    for server in [&first, &second] {
        eventually(|| server.get("/varz").body.contains(r#""routes": 4"#));
    }
    for (server, other, solicited) in [(&first, &second, false), (&second, &first, true)] {
        let shown = server.get("/routez").body;
        for part in [
            r#""num_routes": 4"#.to_owned(),
            format!(r#""remote_id": "{}""#, other.id()),
            format!(r#""remote_name": "{}""#, other.name()),
            format!(r#""did_solicit": {solicited}"#),
            format!(r#""is_configured": {solicited}"#),
            r#""account": "$SYS""#.to_owned(),
        ] {
            assert!(shown.contains(&part), "{part} in {shown}");
        }
        let shown = server.get("/varz").body;
        let port = server.cluster_address().unwrap().port();
        for part in [
            r#""routes": 4"#,
            r#""remotes": 1"#,
            r#""name": "tests""#,
            r#""pool_size": 3"#,
            &format!(r#""cluster_port": {port}"#),
        ] {
            assert!(shown.contains(part), "{part} in {shown}");
        }
        assert_eq!(server.connections(), []);
    }
    let mut client = first.connected();
    client.send("SUB a.* 1\r\nSUB jobs workers 2");
    client.sync_silent();
    eventually(|| second.router().unwrap().subscriptions == 2);
    let listed = second.get("/routez?subs=1").body;
    assert!(
        listed.contains(r#""a.*""#) && listed.contains(r#""jobs""#),
        "{listed}"
    );
    let detailed = second.get("/routez?subs=detail").body;
    assert!(
        detailed.contains(r#""subject": "a.*""#) && detailed.contains(r#""qgroup": "workers""#),
        "{detailed}"
    );
    assert!(!second.get("/routez").body.contains("subscriptions_list"));
}
