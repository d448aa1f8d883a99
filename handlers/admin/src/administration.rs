//! The admin service: what can be asked and done below `/v1`, and the page.

use crate::access::{Protection, guard};
use crate::places::Places;
use crate::problem::Problem;
use crate::streams::STREAMS as OF_STREAMS;
use crate::{accounts, config_api, connectors, events, messages, monitoring, openapi, operations, page};
use actix_web::http::{Method, StatusCode, header};
use actix_web::middleware::from_fn;
use actix_web::web::{self, Data, JsonConfig, PathConfig, PayloadConfig, QueryConfig, ServiceConfig};
use actix_web::{HttpResponse, ResponseError, Route};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use vagus_actors::Operator;
use vagus_configs::Limits;
use vagus_monitoring::Broker;

/// How many may follow rates at one time.
const FOLLOWERS: usize = 64;

/// How many subscriptions of administrators there may be at one time.
const STREAMS: usize = 32;

/// The largest document that is read: the largest `max_payload` there can be, as base64 and with some words around.
pub(crate) const DOCUMENT_AT_MOST: usize = 96 * 1024 * 1024;

/// The largest that is read where no message is in it.
const ORDER_AT_MOST: usize = 64 * 1024;

/// How many bytes of large documents may be on their way in at one time.
const BODIES_AT_MOST: usize = 2 * DOCUMENT_AT_MOST;

/// Documents are counted in pieces of so many bytes; smaller ones are not.
const BODY_PIECE: usize = 64 * 1024;

/// The levels of the log that can be switched while the server runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogLevels {
    /// Whether DBG lines are written.
    pub debug: bool,
    /// Whether TRC lines are written.
    pub trace: bool,
}

/// The log of the process, as far as it can be set.
pub trait LogControl: Send + Sync {
    /// What is logged now.
    fn levels(&self) -> LogLevels;

    /// Logs this from now on.
    fn set_levels(&self, levels: LogLevels);
}

/// What handlers of `/v1` may ask, and have done.
pub struct Administration {
    pub(crate) broker: Arc<Broker>,
    pub(crate) operator: Operator,
    pub(crate) log: Option<Arc<dyn LogControl>>,
    pub(crate) followers: Places,
    pub(crate) streams: Places,
    bodies: Arc<Semaphore>,
}

/// Which of the two services it is that answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Face {
    /// Monitoring: everybody may look, nothing can be done.
    Monitoring,
    /// The admin service.
    Admin,
}

/// A path below the root of a service, and what answers there.
pub(crate) struct Endpoint {
    pub(crate) path: &'static str,
    pub(crate) method: Method,
    pub(crate) route: fn() -> Route,
}

/// What both services have.
pub(crate) const SHARED: [Endpoint; 2] = [
    Endpoint {
        path: "/v1/session",
        method: Method::GET,
        route: || web::get().to(operations::session),
    },
    Endpoint {
        path: "/v1/events",
        method: Method::GET,
        route: || web::get().to(events::rates),
    },
];

/// What the admin service has besides.
pub(crate) const ADMIN: [Endpoint; 20] = [
    Endpoint {
        path: "/v1/accounts",
        method: Method::GET,
        route: || web::get().to(accounts::list),
    },
    Endpoint {
        path: "/v1/accounts/{name}",
        method: Method::GET,
        route: || web::get().to(accounts::show),
    },
    Endpoint {
        path: "/v1/openapi.json",
        method: Method::GET,
        route: || web::get().to(openapi::show),
    },
    Endpoint {
        path: "/v1/connections/{cid}",
        method: Method::DELETE,
        route: || web::delete().to(operations::close_connection),
    },
    Endpoint {
        path: "/v1/connectors",
        method: Method::GET,
        route: || web::get().to(connectors::list),
    },
    Endpoint {
        path: "/v1/connectors/{id}",
        method: Method::PUT,
        route: || web::put().to(connectors::set),
    },
    Endpoint {
        path: "/v1/connectors/{id}",
        method: Method::DELETE,
        route: || web::delete().to(connectors::remove),
    },
    Endpoint {
        path: "/v1/connectors/{id}/pause",
        method: Method::POST,
        route: || web::post().to(connectors::pause),
    },
    Endpoint {
        path: "/v1/connectors/{id}/resume",
        method: Method::POST,
        route: || web::post().to(connectors::resume),
    },
    Endpoint {
        path: "/v1/lame-duck",
        method: Method::POST,
        route: || web::post().to(operations::enter_lame_duck_mode),
    },
    Endpoint {
        path: "/v1/log",
        method: Method::GET,
        route: || web::get().to(operations::log_levels),
    },
    Endpoint {
        path: "/v1/log",
        method: Method::PUT,
        route: || web::put().to(operations::set_log_levels),
    },
    Endpoint {
        path: "/v1/config",
        method: Method::GET,
        route: || web::get().to(config_api::show),
    },
    Endpoint {
        path: "/v1/config",
        method: Method::PUT,
        route: || web::put().to(config_api::replace),
    },
    Endpoint {
        path: "/v1/config",
        method: Method::PATCH,
        route: || web::patch().to(config_api::change),
    },
    Endpoint {
        path: "/v1/config/history",
        method: Method::GET,
        route: || web::get().to(config_api::history),
    },
    Endpoint {
        path: "/v1/config/reload",
        method: Method::POST,
        route: || web::post().to(config_api::reload),
    },
    Endpoint {
        path: "/v1/config/rollback",
        method: Method::POST,
        route: || web::post().to(config_api::roll_back),
    },
    Endpoint {
        path: "/v1/publish",
        method: Method::POST,
        route: || web::post().to(messages::publish),
    },
    Endpoint {
        path: "/v1/subscribe",
        method: Method::GET,
        route: || web::get().to(messages::subscribe),
    },
];

