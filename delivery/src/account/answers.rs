//! The answers that an account owes to others, as far as messages and those who are told of them have to know.

use super::Account;
use super::halves::{Halves, OtherHalf};
use super::measured::{AnsweredBy, LatencyEvent, Measured};
use crate::moment::Moment;
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;
use vagus_accounts::{Answer, Responses, Terms};
use vagus_protocol::service_latency::{MeasuredElsewhere, Outcome};

/// How many requests whose askers have gone wait to be told of, of one account. Of more nobody is told.
const ABANDONED_AT_MOST: usize = 16_384;

/// Who asked, where an answer goes to.
#[derive(Debug, Clone)]
pub(crate) struct Asker {
    /// The account in which it asked.
    pub(crate) account: Arc<Account>,
    /// None if nobody wants to know how long it takes.
    pub(crate) measured: Option<Arc<Measured>>,
    /// The terms of its question, for one that an answer may be in turn.
    pub(crate) terms: Terms,
}

impl Asker {
    /// It waits no longer.
    fn is_done(&self) {
        if let Some(measured) = &self.measured {
            self.account.expected_replies().remove(measured);
        }
    }
}

/// Measured requests of which it is to be told what became of them.
#[derive(Debug, Default)]
pub struct Ended(pub(crate) Vec<(Arc<Measured>, Outcome, Duration)>);

impl Ended {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds others.
    pub fn append(&mut self, mut others: Self) {
        self.0.append(&mut others.0);
    }
}

/// The answers that an account owes to others.
#[derive(Debug, Default)]
pub struct AwaitedAnswers {
    responses: Mutex<Responses<Asker>>,
    /// Requests whose askers have gone, as long as nobody has been told.
    abandoned: Mutex<Vec<Arc<Measured>>>,
    /// What is answered at other servers.
    halves: Mutex<Halves>,
}

impl AwaitedAnswers {
    /// What is to be subscribed to, that answers come.
    pub fn pattern(&self) -> Vec<u8> {
        self.responses.lock().pattern()
    }

    /// From now on other servers see by this end of a reply that they are to tell how long the answer took.
    pub fn set_mark(&self, mark: &str) {
        self.responses.lock().set_mark(mark.as_bytes());
    }

    /// How many are waited for.
    pub fn len(&self) -> usize {
        self.responses.lock().len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// See [`Responses::wait`].
    pub(crate) fn wait(&self, reply: &[u8], asker: Asker, now: Moment, subject: &mut Vec<u8>) {
        let measured = asker.measured.clone();
        let account = measured.as_ref().map(|_| asker.account.clone());
        let terms = asker.terms;
        let reply = (reply, measured.is_some());
        let mut responses = self.responses.lock();
        let given_up = responses.wait(terms, reply, asker, now.since_start(), subject);
        drop(responses);
        given_up.iter().for_each(Asker::is_done);
        if let (Some(measured), Some(account)) = (measured, account) {
            account.expected_replies().add(&measured, subject);
        }
    }

    /// See [`Responses::answer`].
    pub(crate) fn answer(&self, subject: &[u8], is_end: bool, now: Moment) -> Option<Answer<Asker>> {
        let answer = self.responses.lock().answer(subject, is_end, now.since_start())?;
        // Only what has one answer is measured.
        answer.request.is_done();
        Some(answer)
    }

    /// See [`Responses::forget`].
    pub(crate) fn forget(&self, subject: &[u8]) -> Option<Asker> {
        let asker = self.responses.lock().forget(subject)?;
        asker.is_done();
        Some(asker)
    }

    /// Nobody is subscribed any more to what the answer to `subject` would be sent to.
    pub(super) fn abandon(&self, subject: &[u8]) {
        let Some(measured) = self.forget(subject).and_then(|asker| asker.measured) else {
            return;
        };
        let mut abandoned = self.abandoned.lock();
        if abandoned.len() < ABANDONED_AT_MOST {
            abandoned.push(measured);
        }
    }

    /// The answer to `subject` has come from another server, which tells how long it took there.
    pub(crate) fn answered_elsewhere(
        &self,
        subject: &[u8],
        measured: &Arc<Measured>,
        took: Duration,
        now: Moment,
    ) -> OtherHalf {
        self.halves.lock().answered(subject, measured, took, now)
    }

    /// Another server tells how long the answer to `subject` took there. Gives the event if the answer has come already; its
    /// id is `id`.
    pub fn measured_elsewhere(
        &self,
        subject: &[u8],
        elsewhere: MeasuredElsewhere,
        id: &str,
        now: Moment,
    ) -> Option<LatencyEvent> {
        let is_awaited = self.responses.lock().is_awaited(subject);
        let whole = self.halves.lock().measured(subject, elsewhere, is_awaited, now);
        whole.map(|(measured, took, elsewhere)| {
            let by = AnsweredBy::Elsewhere(&elsewhere);
            measured.event(Outcome::Answered, id, took, by)
        })
    }

    /// Gives up what has been waited for long enough: as many as `at_most`. Gives what is to be told of since it was last
    /// asked.
    pub fn expire(&self, now: Moment, at_most: usize) -> Ended {
        let expired = self.responses.lock().expire(now.since_start(), at_most);
        expired.iter().for_each(Asker::is_done);
        let mut ended = Vec::new();
        let nothing = Duration::ZERO;
        let unanswered = expired.into_iter().filter_map(|asker| asker.measured);
        ended.extend(unanswered.map(|measured| (measured, Outcome::TimedOut, nothing)));
        let abandoned = std::mem::take(&mut *self.abandoned.lock());
        ended.extend(
            abandoned
                .into_iter()
                .map(|measured| (measured, Outcome::Abandoned, nothing)),
        );
        let halves = self.halves.lock().expire(now);
        ended.extend(
            halves
                .into_iter()
                .map(|(measured, took)| (measured, Outcome::Answered, took)),
        );
        Ended(ended)
    }
}
