//! A stream that cannot go on, and how it goes on again.
//!
//! While the log cannot be written it takes in nothing, and is read as before. What cannot be read of its index, or not be
//! written into its segments, and a panic of its machine, have it be opened anew: from its last checkpoint and the log,
//! while all others go on. Until then it is offline.

use super::keeping::Unwritten;
use super::{Found, Stream};
use crate::jetstream::opening;
use crate::jetstream::stored::Stored;
use crate::mailbox::tell;
use actix::prelude::*;
use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use vagus_delivery::subscriptions::Change;
use vagus_jetstream::error::ApiError;
use vagus_jetstream::stream::Stream as Machine;
use vagus_jetstream::stream::entry::Entry;
use vagus_store::wal::Excerpt;

/// After so long it is opened anew once more, at first and at longest; one that was well for that long is at once.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Why nothing gets in.
#[derive(Debug, Clone)]
pub(super) struct Ailment {
    /// What who wants something is told.
    pub(super) error: ApiError,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The log cannot be written.
    Log,
    /// The log has lost entries that are applied here: a checkpoint is written that has them.
    Doubt,
    /// It is opened anew: its machine is an empty one.
    Lost,
}

/// How often it was opened anew.
#[derive(Debug, Default)]
pub(super) struct Anew {
    is_under_way: bool,
    wait: Duration,
    last: Option<Instant>,
}

/// What was found when it was opened anew.
#[derive(Debug, Message)]
#[rtype(result = "()")]
struct OpenedAnew(Box<Result<Found, String>>);

impl Stream {
    /// Whether there is nothing of it to be read or written.
    pub(super) fn is_lost(&self) -> bool {
        self.ailment
            .as_ref()
            .is_some_and(|ailment| ailment.kind == Kind::Lost)
    }

    /// Whether it must not write into its files.
    pub(super) fn keeps_nothing(&self) -> bool {
        self.ailment
            .as_ref()
            .is_some_and(|ailment| ailment.kind != Kind::Doubt)
    }

    /// What who asks about it is told while it is lost.
    pub(super) fn offline(&self) -> Option<ApiError> {
        let ailment = self.ailment.as_ref().filter(|_| self.is_lost())?;
        Some(ApiError::stream_offline_because(&ailment.error.description))
    }

    /// Does something with the machine. None: it has panicked, and the stream begins anew.
    pub(super) fn guarded<T>(&mut self, act: impl FnOnce(&mut Self) -> T) -> Option<T> {
        // After a panic nothing of the machine is used any more.
        let done = catch_unwind(AssertUnwindSafe(|| act(self)));
        if done.is_err() {
            self.lose(&"it has panicked");
        }
        done.ok()
    }

    /// The log cannot be written: nothing of what is on its way comes into it.
    pub(super) fn log_has_failed(&mut self, error: &dyn Display) {
        if self.is_lost() {
            return;
        }
        // What is in the log stays.
        self.apply_all();
        if self.is_lost() {
            return;
        }
        let error = ApiError::store_failed(error);
        self.give_up(&error);
        self.set_ailment(Some(Ailment {
            error,
            kind: Kind::Log,
        }));
    }

    /// The log goes on.
    pub(super) fn log_has_healed(&mut self, is_in_doubt: bool) {
        let Some(ailment) = self.ailment.as_mut().filter(|ailment| ailment.kind != Kind::Lost) else {
            return;
        };
        match is_in_doubt {
            true => {
                ailment.kind = Kind::Doubt;
                self.keeping.wants_checkpoint = true;
            }
            false => self.set_ailment(None),
        }
    }

    /// A checkpoint has all that is applied.
    pub(super) fn doubt_is_over(&mut self) {
        let is_in_doubt = |ailment: &Ailment| ailment.kind == Kind::Doubt;
        if self.ailment.as_ref().is_some_and(is_in_doubt) {
            self.set_ailment(None);
        }
    }

    fn set_ailment(&mut self, ailment: Option<Ailment>) {
        let told = ailment.as_ref().map(|ailment| ailment.error.to_string().into());
        self.figures.set_failure(told);
        self.ailment = ailment;
    }

    /// What is on its way comes to nothing. Indices are not used again.
    fn give_up(&mut self, error: &ApiError) {
        self.in_flight.clear();
        self.bytes_in_flight = 0;
        (self.durable, self.applied) = (self.proposed, self.proposed);
        self.machine.failed(error);
        self.carry_out_effects();
    }

    /// It cannot go on, for this reason: it begins anew.
    pub(super) fn lose(&mut self, reason: &dyn Display) {
        if self.is_lost() {
            return;
        }
        let (account, name) = (&self.identity.account, &self.identity.name);
        log::error!("JetStream: stream '{account} > {name}' cannot go on, and is opened anew: {reason}");
        let error = ApiError::store_failed(reason);
        let given_up = catch_unwind(AssertUnwindSafe(|| self.give_up(&error)));
        if given_up.is_err() {
            log::error!("JetStream: what a stream had on its way is not answered");
        }
        self.set_ailment(Some(Ailment {
            error: error.clone(),
            kind: Kind::Lost,
        }));
        self.forget_what_waits(&error);
        let last = self.machine.last_sequence();
        let empty = self.empty_machine(last);
        let lost = std::mem::replace(&mut self.machine, empty);
        self.let_go_of(lost);
        match self.is_logged() {
            true => self.open_anew(),
            false => self.begin_empty(),
        }
        self.wake();
    }

