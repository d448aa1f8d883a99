//! What an arbiter does now and then for all its connections: deadlines, statistics, tidying up.

use crate::accounts::Accounts;
use crate::claimed_accounts;
use crate::flood;
use crate::mailbox::tell;
use crate::router::SubjectTraffic;
use rustix::time::{ClockId, clock_gettime};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::timeout_at;
use vagus_delivery::Moment;
use vagus_delivery::arbiter::{BusySubject, LocalArbiter, keep_awake};
use vagus_delivery::outbox::Notices;

/// How often statistics are passed on and caches swept.
const INTERVAL: Duration = Duration::from_secs(1);

/// How many cached fan-outs are looked at an interval. Those that are out of date keep what they delivered to
/// in memory.
const SWEPT: usize = 20_000;

/// How many subjects are reported an interval: the busiest.
const REPORTED: usize = 256;

/// Begins the housekeeping of an arbiter: timers, statistics, caches. Call it on the arbiter's own thread.
pub fn keep_house(arbiter: LocalArbiter, accounts: Arc<Accounts>) {
    actix::spawn(keep_awake(arbiter.clone()));
    actix::spawn(keep(arbiter, accounts));
}

/// Fires the arbiter's timers and does the rest once an interval, for as long as the arbiter lives.
async fn keep(arbiter: LocalArbiter, accounts: Arc<Accounts>) {
    let changed = arbiter.borrow().timers_changed.clone();
    let mut interval = Interval::begin();
    loop {
        let next = interval
            .end()
            .min(arbiter.borrow().timers.next().unwrap_or(interval.end()));
        // A timer that comes before all others cuts the wait short.
        let _ = timeout_at(next.into(), changed.notified()).await;
        let now = Instant::now();
        let due = arbiter.borrow_mut().timers.due(now);
        for outbox in due {
            outbox.notify(Notices::TIMER);
        }
        if now >= interval.end() {
            flood::settle();
            let load = interval.restart(now);
            let mut arbiter = arbiter.borrow_mut();
            if arbiter.number == 0 {
                accounts.end_imports(claimed_accounts::now());
                let ended = accounts.give_up_answers(Moment::of(now));
                if !ended.is_empty() {
                    arbiter.tell_of_ended(&ended, now);
                }
            }
            arbiter.shared.counters[arbiter.number].set_load(load);
            arbiter.delivery.tidy();
            arbiter.sweep_fanouts(SWEPT, |account, subject| accounts.version(account, subject));
            report(&accounts, arbiter.delivery.busiest_subjects(REPORTED));
        }
    }
}

/// Tells the Router of each account which of its subjects were busy.
fn report(accounts: &Accounts, mut subjects: Vec<BusySubject>) {
    subjects.sort_by_key(|busy| busy.account);
    for of_one in subjects.chunk_by(|one, other| one.account == other.account) {
        if let Some(account) = accounts.get(of_one[0].account) {
            let subjects = of_one.to_vec();
            tell(&account.router, SubjectTraffic { subjects });
        }
    }
}

/// One interval of an arbiter's thread.
struct Interval {
    began: Instant,
    busy_before: Duration,
}

impl Interval {
    fn begin() -> Self {
        Self {
            began: Instant::now(),
            busy_before: thread_time(),
        }
    }

    fn end(&self) -> Instant {
        self.began + INTERVAL
    }

    /// Begins the next; gives the thousandths of the last that the thread was busy.
    fn restart(&mut self, now: Instant) -> u64 {
        let busy = thread_time();
        let lasted = now.duration_since(self.began);
        let load = (busy - self.busy_before).as_secs_f64() / lasted.as_secs_f64().max(f64::MIN_POSITIVE);
        *self = Self {
            began: now,
            busy_before: busy,
        };
        (load * 1000.0) as u64
    }
}

fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(
        time.tv_sec.try_into().unwrap_or(0),
        time.tv_nsec.try_into().unwrap_or(0),
    )
}
