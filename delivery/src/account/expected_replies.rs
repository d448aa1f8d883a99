//! Where an account expects the answers to requests that are measured, so that it is noticed when nobody waits there any more.

use super::Account;
use super::measured::Measured;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use vagus_routing::subject;

/// The measured requests of an account that are not answered, by where the answers are to go.
#[derive(Debug, Default)]
pub(super) struct ExpectedReplies {
    numbered: AtomicU64,
    /// How many there are, to be known without the lock.
    count: AtomicUsize,
    by_reply: Mutex<BTreeMap<Numbered, Awaited>>,
}

/// A reply subject, and the number of who expects an answer there.
type Numbered = (Box<[u8]>, u64);

/// What is awaited there.
#[derive(Debug, Clone)]
pub(super) struct Awaited {
    /// Who owes the answer.
    exporter: Weak<Account>,
    /// The subject that stands for the reply there.
    subject: Box<[u8]>,
}

impl ExpectedReplies {
    /// A number that no other request of the account has.
    pub(super) fn next_number(&self) -> u64 {
        self.numbered.fetch_add(1, Ordering::Relaxed)
    }

    /// The answer to a request is awaited, at `subject` by who owes it.
    pub(super) fn add(&self, measured: &Measured, subject: &[u8]) {
        let awaited = Awaited {
            exporter: Arc::downgrade(&measured.exporter),
            subject: subject.into(),
        };
        let key = (measured.reply.clone(), measured.number);
        let mut by_reply = self.by_reply.lock();
        by_reply.insert(key, awaited);
        self.count.store(by_reply.len(), Ordering::Relaxed);
    }

    /// It is not awaited any more.
    pub(super) fn remove(&self, measured: &Measured) {
        let key = (measured.reply.clone(), measured.number);
        let mut by_reply = self.by_reply.lock();
        let removed = by_reply.remove(&key);
        self.count.store(by_reply.len(), Ordering::Relaxed);
        drop(by_reply);
        drop(removed);
    }

    /// Those that are expected on subjects of this pattern, as far as `looks` allow; each that is looked at takes one.
    fn matching(&self, pattern: &[u8], looks: &mut usize) -> Vec<(Box<[u8]>, Awaited)> {
        let literal = subject::literal_start(pattern);
        let by_reply = self.by_reply.lock();
        let mut found = Vec::new();
        for ((reply, _), awaited) in by_reply.range((literal.into(), 0)..) {
            let may_match = match literal.len() == pattern.len() {
                true => **reply == *literal,
                false => reply.starts_with(literal),
            };
            if !may_match || *looks == 0 {
                break;
            }
            *looks -= 1;
            if subject::matches(pattern, reply) {
                found.push((reply.clone(), awaited.clone()));
            }
        }
        found
    }
}

impl Account {
    /// A number that no other measured request of the account has.
    pub(crate) fn next_measured(&self) -> u64 {
        self.expected_replies().next_number()
    }

    /// Whether it is to be noticed when nobody waits for answers any more.
    #[inline]
    pub fn expects_measured_answers(&self) -> bool {
        self.expected_replies_if_any()
            .is_some_and(|expected| expected.count.load(Ordering::Relaxed) > 0)
    }

    /// A subscription to this pattern has ended. Measured requests whose answers would have come to it, and now to nobody, are
    /// not waited for any more; those who export the services are told. Each that is looked at takes one of `looks`: what
    /// these do not suffice for ends as any other.
    pub fn abandon_requests(&self, pattern: &[u8], looks: &mut usize) {
        let Some(expected) = self.expected_replies_if_any() else {
            return;
        };
        for (reply, awaited) in expected.matching(pattern, looks) {
            if !self.interest().reaches_anybody(&reply)
                && let Some(exporter) = awaited.exporter.upgrade()
            {
                exporter.answers().abandon(&awaited.subject);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ExpectedReplies;
    use crate::account::measured::Measured;

    fn expected(replies: &[&str]) -> ExpectedReplies {
        let expected = ExpectedReplies::default();
        for reply in replies {
            let measured = Measured {
                number: expected.next_number(),
                reply: reply.as_bytes().into(),
                ..Measured::example()
            };
            expected.add(&measured, reply.as_bytes());
        }
        expected
    }

    fn found(expected: &ExpectedReplies, pattern: &str, mut looks: usize) -> (Vec<String>, usize) {
        let before = looks;
        let found = expected.matching(pattern.as_bytes(), &mut looks);
        let replies = found.into_iter().map(|(reply, awaited)| {
            assert_eq!(reply, awaited.subject);
            String::from_utf8(reply.into()).unwrap()
        });
        (replies.collect(), before - looks)
    }

    #[test]
    fn replies_are_found_by_what_was_subscribed_to() {
        let expected = expected(&["a", "a.b", "a.b", "a.c", "ab", "b.c"]);
        for (pattern, replies, looks) in [
            ("a", &["a"][..], 1),
            ("a.b", &["a.b", "a.b"], 2),
            ("a.*", &["a.b", "a.b", "a.c"], 3),
            ("a.>", &["a.b", "a.b", "a.c"], 3),
            ("*.c", &["a.c", "b.c"], 6),
            ("c", &[], 0),
            ("x.*", &[], 0),
        ] {
            let (found, looked) = found(&expected, pattern, 100);
            assert_eq!(
                (&found[..], looked),
                (
                    &replies.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>()[..],
                    looks
                ),
                "{pattern}"
            );
        }
    }

    /// However many there are, and whatever it is that ends.
    #[test]
    fn no_more_is_looked_at_than_allowed() {
        let many: Vec<String> = (0..1000).map(|number| format!("inbox.{number}")).collect();
        let many: Vec<&str> = many.iter().map(|reply| &**reply).collect();
        let expected = expected(&many);
        let (replies, looked) = found(&expected, "*.none", 64);
        assert_eq!((replies.len(), looked), (0, 64));
        let (replies, looked) = found(&expected, "inbox.*", 64);
        assert_eq!((replies.len(), looked), (64, 64));
    }

    #[test]
    fn what_is_answered_is_not_expected() {
        let expected = ExpectedReplies::default();
        let measured = Measured::example();
        expected.add(&measured, b"a");
        expected.remove(&measured);
        assert_eq!(found(&expected, ">", 10), (vec![], 0));
    }
}
