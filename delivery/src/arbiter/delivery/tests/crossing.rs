//! What comes from one account into another.

use super::tracing::Told;
use super::*;
use crate::account::{AnswerWay, Crossing, RequestWay};
use vagus_accounts::{
    Access, AccountDefinition, DEFAULT_RESPONSE_THRESHOLD, ImportedService, LocalSubject, ResponseType,
    ServiceExport, ServiceImport, Sharing, StreamExport, StreamImport,
};
use vagus_routing::{Members, Renaming};

/// Nobody of the subscribers.
const SOMEBODY: Option<ConnectionId> = None;

/// The account of the world exports; here is one that imports.
struct Importer {
    account: Arc<Account>,
    peer: Arc<Outbox>,
}

fn exporting(response_type: ResponseType) -> AccountDefinition {
    AccountDefinition {
        name: GLOBAL_ACCOUNT.into(),
        stream_exports: vec![StreamExport {
            subject: ">".into(),
            access: Access::Public,
        }],
        service_exports: vec![ServiceExport {
            subject: "svc.>".into(),
            access: Access::Public,
            response_type,
            response_threshold: DEFAULT_RESPONSE_THRESHOLD,
            latency: None,
            allow_trace: false,
        }],
        ..AccountDefinition::default()
    }
}

fn service(response_type: ResponseType, local: &str) -> ImportedService {
    let import = ServiceImport {
        account: GLOBAL_ACCOUNT.into(),
        subject: "svc.*".into(),
        local: Some(local.into()),
        share: false,
        activation: None,
    };
    let importer = AccountDefinition::default();
    let exporter = exporting(response_type);
    Sharing::new([&exporter], 0)
        .add_service(&importer, &import)
        .unwrap()
}

fn renaming(subject: &str, local: LocalSubject) -> (Vec<u8>, Arc<dyn Renaming>) {
    traced_renaming(subject, local, false)
}

fn traced_renaming(subject: &str, local: LocalSubject, allow_trace: bool) -> (Vec<u8>, Arc<dyn Renaming>) {
    let import = StreamImport {
        account: GLOBAL_ACCOUNT.into(),
        subject: subject.into(),
        local,
        allow_trace,
        activation: None,
    };
    let importer = AccountDefinition {
        name: "IMPORTER".into(),
        ..AccountDefinition::default()
    };
    let exporter = exporting(ResponseType::Singleton);
    let stream = Sharing::new([&exporter], 0)
        .add_stream(&importer, &import)
        .unwrap();
    (subject.into(), Arc::new(stream))
}

impl World {
    fn importer(&mut self, name: &str) -> Importer {
        Importer {
            account: Arc::new(Account::new(AccountId(name.len() as u32), name)),
            peer: self.peer(),
        }
    }

    /// A subscription of another account to `local`, and its shadow in this one.
    fn import(
        &mut self,
        peer: &Arc<Outbox>,
        local: &str,
        sid: &str,
        (subject, renaming): (&str, &Arc<dyn Renaming>),
    ) -> [Arc<ConnectionSubscription>; 2] {
        let original = ConnectionSubscription::new(local.as_bytes(), None, sid.as_bytes(), peer.clone());
        let original = Arc::new(original);
        let shadow = ConnectionSubscription::shadow(&original, subject.as_bytes(), renaming.clone());
        let shadow = Arc::new(shadow);
        insert(&self.account, &shadow);
        [original, shadow]
    }

    /// Has an account ask the services of this one, which it calls `local`.
    fn ask(&mut self, importer: &Importer, response_type: ResponseType, local: &str) {
        let service = service(response_type, local);
        let requests = RequestWay::new(
            service,
            &importer.account,
            self.account.clone(),
            self.arbiters.next_list(),
        );
        let way = self.way(&importer.account, requests.service().local().as_bytes());
        importer.account.add_crossing(way, Crossing::Requests(requests));
        for account in [&self.account, &importer.account] {
            let way = self.way(account, &account.answers().pattern());
            account.add_crossing(way, Crossing::Answers(AnswerWay::new(account)));
        }
    }

