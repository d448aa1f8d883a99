//! One stream whose messages another gets: what has become of asking for them, and which of what comes is to be taken in.
//!
//! The other has a consumer push here. Its messages are counted: where one is missing, and where nothing comes any more,
//! it is asked anew, for what follows the last one that was taken in.

use super::asking::Form;
use crate::config::{StreamSource, is_literal_in_bytes};
use crate::consumer::Acknowledged;
use crate::error::ApiError;
use crate::header;
use crate::message::SEQUENCE_AT_MOST;
use crate::time::{SECOND, Time};
use bytes::Bytes;
use vagus_routing::Transform;
use vagus_routing::subject::matches;

/// After how long without anything it is asked anew: a sign of life comes each second.
pub(super) const SILENT_AT_MOST: i64 = 10 * SECOND;

/// How far apart it is asked at least.
const ASKED_AGAIN_AFTER: i64 = SECOND;

/// How long is waited after the first failure; twice as long after each that follows, up to the longest.
const FIRST_WAIT: i64 = SECOND / 2;
const LONGEST_WAIT: i64 = 30 * SECOND;

/// How what says only how things are begins.
const CONTROL: &[u8] = b"NATS/1.0 100 ";

/// A stream whose messages another gets.
#[derive(Debug)]
pub(super) struct Origin {
    pub(super) source: StreamSource,
    /// As what it is known; empty: it is mirrored.
    pub(super) index: String,
    /// What subjects become: by the first that matches.
    transforms: Vec<Transform>,
    pub(super) phase: Phase,
    /// How it is asked.
    pub(super) form: Form,
    /// The last message of it that has been taken in, or is no longer wanted.
    pub(super) sequence: u64,
    /// By what it is told from others that have had its name; empty: that is not known.
    pub(super) identity: String,
    pub(super) asked: Option<Time>,
    pub(super) heard: Option<Time>,
    pub(super) lag: u64,
    pub(super) error: Option<ApiError>,
    fails: u32,
}

/// What has become of asking.
#[derive(Debug)]
pub(super) enum Phase {
    /// It is asked at this time.
    Waits(Time),
    /// It has been asked; the answer comes under this number, until this time.
    Asks { number: u32, until: Time },
    /// What the consumer of this name pushes comes under this number.
    Gets {
        number: u32,
        consumer: String,
        /// How many messages it has pushed.
        delivered: u64,
    },
}

/// What has come.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing that matters.
    Nothing,
    /// A message that is there already, and counts.
    Old { delivered: u64 },
    /// How far it has come is to be said here.
    Confirm(Bytes),
    /// One is missing, or more.
    Gap,
    /// A message to be taken in.
    New(Pushed),
}

/// What is known of a message that has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pushed {
    /// Its sequence in the other stream.
    pub(super) sequence: u64,
    /// Which of those it is that were pushed.
    pub(super) delivered: u64,
    /// When it was stored there.
    pub(super) time: Time,
    /// How many are still to come.
    pub(super) pending: u64,
}

impl Origin {
    pub(super) fn new(source: StreamSource, index: String, now: Time) -> Self {
        // They were checked; one without a destination changes nothing.
        let transforms = source.subject_transforms.iter();
        let transforms = transforms.filter(|one| !one.dest.is_empty());
        let transforms = transforms.filter_map(|one| Transform::new(&one.src, &one.dest).ok());
        Self {
            transforms: transforms.collect(),
            phase: Phase::Waits(now),
            form: Form::of(&source),
            sequence: 0,
            identity: String::new(),
            asked: None,
            heard: None,
            lag: 0,
            error: None,
            fails: 0,
            source,
            index,
        }
    }

    pub(super) fn is_mirrored(&self) -> bool {
        self.index.is_empty()
    }

    /// What a subject becomes.
    pub(super) fn transformed(&self, subject: &Bytes, random: u32) -> Bytes {
        let mut transforms = self.transforms.iter();
        match transforms.find(|one| matches(one.source().as_bytes(), subject)) {
            Some(transform) => {
                let mut out = Vec::with_capacity(subject.len());
                transform.append(subject, random, &mut out);
                out.into()
            }
            None => subject.clone(),
        }
    }

    /// The number under which something of it comes.
    pub(super) fn number(&self) -> Option<u32> {
        match &self.phase {
            Phase::Waits(_) => None,
            Phase::Asks { number, .. } | Phase::Gets { number, .. } => Some(*number),
        }
    }

