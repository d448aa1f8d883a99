//! Accounts: which there are, and what passes in them.

mod definition;
mod token;
mod traffic;

pub(super) use traffic::show_traffic;
pub use traffic::{AccountTraffic, account_traffic, traffic_of};

use crate::Broker;
use crate::answer::{Document, Refusal, Status};
use crate::query::Query;
use crate::units::{Decimal, Time, time_of};
use definition::DefinitionShown;
use jiff::Timestamp;
use serde::Serialize;
use std::ops::Not;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use token::TokenShown;
use vagus_accounts::AccountDefinition;
use vagus_actors::add_system_services;
use vagus_delivery::Account;

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
    /// Those of this account, or of all of them. What publishers hold is not told apart by account.
    pub(super) fn of(broker: &Broker, account: Option<&Account>) -> Self {
        let all = match account {
            Some(_) => Vec::new(),
            None => broker.accounts.all(),
        };
        let mut stats = Self::default();
        for account in account.into_iter().chain(all.iter().map(AsRef::as_ref)) {
            let interest = account.interest().stats();
            stats.num_subscriptions += subscriptions_of_clients(broker, account);
            stats.num_inserts += interest
                .inserts
                .saturating_sub(own_subscriptions(broker, account) as u64);
            stats.num_removes += interest.removes;
        }
        let traffic = broker.observatory.traffic();
        let held = broker.observatory.held_fanouts();
        stats.num_cache = held.fanouts;
        stats.num_matches = traffic.fanouts_cached + traffic.fanouts_resolved;
        stats.cache_hit_rate = ratio(traffic.fanouts_cached, stats.num_matches);
        stats.max_fanout = held.widest;
        stats.avg_fanout = ratio(held.deliveries, held.fanouts);
        stats
    }
}

fn ratio(part: u64, whole: u64) -> Decimal {
    Decimal(if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    })
}

/// How many subscriptions an account has, those of the server itself and the ways into other accounts left out.
pub fn subscriptions_of_clients(broker: &Broker, account: &Account) -> usize {
    let stats = account.interest().stats();
    (stats.plain + stats.group_members).saturating_sub(own_subscriptions(broker, account))
}

fn own_subscriptions(broker: &Broker, account: &Account) -> usize {
    let of_server = match broker.accounts.is_system(account) {
        true => broker.own_subscriptions.load(Ordering::Relaxed),
        false => 0,
    };
    of_server + account.crossings()
}

/// How many accounts have connections.
pub(super) fn active(broker: &Broker) -> usize {
    let accounts = broker.accounts.all();
    accounts
        .iter()
        .filter(|account| account.connections() > 0)
        .count()
}

/// How many subscriptions all accounts have.
pub(super) fn all_subscriptions(broker: &Broker) -> usize {
    let accounts = broker.accounts.all();
    accounts
        .iter()
        .map(|account| subscriptions_of_clients(broker, account))
        .sum()
}

pub(super) fn show(broker: &Broker, query: &Query) -> Result<Document, Refusal> {
    let (settings, _) = broker.settings.current();
    let directory = &broker.accounts;
    let detail = match query.text("acc") {
        None => None,
        Some(name) => {
            let account = found(broker, name)?;
            Some(Detail::of(broker, &account))
        }
    };
    let accounts = detail.is_none().then(|| {
        let mut names: Vec<Box<str>> = directory
            .all()
            .iter()
            .map(|account| account.name().into())
            .collect();
        names.sort_unstable();
        names
    });
    query.document(&Accountz {
        server_id: &settings.info.server_id,
        now: Time(Timestamp::now()),
        system_account: directory.system().map_or("", |system| system.name()),
        accounts,
        account_detail: detail,
    })
}

/// What one account is, as a part of a message.
///
/// # Errors
/// When there is no account of this name.
pub fn account_detail(broker: &Broker, name: &str) -> Result<Document, Refusal> {
    let account = found(broker, name)?;
    Document::compact(Status::Ok, &Detail::of(broker, &account))
}

fn found(broker: &Broker, name: &str) -> Result<Arc<Account>, Refusal> {
    let account = broker.accounts.find(name);
    account.ok_or_else(|| Refusal::bad(format!("Account {name} does not exist")))
}

#[derive(Serialize)]
struct Accountz<'a> {
    server_id: &'a str,
    now: Time,
    #[serde(skip_serializing_if = "str::is_empty")]
    system_account: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    accounts: Option<Vec<Box<str>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account_detail: Option<Detail>,
}

#[derive(Serialize)]
struct Detail {
    account_name: Box<str>,
    update_time: Time,
    #[serde(skip_serializing_if = "Not::not")]
    is_system: bool,
    #[serde(flatten)]
    token: Option<TokenShown>,
    expired: bool,
    complete: bool,
    jetstream_enabled: bool,
    leafnode_connections: usize,
    client_connections: usize,
    subscriptions: usize,
    #[serde(flatten)]
    definition: DefinitionShown,
    name_tag: Box<str>,
    sublist_stats: InterestStats,
}

/// What an account says of itself, and what it has without saying so.
fn defined(broker: &Broker, account: &Account) -> AccountDefinition {
    let mut definition = account.definition().as_deref().cloned().unwrap_or_default();
    if let Some(system) = broker.accounts.system() {
        add_system_services(&mut definition, account.name(), system.name());
    }
    definition
}

impl Detail {
    fn of(broker: &Broker, account: &Account) -> Self {
        let known = token::known(broker, account);
        let updated = known.as_ref().map(|known| time_of(known.updated));
        let now = Timestamp::now().as_second();
        Self {
            account_name: account.name().into(),
            update_time: updated.unwrap_or(Time(broker.started)),
            is_system: broker.accounts.is_system(account),
            token: known.as_deref().map(TokenShown::of),
            expired: known.as_ref().is_some_and(|known| known.has_expired(now)),
            complete: true,
            jetstream_enabled: (broker.jetstream.get())
                .is_some_and(|jetstream| jetstream.account(account.name()).is_some()),
            leafnode_connections: account.leaf_nodes(),
            client_connections: account.connections() - account.leaf_nodes(),
            subscriptions: subscriptions_of_clients(broker, account),
            definition: DefinitionShown::of(&defined(broker, account)),
            name_tag: account.name_tag(),
            sublist_stats: InterestStats::of(broker, Some(account)),
        }
    }
}
