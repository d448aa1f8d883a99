//! Where what is asked in one account is taken and answered.

use crate::answering::Request;
use crate::audit;
use crate::backup::Vault;
use crate::exchange::{asked, subscribe, tell};
use crate::intake::{Assignment, Role};
use crate::topic::{OfConsumer, OfStream, Topic};
use crate::waiting::{Answering, Arrived, Dropped, Kind, QueueLimits, Waiting, kind};
use bytes::Bytes;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};
use std::future::poll_fn;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::spawn_local;
use vagus_actors::in_process::{InProcessAddress, InProcessSubscription};
use vagus_actors::jetstream::AccountStreams;
use vagus_delivery::mailbox::{Delivered, Message};
use vagus_delivery::outbox::WhenFull;

/// So often the log says at most that requests are dropped.
const SAID_EVERY: Duration = Duration::from_secs(1);

/// Who asks on this what is not known gets no answer, as of nats-server, and is not told that nobody listens. Who asks a
/// stream for its messages where there is none is told so.
const UNANSWERED: &str = "DIRECT.*";

/// Takes and answers what is asked in one account.
#[derive(Debug)]
pub struct Desk {
    /// Its streams.
    pub account: Arc<AccountStreams>,
    /// Who publishes there.
    pub in_process: InProcessAddress,
    /// How many requests may wait.
    pub limits: QueueLimits,
    /// Who publishes in the system account, if there is one.
    pub system: Option<InProcessAddress>,
}

impl Desk {
    /// Answers requests until it is to be otherwise, and what waits then; None: the server ends.
    pub(crate) async fn serve(
        self,
        requests: &mut InProcessSubscription,
        assignment: &Assignment,
    ) -> Option<Role> {
        // Nobody looks at what comes here.
        let subjects = (self.account.api_prefixes(), &[UNANSWERED][..]);
        let unanswered = subscribe(&self.in_process, subjects, 1, WhenFull::DropOldest);
        let _unanswered = unanswered.await?;
        let vault = Vault::new(self.account.clone(), self.in_process.clone());
        let mut waiting = Waiting::default();
        // Boxed: it keeps room for one more than there are, and an answer takes 20 KB while it is made.
        let mut answering = FuturesUnordered::new();
        let mut under_way = Answering::default();
        let mut said = None;
        let next = loop {
            tokio::select! {
                role = assignment.changed() => break role,
                delivered = poll_fn(|task| requests.poll_next(task)) => {
                    let Delivered::Messages(messages) = delivered else {
                        return None;
                    };
                    let at = Instant::now();
                    for message in messages {
                        let Some((_, topic)) = self.topic(&message) else {
                            continue;
                        };
                        let kind = kind(&topic, message.parts().payload);
                        let arrived = Arrived { message, at };
                        let dropped = waiting.push(&self.limits, arrived, kind);
                        while let Some(next) = waiting.pop(&mut under_way) {
                            answering.push(self.respond(next, &vault).boxed_local());
                        }
                        if let Some(dropped) = dropped {
                            self.tell_of(dropped, &mut said).await;
                        }
                    }
                },
                Some(kind) = answering.next() => {
                    under_way.is_over(kind);
                    while let Some(next) = waiting.pop(&mut under_way) {
                        answering.push(self.respond(next, &vault).boxed_local());
                    }
                },
            }
        };
        while let Some(kind) = answering.next().await {
            under_way.is_over(kind);
            while let Some(next) = waiting.pop(&mut under_way) {
                answering.push(self.respond(next, &vault).boxed_local());
            }
        }
        Some(next)
    }

    /// What somebody asks.
    fn topic<'a>(&self, message: &'a Message) -> Option<(&'a str, Topic<'a>)> {
        let (subject, asked) = asked(message, self.account.api_prefixes())?;
        Some((subject, Topic::of(asked)?))
    }

    /// Requests are dropped: the log says so now and then, and the system account is told each time.
    async fn tell_of(&self, dropped: Dropped, said: &mut Option<Instant>) {
        let Dropped { queue, requests } = dropped;
        if said.is_none_or(|said| said.elapsed() >= SAID_EVERY) {
            *said = Some(Instant::now());
            log::warn!("{queue} limit reached, dropping {requests} requests");
        }
        if let Some(system) = &self.system {
            let subject = Bytes::from_static(audit::LIMIT_REACHED.as_bytes());
            tell(
                system,
                subject,
                None,
                audit::limit_reached(&self.account, requests),
            )
            .await;
        }
    }

    /// Answers; gives what was wanted.
    async fn respond(&self, (arrived, kind): (Arrived, Kind), vault: &Vault) -> Kind {
        self.answer(&arrived.message, arrived.at, vault).await;
        kind
    }

    async fn answer(&self, message: &Message, came_at: Instant, vault: &Vault) {
        let parts = message.parts();
        let Some(reply) = parts.reply else { return };
        let Some((subject, topic)) = self.topic(message) else {
            return;
        };
        let request = Request {
            topic: topic.clone(),
            headers: parts.header,
            body: parts.payload,
            came_at,
        };
        let Some(answered) = request.answer(&self.account, vault).await else {
            return;
        };
        // As in nats-server who only reads is not told of, nor what a consumer answers itself.
        let audit = match topic {
            Topic::Stream(OfStream::MessageGet, _) if !answered.is_error => None,
            Topic::Consumer(OfConsumer::Reset, ..) => None,
            _ => audit::told(&self.account, subject, parts.payload, &answered.text),
        };
        self.account.count_request(answered.is_error);
        let reply = Bytes::copy_from_slice(reply);
        tell(&self.in_process, reply, answered.headers, answered.text).await;
        if let Some(payload) = audit {
            let subject = Bytes::from_static(audit::SUBJECT.as_bytes());
            tell(&self.in_process, subject, None, payload).await;
        }
        if let Some(afterwards) = answered.afterwards {
            spawn_local(afterwards);
        }
    }
}
