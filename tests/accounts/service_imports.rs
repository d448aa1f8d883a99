//! Requests of one account are answered in another.

use crate::world::{client, exporter_and_importer as configuration, start_sharing as start};
use vagus_test_support::{Client, Message, server};

const EXPORTED: &str = "{service: \"svc.>\"}";
const IMPORTED: &str = "{service: {account: A, subject: \"svc.*\"}, to: \"ask.*\"}";

/// Asks, and gives what the responder gets.
fn ask(requester: &mut Client, responder: &mut Client, subject: &str) -> Message {
    requester.send(&format!("PUB {subject} inbox 1\r\n?"));
    requester.sync_silent();
    responder.sync_messages().pop().expect("the question comes")
}

fn answer(responder: &mut Client, question: &Message, text: &str) {
    let reply = question.reply.as_deref().expect("it is a question");
    responder.publish(reply, text.as_bytes());
    responder.sync();
}

fn payloads(client: &mut Client) -> Vec<String> {
    let messages = client.sync_messages();
    messages
        .into_iter()
        .map(|message| String::from_utf8(message.payload).unwrap())
        .collect()
}

#[test]
fn a_request_is_answered_in_the_other_account() {
    for (imported, asked, comes_on) in [
        ("{service: {account: A, subject: \"svc.x\"}}", "svc.x", "svc.x"),
        (
            "{service: {account: A, subject: \"svc.x\"}, to: \"local\"}",
            "local",
            "svc.x",
        ),
        (
            "{service: {account: A, subject: \"svc.*.*\"}, to: \"l.$2.$1\"}",
            "l.p.q",
            "svc.q.p",
        ),
        (
            "{service: {account: A, subject: \"svc.>\"}}",
            "svc.x.y",
            "svc.x.y",
        ),
    ] {
        let server = start(EXPORTED, imported);
        let [mut a, mut b, mut c] = ["a", "b", "c"].map(|user| client(&server, user));
        a.subscribe("svc.>", "1");
        b.subscribe("inbox", "9");
        c.subscribe(">", "9");
        let question = ask(&mut b, &mut a, asked);
        assert_eq!((&*question.subject, &*question.payload), (comes_on, &b"?"[..]));
        let reply = question.reply.clone().unwrap();
        assert!(reply.starts_with("_R_."), "{reply}");
        let headers = question.headers.clone().unwrap();
        assert!(headers.contains("Nats-Request-Info: {\"acc\":\"B\""), "{headers}");
        answer(&mut a, &question, "yes");
        answer(&mut a, &question, "late");
        assert_eq!(payloads(&mut b), ["yes"]);
        c.sync_silent();
    }
}

#[test]
fn who_asks_cannot_say_that_it_is_somebody_else() {
    let server = start(EXPORTED, IMPORTED);
    let [mut a, mut b] = ["a", "b"].map(|user| client(&server, user));
    a.subscribe("svc.>", "1");
    let forged = "NATS/1.0\r\nNats-Request-Info: {\"acc\":\"A\"}\r\nH: v\r\n\r\n";
    b.send(&format!(
        "HPUB ask.x inbox {} {}\r\n{forged}?",
        forged.len(),
        forged.len() + 1
    ));
    b.sync_silent();
    let question = a.sync_messages().pop().unwrap();
    let headers = question.headers.unwrap();
    assert_eq!(headers.matches("Nats-Request-Info").count(), 1, "{headers}");
    assert!(
        headers.contains("\"acc\":\"B\"") && headers.contains("H: v\r\n"),
        "{headers}"
    );
}

#[test]
fn an_answer_may_be_several_messages() {
    for response_type in ["stream", "chunked"] {
        let exported = format!("{{service: \"svc.>\", response_type: {response_type}}}");
        let server = start(&exported, IMPORTED);
        let [mut a, mut b] = ["a", "b"].map(|user| client(&server, user));
        a.subscribe("svc.>", "1");
        b.subscribe("inbox", "9");
        let question = ask(&mut b, &mut a, "ask.x");
        for text in ["1", "2", "3", "", "late"] {
            answer(&mut a, &question, text);
        }
        assert_eq!(payloads(&mut b), ["1", "2", "3", ""], "{response_type}");
    }
}

#[test]
fn who_asks_where_nobody_answers_is_told_so() {
    let server = start(EXPORTED, IMPORTED);
    let [mut a, mut b] = ["a", "b"].map(|user| client(&server, user));
    b.subscribe("inbox", "9");
    b.send("PUB ask.x inbox 0\r\n");
    let told = b.message();
    assert!(told.headers.unwrap().starts_with("NATS/1.0 503\r\n"));
    // So is who answers what is not asked any more.
    a.subscribe("inbox", "9");
    a.subscribe("svc.x", "1");
    let question = ask(&mut b, &mut a, "ask.x");
    answer(&mut a, &question, "yes");
    a.send(&format!("PUB {} inbox 0\r\n", question.reply.unwrap()));
    let told = a.message();
    assert!(told.headers.unwrap().starts_with("NATS/1.0 503\r\n"));
}

