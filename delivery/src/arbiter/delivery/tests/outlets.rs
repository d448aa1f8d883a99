//! One message for clients, for owners of mailboxes and for other servers.

use super::*;
use crate::mailbox::{Delivered, Mailbox, Message};
use crate::outbox::WhenFull;
use futures_util::task::noop_waker;
use std::task::{Context, Poll};
use vagus_protocol::routed::PeerLine;
use vagus_routing::{ConnectionKind, Destination, QueueGroup};

/// A client that is none of the subscribers.
pub(super) const SOMEBODY: Option<ConnectionId> = None;

/// What names a subscription, by its number: that of another server of the cluster is its own.
pub(super) fn sid_of(peer: &Outbox, number: usize) -> String {
    match peer.kind() {
        ConnectionKind::Route => format!(" {number}"),
        _ => number.to_string(),
    }
}

impl World {
    pub(super) fn subscribe_as(
        &mut self,
        peer: &Arc<Outbox>,
        subject: &str,
        sid: &str,
    ) -> Arc<ConnectionSubscription> {
        let subscription =
            ConnectionSubscription::new(subject.as_bytes(), None, sid.as_bytes(), peer.clone());
        let subscription = Arc::new(subscription);
        assert!(self.account.interest().change().insert(subscription.clone()));
        self.account.interest().versions().bump(subject.as_bytes());
        subscription
    }

    pub(super) fn client(&mut self) -> Arc<Outbox> {
        let client = Arc::new(self.outbox());
        client.set_accepts_headers(true);
        client
    }

    fn outbox(&self) -> Outbox {
        let id = self.arbiters.next_connection_id();
        Outbox::new(self.arbiters.slots.take(), id, 0, usize::MAX, None)
    }

    pub(super) fn server(&mut self, kind: ConnectionKind) -> Arc<Outbox> {
        let line = match kind {
            ConnectionKind::LeafNode | ConnectionKind::Hub => PeerLine::LeafNode,
            _ => PeerLine::WithAccount,
        };
        let server = Arc::new(self.outbox().for_peer(kind, line));
        server.set_accepts_headers(true);
        server
    }

    pub(super) fn owner(&mut self, max_pending: usize, when_full: WhenFull) -> Mailbox {
        Mailbox::new(&self.arbiters, ConnectionKind::Stream, max_pending, when_full)
    }

    pub(super) fn own(&mut self, owner: &Mailbox, subject: &str, number: u32) {
        let subscription = owner.subscription(subject.as_bytes(), None, number);
        assert!(self.account.interest().change().insert(subscription));
        self.account.interest().versions().bump(subject.as_bytes());
    }

    /// Members of a queue group, with their weights.
    pub(super) fn join_weighted(&mut self, members: &[(&Arc<Outbox>, u32)], subject: &str, queue: &str) {
        let numbered = members.iter().enumerate();
        let named =
            numbered.map(|(number, (outbox, weight))| (*outbox, *weight, sid_of(outbox, 90 + number)));
        let named: Vec<_> = named.collect();
        self.join_as(&named, subject, queue);
    }

    /// The same, with what names them.
    pub(super) fn join_as(&mut self, members: &[(&Arc<Outbox>, u32, String)], subject: &str, queue: &str) {
        let mut group = QueueGroup::new();
        for (outbox, weight, sid) in members {
            let member = ConnectionSubscription::new(
                subject.as_bytes(),
                Some(queue.as_bytes()),
                sid.as_bytes(),
                (*outbox).clone(),
            );
            assert!(group.join_weighted(Arc::new(member), *weight));
        }
        let mut index = self.account.interest().change();
        index.set_group(subject.as_bytes(), queue.as_bytes(), group.members());
        self.account.interest().versions().bump(subject.as_bytes());
    }

    /// Publishes as somebody else than a client.
    pub(super) fn publish_from(&mut self, frame: &str, origin: Origin) -> bool {
        let message = parsed(frame);
        assert!(self.delivery.goes_on(&self.account, Some(&message), origin));
        self.delivery.publish(&self.account, &message, origin)
    }

    /// Has a further turn.
    pub(super) fn next_turn(&mut self) {
        self.end();
        self.delivery.staging.take_pause();
        self.delivery.staging.begin_turn(Moment::default());
    }
}

pub(super) fn from_server(server: &Outbox) -> Origin {
    Origin::without_echo(server.connection_id(), AccountId(0), server.kind())
}

