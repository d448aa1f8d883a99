//! Messages that consumers give up go where their dead letters go, and are kept until they are there.

use super::{Desk, desk};
use crate::error::ApiError;
use crate::stream::entry::encode;
use crate::stream::{Effect, Heard, Said};
use crate::time::SECOND;
use bytes::Bytes;

const SETTINGS: &str = r#","max_deliver":2,"ack_wait":1000000000,"metadata":{"vagus.dead_letter":"dead.p"}"#;

impl Desk {
    /// What is said beside what is delivered, and under which number answers are heard.
    pub(super) fn dead_letters(&mut self, number: &mut Option<u32>) -> Vec<Said> {
        let mut said = Vec::new();
        for effect in self.effects() {
            match effect {
                Effect::Listen {
                    number: heard,
                    subject,
                    ..
                } => {
                    assert!(subject.ends_with(b".*.*"));
                    *number = Some(heard);
                }
                Effect::Say(letter) => said.push(letter),
                _ => {}
            }
        }
        said
    }

    /// Time passes; what is said meanwhile.
    pub(super) fn dead_letters_within(&mut self, nanoseconds: i64, number: &mut Option<u32>) -> Vec<Said> {
        let until = self.scene.now.after(nanoseconds);
        let mut said = self.dead_letters(number);
        while let Some(due) = self.scene.stream.wake_at().filter(|due| *due <= until) {
            self.scene.now = due.max(self.scene.now.after(SECOND / 1000));
            self.at_work(|scene, around| scene.stream.wake(around).unwrap());
            said.extend(self.dead_letters(number));
        }
        self.scene.now = until;
        said
    }

    /// Whether what is due now has something be said, or heard.
    fn says_anything(&mut self) -> bool {
        self.scene.decide_what_is_due();
        let effects = self.scene.stream.take_effects().list;
        (effects.iter()).any(|effect| matches!(effect, Effect::Say(_) | Effect::Listen { .. }))
    }

    pub(super) fn answer(&mut self, number: Option<u32>, letter: &Said, answer: &'static str) {
        let nothing = Bytes::new();
        let payload = Bytes::from_static(answer.as_bytes());
        self.at_work(|scene, around| {
            let heard = Heard {
                number: number.unwrap(),
                subject: &letter.reply,
                reply: &nothing,
                headers: &nothing,
                payload: &payload,
            };
            scene.stream.hear(around, heard)
        });
        self.effects();
    }
}

pub(super) fn headers(letter: &Said) -> Vec<String> {
    let text = String::from_utf8(letter.headers.to_vec()).unwrap();
    text.lines()
        .filter(|line| line.contains(':'))
        .map(ToOwned::to_owned)
        .collect()
}

