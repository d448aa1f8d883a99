//! What a stream is asked by who backs it up, or makes it again.

use super::asking::Wish;
use super::{Stream, StreamAddress};
use crate::mailbox::tell;
use actix::prelude::*;
use vagus_jetstream::backup::{ConsumerSnapshot, Snapshot};
use vagus_jetstream::config::StreamConfig;
use vagus_jetstream::error::ApiError;
use vagus_jetstream::message::Message as StoredMessage;
use vagus_store::messages::Cut;

/// Asks for what there is now; messages are read elsewhere.
#[derive(Debug, Message)]
#[rtype(result = "Result<(Snapshot, Cut), ApiError>")]
struct TakeCut {
    with_consumers: bool,
}

/// They are read.
#[derive(Debug, Message)]
#[rtype(result = "()")]
struct GiveBack;

impl StreamAddress {
    /// What there is now. The cut has to be [given back](Self::give_back).
    ///
    /// # Errors
    /// If the stream is gone, or cannot be read now.
    pub(in crate::jetstream) async fn cut(&self, with_consumers: bool) -> Result<(Snapshot, Cut), ApiError> {
        let cut = self.actor().send(TakeCut { with_consumers }).await;
        cut.unwrap_or(Err(ApiError::STREAM_NOT_FOUND))
    }

    /// What was cut is read.
    pub(in crate::jetstream) fn give_back(&self) {
        tell(self.actor(), GiveBack);
    }

    /// Takes in messages of a backup, behind those that there are, up to a sequence; told when they are durable.
    ///
    /// # Errors
    /// If they are out of order, or cannot be written.
    pub(in crate::jetstream) async fn restore_messages(
        &self,
        messages: Vec<StoredMessage>,
        last: u64,
    ) -> Result<(), ApiError> {
        self.carry(Wish::Restore(messages, last)).await.map(drop)
    }

    /// Has a message go that has gone in the backup, too.
    ///
    /// # Errors
    /// If the stream is gone.
    pub(in crate::jetstream) async fn restore_removal(&self, sequence: u64) -> Result<(), ApiError> {
        self.carry(Wish::RestoreRemoval(sequence)).await.map(drop)
    }

    /// Has there be a consumer again, of a stream that is to be as `config`.
    ///
    /// # Errors
    /// If there cannot be such a one.
    pub(in crate::jetstream) async fn restore_consumer(
        &self,
        consumer: ConsumerSnapshot,
        config: &StreamConfig,
    ) -> Result<(), ApiError> {
        let wish = Wish::RestoreConsumer(Box::new((consumer, config.clone())));
        self.carry(wish).await.map(drop)
    }
}

impl Handler<TakeCut> for Stream {
    type Result = MessageResult<TakeCut>;

    fn handle(&mut self, TakeCut { with_consumers }: TakeCut, _: &mut Context<Self>) -> Self::Result {
        if let Some(error) = self.offline() {
            return MessageResult(Err(error));
        }
        let snapshot = self.machine.snapshot(with_consumers);
        let cut = self.machine.held().with(|messages| messages.cut());
        MessageResult(Ok((snapshot, cut)))
    }
}

impl Handler<GiveBack> for Stream {
    type Result = ();

    fn handle(&mut self, _: GiveBack, _: &mut Context<Self>) {
        self.machine.held().with(|messages| messages.give_back());
    }
}
