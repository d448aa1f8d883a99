//! What is asked of the consumers of a stream.

use super::asking::{Question, Wish};
use super::{Came, Stream, StreamAddress};
use crate::mailbox::tell;
use crate::router::ListenersWatch;
use actix::prelude::*;
use bytes::Bytes;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::oneshot;
use vagus_delivery::outbox::ConnectionSubscription;
use vagus_delivery::subscriptions::Change;
use vagus_jetstream::api::Paged;
use vagus_jetstream::consumer::ConsumerInfo;
use vagus_jetstream::consumer::request::{CreateConsumerRequest, PauseRequest, ResetRequest, UnpinRequest};
use vagus_jetstream::error::ApiError;
use vagus_jetstream::stream::{Done, Further};

/// How a consumer gets to those who have it.
#[derive(Debug)]
pub(super) struct Reached {
    /// It is asked for messages, by these subscriptions.
    pub(super) asked: Vec<Arc<ConnectionSubscription>>,
    /// Where it pushes them; this tells whether somebody listens.
    pub(super) watch: Option<Arc<ListenersWatch>>,
}

/// What is wanted to be known.
enum About {
    One(String, oneshot::Sender<Result<ConsumerInfo, ApiError>>),
    Names(isize, oneshot::Sender<Result<Paged<String>, ApiError>>),
    All(isize, oneshot::Sender<Result<Paged<ConsumerInfo>, ApiError>>),
}

impl About {
    /// It cannot be known.
    fn refuse(self, error: ApiError) {
        // Who asked may have gone.
        match self {
            Self::One(_, told) => drop(told.send(Err(error))),
            Self::Names(_, told) => drop(told.send(Err(error))),
            Self::All(_, told) => drop(told.send(Err(error))),
        }
    }
}

/// Asks about consumers, with all that was published before a moment.
#[derive(Message)]
#[rtype(result = "()")]
struct Tell(About, Instant);

/// Has no client of a consumer be the only one that is served.
#[derive(Message)]
#[rtype(result = "Result<(), ApiError>")]
struct Unpin(String, UnpinRequest);

/// What there is when nothing answers.
const GONE: ApiError = ApiError::STREAM_NOT_FOUND;

impl StreamAddress {
    /// Makes a consumer, or has it become another.
    ///
    /// # Errors
    /// If that cannot be, or the stream is gone.
    pub async fn create_consumer(&self, wanted: CreateConsumerRequest) -> Result<ConsumerInfo, ApiError> {
        self.told_of(Wish::Consumer(Box::new(wanted))).await
    }

    /// Has a consumer deliver nothing until a time, or again.
    ///
    /// # Errors
    /// If there is none of that name, or the stream is gone.
    pub async fn pause_consumer(&self, name: &str, wanted: PauseRequest) -> Result<ConsumerInfo, ApiError> {
        self.told_of(Wish::Pause(name.to_owned(), wanted)).await
    }

    async fn told_of(&self, wish: Wish) -> Result<ConsumerInfo, ApiError> {
        match self.carry(wish).await? {
            Done::Consumer { info: Some(info), .. } => Ok(*info),
            Done::Consumer { name, info: None } => self.consumer(&name).await,
            _ => Err(GONE),
        }
    }

    /// Has a consumer begin anew. What it is, and from where on.
    ///
    /// # Errors
    /// If that cannot be, or the stream is gone.
    pub async fn reset_consumer(
        &self,
        name: &str,
        wanted: ResetRequest,
    ) -> Result<(ConsumerInfo, u64), ApiError> {
        match self.carry(Wish::Reset(name.to_owned(), wanted)).await? {
            Done::ConsumerReset {
                info: Some(info),
                next,
                ..
            } => Ok((*info, next)),
            Done::ConsumerReset {
                name,
                info: None,
                next,
            } => Ok((self.consumer(&name).await?, next)),
            _ => Err(GONE),
        }
    }

    /// Has a consumer go.
    ///
    /// # Errors
    /// If there is none of that name, or the stream is gone.
    pub async fn delete_consumer(&self, name: &str) -> Result<(), ApiError> {
        self.carry(Wish::DeleteConsumer(name.to_owned())).await.map(drop)
    }

    /// Has no client of a group be the only one any more that a consumer serves.
    ///
    /// # Errors
    /// If there is no such consumer or group, or the stream is gone.
    pub async fn unpin_consumer(&self, name: &str, wanted: UnpinRequest) -> Result<(), ApiError> {
        let unpinned = self.actor().send(Unpin(name.to_owned(), wanted)).await;
        unpinned.map_err(|_| GONE)?
    }

    /// What a consumer is.
    ///
    /// # Errors
    /// If there is none of that name, or the stream is gone.
    pub async fn consumer(&self, name: &str) -> Result<ConsumerInfo, ApiError> {
        self.consumer_as_of(name, Instant::now()).await
    }