    fn way(&self, account: &Account, subject: &[u8]) -> ConnectionId {
        let way = self.arbiters.way_into_another_account(subject);
        insert(account, &way);
        way.destination().connection_id()
    }

    fn publish_in(&mut self, account: &Arc<Account>, frame: &str) -> bool {
        let message = parsed(frame);
        let origin = Origin::client(ConnectionId::MAX, account.id(), true);
        assert!(self.delivery.goes_on(account, Some(&message), origin));
        self.delivery.publish(account, &message, origin)
    }
}

fn insert(account: &Account, subscription: &Arc<ConnectionSubscription>) {
    assert!(account.interest().change().insert(subscription.clone()));
    account.interest().versions().bump(subscription.subject());
}

fn subscribe_in(account: &Account, peer: &Arc<Outbox>, subject: &str) {
    let subscription = ConnectionSubscription::new(subject.as_bytes(), None, b"1", peer.clone());
    insert(account, &Arc::new(subscription));
}

/// The subject of the last question that a responder got, and where it is to answer.
fn asked(text: &str) -> (String, String) {
    let line = text.lines().rfind(|line| line.contains("MSG ")).unwrap();
    let words: Vec<&str> = line.split(' ').collect();
    (words[1].to_owned(), words[3].to_owned())
}

#[test]
fn a_shadow_gets_messages_under_its_own_subject() {
    let mut world = World::new();
    let [own, other, same] = [(); 3].map(|()| world.peer());
    let (_, renamed) = renaming("s.*.*", LocalSubject::Mapped("mine.$2.$1".into()));
    let (_, unchanged) = renaming("s.>", LocalSubject::Same);
    world.subscribe(&own, "s.>", 7);
    let [original, _] = world.import(&other, "mine.>", "7", ("s.*.*", &renamed));
    world.import(&same, "s.>", "7", ("s.>", &unchanged));
    for number in 0..3 {
        world.publish(&format!("PUB s.x.y 1\r\n{number}\r\n"), SOMEBODY);
    }
    world.publish("HPUB s.x.y r 18 19\r\nNATS/1.0\r\nA: b\r\n\r\n!\r\n", SOMEBODY);
    assert_eq!(world.end().1, 12);
    let expected = |subject: &str| {
        let plain: String = (0..3)
            .map(|number| format!("MSG {subject} 7 1\r\n{number}\r\n"))
            .collect();
        format!("{plain}HMSG {subject} 7 r 18 19\r\nNATS/1.0\r\nA: b\r\n\r\n!\r\n")
    };
    assert_eq!(taken(&own), expected("s.x.y"));
    assert_eq!(taken(&other), expected("mine.y.x"));
    assert_eq!(taken(&same), expected("s.x.y"));
    assert_eq!(original.delivered(), 4, "it counts, not its shadow");
}

/// What is imported costs a message nothing: the straight path is that of one account.
#[test]
fn a_shadow_is_on_the_straight_path() {
    let mut world = World::new();
    let other = world.peer();
    let (_, renamed) = renaming("s.*", LocalSubject::Mapped("mine.*".into()));
    let [original, _] = world.import(&other, "mine.*", "1", ("s.*", &renamed));
    world.publish("PUB s.x 1\r\n0\r\n", SOMEBODY);
    assert!(
        world.delivery.may_publish_again(4) > 0,
        "none has to be looked at"
    );
    let frames = b"PUB s.x 1\r\n1\r\nPUB s.x 1\r\n2\r\n";
    let frame = frames.len() / 2;
    let repeats = Repeats::new(frames, frame, frame - "PUB s.x ".len(), 1);
    assert!(world.delivery.publish_again(&repeats));
    world.end();
    assert_eq!(
        taken(&other),
        "MSG mine.x 1 1\r\n0\r\nMSG mine.x 1 1\r\n1\r\nMSG mine.x 1 1\r\n2\r\n"
    );
    assert_eq!(original.delivered(), 3);
}

