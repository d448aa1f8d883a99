//! Accounts: so far that of everybody and that of servers.

use crate::Broker;
use crate::answer::{Document, Refusal};
use crate::query::Query;
use crate::units::{Decimal, Time};
use jiff::Timestamp;
use serde::Serialize;
use vagus_configs::GLOBAL_ACCOUNT;

/// The account of servers.
pub(super) const SYSTEM_ACCOUNT: &str = "$SYS";

/// What it takes to find the subscriptions of an account.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct InterestStats {
    num_subscriptions: usize,
    num_cache: u64,
    num_inserts: u64,
    num_removes: u64,
    num_matches: u64,
    cache_hit_rate: Decimal,
    max_fanout: u64,
    avg_fanout: Decimal,
}

impl Default for InterestStats {
    /// Those of an account without subscriptions.
    fn default() -> Self {
        Self {
            num_subscriptions: 0,
            num_cache: 0,
            num_inserts: 0,
            num_removes: 0,
            num_matches: 0,
            cache_hit_rate: Decimal(0.0),
            max_fanout: 0,
            avg_fanout: Decimal(0.0),
        }
    }
}

impl InterestStats {
    /// Those of the one account that has any.
    pub(super) async fn of(broker: &Broker) -> Result<Self, Refusal> {
        let router = broker.observatory.router().await.ok_or_else(Refusal::ending)?;
        let traffic = broker.observatory.traffic();
        let held = broker.observatory.held_fanouts();
        let matches = traffic.fanouts_cached + traffic.fanouts_resolved;
        Ok(Self {
            num_subscriptions: router.subscriptions,
            num_cache: held.fanouts,
            num_inserts: router.inserts,
            num_removes: router.removes,
            num_matches: matches,
            cache_hit_rate: ratio(traffic.fanouts_cached, matches),
            max_fanout: held.widest,
            avg_fanout: ratio(held.deliveries, held.fanouts),
        })
    }
}

fn ratio(part: u64, whole: u64) -> Decimal {
    Decimal(if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    })
}

pub(super) async fn show(broker: &Broker, query: &Query) -> Result<Document, Refusal> {
    let (settings, _) = broker.settings.current();
    let wanted = query.text("acc");
    let detail = match wanted {
        None => None,
        Some(GLOBAL_ACCOUNT) => {
            let monitor = broker.observatory.monitor().await.ok_or_else(Refusal::ending)?;
            let stats = InterestStats::of(broker).await?;
            Some(Detail::of(broker, GLOBAL_ACCOUNT, monitor.connections, stats))
        }
        Some(SYSTEM_ACCOUNT) => Some(Detail::of(broker, SYSTEM_ACCOUNT, 0, InterestStats::default())),
        Some(other) => return Err(Refusal::bad(format!("Account {other} does not exist"))),
    };
    Document::of(&Accountz {
        server_id: &settings.info.server_id,
        now: Time(Timestamp::now()),
        system_account: SYSTEM_ACCOUNT,
        accounts: detail.is_none().then_some([GLOBAL_ACCOUNT, SYSTEM_ACCOUNT]),
        account_detail: detail,
    })
}

pub(super) async fn show_traffic(broker: &Broker, query: &Query) -> Result<Document, Refusal> {
    let unused = query.flag("unused")?;
    let (settings, _) = broker.settings.current();
    let monitor = broker.observatory.monitor().await.ok_or_else(Refusal::ending)?;
    let router = broker.observatory.router().await.ok_or_else(Refusal::ending)?;
    let traffic = broker.observatory.traffic();
    let mut accounts = Vec::new();
    if unused || monitor.connections > 0 {
        accounts.push(AccountTraffic {
            conns: monitor.connections,
            total_conns: monitor.connections,
            num_subscriptions: router.subscriptions,
            sent: Data::of(traffic.messages_out, traffic.payload_out),
            received: Data::of(traffic.messages_in, traffic.payload_in),
            slow_consumers: monitor.slow_consumers,
            ..AccountTraffic::idle(GLOBAL_ACCOUNT)
        });
    }
    if unused {
        accounts.push(AccountTraffic::idle(SYSTEM_ACCOUNT));
    }
    Document::of(&Accstatz {
        server_id: &settings.info.server_id,
        now: Time(Timestamp::now()),
        account_statz: accounts,
    })
}

#[derive(Serialize)]
struct Accountz<'a> {
    server_id: &'a str,
    now: Time,
    system_account: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    accounts: Option<[&'static str; 2]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account_detail: Option<Detail>,
}

#[derive(Serialize)]
struct Detail {
    account_name: &'static str,
    update_time: Time,
    #[serde(skip_serializing_if = "is_false")]
    is_system: bool,
    expired: bool,
    complete: bool,
    jetstream_enabled: bool,
    leafnode_connections: usize,
    client_connections: usize,
    subscriptions: usize,
    name_tag: &'static str,
    sublist_stats: InterestStats,
}

impl Detail {
    fn of(broker: &Broker, name: &'static str, connections: usize, stats: InterestStats) -> Self {
        Self {
            account_name: name,
            update_time: Time(broker.started),
            is_system: name == SYSTEM_ACCOUNT,
            expired: false,
            complete: true,
            jetstream_enabled: false,
            leafnode_connections: 0,
            client_connections: connections,
            subscriptions: stats.num_subscriptions,
            name_tag: name,
            sublist_stats: stats,
        }
    }
}

#[derive(Serialize)]
struct Accstatz<'a> {
    server_id: &'a str,
    now: Time,
    account_statz: Vec<AccountTraffic>,
}

#[derive(Serialize)]
struct AccountTraffic {
    acc: &'static str,
    name: &'static str,
    conns: usize,
    leafnodes: usize,
    total_conns: usize,
    num_subscriptions: usize,
    sent: Data,
    received: Data,
    slow_consumers: u64,
}

impl AccountTraffic {
    fn idle(name: &'static str) -> Self {
        Self {
            acc: name,
            name,
            conns: 0,
            leafnodes: 0,
            total_conns: 0,
            num_subscriptions: 0,
            sent: Data::of(0, 0),
            received: Data::of(0, 0),
            slow_consumers: 0,
        }
    }
}

/// What passed, and what of it came from or went to other servers: nothing, without any.
#[derive(Serialize)]
struct Data {
    msgs: u64,
    bytes: u64,
    gateways: Passed,
    routes: Passed,
    leafs: Passed,
}

impl Data {
    fn of(msgs: u64, bytes: u64) -> Self {
        Self {
            msgs,
            bytes,
            gateways: Passed::default(),
            routes: Passed::default(),
            leafs: Passed::default(),
        }
    }
}

#[derive(Serialize, Default)]
struct Passed {
    msgs: u64,
    bytes: u64,
}

fn is_false(flag: &bool) -> bool {
    !flag
}
