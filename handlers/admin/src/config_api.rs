//! The configuration over HTTP: what it is, what it was, and how it comes to be another.

mod answers;
pub(crate) mod document;
#[cfg(test)]
mod tests;

use crate::access::{Administrator, Entrant};
use crate::administration::Administration;
use crate::problem::Problem;
use actix_web::http::StatusCode;
use actix_web::http::header::{ETAG, HeaderMap, IF_MATCH};
use actix_web::web::{Data, Json, Query};
use actix_web::{HttpRequest, HttpResponse};
use answers::{History, Outcome, State};
use serde::Deserialize;
use std::time::Duration;
use vagus_actors::reload::{Configurator, Content, Keep, Propose, Reach, ReloadError, ReloadState};
use vagus_configs::AdminRole;
use vagus_configs::document::masked_text;

/// The largest configuration that is taken, in bytes: as of a file.
pub(crate) const CONFIGURATION_AT_MOST: usize = 16 << 20;

/// How to make a change.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct How {
    dry_run: bool,
    persist: Persist,
}

/// How long a change is to last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Persist {
    /// Until the server restarts or reads its file again.
    #[default]
    Memory,
    /// It is written to the file.
    File,
}

/// How to show the configuration.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Form {
    format: Format,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Format {
    #[default]
    Json,
    /// As a configuration file has it.
    Text,
}

/// What to go back to.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Back {
    version: u64,
}

/// `GET /v1/config`
pub(crate) async fn show(
    who: Entrant,
    administration: Data<Administration>,
    form: Query<Form>,
) -> Result<HttpResponse, Problem> {
    let state = state(&administration).await?;
    let mut response = HttpResponse::Ok();
    response.insert_header((ETAG, quoted(&state.current.tag())));
    Ok(match form.format {
        Format::Json => response.json(State::of(&state)),
        Format::Text => response
            .content_type("text/plain; charset=utf-8")
            .body(match who.role {
                AdminRole::Admin => text(&state),
                // Comments may hold what was a secret, or is one elsewhere.
                AdminRole::Read => document::masked_render(&state.current.tree),
            }),
    })
}

/// The text as it is written, where its secrets can be masked in it; else what it holds.
fn text(state: &ReloadState) -> String {
    let current = &state.current;
    let file = state
        .file
        .as_ref()
        .map_or("request".into(), |file| file.to_string_lossy());
    let written = current.text.as_deref();
    written
        .and_then(|text| masked_text(text, &file, &current.tree))
        .unwrap_or_else(|| document::masked_render(&current.tree))
}

/// `GET /v1/config/history`
pub(crate) async fn history(
    who: Entrant,
    administration: Data<Administration>,
) -> Result<HttpResponse, Problem> {
    let state = state(&administration).await?;
    Ok(HttpResponse::Ok().json(History::of(&state, who.role)))
}

/// `PUT /v1/config`: all of it, as a configuration file has it, or as JSON, which is one.
pub(crate) async fn replace(
    Administrator(who): Administrator,
    administration: Data<Administration>,
    how: Query<How>,
    request: HttpRequest,
    text: String,
) -> Result<HttpResponse, Problem> {
    propose(
        &who,
        &administration,
        &how,
        request.headers(),
        None,
        Content::Text(text),
    )
    .await
}

/// `PATCH /v1/config`: single keys, as a merge patch (RFC 7396).
pub(crate) async fn change(
    Administrator(who): Administrator,
    administration: Data<Administration>,
    how: Query<How>,
    request: HttpRequest,
    patch: String,
) -> Result<HttpResponse, Problem> {
    // Elsewhere: it may be large, and others ask meanwhile.
    let read = actix_web::web::block(move || document::patch(&patch)).await;
    let patch = read
        .map_err(|_| Problem::ending())?
        .map_err(|error| Problem::bad_request(error.to_string()))?;
    propose(
        &who,
        &administration,
        &how,
        request.headers(),
        None,
        Content::Keys(patch),
    )
    .await
}

