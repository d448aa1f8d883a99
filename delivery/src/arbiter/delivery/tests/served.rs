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
