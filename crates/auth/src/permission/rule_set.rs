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
            concerned && subject::overlap(&rule.subject, subject)
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
    queue == pattern || subject::is_subset(queue, pattern)
}
