//! One connector.

use super::work::{Means, Work};
use super::{Counters, inward};
use crate::in_process::EnterAccount;
use crate::mailbox::Observe;
use actix::prelude::*;
use actix_rt::task::JoinHandle;
use futures_util::FutureExt;
use serde::Serialize;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;
use tokio::time::sleep;
use vagus_auth::permission::Matcher;
use vagus_configs::{ConnectorSettings, ConnectorWay};

/// How long it rests when it cannot go on: twice as long each time, from the first to the second.
const REST: Duration = Duration::from_millis(100);
const LONGEST_REST: Duration = Duration::from_secs(5);

/// The role of a Connector is to have its work done, to begin it anew where it cannot go on, and to say how it stands.
pub struct Connector {
    id: Arc<str>,
    account: Arc<str>,
    kind: &'static str,
    subject: String,
    rights: Option<Arc<Matcher>>,
    is_paused: bool,
    work: Arc<dyn Work>,
    door: Recipient<EnterAccount>,
    max_payload: Arc<AtomicUsize>,
    counters: Arc<Counters>,
    /// None while it is paused.
    working: Option<JoinHandle<()>>,
}

/// What a [`Connector`] shows of itself.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ConnectorState {
    /// Its type in the configuration.
    #[serde(rename = "type")]
    pub kind: String,
    /// What it is called.
    pub id: String,
    /// The account that it is in.
    pub account: String,
    /// What it subscribes to, or publishes on.
    pub subject: String,
    /// `running`, `failing` where no server takes anything, or `paused`.
    pub state: &'static str,
    /// Whether somebody is connected.
    pub connected: bool,
    /// Where peers connect, if they do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Connections that were made or accepted.
    pub connects: u64,
    /// Those of them that have ended.
    pub disconnects: u64,
    /// Bytes of messages that were published.
    pub bytes_in: u64,
    /// Bytes of messages that were brought to a server.
    pub bytes_out: u64,
    /// Messages that were published.
    pub msg_in: u64,
    /// Messages that were brought to a server.
    pub msg_out: u64,
    /// Messages and events that were lost or passed over.
    pub dropped: u64,
    /// Whatever went wrong.
    pub errors: u64,
    /// How often something was sent again.
    pub retries: u64,
    /// Bytes that wait to be brought to a server.
    pub pending_bytes: u64,
    /// Messages of a stream beyond those that wait: how far the connector is behind.
    pub lag: u64,
    /// All messages.
    pub count: u64,
    /// How long it takes from when something comes until it is where it belongs, in milliseconds: the average.
    pub rma: f64,
    /// The same for half of all.
    pub q50: f64,
    /// For three quarters.
    pub q75: f64,
    /// For nine tenths.
    pub q90: f64,
    /// For nineteen twentieths.
    pub q95: f64,
    /// What went wrong last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
}

/// Speaks TLS as this work does.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Bring(pub(super) Arc<dyn Work>);

/// Pauses, or goes on.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct SetPaused(pub(super) bool);

/// Ends; answered once nothing of it is left.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct End;

impl Connector {
    pub(super) fn new(
        settings: &ConnectorSettings,
        work: Arc<dyn Work>,
        door: Recipient<EnterAccount>,
        max_payload: Arc<AtomicUsize>,
    ) -> Self {
        let subject = match &settings.way {
            ConnectorWay::In(inward) => inward::subject(inward).to_owned(),
            ConnectorWay::Out(outward) => outward.subject.clone(),
            ConnectorWay::Http(_) => String::new(),
        };
        Self {
            id: settings.id.as_str().into(),
            account: settings.account.as_str().into(),
            kind: settings.kind(),
            subject,
            // A configuration has none that cannot be; without them nothing would be permitted.
            rights: settings.permissions.clone().compile().ok().map(Arc::new),
            is_paused: settings.is_paused,
            work,
            door,
            max_payload,
            counters: Arc::default(),
            working: None,
        }
    }

    fn go_on(&mut self) {
        let Some(rights) = self.rights.clone() else {
            return;
        };
        let begin = Begin {
            id: self.id.clone(),
            account: self.account.clone(),
            rights,
            work: self.work.clone(),
            door: self.door.clone(),
            max_payload: self.max_payload.clone(),
            counters: self.counters.clone(),
        };
        self.working = Some(actix_rt::spawn(begin.again_and_again()));
    }

    /// Nothing of its work is left when what this gives is over.
    fn rest(&mut self) -> impl Future<Output = ()> + use<> {
        let working = self.working.take();
        async move {
            if let Some(working) = working {
                working.abort();
                // That it was broken off is what was wanted.
                let _ = working.await;
            }
        }
    }

