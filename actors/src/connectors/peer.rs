//! One peer that brings events.

use super::Counters;
use super::language::{Breach, Events, Heard, InwardSession};
use super::publisher::{PublishError, Publisher};
use super::room::Housed;
use super::wire::BoxedWire;
use bytes::Bytes;
use futures_util::{FutureExt, StreamExt};
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;
use tokio::time::{Interval, MissedTickBehavior, interval_at, timeout};
use tokio_util::codec::FramedRead;

/// How long a peer may take to show that it may bring events.
const ADMISSION: Duration = Duration::from_secs(10);

/// How long a peer may take to take what it is told.
const STUCK: Duration = Duration::from_secs(10);

/// So many frames of events are published together at most.
const TOGETHER_AT_MOST: usize = 512;

/// So many bytes of frames are published together, and a frame beyond.
const BYTES_TOGETHER: usize = 256 * 1024;

/// How often a peer is told that what it brought is on its way.
const KEEP_ALIVE: Duration = Duration::from_secs(3);

/// A connection with a peer.
pub(super) struct Peer<S: InwardSession> {
    frames: FramedRead<BoxedWire, Housed<S>>,
    publisher: Publisher,
    counters: Arc<Counters>,
    /// Whether it has shown that it may bring events.
    is_admitted: bool,
    /// Whether it has brought some, and so is counted.
    is_counted: bool,
    /// What was heard behind events that are published first.
    next: Option<Option<Result<Heard<S::Events>, Breach>>>,
    /// What was published, and is not known to be stored, the oldest first.
    under_way: VecDeque<UnderWay>,
}

/// Events that were published together.
struct UnderWay {
    /// The number of the last message.
    last: u64,
    /// What the peer is told when they are where they belong; perhaps nothing.
    reply: Vec<u8>,
    began: Instant,
}

impl<S: InwardSession> Peer<S> {
    pub(super) fn new(
        wire: BoxedWire,
        session: Housed<S>,
        publisher: Publisher,
        counters: Arc<Counters>,
    ) -> Self {
        Self {
            frames: FramedRead::new(wire, session),
            publisher,
            counters,
            is_admitted: false,
            is_counted: false,
            next: None,
            under_way: VecDeque::new(),
        }
    }

    /// Serves it until it has gone, or has to.
    pub(super) async fn serve(mut self, greeting: Option<Bytes>) -> Result<(), PublishError> {
        let mut served = self.talk(greeting).await;
        // However it ends, what it brought before is where it belongs, or is not.
        if let Ok(()) | Err(PublishError::Breach(_)) = served
            && let Err(error) = self.settle().await
        {
            served = served.and(Err(error));
        }
        if let Err(PublishError::Breach(Breach::Peer {
            last_words: Some(words),
            ..
        })) = &served
        {
            // It has to go whether or not it hears them.
            let _ = self.say(words).await;
        }
        if self.is_counted {
            Counters::count(&self.counters.disconnects);
        }
        served
    }

    async fn talk(&mut self, greeting: Option<Bytes>) -> Result<(), PublishError> {
        if let Some(greeting) = greeting {
            self.say(&greeting).await?;
        }
        loop {
            let Some(heard) = self.hear().await? else {
                return Ok(());
            };
            self.is_admitted = self.is_admitted || self.frames.decoder().session.is_admitted();
            match heard {
                Heard::Nothing => {}
                Heard::Answered(answer) => self.say(&answer).await?,
                Heard::Events(events) => {
                    self.count();
                    let events = self.gather(events);
                    self.publish(events).await?;
                }
            }
            if self.next.is_none() {
                self.frames.decoder_mut().done();
            }
        }
    }

    /// Who connects and brings nothing, as Fluentd does each second to see whether we are there, is not counted, also where
    /// it shows a key.
    fn count(&mut self) {
        if !std::mem::replace(&mut self.is_counted, true) {
            Counters::count(&self.counters.connects);
        }
    }

