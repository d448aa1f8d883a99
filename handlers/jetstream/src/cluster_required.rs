//! What is asked of clusters: who leads a stream, and where it is. One server alone refuses it.

use serde::Serialize;
use vagus_jetstream::api::Answer;
use vagus_jetstream::error::ApiError;

/// Answers that are never more than a refusal, each with its type.
macro_rules! refusals {
    ($($(#[$about:meta])* $name:ident as $type:literal;)*) => {
        $(
            $(#[$about])*
            #[derive(Debug, Default, Serialize)]
            pub(crate) struct $name {}

            impl Answer for $name {
                const TYPE: &'static str = concat!("io.nats.jetstream.api.v1.", $type, "_response");
            }
        )*
    };
}

refusals! {
    /// `STREAM.LEADER.STEPDOWN`: another server is to lead a stream.
    StreamStepDown as "stream_leader_stepdown";
    /// `CONSUMER.LEADER.STEPDOWN`: the same of a consumer.
    ConsumerStepDown as "consumer_leader_stepdown";
    /// `STREAM.PEER.REMOVE`: a server is to have a stream no more.
    RemovePeer as "stream_remove_peer";
}

pub(crate) fn answer<T: Answer>() -> Result<T, ApiError> {
    Err(ApiError::CLUSTER_REQUIRED)
}
