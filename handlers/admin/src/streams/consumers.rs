//! The consumers of a stream: how they stand, why one waits, and that it pauses or begins anew.

use super::{OfStream, found, problem};
use crate::access::{Administrator, Entrant};
use crate::administration::Administration;
use crate::problem::Problem;
use actix_web::web::{Data, Json, Path, Query};
use actix_web::{HttpResponse, Responder};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use vagus_actors::jetstream::{ShownConsumer, StreamAddress};
use vagus_jetstream::consumer::request::{PauseRequest, ResetRequest};
use vagus_jetstream::consumer::{BehindOthers, ConsumerHealth, ConsumerInfo, Waits};
use vagus_jetstream::time::SECOND;

/// How many consumers one answer has.
const AT_MOST: usize = 256;

/// For how long a consumer may be paused: ten years, in seconds.
const PAUSE_AT_MOST: u64 = 10 * 365 * 86_400;

/// A consumer by the account, the stream and its name.
pub(crate) type OfConsumer = Path<(String, String, String)>;

/// Which consumers are asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Wanted {
    /// Those whose names come behind this one.
    after: String,
}

#[derive(Serialize)]
struct List {
    total: u64,
    consumers: Vec<ConsumerShown>,
}

/// A consumer, with what nats-server does not tell.
#[derive(Serialize)]
struct ConsumerShown {
    #[serde(flatten)]
    info: ConsumerInfo,
    /// Why it delivers nothing; None: it is about to.
    waits: Option<Waits>,
    /// How old the first message is that is still to come; 0: none is.
    lag_seconds: f64,
    /// How long ago the message was delivered that is unacknowledged for the longest time; 0: none is.
    oldest_unacknowledged_seconds: f64,
    /// What waits for others of its subject to be acknowledged; None: nothing ever does.
    behind_others: Option<BehindOthers>,
}

impl From<ShownConsumer> for ConsumerShown {
    fn from(ShownConsumer { info, health }: ShownConsumer) -> Self {
        let ConsumerHealth {
            waits,
            lag,
            oldest_unacknowledged,
            behind_others,
        } = health;
        let seconds = |time: i64| time as f64 / SECOND as f64;
        Self {
            info,
            waits,
            lag_seconds: seconds(lag),
            oldest_unacknowledged_seconds: seconds(oldest_unacknowledged),
            behind_others,
        }
    }
}

/// `GET /v1/accounts/{account}/streams/{stream}/consumers`
pub(crate) async fn list(
    administration: Data<Administration>,
    of: OfStream,
    wanted: Query<Wanted>,
) -> Result<impl Responder, Problem> {
    let _turn = administration.broker.turn().await;
    let stream = found(&administration, &of)?;
    let Wanted { mut after } = wanted.into_inner();
    let mut shown = Vec::new();
    while shown.len() < AT_MOST {
        let some = stream.consumers_after(&after).await.map_err(problem)?;
        let Some(last) = some.last() else { break };
        after.clone_from(&last.info.name);
        shown.extend(some);
    }
    shown.truncate(AT_MOST);
    Ok(Json(List {
        total: stream.figures().read().consumers,
        consumers: shown.into_iter().map(ConsumerShown::from).collect(),
    }))
}

/// `GET /v1/accounts/{account}/streams/{stream}/consumers/{consumer}`
pub(crate) async fn show(
    administration: Data<Administration>,
    of: OfConsumer,
) -> Result<impl Responder, Problem> {
    let (stream, name) = consumer(&administration, of)?;
    let shown = stream.consumer_shown(&name).await.map_err(problem)?;
    Ok(Json(ConsumerShown::from(shown)))
}

fn consumer(administration: &Administration, of: OfConsumer) -> Result<(StreamAddress, String), Problem> {
    let (account, stream, name) = of.into_inner();
    Ok((found(administration, &(account, stream))?, name))
}

/// For how long a consumer is to deliver nothing.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pause {
    seconds: u64,
}

/// `POST …/consumers/{consumer}/pause`
pub(crate) async fn pause(
    Administrator(who): Administrator,
    administration: Data<Administration>,
    of: OfConsumer,
    wanted: Json<Pause>,
) -> Result<HttpResponse, Problem> {
    let seconds = wanted.seconds.min(PAUSE_AT_MOST);
    let until = Timestamp::now() + SignedDuration::from_secs(i64::try_from(seconds).unwrap_or_default());
    let until = PauseRequest::from_json(format!("{{\"pause_until\":\"{until}\"}}").as_bytes(), true);
    set_paused(&who, &administration, of, until.map_err(problem)?).await
}

/// `POST …/consumers/{consumer}/resume`
pub(crate) async fn resume(
    Administrator(who): Administrator,
    administration: Data<Administration>,
    of: OfConsumer,
) -> Result<HttpResponse, Problem> {
    set_paused(&who, &administration, of, PauseRequest::default()).await
}

async fn set_paused(
    who: &Entrant,
    administration: &Administration,
    of: OfConsumer,
    wanted: PauseRequest,
) -> Result<HttpResponse, Problem> {
    let what = if wanted.until.is_some() { "pause" } else { "go on" };
    let (stream, name) = consumer(administration, of)?;
    stream.pause_consumer(&name, wanted).await.map_err(problem)?;
    told(who, &stream, &name, what);
    Ok(HttpResponse::NoContent().finish())
}

/// From where on a consumer is to begin anew.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Reset {
    /// From this sequence; 0: behind what is acknowledged.
    sequence: u64,
}

#[derive(Serialize)]
struct BegunAnew {
    sequence: u64,
}

/// `POST …/consumers/{consumer}/reset`
pub(crate) async fn reset(
    Administrator(who): Administrator,
    administration: Data<Administration>,
    of: OfConsumer,
    wanted: Json<Reset>,
) -> Result<impl Responder, Problem> {
    let (stream, name) = consumer(&administration, of)?;
    let wanted = ResetRequest {
        sequence: wanted.sequence,
    };
    let (_, sequence) = stream.reset_consumer(&name, wanted).await.map_err(problem)?;
    told(&who, &stream, &name, "begin anew");
    Ok(Json(BegunAnew { sequence }))
}

/// `DELETE …/consumers/{consumer}`
pub(crate) async fn delete(
    Administrator(who): Administrator,
    administration: Data<Administration>,
    of: OfConsumer,
) -> Result<HttpResponse, Problem> {
    let (stream, name) = consumer(&administration, of)?;
    stream.delete_consumer(&name).await.map_err(problem)?;
    told(&who, &stream, &name, "go");
    Ok(HttpResponse::NoContent().finish())
}

fn told(who: &Entrant, stream: &StreamAddress, name: &str, what: &str) {
    log::info!(
        "JetStream: consumer '{} > {name}' is to {what}, by administrator {:?}",
        stream.name(),
        who.name
    );
}
