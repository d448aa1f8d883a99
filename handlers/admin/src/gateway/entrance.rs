//! What stands before every call: who it is, from which page, and how much.

use super::entering::{LOGIN, NONCE, peer_of};
use super::logins::{Admitted, Said, log_in, refused};
use super::sessions::{Code, REMEMBERED};
use super::{BODY_PIECE, Session};
use crate::access::{Presented, on_its_way, told};
use crate::problem::Problem;
use crate::service::{Seat, Serving};
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::rt::time::timeout;
use actix_web::web::Data;
use actix_web::{Error, FromRequest, HttpMessage, HttpRequest, HttpResponse, ResponseError};
use std::future::{Ready, ready};
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::OwnedSemaphorePermit;
use vagus_actors::in_process::InProcessAddress;
use vagus_auth::permission::Rights;

/// Bytes of a login.
pub(super) const LOGIN_AT_MOST: usize = 64 * 1024;

/// How long a call may take, from its head to the answer.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);

/// What other pages may send.
const ALLOWED_HEADERS: &str = "authorization, content-type, if-match, if-none-match, x-nats-header";

/// What they may read of answers.
const EXPOSED_HEADERS: &str = "etag, x-nats-header, x-nats-sequence, x-nats-subject, x-nats-time";

/// Who calls.
#[derive(Clone)]
pub(super) struct Caller {
    pub(super) rights: Rights,
    /// Bytes of a message that it may publish.
    pub(super) max_payload: usize,
    admitted: Arc<Admitted>,
    /// The way into its account.
    pub(super) in_process: InProcessAddress,
}

impl Caller {
    /// Whether it still may what it might when it called, for as long as what it asked for goes on.
    pub(super) fn tenure(&self, session: &Data<Session>) -> impl Fn() -> bool + use<> {
        let (session, admitted) = (session.clone(), self.admitted.clone());
        move || match admitted.renewed(&(session.means.rules)()) {
            Ok(None) => true,
            Ok(Some(now)) => now.rights() == admitted.rights(),
            Err(_) => false,
        }
    }
}

/// Lets a call through to its handler, or answers it.
pub(super) async fn guard(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let serving = Serving::begin(request.conn_data::<Rc<Seat>>());
    let allowed = match allowed_origin(&request) {
        Ok(allowed) => allowed,
        Err(problem) => {
            return Ok(on_its_way(
                request.into_response(problem.error_response()),
                serving,
            ));
        }
    };
    let response = if *request.method() == Method::OPTIONS && allowed.is_some() {
        request.into_response(preflight())
    } else {
        let session = request.app_data::<Data<Session>>().cloned();
        let peer = peer_of(request.request());
        let count = |problem: Problem| {
            if let Some(session) = &session {
                session.connector.failed(&format!("{peer} - {problem}"));
            }
            problem
        };
        match examine(&request).await {
            Ok((caller, _room)) => {
                if let Some(caller) = caller {
                    request.extensions_mut().insert(caller);
                }
                let handled = timeout(CALL_TIMEOUT, next.call(request)).await;
                // What is left of the call is not read any more.
                told(handled.map_err(|_| count(too_slow()))??.map_into_boxed_body())
            }
            Err(problem) => request.into_response(count(problem).error_response()),
        }
    };
    let mut response = on_its_way(response, serving);
    let headers = response.headers_mut();
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    headers.insert(header::VARY, HeaderValue::from_static("origin"));
    if let Some(origin) = allowed {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(
            header::ACCESS_CONTROL_EXPOSE_HEADERS,
            HeaderValue::from_static(EXPOSED_HEADERS),
        );
    }
    Ok(response)
}

/// What a page of another site may have, before it asks.
fn preflight() -> HttpResponse {
    HttpResponse::NoContent()
        .insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, PUT, DELETE"))
        .insert_header((header::ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED_HEADERS))
        .insert_header((header::ACCESS_CONTROL_MAX_AGE, "600"))
        .finish()
}

/// The origin of a page of another site that may call; None where it is no such page.
///
/// A browser sends what it remembers of a login with calls of any page: one that is not allowed is refused, not only kept
/// from reading the answer.
fn allowed_origin(request: &ServiceRequest) -> Result<Option<HeaderValue>, Problem> {
    let headers = request.headers();
    let Some(origin) = headers.get(header::ORIGIN) else {
        return Ok(None);
    };
    let text = origin.to_str().unwrap_or("?");
    let own = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let host = text.split_once("://").map(|(_, host)| host);
    if host.is_some() && host == own {
        return Ok(None);
    }
    let session = request.app_data::<Data<Session>>();
    let known = session.is_some_and(|session| {
        let allowed = session.settings.allowed_origins.iter();
        allowed
            .into_iter()
            .any(|allowed| allowed == "*" || allowed.eq_ignore_ascii_case(text))
    });
    match known {
        true => Ok(Some(origin.clone())),
        false => Err(Problem::new(
            StatusCode::FORBIDDEN,
            "pages of this origin are not among allowed_origins",
        )),
    }
}