/// `POST /v1/config/rollback`
pub(crate) async fn roll_back(
    Administrator(who): Administrator,
    administration: Data<Administration>,
    how: Query<How>,
    request: HttpRequest,
    back: Json<Back>,
) -> Result<HttpResponse, Problem> {
    let content = Content::Version(back.version);
    propose(&who, &administration, &how, request.headers(), None, content).await
}

/// `POST /v1/config/reload`: as the file says by now.
pub(crate) async fn reload(
    Administrator(who): Administrator,
    administration: Data<Administration>,
    how: Query<How>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let how = How {
        dry_run: how.dry_run,
        persist: Persist::Memory,
    };
    propose(
        &who,
        &administration,
        &how,
        request.headers(),
        None,
        Content::File,
    )
    .await
}

/// Has a change of the configuration decided about. `made_for` is the version that it is made for, where the request does not
/// say that.
pub(crate) async fn propose(
    who: &Entrant,
    administration: &Administration,
    how: &How,
    headers: &HeaderMap,
    made_for: Option<String>,
    content: Content,
) -> Result<HttpResponse, Problem> {
    let by = if who.name.is_empty() {
        "administrator".to_owned()
    } else {
        who.name.clone()
    };
    let mut expected = expected(headers)?;
    if expected.is_empty() {
        expected.extend(made_for);
    }
    let propose = Propose {
        content,
        by,
        expected,
        dry_run: how.dry_run,
        reach: Reach::Folder,
        keep: match how.persist {
            Persist::Memory => Keep::Memory,
            Persist::File => Keep::File,
        },
    };
    let outcome = configurator(administration)?.propose(propose).await?;
    Ok(HttpResponse::Ok()
        .insert_header((ETAG, quoted(&outcome.tag)))
        .json(Outcome::of(&outcome, how.dry_run)))
}

fn configurator(administration: &Administration) -> Result<&Configurator, Problem> {
    let configurator = administration.broker.configurator.get();
    configurator.ok_or_else(|| Problem::unavailable("the server has not started yet"))
}

/// How the server is set, and was.
pub(crate) async fn state(administration: &Administration) -> Result<ReloadState, Problem> {
    configurator(administration)?
        .state()
        .await
        .ok_or_else(Problem::ending)
}

/// The tags in `If-Match`; none where anything may be changed.
fn expected(headers: &HeaderMap) -> Result<Vec<String>, Problem> {
    let mut tags = Vec::new();
    for value in headers.get_all(IF_MATCH) {
        let text = value
            .to_str()
            .map_err(|_| Problem::bad_request("If-Match is no text"))?;
        if text.trim() == "*" {
            return Ok(Vec::new());
        }
        // A weak one matches nothing, and stays as it is.
        tags.extend(text.split(',').map(|tag| tag.trim().trim_matches('"').to_owned()));
    }
    Ok(tags)
}

fn quoted(tag: &str) -> String {
    format!("\"{tag}\"")
}

impl From<ReloadError> for Problem {
    fn from(error: ReloadError) -> Self {
        let status = match &error {
            ReloadError::Invalid(_) | ReloadError::OutOfReach(_) | ReloadError::Mask(_) => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            ReloadError::NoFile
            | ReloadError::Refused(_)
            | ReloadError::Unavailable(_)
            | ReloadError::Uneditable(_)
            | ReloadError::FileDiffers(_) => StatusCode::CONFLICT,
            ReloadError::Outdated { .. } => StatusCode::PRECONDITION_FAILED,
            ReloadError::UnknownVersion(_) => StatusCode::NOT_FOUND,
            ReloadError::Unwritten(_) => StatusCode::INTERNAL_SERVER_ERROR,
            ReloadError::Busy => {
                return Self::unavailable(error.to_string()).retry_after(Duration::from_secs(1));
            }
        };
        Self::new(status, error.to_string())
    }
}
