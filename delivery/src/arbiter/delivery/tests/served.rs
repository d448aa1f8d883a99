//! Messages that name the queue groups which they are for.

use super::outlets::from_server;
use super::*;
use vagus_routing::ConnectionKind;

/// What another server passes on is for the queue groups that it names.
#[test]
fn a_message_of_another_server_serves_the_groups_that_it_names() {
    let mut world = World::new();
    let (route, plain, member, other) = (
        world.server(ConnectionKind::Route),
        world.client(),
        world.client(),
        world.client(),
    );
    world.subscribe(&plain, "a", 1);
    world.join_weighted(&[(&member, 1)], "a", "q");
    world.join_weighted(&[(&other, 1)], "a", "p");
    let origin = from_server(&route);
    for (groups, tail) in [
        ("", Some(&b"1\r\n1\r\n"[..])),
        ("q", Some(b"1\r\n2\r\n")),
        ("p", None),
        ("x p q", None),
    ] {
        let message = Publish {
            groups: Groups::Only(groups.as_bytes()),
            tail,
            body: tail.map_or(b"3", |tail| &tail[3..4]),
            ..parsed("PUB a 1\r\n0\r\n")
        };
        assert!(world.delivery.goes_on(&world.account, Some(&message), origin));
        assert!(
            world.delivery.publish(&world.account, &message, origin),
            "{groups}"
        );
    }
    world.end();
    let payloads =
        |outbox: &Arc<Outbox>| -> String { taken(outbox).split("\r\n").skip(1).step_by(2).collect() };
    assert_eq!(payloads(&plain), "1233");
    assert_eq!(payloads(&member), "23");
    assert_eq!(payloads(&other), "33");
}

/// A group whose members here are gone is served by one at another server, and by the server that passed the message on only
/// if there is nobody else. Groups that are not named are served by nobody.
#[test]
fn a_message_goes_on_where_its_members_are() {
    let mut world = World::new();
    let (route, elsewhere, member) = (
        world.server(ConnectionKind::Route),
        world.server(ConnectionKind::Route),
        world.client(),
    );
    let pass_on = |world: &mut World, groups: &str| {
        let message = Publish {
            groups: Groups::Only(groups.as_bytes()),
            ..parsed("PUB a 1\r\n0\r\n")
        };
        let origin = from_server(&route);
        assert!(world.delivery.goes_on(&world.account, Some(&message), origin));
        let is_taken = world.delivery.publish(&world.account, &message, origin);
        world.next_turn();
        let came = [&route, &elsewhere, &member].map(|outbox| taken(outbox));
        (
            is_taken,
            came.concat(),
            came.iter().position(|came| !came.is_empty()),
        )
    };
    world.join_weighted(&[(&route, 1), (&elsewhere, 1), (&member, 1)], "a", "q");
    world.join_weighted(&[(&route, 1)], "a", "p");
    for _ in 0..20 {
        assert_eq!(
            pass_on(&mut world, "q"),
            (true, "MSG a 92 1\r\n0\r\n".to_owned(), Some(2))
        );
    }
    member.retire();
    let line = |groups: &str| format!("RMSG $G a | {groups} 1\r\n0\r\n");
    for _ in 0..20 {
        assert_eq!(pass_on(&mut world, "q"), (true, line("q"), Some(1)));
    }
    assert_eq!(pass_on(&mut world, "p"), (true, line("p"), Some(0)));
    assert_eq!(pass_on(&mut world, ""), (false, String::new(), None));
    elsewhere.retire();
    assert_eq!(pass_on(&mut world, "q"), (true, line("q"), Some(0)));
}
