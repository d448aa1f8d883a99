//! What passed through the server, second by second, for those who come later.
//!
//! The role of the History is to remember the last quarter of an hour: it asks the others once a second and keeps
//! their totals, from which a reader makes rates.

use crate::mailbox::{Observe, end_if_panicking};
use crate::monitor::{Monitor, MonitorState};
use crate::router::{Router, RouterState};
use actix::prelude::*;
use serde::Serialize;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use vagus_delivery::arbiter::Arbiters;
use vagus_protocol::error::CloseReason;

/// How often is sampled.
pub const INTERVAL: Duration = Duration::from_secs(1);

/// How many samples are kept.
const KEPT: usize = 900;

/// What the process uses: hundredths of one core, and bytes of memory.
pub type ProcessUse = Box<dyn Fn() -> (f64, u64) + Send>;

/// Keeps samples of the server's totals.
pub struct History {
    arbiters: Arc<Arbiters>,
    monitor: Addr<Monitor>,
    router: Addr<Router>,
    process_use: ProcessUse,
    samples: VecDeque<Sample>,
    /// How many samples have been taken.
    taken: u64,
    sampling: bool,
}

/// The totals at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Sample {
    /// Milliseconds since 1970.
    pub time: u64,
    /// Messages published.
    pub messages_in: u64,
    /// Messages delivered.
    pub messages_out: u64,
    /// Bytes published.
    pub bytes_in: u64,
    /// Bytes delivered.
    pub bytes_out: u64,
    /// Connections that are open.
    pub connections: u64,
    /// Subscriptions there are.
    pub subscriptions: u64,
    /// Connections that were cut off for being too slow.
    pub slow_consumers: u64,
    /// Hundredths of one core in use.
    pub cpu: f64,
    /// Bytes of memory in use.
    pub memory: u64,
}

/// Asks for the samples from this one on, counted from the start of the server.
#[derive(Debug, Message)]
#[rtype(result = "Samples")]
pub(crate) struct SamplesSince(pub(crate) u64);

/// Samples in order.
#[derive(Debug, Clone, PartialEq)]
pub struct Samples {
    /// What to ask for next time.
    pub next: u64,
    /// Those that are still kept.
    pub samples: Vec<Sample>,
}

/// What a [`History`] shows of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HistoryState {
    /// Samples taken since the start.
    pub taken: u64,
    /// Samples kept.
    pub kept: usize,
}

impl History {
    /// Will ask these.
    pub fn new(
        arbiters: Arc<Arbiters>,
        monitor: Addr<Monitor>,
        router: Addr<Router>,
        process_use: ProcessUse,
    ) -> Self {
        Self {
            arbiters,
            monitor,
            router,
            process_use,
            samples: VecDeque::new(),
            taken: 0,
            sampling: false,
        }
    }

    /// Asks, unless those who were asked last time have not answered yet.
    fn sample(&mut self, context: &mut Context<Self>) {
        if self.sampling {
            return;
        }
        self.sampling = true;
        let monitor = self.monitor.send(Observe::<MonitorState>::new());
        let router = self.router.send(Observe::<RouterState>::new());
        let asking = async move { (monitor.await.ok(), router.await.ok()) };
        context.spawn(asking.into_actor(self).map(|answers, history, _| {
            history.sampling = false;
            if let (Some(monitor), Some(router)) = answers {
                history.keep(&monitor, &router);
            }
        }));
    }

    fn keep(&mut self, monitor: &MonitorState, router: &RouterState) {
        let traffic = self.arbiters.traffic();
        let (cpu, memory) = (self.process_use)();
        let cut_off = |reason: CloseReason| monitor.closed.get(reason.text()).copied().unwrap_or(0);
        if self.samples.len() == KEPT {
            self.samples.pop_front();
        }
        self.samples.push_back(Sample {
            time: SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| since.as_millis().try_into().unwrap_or(u64::MAX)),
            messages_in: traffic.messages_in,
            messages_out: traffic.messages_out,
            bytes_in: traffic.payload_in,
            bytes_out: traffic.payload_out,
            connections: monitor.connections as u64,
            subscriptions: router.subscriptions as u64,
            slow_consumers: cut_off(CloseReason::SlowConsumerPendingBytes)
                + cut_off(CloseReason::SlowConsumerWriteDeadline),
            cpu,
            memory,
        });
        self.taken += 1;
    }
}

impl Drop for History {
    fn drop(&mut self) {
        end_if_panicking("The History");
    }
}

impl Actor for History {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Context<Self>) {
        self.sample(context);
        context.run_interval(INTERVAL, Self::sample);
    }
}

impl Handler<SamplesSince> for History {
    type Result = MessageResult<SamplesSince>;

    fn handle(&mut self, SamplesSince(first): SamplesSince, _: &mut Context<Self>) -> Self::Result {
        let oldest = self.taken - self.samples.len() as u64;
        let skipped = usize::try_from(first.saturating_sub(oldest)).unwrap_or(usize::MAX);
        MessageResult(Samples {
            next: self.taken,
            samples: self.samples.iter().skip(skipped).copied().collect(),
        })
    }
}

impl Handler<Observe<HistoryState>> for History {
    type Result = MessageResult<Observe<HistoryState>>;

    fn handle(&mut self, _: Observe<HistoryState>, _: &mut Context<Self>) -> Self::Result {
        MessageResult(HistoryState {
            taken: self.taken,
            kept: self.samples.len(),
        })
    }
}