#[test]
fn an_answer_after_the_threshold_is_dropped() {
    let server = start("{service: \"svc.>\", threshold: \"1ms\"}", IMPORTED);
    let [mut a, mut b] = ["a", "b"].map(|user| client(&server, user));
    a.subscribe("svc.>", "1");
    b.subscribe("inbox", "9");
    let question = ask(&mut b, &mut a, "ask.x");
    // By the clock of the server, which looks at it when a turn begins.
    let asked = std::time::Instant::now();
    while asked.elapsed().as_millis() < 2 {
        a.sync_silent();
    }
    answer(&mut a, &question, "late");
    b.sync_silent();
}

#[test]
fn one_of_a_queue_group_is_asked() {
    let server = start(EXPORTED, IMPORTED);
    let [mut one, mut other, mut b] = ["a", "a", "b"].map(|user| client(&server, user));
    one.join("svc.x", "workers", "1");
    other.join("svc.x", "workers", "1");
    b.subscribe("inbox", "9");
    for _ in 0..60 {
        b.send("PUB ask.x inbox 0\r\n");
    }
    b.sync_silent();
    let shares = [&mut one, &mut other].map(|member| {
        let questions = member.sync_messages();
        questions
            .iter()
            .for_each(|question| answer(member, question, "yes"));
        questions.len()
    });
    assert!(
        shares.iter().sum::<usize>() == 60 && shares.iter().all(|share| *share > 5),
        "{shares:?}"
    );
    assert_eq!(payloads(&mut b), vec!["yes"; 60]);
}

#[test]
fn a_service_is_imported_through_several_accounts() {
    let server = server()
        .configured(
            "accounts {
                A { users: [{user: a, password: p}], exports: [{service: svc}] }
                B {
                    users: [{user: b, password: p}]
                    imports: [{service: {account: A, subject: svc}, to: hop}], exports: [{service: hop}]
                }
                C { users: [{user: c, password: p}], imports: [{service: {account: B, subject: hop}, to: ask}] }
            }",
        )
        .arbiters(2)
        .start();
    let [mut a, mut b, mut c] = ["a", "b", "c"].map(|user| client(&server, user));
    a.subscribe("svc", "1");
    b.subscribe("hop", "1");
    c.subscribe("inbox", "9");
    let question = ask(&mut c, &mut a, "ask");
    assert_eq!(question.subject, "svc");
    assert_eq!(b.sync_messages().len(), 1, "who is on the way hears it, too");
    answer(&mut a, &question, "yes");
    assert_eq!(payloads(&mut c), ["yes"]);
}

/// Only who may publish on the subject in its own account asks.
#[test]
fn permissions_are_those_of_the_importer() {
    let text = configuration(EXPORTED, IMPORTED).replace(
        "{user: b, password: p}",
        "{user: b, password: p, permissions: {publish: {deny: \"ask.secret\"}}}",
    );
    let server = server().configured(&text).start();
    let [mut a, mut b] = ["a", "b"].map(|user| client(&server, user));
    a.subscribe("svc.>", "1");
    b.send("PUB ask.secret inbox 0\r\n");
    b.expect(r#"-ERR 'Permissions Violation for Publish to "ask.secret"'"#);
    a.sync_silent();
    // Nor does anybody answer in the name of the other account.
    b.send("PUB x _R_.abcdef.1 0\r\n");
    b.expect(r#"-ERR 'Permissions Violation for Publish with Reply of "_R_.abcdef.1"'"#);
}

#[test]
fn a_service_that_is_imported_no_more_is_not_asked() {
    let server = start(EXPORTED, IMPORTED);
    let [mut a, mut b] = ["a", "b"].map(|user| client(&server, user));
    a.subscribe("svc.>", "1");
    b.subscribe("inbox", "9");
    let question = ask(&mut b, &mut a, "ask.x");
    server.reconfigure(&configuration(EXPORTED, ""));
    b.send("PUB ask.x 0\r\n");
    b.sync();
    a.sync_silent();
    // What was asked before is answered.
    answer(&mut a, &question, "yes");
    assert_eq!(payloads(&mut b), ["yes"]);
    server.reconfigure(&configuration(EXPORTED, IMPORTED));
    ask(&mut b, &mut a, "ask.y");
}
