//! What this server has to tell beyond what nats-server's pages hold: by the conventions of Prometheus, with units in
//! the names. Every label has few values, none of which a peer chooses.

use super::exposition::{Exposition, Kind};
use vagus_actors::Pending;
use vagus_actors::monitor::MonitorState;
use vagus_actors::router::RouterState;
use vagus_delivery::arbiter::{HandOverTimes, Traffic, Workload};
use vagus_monitoring::{Broker, Settings, most_open_files, open_files, processor_time, resident_bytes};
use vagus_protocol::error::CloseReason;

/// What actors and counters said.
#[derive(Debug)]
pub(super) struct Observed {
    pub(super) monitor: MonitorState,
    pub(super) router: RouterState,
    pub(super) pending: Pending,
    pub(super) traffic: Traffic,
    pub(super) hand_over_times: HandOverTimes,
    pub(super) workloads: Vec<Workload>,
}

impl Observed {
    /// None if the server is at its end.
    pub(super) async fn of(broker: &Broker) -> Option<Self> {
        let observatory = &broker.observatory;
        Some(Self {
            monitor: observatory.monitor().await?,
            router: observatory.router().await?,
            pending: observatory.pending().await?,
            traffic: observatory.traffic(),
            hand_over_times: observatory.hand_over_times(),
            workloads: observatory.workloads(),
        })
    }
}

/// Who the server is, and how it does.
pub(super) fn server(text: &mut Exposition, settings: &Settings, observed: &Observed) {
    let info = &settings.info;
    text.family("vagus_build_info", Kind::Gauge, "Which server this is; always 1.")
        .sample(
            &[
                ("version", &info.vagus_version),
                ("nats_version", &info.version),
                ("server_id", &info.server_id),
                ("server_name", &info.server_name),
            ],
            1,
        );
    traffic(text, &observed.traffic);
    hand_over_times(text, &observed.hand_over_times);
    connections(text, &observed.monitor, observed.pending);
    interest(text, &observed.router);
    arbiters(text, &observed.workloads);
}

fn traffic(text: &mut Exposition, traffic: &Traffic) {
    let mut counter = |name, help, value: u64| text.single(name, Kind::Counter, help, value);
    counter(
        "vagus_received_messages_total",
        "Messages published by connections.",
        traffic.messages_in,
    );
    counter(
        "vagus_received_bytes_total",
        "Headers and payloads of messages published by connections.",
        traffic.payload_in,
    );
    counter(
        "vagus_delivered_messages_total",
        "Messages delivered to connections.",
        traffic.messages_out,
    );
    counter(
        "vagus_delivered_bytes_total",
        "Headers and payloads of messages delivered to connections.",
        traffic.payload_out,
    );
    counter(
        "vagus_route_cache_hits_total",
        "Runs of messages on one subject whose fan-out was held already.",
        traffic.fanouts_cached,
    );
    counter(
        "vagus_route_cache_misses_total",
        "Runs of messages on one subject whose fan-out had to be looked up.",
        traffic.fanouts_resolved,
    );
    counter(
        "vagus_publisher_stalls_total",
        "How often a publisher paused because too much waited for those it published to.",
        traffic.stalls,
    );
}

fn hand_over_times(text: &mut Exposition, times: &HandOverTimes) {
    let help = "Time from reading messages to having left them with all they go to, of one turn in sixteen.";
    let mut family = text.family("vagus_hand_over_seconds", Kind::Histogram, help);
    for (end, count) in &times.buckets {
        let end = end.as_secs_f64().to_string();
        family.part("_bucket", &[("le", &end)], count);
    }
    family
        .part("_bucket", &[("le", "+Inf")], times.count)
        .part("_sum", &[], times.sum.as_secs_f64())
        .part("_count", &[], times.count);
}

fn connections(text: &mut Exposition, monitor: &MonitorState, pending: Pending) {
    text.single(
        "vagus_connections",
        Kind::Gauge,
        "Connections that are open.",
        monitor.connections,
    );
    text.single(
        "vagus_connections_opened_total",
        Kind::Counter,
        "Connections that were opened.",
        monitor.total_connections,
    );
    let help = "Connections that ended, by why.";
    let mut family = text.family("vagus_connections_closed_total", Kind::Counter, help);
    for (reason, count) in &monitor.closed {
        family.sample(&[("reason", reason)], count);
    }
    let help = "Connections that were cut off because too much waited for them, or for too long.";
    let mut family = text.family("vagus_slow_consumers_total", Kind::Counter, help);
    for (reason, label) in [
        (CloseReason::SlowConsumerPendingBytes, "pending_bytes"),
        (CloseReason::SlowConsumerWriteDeadline, "write_deadline"),
    ] {
        let count = monitor.closed.get(reason.text()).copied().unwrap_or_default();
        family.sample(&[("reason", label)], count);
    }
    text.single(
        "vagus_pending_bytes",
        Kind::Gauge,
        "What waits to be written to all connections.",
        pending.total,
    );
    text.single(
        "vagus_pending_bytes_max",
        Kind::Gauge,
        "What waits to be written to the connection for which most does.",
        pending.most,
    );
}

fn interest(text: &mut Exposition, router: &RouterState) {
    let mut gauge = |name, help, value: usize| text.single(name, Kind::Gauge, help, value);
    gauge(
        "vagus_subscriptions",
        "Subscriptions in force.",
        router.subscriptions,
    );
    gauge(
        "vagus_queue_groups",
        "Queue groups that have members.",
        router.queue_groups,
    );
    gauge(
        "vagus_hot_subjects",
        "Subjects with much traffic.",
        router.hot_subjects,
    );
}

fn arbiters(text: &mut Exposition, workloads: &[Workload]) {
    let numbered = || {
        workloads
            .iter()
            .enumerate()
            .map(|(number, load)| (number.to_string(), load))
    };
    let help = "The part of the last second that an arbiter, a thread that carries connections, was busy.";
    let mut family = text.family("vagus_arbiter_load_ratio", Kind::Gauge, help);
    for (number, workload) in numbered() {
        family.sample(&[("arbiter", &number)], workload.load);
    }
    let help = "Connections that an arbiter carries.";
    let mut family = text.family("vagus_arbiter_connections", Kind::Gauge, help);
    for (number, workload) in numbered() {
        family.sample(&[("arbiter", &number)], workload.connections);
    }
}

/// What the process uses of the machine, by the names that all programs have for it.
pub(super) fn process(text: &mut Exposition, broker: &Broker) {
    text.single(
        "process_cpu_seconds_total",
        Kind::Counter,
        "Processor time that was used.",
        processor_time().as_secs_f64(),
    );
    text.single(
        "process_resident_memory_bytes",
        Kind::Gauge,
        "Memory of the process that is in the machine's.",
        resident_bytes(),
    );
    if let Some(open) = open_files() {
        text.single(
            "process_open_fds",
            Kind::Gauge,
            "Files and sockets that are open.",
            open,
        );
    }
    if let Some(most) = most_open_files() {
        text.single(
            "process_max_fds",
            Kind::Gauge,
            "Files and sockets that may be open.",
            most,
        );
    }
    text.single(
        "process_start_time_seconds",
        Kind::Gauge,
        "When it began, in seconds since 1970.",
        broker.started.as_millisecond() as f64 / 1000.0,
    );
}
