//! What is answered in accounts that may have no streams: that they may not.

use crate::answering::{Answered, written};
use crate::cluster_required::{ConsumerStepDown, RemovePeer, StreamStepDown};
use crate::exchange::{asked, tell};
use crate::topic::{OfConsumer, OfStream, Topic};
use bytes::Bytes;
use std::sync::Arc;
use vagus_actors::in_process::InProcessAddress;
use vagus_delivery::Account;
use vagus_delivery::mailbox::Message;
use vagus_jetstream::api::{
    AccountAnswer, Answer, CreateAnswer, DeleteAnswer, DeleteMessageAnswer, GetAnswer, InfoAnswer,
    ListAnswer, NamesAnswer, PurgeAnswer, RestoreAnswer, SnapshotAnswer, UpdateAnswer,
};
use vagus_jetstream::consumer::{
    ConsumerInfoAnswer, ConsumerListAnswer, ConsumerNamesAnswer, CreateConsumerAnswer, DeleteConsumerAnswer,
    PauseConsumerAnswer, ResetConsumerAnswer, UnpinConsumerAnswer,
};
use vagus_jetstream::error::ApiError;

/// Refuses what is asked in one account.
#[derive(Debug)]
pub struct Refusal {
    /// That account.
    pub account: Arc<Account>,
    /// Who publishes there.
    pub in_process: InProcessAddress,
    /// What the subjects begin with that requests are asked on.
    pub prefixes: Vec<String>,
}

impl Refusal {
    /// Refuses a request, if that is answered here.
    pub(crate) async fn refuse(&self, message: &Message) {
        // Who is linked may have streams for it, and answers then.
        if self.account.leaf_nodes() > 0 {
            return;
        }
        let topic = asked(message, &self.prefixes).and_then(|(_, asked)| Topic::of(asked));
        // Each consumer listens for its own reset, and there is none.
        let topic = topic.filter(|topic| !matches!(topic, Topic::Consumer(OfConsumer::Reset, ..)));
        if let (Some(reply), Some(topic)) = (message.parts().reply, topic) {
            let text = refused(&topic, ApiError::NOT_ENABLED_FOR_ACCOUNT).text;
            tell(&self.in_process, Bytes::copy_from_slice(reply), None, text).await;
        }
    }
}

/// An answer of its kind that says why there is none.
fn refused(topic: &Topic<'_>, error: ApiError) -> Answered {
    fn by<T: Answer>(error: ApiError) -> Answered {
        written::<T>(Err(error))
    }
    let answer = match topic {
        Topic::AccountInfo => by::<AccountAnswer>,
        Topic::StreamNames => by::<NamesAnswer>,
        Topic::StreamList => by::<ListAnswer>,
        Topic::Snapshot(_) => by::<SnapshotAnswer>,
        Topic::Restore(_) => by::<RestoreAnswer>,
        Topic::Stream(of, _) => match of {
            OfStream::Create => by::<CreateAnswer>,
            OfStream::Update => by::<UpdateAnswer>,
            OfStream::Info => by::<InfoAnswer>,
            OfStream::Delete => by::<DeleteAnswer>,
            OfStream::Purge => by::<PurgeAnswer>,
            OfStream::MessageGet => by::<GetAnswer>,
            OfStream::MessageDelete => by::<DeleteMessageAnswer>,
            OfStream::ConsumerNames => by::<ConsumerNamesAnswer>,
            OfStream::ConsumerList => by::<ConsumerListAnswer>,
            OfStream::StepDown => by::<StreamStepDown>,
            OfStream::RemovePeer => by::<RemovePeer>,
        },
        Topic::CreateConsumer(_) => by::<CreateConsumerAnswer>,
        Topic::Consumer(of, ..) => match of {
            OfConsumer::Info => by::<ConsumerInfoAnswer>,
            OfConsumer::Delete => by::<DeleteConsumerAnswer>,
            OfConsumer::Pause => by::<PauseConsumerAnswer>,
            OfConsumer::Reset => by::<ResetConsumerAnswer>,
            OfConsumer::Unpin => by::<UnpinConsumerAnswer>,
            OfConsumer::StepDown => by::<ConsumerStepDown>,
        },
    };
    answer(error)
}