    fn state(&self) -> ConnectorState {
        let counters = &self.counters;
        let get = Counters::get;
        let (messages_in, messages_out) = (get(&counters.messages_in), get(&counters.messages_out));
        let (connects, disconnects) = (get(&counters.connects), get(&counters.disconnects));
        let is_failing = counters.is_failing.load(std::sync::atomic::Ordering::Relaxed);
        let ([q50, q75, q90, q95], rma) = counters.latencies([0.5, 0.75, 0.9, 0.95]);
        ConnectorState {
            kind: self.kind.to_owned(),
            id: self.id.to_string(),
            account: self.account.to_string(),
            subject: self.subject.clone(),
            state: match (self.is_paused, is_failing) {
                (true, _) => "paused",
                (false, true) => "failing",
                (false, false) => "running",
            },
            connected: connects > disconnects,
            address: self.work.address().map(|address| address.to_string()),
            connects,
            disconnects,
            bytes_in: get(&counters.bytes_in),
            bytes_out: get(&counters.bytes_out),
            msg_in: messages_in,
            msg_out: messages_out,
            dropped: get(&counters.dropped),
            errors: get(&counters.errors),
            retries: get(&counters.retries),
            pending_bytes: get(&counters.pending),
            lag: get(&counters.lag),
            count: messages_in + messages_out,
            rma,
            q50,
            q75,
            q90,
            q95,
            last_error: counters.last_error(),
        }
    }
}

/// What it takes to begin.
struct Begin {
    id: Arc<str>,
    account: Arc<str>,
    rights: Arc<Matcher>,
    work: Arc<dyn Work>,
    door: Recipient<EnterAccount>,
    max_payload: Arc<AtomicUsize>,
    counters: Arc<Counters>,
}

impl Begin {
    /// Does the work; whenever it cannot go on, again after a rest.
    async fn again_and_again(self) {
        let mut rest = REST;
        loop {
            let worked = AssertUnwindSafe(self.once()).catch_unwind().await;
            let reason = worked.unwrap_or_else(|_| "a panic has ended it".to_owned());
            if self.counters.fail(&reason) {
                log::error!("Connector {:?}: {reason}", &*self.id);
            }
            sleep(rest).await;
            rest = (2 * rest).min(LONGEST_REST);
        }
    }

    async fn once(&self) -> String {
        let Ok(entered) = self.door.send(EnterAccount(self.account.clone())).await else {
            return "the server is at its end".to_owned();
        };
        let Some(in_process) = entered else {
            return format!("there is no account {:?} now", &*self.account);
        };
        let means = Means {
            id: self.id.clone(),
            in_process,
            rights: self.rights.clone(),
            counters: self.counters.clone(),
            max_payload: self.max_payload.clone(),
        };
        self.work.clone().run(means).await
    }
}

impl Drop for Connector {
    fn drop(&mut self) {
        if let Some(working) = self.working.take() {
            working.abort();
        }
    }
}

impl Actor for Connector {
    type Context = Context<Self>;

    fn started(&mut self, _: &mut Context<Self>) {
        if !self.is_paused {
            self.go_on();
        }
    }
}

impl Handler<Bring> for Connector {
    type Result = ();

    fn handle(&mut self, Bring(work): Bring, _: &mut Context<Self>) {
        self.work.secure(work.secured());
    }
}

impl Handler<SetPaused> for Connector {
    type Result = AtomicResponse<Self, ()>;

    fn handle(&mut self, SetPaused(is_paused): SetPaused, _: &mut Context<Self>) -> Self::Result {
        let changes = is_paused != self.is_paused;
        self.is_paused = is_paused;
        if changes {
            let what = if is_paused { "paused" } else { "resumed" };
            log::info!("Connector {:?} was {what}", &*self.id);
        }
        if changes && !is_paused {
            self.go_on();
        }
        let rest = (changes && is_paused).then(|| self.rest());
        let rested = async move {
            if let Some(rest) = rest {
                rest.await;
            }
        };
        AtomicResponse::new(Box::pin(rested.into_actor(self)))
    }
}

impl Handler<End> for Connector {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, _: End, context: &mut Context<Self>) -> Self::Result {
        let rest = self.rest();
        context.stop();
        Box::pin(rest)
    }
}

impl Handler<Observe<ConnectorState>> for Connector {
    type Result = MessageResult<Observe<ConnectorState>>;

    fn handle(&mut self, _: Observe<ConnectorState>, _: &mut Context<Self>) -> Self::Result {
        MessageResult(self.state())
    }
}
