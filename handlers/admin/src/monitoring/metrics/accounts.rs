//! Accounts one by one, as prometheus-nats-exporter shows them.

use super::exporter::Exporter;
use super::exposition::{Exposition, Kind};
use std::sync::Arc;
use vagus_delivery::{Account, AccountTraffic};
use vagus_monitoring::{Broker, subscriptions_of_clients};

/// How many accounts are shown, those in which most are: each is nine lines, and what Prometheus keeps for ever.
const LIMIT: usize = 256;

/// What is shown of an account.
pub(super) struct Observed {
    account: Arc<Account>,
    traffic: AccountTraffic,
    /// What people call it.
    name: Box<str>,
    subscriptions: usize,
}

/// How many accounts there are.
pub(super) struct Counted {
    total: usize,
    shown: usize,
    /// How often one of them has begun anew.
    panics: u64,
}

/// The accounts that are shown, by name, and how many there are.
pub(super) fn observed(broker: &Broker) -> (Vec<Observed>, Counted) {
    let accounts = broker.accounts.all();
    let counts = Counted {
        total: accounts.len(),
        shown: accounts.len().min(LIMIT),
        panics: accounts.iter().map(|account| account.panics()).sum(),
    };
    // The number changes while they are sorted by it.
    let mut counted: Vec<_> = (accounts.into_iter())
        .map(|account| (account.connections(), account))
        .collect();
    counted.sort_unstable_by(|(left, one), (right, other)| {
        right.cmp(left).then_with(|| one.name().cmp(other.name()))
    });
    counted.truncate(LIMIT);
    counted.sort_unstable_by(|(_, one), (_, other)| one.name().cmp(other.name()));
    let observed = counted.into_iter().map(|(_, account)| {
        let tag = account
            .definition()
            .and_then(|definition| definition.name_tag.clone());
        Observed {
            name: tag.unwrap_or_else(|| account.name().into()),
            traffic: account.traffic(),
            subscriptions: subscriptions_of_clients(broker, &account),
            account,
        }
    });
    (observed.collect(), counts)
}

/// How many there are, how many of them are shown, and how often one has failed.
pub(super) fn count(text: &mut Exposition, counts: &Counted) {
    text.single("vagus_accounts", Kind::Gauge, "Accounts.", counts.total);
    text.single(
        "vagus_accounts_shown",
        Kind::Gauge,
        "Accounts that are shown here one by one: those in which most connections are.",
        counts.shown,
    );
    text.single(
        "vagus_account_panics_total",
        Kind::Counter,
        "How often an account has begun anew because of a panic, which has closed all its connections.",
        counts.panics,
    );
}

/// A metric of accounts.
struct Metric {
    name: &'static str,
    of: fn(&Observed) -> u64,
}

const METRICS: [Metric; 9] = [
    Metric {
        name: "current_connections",
        of: |it| (it.traffic.connections - it.traffic.leaf_nodes) as u64,
    },
    Metric {
        name: "total_connections",
        of: |it| it.traffic.total_connections,
    },
    Metric {
        name: "subscriptions",
        of: |it| it.subscriptions as u64,
    },
    Metric {
        name: "leaf_nodes",
        of: |it| it.traffic.leaf_nodes as u64,
    },
    Metric {
        name: "sent_messages",
        of: |it| it.traffic.sent.messages,
    },
    Metric {
        name: "sent_bytes",
        of: |it| it.traffic.sent.payload,
    },
    Metric {
        name: "received_messages",
        of: |it| it.traffic.received.messages,
    },
    Metric {
        name: "received_bytes",
        of: |it| it.traffic.received.payload,
    },
    Metric {
        name: "slow_consumers",
        of: |it| it.traffic.slow_consumers,
    },
];

impl Exporter<'_> {
    /// Accounts one by one.
    pub(super) fn accounts(&mut self, accounts: &[Observed]) {
        for metric in &METRICS {
            let name = format!("{}_accstatz_{}", self.prefix, metric.name);
            let help = format!("{} of /accstatz.", metric.name);
            let mut family = self.text.family(&name, Kind::Gauge, &help);
            for observed in accounts {
                let labels = [
                    ("server_id", self.server_id),
                    ("account", observed.account.name()),
                    ("account_id", observed.account.name()),
                    ("account_name", &*observed.name),
                ];
                family.sample(&labels, (metric.of)(observed));
            }
        }
    }
}
