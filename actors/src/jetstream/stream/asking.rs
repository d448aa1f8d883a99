//! What a stream is asked by others of the server.

use super::telling::StreamEvent;
use super::{Found, Spoken, Stream};
use crate::jetstream::figures::StreamFigures;
use crate::jetstream::stored::Stored;
use crate::mailbox::{Observe, tell};
use actix::prelude::*;
use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::oneshot;
use vagus_delivery::mailbox::Message as Delivered;
use vagus_jetstream::api::{
    DeleteMessageRequest, GetRequest, Page, PurgeRequest, SourceInfo, StoredMessage, StreamInfoRequest,
    StreamState,
};
use vagus_jetstream::backup::ConsumerSnapshot;
use vagus_jetstream::config::StreamConfig;
use vagus_jetstream::consumer::request::{CreateConsumerRequest, PauseRequest, ResetRequest};
use vagus_jetstream::error::ApiError;
use vagus_jetstream::held::Cold;
use vagus_jetstream::message::Message as StreamMessage;
use vagus_jetstream::stream::{
    Details, DirectMessage, DirectRequest, Done, Further, Requested, Stream as Machine, Surroundings,
};
use vagus_jetstream::time::Time;

/// How many who ask directly may wait for something to be read, or for their turn; and as many for what is on its way.
pub(super) const DIRECT_AT_MOST: usize = 1024;

/// How many subjects are looked at in one turn.
const SUBJECTS_AT_ONCE: usize = 4000;

/// How many bytes are sent directly at most.
const SENT_DIRECTLY_AT_MOST: usize = 64 << 20;