    /// The same for who has asked at a moment that has passed: with all that was published before.
    ///
    /// # Errors
    /// If there is none of that name, or the stream is gone.
    pub async fn consumer_as_of(&self, name: &str, asked_at: Instant) -> Result<ConsumerInfo, ApiError> {
        let (told, is_told) = oneshot::channel();
        tell(self.actor(), Tell(About::One(name.to_owned(), told), asked_at));
        is_told.await.map_err(|_| GONE)?
    }

    /// The names of consumers, in their order, from one on.
    ///
    /// # Errors
    /// If the stream is gone.
    pub async fn consumer_names(&self, offset: isize) -> Result<Paged<String>, ApiError> {
        let (told, is_told) = oneshot::channel();
        tell(self.actor(), Tell(About::Names(offset, told), Instant::now()));
        is_told.await.map_err(|_| GONE)?
    }

    /// What consumers are, in the order of their names, from one on, with all that was published before a moment.
    ///
    /// # Errors
    /// If the stream is gone.
    pub async fn consumers_as_of(
        &self,
        offset: isize,
        asked_at: Instant,
    ) -> Result<Paged<ConsumerInfo>, ApiError> {
        let (told, is_told) = oneshot::channel();
        tell(self.actor(), Tell(About::All(offset, told), asked_at));
        is_told.await.map_err(|_| GONE)?
    }
}

impl Handler<Tell> for Stream {
    type Result = ();

    fn handle(&mut self, Tell(about, asked_at): Tell, _: &mut Context<Self>) {
        if let Some(offline) = self.offline() {
            return about.refuse(offline);
        }
        // What is told to be delivered is on its way before that is told: clients count on it.
        self.speak();
        // Who asked may have gone.
        match about {
            About::One(name, told) => {
                let mut told = Some(told);
                let question: Question = Box::new(move |machine, around, _| {
                    let info = machine.consumer_info(around, &name)?;
                    if let Some(told) = told.take() {
                        let _ = told.send(info);
                    }
                    Ok(Further::Done)
                });
                self.ask(question, asked_at);
            }
            About::Names(offset, told) => drop(told.send(Ok(self.machine.consumer_names(offset)))),
            About::All(offset, told) => {
                let mut told = Some(told);
                let question: Question = Box::new(move |machine, around, _| {
                    let infos = machine.consumer_infos(around, offset)?;
                    if let Some(told) = told.take() {
                        let _ = told.send(Ok(infos));
                    }
                    Ok(Further::Done)
                });
                self.ask(question, asked_at);
            }
        }
        self.wake();
    }
}

impl Handler<Unpin> for Stream {
    type Result = MessageResult<Unpin>;

    fn handle(&mut self, Unpin(name, wanted): Unpin, _: &mut Context<Self>) -> Self::Result {
        let unpinned = self.guarded(|stream| {
            let unpinned = stream.machine.unpin(&name, &wanted);
            stream.propose();
            unpinned
        });
        self.wake();
        MessageResult(unpinned.unwrap_or(Err(ApiError::STREAM_OFFLINE)))
    }
}

impl Stream {
    /// There is a consumer, or it now delivers elsewhere. Each is asked for messages on a subject of its own, those that
    /// push, too, to say so; and whether somebody listens where it pushes to is watched.
    pub(super) fn consumer_began(&mut self, name: String, deliver_to: Bytes) {
        let asked = match self.consumers.remove(&name) {
            Some(there) => there.asked,
            None => self.asked_for(&name),
        };
        let watch = (!deliver_to.is_empty()).then(|| self.push_to(&name, deliver_to));
        self.consumers.insert(name, Reached { asked, watch });
        self.count_consumers();
    }

    fn asked_for(&mut self, name: &str) -> Vec<Arc<ConnectionSubscription>> {
        let stream = &self.identity.name;
        let number = Came::Pull.number().unwrap_or_default();
        let prefixes = self.server.api_prefixes().iter();
        let asked = prefixes.map(|prefix| {
            let subject = format!("{prefix}CONSUMER.MSG.NEXT.{stream}.{name}");
            self.mailbox.subscription(subject.as_bytes(), None, number)
        });
        let asked: Vec<_> = asked.collect();
        self.changes.extend(asked.iter().cloned().map(Change::Add));
        asked
    }

    fn push_to(&mut self, name: &str, deliver_to: Bytes) -> Arc<ListenersWatch> {
        let is_bound = self
            .account
            .routed
            .account
            .interest()
            .reaches_anybody(&deliver_to);
        self.around(|machine, around| machine.set_bound(around, name, is_bound));
        self.watch_listeners(name, deliver_to)
    }

    pub(super) fn consumer_ended(&mut self, name: &str) {
        let there = self.consumers.remove(name);
        let asked = there.into_iter().flat_map(|there| there.asked);
        self.changes.extend(asked.map(Change::Remove));
        self.count_consumers();
    }

    fn count_consumers(&mut self) {
        let consumers = self.machine.consumer_count();
        self.account.set_consumers(&self.identity.name, consumers);
    }
}
