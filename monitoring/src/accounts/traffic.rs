//! What passes in accounts.

use super::subscriptions_of_clients;
use crate::Broker;
use crate::answer::{Document, Refusal};
use crate::query::Query;
use crate::units::Time;
use jiff::Timestamp;
use serde::Serialize;
use vagus_delivery::{Account, AccountTraffic as Counted, Exchanged, Passed as CountedPassed};

pub(crate) fn show_traffic(broker: &Broker, query: &Query) -> Result<Document, Refusal> {
    write(broker, query, traffic(broker, query)?)
}

/// What passes in the accounts that are asked for, as a part of a message; None if there is nothing to tell, which is not
/// told unless unused ones are asked for, too.
///
/// # Errors
/// When the question makes no sense.
pub fn account_traffic(broker: &Broker, query: &Query) -> Result<Option<Document>, Refusal> {
    let accounts = traffic(broker, query)?;
    match accounts.is_empty() && !query.flag("unused")? {
        true => Ok(None),
        false => write(broker, query, accounts).map(Some),
    }
}

/// What has passed in one account. Its connections are asked one by one.
pub fn traffic_of(broker: &Broker, account: &Account) -> AccountTraffic {
    let traffic = account.traffic();
    let (connections, leafnodes) = (traffic.connections, traffic.leaf_nodes);
    AccountTraffic {
        acc: account.name().into(),
        name: account.name_tag(),
        conns: connections - leafnodes,
        leafnodes,
        total_conns: connections,
        num_subscriptions: subscriptions_of_clients(broker, account),
        sent: Data::of(&traffic, |traffic| traffic.sent, |way| way.sent),
        received: Data::of(&traffic, |traffic| traffic.received, |way| way.received),
        slow_consumers: traffic.slow_consumers,
    }
}

fn traffic(broker: &Broker, query: &Query) -> Result<Vec<AccountTraffic>, Refusal> {
    let unused = query.flag("unused")?;
    let wanted: Vec<&str> = query.texts("acc").collect();
    let mut accounts = match wanted.is_empty() {
        true => broker.accounts.all(),
        false => wanted
            .iter()
            .filter_map(|name| broker.accounts.find(name))
            .collect(),
    };
    accounts.retain(|account| unused || account.connections() > 0);
    accounts.sort_unstable_by(|one, other| one.name().cmp(other.name()));
    Ok(accounts
        .iter()
        .map(|account| traffic_of(broker, account))
        .collect())
}

fn write(broker: &Broker, query: &Query, account_statz: Vec<AccountTraffic>) -> Result<Document, Refusal> {
    let (settings, _) = broker.settings.current();
    query.document(&Accstatz {
        server_id: &settings.info.server_id,
        now: Time(Timestamp::now()),
        account_statz,
    })
}

#[derive(Serialize)]
struct Accstatz<'a> {
    server_id: &'a str,
    now: Time,
    account_statz: Vec<AccountTraffic>,
}

/// What passes in one account, in the order of nats-server.
#[derive(Debug, Serialize)]
pub struct AccountTraffic {
    acc: Box<str>,
    name: Box<str>,
    /// Clients that are connected.
    pub conns: usize,
    /// Links to leaf nodes and hubs.
    pub leafnodes: usize,
    total_conns: usize,
    num_subscriptions: usize,
    sent: Data,
    received: Data,
    slow_consumers: u64,
}

/// What passed, and what of it came from or went to other servers.
#[derive(Debug, Serialize)]
struct Data {
    msgs: u64,
    bytes: u64,
    gateways: Passed,
    routes: Passed,
    leafs: Passed,
}

impl Data {
    fn of(
        traffic: &Counted,
        all: impl Fn(&Counted) -> CountedPassed,
        direction: impl Fn(Exchanged) -> CountedPassed,
    ) -> Self {
        let CountedPassed { messages, payload } = all(traffic);
        Self {
            msgs: messages,
            bytes: payload,
            gateways: direction(traffic.gateways).into(),
            routes: direction(traffic.routes).into(),
            leafs: direction(traffic.links).into(),
        }
    }
}

#[derive(Debug, Serialize)]
struct Passed {
    msgs: u64,
    bytes: u64,
}

impl From<CountedPassed> for Passed {
    fn from(passed: CountedPassed) -> Self {
        Self {
            msgs: passed.messages,
            bytes: passed.payload,
        }
    }
}
