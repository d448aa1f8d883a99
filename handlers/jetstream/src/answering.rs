//! From a request to its answer.

use crate::cluster_required::{ConsumerStepDown, RemovePeer, StreamStepDown};
use crate::topic::{OfConsumer, OfStream, Topic};
use crate::{
    account_info, cluster_required, consumer_create, consumer_delete, consumer_info, consumer_list,
    consumer_names, consumer_pause, consumer_reset, consumer_unpin, message_delete, message_get,
    stream_create, stream_delete, stream_info, stream_list, stream_names, stream_purge, stream_update,
};
use jiff::Timestamp;
use std::sync::Arc;
use vagus_actors::jetstream::{AccountStreams, Shown};
use vagus_jetstream::api::{Answer, SourceInfo, StreamInfo, answer, requires_other_level};
use vagus_jetstream::config::StreamSource;
use vagus_jetstream::error::ApiError;
use vagus_jetstream::time::Time;

/// A request.
#[derive(Debug, Clone)]
pub(crate) struct Request<'a> {
    pub(crate) topic: Topic<'a>,
    pub(crate) headers: &'a [u8],
    pub(crate) body: &'a [u8],
}

/// An answer as it is sent, and whether it is an error.
pub(crate) struct Answered {
    pub(crate) text: Vec<u8>,
    pub(crate) is_error: bool,
}

impl Request<'_> {
    /// Answers it.
    pub(crate) async fn answer(self, account: &Arc<AccountStreams>) -> Answered {
        let Self { topic, headers, body } = self;
        // Whatever it is: it needs a server that knows more.
        let known = match requires_other_level(headers) {
            true => Err(ApiError::REQUIRED_API_LEVEL),
            false => Ok(body),
        };
        match topic {
            Topic::AccountInfo => written(known.map(|_| account_info::answer(account))),
            Topic::StreamNames => written(known.and_then(|body| stream_names::answer(account, body))),
            Topic::StreamList => written(match known {
                Ok(body) => stream_list::answer(account, body).await,
                Err(error) => Err(error),
            }),
            Topic::Stream(of, name) => answer_of_stream(of, name, known, account).await,
            Topic::CreateConsumer(form) => written(match (known, form) {
                (Ok(body), Ok(form)) => consumer_create::answer(account, form, body).await,
                (Err(error), _) | (_, Err(error)) => Err(error),
            }),
            Topic::Consumer(of, stream, name) => answer_of_consumer(of, (stream, name), known, account).await,
        }
    }
}

async fn answer_of_stream(
    of: OfStream,
    name: &str,
    known: Result<&[u8], ApiError>,
    account: &Arc<AccountStreams>,
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
        OfStream::Info => outcome!(stream_info::answer),
        OfStream::Delete => outcome!(stream_delete::answer),
        OfStream::Purge => outcome!(stream_purge::answer),
        OfStream::MessageGet => outcome!(message_get::answer),
        OfStream::MessageDelete => outcome!(message_delete::answer),
        OfStream::ConsumerNames => outcome!(consumer_names::answer),
        OfStream::StepDown => written(cluster_required::answer::<StreamStepDown>()),
        OfStream::RemovePeer => written(cluster_required::answer::<RemovePeer>()),
        OfStream::ConsumerList => outcome!(consumer_list::answer),
    }
}

async fn answer_of_consumer(
    of: OfConsumer,
    names: (&str, &str),
    known: Result<&[u8], ApiError>,
    account: &AccountStreams,
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
        OfConsumer::Info => outcome!(consumer_info::answer),
        OfConsumer::Delete => outcome!(consumer_delete::answer),
        OfConsumer::Pause => outcome!(consumer_pause::answer),
        OfConsumer::Reset => outcome!(consumer_reset::answer),
        OfConsumer::StepDown => written(cluster_required::answer::<ConsumerStepDown>()),
        OfConsumer::Unpin => outcome!(consumer_unpin::answer),
    }
}

fn written<T: Answer>(outcome: Result<T, ApiError>) -> Answered {
    let is_error = outcome.is_err();
    Answered {
        text: answer(outcome),
        is_error,
    }
}

/// What is told of a stream.
pub(crate) fn described(account: &AccountStreams, shown: Shown) -> StreamInfo {
    StreamInfo {
        mirror: shown.config.mirror.as_ref().map(unheard_of),
        sources: shown.config.sources.iter().map(unheard_of).collect(),
        config: shown.config.shown(account.version()),
        created: shown.created,
        state: shown.state,
        domain: account.domain().to_owned(),
        now: now(),
        ..StreamInfo::default()
    }
}

/// A stream of which no message has come.
fn unheard_of(source: &StreamSource) -> SourceInfo {
    SourceInfo {
        name: source.name.clone(),
        external: source.external.clone(),
        active: -1,
        filter_subject: source.filter_subject.clone(),
        subject_transforms: source.subject_transforms.clone(),
        ..SourceInfo::default()
    }
}

/// What time it is.
pub(crate) fn now() -> Time {
    let now = Timestamp::now().as_nanosecond();
    Time(i64::try_from(now).unwrap_or(i64::MAX))
}
