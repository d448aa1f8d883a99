//! Streams and consumers: by the names of prometheus-nats-exporter, and what it lacks.
//!
//! Accounts name streams and consumers as they like: the largest of the streams are shown one by one, and so many of their
//! consumers.

use super::exposition::{Exposition, Family, Kind, Labels};
use std::cmp::Reverse;
use std::sync::Arc;
use vagus_actors::jetstream::{
    AccountStreams, Distribution, JetStream, LogState, ShownConsumer, StreamAddress, StreamCounts,
    StreamTotals,
};
use vagus_jetstream::time::SECOND;
use vagus_monitoring::{Broker, Settings};

/// How many streams are shown, those that hold most bytes.
const STREAMS: usize = 256;

/// How many of their consumers, each of which is ten lines.
const CONSUMERS: usize = 512;

/// What is shown of a stream.
struct Stream {
    account: Arc<AccountStreams>,
    address: StreamAddress,
    counts: StreamCounts,
    consumers: Vec<ShownConsumer>,
}

/// What there is to show.
pub(super) struct Observed {
    streams: Vec<Stream>,
    totals: StreamTotals,
    ailing: usize,
    log: LogState,
    max_memory: i64,
    max_storage: i64,
    domain: String,
}

impl Observed {
    /// None where nothing is kept.
    pub(super) async fn of(broker: &Broker) -> Option<Self> {
        let jetstream = broker.jetstream.get()?;
        let room = jetstream.room();
        Some(Self {
            streams: largest(&jetstream).await,
            totals: jetstream.totals(),
            ailing: jetstream.ailing(None).len(),
            log: jetstream.log(),
            max_memory: room.max_memory,
            max_storage: room.max_storage,
            domain: jetstream.domain().to_owned(),
        })
    }
}

async fn largest(jetstream: &JetStream) -> Vec<Stream> {
    let accounts = jetstream.accounts();
    let mut streams: Vec<Stream> = (accounts.iter())
        .flat_map(|account| {
            let counts = account.counts().into_iter();
            counts.map(|(address, counts)| Stream {
                account: account.clone(),
                address,
                counts,
                consumers: Vec::new(),
            })
        })
        .collect();
    streams.sort_unstable_by_key(|stream| Reverse(stream.counts.bytes));
    streams.truncate(STREAMS);
    let mut left = CONSUMERS;
    for stream in streams.iter_mut().filter(|stream| stream.counts.consumers > 0) {
        let mut after = String::new();
        // Of one that is gone meanwhile there is no more.
        while left > 0
            && let Ok(mut consumers) = stream.address.consumers_after(&after).await
            && let Some(last) = consumers.last()
        {
            after.clone_from(&last.info.name);
            consumers.truncate(left);
            left -= consumers.len();
            stream.consumers.extend(consumers);
        }
    }
    streams
}