#[test]
fn a_maximum_counts_what_comes_from_both_accounts() {
    let mut world = World::new();
    let peer = world.peer();
    let (_, renamed) = renaming("s.x", LocalSubject::Mapped("mine".into()));
    let [original, shadow] = world.import(&peer, "mine", "1", ("s.x", &renamed));
    original.set_limit(2);
    assert!(!original.count(1));
    world.account.interest().versions().bump(b"s.x");
    for _ in 0..3 {
        world.publish("PUB s.x 0\r\n\r\n", SOMEBODY);
    }
    world.end();
    assert_eq!(taken(&peer), "MSG mine 1 0\r\n\r\n");
    assert!(original.is_exhausted() && !shadow.is_closed());
}

#[test]
fn what_is_denied_to_the_importer_is_left_out() {
    #[derive(Debug)]
    struct Denied;
    impl vagus_routing::SubjectFilter for Denied {
        fn denies(&self, subject: &[u8]) -> bool {
            subject == b"mine.secret"
        }
    }
    let mut world = World::new();
    let peer = world.peer();
    let (_, renamed) = renaming("s.*", LocalSubject::Mapped("mine.*".into()));
    let [original, _] = world.import(&peer, "mine.*", "1", ("s.*", &renamed));
    original.set_except(Some(Box::new(Denied)));
    for subject in ["s.secret", "s.open"] {
        world.publish(&format!("PUB {subject} 0\r\n\r\n"), SOMEBODY);
    }
    world.end();
    assert_eq!(taken(&peer), "MSG mine.open 1 0\r\n\r\n");
}

#[test]
fn members_of_a_queue_group_of_two_accounts_get_their_own_subjects() {
    let mut world = World::new();
    let [own, other] = [(); 2].map(|()| world.peer());
    let (_, renamed) = renaming("s.x", LocalSubject::Mapped("mine".into()));
    let member = |peer: &Arc<Outbox>, subject: &str| {
        Arc::new(ConnectionSubscription::new(
            subject.as_bytes(),
            Some(b"q"),
            b"1",
            peer.clone(),
        ))
    };
    let original = member(&other, "mine");
    let shadow = Arc::new(ConnectionSubscription::shadow(&original, b"s.x", renamed));
    let members: Members<_> = [member(&own, "s.x"), shadow].into_iter().collect();
    world.account.interest().change().set_group(b"s.x", b"q", members);
    world.account.interest().versions().bump(b"s.x");
    for _ in 0..64 {
        world.publish("PUB s.x 0\r\n\r\n", SOMEBODY);
    }
    world.end();
    let (own, other) = (taken(&own), taken(&other));
    let count = |text: &str, message: &str| {
        assert_eq!(text.replace(message, ""), "");
        text.matches(message).count() as u64
    };
    let theirs = count(&other, "MSG mine 1 0\r\n\r\n");
    assert_eq!(count(&own, "MSG s.x 1 0\r\n\r\n") + theirs, 64);
    assert!((10..54).contains(&theirs) && original.delivered() == theirs);
}

