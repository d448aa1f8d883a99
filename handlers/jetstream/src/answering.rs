//! From a request to its answer.

use crate::backup::{Afterwards, Vault, restore, snapshot};
use crate::cluster_required::{ConsumerStepDown, RemovePeer, StreamStepDown};
use crate::topic::{OfConsumer, OfStream, Topic};
use crate::{
    account_info, cluster_required, consumer_create, consumer_delete, consumer_info, consumer_list,
    consumer_names, consumer_pause, consumer_reset, consumer_unpin, message_delete, message_get,
    stream_create, stream_delete, stream_info, stream_list, stream_names, stream_purge, stream_update,
};
use bytes::Bytes;
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Instant;
use tokio::task::spawn_blocking;
use vagus_actors::jetstream::{AccountStreams, Shown};
use vagus_jetstream::api::{Answer, InfoAnswer, StreamInfo, answer, requires_more_than};
use vagus_jetstream::config::API_LEVEL;
use vagus_jetstream::error::ApiError;
use vagus_jetstream::header;
use vagus_jetstream::time::Time;

/// The level of the API in which consumers are for a stream by its identity.
const IDENTITY_LEVEL: u32 = 5;

/// So many subjects and sequences are written where requests are answered.
const WRITTEN_AT_ONCE: usize = 1000;

/// A request.
#[derive(Debug, Clone)]
pub(crate) struct Request<'a> {
    pub(crate) topic: Topic<'a>,
    pub(crate) headers: &'a [u8],
    pub(crate) body: &'a [u8],
    /// When it came: what was published before is seen in its answer.
    pub(crate) came_at: Instant,
}

/// An answer as it is sent, and whether it is an error.
pub(crate) struct Answered {
    pub(crate) text: Vec<u8>,
    pub(crate) is_error: bool,
    /// Its headers, if it has some.
    pub(crate) headers: Option<Bytes>,
    /// What is done then.
    pub(crate) afterwards: Option<Afterwards>,
}

/// An answer to another stream, which wants to know whether a stream is the one that it knows.
pub(crate) struct WithIdentity<T> {
    /// By what the stream is told from others of its name.
    pub(crate) identity: Option<String>,
    pub(crate) answer: T,
}

/// Up to which level what is asked is known. Which stream of a name a consumer is for is all that the next one asks of streams
/// that others get messages of: a server that has it would not hear of it, and not learn that a stream was made anew.
fn level_of(topic: &Topic<'_>, headers: &[u8]) -> u32 {
    let is_known = matches!(
        topic,
        Topic::CreateConsumer(_) | Topic::Consumer(OfConsumer::Reset, ..)
    );
    match is_known && header::get(headers, header::STREAM_IDENTITY).is_some() {
        true => IDENTITY_LEVEL,
        false => API_LEVEL,
    }
}

impl Request<'_> {
    /// Answers it. None: it is not answered.
    pub(crate) async fn answer(self, account: &Arc<AccountStreams>, vault: &Vault) -> Option<Answered> {
        if let Topic::Consumer(OfConsumer::Reset, stream, name) = self.topic {
            // Each consumer listens for this itself, as nats-server has it: where there is none, nobody does.
            let is_there = match account.stream(stream) {
                Ok(stream) => stream.consumer(name).await.is_ok(),
                Err(_) => false,
            };
            if !is_there {
                return None;
            }
        }
        Some(self.answer_known(account, vault).await)
    }

    async fn answer_known(self, account: &Arc<AccountStreams>, vault: &Vault) -> Answered {
        let Self {
            topic,
            headers,
            body,
            came_at,
        } = self;
        // Whatever it is: it needs a server that knows more.
        let known = match requires_more_than(headers, level_of(&topic, headers)) {
            true => Err(ApiError::REQUIRED_API_LEVEL),
            false => Ok(body),
        };
        match topic {
            Topic::AccountInfo => written(known.map(|_| account_info::answer(account))),
            Topic::StreamNames => written(known.and_then(|body| stream_names::answer(account, body))),
            Topic::StreamList => written(match known {
                Ok(body) => stream_list::answer(account, body, came_at).await,
                Err(error) => Err(error),
            }),
            Topic::Snapshot(name) => written_and_then(match known {
                Ok(body) => snapshot::answer(vault, name, body).await,
                Err(error) => Err(error),
            }),
            Topic::Restore(name) => written_and_then(match known {
                Ok(body) => restore::answer(vault, name, body).await,
                Err(error) => Err(error),
            }),
            Topic::Stream(of, name) => answer_of_stream(of, name, known, (account, came_at)).await,
            Topic::CreateConsumer(form) => written_with_identity(match (known, form) {
                (Ok(body), Ok(form)) => consumer_create::answer(account, form, headers, body).await,
                (Err(error), _) | (_, Err(error)) => Err(error),
            }),
            Topic::Consumer(of, stream, name) => {
                answer_of_consumer(of, (stream, name), headers, known, (account, came_at)).await
            }
        }
    }
}

