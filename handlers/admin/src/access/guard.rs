//! What stands before every handler.

use super::origin::Origin;
use super::{Access, Entrant, Refusal};
use crate::administration::Administration;
use crate::problem::Problem;
use crate::service::{Answer, NoRoom, Seat, Serving};
use actix_web::body::{BodySize, BodyStream, BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::rt::time::timeout;
use actix_web::{Error, FromRequest, HttpMessage, HttpRequest, ResponseError, web};
use futures_util::{StreamExt, stream};
use std::future::{Ready, ready};
use std::net::{IpAddr, Ipv4Addr};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, watch};
use vagus_configs::AdminRole;

/// The header that makes a browser ask before a page of another site may send it.
const MARK: &str = "x-vagus";

/// How long a request may take, from its head to the answer: its body, and whatever it asks for.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// What a browser may do with what comes from here: nothing but what our own page needs.
const HEADERS: [(HeaderName, &str); 5] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
];

/// How an HTTP listener is protected.
#[derive(Debug, Clone)]
pub enum Protection {
    /// Everybody who reaches it may see what there is, as in nats-server.
    Open,
    /// As the configuration of the admin service says.
    Login(Arc<Access>),
    /// Like `Login` while the configuration of the admin service asks for it, and like `Open` while it does not.
    Monitoring(Arc<Access>),
}

impl Protection {
    /// Who decides, if anybody does.
    fn access(&self) -> Option<&Arc<Access>> {
        match self {
            Self::Open => None,
            Self::Login(access) | Self::Monitoring(access) => Some(access),
        }
    }

    /// Whether everybody may see what there is, now.
    fn is_open(&self) -> bool {
        match self {
            Self::Open => true,
            Self::Login(_) => false,
            Self::Monitoring(access) => !access.protects_monitoring(),
        }
    }
}

/// Lets a request through to its handler, or answers it. What changes something is for administrators.
pub(crate) async fn guard(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let protection = request.app_data::<web::Data<Protection>>();
    // From before the decision, so that no change is missed.
    let changes = protection.and_then(|protection| Some(protection.access()?.changes()));
    let serving = Serving::begin(request.conn_data::<Rc<Seat>>());
    let examined = match examine(&request).await {
        Ok(entrant) => room_for_body(&request).map(|room| (entrant, room)),
        Err(problem) => Err(problem),
    };
    let response = match examined {
        Ok((entrant, _room)) => {
            request.extensions_mut().insert(entrant);
            let handled = timeout(REQUEST_TIMEOUT, next.call(request)).await;
            // What is left of the request is not read any more.
            let handled = handled.map_err(|_| too_slow())?;
            let response = told(handled?.map_into_boxed_body());
            match changes {
                Some(changes) => response.map_body(|_, body| until_changed(body, changes)),
                None => response,
            }
        }
        Err(problem) => request.into_response(problem.error_response()),
    };
    let mut response = on_its_way(response, serving);
    for (name, value) in HEADERS {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    Ok(response)
}

/// The answer, for as long as it takes to be written; something short where there is no room for it.
pub(crate) fn on_its_way(response: ServiceResponse<BoxBody>, serving: Serving) -> ServiceResponse<BoxBody> {
    let (request, response) = response.into_parts();
    let (response, body) = response.into_parts();
    let response = match Answer::new(body, serving) {
        Ok(answer) => response.set_body(BoxBody::new(answer)),
        Err(NoRoom) => Problem::unavailable("too many answers are being read by others")
            .retry_after(Duration::from_secs(1))
            .error_response(),
    };
    ServiceResponse::new(request, response)
}

/// Room for what the request brings, until it is answered.
fn room_for_body(request: &ServiceRequest) -> Result<Option<OwnedSemaphorePermit>, Problem> {
    let Some(administration) = request.app_data::<web::Data<Administration>>() else {
        return Ok(None);
    };
    let headers = request.headers();
    let length = match text(headers, &header::CONTENT_LENGTH) {
        // The parser has refused what is no number.
        Some(length) => Some(length.trim().parse().unwrap_or(usize::MAX)),
        None if headers.contains_key(header::TRANSFER_ENCODING) => None,
        None => Some(0),
    };
    administration.take_in(length)
}

fn too_slow() -> Problem {
    Problem::new(
        StatusCode::REQUEST_TIMEOUT,
        format!("the request took longer than {} s", REQUEST_TIMEOUT.as_secs()),
    )
}

/// An answer that goes on ends when other rules hold: the reader may be let in no more.
fn until_changed(body: BoxBody, mut changes: watch::Receiver<()>) -> BoxBody {
    if body.size() != BodySize::Stream {
        return body;
    }
    let mut body = body;
    let chunks = stream::poll_fn(move |context| body.as_pin_mut().poll_next(context));
    let changed = Box::pin(async move {
        // Where nobody can change them any more, the server ends.
        let _ = changes.changed().await;
    });
    BodyStream::new(chunks.take_until(changed)).boxed()
}

/// What a handler was not even called for is told in the same form as everything else.
pub(crate) fn told(response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    let error = response.response().error();
    let problem = error
        .filter(|error| error.as_error::<Problem>().is_none())
        .map(|error| Problem::new(response.status(), error.to_string()));
    match problem {
        Some(problem) => response.into_response(problem.error_response()),
        None => response,
    }
}

async fn examine(request: &ServiceRequest) -> Result<Entrant, Problem> {
    let only_asks = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let access = match request.app_data::<web::Data<Protection>>() {
        Some(protection) => match protection.access() {
            Some(access) if !protection.is_open() => access.clone(),
            // Nothing can be done there, whatever the method.
            _ => {
                return Ok(Entrant {
                    name: String::new(),
                    role: AdminRole::Read,
                });
            }
        },
        None => return Err(Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "not set up")),
    };
    origin(request, only_asks)
        .check(!access.requires_login())
        .map_err(|foreign| Problem::new(StatusCode::FORBIDDEN, foreign.to_string()))?;
    let peer = request
        .peer_addr()
        .map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |address| address.ip());
    let credentials = request
        .headers()
        .get(header::AUTHORIZATION)
        .map(HeaderValue::as_bytes);
    let entrant = access.admit(credentials, peer).await?;
    if !only_asks && entrant.role < AdminRole::Admin {
        return Err(not_an_administrator());
    }
    Ok(entrant)
}

