//! What administrators can have done, and who one is.

use crate::access::{Administrator, Entrant};
use crate::administration::{Administration, Face, LogLevels};
use crate::problem::Problem;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Json, Path};
use actix_web::{HttpResponse, Responder};
use serde::Serialize;

/// Who asks, and where.
#[derive(Serialize)]
struct Session {
    user: String,
    role: &'static str,
    /// Whether this is the admin service.
    administration: bool,
}

/// `GET /v1/session`
pub(crate) async fn session(entrant: Entrant, face: Data<Face>) -> impl Responder {
    Json(Session {
        user: entrant.name,
        role: entrant.role.name(),
        administration: **face == Face::Admin,
    })
}

/// `DELETE /v1/connections/{cid}`
pub(crate) async fn close_connection(
    Administrator(who): Administrator,
    administration: Data<Administration>,
    cid: Path<u64>,
) -> Result<HttpResponse, Problem> {
    let cid = cid.into_inner();
    match administration.operator.close_connection(cid).await {
        Some(true) => {
            log::info!("cid:{cid} - Closed by administrator {:?}", who.name);
            Ok(HttpResponse::NoContent().finish())
        }
        Some(false) => Err(Problem::not_found(format!("there is no connection {cid}"))),
        None => Err(Problem::ending()),
    }
}

/// `POST /v1/lame-duck`
pub(crate) async fn enter_lame_duck_mode(
    Administrator(who): Administrator,
    administration: Data<Administration>,
) -> Result<HttpResponse, Problem> {
    match administration.operator.enter_lame_duck_mode().await {
        Some(true) => {
            log::info!("Lame duck mode was asked for by administrator {:?}", who.name);
            Ok(HttpResponse::Accepted().json(serde_json::json!({ "lame_duck": true })))
        }
        Some(false) => Err(Problem::new(
            StatusCode::CONFLICT,
            "the server is in lame duck mode already",
        )),
        None => Err(Problem::ending()),
    }
}

/// `GET /v1/log`
pub(crate) async fn log_levels(administration: Data<Administration>) -> Result<impl Responder, Problem> {
    Ok(Json(log_of(&administration)?.levels()))
}

/// `PUT /v1/log`
pub(crate) async fn set_log_levels(
    Administrator(who): Administrator,
    administration: Data<Administration>,
    levels: Json<LogLevels>,
) -> Result<impl Responder, Problem> {
    let log = log_of(&administration)?;
    log.set_levels(*levels);
    administration.operator.adopt_log_levels().await;
    let LogLevels { debug, trace } = log.levels();
    log::info!(
        "Log set to debug {debug}, trace {trace} by administrator {:?}",
        who.name
    );
    Ok(Json(log.levels()))
}

fn log_of(administration: &Administration) -> Result<&dyn crate::LogControl, Problem> {
    let log = administration.log.as_deref();
    log.ok_or_else(|| Problem::unavailable("this server does not own the log of its process"))
}