/// All that waits for an owner.
pub(super) fn messages(owner: &mut Mailbox) -> Vec<Message> {
    let waker = noop_waker();
    let mut all = Vec::new();
    while let Poll::Ready(Delivered::Messages(messages)) = owner.poll_next(&mut Context::from_waker(&waker)) {
        all.extend(messages);
    }
    all
}

/// The same as text: number, subject, reply, headers, payload.
fn shown(owner: &mut Mailbox) -> Vec<String> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace("\r\n", "|");
    let show = |message: Message| {
        let parts = message.parts();
        let reply = parts.reply.map_or("-".into(), text);
        let (header, payload) = (text(parts.header), text(parts.payload));
        format!(
            "{} {} {reply} {header} {payload}",
            parts.subscription,
            text(parts.subject)
        )
    };
    messages(owner).into_iter().map(show).collect()
}

const HEADERS: &str = "NATS/1.0\r\nA: b\r\n\r\n";

#[test]
fn an_owner_gets_what_comes_to_all_its_subscriptions_in_order() {
    let mut world = World::new();
    let mut owner = world.owner(usize::MAX, WhenFull::CutOff);
    world.own(&owner, "orders.*", 7);
    world.own(&owner, "orders.new", 8);
    world.own(&owner, "bills", 9);
    world.publish("PUB orders.new 1\r\na\r\n", SOMEBODY);
    world.publish("PUB bills reply.to 1\r\nb\r\n", SOMEBODY);
    world.publish(&format!("HPUB orders.old 18 19\r\n{HEADERS}c\r\n"), SOMEBODY);
    world.publish("PUB orders.old 0\r\n\r\n", SOMEBODY);
    world.publish("PUB  bills\tr  02\r\ndd\r\n", SOMEBODY);
    assert!(!world.publish("PUB other 0\r\n\r\n", SOMEBODY));
    world.end();
    let mut came = shown(&mut owner);
    came[..2].sort();
    assert_eq!(
        came,
        [
            "7 orders.new -  a",
            "8 orders.new -  a",
            "9 bills reply.to  b",
            "7 orders.old - NATS/1.0|A: b|| c",
            "7 orders.old -  ",
            "9 bills r  dd",
        ]
    );
}

#[test]
fn messages_that_repeat_a_line_reach_everybody_by_their_outlets() {
    let mut world = World::new();
    let (client, route) = (world.client(), world.server(ConnectionKind::Route));
    let mut owner = world.owner(usize::MAX, WhenFull::CutOff);
    let owned = owner.subscription(b"a", None, 3);
    let of_client = world.subscribe(&client, "a", 1);
    let of_route = world.subscribe(&route, "a", 1);
    assert!(world.account.interest().change().insert(owned.clone()));
    world.account.interest().versions().bump(b"a");
    world.publish("PUB a 1\r\n0\r\n", SOMEBODY);
    assert!(
        world.delivery.may_publish_again(4) > 0,
        "none has to be looked at"
    );
    let frames = b"PUB a 1\r\n1\r\nPUB a 1\r\n2\r\n";
    let frame = frames.len() / 2;
    assert!(
        world
            .delivery
            .publish_again(&Repeats::new(frames, frame, frame - "PUB a ".len(), 1))
    );
    assert_eq!(world.end().1, 9);
    assert_eq!(
        taken(&client),
        "MSG a 1 1\r\n0\r\nMSG a 1 1\r\n1\r\nMSG a 1 1\r\n2\r\n"
    );
    assert_eq!(
        taken(&route),
        "RMSG $G a 1\r\n0\r\nRMSG $G a 1\r\n1\r\nRMSG $G a 1\r\n2\r\n"
    );
    assert_eq!(shown(&mut owner), ["3 a -  0", "3 a -  1", "3 a -  2"]);
    let delivered = [&of_client, &of_route, &owned].map(|it| it.delivered());
    assert_eq!(delivered, [3, 3, 3]);
}