fn origin(request: &ServiceRequest, only_asks: bool) -> Origin<'_> {
    let headers = request.headers();
    Origin {
        only_asks,
        may_be_form: *request.method() == Method::POST,
        host: text(headers, &header::HOST).or_else(|| request.uri().authority().map(|host| host.as_str())),
        origin: text(headers, &header::ORIGIN),
        fetch_site: text(headers, &HeaderName::from_static("sec-fetch-site")),
        fetch_mode: text(headers, &HeaderName::from_static("sec-fetch-mode")),
        content_type: text(headers, &header::CONTENT_TYPE),
        is_marked: headers.contains_key(MARK),
    }
}

/// A header; one that is no text is as good as one that fits nothing.
fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    Some(headers.get(name)?.to_str().unwrap_or("?"))
}

fn not_an_administrator() -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "this is for the role admin")
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let detail = refusal.to_string();
        match refusal {
            Refusal::NoCredentials | Refusal::Refused => Self::new(StatusCode::UNAUTHORIZED, detail),
            Refusal::TooMany(wait) => Self::new(StatusCode::TOO_MANY_REQUESTS, detail).retry_after(wait),
            Refusal::Busy => Self::unavailable(detail).retry_after(Duration::from_secs(1)),
        }
    }
}

/// An administrator: for handlers that show what not everybody may see.
#[derive(Debug)]
pub(crate) struct Administrator(pub(crate) Entrant);

impl FromRequest for Administrator {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let entrant = request.extensions().get::<Entrant>().cloned();
        ready(match entrant {
            Some(entrant) if entrant.role >= AdminRole::Admin => Ok(Self(entrant)),
            _ => Err(not_an_administrator()),
        })
    }
}

impl FromRequest for Entrant {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let entrant = request.extensions().get::<Self>().cloned();
        ready(entrant.ok_or_else(|| Problem::from(Refusal::NoCredentials)))
    }
}