#[test]
fn a_request_comes_into_the_other_account_and_its_answer_back() {
    let mut world = World::new();
    let (importer, responder) = (world.importer("importer"), world.peer());
    world.ask(&importer, ResponseType::Singleton, "help.*");
    subscribe_in(&importer.account, &importer.peer, "inbox.>");
    subscribe_in(&importer.account, &importer.peer, "help.>");
    world.subscribe(&responder, "svc.>", 1);
    assert!(world.publish_in(&importer.account, "PUB help.me inbox.1 2\r\nhi\r\n"));
    world.end();
    let question = taken(&responder);
    let (subject, reply) = asked(&question);
    assert_eq!(subject, "svc.me");
    assert!(reply.starts_with("_R_."), "{question}");
    assert!(question.ends_with("NATS/1.0\r\nNats-Request-Info: {\"acc\":\"importer\"}\r\n\r\nhi\r\n"));
    assert_eq!(taken(&importer.peer), "MSG help.me 1 inbox.1 2\r\nhi\r\n");
    assert_eq!(world.account.answers().len(), 1);
    for (answer, is_taken) in [("yes", true), ("no", false)] {
        let answer = format!("PUB {reply} {}\r\n{answer}\r\n", answer.len());
        assert_eq!(world.publish(&answer, SOMEBODY), is_taken);
    }
    world.end();
    assert_eq!(taken(&importer.peer), "MSG inbox.1 1 3\r\nyes\r\n");
    assert!(world.account.answers().is_empty());
    let traffic = world.delivery.take_traffic();
    assert_eq!(traffic.messages_in, 0, "each is counted once, where it comes in");
}

#[test]
fn answers_in_several_pieces_come_until_an_empty_one() {
    let mut world = World::new();
    let (importer, responder) = (world.importer("importer"), world.peer());
    world.ask(&importer, ResponseType::Stream, "help.*");
    subscribe_in(&importer.account, &importer.peer, "inbox");
    world.subscribe(&responder, "svc.>", 1);
    world.publish_in(&importer.account, "PUB help.me inbox 0\r\n\r\n");
    world.end();
    let (_, reply) = asked(&taken(&responder));
    let pieces = ["1", "2", "", "late"]
        .map(|piece| world.publish(&format!("PUB {reply} {}\r\n{piece}\r\n", piece.len()), SOMEBODY));
    world.end();
    assert_eq!(pieces, [true, true, true, false]);
    assert_eq!(
        taken(&importer.peer),
        "MSG inbox 1 1\r\n1\r\nMSG inbox 1 1\r\n2\r\nMSG inbox 1 0\r\n\r\n"
    );
}

#[test]
fn an_answer_that_asks_is_answered() {
    let mut world = World::new();
    let (importer, responder) = (world.importer("importer"), world.peer());
    world.ask(&importer, ResponseType::Singleton, "help.*");
    subscribe_in(&importer.account, &importer.peer, "inbox");
    world.subscribe(&responder, "svc.>", 1);
    world.subscribe(&responder, "back", 1);
    world.publish_in(&importer.account, "PUB help.me inbox 0\r\n\r\n");
    world.end();
    let (_, reply) = asked(&taken(&responder));
    world.publish(&format!("PUB {reply} back 5\r\nwhich\r\n"), SOMEBODY);
    world.end();
    let (subject, reply) = asked(&taken(&importer.peer));
    assert!(subject == "inbox" && reply.starts_with("_R_."));
    world.publish_in(&importer.account, &format!("PUB {reply} 4\r\nthis\r\n"));
    world.end();
    assert_eq!(taken(&responder), "MSG back 1 4\r\nthis\r\n");
}

#[test]
fn nobody_answers_where_nobody_is() {
    let mut world = World::new();
    let importer = world.importer("importer");
    world.ask(&importer, ResponseType::Singleton, "help.*");
    assert!(!world.publish_in(&importer.account, "PUB help.me inbox 0\r\n\r\n"));
    assert!(world.account.answers().is_empty(), "it is not waited for");
    assert!(!world.publish_in(&importer.account, "PUB help inbox 0\r\n\r\n"));
    // What only looks like an answer is none.
    let pattern = String::from_utf8(world.account.answers().pattern()).unwrap();
    let guessed = pattern.replace('>', "0000000000010");
    assert!(!world.publish(&format!("PUB {guessed} 0\r\n\r\n"), SOMEBODY));
}