    /// When something has to be done if nothing comes.
    pub(super) fn due(&self) -> Time {
        match &self.phase {
            Phase::Waits(time) => *time,
            Phase::Asks { until, .. } => *until,
            Phase::Gets { .. } => self.heard.unwrap_or_default().after(SILENT_AT_MOST),
        }
    }

    /// What has come with this reply; nothing before `taken` and at it is wanted.
    pub(super) fn judge(&self, reply: &Bytes, headers: &[u8], payload: &[u8], taken: u64) -> Verdict {
        let Phase::Gets {
            delivered: before, ..
        } = self.phase
        else {
            return Verdict::Nothing;
        };
        if payload.is_empty() && headers.starts_with(CONTROL) {
            return judge_control(reply, headers, before);
        }
        let Some(about) = Acknowledged::read(reply) else {
            return Verdict::Nothing;
        };
        if about.deliveries > 1 {
            return Verdict::Nothing;
        }
        let (sequence, delivered) = (about.sequence, about.consumer_sequence);
        if delivered <= before || sequence > SEQUENCE_AT_MOST {
            return Verdict::Nothing;
        }
        // A copy that lacks nothing does not mind how often something was pushed.
        let is_next = delivered == before + 1 || (self.is_mirrored() && sequence == taken + 1);
        if !is_next {
            return Verdict::Gap;
        }
        if sequence <= taken {
            return Verdict::Old { delivered };
        }
        Verdict::New(Pushed {
            sequence,
            delivered,
            time: about.time,
            pending: about.pending,
        })
    }

    /// So many messages have been pushed.
    pub(super) fn count(&mut self, pushed: u64) {
        if let Phase::Gets { delivered, .. } = &mut self.phase {
            *delivered = pushed;
        }
    }

    /// A message has been taken in.
    pub(super) fn took(&mut self, pushed: &Pushed) {
        self.count(pushed.delivered);
        self.sequence = pushed.sequence;
        self.error = None;
        // The one that has come counts among them there.
        self.lag = pushed.pending.saturating_sub(1);
    }

    /// It has been asked, and pushes.
    pub(super) fn gets(&mut self, number: u32, consumer: String, now: Time) {
        self.phase = Phase::Gets {
            number,
            consumer,
            delivered: 0,
        };
        self.heard = Some(now);
        self.fails = 0;
    }

    /// It is asked anew as soon as it may be.
    pub(super) fn ask_again(&mut self, now: Time) {
        let soonest = self.asked.map_or(now, |asked| asked.after(ASKED_AGAIN_AFTER));
        self.phase = Phase::Waits(now.max(soonest));
    }

    /// Asking has come to nothing, for this reason: it is asked again later, and later each time.
    pub(super) fn back_off(&mut self, now: Time, error: Option<ApiError>, jitter: u64) {
        let wait = FIRST_WAIT
            .saturating_mul(1 << self.fails.min(10))
            .min(LONGEST_WAIT);
        let jitter = i64::try_from(jitter).unwrap_or(0) % (wait / 4).max(1);
        self.fails += 1;
        self.phase = Phase::Waits(now.after(wait + jitter));
        self.error = error.or(self.error.take());
    }
}