/// Also where nobody else is interested; but none goes back, or where it is not to be had.
#[test]
fn messages_that_repeat_a_line_reach_peers() {
    let mut world = World::new();
    let [one, leaf, from, gone] = [
        ConnectionKind::Route,
        ConnectionKind::LeafNode,
        ConnectionKind::LeafNode,
        ConnectionKind::LeafNode,
    ]
    .map(|kind| world.server(kind));
    let [of_one, of_leaf, of_from, _] = [&one, &leaf, &from, &gone].map(|peer| world.subscribe(peer, "a", 1));
    world.subscribe(&leaf, "*", 2);
    gone.close(CloseReason::ClientClosed);
    let frames = format!("HPUB a 18 19\r\n{HEADERS}1\r\nHPUB a 18 19\r\n{HEADERS}2\r\n");
    let frame = frames.len() / 2;
    assert!(world.publish_from(&format!("HPUB a 18 19\r\n{HEADERS}0\r\n"), from_server(&from)));
    let repeats = Repeats::new(frames.as_bytes(), frame, frame - "HPUB a ".len(), 19);
    assert!(world.delivery.publish_again(&repeats));
    world.end();
    let came: String = (0..3)
        .map(|number| format!("HMSG a 18 19\r\n{HEADERS}{number}\r\n"))
        .collect();
    assert_eq!(taken(&leaf), came);
    assert_eq!(taken(&one), came.replace("HMSG ", "HMSG $G "));
    assert_eq!(taken(&from), "");
    assert_eq!([of_one, of_leaf, of_from].map(|it| it.delivered()), [3, 3, 0]);
}

#[test]
fn owners_that_number_alike_share_the_bytes() {
    let mut world = World::new();
    let mut owners: Vec<_> = (0..3)
        .map(|_| world.owner(usize::MAX, WhenFull::CutOff))
        .collect();
    for owner in &owners {
        world.own(owner, "a", 1);
    }
    let client = world.client();
    world.subscribe(&client, "a", 1);
    let payload = "p".repeat(2_000);
    world.publish(&format!("PUB a 2000\r\n{payload}\r\n"), SOMEBODY);
    world.end();
    let payloads: Vec<_> = owners
        .iter_mut()
        .map(|owner| {
            let message = messages(owner).pop().unwrap();
            message.share(message.parts().payload)
        })
        .collect();
    assert!(payloads.iter().all(|one| *one == payload.as_bytes()));
    let places: Vec<_> = payloads.iter().map(|one| one.as_ptr()).collect();
    assert!(places.iter().all(|place| *place == places[0]), "they are copies");
    assert_eq!(taken(&client), format!("MSG a 1 2000\r\n{payload}\r\n"));
}

#[test]
fn a_peer_gets_one_copy_with_the_account_and_the_reply() {
    let mut world = World::new();
    let route = world.server(ConnectionKind::Route);
    let leaf = world.server(ConnectionKind::LeafNode);
    for (sid, subject) in ["a.b", "a.*", ">"].into_iter().enumerate() {
        world.subscribe(&route, subject, sid);
    }
    world.subscribe(&leaf, "a.>", 1);
    world.subscribe(&leaf, "a.b", 2);
    world.publish("PUB a.b 1\r\n1\r\n", SOMEBODY);
    world.publish("PUB a.b r.s 1\r\n2\r\n", SOMEBODY);
    world.publish(&format!("HPUB a.c r 18 19\r\n{HEADERS}3\r\n"), SOMEBODY);
    world.publish("PUB other 1\r\n4\r\n", SOMEBODY);
    world.publish("PUB  a.b  1\r\n5\r\n", SOMEBODY);
    world.end();
    assert_eq!(
        taken(&route),
        format!(
            "RMSG $G a.b 1\r\n1\r\nRMSG $G a.b r.s 1\r\n2\r\nHMSG $G a.c r 18 19\r\n{HEADERS}3\r\n\
             RMSG $G other 1\r\n4\r\nRMSG $G a.b 1\r\n5\r\n"
        )
    );
    assert_eq!(
        taken(&leaf),
        format!(
            "LMSG a.b 1\r\n1\r\nLMSG a.b r.s 1\r\n2\r\nHMSG a.c r 18 19\r\n{HEADERS}3\r\nLMSG a.b 1\r\n5\r\n"
        )
    );
}