/// Asks the machine of a stream; may have to be asked again when something has been read, or to learn more. What it learns
/// it tells by itself, or has it said.
pub(super) type Question = Box<
    dyn FnMut(&mut Machine<Stored>, &Surroundings<'_>, &mut VecDeque<Spoken>) -> Result<Further, Cold> + Send,
>;

/// A question, and whether somebody has asked the stream itself.
pub(super) struct Asked {
    is_direct: bool,
    question: Question,
}

/// Where a stream is reached.
#[derive(Debug, Clone)]
pub struct StreamAddress {
    actor: Addr<Stream>,
    name: String,
    incarnation: u64,
    figures: Arc<StreamFigures>,
    /// What others know it by.
    identity: Arc<str>,
}

/// What is shown of a stream.
#[derive(Debug, Clone)]
pub struct Shown {
    /// What it is configured to be.
    pub config: StreamConfig,
    /// Since when there is it.
    pub created: Time,
    /// What it has.
    pub state: StreamState,
    /// Which of its subjects are shown.
    pub page: Page,
    /// How far it is with what it is a copy of.
    pub mirror: Option<SourceInfo>,
    /// How far it is with its sources.
    pub sources: Vec<SourceInfo>,
}

/// Asks for what is shown of it, with all that was published before a moment.
#[derive(Debug, Message)]
#[rtype(result = "()")]
struct Show(
    StreamInfoRequest,
    Instant,
    oneshot::Sender<Result<Shown, ApiError>>,
);

/// Has it do something; answered when that is durable.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Carry(pub(super) Wish, pub(super) oneshot::Sender<Outcome>);

/// What has become of it.
pub(super) type Outcome = Result<Done, ApiError>;

/// What it is to do.
#[derive(Debug)]
pub(super) enum Wish {
    Purge(PurgeRequest),
    Delete(DeleteMessageRequest),
    Update(Box<StreamConfig>),
    Consumer(Box<CreateConsumerRequest>),
    Pause(String, PauseRequest),
    Reset(String, ResetRequest),
    DeleteConsumer(String),
    /// Messages of a backup, and up to which sequence none are missing.
    Restore(Vec<StreamMessage>, u64),
    RestoreRemoval(u64),
    /// A consumer of a backup, of a stream that is to be like this.
    RestoreConsumer(Box<(ConsumerSnapshot, StreamConfig)>),
}

/// Asks for a message.
#[derive(Debug, Message)]
#[rtype(result = "()")]
struct Get(GetRequest, oneshot::Sender<Result<StoredMessage, ApiError>>);

/// It is over.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct End;

/// It is over, but what it has stays.
#[derive(Debug, Message)]
#[rtype(result = "Option<Box<Found>>")]
struct Retire;

impl StreamAddress {
    pub(super) fn new(
        actor: Addr<Stream>,
        name: String,
        (incarnation, identity): (u64, Arc<str>),
        figures: Arc<StreamFigures>,
    ) -> Self {
        Self {
            actor,
            name,
            incarnation,
            figures,
            identity,
        }
    }

    /// What it shows to those who do not ask it.
    pub fn figures(&self) -> &StreamFigures {
        &self.figures
    }

    pub(super) fn actor(&self) -> &Addr<Stream> {
        &self.actor
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What no other stream of its account is.
    pub fn incarnation(&self) -> u64 {
        self.incarnation
    }

    /// By what streams of other servers tell it from others of its name.
    pub fn identity(&self) -> &str {
        &self.identity
    }

    /// What is shown of it.
    ///
    /// # Errors
    /// If it is gone, or has to be opened anew first.
    pub async fn show(&self, wanted: StreamInfoRequest) -> Result<Shown, ApiError> {
        self.show_as_of(wanted, Instant::now()).await
    }

    /// The same for who has asked at a moment that has passed: with all that was published before.
    ///
    /// # Errors
    /// If it is gone, or has to be opened anew first.
    pub async fn show_as_of(&self, wanted: StreamInfoRequest, asked_at: Instant) -> Result<Shown, ApiError> {
        let (told, is_told) = oneshot::channel();
        tell(&self.actor, Show(wanted, asked_at, told));
        is_told.await.map_err(|_| ApiError::STREAM_NOT_FOUND)?
    }

    /// Has messages go. How many have.
    ///
    /// # Errors
    /// If they cannot, or it is gone.
    pub async fn purge(&self, wanted: PurgeRequest) -> Result<u64, ApiError> {
        match self.carry(Wish::Purge(wanted)).await? {
            Done::Purged(messages) => Ok(messages),
            _ => Ok(0),
        }
    }

    /// Has a message go.
    ///
    /// # Errors
    /// If it cannot, or the stream is gone.
    pub async fn delete_message(&self, wanted: DeleteMessageRequest) -> Result<(), ApiError> {
        self.carry(Wish::Delete(wanted)).await.map(drop)
    }

    /// Has it be configured anew, as its account has found that it can.
    ///
    /// # Errors
    /// If that cannot be written down.
    pub(in crate::jetstream) async fn update(&self, config: StreamConfig) -> Result<(), ApiError> {
        self.carry(Wish::Update(Box::new(config))).await.map(drop)
    }

    pub(super) async fn carry(&self, wish: Wish) -> Result<Done, ApiError> {
        let (told, is_told) = oneshot::channel();
        tell(&self.actor, Carry(wish, told));
        is_told.await.unwrap_or(Err(ApiError::STREAM_NOT_FOUND))
    }

    /// A message.
    ///
    /// # Errors
    /// If there is none like that, or the stream is gone.
    pub async fn get(&self, wanted: GetRequest) -> Result<StoredMessage, ApiError> {
        let (told, is_told) = oneshot::channel();
        tell(&self.actor, Get(wanted, told));
        is_told.await.unwrap_or(Err(ApiError::STREAM_NOT_FOUND))
    }

    /// What the actor shows of itself.
    pub async fn observe(&self) -> Option<super::StreamActorState> {
        self.actor.send(Observe::new()).await.ok()
    }

    /// Has it make its messages durable where a start finds them soonest, as the server ends.
    pub(in crate::jetstream) async fn close(&self) {
        self.rest(true).await;
    }

    async fn rest(&self, may_leave: bool) {
        let (closed, is_closed) = oneshot::channel();
        tell(&self.actor, super::keeping::Close { closed, may_leave });
        // One that is gone has nothing to keep.
        let _ = is_closed.await;
    }

    /// Has it take in nothing more. What it was; None: that cannot be told now.
    pub(in crate::jetstream) async fn retire(&self) -> Option<Found> {
        self.rest(false).await;
        self.actor.send(Retire).await.ok().flatten().map(|found| *found)
    }

    /// Has it take in nothing more, for good.
    pub(in crate::jetstream) async fn end(&self) {
        // It may have ended by itself.
        let _ = self.actor.send(End).await;
    }
}

impl Asked {
    /// Asked by another part of the server.
    pub(super) fn of_server(question: Question) -> Self {
        Self {
            is_direct: false,
            question,
        }
    }

    /// Asked by somebody who asks the stream itself.
    pub(super) fn directly(question: Question) -> Self {
        Self {
            is_direct: true,
            question,
        }
    }

    pub(super) fn is_direct(&self) -> bool {
        self.is_direct
    }
}

impl Stream {
    /// Asks the machine, now or when what it takes has been read.
    pub(super) fn ask_on(&mut self, mut asked: Asked) {
        let mut said = std::mem::take(&mut self.spoken);
        let outcome = self.around(|machine, around| (asked.question)(machine, around, &mut said));
        self.spoken = said;
        match outcome {
            Ok(Further::Done) => {}
            Ok(Further::More) => self.unfinished_of(asked.is_direct).push_back(asked),
            Err(Cold { sequence }) => {
                let is_asked_for = self.questions.iter().any(|(of, _)| *of == sequence);
                self.questions.push_back((sequence, asked));
                if !is_asked_for {
                    self.read(sequence);
                }
            }
        }
    }

    fn unfinished_of(&mut self, is_direct: bool) -> &mut VecDeque<Asked> {
        match is_direct {
            true => &mut self.unfinished_direct,
            false => &mut self.unfinished,
        }
    }

    /// Asks on what has not learnt all, once what it has learnt is said: each in its turn. However many ask directly, the others
    /// do not wait for all of them.
    pub(super) fn finish_questions(&mut self) {
        for is_direct in [false, true] {
            if self.spoken.is_empty()
                && let Some(asked) = self.unfinished_of(is_direct).pop_front()
            {
                self.ask_on(asked);
            }
        }
        self.has_more |= !self.unfinished.is_empty() || !self.unfinished_direct.is_empty();
    }

    /// Asks again what has waited for this message.
    pub(super) fn ask_again(&mut self, sequence: u64) {
        let waiting = std::mem::take(&mut self.questions);
        let (now, still): (VecDeque<_>, VecDeque<_>) =
            waiting.into_iter().partition(|(of, _)| *of == sequence);
        self.questions = still;
        for (_, asked) in now {
            self.ask_on(asked);
        }
    }

    /// Sends messages to who asks for them directly.
    pub(super) fn get_directly(&mut self, mut to: Bytes, asked: &Delivered, is_last_of_subject: bool) {
        let waiting = self.questions.iter().filter(|(_, asked)| asked.is_direct).count();
        // Who is not answered asks again.
        if waiting + self.unfinished_direct.len() >= DIRECT_AT_MOST {
            return;
        }
        let mut request = self.direct_request(asked, is_last_of_subject);
        let waits = self.machine.is_ahead(&request) && self.may_wait(asked);
        if waits {
            // Nothing else is kept of what it came with.
            to = Bytes::copy_from_slice(&to);
        }
        let mut sent = Vec::new();
        let question: Question = Box::new(move |machine, _, said| {
            let further = machine.send_directly(&mut request, &mut sent);
            let messages = sent.drain(..);
            said.extend(messages.map(|DirectMessage { headers, payload }| Spoken {
                subject: to.clone(),
                headers,
                payload,
                ..Spoken::default()
            }));
            further
        });
        self.guarded(|stream| stream.ask_directly(question, waits));
    }

    fn direct_request(&self, asked: &Delivered, is_last_of_subject: bool) -> DirectRequest {
        let parts = asked.parts();
        if !is_last_of_subject {
            return DirectRequest::of(parts.header, parts.payload, SENT_DIRECTLY_AT_MOST);
        }
        let mut prefixes = self.server.api_prefixes().iter();
        let subject = prefixes.find_map(|prefix| {
            let rest = parts.subject.strip_prefix(prefix.as_bytes())?;
            let rest = rest.strip_prefix(b"DIRECT.GET.")?;
            // Behind the name, of this stream or of what it is a copy of.
            rest.splitn(2, |byte| *byte == b'.').nth(1)
        });
        DirectRequest::last_of(parts.header, subject.unwrap_or_default(), parts.payload)
    }

    /// Does what is wished for, or has it wait until the log is further.
    pub(super) fn wish(&mut self, Carry(mut wish, told): Carry) {
        if let Some(ailment) = &self.ailment {
            let error = self.offline().unwrap_or_else(|| ailment.error.clone());
            // Who asked may have gone.
            let _ = told.send(Err(error));
            return;
        }
        let request = self.next_request;
        self.next_request += 1;
        let bounds = self.account.consumer_bounds(&self.identity.name);
        let begun = match &mut wish {
            Wish::Purge(wanted) => self
                .machine
                .request_purge(wanted, request)
                .map(|()| Requested::Decided),
            Wish::Delete(wanted) => self
                .machine
                .request_delete(wanted, request)
                .map(|()| Requested::Decided),
            Wish::Update(config) => {
                self.machine.request_update((**config).clone(), request);
                Ok(Requested::Decided)
            }
            Wish::Consumer(wanted) => self.around(|machine, around| {
                machine.request_consumer(around, (**wanted).clone(), &bounds, request)
            }),
            Wish::Pause(name, wanted) => {
                self.around(|machine, around| machine.request_pause(around, name, wanted, request))
            }
            Wish::Reset(name, wanted) => {
                self.around(|machine, around| machine.request_reset(around, name, wanted, request))
            }
            Wish::DeleteConsumer(name) => self.machine.request_consumer_delete(name, request),
            Wish::Restore(messages, last) => {
                let messages = std::mem::take(messages);
                let requested = self.machine.request_restore(messages, *last, request);
                requested.map(|()| Requested::Decided)
            }
            Wish::RestoreRemoval(sequence) => {
                self.machine.restore_removal(*sequence);
                let requested = self.machine.request_restore(Vec::new(), 0, request);
                requested.map(|()| Requested::Decided)
            }
            Wish::RestoreConsumer(wanted) => {
                let (consumer, config) = (**wanted).clone();
                let requested = self.around(|machine, around| {
                    machine.request_restored_consumer(around, consumer, &config, &bounds, request)
                });
                requested.map(|()| Requested::Decided)
            }
        };
        match begun {
            Ok(Requested::Decided) => drop(self.requests.insert(request, told)),
            Ok(Requested::Unsettled) => self.wishes.push_back(Carry(wish, told)),
            Ok(Requested::Gathering) => self.gathering.push_back(Carry(wish, told)),
            // Who asked may have gone.
            Err(error) => drop(told.send(Err(error))),
        }
    }

    /// Gathers on what consumers begin with that are wished for; each is wished again when that is known.
    pub(super) fn gather(&mut self) {
        if self.machine.gather() {
            for carry in std::mem::take(&mut self.gathering) {
                self.wish(carry);
            }
            self.propose();
        }
        self.has_more |= self.machine.is_gathering();
    }

    /// Wishes again what had to wait.
    pub(super) fn wish_again(&mut self) {
        if self.wishes.is_empty() {
            return;
        }
        for carry in std::mem::take(&mut self.wishes) {
            self.wish(carry);
        }
        self.propose();
    }
}

impl Handler<Show> for Stream {
    type Result = ();

    fn handle(&mut self, Show(wanted, asked_at, told): Show, _: &mut Context<Self>) {
        if let Some(offline) = self.offline() {
            // Who asked may have gone.
            let _ = told.send(Err(offline));
            return;
        }
        let mut asked = Some((told, Details::new(&wanted)));
        let question: Question = Box::new(move |machine, around, _| {
            let Some((told, mut details)) = asked.take_if(|(told, _)| !told.is_closed()) else {
                return Ok(Further::Done);
            };
            if machine.find_details(&mut details, &mut { SUBJECTS_AT_ONCE }) == Further::More {
                asked = Some((told, details));
                return Ok(Further::More);
            }
            let (state, page) = machine.with_details(details, machine.public_consumer_count());
            // Who asked may have gone.
            let _ = told.send(Ok(Shown {
                config: machine.config().clone(),
                created: machine.created(),
                state,
                page,
                mirror: machine.mirror_info(around.now),
                sources: machine.source_infos(around.now),
            }));
            Ok(Further::Done)
        });
        self.ask(question, asked_at);
        self.wake();
    }
}

impl Handler<Carry> for Stream {
    type Result = ();

    fn handle(&mut self, carry: Carry, _: &mut Context<Self>) {
        self.guarded(|stream| {
            stream.wish_in_turn(carry);
            stream.propose();
            stream.keep();
        });
        self.wake();
    }
}

impl Handler<Get> for Stream {
    type Result = ();

    fn handle(&mut self, Get(wanted, told): Get, _: &mut Context<Self>) {
        if let Some(offline) = self.offline() {
            // Who asked may have gone.
            let _ = told.send(Err(offline));
            return;
        }
        let mut told = Some(told);
        self.ask_for(
            wanted.clone(),
            Box::new(move |machine, _, _| {
                let message = machine.get(&wanted)?;
                if let Some(told) = told.take() {
                    // Who asked may have gone.
                    let _ = told.send(message);
                }
                Ok(Further::Done)
            }),
        );
        self.wake();
    }
}

impl Handler<Retire> for Stream {
    type Result = MessageResult<Retire>;

    fn handle(&mut self, _: Retire, context: &mut Context<Self>) -> Self::Result {
        self.count_bytes(-self.counted_bytes);
        self.server.count_unwritten(self.counted_unwritten, 0);
        self.withdraw();
        context.stop();
        let is_whole = self.ailment.is_none() && self.in_flight.is_empty() && !self.is_applying();
        MessageResult(is_whole.then(|| {
            let empty = self.empty_machine(self.machine.last_sequence());
            Box::new(Found {
                machine: std::mem::replace(&mut self.machine, empty),
                identity: self.identity.clone(),
                index: self.applied,
                checkpointed: self.keeping.checkpointed(),
                is_new: false,
                failure: None,
                flush: None,
            })
        }))
    }
}

impl Handler<End> for Stream {
    type Result = ();

    fn handle(&mut self, _: End, context: &mut Context<Self>) {
        self.count_bytes(-self.counted_bytes);
        self.server.count_unwritten(self.counted_unwritten, 0);
        self.guarded(|stream| {
            stream.machine.end_consumers();
            stream.machine.end_sourcing();
            stream.carry_out_effects();
        });
        self.tell_of_event(StreamEvent::Deleted);
        self.speak();
        let empty = self.empty_machine(self.machine.last_sequence());
        let ended = std::mem::replace(&mut self.machine, empty);
        self.let_go_of(ended);
        context.stop();
    }
}
