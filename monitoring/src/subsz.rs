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
use tokio::task::spawn_blocking;
use vagus_actors::observed::Extent;
use vagus_actors::{Interested, Observatory, ask_again};
use vagus_configs::GLOBAL_ACCOUNT;
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
    let is_meant = query.text("acc").is_none_or(|account| account == GLOBAL_ACCOUNT);
    let mut found = Found::default();
    // Until it is written, too: what others ask meanwhile is answered between two surveys.
    let survey = async { broker.surveys.acquire().await };
    let _survey = OptionFuture::from((listed && is_meant).then_some(survey)).await;
    if listed && is_meant {
        found = match test {
            Some(subject) => matching(&broker.observatory, subject, offset, limit).await?,
            None => all(&broker.observatory, offset, limit).await?,
        };
    }
    let page: Vec<_> = found.page.iter().map(SubscriptionDetail::of_account).collect();
    let stats = match is_meant {
        true => InterestStats::of(broker).await?,
        false => InterestStats::default(),
    };
    let (settings, _) = broker.settings.current();
    Document::of(&Subsz {
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
/// When the server is at its end.
pub async fn subsz_value(broker: &Broker) -> Result<serde_json::Value, Refusal> {
    let (settings, _) = broker.settings.current();
    let subsz = Subsz {
        server_id: &settings.info.server_id,
        now: Time(Timestamp::now()),
        stats: InterestStats::of(broker).await?,
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
    page: Vec<SubscriptionState>,
}

/// Those a message on this subject would go to.
async fn matching(
    observatory: &Observatory,
    subject: &str,
    offset: usize,
    limit: usize,
) -> Result<Found, Refusal> {
    let interested = observatory.interested(subject.as_bytes(), SUBSCRIPTIONS_AT_MOST);
    let Interested {
        mut subscriptions,
        truncated,
    } = interested.await;
    // Elsewhere: they may be many, and others ask meanwhile.
    let found = spawn_blocking(move || {
        subscriptions.sort_unstable_by(|one, other| {
            let sid = |one: &ConnectionSubscription| (one.destination().connection_id(), one.sid().len());
            sid(one).cmp(&sid(other)).then_with(|| one.sid().cmp(other.sid()))
        });
        let page = subscriptions.iter().skip(offset).take(limit);
        Found {
            total: subscriptions.len(),
            truncated,
            page: page.map(|one| SubscriptionState::from(&**one)).collect(),
        }
    });
    found.await.map_err(|_| Refusal::ending())
}

/// Those of all connections, one after the other. Only connections whose subscriptions are shown are asked for them.
async fn all(observatory: &Observatory, offset: usize, limit: usize) -> Result<Found, Refusal> {
    let connections = observatory.connections(0, usize::MAX, Extent::Figures).await;
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
        } else if before < offset.saturating_add(limit) && count > 0 {
            asked.push(connection);
        }
        before += count;
    }
    let answers = ask_again(asked, Extent::Subscriptions).await;
    let subscriptions = answers
        .into_iter()
        .flat_map(|connection| connection.subscriptions);
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
    subscriptions_list: Option<Vec<SubscriptionDetail>>,
}