#[test]
fn a_peer_is_told_which_queue_groups_it_is_to_serve() {
    let mut world = World::new();
    let (one, other) = (
        world.server(ConnectionKind::Route),
        world.server(ConnectionKind::Route),
    );
    let client = world.client();
    world.subscribe(&one, "a", 1);
    world.join_weighted(&[(&one, 1)], "a", "q1");
    world.join_weighted(&[(&other, 1)], "a", "q2");
    world.join_weighted(&[(&one, 1)], "*", "q3");
    world.join_weighted(&[(&client, 1)], "a", "q4");
    assert!(world.publish("PUB a 1\r\n1\r\n", SOMEBODY));
    assert!(world.publish("PUB a r 1\r\n2\r\n", SOMEBODY));
    assert!(world.publish(&format!("HPUB a r 18 19\r\n{HEADERS}3\r\n"), SOMEBODY));
    assert!(world.publish("PUB b 1\r\n4\r\n", SOMEBODY));
    world.end();
    let order = |line: String| line.replace("q3 q1", "q1 q3");
    assert_eq!(
        order(taken(&one)),
        format!(
            "RMSG $G a | q1 q3 1\r\n1\r\nRMSG $G a + r q1 q3 1\r\n2\r\n\
             HMSG $G a + r q1 q3 18 19\r\n{HEADERS}3\r\nRMSG $G b | q3 1\r\n4\r\n"
        )
    );
    assert_eq!(
        taken(&other),
        format!(
            "RMSG $G a | q2 1\r\n1\r\nRMSG $G a + r q2 1\r\n2\r\nHMSG $G a + r q2 18 19\r\n{HEADERS}3\r\n"
        )
    );
    assert_eq!(
        taken(&client),
        format!("MSG a 90 1\r\n1\r\nMSG a 90 r 1\r\n2\r\nHMSG a 90 r 18 19\r\n{HEADERS}3\r\n")
    );
}

/// As the members of the cluster are as near as each other; only where there is none others are asked.
#[test]
fn a_queue_group_spreads_over_the_cluster_by_weight_before_it_goes_further() {
    let mut world = World::new();
    let (client, route) = (world.client(), world.server(ConnectionKind::Route));
    let (leaf, gateway) = (
        world.server(ConnectionKind::LeafNode),
        world.server(ConnectionKind::Gateway),
    );
    let members = [(&gateway, 50), (&leaf, 50), (&client, 1), (&route, 3)];
    world.join_weighted(&members, "a", "q");
    for _ in 0..4_000 {
        assert!(world.publish("PUB a 0\r\n\r\n", SOMEBODY));
        world.next_turn();
    }
    let lines = |outbox: &Outbox| taken(outbox).matches("MSG").count();
    let (of_client, of_route) = (lines(&client), lines(&route));
    assert_eq!(of_client + of_route, 4_000);
    assert!((900..1_100).contains(&of_client), "{of_client}");
    client.close(CloseReason::ClientClosed);
    route.close(CloseReason::ClientClosed);
    for _ in 0..100 {
        assert!(world.publish("PUB a 0\r\n\r\n", SOMEBODY));
    }
    world.next_turn();
    assert_eq!((lines(&leaf), lines(&gateway)), (100, 0));
    leaf.close(CloseReason::ClientClosed);
    assert!(world.publish("PUB a 0\r\n\r\n", SOMEBODY));
    world.end();
    assert_eq!(lines(&gateway), 1);
}

#[test]
fn what_came_over_a_route_goes_one_hop() {
    let mut world = World::new();
    let [one, other] = [(); 2].map(|()| world.server(ConnectionKind::Route));
    let [leaf, hub] = [ConnectionKind::LeafNode, ConnectionKind::Hub].map(|kind| world.server(kind));
    let client = world.client();
    let mut owner = world.owner(usize::MAX, WhenFull::CutOff);
    world.own(&owner, "a", 1);
    for outbox in [&one, &other, &leaf, &hub, &client] {
        world.subscribe(outbox, "a", 1);
    }
    world.join_weighted(&[(&other, 100), (&client, 1)], "a", "q");
    for _ in 0..20 {
        assert!(world.publish_from("PUB a 0\r\n\r\n", from_server(&one)));
    }
    world.end();
    for server in [&one, &other, &hub] {
        assert_eq!(taken(server), "");
    }
    assert_eq!(taken(&leaf), "LMSG a 0\r\n\r\n".repeat(20));
    assert_eq!(taken(&client).matches("MSG a 1 ").count(), 20);
    assert_eq!(messages(&mut owner).len(), 20);
}

#[test]
fn nobody_gets_back_what_it_sent() {
    let mut world = World::new();
    let [one, other] = [(); 2].map(|()| world.server(ConnectionKind::LeafNode));
    let route = world.server(ConnectionKind::Route);
    let mut stream = world.owner(usize::MAX, WhenFull::CutOff);
    for outbox in [&one, &other, &route] {
        world.subscribe(outbox, "a", 1);
    }
    world.own(&stream, "a", 1);
    world.publish_from("PUB a 1\r\n1\r\n", from_server(&one));
    world.next_turn();
    assert_eq!(
        [&one, &other, &route].map(|outbox| taken(outbox)),
        ["", "LMSG a 1\r\n1\r\n", "RMSG $G a 1\r\n1\r\n"]
    );
    assert_eq!(shown(&mut stream), ["1 a -  1"]);
    let itself = stream.outbox().clone();
    world.publish_from("PUB a 1\r\n2\r\n", from_server(&itself));
    world.end();
    assert_eq!(shown(&mut stream), [""; 0]);
    assert_eq!(taken(&other), "LMSG a 1\r\n2\r\n");
}

