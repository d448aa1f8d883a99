//! Whether the server is well: for probes.

mod streams;

use crate::Broker;
use crate::answer::Status;
use crate::answer::{Document, Refusal};
use crate::query::{Form, Query};
use serde::Serialize;

pub(super) async fn show(broker: &Broker, query: &Query) -> Result<Document, Refusal> {
    if query.flag("js-enabled")? {
        log::warn!("Healthcheck: js-enabled deprecated, use js-enabled-only instead");
    }
    // Without a group of servers there is nothing that it could disagree about.
    query.flag("js-meta-only")?;
    let details = query.flag("details")?;
    let ailments = ailments(broker, query).await?;
    let Some(first) = ailments.first() else {
        return Document::compact(Status::Ok, &Health::well(query.form()));
    };
    match details {
        true => log::warn!("Healthcheck failed: {} errors", ailments.len()),
        false => log::warn!("Healthcheck failed: {:?}", first.error),
    }
    Document::compact(first.status, &Health::unwell(&ailments, details, query.form()))
}

/// Whether it is well: it can be reached, and so can all its streams.
pub async fn is_well(broker: &Broker) -> bool {
    let ailments = ailments(broker, &Query::of("")).await;
    ailments.is_ok_and(|ailments| ailments.is_empty())
}

/// What is wrong with the server, or with what is asked of it.
async fn ailments(broker: &Broker, query: &Query) -> Result<Vec<Ailment>, Refusal> {
    let js_server_only = query.flag("js-server-only")?;
    let js_enabled_only = query.flag("js-enabled-only")? || query.flag("js-enabled")?;
    if let Some(ailment) = of_question(query) {
        return Ok(vec![ailment]);
    }
    let listener = broker.observatory.listener().await;
    if !listener.is_some_and(|listener| listener.accepting) {
        return Ok(vec![Ailment {
            status: Status::InternalError,
            word: "error",
            kind: "CONNECTION",
            error: "failed to be ready for connections: server".to_owned(),
            ..Ailment::default()
        }]);
    }
    let (settings, _) = broker.settings.current();
    if js_server_only || settings.config.jetstream.is_none() {
        return Ok(Vec::new());
    }
    let Some(jetstream) = broker.jetstream.get() else {
        return Ok(vec![Ailment {
            kind: "JETSTREAM",
            error: "JetStream not enabled (10076)".to_owned(),
            ..Ailment::default()
        }]);
    };
    match js_enabled_only {
        true => Ok(Vec::new()),
        false => Ok(streams::ailments(&jetstream, query).await),
    }
}

/// What is wrong with the question itself.
fn of_question(query: &Query) -> Option<Ailment> {
    let missing = |option: &str, kind: &str| Ailment {
        status: Status::BadRequest,
        word: "error",
        kind: "BAD_REQUEST",
        error: format!("{option:?} must not be empty when checking {kind} health"),
        ..Ailment::default()
    };
    let has = |option| query.text(option).is_some();
    if has("stream") && !has("account") {
        Some(missing("account", "stream"))
    } else if has("consumer") && !has("stream") {
        Some(missing("stream", "consumer"))
    } else {
        None
    }
}

/// A page has it in its first line.
fn told(status: Status, form: Form) -> Option<u16> {
    (form == Form::Message).then(|| status.code())
}

/// Something that is wrong.
#[derive(Debug)]
struct Ailment {
    status: Status,
    /// What the server is because of it.
    word: &'static str,
    kind: &'static str,
    /// What it concerns; empty: none of that kind.
    account: String,
    stream: String,
    consumer: String,
    error: String,
}

impl Default for Ailment {
    fn default() -> Self {
        Self {
            status: Status::Unavailable,
            word: "unavailable",
            kind: "",
            account: String::new(),
            stream: String::new(),
            consumer: String::new(),
            error: String::new(),
        }
    }
}

#[derive(Serialize)]
struct Health<'a> {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_code: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Detail<'a>>,
}

#[derive(Serialize)]
struct Detail<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    account: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    stream: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    consumer: &'a str,
    error: &'a str,
}

impl<'a> Health<'a> {
    fn well(form: Form) -> Self {
        Self {
            status: "ok",
            status_code: told(Status::Ok, form),
            error: None,
            errors: Vec::new(),
        }
    }

    fn unwell(ailments: &'a [Ailment], details: bool, form: Form) -> Self {
        let first = ailments.first();
        let shown = if details { ailments } else { &[] };
        let details_of = |ailment: &'a Ailment| Detail {
            kind: ailment.kind,
            account: &ailment.account,
            stream: &ailment.stream,
            consumer: &ailment.consumer,
            error: &ailment.error,
        };
        Self {
            status: match details {
                true => "error",
                false => first.map_or("error", |first| first.word),
            },
            status_code: first.and_then(|first| told(first.status, form)),
            error: first.filter(|_| !details).map(|first| &*first.error),
            errors: shown.iter().map(details_of).collect(),
        }
    }
}
