//! What another stream is asked for its messages: a consumer that pushes them here. So streams of any account, domain or
//! server can be asked that has the API of JetStream; what is asked is what nats-server's streams ask of each other.

use super::origin::Origin;
use crate::api::json;
use crate::config::StreamSource;
use crate::consumer::config::{AckPolicy, ConsumerConfig, DeliverPolicy};
use crate::consumer::letters;
use crate::header;
use crate::stream::effect::Said;
use crate::time::{SECOND, Time};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// How subjects of the API begin in the account itself.
const API: &str = "$JS.API";

/// The level of the API that knows consumers of this kind.
const LEVEL: &[u8] = b"4";

/// How long an answer may take, where a consumer is made, and where there is one.
const MADE_WITHIN: i64 = 30 * SECOND;
const RESET_WITHIN: i64 = 5 * SECOND;

/// For what waits for no acknowledgement it is all the same how long that may take: what nats-server says.
const ACK_WAIT: i64 = 22 * 3600 * SECOND;

/// How many letters names end with that are not used again.
const DRAWN: usize = 8;

/// Who asks.
#[derive(Debug, Clone, Default)]
pub(super) struct Place {
    pub(super) stream: String,
    pub(super) account: String,
    /// Empty: none.
    pub(super) domain: String,
}

/// How a stream is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// For a consumer as it fits the other stream, which says which kind that is.
    Fitting,
    /// For one that is gone soon, as servers know it that do not know the other kind.
    Plain,
    /// For one that has been made for this, to begin anew.
    Given,
}

/// From where on messages are wanted.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Start {
    /// From the beginning, or where it is configured.
    AsConfigured,
    /// From this sequence on.
    At(u64),
}

