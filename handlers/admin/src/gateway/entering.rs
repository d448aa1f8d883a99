//! How one logs in: a nonce to sign, a token for who has signed it, and the end of that.

use super::Session;
use super::calls::read_body;
use super::entrance::LOGIN_AT_MOST;
use super::logins::{LoginRules, Said, log_in, refused};
use super::nonces::HOLDS;
use super::sessions::LIFETIME;
use crate::access::Presented;
use crate::problem::Problem;
use actix_web::http::header::{AUTHORIZATION, CACHE_CONTROL, HeaderMap};
use actix_web::web::{Data, Payload};
use actix_web::{HttpMessage, HttpRequest, HttpResponse};
use serde::Serialize;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Instant;

/// What can be called without a login.
pub(super) const NONCE: &str = "/v1/nonce";
pub(super) const LOGIN: &str = "/v1/login";

/// Who is in now, and for how long.
#[derive(Serialize)]
struct Welcome<'a> {
    token: String,
    /// Seconds.
    expires_in: u64,
    account: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
}

/// Where a call comes from.
pub(super) fn peer_of(request: &HttpRequest) -> IpAddr {
    let address = request.peer_addr();
    address.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |address| address.ip())
}

/// `GET /v1/nonce`: what is to be signed, and nothing else, so that it can be as it comes.
pub(super) async fn nonce(session: Data<Session>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let nonce = session.nonces.give(peer_of(&request), session.since.elapsed());
    let nonce = nonce.map_err(|_| Problem::unavailable("there is no randomness"))?;
    Ok(HttpResponse::Ok()
        .content_type("text/plain; charset=utf-8")
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header(("x-nats-nonce-expires-in", HOLDS.as_secs()))
        .body(nonce))
}

/// `POST /v1/login`: what CONNECT says, or what the header of a call says.
pub(super) async fn login(
    session: Data<Session>,
    request: HttpRequest,
    body: Payload,
) -> Result<HttpResponse, Problem> {
    let (peer, rules) = (peer_of(&request), (session.means.rules)());
    let body = read_body(LOGIN_AT_MOST, body).await?;
    let said = if body.is_empty() {
        said_in_header(request.headers(), &rules).ok_or_else(|| refused(peer))?
    } else if request.content_type().eq_ignore_ascii_case("application/json") {
        serde_json::from_slice(&body).map_err(|error| {
            // Without what it quotes, which may be secret.
            let (line, column) = (error.line(), error.column());
            Problem::bad_request(format!("this is no login, at line {line}, column {column}"))
        })?
    } else {
        return Err(Problem::bad_request("a login is application/json"));
    };
    let admitted = Arc::new(log_in(&session, &rules, said, peer).await?);
    let now = Instant::now();
    let token = session.sessions.open(admitted.clone(), now);
    let token = token.ok_or_else(|| Problem::unavailable("there is no randomness"))?;
    let left = admitted.deadline().map(|end| end.saturating_duration_since(now));
    let welcome = Welcome {
        token,
        expires_in: left.map_or(LIFETIME, |left| left.min(LIFETIME)).as_secs(),
        account: admitted.account(),
        user: admitted.user(),
    };
    Ok(HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(welcome))
}

/// `DELETE /v1/login`: the token of this call holds no more.
pub(super) async fn logout(session: Data<Session>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let presented = request.headers().get(AUTHORIZATION);
    let code = match Presented::read(presented.map(|header| header.as_bytes())) {
        Presented::Token(token) => session.sessions.of_token(&token),
        _ => None,
    };
    match code.is_some_and(|code| session.sessions.end(code)) {
        true => Ok(HttpResponse::NoContent().finish()),
        false => Err(refused(peer_of(&request))),
    }
}

fn said_in_header(headers: &HeaderMap, rules: &LoginRules) -> Option<Said> {
    let presented = headers.get(AUTHORIZATION);
    Said::in_header(Presented::read(presented.map(|header| header.as_bytes())), rules)
}
