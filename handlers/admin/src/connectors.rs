//! Connectors over HTTP: how they stand, and that they pause, come and go.

use crate::access::Administrator;
use crate::administration::Administration;
use crate::config_api;
use crate::problem::Problem;
use actix_web::http::header::HeaderMap;
use actix_web::web::{Data, Json, Path, Query};
use actix_web::{HttpRequest, HttpResponse, Responder};
use serde::Serialize;
use serde_json::{Map, Value as Document, json};
use vagus_actors::connectors::{ConnectorState, ConnectorsHandle};
use vagus_actors::reload::Content;
use vagus_configs::document::Patch;
use vagus_configs::grammar::{Kind, Value};

/// How all of them stand.
#[derive(Serialize)]
struct Shown {
    connectors: Vec<ConnectorState>,
}

/// `GET /v1/connectors`
pub(crate) async fn list(administration: Data<Administration>) -> impl Responder {
    let connectors = administration.broker.connectors().await;
    Json(Shown { connectors })
}

/// `POST /v1/connectors/{id}/pause`
pub(crate) async fn pause(
    who: Administrator,
    administration: Data<Administration>,
    id: Path<String>,
) -> Result<HttpResponse, Problem> {
    set_paused(&who, &administration, &id, true).await
}

/// `POST /v1/connectors/{id}/resume`
pub(crate) async fn resume(
    who: Administrator,
    administration: Data<Administration>,
    id: Path<String>,
) -> Result<HttpResponse, Problem> {
    set_paused(&who, &administration, &id, false).await
}

async fn set_paused(
    Administrator(who): &Administrator,
    administration: &Administration,
    id: &str,
    is_paused: bool,
) -> Result<HttpResponse, Problem> {
    match known(administration)?.set_paused(id, is_paused).await {
        Some(true) => {
            let what = if is_paused { "pause" } else { "go on" };
            log::info!("Connector {id:?} is to {what}, by administrator {:?}", who.name);
            Ok(HttpResponse::NoContent().finish())
        }
        Some(false) => Err(not_there(id)),
        None => Err(Problem::ending()),
    }
}

fn known(administration: &Administration) -> Result<&ConnectorsHandle, Problem> {
    let known = administration.broker.connectors.get();
    known.ok_or_else(|| Problem::unavailable("the server has not started yet"))
}

fn not_there(id: &str) -> Problem {
    Problem::not_found(format!("there is no connector {id:?}"))
}

/// `PUT /v1/connectors/{id}`: what a configuration says of it, as JSON; it is added if there is none.
pub(crate) async fn set(
    who: Administrator,
    administration: Data<Administration>,
    how: Query<config_api::How>,
    request: HttpRequest,
    id: Path<String>,
    document: String,
) -> Result<HttpResponse, Problem> {
    let connector = connector(&id, &document)?;
    let headers = request.headers();
    let change = |mut connectors: Vec<Value>| {
        match connectors.iter_mut().find(|other| is_called(other, &id)) {
            Some(other) => *other = connector.clone(),
            None => connectors.push(connector.clone()),
        }
        Ok(connectors)
    };
    propose(&who, &administration, &how, headers, change).await
}

/// `DELETE /v1/connectors/{id}`
pub(crate) async fn remove(
    who: Administrator,
    administration: Data<Administration>,
    how: Query<config_api::How>,
    request: HttpRequest,
    id: Path<String>,
) -> Result<HttpResponse, Problem> {
    let change = |mut connectors: Vec<Value>| {
        let before = connectors.len();
        connectors.retain(|other| !is_called(other, &id));
        match connectors.len() < before {
            true => Ok(connectors),
            false => Err(not_there(&id)),
        }
    };
    propose(&who, &administration, &how, request.headers(), change).await
}

/// Has the configuration changed to what becomes of its connectors.
async fn propose(
    Administrator(who): &Administrator,
    administration: &Administration,
    how: &config_api::How,
    headers: &HeaderMap,
    change: impl FnOnce(Vec<Value>) -> Result<Vec<Value>, Problem>,
) -> Result<HttpResponse, Problem> {
    let state = config_api::state(administration).await?;
    let tree = &state.current.tree;
    let before = tree.find("connectors").map(|entry| entry.value.kind.clone());
    let before = match before {
        Some(Kind::Array(connectors)) => connectors,
        _ => Vec::new(),
    };
    let connectors = Kind::Array(change(before)?);
    let patch = Patch::Merge(vec![("connectors".to_owned(), Patch::Replace(connectors))]);
    // What was changed meanwhile by somebody else is not to be undone.
    let made_for = state.current.tag();
    config_api::propose(
        who,
        administration,
        how,
        headers,
        Some(made_for),
        Content::Keys(patch),
    )
    .await
}

/// The connector that a document describes, which is called so.
fn connector(id: &str, document: &str) -> Result<Value, Problem> {
    let bad = || Problem::bad_request("a connector is an object of JSON");
    let mut fields: Map<String, Document> = serde_json::from_str(document).map_err(|_| bad())?;
    fields.insert("id".to_owned(), id.into());
    // In an array it is taken as it is; by itself it would be a patch of what there is.
    let patch = config_api::document::patch(&json!({ "connectors": [fields] }).to_string());
    match patch.map_err(|error| Problem::bad_request(error.to_string()))? {
        Patch::Merge(entries) => match entries.into_iter().next() {
            Some((_, Patch::Replace(Kind::Array(values)))) => values.into_iter().next().ok_or_else(bad),
            _ => Err(bad()),
        },
        _ => Err(bad()),
    }
}

fn is_called(connector: &Value, id: &str) -> bool {
    let Kind::Map(map) = &connector.kind else {
        return false;
    };
    let own = map.find("id").map(|entry| &entry.value.kind);
    matches!(own, Some(Kind::Text(own)) if own == id)
}

#[cfg(test)]
mod tests {
    use super::{connector, is_called};

    #[test]
    fn a_connector_is_an_object() {
        for document in [
            r#"{"type": "ForwardToNATS"}"#,
            r#"{"id": "other", "type": "ForwardToNATS"}"#,
        ] {
            let value = connector("a", document).unwrap();
            assert!(is_called(&value, "a") && !is_called(&value, "other"));
        }
        for other in ["", "1", "[]", "{}, {}", "{}], \"port\": [5", "null"] {
            assert!(connector("a", other).is_err(), "{other}");
        }
    }
}
