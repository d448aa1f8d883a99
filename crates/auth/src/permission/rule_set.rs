//! One list of rules, compiled.

use std::fmt;
use std::sync::Arc;

use vagus_routing::{Index, Subscription, subject};

/// An entry of a list: about a subject, or about the members of a queue group on it.
#[derive(Debug)]
pub(super) struct Rule {
    subject: Box<[u8]>,
    queue: Option<Box<[u8]>>,
}

impl Rule {
    /// Both texts must be valid subscription subjects.
    pub(super) fn new(subject: &str, queue: Option<&str>) -> Self {
        Self {
            subject: subject.as_bytes().into(),
            queue: queue.map(|name| name.as_bytes().into()),
        }
    }
}

/// The rules of a list by subject, so that the number of rules costs next to nothing.
pub(super) struct RuleSet {
    /// Rules about every subscription.
    plain: Index<()>,
    /// Rules about queue groups; a rule's destination is its pattern of queue names.
    queued: Index<Box<[u8]>>,
    rules: Vec<Rule>,
}

impl RuleSet {
    pub(super) fn new(rules: Vec<Rule>) -> Self {
        let (mut plain, mut queued) = (Index::new(), Index::new());
        for rule in &rules {
            match &rule.queue {
                None => plain.insert(Arc::new(Subscription::new(&rule.subject, None, b"", ()))),
                Some(queue) => queued.insert(Arc::new(Subscription::new(
                    &rule.subject,
                    None,
                    b"",
                    queue.clone(),
                ))),
            };
        }
        Self { plain, queued, rules }
    }

    /// Whether a rule without a queue is about `subject`. Wildcards in `subject` are ordinary tokens, which only
    /// wildcards of a rule match.
    pub(super) fn names(&self, subject: &[u8]) -> bool {
        self.plain.has_interest(subject)
    }

    /// Whether a rule with a queue is about `queue` on `subject`; none if no such rule is about `subject`.
    pub(super) fn names_queue(&self, subject: &[u8], queue: &[u8]) -> Option<bool> {
        if self.queued.is_empty() {
            return None;
        }
        let mut answer = None;
        self.queued.for_each_match(subject, &mut |rule| {
            let hit = is_queue_of(queue, rule.destination());
            answer = Some(hit || answer == Some(true));
        });
        answer
    }

    /// Whether messages on some subject may reach both a subscription to `subject` (as a member of `queue`) and a rule.
    pub(super) fn overlaps(&self, subject: &[u8], queue: Option<&[u8]>) -> bool {
        self.rules.iter().any(|rule| {
            let concerned = match (&rule.queue, queue) {
                (None, _) => true,
                (Some(pattern), Some(queue)) => is_queue_of(queue, pattern),
                (Some(_), None) => false,
            };
            concerned && overlap(&rule.subject, subject)
        })
    }
}

impl fmt::Debug for RuleSet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(&self.rules).finish()
    }
}

/// Whether `pattern` is about the queue group `queue`. A group's name may itself look like a pattern: then it must not
/// be wider.
fn is_queue_of(queue: &[u8], pattern: &[u8]) -> bool {
    queue == pattern || is_subset(queue, pattern)
}

/// Whether `pattern` matches everything that `inner` matches.
fn is_subset(inner: &[u8], pattern: &[u8]) -> bool {
    let mut inner = subject::tokens(inner);
    for wanted in subject::tokens(pattern) {
        match (wanted, inner.next()) {
            (_, None) => return false,
            (b">", Some(_)) => return true,
            (_, Some(b"" | b">")) => return false,
            (b"*", Some(_)) => {}
            (wanted, Some(given)) if wanted == given => {}
            _ => return false,
        }
    }
    inner.next().is_none()
}

/// Whether there is a subject that both patterns match.
fn overlap(one: &[u8], other: &[u8]) -> bool {
    let (mut one, mut other) = (subject::tokens(one), subject::tokens(other));
    loop {
        match (one.next(), other.next()) {
            (None, None) => return true,
            (None, Some(_)) | (Some(_), None) => return false,
            (Some(b">"), Some(_)) | (Some(_), Some(b">")) => return true,
            (Some(b"*"), Some(_)) | (Some(_), Some(b"*")) => {}
            (Some(one), Some(other)) if one == other => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{is_subset, overlap};

    #[test]
    fn patterns_that_share_a_subject_overlap() {
        for (one, other, expected) in [
            ("a", "a", true),
            ("a", "b", false),
            ("a.*", "a.b", true),
            ("a.*", "*.b", true),
            ("a.*", "*.b.c", false),
            ("a.>", "a", false),
            ("a.>", "a.b.>", true),
            ("a.>", "*.*.c", true),
            (">", "a.b", true),
            ("a.*.>", "a.*", false),
            ("a.*.c", "a.b.*", true),
            ("a.*.c", "a.b.d", false),
        ] {
            assert_eq!(
                overlap(one.as_bytes(), other.as_bytes()),
                expected,
                "{one} {other}"
            );
            assert_eq!(
                overlap(other.as_bytes(), one.as_bytes()),
                expected,
                "{other} {one}"
            );
        }
    }

    #[test]
    fn a_subset_is_matched_whole() {
        for (inner, pattern, expected) in [
            ("v1.dev", "v1.*", true),
            ("v1.*", "v1.*", true),
            ("v1.>", "v1.*", false),
            ("v1.>", "v1.>", true),
            ("v1", "v1.>", false),
            ("v1.a.b", "v1.*", false),
            ("*", "v1", false),
            (">", "*", false),
            (">", ">", true),
            ("v1.", "v1.*", false),
            ("v1.a", "v2.*", false),
        ] {
            assert_eq!(
                is_subset(inner.as_bytes(), pattern.as_bytes()),
                expected,
                "{inner} {pattern}"
            );
        }
    }
}
