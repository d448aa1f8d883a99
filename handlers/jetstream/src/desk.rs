//! Where what is asked in one account is taken and answered.

use crate::answering::Request;
use crate::audit;
use crate::backup::Vault;
use crate::topic::{SUBJECTS, Topic};
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use std::future::poll_fn;
use std::sync::Arc;
use tokio::sync::oneshot;
use tokio::task::spawn_local;
use vagus_actors::in_process::{
    InProcessAddress, InProcessMessage, InProcessSubject, InProcessSubscription, SubscribeInProcess,
};
use vagus_actors::jetstream::AccountStreams;
use vagus_delivery::mailbox::{Delivered, Message, Messages};
use vagus_delivery::outbox::WhenFull;

/// How many requests of an account are answered at once.
const ANSWERED_AT_ONCE: usize = 16;

/// What may wait to be answered, in bytes.
const WAITING_AT_MOST: usize = 8 << 20;

/// Who asks on these what is not known gets no answer, as of nats-server, and is not told that nobody listens. Those are left
/// out on which consumers are asked for messages and streams for theirs: who asks where there is none is told so.
const UNANSWERED: [&str; 9] = [
    "*",
    "STREAM.>",
    "CONSUMER.*",
    "CONSUMER.*.*",
    "CONSUMER.*.*.*",
    "DIRECT.*",
    "META.>",
    "SERVER.>",
    "ACCOUNT.>",
];

/// Takes and answers what is asked in one account.
#[derive(Debug)]
pub struct Desk {
    /// Its streams.
    pub account: Arc<AccountStreams>,
    /// Who publishes there.
    pub in_process: InProcessAddress,
}

impl Desk {
    /// Answers until the server ends; `ready` is told when it does. It is to run on a thread that carries no messages.
    pub async fn serve(self, ready: oneshot::Sender<()>) {
        let Some(mut requests) = self.subscribe().await else {
            return;
        };
        // Nobody looks at what comes here.
        let Some(_unanswered) = self.subscribe_to_unanswered().await else {
            return;
        };
        // Nobody need wait for it.
        let _ = ready.send(());
        let vault = Vault::new(self.account.clone(), self.in_process.clone());
        let mut waiting = Messages::default();
        let mut answering = FuturesUnordered::new();
        loop {
            while answering.len() < ANSWERED_AT_ONCE
                && let Some(message) = waiting.next()
            {
                answering.push(self.respond(message, &vault));
            }
            tokio::select! {
                delivered = poll_fn(|task| requests.poll_next(task)), if answering.len() < ANSWERED_AT_ONCE => {
                    match delivered {
                        Delivered::Messages(messages) => waiting = messages,
                        Delivered::Ended(_) => return,
                    }
                },
                Some(()) = answering.next() => {},
            }
        }
    }

    async fn subscribe(&self) -> Option<InProcessSubscription> {
        let prefixes = self.account.api_prefixes().iter();
        let subjects = prefixes.flat_map(|prefix| {
            SUBJECTS.iter().map(move |subject| InProcessSubject {
                subject: format!("{prefix}{subject}").into(),
                queue: None,
            })
        });
        let subscribe = SubscribeInProcess {
            subjects: subjects.collect(),
            max_pending: WAITING_AT_MOST,
            when_full: WhenFull::Refuse,
        };
        self.in_process.subscribe(subscribe).await
    }

    async fn subscribe_to_unanswered(&self) -> Option<InProcessSubscription> {
        let prefixes = self.account.api_prefixes().iter();
        let subjects = prefixes.flat_map(|prefix| {
            UNANSWERED.iter().map(move |subject| InProcessSubject {
                subject: format!("{prefix}{subject}").into(),
                queue: None,
            })
        });
        let subscribe = SubscribeInProcess {
            subjects: subjects.collect(),
            max_pending: 1,
            when_full: WhenFull::DropOldest,
        };
        self.in_process.subscribe(subscribe).await
    }

    async fn respond(&self, message: Message, vault: &Vault) {
        let parts = message.parts();
        let Some(reply) = parts.reply else { return };
        let Ok(subject) = str::from_utf8(parts.subject) else {
            return;
        };
        let mut prefixes = self.account.api_prefixes().iter();
        let asked = prefixes.find_map(|prefix| subject.strip_prefix(&**prefix));
        let Some(topic) = asked.and_then(Topic::of) else {
            return;
        };
        let request = Request {
            topic,
            headers: parts.header,
            body: parts.payload,
        };
        let Some(answered) = request.answer(&self.account, vault).await else {
            return;
        };
        let audit = audit::told(&self.account, subject, parts.payload, &answered.text);
        let answer = InProcessMessage {
            subject: Bytes::copy_from_slice(reply),
            reply: None,
            header: answered.headers.clone(),
            payload: answered.text.into(),
            except: None,
        };
        self.account.count_request(answered.is_error);
        // Where nobody takes it nobody waits any more.
        let _ = self.in_process.publish(answer).await;
        if let Some(payload) = audit {
            let told = InProcessMessage {
                subject: Bytes::from_static(audit::SUBJECT.as_bytes()),
                reply: None,
                header: None,
                payload: payload.into(),
                except: None,
            };
            let _ = self.in_process.publish(told).await;
        }
        if let Some(afterwards) = answered.afterwards {
            spawn_local(afterwards);
        }
    }
}
