//! Streams: which there are, what one holds, message by message, and that it is emptied or deleted.

mod consumers;
mod endpoints;
mod listing;

pub(crate) use consumers::{
    delete as delete_consumer, list as consumers, pause as pause_consumer, reset as reset_consumer,
    resume as resume_consumer, show as consumer,
};
pub(crate) use endpoints::STREAMS;
pub(crate) use listing::list;

use crate::access::Administrator;
use crate::administration::Administration;
use crate::problem::Problem;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Json, Path, Query};
use actix_web::{HttpResponse, Responder};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use vagus_actors::jetstream::{AccountStreams, StreamAddress};
use vagus_jetstream::api::{
    DeleteMessageRequest, GetRequest, PurgeRequest, SourceInfo, StreamInfoRequest, StreamState,
};
use vagus_jetstream::config::StreamConfig;
use vagus_jetstream::error::ApiError;
use vagus_jetstream::time::Time;

/// How many subjects of a stream one answer has.
const SUBJECTS_AT_MOST: usize = 1000;

/// A stream by its account and name.
pub(crate) type OfStream = Path<(String, String)>;

/// An error of the API of streams, as one of HTTP.
fn problem(error: ApiError) -> Problem {
    let status = StatusCode::from_u16(error.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    Problem::new(status, error.description)
}

/// The account, if it may have streams.
fn account(administration: &Administration, name: &str) -> Result<Arc<AccountStreams>, Problem> {
    let jetstream = administration.broker.jetstream.get();
    let jetstream = jetstream.ok_or_else(|| Problem::not_found("this server keeps no streams"))?;
    let account = jetstream.account(name);
    account.ok_or_else(|| Problem::not_found(format!("there is no account {name:?} that may have streams")))
}

fn found(administration: &Administration, (of, name): &(String, String)) -> Result<StreamAddress, Problem> {
    account(administration, of)?.stream(name).map_err(problem)
}

/// All that is shown of a stream.
#[derive(Serialize)]
struct StreamShown {
    account: String,
    created: Time,
    config: StreamConfig,
    state: StreamState,
    /// How far it is with what it is a copy of.
    #[serde(skip_serializing_if = "Option::is_none")]
    mirror: Option<SourceInfo>,
    /// How far it is with its sources.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sources: Vec<SourceInfo>,
    /// Why nothing gets in, if that is so.
    failure: Option<String>,
}

/// `GET /v1/accounts/{account}/streams/{stream}`
pub(crate) async fn show(
    administration: Data<Administration>,
    of: OfStream,
) -> Result<impl Responder, Problem> {
    let _turn = administration.broker.turn().await;
    let stream = found(&administration, &of)?;
    let shown = stream.show(StreamInfoRequest::default()).await.map_err(problem)?;
    Ok(Json(StreamShown {
        account: of.0.clone(),
        created: shown.created,
        config: shown.config,
        state: shown.state,
        mirror: shown.mirror,
        sources: shown.sources,
        failure: stream.figures().failure().map(|failure| failure.to_string()),
    }))
}

/// Which subjects are asked for.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct WantedSubjects {
    filter: String,
    offset: usize,
}

impl Default for WantedSubjects {
    fn default() -> Self {
        Self {
            filter: ">".to_owned(),
            offset: 0,
        }
    }
}

#[derive(Serialize)]
struct Subjects {
    total: usize,
    offset: usize,
    subjects: Vec<SubjectShown>,
}

#[derive(Serialize)]
struct SubjectShown {
    subject: String,
    messages: u64,
}

/// `GET /v1/accounts/{account}/streams/{stream}/subjects`
pub(crate) async fn subjects(
    administration: Data<Administration>,
    of: OfStream,
    wanted: Query<WantedSubjects>,
) -> Result<impl Responder, Problem> {
    let _turn = administration.broker.turn().await;
    let WantedSubjects { filter, offset } = wanted.into_inner();
    let stream = found(&administration, &of)?;
    let wanted = StreamInfoRequest {
        offset: isize::try_from(offset).unwrap_or(isize::MAX),
        subjects_filter: filter,
        ..StreamInfoRequest::default()
    };
    let shown = stream.show(wanted).await.map_err(problem)?;
    let subjects = shown.state.subjects.into_iter().take(SUBJECTS_AT_MOST);
    Ok(Json(Subjects {
        total: shown.page.total,
        offset,
        subjects: subjects
            .map(|(subject, messages)| SubjectShown { subject, messages })
            .collect(),
    }))
}

/// Which message is asked for: that of a sequence, the last of a subject, or the next of one from a sequence on.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct WantedMessage {
    sequence: u64,
    last_for: String,
    next_for: String,
}

/// `GET /v1/accounts/{account}/streams/{stream}/message`
pub(crate) async fn message(
    _: Administrator,
    administration: Data<Administration>,
    of: OfStream,
    wanted: Query<WantedMessage>,
) -> Result<impl Responder, Problem> {
    let WantedMessage {
        sequence,
        last_for,
        next_for,
    } = wanted.into_inner();
    let wanted = GetRequest {
        sequence,
        last_for,
        next_for,
        ..GetRequest::default()
    };
    let stream = found(&administration, &of)?;
    stream.get(wanted).await.map(Json).map_err(problem)
}

/// `DELETE /v1/accounts/{account}/streams/{stream}/messages/{sequence}`
pub(crate) async fn delete_message(
    Administrator(who): Administrator,
    administration: Data<Administration>,
    of: Path<(String, String, u64)>,
) -> Result<HttpResponse, Problem> {
    let (account, stream, sequence) = of.into_inner();
    let of = (account, stream);
    let wanted = DeleteMessageRequest {
        sequence,
        no_erase: true,
    };
    found(&administration, &of)?
        .delete_message(wanted)
        .await
        .map_err(problem)?;
    let (account, stream) = of;
    log::info!(
        "JetStream: message {sequence} of stream '{account} > {stream}' was deleted by administrator {:?}",
        who.name
    );
    Ok(HttpResponse::NoContent().finish())
}

/// Which messages are to go.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Purge {
    /// Those of these subjects; empty: of all.
    subject: String,
    /// Those before this sequence; 0: all.
    before: u64,
    /// All but so many of the newest.
    keep: u64,
}

#[derive(Serialize)]
struct Purged {
    purged: u64,
}

/// `POST /v1/accounts/{account}/streams/{stream}/purge`
pub(crate) async fn purge(
    Administrator(who): Administrator,
    administration: Data<Administration>,
    of: OfStream,
    wanted: Json<Purge>,
) -> Result<impl Responder, Problem> {
    let Purge {
        subject,
        before,
        keep,
    } = wanted.into_inner();
    let wanted = PurgeRequest {
        sequence: before,
        filter: subject,
        keep,
    };
    let stream = found(&administration, &of)?;
    let purged = stream.purge(wanted).await.map_err(problem)?;
    let (account, stream) = &*of;
    log::info!(
        "JetStream: {purged} messages of stream '{account} > {stream}' were removed by administrator {:?}",
        who.name
    );
    Ok(Json(Purged { purged }))
}

/// `DELETE /v1/accounts/{account}/streams/{stream}`
pub(crate) async fn delete(
    Administrator(who): Administrator,
    administration: Data<Administration>,
    of: OfStream,
) -> Result<HttpResponse, Problem> {
    let (name, stream) = &*of;
    let deleted = account(&administration, name)?.delete(stream).await;
    deleted.map_err(problem)?;
    log::info!(
        "JetStream: stream '{name} > {stream}' was deleted by administrator {:?}",
        who.name
    );
    Ok(HttpResponse::NoContent().finish())
}
