//! How many subscriptions of clients there are for a subject.

use crate::service::SystemService;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use vagus_actors::Interested;
use vagus_actors::observed::Extent;
use vagus_delivery::Account;
use vagus_routing::subject::{has_wildcards, is_subset};
use vagus_routing::{ConnectionKind, Destination};

/// No more are counted: who sees that many knows that there are many.
const COUNTED_AT_MOST: usize = 524_288;

/// What another server asks.
#[derive(Debug, Deserialize)]
struct Request {
    #[serde(default)]
    acc: String,
    #[serde(default)]
    subject: String,
    /// The queue group, in base64.
    #[serde(default)]
    queue: Option<String>,
}

/// How many there are in the account that the request names. None: that is no request, or the account has nobody here.
pub(crate) async fn by_request(service: &SystemService, payload: &[u8]) -> Option<usize> {
    let request: Request = match serde_json::from_slice(payload) {
        Ok(request) => request,
        Err(error) => {
            log::error!("Error unmarshalling account nsubs request message: {error}");
            return None;
        }
    };
    let account = service.accounts.find(&request.acc)?;
    let queue = request
        .queue
        .map(|queue| STANDARD.decode(queue))
        .transpose()
        .ok()?;
    let stats = account.interest().stats();
    if stats.plain + stats.group_members == 0 {
        return None;
    }
    Some(count(service, &account, request.subject.as_bytes(), queue.as_deref()).await)
}

/// How many there are in the system account: a subject, and perhaps a queue group behind a space.
pub(crate) async fn by_text(service: &SystemService, payload: &[u8]) -> Option<usize> {
    let mut words = payload.trim_ascii().split(|byte| *byte == b' ');
    let subject = words.next().unwrap_or_default();
    Some(count(service, &service.account, subject, words.next()).await)
}

async fn count(service: &SystemService, account: &Account, subject: &[u8], queue: Option<&[u8]>) -> usize {
    if has_wildcards(subject) {
        return count_within(service, account, subject, queue).await;
    }
    let found = Interested::of(account.interest(), subject, COUNTED_AT_MOST).await;
    let of_clients = found.subscriptions.iter().filter(|subscription| {
        subscription.destination().kind() == ConnectionKind::Client
            && queue.is_none_or(|queue| subscription.queue() == Some(queue))
    });
    of_clients.count()
}

/// Those to no more than a pattern allows. The connections of the account are asked, one after the other.
async fn count_within(
    service: &SystemService,
    account: &Account,
    pattern: &[u8],
    queue: Option<&[u8]>,
) -> usize {
    let observatory = &service.broker.observatory;
    let mut counted = 0;
    for connection in observatory.connections(0, usize::MAX, Extent::State).await {
        let state = &connection.state;
        if state.subscriptions == 0 || state.account.as_deref() != Some(account.name()) {
            continue;
        }
        let Some(connection) = observatory.connection(state.id, Extent::Subscriptions).await else {
            continue;
        };
        let within = connection.subscriptions.iter().filter(|subscription| {
            is_subset(&subscription.subject, pattern)
                && queue.is_none_or(|queue| subscription.queue.as_deref() == Some(queue))
        });
        counted += within.count();
        if counted >= COUNTED_AT_MOST {
            break;
        }
    }
    counted
}