/// Each way on which messages are looked at one by one serves everybody, too.
#[test]
fn a_message_that_is_delivered_with_care_reaches_everybody() {
    let mut world = World::new();
    let client = world.client();
    world.subscribe(&client, "a", 1).set_limit(1);
    let (with, without) = (
        world.server(ConnectionKind::Route),
        world.server(ConnectionKind::Route),
    );
    without.set_accepts_headers(false);
    let mut owner = world.owner(usize::MAX, WhenFull::CutOff);
    world.subscribe(&with, "a", 1);
    world.subscribe(&without, "a", 1);
    world.join_weighted(&[(&without, 1)], "a", "q");
    world.own(&owner, "a", 1);
    let member = owner.subscription(b"a", Some(b"r"), 2);
    world
        .account
        .interest()
        .change()
        .set_group(b"a", b"r", [member].into());
    world.account.interest().versions().bump(b"a");
    for payload in 1..3 {
        assert!(world.publish(&format!("HPUB a r 18 19\r\n{HEADERS}{payload}\r\n"), SOMEBODY));
    }
    world.end();
    assert_eq!(taken(&client), format!("HMSG a 1 r 18 19\r\n{HEADERS}1\r\n"));
    assert_eq!(
        taken(&with),
        format!("HMSG $G a r 18 19\r\n{HEADERS}1\r\nHMSG $G a r 18 19\r\n{HEADERS}2\r\n")
    );
    assert_eq!(
        taken(&without),
        "RMSG $G a + r q 1\r\n1\r\nRMSG $G a + r q 1\r\n2\r\n"
    );
    let came = shown(&mut owner);
    let expected = |payload| [1, 2].map(|number| format!("{number} a r NATS/1.0|A: b|| {payload}"));
    assert_eq!(came, [expected(1), expected(2)].concat());
}

#[test]
fn a_message_for_more_than_a_turn_reaches_everybody_in_order() {
    let mut world = World::new();
    let client = world.client();
    for sid in 0..WIDE {
        world.subscribe(&client, "x", sid);
    }
    let servers: Vec<_> = (0..100).map(|_| world.server(ConnectionKind::LeafNode)).collect();
    let mut owners: Vec<_> = (0..3)
        .map(|_| world.owner(usize::MAX, WhenFull::CutOff))
        .collect();
    for server in &servers {
        world.subscribe(server, "x", 1);
        world.subscribe(server, ">", 2);
    }
    for owner in &owners {
        world.own(owner, "x", 1);
    }
    world.own(&owners[0], ">", 2);
    for payload in 1..3 {
        assert!(world.publish(&format!("PUB x 1\r\n{payload}\r\n"), SOMEBODY));
    }
    assert!(world.turns().len() > 2);
    for server in &servers {
        assert_eq!(taken(server), "LMSG x 1\r\n1\r\nLMSG x 1\r\n2\r\n");
    }
    for owner in &mut owners[1..] {
        assert_eq!(shown(owner), ["1 x -  1", "1 x -  2"]);
    }
    let mut of_two = shown(&mut owners[0]);
    of_two[..2].sort();
    of_two[2..].sort();
    assert_eq!(of_two, ["1 x -  1", "2 x -  1", "1 x -  2", "2 x -  2"]);
    // With queue groups, too, of which each server serves its own.
    for (number, server) in servers.iter().enumerate() {
        world.join_weighted(&[(server, 1)], "x", &format!("q{number}"));
    }
    world.delivery.staging.begin_turn(Moment::default());
    for payload in 3..5 {
        assert!(world.publish(&format!("PUB x r 1\r\n{payload}\r\n"), SOMEBODY));
        world.turns();
        world.delivery.staging.begin_turn(Moment::default());
    }
    for (number, server) in servers.iter().enumerate() {
        let line = |payload| format!("LMSG x + r q{number} 1\r\n{payload}\r\n");
        assert_eq!(taken(server), line(3) + &line(4));
    }
}
