//! What comes from a cluster of leaf nodes does not go back there by way of another server of this one's cluster.

use super::outlets::SOMEBODY;
use super::*;
use vagus_routing::{ConnectionKind, LeafCluster};

/// A leaf node of this cluster that publishes.
fn from_leaf_node(cluster: &str) -> Origin {
    Origin::without_echo(77, AccountId(0), ConnectionKind::LeafNode)
        .from_cluster(LeafCluster::named(cluster.as_bytes()))
}

fn lines(outbox: &Outbox) -> usize {
    taken(outbox).matches("MSG").count()
}

#[test]
fn a_server_behind_which_nobody_else_is_interested_gets_nothing() {
    let mut world = World::new();
    let [of_edge, of_both, of_none] = [(); 3].map(|()| world.server(ConnectionKind::Route));
    let client = world.client();
    world.subscribe_as(&of_edge, "a", "edge a");
    world.subscribe_as(&of_edge, "*", "edge *");
    world.subscribe_as(&of_both, "a", "edge a");
    world.subscribe_as(&of_both, "a", " a");
    world.subscribe_as(&of_none, "a", "_ a");
    world.subscribe(&client, "a", 1);
    let all = [&of_edge, &of_both, &of_none, &client];
    for (cluster, expected) in [("edge", [0, 1, 1, 1]), ("far", [1, 1, 1, 1]), ("", [1, 1, 1, 1])] {
        for frame in ["PUB a 0\r\n\r\n", "HPUB a 12 12\r\nNATS/1.0\r\n\r\n\r\n"] {
            assert!(world.publish_from(frame, from_leaf_node(cluster)));
            world.next_turn();
            assert_eq!(all.map(|it| lines(it)), expected, "{cluster:?}");
        }
    }
    assert!(world.publish("PUB a 0\r\n\r\n", SOMEBODY));
    world.end();
    assert_eq!(all.map(|it| lines(it)), [1; 4]);
}

/// As near as leaf nodes that are linked here, and further off than members of the cluster itself.
#[test]
fn a_queue_group_is_not_served_there() {
    let mut world = World::new();
    let [edge, far, own] = [(); 3].map(|()| world.server(ConnectionKind::Route));
    let of_group = |outbox: &Arc<Outbox>, sid: &str| (outbox.clone(), 1, sid.to_owned());
    let all = [
        of_group(&edge, "edge a q"),
        of_group(&far, "far a q"),
        of_group(&own, " a q"),
    ];
    let join = |world: &mut World, members: &[(Arc<Outbox>, u32, String)]| {
        let members = members
            .iter()
            .map(|(outbox, weight, sid)| (outbox, *weight, sid.clone()));
        world.join_as(&members.collect::<Vec<_>>(), "a", "q");
    };
    for (members, cluster, expected) in [
        (&all[..], "edge", [0, 0, 50]),
        (&all[..2], "edge", [0, 50, 0]),
        (&all[..1], "edge", [0, 0, 0]),
        (&all[..1], "", [50, 0, 0]),
    ] {
        join(&mut world, members);
        for _ in 0..50 {
            world.publish_from("PUB a 0\r\n\r\n", from_leaf_node(cluster));
            world.next_turn();
        }
        let came = [&edge, &far, &own].map(|it| lines(it));
        assert_eq!(came, expected, "{} members, from {cluster:?}", members.len());
    }
}
