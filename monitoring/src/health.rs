//! Whether the server is well: for probes.

use crate::Broker;
use crate::answer::Status;
use crate::answer::{Document, Refusal};
use crate::query::{Form, Query};
use serde::Serialize;

pub(super) async fn show(broker: &Broker, query: &Query) -> Result<Document, Refusal> {
    if query.flag("js-enabled")? {
        log::warn!("Healthcheck: js-enabled deprecated, use js-enabled-only instead");
    }
    // Without JetStream there is nothing of it to be unwell.
    for option in ["js-enabled-only", "js-server-only", "js-meta-only"] {
        query.flag(option)?;
    }
    let details = query.flag("details")?;
    let answer = match ailment(query) {
        Some(ailment) => Err(ailment),
        None => {
            let listener = broker.observatory.listener().await;
            match listener.is_some_and(|listener| listener.accepting) {
                true => Ok(()),
                false => Err(Ailment {
                    status: Status::InternalError,
                    kind: "CONNECTION",
                    error: "failed to be ready for connections: server".to_owned(),
                }),
            }
        }
    };
    match answer {
        Ok(()) => Document::compact(Status::Ok, &Health::well(query.form())),
        Err(ailment) => {
            log::warn!("Healthcheck failed: {:?}", ailment.error);
            Document::compact(ailment.status, &Health::unwell(&ailment, details, query.form()))
        }
    }
}

/// What is wrong with the question itself.
fn ailment(query: &Query) -> Option<Ailment> {
    let missing = |option: &str, kind: &str| Ailment {
        status: Status::BadRequest,
        kind: "BAD_REQUEST",
        error: format!("{option:?} must not be empty when checking {kind} health"),
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

struct Ailment {
    status: Status,
    kind: &'static str,
    error: String,
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

    fn unwell(ailment: &'a Ailment, details: bool, form: Form) -> Self {
        let detail = Detail {
            kind: ailment.kind,
            error: &ailment.error,
        };
        Self {
            status: "error",
            status_code: told(ailment.status, form),
            error: (!details).then_some(&ailment.error),
            errors: details.then_some(detail).into_iter().collect(),
        }
    }
}
