//! What operators are shown of consumers, beyond what the API tells.

use super::{Stream, StreamAddress};
use crate::mailbox::tell;
use actix::prelude::*;
use tokio::sync::oneshot;
use vagus_jetstream::consumer::{ConsumerHealth, ConsumerInfo};
use vagus_jetstream::error::ApiError;
use vagus_jetstream::stream::Further;

/// How many consumers a stream shows in one turn: what comes to it waits meanwhile.
const CONSUMERS_AT_ONCE: usize = 64;

/// What is shown of a consumer.
#[derive(Debug, Clone)]
pub struct ShownConsumer {
    /// What nats-server tells of it.
    pub info: ConsumerInfo,
    /// What it does not.
    pub health: ConsumerHealth,
}

/// Asks for consumers whose names come behind this one.
#[derive(Debug, Message)]
#[rtype(result = "()")]
struct ShowConsumers {
    after: String,
    told: oneshot::Sender<Vec<ShownConsumer>>,
}

/// Asks for one consumer.
#[derive(Debug, Message)]
#[rtype(result = "()")]
struct ShowConsumer {
    name: String,
    told: oneshot::Sender<Result<ShownConsumer, ApiError>>,
}

impl StreamAddress {
    /// Some of its consumers, by name: the first whose names come behind `after`; none if there are no more.
    ///
    /// # Errors
    /// If the stream is gone, or has too much to read.
    pub async fn consumers_after(&self, after: &str) -> Result<Vec<ShownConsumer>, ApiError> {
        let (told, is_told) = oneshot::channel();
        let after = after.to_owned();
        tell(self.actor(), ShowConsumers { after, told });
        is_told.await.map_err(|_| ApiError::STREAM_NOT_FOUND)
    }

    /// One of its consumers.
    ///
    /// # Errors
    /// If there is none of that name, or the stream is gone.
    pub async fn consumer_shown(&self, name: &str) -> Result<ShownConsumer, ApiError> {
        let (told, is_told) = oneshot::channel();
        let name = name.to_owned();
        tell(self.actor(), ShowConsumer { name, told });
        is_told.await.unwrap_or(Err(ApiError::STREAM_NOT_FOUND))
    }
}

impl Handler<ShowConsumers> for Stream {
    type Result = ();

    fn handle(&mut self, ShowConsumers { after, told }: ShowConsumers, _: &mut Context<Self>) {
        if self.is_lost() {
            // Who asked is told that there is nobody.
            return;
        }
        let mut told = Some(told);
        let mut shown: Vec<ShownConsumer> = Vec::new();
        let mut names = self
            .machine
            .consumer_names_after(&after, CONSUMERS_AT_ONCE)
            .into_iter()
            .peekable();
        self.ask_now(Box::new(move |machine, around, _| {
            // What has to be read first is gone on with from there.
            while let Some(name) = names.peek() {
                let info = machine.consumer_info(around, name)?;
                let health = machine.consumer_health(around, name)?;
                shown.extend(
                    info.ok()
                        .zip(health.ok())
                        .map(|(info, health)| ShownConsumer { info, health }),
                );
                names.next();
            }
            if let Some(told) = told.take() {
                // Who asked may have gone.
                let _ = told.send(std::mem::take(&mut shown));
            }
            Ok(Further::Done)
        }));
        self.wake();
    }
}

impl Handler<ShowConsumer> for Stream {
    type Result = ();

    fn handle(&mut self, ShowConsumer { name, told }: ShowConsumer, _: &mut Context<Self>) {
        let mut told = Some(told);
        self.ask_now(Box::new(move |machine, around, _| {
            let info = machine.consumer_info(around, &name)?;
            let health = machine.consumer_health(around, &name)?;
            if let Some(told) = told.take() {
                let shown = info.and_then(|info| {
                    Ok(ShownConsumer {
                        info,
                        health: health?,
                    })
                });
                // Who asked may have gone.
                let _ = told.send(shown);
            }
            Ok(Further::Done)
        }));
        self.wake();
    }
}