/// A metric of a stream or a consumer.
type Metric<T> = (&'static str, fn(&T) -> u64);

const OF_STREAMS: [Metric<StreamCounts>; 6] = [
    ("total_messages", |it| it.messages),
    ("total_bytes", |it| it.bytes),
    ("first_seq", |it| it.first_sequence),
    ("last_seq", |it| it.last_sequence),
    ("consumer_count", |it| it.consumers),
    ("subject_count", |it| it.subjects),
];

const OF_CONSUMERS: [Metric<ShownConsumer>; 8] = [
    ("delivered_consumer_seq", |it| it.info.delivered.consumer),
    ("delivered_stream_seq", |it| it.info.delivered.stream),
    ("num_ack_pending", |it| it.info.num_ack_pending as u64),
    ("num_redelivered", |it| it.info.num_redelivered as u64),
    ("num_waiting", |it| it.info.num_waiting as u64),
    ("num_pending", |it| it.info.num_pending),
    ("ack_floor_stream_seq", |it| it.info.ack_floor.stream),
    ("ack_floor_consumer_seq", |it| it.info.ack_floor.consumer),
];

/// Writes all of it.
pub(super) fn write(text: &mut Exposition, settings: &Settings, observed: &Observed) {
    let info = &settings.info;
    let server = [
        ("server_id", &*info.server_id),
        ("server_name", &*info.server_name),
        ("cluster", &*info.cluster),
        ("domain", &*observed.domain),
        // No group of servers has a leader of all.
        ("meta_leader", ""),
        ("is_meta_leader", "true"),
    ];
    of_server(text, &server, observed);
    for (name, of) in OF_STREAMS {
        let name = format!("jetstream_stream_{name}");
        let mut family = text.family(&name, Kind::Gauge, "As in stream_detail of /jsz.");
        for stream in &observed.streams {
            stream.sample(&mut family, &server, &[], of(&stream.counts));
        }
    }
    for (name, of) in OF_CONSUMERS {
        let name = format!("jetstream_consumer_{name}");
        let mut family = text.family(&name, Kind::Gauge, "As in consumer_detail of /jsz.");
        for (stream, consumer) in observed.consumers() {
            let created = consumer.info.created.to_string();
            let labels = [
                ("consumer_name", &*consumer.info.name),
                ("consumer_leader", &*info.server_name),
                ("is_consumer_leader", "true"),
                ("consumer_desc", &*consumer.info.config.description),
                ("consumer_created", &*created),
            ];
            stream.sample(&mut family, &server, &labels, of(consumer));
        }
    }
    behind(text, observed);
    counts(text, observed);
    log(text, &observed.log);
}

fn of_server(text: &mut Exposition, server: Labels<'_>, observed: &Observed) {
    let totals = &observed.totals;
    let natural = |number: i64| u64::try_from(number).unwrap_or(0);
    for (name, value) in [
        ("jetstream_disabled", 0),
        ("total_streams", totals.streams),
        ("total_consumers", totals.consumers),
        ("total_messages", totals.messages),
        ("total_message_bytes", totals.bytes),
        ("max_memory", natural(observed.max_memory)),
        ("max_storage", natural(observed.max_storage)),
    ] {
        let name = format!("jetstream_server_{name}");
        text.family(&name, Kind::Gauge, "As in /jsz.")
            .sample(server, value);
    }
}

impl Observed {
    fn consumers(&self) -> impl Iterator<Item = (&Stream, &ShownConsumer)> {
        self.streams
            .iter()
            .flat_map(|stream| stream.consumers.iter().map(move |consumer| (stream, consumer)))
    }
}

impl Stream {
    fn sample(&self, family: &mut Family<'_>, server: Labels<'_>, more: Labels<'_>, value: u64) {
        let account = &self.account.routed().account;
        let tag = account.name_tag();
        let own = [
            ("account", &*tag),
            ("account_id", account.name()),
            ("stream_name", self.address.name()),
            ("stream_leader", self.account.server_name()),
            ("is_stream_leader", "true"),
        ];
        family.sample(&[server, &own, more].concat(), value);
    }
}

/// How far consumers are behind.
fn behind(text: &mut Exposition, observed: &Observed) {
    type Age = fn(&ShownConsumer) -> i64;
    let ages: [(&str, &str, Age); 2] = [
        (
            "vagus_consumer_lag_seconds",
            "How old the first message is that is still to come; 0: none is.",
            |consumer| consumer.health.lag,
        ),
        (
            "vagus_consumer_oldest_unacknowledged_seconds",
            "How long ago the message was delivered that is unacknowledged for the longest time; 0: none is.",
            |consumer| consumer.health.oldest_unacknowledged,
        ),
    ];
    for (name, help, age) in ages {
        let mut family = text.family(name, Kind::Gauge, help);
        for (stream, consumer) in observed.consumers() {
            let labels = [
                ("account", stream.account.routed().account.name()),
                ("stream_name", stream.address.name()),
                ("consumer_name", &*consumer.info.name),
            ];
            family.sample(&labels, age(consumer) as f64 / SECOND as f64);
        }
    }
}

fn counts(text: &mut Exposition, observed: &Observed) {
    let mut gauge = |name, help, value: usize| text.single(name, Kind::Gauge, help, value);
    gauge(
        "vagus_streams_shown",
        "Streams that are shown here one by one: those that hold most bytes.",
        observed.streams.len(),
    );
    gauge(
        "vagus_consumers_shown",
        "Consumers of these that are shown here one by one.",
        observed.consumers().count(),
    );
    gauge(
        "vagus_streams_ailing",
        "Streams that take in nothing, or could not be opened: /healthz says which.",
        observed.ailing,
    );
}

fn log(text: &mut Exposition, log: &LogState) {
    let mut counter = |name, help, value: u64| text.single(name, Kind::Counter, help, value);
    counter(
        "vagus_stream_log_entries_total",
        "Entries written to the log of streams.",
        log.entries,
    );
    counter(
        "vagus_stream_log_bytes_total",
        "Bytes of entries written to the log of streams.",
        log.bytes,
    );
    let mut gauge = |name, help, value: u64| text.single(name, Kind::Gauge, help, value);
    gauge(
        "vagus_stream_log_files",
        "Files of the log of streams that hold what may still be needed.",
        log.files,
    );
    gauge(
        "vagus_stream_log_files_max",
        "How many there may be.",
        log.files_at_most,
    );
    gauge(
        "vagus_stream_log_failed",
        "1 if the disk has failed under the log of streams, which takes in nothing then.",
        u64::from(log.has_failed),
    );
    let help = "Time that a sync of the log of streams took: what waits for it is acknowledged then.";
    histogram(text, "vagus_stream_log_sync_seconds", help, &log.sync_times, 1e6);
    let help = "Entries that one sync of the log of streams has made durable.";
    histogram(text, "vagus_stream_log_batch_entries", help, &log.batches, 1.0);
}

fn histogram(text: &mut Exposition, name: &str, help: &str, values: &Distribution, per: f64) {
    let mut family = text.family(name, Kind::Histogram, help);
    for (end, count) in &values.ranges {
        let end = (*end as f64 / per).to_string();
        family.part("_bucket", &[("le", &end)], count);
    }
    family
        .part("_bucket", &[("le", "+Inf")], values.count)
        .part("_sum", &[], values.sum as f64 / per)
        .part("_count", &[], values.count);
}
