//! What is asked in the system account, of which operators are: that an account is to have no streams any more. It has none
//! itself.

use crate::answering::{Answered, written};
use crate::exchange::{asked, subscribe, tell};
use bytes::Bytes;
use serde::Serialize;
use std::future::poll_fn;
use std::sync::Arc;
use vagus_actors::in_process::InProcessAddress;
use vagus_actors::jetstream::JetStream;
use vagus_delivery::mailbox::{Delivered, Message};
use vagus_delivery::outbox::WhenFull;
use vagus_jetstream::api::{AccountAnswer, Answer};
use vagus_jetstream::error::ApiError;

/// What may wait to be answered, in bytes.
const WAITING_AT_MOST: usize = 1 << 20;

/// An account is to have no streams any more.
const PURGE: &str = "ACCOUNT.PURGE.";

/// What servers of a cluster are asked, which one alone does not answer.
const OF_CLUSTERS: [&str; 3] = ["META.", "SERVER.", "ACCOUNT."];

/// Answers what is asked in the system account.
#[derive(Debug)]
pub struct SystemDesk {
    /// The streams of the server.
    pub jetstream: Arc<JetStream>,
    /// Who publishes there.
    pub in_process: InProcessAddress,
}

#[derive(Debug, Default, Serialize)]
struct PurgedAnswer {
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    initiated: bool,
}

impl Answer for PurgedAnswer {
    const TYPE: &'static str = "io.nats.jetstream.api.v1.account_purge_response";
}

#[derive(Debug, Default, Serialize)]
struct SystemAnswer {}

impl Answer for SystemAnswer {
    const TYPE: &'static str = "io.nats.jetstream.api.v1.system_response";
}

impl SystemDesk {
    /// Answers until the server ends. It is to run on a thread that carries no messages.
    pub async fn serve(self) {
        let subjects = (self.jetstream.api_prefixes(), &[">"][..]);
        let requests = subscribe(&self.in_process, subjects, WAITING_AT_MOST, WhenFull::Refuse);
        let Some(mut requests) = requests.await else {
            return;
        };
        while let Delivered::Messages(messages) = poll_fn(|task| requests.poll_next(task)).await {
            for message in messages {
                self.respond(&message).await;
            }
        }
    }

    async fn respond(&self, message: &Message) {
        let Some((_, asked)) = asked(message, self.jetstream.api_prefixes()) else {
            return;
        };
        let answered = match asked.strip_prefix(PURGE) {
            Some(account) if !account.contains('.') => self.purge(account).await,
            _ if OF_CLUSTERS.iter().any(|kind| asked.starts_with(kind)) => return,
            _ if asked == "INFO" => written::<AccountAnswer>(Err(ApiError::NOT_ENABLED_FOR_ACCOUNT)),
            _ => written::<SystemAnswer>(Err(ApiError::NOT_ENABLED_FOR_ACCOUNT)),
        };
        if let Some(reply) = message.parts().reply {
            tell(
                &self.in_process,
                Bytes::copy_from_slice(reply),
                None,
                answered.text,
            )
            .await;
        }
    }

    async fn purge(&self, account: &str) -> Answered {
        if account.contains(['/', '\\']) {
            let error = "account name can not contain path separators";
            return written::<PurgedAnswer>(Err(ApiError::stream_general(error)));
        }
        let purged = self.jetstream.purge(account).await;
        written(purged.map(|()| PurgedAnswer { initiated: true }))
    }
}
