//! Accounts, their streams and the consumers of these, one by one.

use super::options::Options;
use super::section::{Api, natural};
use crate::Broker;
use crate::answer::{ANSWER_AT_MOST, Refusal};
use crate::units::Decimal;
use futures_util::future::join_all;
use serde::Serialize;
use std::sync::Arc;
use vagus_actors::jetstream::{AccountStreams, JetStream, Shown, ShownConsumer, StreamAddress};
use vagus_jetstream::api::{ClusterInfo, SourceInfo, StreamInfoRequest, StreamState};
use vagus_jetstream::config::StreamConfig;
use vagus_jetstream::consumer::config::ConsumerConfig;
use vagus_jetstream::consumer::{BehindOthers, ConsumerHealth, ConsumerInfo, Waits};
use vagus_jetstream::time::{SECOND, Time};

/// How many streams are asked at one time: their thread serves others in between.
const ASKED_AT_ONCE: usize = 64;

/// What an answer has of a stream or consumer takes so many bytes at least; with what it is configured to be, so many
/// more.
const DETAIL: usize = 384;
const CONFIG: usize = 512;

/// How much more may be gathered for an answer, in bytes: what could not be shown anyway is not asked for.
#[derive(Debug)]
pub(super) struct Room(usize);

impl Default for Room {
    fn default() -> Self {
        Self(ANSWER_AT_MOST)
    }
}

impl Room {
    fn take(&mut self, details: usize, options: &Options) -> Result<(), Refusal> {
        let each = DETAIL + if options.config { CONFIG } else { 0 };
        let left = self.0.checked_sub(details.saturating_mul(each));
        self.0 = left.ok_or_else(Refusal::too_large)?;
        Ok(())
    }
}

/// The accounts that are asked for.
pub(super) async fn of(
    broker: &Broker,
    jetstream: &JetStream,
    options: &Options,
) -> Result<Vec<AccountDetail>, Refusal> {
    let named = options.account.as_ref().and_then(|name| jetstream.account(name));
    let accounts: Vec<Arc<AccountStreams>> = match (named, options.accounts) {
        (Some(account), _) => vec![account],
        (None, true) => {
            let all = jetstream.accounts().into_iter();
            all.skip(options.offset).take(options.limit).collect()
        }
        (None, false) => Vec::new(),
    };
    let mut room = Room::default();
    let mut details = Vec::with_capacity(accounts.len());
    for account in &accounts {
        room.take(1, options)?;
        details.push(AccountDetail::of(broker, account, options, &mut room).await?);
    }
    Ok(details)
}

/// An account, in the order of nats-server.
#[derive(Debug, Serialize)]
pub(super) struct AccountDetail {
    name: String,
    id: String,
    memory: u64,
    storage: u64,
    reserved_memory: u64,
    reserved_storage: u64,
    /// Of these an account has none.
    accounts: u64,
    ha_assets: u64,
    api: Api,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stream_detail: Vec<StreamDetail>,
}

impl AccountDetail {
    pub(super) async fn of(
        broker: &Broker,
        streams: &AccountStreams,
        options: &Options,
        room: &mut Room,
    ) -> Result<Self, Refusal> {
        let account = &streams.routed().account;
        let (memory, storage) = streams.used();
        let api = streams.api();
        // nats-server shows what the account may have, and "as much as it likes" as the largest number.
        let (reserved_memory, reserved_storage) = streams.flat_limits().map_or((0, 0), |limits| {
            (
                limits.max_memory.cast_unsigned(),
                limits.max_storage.cast_unsigned(),
            )
        });
        Ok(Self {
            name: account.name_tag().into(),
            id: account.name().to_owned(),
            memory: natural(memory),
            storage: natural(storage),
            reserved_memory,
            reserved_storage,
            accounts: 0,
            ha_assets: 0,
            api: Api {
                level: 0,
                total: api.total,
                errors: api.errors,
            },
            stream_detail: match options.streams {
                true => streams_of(broker, streams, options, room).await?,
                false => Vec::new(),
            },
        })
    }
}