/// What is answered, as far as it matters.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Answered {
    pub(super) error: Option<AnsweredError>,
    pub(super) name: String,
    pub(super) config: Option<AnsweredConfig>,
    pub(super) delivered: AnsweredPosition,
    pub(super) num_pending: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct AnsweredError {
    pub(super) code: u16,
    pub(super) err_code: u16,
    pub(super) description: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct AnsweredConfig {
    pub(super) deliver_subject: String,
    pub(super) ack_policy: String,
    pub(super) sourcing: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct AnsweredPosition {
    pub(super) stream_seq: u64,
}

#[derive(Serialize)]
struct Request<'a> {
    stream_name: &'a str,
    config: &'a ConsumerConfig,
}

impl Place {
    /// What no other stream is known by, that a server would know.
    fn letters(&self) -> String {
        let domain = match &*self.domain {
            "" => String::new(),
            domain => format!(" {domain}"),
        };
        letters(&format!("{} {}{domain}", self.stream, self.account))
    }

    /// What the consumer is to be called. `is_alone`: no other source of the stream has the same name.
    pub(super) fn consumer_name(&self, origin: &Origin, is_alone: bool) -> String {
        let own = self.letters();
        if origin.is_mirrored() {
            return format!("JS_MIRROR_{own}");
        }
        let id = match is_alone {
            true => letters(&own),
            false => letters(&format!("{own} {}", origin.index)),
        };
        format!("JS_SRC_{id}")
    }

    /// What the consumer notes of who has it.
    fn metadata(&self, kind: &str) -> impl Iterator<Item = (String, String)> {
        let all = [
            ("stream", &self.stream),
            ("acc", &self.account),
            ("domain", &self.domain),
        ];
        let said = all.into_iter().filter(|(_, value)| !value.is_empty());
        said.map(move |(name, value)| (format!("_nats.{kind}.{name}"), value.clone()))
    }
}

impl Form {
    pub(super) fn of(source: &StreamSource) -> Self {
        match source.consumer {
            Some(_) => Self::Given,
            None => Self::Fitting,
        }
    }

    /// Until when an answer is waited for.
    pub(super) fn patience(self, now: Time) -> Time {
        match self {
            Self::Fitting | Self::Plain => now.after(MADE_WITHIN),
            Self::Given => now.after(RESET_WITHIN),
        }
    }
}

/// A subject of the API, of the account itself or where the source says it is.
pub(super) fn api_subject(source: &StreamSource, rest: &str) -> Bytes {
    let prefix = source.external.as_ref().map(|external| &*external.api);
    let prefix = prefix.filter(|prefix| !prefix.is_empty()).unwrap_or(API);
    format!("{prefix}.{rest}").replace("..", ".").into()
}

/// Where messages are to be pushed: in front of `drawn`, which nobody can guess.
fn deliver_subject(origin: &Origin, drawn: &str) -> String {
    let kind = if origin.is_mirrored() { 'M' } else { 'S' };
    let external = origin.source.external.as_ref();
    let prefix = external.map(|external| &*external.deliver);
    match prefix.filter(|prefix| !prefix.is_empty()) {
        Some(prefix) => format!("{prefix}.{kind}.{drawn}").replace("..", "."),
        None => format!("$JS.{kind}.{drawn}"),
    }
}

/// What a stream is asked by which nothing is said of the answer yet. `draw` draws letters.
pub(super) fn request(
    place: &Place,
    origin: &Origin,
    start: Start,
    is_alone: bool,
    mut draw: impl FnMut(usize) -> String,
) -> Said {
    let source = &origin.source;
    let stream = &source.name;
    let reply = Bytes::from(format!("$JSC.R.{}", draw(DRAWN)));
    let mut headers = Vec::new();
    if origin.form != Form::Plain {
        headers.push((header::REQUIRED_API_LEVEL, LEVEL));
    }
    if !origin.identity.is_empty() {
        headers.push((header::STREAM_IDENTITY, origin.identity.as_bytes()));
    }
    let headers = match headers.is_empty() {
        true => Bytes::new(),
        false => header::with(b"", &headers),
    };
    if let Some(given) = &source.consumer {
        return Said {
            subject: api_subject(source, &format!("CONSUMER.RESET.{stream}.{}", given.name)),
            reply,
            headers,
            payload: Bytes::new(),
        };
    }
    let deliver = deliver_subject(origin, &draw(DRAWN));
    let mut name = place.consumer_name(origin, is_alone);
    if origin.form == Form::Plain {
        name = format!("{name}_{}", draw(DRAWN));
    }
    let config = consumer(place, origin, start, name, deliver);
    let rest = match &*config.filter_subject {
        "" => format!("CONSUMER.CREATE.{stream}"),
        filter => format!("CONSUMER.CREATE.{stream}.{}.{filter}", config.name),
    };
    let request = Request {
        stream_name: stream,
        config: &config,
    };
    Said {
        subject: api_subject(source, &rest),
        reply,
        headers,
        payload: json(&request).into(),
    }
}

fn consumer(place: &Place, origin: &Origin, start: Start, name: String, deliver: String) -> ConsumerConfig {
    let kind = if origin.is_mirrored() { "mirror" } else { "src" };
    let mut config = ConsumerConfig {
        name,
        deliver_subject: deliver,
        ack_policy: AckPolicy::None,
        ack_wait: ACK_WAIT,
        max_deliver: 1,
        heartbeat: SECOND,
        flow_control: true,
        direct: true,
        sourcing: origin.form == Form::Fitting,
        inactive_threshold: super::origin::SILENT_AT_MOST,
        metadata: place.metadata(kind).collect(),
        ..ConsumerConfig::default()
    };
    let source = &origin.source;
    match start {
        Start::At(sequence) => {
            config.deliver_policy = DeliverPolicy::ByStartSequence;
            config.opt_start_seq = sequence;
        }
        Start::AsConfigured if source.opt_start_seq > 0 => {
            config.deliver_policy = DeliverPolicy::ByStartSequence;
            config.opt_start_seq = source.opt_start_seq;
        }
        Start::AsConfigured => {
            if let Some(time) = &source.opt_start_time {
                config.deliver_policy = DeliverPolicy::ByStartTime;
                config.opt_start_time = Some(time.clone());
            }
        }
    }
    let filters = source.subject_transforms.iter().map(|one| one.src.clone());
    config.filter_subject.clone_from(&source.filter_subject);
    config.filter_subjects = filters.collect();
    // Alone it can stand in the subject, where others may be allowed to ask for no other.
    if config.filter_subject.is_empty() && config.filter_subjects.len() == 1 {
        config.filter_subject = config.filter_subjects.remove(0);
    }
    config
}
