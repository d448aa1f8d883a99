//! What is stored: streams and consumers, by account.

mod details;
mod options;
mod section;

pub(super) use section::Section;

use crate::Broker;
use crate::answer::Status;
use crate::answer::{Document, Refusal};
use crate::query::{Form, Query};
use crate::units::Time;
use details::AccountDetail;
use jiff::Timestamp;
use options::Options;
use section::{Limits, Stats, StoreConfig};
use serde::Serialize;
use std::collections::BTreeMap;

pub(super) async fn show(broker: &Broker, query: &Query) -> Result<Document, Refusal> {
    let options = Options::of(query)?;
    let (settings, _) = broker.settings.current();
    let jsz = Jsz {
        server_id: &settings.info.server_id,
        now: Time(Timestamp::now()),
        ..Jsz::default()
    };
    match broker.jetstream.get() {
        None if options.leader_only => Err(Refusal::filtered()),
        None => query.document(&Jsz {
            disabled: true,
            ..jsz
        }),
        Some(jetstream) => {
            let totals = jetstream.totals();
            // All of them are on one server.
            let leader = |count| if options.raft { count } else { 0 };
            query.document(&Jsz {
                stats: Stats::of(&jetstream),
                config: StoreConfig::of(&settings.config, &jetstream, true),
                limits: Some(Limits::of(&settings.config)),
                streams: totals.streams,
                streams_leader: leader(totals.streams),
                consumers: totals.consumers,
                consumers_leader: leader(totals.consumers),
                messages: totals.messages,
                bytes: totals.bytes,
                account_details: details::of(broker, &jetstream, &options).await?,
                total: jetstream.accounts().len(),
                ..jsz
            })
        }
    }
}

/// What one account has stored, as a part of a message.
///
/// # Errors
/// When the question makes no sense, or there is nothing to be told of the account.
pub async fn account_store(broker: &Broker, account: &str, query: &Query) -> Result<Document, Refusal> {
    let options = Options::of(query)?;
    let failed = |text: String| Refusal {
        status: Status::InternalError,
        text,
    };
    let jetstream = broker.jetstream.get();
    let jetstream = jetstream.ok_or_else(|| failed("jetstream not enabled".to_owned()))?;
    if broker.accounts.find(account).is_none() {
        return Err(failed(format!("account {account:?} not found")));
    }
    let streams = jetstream.account(account);
    let streams = streams.ok_or_else(|| failed(format!("account {account:?} not jetstream enabled")))?;
    let detail = AccountDetail::of(broker, &streams, &options, &mut details::Room::default()).await?;
    Document::compact(Status::Ok, &detail)
}

/// Groups of servers that agree on what is stored: there are none.
pub(super) fn show_groups(query: &Query) -> Result<Document, Refusal> {
    if query.form() == Form::Message {
        return query.document(&BTreeMap::<(), ()>::new());
    }
    Err(Refusal {
        status: Status::NotFound,
        text: "No Raft nodes registered".to_owned(),
    })
}

/// The fields in the order of nats-server.
#[derive(Serialize)]
struct Jsz<'a> {
    #[serde(flatten)]
    stats: Stats,
    server_id: &'a str,
    now: Time,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    disabled: bool,
    config: StoreConfig,
    #[serde(skip_serializing_if = "Option::is_none")]
    limits: Option<Limits>,
    streams: u64,
    #[serde(skip_serializing_if = "is_zero")]
    streams_leader: u64,
    consumers: u64,
    #[serde(skip_serializing_if = "is_zero")]
    consumers_leader: u64,
    messages: u64,
    bytes: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    account_details: Vec<AccountDetail>,
    total: usize,
}

impl Default for Jsz<'_> {
    /// That of a server that keeps nothing.
    fn default() -> Self {
        Self {
            stats: Stats::default(),
            server_id: "",
            now: Time(Timestamp::UNIX_EPOCH),
            disabled: false,
            config: StoreConfig::default(),
            limits: None,
            streams: 0,
            streams_leader: 0,
            consumers: 0,
            consumers_leader: 0,
            messages: 0,
            bytes: 0,
            account_details: Vec::new(),
            total: 0,
        }
    }
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}