async fn streams_of(
    broker: &Broker,
    account: &AccountStreams,
    options: &Options,
    room: &mut Room,
) -> Result<Vec<StreamDetail>, Refusal> {
    let (settings, _) = broker.settings.current();
    let leader = ClusterInfo {
        name: settings.info.cluster.clone(),
        leader: settings.info.server_name.clone(),
    };
    let asked = account.streams().into_iter();
    let asked: Vec<StreamAddress> = asked
        .skip(options.stream_offset)
        .take(options.stream_limit)
        .collect();
    room.take(asked.len(), options)?;
    let mut details = Vec::with_capacity(asked.len());
    for asked in asked.chunks(ASKED_AT_ONCE) {
        let shown = join_all(
            asked
                .iter()
                .map(|stream| stream.show(StreamInfoRequest::default())),
        )
        .await;
        for (stream, shown) in asked.iter().zip(shown) {
            // One that is gone meanwhile is left out.
            let Ok(shown) = shown else { continue };
            let mut detail = StreamDetail::of(shown, leader.clone(), options);
            if options.consumers {
                detail.add_consumers(stream, options, room).await?;
            }
            details.push(detail);
        }
    }
    Ok(details)
}

/// A stream, in the order of nats-server.
#[derive(Debug, Serialize)]
struct StreamDetail {
    name: String,
    created: Time,
    cluster: ClusterInfo,
    #[serde(skip_serializing_if = "Option::is_none")]
    config: Option<StreamConfig>,
    state: StreamState,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    consumer_detail: Vec<ConsumerDetail>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    direct_consumer_detail: Vec<ConsumerDetail>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mirror: Option<SourceInfo>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sources: Vec<SourceInfo>,
}

impl StreamDetail {
    fn of(shown: Shown, cluster: ClusterInfo, options: &Options) -> Self {
        Self {
            name: shown.config.name.clone(),
            created: shown.created,
            cluster,
            config: options.config.then_some(shown.config),
            state: shown.state,
            consumer_detail: Vec::new(),
            direct_consumer_detail: Vec::new(),
            mirror: shown.mirror,
            sources: shown.sources,
        }
    }

    async fn add_consumers(
        &mut self,
        stream: &StreamAddress,
        options: &Options,
        room: &mut Room,
    ) -> Result<(), Refusal> {
        let mut after = String::new();
        // Of one that is gone meanwhile there is no more.
        while let Ok(consumers) = stream.consumers_after(&after).await
            && let Some(last) = consumers.last()
        {
            after.clone_from(&last.info.name);
            room.take(consumers.len(), options)?;
            for consumer in consumers {
                let is_direct = consumer.info.config.direct;
                let detail = ConsumerDetail::of(consumer, options);
                match is_direct {
                    false => self.consumer_detail.push(detail),
                    true if options.direct_consumers => self.direct_consumer_detail.push(detail),
                    true => {}
                }
            }
        }
        Ok(())
    }
}

/// A consumer; with what nats-server does not tell.
#[derive(Debug, Serialize)]
struct ConsumerDetail {
    #[serde(flatten)]
    info: ConsumerInfo,
    /// Why it delivers nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    waits: Option<Waits>,
    /// How old the first message is that is still to come.
    #[serde(skip_serializing_if = "Option::is_none")]
    lag_seconds: Option<Decimal>,
    /// How long ago the message was delivered that is unacknowledged for the longest time.
    #[serde(skip_serializing_if = "Option::is_none")]
    oldest_unacknowledged_seconds: Option<Decimal>,
    /// What waits for others of its subject to be acknowledged.
    #[serde(skip_serializing_if = "Option::is_none")]
    behind_others: Option<BehindOthers>,
}

impl ConsumerDetail {
    fn of(shown: ShownConsumer, options: &Options) -> Self {
        let ShownConsumer { mut info, health } = shown;
        let ConsumerHealth {
            waits,
            lag,
            oldest_unacknowledged,
            behind_others,
        } = health;
        if !options.config {
            info.config = ConsumerConfig::default();
        }
        let seconds = |time: i64| (time > 0).then(|| Decimal(time as f64 / SECOND as f64));
        Self {
            info,
            waits,
            lag_seconds: seconds(lag),
            oldest_unacknowledged_seconds: seconds(oldest_unacknowledged),
            behind_others,
        }
    }
}