    fn forget_what_waits(&mut self, error: &ApiError) {
        let wishes = std::mem::take(&mut self.wishes).into_iter();
        let wishes = wishes
            .chain(std::mem::take(&mut self.gathering))
            .chain(self.in_turn.forget())
            .map(|carry| carry.1);
        let requests = std::mem::take(&mut self.requests).into_values();
        for asked in requests.chain(wishes) {
            // Who asked may have gone.
            let _ = asked.send(Err(error.clone()));
        }
        self.questions.clear();
        self.unfinished.clear();
        self.unfinished_direct.clear();
        self.is_held_up = false;
        // Who is listened to then is numbered anew.
        let heard = self
            .ear
            .take()
            .into_iter()
            .flat_map(|ear| ear.into_subscriptions());
        self.announce(heard.map(Change::Remove).collect(), None);
        self.server.count_batches(self.batches, 0);
        self.batches = 0;
        self.count_bytes(-self.counted_bytes);
    }

    /// A machine without messages, which goes on behind a sequence.
    pub(super) fn empty_machine(&self, last: u64) -> Machine<Stored> {
        let config = self.config();
        let behind = vagus_jetstream::config::StreamConfig {
            first_seq: last + 1,
            ..config.clone()
        };
        let (incarnation, created) = (self.machine.incarnation(), self.machine.created());
        let mut machine = Machine::new(
            behind,
            incarnation,
            created,
            &self.server.domain,
            Stored::nothing(),
        );
        let configure = Entry::Configure {
            config: Box::new(config.clone()),
            request: None,
        };
        machine.apply(configure, &*self.server.zones);
        machine
    }

    /// What was in memory is gone.
    fn begin_empty(&mut self) {
        self.set_ailment(None);
        self.began_at = self.proposed;
        self.begin_consumers();
    }

    /// Has it be opened anew, once nothing of it is being written.
    pub(super) fn open_anew(&mut self) {
        if !self.is_lost() || self.anew.is_under_way || self.keeping.is_busy() {
            return;
        }
        self.anew.is_under_way = true;
        let was_well = self.anew.last.is_none_or(|last| last.elapsed() >= LONGEST_WAIT);
        let wait = match was_well {
            true => Duration::ZERO,
            false => (self.anew.wait * 2).clamp(FIRST_WAIT, LONGEST_WAIT),
        };
        self.anew.wait = wait;
        self.anew.last = Some(Instant::now() + wait);
        let (own, server, identity) = (self.own.clone(), self.server.clone(), self.identity.clone());
        actix_rt::spawn(async move {
            tokio::time::sleep(wait).await;
            let found = match server.log.excerpt(identity.group).await {
                Some(excerpt) => found_anew(&server, identity, excerpt).await,
                None => Err("the log cannot be read now".to_owned()),
            };
            tell(&own, OpenedAnew(Box::new(found)));
        });
    }

    fn take_anew(&mut self, found: Found) {
        self.machine = found.machine;
        self.began_at = found.index;
        (self.proposed, self.durable, self.applied) = (found.index, found.index, found.index);
        self.keeping.begin_anew(found.checkpointed);
        self.set_ailment(None);
        if let Some(flush) = found.flush {
            self.write_again(Unwritten::Flush(flush));
        }
        self.count_bytes(self.held_bytes());
        self.follow_log();
        self.begin_consumers();
        let (account, name) = (&self.identity.account, &self.identity.name);
        log::info!("JetStream: stream '{account} > {name}' goes on");
    }

    /// Has the consumers that there are work, and no others.
    fn begin_consumers(&mut self) {
        let consumers: Vec<String> = self.consumers.keys().cloned().collect();
        for name in consumers {
            if !self.machine.has_consumer(&name) {
                self.consumer_ended(&name);
            }
        }
        self.begin_work();
        self.changes_of_interest_follow();
        self.propose();
        self.figures.write(&self.machine);
    }
}

/// Opens a stream on a thread that may wait for the disk.
async fn found_anew(
    server: &std::sync::Arc<crate::jetstream::server::Server>,
    identity: vagus_store::StreamIdentity,
    excerpt: Excerpt,
) -> Result<Found, String> {
    let (told, is_told) = oneshot::channel();
    let working = server.clone();
    server.workers.read(move || {
        let place = working.store.lock().place_of(&identity);
        let found = opening::open_again(&working, &place, identity, &excerpt);
        // The stream may have gone.
        let _ = told.send(found);
    });
    is_told
        .await
        .unwrap_or_else(|_| Err("reading it has panicked".to_owned()))
}

impl Handler<OpenedAnew> for Stream {
    type Result = ();

    fn handle(&mut self, OpenedAnew(found): OpenedAnew, _: &mut Context<Self>) {
        self.anew.is_under_way = false;
        match *found {
            Ok(found) => drop(self.guarded(|stream| stream.take_anew(found))),
            Err(error) => {
                let (account, name) = (&self.identity.account, &self.identity.name);
                log::error!("JetStream: stream '{account} > {name}' cannot be opened yet: {error}");
                self.open_anew();
            }
        }
        self.wake();
    }
}