    /// What it says next. Meanwhile it is told what is stored of what it said before.
    async fn hear(&mut self) -> Result<Option<Heard<S::Events>>, PublishError> {
        if let Some(next) = self.next.take() {
            return Ok(next.transpose()?);
        }
        let mut ticks = ticks();
        loop {
            let (next, is_admitted) = (self.frames.next(), self.is_admitted);
            let next = async move {
                match is_admitted {
                    true => next.await,
                    false => timeout(ADMISSION, next).await.unwrap_or(None),
                }
            };
            tokio::select! {
                stored = self.publisher.hear() => stored?,
                heard = next => return Ok(heard.transpose()?),
                _ = ticks.tick(), if !self.under_way.is_empty() => self.keep_alive().await?,
            }
            self.acknowledge().await?;
        }
    }

    /// Waits until all that was published is stored.
    async fn settle(&mut self) -> Result<(), PublishError> {
        let mut ticks = ticks();
        self.acknowledge().await?;
        while !self.under_way.is_empty() {
            tokio::select! {
                stored = self.publisher.hear() => stored?,
                _ = ticks.tick() => self.keep_alive().await?,
            }
            self.acknowledge().await?;
        }
        Ok(())
    }

    /// What else there is already: some send each event by itself, and to publish each by itself would take long.
    fn gather(&mut self, events: S::Events) -> Vec<S::Events> {
        let mut gathered = vec![events];
        while gathered.len() < TOGETHER_AT_MOST
            && self.frames.decoder().given_out() < BYTES_TOGETHER
            && !self.frames.decoder().session.is_amid()
        {
            match self.frames.next().now_or_never() {
                Some(Some(Ok(Heard::Events(events)))) => gathered.push(events),
                Some(other) => {
                    self.next = Some(other);
                    break;
                }
                None => break,
            }
        }
        gathered
    }

    async fn publish(&mut self, mut events: Vec<S::Events>) -> Result<(), PublishError> {
        let began = Instant::now();
        let last = {
            let publishing = self.publisher.publish(&mut events);
            tokio::pin!(publishing);
            let mut ticks = ticks();
            loop {
                tokio::select! {
                    biased;
                    published = &mut publishing => break published?,
                    _ = ticks.tick() => {
                        if let Some(word) = self.frames.decoder().session.keep_alive() {
                            say(&mut self.frames, &word).await?;
                        }
                    }
                }
            }
        };
        let replies: Vec<Bytes> = events.iter().filter_map(Events::reply).collect();
        self.under_way.push_back(UnderWay {
            last,
            reply: replies.concat(),
            began,
        });
        self.acknowledge().await
    }

    /// Tells the peer what is where it belongs.
    async fn acknowledge(&mut self) -> Result<(), PublishError> {
        let stored = self.publisher.stored();
        while let Some(oldest) = self.under_way.pop_front_if(|oldest| oldest.last <= stored) {
            if !oldest.reply.is_empty() {
                self.say(&oldest.reply).await?;
            }
            self.counters.took(oldest.began.elapsed());
        }
        Ok(())
    }

    async fn keep_alive(&mut self) -> Result<(), Breach> {
        match self.frames.decoder().session.keep_alive() {
            Some(word) => self.say(&word).await,
            None => Ok(()),
        }
    }

    async fn say(&mut self, words: &[u8]) -> Result<(), Breach> {
        say(&mut self.frames, words).await
    }
}

/// When a peer is told that what it brought is on its way.
fn ticks() -> Interval {
    let mut ticks = interval_at(tokio::time::Instant::now() + KEEP_ALIVE, KEEP_ALIVE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

async fn say<S>(frames: &mut FramedRead<BoxedWire, S>, words: &[u8]) -> Result<(), Breach> {
    let wire = frames.get_mut();
    let said = timeout(STUCK, async {
        wire.write_all(words).await?;
        wire.flush().await
    });
    let said = said.await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
    Ok(said?)
}