async fn answer_of_stream(
    of: OfStream,
    name: &str,
    known: Result<&[u8], ApiError>,
    (account, came_at): (&Arc<AccountStreams>, Instant),
) -> Answered {
    /// What a request comes to, unless it is refused before.
    macro_rules! outcome {
        ($answer:path) => {
            written(match known {
                Ok(body) => $answer(account, name, body).await,
                Err(error) => Err(error),
            })
        };
    }
    match of {
        OfStream::Create => outcome!(stream_create::answer),
        OfStream::Update => outcome!(stream_update::answer),
        OfStream::Info => {
            let outcome = match known {
                Ok(body) => stream_info::answer(account, name, body, came_at).await,
                Err(error) => Err(error),
            };
            written_info(outcome).await
        }
        OfStream::Delete => outcome!(stream_delete::answer),
        OfStream::Purge => outcome!(stream_purge::answer),
        OfStream::MessageGet => outcome!(message_get::answer),
        OfStream::MessageDelete => outcome!(message_delete::answer),
        OfStream::ConsumerNames => outcome!(consumer_names::answer),
        OfStream::StepDown => written(cluster_required::answer::<StreamStepDown>()),
        OfStream::RemovePeer => written(cluster_required::answer::<RemovePeer>()),
        OfStream::ConsumerList => written(match known {
            Ok(body) => consumer_list::answer(account, name, body, came_at).await,
            Err(error) => Err(error),
        }),
    }
}

async fn answer_of_consumer(
    of: OfConsumer,
    names: (&str, &str),
    headers: &[u8],
    known: Result<&[u8], ApiError>,
    (account, came_at): (&AccountStreams, Instant),
) -> Answered {
    /// What a request comes to, unless it is refused before.
    macro_rules! outcome {
        ($answer:path) => {
            written(match known {
                Ok(body) => $answer(account, names, body).await,
                Err(error) => Err(error),
            })
        };
    }
    match of {
        OfConsumer::Info => written(match known {
            Ok(body) => consumer_info::answer(account, names, body, came_at).await,
            Err(error) => Err(error),
        }),
        OfConsumer::Delete => outcome!(consumer_delete::answer),
        OfConsumer::Pause => outcome!(consumer_pause::answer),
        OfConsumer::Reset => written_with_identity(match known {
            Ok(body) => consumer_reset::answer(account, names, headers, body).await,
            Err(error) => Err(error),
        }),
        OfConsumer::StepDown => written(cluster_required::answer::<ConsumerStepDown>()),
        OfConsumer::Unpin => outcome!(consumer_unpin::answer),
    }
}

pub(crate) fn written<T: Answer>(outcome: Result<T, ApiError>) -> Answered {
    let is_error = outcome.is_err();
    Answered {
        text: answer(outcome),
        is_error,
        headers: None,
        afterwards: None,
    }
}

/// The same of a stream, which may be megabytes: nobody else who asks waits while these are written.
async fn written_info(outcome: Result<InfoAnswer, ApiError>) -> Answered {
    let is_large = |info: &StreamInfo| info.state.subjects.len() + info.state.deleted.len() > WRITTEN_AT_ONCE;
    let info = outcome.as_ref().ok().and_then(|answer| answer.info.as_ref());
    if !info.is_some_and(is_large) {
        return written(outcome);
    }
    match spawn_blocking(move || answer(outcome)).await {
        Ok(text) => Answered {
            text,
            is_error: false,
            headers: None,
            afterwards: None,
        },
        // It has panicked, or the server ends.
        Err(_) => written::<InfoAnswer>(Err(ApiError::STREAM_OFFLINE)),
    }
}

fn written_and_then<T: Answer>(outcome: Result<(T, Afterwards), ApiError>) -> Answered {
    match outcome {
        Ok((answer, afterwards)) => Answered {
            afterwards: Some(afterwards),
            ..written(Ok(answer))
        },
        Err(error) => written::<T>(Err(error)),
    }
}

fn written_with_identity<T: Answer>(outcome: Result<WithIdentity<T>, ApiError>) -> Answered {
    match outcome {
        Ok(WithIdentity { identity, answer }) => {
            let header =
                |identity: String| header::with(b"", &[(header::STREAM_IDENTITY, identity.as_bytes())]);
            Answered {
                headers: identity.map(header),
                ..written(Ok(answer))
            }
        }
        Err(error) => written::<T>(Err(error)),
    }
}

/// What is told of a stream.
pub(crate) fn described(account: &AccountStreams, shown: Shown) -> StreamInfo {
    StreamInfo {
        mirror: shown.mirror,
        sources: shown.sources,
        config: shown.config.shown(account.version()),
        created: shown.created,
        state: shown.state,
        domain: account.domain().to_owned(),
        now: now(),
        ..StreamInfo::default()
    }
}

/// What time it is.
pub(crate) fn now() -> Time {
    let now = Timestamp::now().as_nanosecond();
    Time(i64::try_from(now).unwrap_or(i64::MAX))
}
