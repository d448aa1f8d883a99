//! What stands before every call: who it is, from which page, and how much.

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
use std::net::{IpAddr, Ipv4Addr};
use std::rc::Rc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use vagus_actors::flood::FAILED_LOGINS;
use vagus_actors::in_process::InProcessAddress;
use vagus_auth::credentials::{Decision, Identity, Login};
use vagus_auth::permission::Rights;
use vagus_configs::GLOBAL_ACCOUNT;

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
    /// The way into its account.
    pub(super) in_process: InProcessAddress,
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
        match examine(&request).await {
            Ok((caller, _room)) => {
                request.extensions_mut().insert(caller);
                let handled = timeout(CALL_TIMEOUT, next.call(request)).await;
                // What is left of the call is not read any more.
                told(handled.map_err(|_| too_slow())??.map_into_boxed_body())
            }
            Err(problem) => request.into_response(problem.error_response()),
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

/// Who calls, and room for what the call brings.
async fn examine(request: &ServiceRequest) -> Result<(Caller, Option<OwnedSemaphorePermit>), Problem> {
    let session = request.app_data::<Data<Session>>();
    let session = session.ok_or_else(Problem::ending)?.clone();
    if let Some(rate) = &session.rate
        && rate.check().is_err()
    {
        return Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, "too many requests")
            .retry_after(Duration::from_secs(1)));
    }
    let peer = request
        .peer_addr()
        .map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |address| address.ip());
    let presented = request.headers().get(header::AUTHORIZATION);
    let presented = Presented::read(presented.map(HeaderValue::as_bytes));
    let identity = admit(&session, presented, peer).await?;
    let account = identity.account().unwrap_or(GLOBAL_ACCOUNT);
    let in_process = session.enter(account).await;
    let in_process = in_process.ok_or_else(|| Problem::new(StatusCode::FORBIDDEN, "the account has gone"))?;
    let room = room_for_body(&session, request.headers())?;
    let rights = identity.rights();
    Ok((Caller { rights, in_process }, room))
}

async fn admit(session: &Session, presented: Presented, peer: IpAddr) -> Result<Identity, Problem> {
    let gate = (session.means.gate)();
    let gate = gate.ok_or_else(|| {
        Problem::new(
            StatusCode::FORBIDDEN,
            "users of this server cannot show over HTTP who they are",
        )
    })?;
    let login = match &presented {
        Presented::Nothing => Login::default(),
        Presented::Login { name, password } => Login {
            user: name,
            password,
            ..Login::default()
        },
        Presented::Token(token) => Login {
            token,
            ..Login::default()
        },
        Presented::Unreadable => return Err(refused(peer)),
    };
    let admitted = match gate.begin(&login, &[]) {
        Decision::Admitted(identity) => Some(identity),
        Decision::Refused => None,
        Decision::Verify(task) => {
            let (answer, answered) = oneshot::channel();
            let work = move || {
                // Who called may have gone.
                let _ = answer.send(task.run());
            };
            if !session.means.comparing.hand_in(peer, work) {
                return Err(Problem::unavailable("too many logins wait to be looked at")
                    .retry_after(Duration::from_secs(1)));
            }
            answered.await.ok().flatten()
        }
    };
    // Nobody vouches for who comes this way.
    let admitted = admitted.filter(|identity| !identity.requires_proxy());
    admitted.ok_or_else(|| refused(peer))
}

fn refused(peer: IpAddr) -> Problem {
    FAILED_LOGINS.say(format_args!("{peer} - authentication error over HTTP"));
    Problem::new(StatusCode::UNAUTHORIZED, "Authorization Violation")
}

fn room_for_body(session: &Session, headers: &HeaderMap) -> Result<Option<OwnedSemaphorePermit>, Problem> {
    let length = match text(headers, &header::CONTENT_LENGTH) {
        // The parser has refused what is no number.
        Some(length) => length.trim().parse().unwrap_or(usize::MAX),
        None if headers.contains_key(header::TRANSFER_ENCODING) => session.settings.max_body,
        None => 0,
    };
    if length > session.settings.max_body {
        return Err(too_large(session.settings.max_body));
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
