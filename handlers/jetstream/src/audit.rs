//! What is told of each request, and how it was answered, to who listens for that in its account; and of those that are not
//! answered, as there are too many.

use crate::answering::now;
use crate::backup::{Asker, id};
use serde::Serialize;
use std::borrow::Cow;
use vagus_actors::jetstream::AccountStreams;
use vagus_jetstream::api::json;
use vagus_jetstream::time::Time;

/// Where it is told.
pub(crate) const SUBJECT: &str = "$JS.EVENT.ADVISORY.API";

/// Where it is told in the system account that requests were dropped.
pub(crate) const LIMIT_REACHED: &str = "$JS.EVENT.ADVISORY.API.LIMIT_REACHED";

#[derive(Serialize)]
struct LimitReached<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    id: &'a str,
    timestamp: Time,
    server: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    domain: &'a str,
    dropped: usize,
}

/// What is told when so many were dropped that had waited.
pub(crate) fn limit_reached(account: &AccountStreams, dropped: usize) -> Vec<u8> {
    json(&LimitReached {
        kind: "io.nats.jetstream.advisory.v1.api_limit_reached",
        id: &id(),
        timestamp: now(),
        server: account.server_name(),
        domain: account.domain(),
        dropped,
    })
}

#[derive(Serialize)]
struct Audited<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    id: &'a str,
    timestamp: Time,
    server: &'a str,
    client: Asker<'a>,
    subject: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    request: Cow<'a, str>,
    response: Cow<'a, str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    domain: &'a str,
}

/// What is told; None: nobody wants to know.
pub(crate) fn told(
    account: &AccountStreams,
    subject: &str,
    request: &[u8],
    response: &[u8],
) -> Option<Vec<u8>> {
    let routed = &account.routed().account;
    if !routed.interest().reaches_anybody(SUBJECT.as_bytes()) {
        return None;
    }
    Some(json(&Audited {
        kind: "io.nats.jetstream.advisory.v1.api_audit",
        id: &id(),
        timestamp: now(),
        server: account.server_name(),
        client: Asker { acc: routed.name() },
        subject,
        request: String::from_utf8_lossy(request),
        response: String::from_utf8_lossy(response),
        domain: account.domain(),
    }))
}