/// What a sign of life says, or a question how far all has come.
fn judge_control(reply: &Bytes, headers: &[u8], delivered: u64) -> Verdict {
    if !reply.is_empty() {
        return Verdict::Confirm(reply.clone());
    }
    let pushed = header::get(headers, header::LAST_CONSUMER).and_then(header::number);
    if pushed.is_some_and(|pushed| pushed > 0 && pushed != delivered) {
        return Verdict::Gap;
    }
    // What is said in a header may be anything, also what is no subject.
    match header::said(headers, header::CONSUMER_STALLED).filter(|subject| is_literal_in_bytes(subject)) {
        Some(subject) => Verdict::Confirm(Bytes::copy_from_slice(subject)),
        None => Verdict::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::{Origin, Phase, Pushed, Verdict};
    use crate::config::StreamSource;
    use crate::time::{SECOND, Time};
    use bytes::Bytes;

    fn origin(index: &str, sequence: u64, delivered: u64) -> Origin {
        let mut origin = Origin::new(StreamSource::default(), index.to_owned(), Time(0));
        origin.sequence = sequence;
        origin.gets(1, "C".to_owned(), Time(0));
        origin.count(delivered);
        origin
    }

    fn judged(origin: &Origin, reply: &'static str, headers: &str, payload: &str) -> Verdict {
        let reply = Bytes::from_static(reply.as_bytes());
        origin.judge(&reply, headers.as_bytes(), payload.as_bytes(), origin.sequence)
    }

    #[test]
    fn what_comes_is_new_old_or_shows_that_something_is_missing() {
        let new = |sequence, delivered, pending| {
            Verdict::New(Pushed {
                sequence,
                delivered,
                time: Time(77),
                pending,
            })
        };
        let source = origin("O > >", 5, 3);
        for (reply, expect) in [
            ("$JS.ACK.O.C.1.6.4.77.9", new(6, 4, 9)),
            ("$JS.ACK._.HASH.O.C.1.6.4.77.9.x", new(6, 4, 9)),
            // What was deleted there has no number.
            ("$JS.ACK.O.C.1.9.4.77.0", new(9, 4, 0)),
            ("$JS.ACK.O.C.1.5.4.77.0", Verdict::Old { delivered: 4 }),
            ("$JS.ACK.O.C.1.7.5.77.0", Verdict::Gap),
            // It was pushed before, or again.
            ("$JS.ACK.O.C.1.6.3.77.0", Verdict::Nothing),
            ("$JS.ACK.O.C.2.6.4.77.0", Verdict::Nothing),
            ("elsewhere", Verdict::Nothing),
            // Nothing could follow it.
            ("$JS.ACK.O.C.1.18446744073709551615.4.77.0", Verdict::Nothing),
            ("", Verdict::Nothing),
        ] {
            assert_eq!(judged(&source, reply, "", "x"), expect, "{reply}");
        }
        // Where the next message comes nothing is missing from a copy.
        let mirror = origin("", 5, 3);
        assert_eq!(judged(&mirror, "$JS.ACK.O.C.1.6.9.77.0", "", "x"), new(6, 9, 0));
        assert_eq!(judged(&mirror, "$JS.ACK.O.C.1.7.9.77.0", "", "x"), Verdict::Gap);
    }

    #[test]
    fn signs_of_life_say_how_many_were_pushed() {
        let source = origin("O > >", 5, 3);
        let heartbeat = |lines: &str| format!("NATS/1.0 100 Idle Heartbeat\r\n{lines}\r\n");
        for (reply, headers, expect) in [
            ("", heartbeat("Nats-Last-Consumer: 3\r\n"), Verdict::Nothing),
            ("", heartbeat("Nats-Last-Consumer: 4\r\n"), Verdict::Gap),
            ("", heartbeat("Nats-Last-Consumer: 0\r\n"), Verdict::Nothing),
            ("", heartbeat(""), Verdict::Nothing),
            (
                "",
                heartbeat("Nats-Last-Consumer: 3\r\nNats-Consumer-Stalled: $JS.FC.O.C.x\r\n"),
                Verdict::Confirm(Bytes::from_static(b"$JS.FC.O.C.x")),
            ),
            (
                "",
                heartbeat("Nats-Consumer-Stalled: no subject 7\r\n"),
                Verdict::Nothing,
            ),
            (
                "$JS.FC.O.C.y",
                "NATS/1.0 100 FlowControl Request\r\n\r\n".to_owned(),
                Verdict::Confirm(Bytes::from_static(b"$JS.FC.O.C.y")),
            ),
        ] {
            assert_eq!(judged(&source, reply, &headers, ""), expect, "{headers}");
        }
    }

    #[test]
    fn is_asked_later_after_each_failure_and_soon_after_what_is_none() {
        let mut origin = origin("", 0, 0);
        origin.asked = Some(Time(0));
        let mut waits = Vec::new();
        for _ in 0..9 {
            origin.back_off(Time(0), None, 0);
            waits.push(origin.due().0 * 2 / SECOND);
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        origin.gets(1, "C".to_owned(), Time(0));
        origin.back_off(Time(0), None, 0);
        assert_eq!(origin.due(), Time(SECOND / 2));
        origin.ask_again(Time(SECOND / 4));
        assert_eq!(origin.due(), Time(SECOND));
        origin.ask_again(Time(3 * SECOND));
        assert!(matches!(origin.phase, Phase::Waits(Time(at)) if at == 3 * SECOND));
    }
}