impl Administration {
    /// Asks `broker`, and has `operator` do what is to be done; `log` is that of the process, if it can be set.
    pub fn new(broker: Arc<Broker>, operator: Operator, log: Option<Arc<dyn LogControl>>) -> Self {
        Self {
            broker,
            operator,
            log,
            followers: Places::new(FOLLOWERS),
            streams: Places::new(STREAMS),
            bodies: Arc::new(Semaphore::new(BODIES_AT_MOST / BODY_PIECE)),
        }
    }

    /// Room for a document of this length, or of an unknown one: None inside for a small one. Nobody waits for room:
    /// the disk may be slow.
    ///
    /// # Errors
    /// When there is too little left, or would be if there were nobody else.
    pub(crate) fn take_in(&self, length: Option<usize>) -> Result<Option<OwnedSemaphorePermit>, Problem> {
        let length = length.unwrap_or(DOCUMENT_AT_MOST);
        if length > DOCUMENT_AT_MOST {
            return Err(too_large());
        }
        if length <= BODY_PIECE {
            return Ok(None);
        }
        let pieces = u32::try_from(length.div_ceil(BODY_PIECE)).unwrap_or(u32::MAX);
        let room = self.bodies.clone().try_acquire_many_owned(pieces);
        room.map(Some).map_err(|_| {
            Problem::unavailable("too much is being sent by others").retry_after(Duration::from_secs(1))
        })
    }

    /// What holds now.
    pub(crate) fn limits(&self) -> Limits {
        self.broker.settings.current().0.config.limits.clone()
    }
}

/// No document is so large.
pub(crate) fn too_large() -> Problem {
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "the document is too large")
}

/// Sets up the admin service: everything, for those who may.
pub fn admin_routes(
    administration: &Arc<Administration>,
    protection: Protection,
) -> impl Fn(&mut ServiceConfig) + Clone + Send + use<> {
    routes(administration, protection, Face::Admin, "")
}

/// Sets up monitoring below `root`: what nats-server has there, and the page without what only administrators may.
pub fn monitoring_routes(
    administration: &Arc<Administration>,
    protection: Protection,
    root: &str,
) -> impl Fn(&mut ServiceConfig) + Clone + Send + use<> {
    routes(administration, protection, Face::Monitoring, root)
}

fn routes(
    administration: &Arc<Administration>,
    protection: Protection,
    face: Face,
    root: &str,
) -> impl Fn(&mut ServiceConfig) + Clone + Send + use<> {
    let administration = administration.clone();
    let pages = monitoring::routes(&administration.broker, root);
    let root = root.to_owned();
    move |config| {
        let scope = web::scope("")
            .wrap(from_fn(guard))
            .configure(|config| {
                page::routes(config, &root);
                let (own, of_streams) = match face {
                    Face::Admin => (&ADMIN[..], &OF_STREAMS[..]),
                    Face::Monitoring => (&[][..], &[][..]),
                };
                for_each_path(SHARED.iter().chain(own).chain(of_streams), |path, methods| {
                    config.service(resource(&format!("{root}{path}"), methods));
                });
                let below = web::scope(&format!("{root}/v1"));
                config.service(below.default_service(web::to(nothing_there)));
            })
            .configure(pages.clone());
        config
            .app_data(Data::from(administration.clone()))
            .app_data(Data::new(protection.clone()))
            .app_data(Data::new(face))
            .app_data(documents())
            .app_data(PayloadConfig::new(config_api::CONFIGURATION_AT_MOST))
            .app_data(
                QueryConfig::default()
                    .error_handler(|error, _| Problem::bad_request(error.to_string()).into()),
            )
            .app_data(
                PathConfig::default().error_handler(|error, _| Problem::not_found(error.to_string()).into()),
            )
            .service(scope);
    }
}

/// Calls with each path once, and everything that is there.
fn for_each_path<'a>(
    endpoints: impl Iterator<Item = &'a Endpoint>,
    mut call: impl FnMut(&'static str, &[&'a Endpoint]),
) {
    let endpoints: Vec<&Endpoint> = endpoints.collect();
    for same in endpoints.chunk_by(|one, other| one.path == other.path) {
        call(same[0].path, same);
    }
}

/// A path with its methods; others are told which there are.
fn resource(path: &str, endpoints: &[&Endpoint]) -> actix_web::Resource {
    let methods: Vec<&str> = endpoints
        .iter()
        .map(|endpoint| endpoint.method.as_str())
        .collect();
    let methods = methods.join(", ");
    let other = move || {
        let mut response =
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, format!("there is {methods} here")).error_response();
        if let Ok(methods) = header::HeaderValue::from_str(&methods) {
            response.headers_mut().insert(header::ALLOW, methods);
        }
        std::future::ready(response)
    };
    endpoints
        .iter()
        .fold(web::resource(path), |resource, endpoint| {
            resource.route((endpoint.route)())
        })
        .default_service(web::to(other))
}

async fn nothing_there() -> HttpResponse {
    Problem::not_found("there is nothing here").error_response()
}

fn documents() -> JsonConfig {
    JsonConfig::default()
        .limit(ORDER_AT_MOST)
        .error_handler(|error, _| {
            let status = match &error {
                actix_web::error::JsonPayloadError::ContentType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
                other => other.status_code(),
            };
            Problem::new(status, error.to_string()).into()
        })
}

impl std::fmt::Debug for Administration {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Administration")
            .field("broker", &self.broker)
            .finish_non_exhaustive()
    }
}