#[test]
fn what_was_delivered_too_often_goes_there_and_then_here() {
    let mut desk = desk(r#","retention":"workqueue""#);
    desk.consumer(SETTINGS);
    desk.scene.publish("p.a", "Nats-Msg-Id: own|App: 1", "payload");
    desk.pull("r", "1");
    assert_eq!(desk.delivered().len(), 1);
    desk.pass(2 * SECOND);
    desk.pull("r", "1");
    assert_eq!(desk.delivered().len(), 1);
    let mut number = None;
    let said = desk.dead_letters_within(3 * SECOND, &mut number);
    assert_eq!(said.len(), 1, "{said:?}");
    let letter = &said[0];
    assert_eq!(
        (&letter.subject[..], &letter.payload[..]),
        (&b"dead.p"[..], &b"payload"[..])
    );
    let lines = headers(letter);
    let identity = desk.scene.stream.identity();
    for expect in [
        "App: 1",
        &format!("Nats-Msg-Id: vagus.dead_letter-P-{identity}-C-1"),
        "Vagus-Dead-Letter-Reason: max_deliver",
        "Vagus-Dead-Letter-Stream: P",
        "Vagus-Dead-Letter-Consumer: C",
        "Vagus-Dead-Letter-Subject: p.a",
        "Vagus-Dead-Letter-Sequence: 1",
        "Vagus-Dead-Letter-Deliveries: 2",
    ] {
        assert!(lines.iter().any(|line| line == expect), "{expect}: {lines:?}");
    }
    // It is here until it is there.
    assert_eq!(desk.scene.messages().len(), 1);
    desk.answer(
        number,
        letter,
        r#"{"error":{"code":503,"description":"no"},"stream":"D","seq":0}"#,
    );
    desk.answer(number, letter, "no answer of a stream");
    assert_eq!(desk.scene.messages().len(), 1);
    let again = desk.dead_letters_within(6 * SECOND, &mut number);
    assert_eq!(headers(&again[0]), lines);
    desk.answer(number, letter, r#"{"stream":"D","seq":7,"duplicate": true}"#);
    assert_eq!(desk.scene.messages().len(), 0);
    assert!(desk.dead_letters_within(60 * SECOND, &mut number).is_empty());
}

#[test]
fn what_cannot_be_used_goes_there_also_after_a_restart() {
    let mut desk = desk("");
    desk.consumer(SETTINGS);
    desk.publish(&["p.a", "p.b"]);
    desk.pull("r", "2");
    assert_eq!(desk.delivered().len(), 2);
    desk.say(1, "+TERM it is broken");
    desk.say(2, "+ACK");
    let mut number = None;
    let said = desk.dead_letters_within(SECOND, &mut number);
    assert_eq!(said.len(), 1);
    assert!(headers(&said[0]).contains(&"Vagus-Dead-Letter-Reason: terminated".to_owned()));
    desk.read_again();
    let said = desk.dead_letters_within(SECOND, &mut number);
    assert_eq!(said.len(), 1);
    desk.answer(number, &said[0], r#"{"stream":"D","seq":7}"#);
    desk.read_again();
    assert!(desk.dead_letters_within(60 * SECOND, &mut number).is_empty());
    assert!(desk.counts().contains("2/2 2/2 acks 0"), "{}", desk.counts());
}

/// A consumer that has given up its only message, which is not in the log yet.
fn given_up() -> Desk {
    let mut desk = desk("");
    desk.consumer(SETTINGS);
    desk.publish(&["p.a"]);
    desk.pull("r", "1");
    desk.effects();
    desk.say(1, "+TERM");
    desk
}

/// Else it could be delivered again after a crash, and be used though it is a dead letter.
#[test]
fn it_goes_there_when_it_is_in_the_log_that_it_is_given_up() {
    let mut desk = given_up();
    let proposal = desk.scene.stream.propose().unwrap();
    // Nothing is to be lost of it in a power cut.
    assert!(proposal.is_awaited());
    let (number, entries) = (proposal.number, proposal.entries.clone());
    assert!(!desk.says_anything());
    encode(&entries, &mut desk.scene.log);
    desk.scene.stream.committed(number, &super::super::zone);
    let mut letters = None;
    assert_eq!(desk.dead_letters_within(SECOND, &mut letters).len(), 1);
    desk.crash();
    assert_eq!(desk.dead_letters_within(SECOND, &mut letters).len(), 1);
    desk.pull("r", "1");
    assert_eq!(desk.delivered(), [""; 0]);
}

/// What comes to nothing is tried again, and goes there when it is in the log.
#[test]
fn what_cannot_be_written_goes_there_later() {
    let mut desk = given_up();
    desk.scene.stream.propose().unwrap();
    desk.scene.stream.failed(&ApiError::NOT_AVAILABLE);
    let mut number = None;
    assert!(!desk.says_anything());
    assert_eq!(desk.dead_letters_within(SECOND, &mut number).len(), 1);
}

#[test]
fn without_a_target_nothing_is_said() {
    let mut desk = desk("");
    desk.consumer(r#","max_deliver":1,"ack_wait":1000000000"#);
    desk.publish(&["p.a"]);
    desk.pull("r", "1");
    desk.effects();
    let mut number = None;
    assert!(desk.dead_letters_within(10 * SECOND, &mut number).is_empty());
    assert_eq!(number, None);
}

#[test]
fn targets_that_cannot_be_are_refused() {
    let mut desk = desk("");
    for (settings, why) in [
        (
            r#""ack_policy":"explicit","metadata":{"vagus.dead_letter":"dead.*"}"#,
            "valid subject",
        ),
        (
            r#""ack_policy":"explicit","metadata":{"vagus.dead_letter":"p.dead"}"#,
            "cycle",
        ),
        (
            r#""ack_policy":"all","metadata":{"vagus.dead_letter":"dead"}"#,
            "explicit",
        ),
    ] {
        let body = format!(r#"{{"stream_name":"P","config":{{"durable_name":"C",{settings}}}}}"#);
        let error = desk.ask_for("DURABLE.CREATE.P.C", &body).unwrap_err();
        assert!(error.to_string().contains(why), "{error}");
    }
}