/// Who calls, where that is asked, and room for what the call brings.
async fn examine(
    request: &ServiceRequest,
) -> Result<(Option<Caller>, Option<OwnedSemaphorePermit>), Problem> {
    let session = request.app_data::<Data<Session>>();
    let session = session.ok_or_else(Problem::ending)?.clone();
    if let Some(rate) = &session.rate
        && rate.check().is_err()
    {
        return Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, "too many requests")
            .retry_after(Duration::from_secs(1)));
    }
    if matches!(request.path(), NONCE | LOGIN) {
        return Ok((None, room_for_body(&session, request.headers(), LOGIN_AT_MOST)?));
    }
    let presented = request.headers().get(header::AUTHORIZATION);
    let presented = Presented::read(presented.map(HeaderValue::as_bytes));
    let admitted = admit(&session, presented, peer_of(request.request())).await?;
    let in_process = session.enter(admitted.account()).await;
    let in_process = in_process.ok_or_else(|| Problem::new(StatusCode::FORBIDDEN, "the account has gone"))?;
    let account = session.means.accounts.find(admitted.account());
    let caller = Caller {
        rights: admitted.rights().clone(),
        max_payload: admitted.max_payload(account.as_deref()),
        in_process,
        admitted,
    };
    let room = room_for_body(&session, request.headers(), session.settings.max_body)?;
    Ok((Some(caller), room))
}

/// Who calls. What was found out by asking others is remembered for a while.
async fn admit(session: &Session, presented: Presented, peer: IpAddr) -> Result<Arc<Admitted>, Problem> {
    let (rules, now) = ((session.means.rules)(), Instant::now());
    let sessions = &session.sessions;
    let still = |code: Code, known: Arc<Admitted>| {
        let renewed = known.renewed(&rules).inspect_err(|_| {
            sessions.end(code);
        })?;
        let Some(renewed) = renewed.map(Arc::new) else {
            return Ok(known);
        };
        sessions.renew(code, renewed.clone());
        Ok(renewed)
    };
    if let Presented::Token(token) = &presented
        && let Some(code) = sessions.of_token(token)
        && let Some(known) = sessions.find(code, now)
    {
        return still(code, known);
    }
    let said = Said::in_header(presented, &rules).ok_or_else(|| refused(peer))?;
    let code = sessions.of_said(&said, peer);
    // One who may not be in any more may be by what holds now.
    if let Some(code) = code
        && let Some(known) = sessions.find(code, now)
        && let Ok(known) = still(code, known)
    {
        return Ok(known);
    }
    let admitted = Arc::new(log_in(session, &rules, said, peer).await?);
    if let Some(code) = code.filter(|_| admitted.is_claimed()) {
        let now = Instant::now();
        sessions.keep(code, admitted.clone(), now + REMEMBERED, now);
    }
    Ok(admitted)
}

fn room_for_body(
    session: &Session,
    headers: &HeaderMap,
    most: usize,
) -> Result<Option<OwnedSemaphorePermit>, Problem> {
    let length = match text(headers, &header::CONTENT_LENGTH) {
        // The parser has refused what is no number.
        Some(length) => length.trim().parse().unwrap_or(usize::MAX),
        None if headers.contains_key(header::TRANSFER_ENCODING) => most,
        None => 0,
    };
    if length > most {
        return Err(too_large(most));
    }
    if length <= BODY_PIECE {
        return Ok(None);
    }
    let pieces = u32::try_from(length.div_ceil(BODY_PIECE)).unwrap_or(u32::MAX);
    let room = session.bodies.clone().try_acquire_many_owned(pieces);
    room.map(Some).map_err(|_| {
        Problem::unavailable("too much is being sent by others").retry_after(Duration::from_secs(1))
    })
}

/// No body is so large.
pub(super) fn too_large(most: usize) -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        format!("the body is larger than {most} bytes"),
    )
}

fn too_slow() -> Problem {
    let seconds = CALL_TIMEOUT.as_secs();
    Problem::new(
        StatusCode::REQUEST_TIMEOUT,
        format!("the call took longer than {seconds} s"),
    )
}

/// A header; one that is no text is as good as one that fits nothing.
fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    Some(headers.get(name)?.to_str().unwrap_or("?"))
}

impl FromRequest for Caller {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let caller = request.extensions().get::<Self>().cloned();
        ready(caller.ok_or_else(Problem::ending))
    }
}
