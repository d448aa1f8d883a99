//! Subscriptions, and what it takes to find them.

use crate::Broker;
use crate::accounts::InterestStats;
use crate::answer::{Document, Refusal, SUBSCRIPTIONS_AT_MOST};
use crate::query::Query;
use crate::subscription::SubscriptionDetail;
use crate::units::Time;
use futures_util::future::OptionFuture;
use jiff::Timestamp;
use serde::Serialize;
use std::ops::Not;
use std::sync::Arc;
use tokio::task::spawn_blocking;
use vagus_actors::observed::Extent;
use vagus_actors::{Interested, Observatory, ask_again};
use vagus_delivery::Account;
use vagus_delivery::outbox::ConnectionSubscription;
use vagus_delivery::subscriptions::SubscriptionState;
use vagus_routing::Destination;
use vagus_routing::subject::is_valid_literal;

/// How many subscriptions are shown unless it is said.
const LIMIT: usize = 1024;

pub(super) async fn show(broker: &Broker, query: &Query) -> Result<Document, Refusal> {
    let listed = query.flag("subs")?;
    let offset = usize::try_from(query.integer("offset")?).unwrap_or(0);
    let limit = match usize::try_from(query.integer("limit")?) {
        Ok(limit) if limit > 0 => limit,
        _ => LIMIT,
    };
    let test = query.text("test");
    if let Some(subject) = test.filter(|subject| !is_valid_literal(subject.as_bytes())) {
        return Err(Refusal::bad(format!(
            "invalid test subject, must be valid publish subject: {subject}"
        )));
    }
    let accounts = match query.text("acc") {
        None => broker.accounts.all(),
        Some(name) => broker.accounts.find(name).into_iter().collect(),
    };
    let only = query.text("acc").map(|_| accounts.first());
    let mut found = Found::default();
    // Until it is written, too: what others ask meanwhile is answered between two surveys.
    let survey = async { broker.surveys.acquire().await };
    let _survey = OptionFuture::from((listed && !accounts.is_empty()).then_some(survey)).await;
    if listed {
        found = match test {
            Some(subject) => matching(&accounts, subject, offset, limit).await?,
            None => all(&broker.observatory, &accounts, offset, limit).await?,
        };
    }
    let page: Vec<_> = found
        .page
        .iter()
        .map(|(account, subscription)| SubscriptionDetail::of_account(account, subscription))
        .collect();
    let stats = match only {
        None => InterestStats::of(broker, None),
        Some(Some(account)) => InterestStats::of(broker, Some(account)),
        Some(None) => InterestStats::default(),
    };
    let (settings, _) = broker.settings.current();
    query.document(&Subsz {
        server_id: &settings.info.server_id,
        now: Time(Timestamp::now()),
        stats,
        total: found.total,
        truncated: found.truncated,
        offset,
        limit,
        subscriptions_list: Some(page).filter(|page| !page.is_empty()),
    })
}

/// The page without options, for who shows it otherwise.
///
/// # Errors
/// When it cannot be written.
pub fn subsz_value(broker: &Broker) -> Result<serde_json::Value, Refusal> {
    let (settings, _) = broker.settings.current();
    let subsz = Subsz {
        server_id: &settings.info.server_id,
        now: Time(Timestamp::now()),
        stats: InterestStats::of(broker, None),
        total: 0,
        truncated: false,
        offset: 0,
        limit: LIMIT,
        subscriptions_list: None,
    };
    serde_json::to_value(subsz).map_err(|error| Refusal::unwritable(&error))
}

/// Some of the subscriptions that were asked for, and how many they are.
#[derive(Default)]
struct Found {
    total: usize,
    truncated: bool,
    /// Each with the account that it is in.
    page: Vec<(Box<str>, SubscriptionState)>,
}

/// Those a message on this subject would go to, published in any of these accounts.
async fn matching(
    accounts: &[Arc<Account>],
    subject: &str,
    offset: usize,
    limit: usize,
) -> Result<Found, Refusal> {
    let mut subscriptions = Vec::new();
    let mut is_truncated = false;
    for account in accounts {
        let left = SUBSCRIPTIONS_AT_MOST - subscriptions.len();
        let interested = Interested::of(account.interest(), subject.as_bytes(), left).await;
        is_truncated |= interested.truncated;
        let found = interested.subscriptions.into_iter();
        subscriptions.extend(found.map(|subscription| (account.clone(), subscription)));
    }
    // Elsewhere: they may be many, and others ask meanwhile.
    let found = spawn_blocking(move || {
        subscriptions.sort_unstable_by(|(_, one), (_, other)| {
            let sid = |one: &ConnectionSubscription| (one.destination().connection_id(), one.sid().len());
            sid(one).cmp(&sid(other)).then_with(|| one.sid().cmp(other.sid()))
        });
        let page = subscriptions.iter().skip(offset).take(limit);
        Found {
            total: subscriptions.len(),
            truncated: is_truncated,
            page: page
                .map(|(account, one)| (account.name().into(), SubscriptionState::from(&**one)))
                .collect(),
        }
    });
    found.await.map_err(|_| Refusal::ending())
}

/// Those of all connections in these accounts, one after the other. Only connections whose subscriptions are shown are
/// asked for them.
async fn all(
    observatory: &Observatory,
    accounts: &[Arc<Account>],
    offset: usize,
    limit: usize,
) -> Result<Found, Refusal> {
    let mut connections = observatory.connections(0, usize::MAX, Extent::State).await;
    connections.retain(|connection| {
        let account = connection.state.account.as_deref();
        connection.state.subscriptions > 0 && accounts.iter().any(|one| Some(one.name()) == account)
    });
    let total: usize = connections
        .iter()
        .map(|connection| connection.state.subscriptions)
        .sum();
    if limit.min(total.saturating_sub(offset)) > SUBSCRIPTIONS_AT_MOST {
        return Err(Refusal::too_large());
    }
    let (mut before, mut skipped) = (0, 0);
    let mut asked = Vec::new();
    for connection in connections {
        let count = connection.state.subscriptions;
        if before + count <= offset {
            skipped = before + count;
        } else if before < offset.saturating_add(limit) {
            asked.push(connection);
        }
        before += count;
    }
    let answers = ask_again(asked, Extent::Subscriptions).await;
    let subscriptions = answers.into_iter().flat_map(|connection| {
        let account = connection.state.account.unwrap_or_default();
        let subscriptions = connection.subscriptions.into_iter();
        subscriptions.map(move |subscription| (account.clone(), subscription))
    });
    let page = subscriptions.skip(offset.saturating_sub(skipped)).take(limit);
    Ok(Found {
        total,
        truncated: false,
        page: page.collect(),
    })
}

#[derive(Serialize)]
struct Subsz<'a> {
    server_id: &'a str,
    now: Time,
    #[serde(flatten)]
    stats: InterestStats,
    total: usize,
    /// There are more: they are not gone through to be counted.
    #[serde(skip_serializing_if = "Not::not")]
    truncated: bool,
    offset: usize,
    limit: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    subscriptions_list: Option<Vec<SubscriptionDetail<'a>>>,
}
