//! The streams of all accounts, some at a time.

use super::account;
use crate::administration::Administration;
use crate::problem::Problem;
use actix_web::Responder;
use actix_web::web::{Data, Json, Query};
use futures_util::future::join_all;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use vagus_actors::jetstream::{AccountStreams, Shown, StreamAddress, StreamCounts};
use vagus_jetstream::api::StreamInfoRequest;
use vagus_jetstream::config::{Retention, Storage};
use vagus_jetstream::time::Time;

/// How many streams one answer has if nothing else is asked for.
const USUAL: usize = 256;

/// How many it may have.
const AT_MOST: usize = 1024;

/// Of what a stream takes in so much is shown.
const SUBJECTS_SHOWN: usize = 16;

/// Which streams are asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Wanted {
    /// Only those of this account.
    account: Option<String>,
    /// What their names have in them.
    find: String,
    sort: Order,
    offset: usize,
    limit: Option<usize>,
}

/// Which come first.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Order {
    /// Those that hold most.
    #[default]
    Bytes,
    Messages,
    Consumers,
    Name,
}

#[derive(Serialize)]
struct List {
    total: usize,
    offset: usize,
    limit: usize,
    streams: Vec<Summary>,
}

/// What a list has of each.
#[derive(Debug, Serialize)]
struct Summary {
    account: String,
    name: String,
    /// What clients make of it.
    kind: &'static str,
    description: String,
    subjects: Vec<String>,
    storage: Storage,
    retention: Retention,
    created: Time,
    messages: u64,
    bytes: u64,
    /// What it may have; -1: no limit.
    max_messages: i64,
    max_bytes: i64,
    subject_count: u64,
    first_sequence: u64,
    last_sequence: u64,
    last_time: Option<Time>,
    consumers: u64,
    /// Why nothing gets in, if that is so.
    failure: Option<String>,
}

/// A stream, as far as it is known without asking it.
type Known = (Arc<AccountStreams>, StreamAddress, StreamCounts);

/// `GET /v1/streams`
pub(crate) async fn list(
    administration: Data<Administration>,
    wanted: Query<Wanted>,
) -> Result<impl Responder, Problem> {
    let _turn = administration.broker.turn().await;
    let Wanted {
        account: of,
        find,
        sort,
        offset,
        limit,
    } = wanted.into_inner();
    let limit = limit.unwrap_or(USUAL).clamp(1, AT_MOST);
    let accounts = match (of, administration.broker.jetstream.get()) {
        (Some(name), _) => vec![account(&administration, &name)?],
        (None, Some(jetstream)) => jetstream.accounts(),
        (None, None) => Vec::new(),
    };
    let mut known: Vec<Known> = (accounts.iter())
        .flat_map(|account| {
            let counts = account.counts().into_iter();
            counts.map(|(stream, counts)| (account.clone(), stream, counts))
        })
        .filter(|(_, stream, _)| stream.name().contains(&find))
        .collect();
    let by_name = |(one, first, _): &Known, (other, second, _): &Known| {
        let account = one.routed().account.name();
        (first.name(), account).cmp(&(second.name(), other.routed().account.name()))
    };
    let size = |(_, _, counts): &Known| match sort {
        Order::Bytes => counts.bytes,
        Order::Messages => counts.messages,
        Order::Consumers => counts.consumers,
        Order::Name => 0,
    };
    known.sort_unstable_by(|one, other| size(other).cmp(&size(one)).then_with(|| by_name(one, other)));
    let total = known.len();
    let shown: Vec<Known> = known.into_iter().skip(offset).take(limit).collect();
    let asked = shown
        .iter()
        .map(|(_, stream, _)| stream.show(StreamInfoRequest::default()));
    let answers = join_all(asked).await;
    Ok(Json(List {
        total,
        offset,
        limit,
        // One that is gone meanwhile is left out.
        streams: (shown.iter().zip(answers))
            .filter_map(|((account, stream, _), shown)| Some(Summary::of(account, stream, shown.ok()?)))
            .collect(),
    }))
}

/// What clients make of a stream of this name.
fn kind(name: &str) -> &'static str {
    if name.starts_with("KV_") {
        "key-value"
    } else if name.starts_with("OBJ_") {
        "objects"
    } else {
        "stream"
    }
}

impl Summary {
    fn of(account: &AccountStreams, stream: &StreamAddress, shown: Shown) -> Self {
        let Shown {
            config,
            created,
            state,
            ..
        } = shown;
        Self {
            account: account.routed().account.name().to_owned(),
            kind: kind(&config.name),
            name: config.name,
            description: config.description,
            subjects: config.subjects.into_iter().take(SUBJECTS_SHOWN).collect(),
            storage: config.storage,
            retention: config.retention,
            created,
            messages: state.messages,
            bytes: state.bytes,
            max_messages: config.max_messages,
            max_bytes: config.max_bytes,
            subject_count: state.num_subjects,
            first_sequence: state.first_seq,
            last_sequence: state.last_seq,
            last_time: state.last_time,
            consumers: state.consumer_count as u64,
            failure: stream.figures().failure().map(|failure| failure.to_string()),
        }
    }
}