/// Requests that come into an account are not passed on to those who import streams of it.
#[test]
fn what_has_crossed_goes_to_no_shadow() {
    let mut world = World::new();
    let (importer, [responder, listener]) = (world.importer("importer"), [(); 2].map(|()| world.peer()));
    world.ask(&importer, ResponseType::Singleton, "help.*");
    world.subscribe(&responder, "svc.>", 1);
    let (_, unchanged) = renaming("svc.>", LocalSubject::Same);
    world.import(&listener, "svc.>", "1", ("svc.>", &unchanged));
    world.publish_in(&importer.account, "PUB help.me 0\r\n\r\n");
    world.end();
    assert_eq!(taken(&listener), "");
    assert!(taken(&responder).starts_with("HMSG svc.me 1 "));
    world.publish("PUB svc.me 0\r\n\r\n", SOMEBODY);
    world.end();
    assert_eq!(taken(&listener), "MSG svc.me 1 0\r\n\r\n");
}

/// A request for more than a turn can do is spread over several, in its account as in any.
#[test]
fn a_request_to_very_many_takes_its_turns() {
    let mut world = World::new();
    let importer = world.importer("importer");
    world.ask(&importer, ResponseType::Singleton, "help.*");
    let peer = world.peer();
    let subscribers = 70_000;
    for sid in 0..subscribers {
        world.subscribe(&peer, "svc.me", sid);
    }
    let message = parsed("PUB help.me 0\r\n\r\n");
    let origin = Origin::client(ConnectionId::MAX, importer.account.id(), true);
    assert!(world.delivery.goes_on(&importer.account, Some(&message), origin));
    assert!(world.delivery.publish(&importer.account, &message, origin));
    let mut turns = Vec::new();
    let (mut unfinished, mut delivered) = world.end();
    loop {
        turns.push(delivered);
        let Some(rest) = unfinished.take() else { break };
        (unfinished, delivered) = world.go_on(rest);
    }
    assert_eq!(turns.iter().sum::<u64>(), subscribers as u64);
    assert!(
        turns.len() > 2 && turns.iter().all(|turn| *turn <= 65_536),
        "{turns:?}"
    );
}

/// A trace tells that a message crosses accounts, and goes on there where the importer lets it.
#[test]
fn a_trace_tells_of_other_accounts() {
    for allow_trace in [false, true] {
        let mut world = World::new();
        let [own, other] = [(); 2].map(|()| world.peer());
        let renamed = LocalSubject::Mapped("mine".into());
        let (_, renamed) = traced_renaming("s.x", renamed, allow_trace);
        world.subscribe(&own, "s.x", 1);
        world.import(&other, "mine", "1", ("s.x", &renamed));
        let told = Told::default();
        world.trace("PUB s.x 0\r\n\r\n", None, &told);
        world.end();
        let mut expected = vec!["0  s.x", "1  s.x", "se IMPORTER mine"];
        expected.retain(|line| allow_trace || *line != "1  s.x");
        assert_eq!(told.lines(), expected, "{allow_trace}");
        assert_eq!(taken(&other), "MSG mine 1 0\r\n\r\n");
    }
}

#[test]
fn a_traced_request_goes_on_untraced() {
    let mut world = World::new();
    let (importer, responder) = (world.importer("importer"), world.peer());
    world.ask(&importer, ResponseType::Singleton, "help.*");
    world.subscribe(&responder, "svc.>", 1);
    let message = parsed("HPUB help.me 18 20\r\nNATS/1.0\r\nA: b\r\n\r\nhi\r\n");
    let origin = Origin::client(ConnectionId::MAX, importer.account.id(), true);
    let told = Told::default();
    let traced = |world: &mut World, told: &Told| {
        let trace = Box::new(told.clone());
        world
            .delivery
            .publish_traced(&importer.account, &message, origin, trace)
    };
    assert!(traced(&mut world, &told));
    world.end();
    assert_eq!(told.lines(), ["si $G help.me svc.me"]);
    let question = taken(&responder);
    assert!(
        question.contains("Nats-Trace-Dest: trace disabled\r\n") && question.ends_with("\r\n\r\nhi\r\n"),
        "{question}"
    );
}
