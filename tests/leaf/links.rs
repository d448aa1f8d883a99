//! What is published on one side of a link comes to those who want it on the other, once.

use crate::world::{OF_SERVERS, await_interest, await_links, hub, leaf, leaf_by};
use vagus_test_support::{eventually, subscribed};

#[test]
fn messages_go_both_ways_and_answers_find_back() {
    let hub = hub("hub").start();
    let leaf = leaf("edge", &[hub.leafnode_address().unwrap()]).start();
    await_links(&hub, 1);
    await_links(&leaf, 1);
    await_interest(&hub, OF_SERVERS);
    await_interest(&leaf, OF_SERVERS);
    for (here, there) in [(&hub, &leaf), (&leaf, &hub)] {
        let mut service = subscribed(here, "service 1", &[there]);
        let mut client = there.connected();
        client.send("SUB inbox 9\r\nHPUB service inbox 12 14\r\nNATS/1.0\r\n\r\nhi");
        client.sync_silent();
        let request = service.message();
        assert_eq!(
            (&*request.payload, request.reply.as_deref()),
            (&b"hi"[..], Some("inbox"))
        );
        service.send("PUB inbox 2\r\nho");
        service.sync_silent();
        assert_eq!(client.message().payload, b"ho");
        drop((service, client));
        await_interest(here, OF_SERVERS);
        await_interest(there, OF_SERVERS);
    }
}

/// What comes from one leaf node goes to the others by their hub, and not back.
#[test]
fn leaf_nodes_of_one_hub_reach_each_other_once() {
    let hub = hub("hub").start();
    let address = hub.leafnode_address().unwrap();
    let leafs = ["a", "b"].map(|name| leaf(name, &[address]).start());
    await_links(&hub, 2);
    let mut subscriber = subscribed(&leafs[1], "s 1", &[&hub, &leafs[0]]);
    let mut publisher = leafs[0].connected();
    publisher.send("SUB s 1\r\nPUB s 1\r\n1\r\nPUB s 1\r\n2");
    assert_eq!(publisher.sync_messages().len(), 2);
    let came = [subscriber.message(), subscriber.message()].map(|message| message.payload);
    assert_eq!(came, [b"1".to_vec(), b"2".to_vec()]);
    assert!(subscriber.sync_messages().is_empty());
}

/// A member that is here comes first; without one those beyond the link share.
#[test]
fn queue_groups_are_served_where_they_are_near() {
    let hub = hub("hub").start();
    let leaf = leaf("edge", &[hub.leafnode_address().unwrap()]).start();
    await_links(&hub, 1);
    let mut far = subscribed(&leaf, "s q 1", &[&hub]);
    let mut near = subscribed(&hub, "s q 1", &[&leaf]);
    let mut publisher = hub.connected();
    publisher.send("PUB s 1\r\n1\r\n".repeat(10).trim_end());
    publisher.sync_silent();
    assert_eq!(near.sync_messages().len(), 10);
    assert!(far.sync_messages().is_empty());
    drop(near);
    await_interest(&hub, OF_SERVERS + 1);
    publisher.send("PUB s 1\r\n1");
    publisher.sync_silent();
    assert_eq!(far.message().payload, b"1");
}

/// Two links between the same two accounts are a loop: one of them has to go.
#[test]
fn servers_that_are_leaf_nodes_of_each_other_are_found_out() {
    let a = hub("a").start();
    let b_address = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    let a_address = a.leafnode_address().unwrap();
    let middle = crate::world::hub_by("b", |listener| {
        listener.settings.listen.port = vagus_configs::Port::Fixed(b_address.port());
    });
    let middle = middle.set(|config| {
        config.leafnodes.remotes = vec![remote(a_address)];
    });
    let _middle = middle.start();
    await_links(&a, 1);
    // One that is a leaf node of both joins what is joined already.
    let both = leaf("c", &[a_address, b_address]).start();
    eventually(|| {
        let waits = |state: &vagus_actors::leafnodes::HubState| {
            let dialling = state.dialling.as_ref().unwrap();
            dialling.next_attempt_in.is_some_and(|wait| wait.as_secs() > 10)
        };
        both.hubs().unwrap().iter().any(waits)
    });
}

fn remote(hub: std::net::SocketAddr) -> vagus_configs::LeafRemote {
    vagus_configs::LeafRemote {
        urls: vec![crate::world::url(hub)],
        ..vagus_configs::LeafRemote::default()
    }
}

/// The hub goes and comes back: its leaf node is there again, and knows what is wanted.
#[test]
fn a_leaf_node_comes_back_to_its_hub() {
    let first = hub("hub").start();
    let address = first.leafnode_address().unwrap();
    let leaf = leaf_by("edge", &[address], |remote| {
        remote.compression = vagus_compression::mode::Mode::Off;
    });
    let leaf = leaf
        .set(|config| config.leafnodes.reconnect = std::time::Duration::from_millis(20))
        .start();
    await_links(&leaf, 1);
    drop(first);
    await_links(&leaf, 0);
    let mut subscriber = leaf.connected();
    subscriber.send("SUB s 1");
    subscriber.sync_silent();
    let again = crate::world::hub_by("hub", |listener| {
        listener.settings.listen.port = vagus_configs::Port::Fixed(address.port());
    });
    let again = again.start();
    await_links(&again, 1);
    await_interest(&again, OF_SERVERS + 1);
    again.connected().send("PUB s 2\r\nhi");
    assert_eq!(subscriber.message().payload, b"hi");
}

/// Links are compressed as both ends agree.
#[test]
fn links_are_compressed_where_both_want_it() {
    use vagus_compression::mode::{Level, Mode};
    let hub = crate::world::hub_by("hub", |listener| listener.compression = Mode::Accept).start();
    let address = hub.leafnode_address().unwrap();
    for mode in [Mode::Always(Level::Best), Mode::Off, Mode::NotSupported] {
        let leaf = leaf_by("edge", &[address], |remote| remote.compression = mode.clone()).start();
        await_links(&leaf, 1);
        let mut subscriber = subscribed(&leaf, "s 1", &[&hub]);
        let mut publisher = hub.connected();
        publisher.send("PUB s 2\r\nhi");
        assert_eq!(subscriber.message().payload, b"hi", "{mode:?}");
        drop(leaf);
        await_links(&hub, 0);
    }
}
