//! Backups: what goes to and fro beside requests and answers.

pub(crate) mod restore;
pub(crate) mod snapshot;

use bytes::Bytes;
use futures_util::future::LocalBoxFuture;
use serde::Serialize;
use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use vagus_actors::in_process::{
    InProcessAddress, InProcessMessage, InProcessSubject, InProcessSubscription, SubscribeInProcess,
};
use vagus_actors::jetstream::AccountStreams;
use vagus_delivery::mailbox::{Delivered, Message, Messages};
use vagus_delivery::outbox::WhenFull;
use vagus_jetstream::api::json;
use vagus_jetstream::time::Time;

/// How many streams of an account are backed up at once, and how many made again.
const BACKED_UP_AT_ONCE: usize = 8;
const RESTORED_AT_ONCE: usize = 4;

/// What may wait of pieces that come, in bytes.
const WAITING_AT_MOST: usize = 16 << 20;

/// How long ids are.
const ID: usize = 22;

/// What is done after an answer.
pub(crate) type Afterwards = LocalBoxFuture<'static, ()>;

/// Where streams of an account are backed up, and made again.
#[derive(Debug, Clone)]
pub(crate) struct Vault {
    account: Arc<AccountStreams>,
    in_process: InProcessAddress,
    backed_up: Arc<Semaphore>,
    restored: Arc<Semaphore>,
}

/// What comes of a backup on a subject.
struct Line {
    subscription: InProcessSubscription,
    waiting: Messages,
}

/// Something that is told of a backup.
#[derive(Serialize)]
struct Told<'a, T> {
    #[serde(rename = "type")]
    kind: &'static str,
    id: &'a str,
    timestamp: Time,
    stream: &'a str,
    #[serde(flatten)]
    more: T,
    client: Asker<'a>,
    #[serde(skip_serializing_if = "str::is_empty")]
    domain: &'a str,
}

/// Who has asked, as far as requests say.
#[derive(Serialize)]
pub(crate) struct Asker<'a> {
    pub(crate) acc: &'a str,
}

impl Vault {
    pub(crate) fn new(account: Arc<AccountStreams>, in_process: InProcessAddress) -> Self {
        Self {
            account,
            in_process,
            backed_up: Arc::new(Semaphore::new(BACKED_UP_AT_ONCE)),
            restored: Arc::new(Semaphore::new(RESTORED_AT_ONCE)),
        }
    }

    /// Listens to a subject.
    async fn listen(&self, subject: String) -> Option<Line> {
        let subscribe = SubscribeInProcess {
            subjects: vec![InProcessSubject {
                subject: subject.into(),
                queue: None,
            }],
            max_pending: WAITING_AT_MOST,
            when_full: WhenFull::Refuse,
        };
        Some(Line {
            subscription: self.in_process.subscribe(subscribe).await?,
            waiting: Messages::default(),
        })
    }

    /// Whether somebody took it.
    async fn send(&self, subject: &str, reply: Option<String>, header: Option<&str>, payload: Bytes) -> bool {
        let message = InProcessMessage {
            subject: Bytes::copy_from_slice(subject.as_bytes()),
            reply: reply.map(Bytes::from),
            header: header.map(|header| Bytes::copy_from_slice(header.as_bytes())),
            payload,
            except: None,
        };
        self.in_process.publish(message).await.unwrap_or(false)
    }

    /// Tells those who want to know what has become of a backup.
    async fn tell(&self, word: &str, kind: &'static str, stream: &str, more: impl Serialize) {
        let subject = format!("$JS.EVENT.ADVISORY.STREAM.{word}.{stream}");
        let told = Told {
            kind,
            id: &id(),
            timestamp: crate::answering::now(),
            stream,
            more,
            client: Asker {
                acc: self.account.routed().account.name(),
            },
            domain: self.account.domain(),
        };
        self.send(&subject, None, None, json(&told).into()).await;
    }
}

impl Line {
    /// What comes next; None: nothing has for so long, or nothing will.
    async fn next(&mut self, patience: Duration) -> Option<Message> {
        loop {
            if let Some(message) = self.waiting.next() {
                return Some(message);
            }
            let delivered = poll_fn(|task| self.subscription.poll_next(task));
            match timeout(patience, delivered).await {
                Ok(Delivered::Messages(messages)) => self.waiting = messages,
                Ok(Delivered::Ended(_)) | Err(_) => return None,
            }
        }
    }
}

/// What nothing else that is told is known by.
pub(crate) fn id() -> String {
    std::iter::repeat_with(fastrand::alphanumeric).take(ID).collect()
}
