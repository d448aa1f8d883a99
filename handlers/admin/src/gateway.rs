//! NATS over HTTP, for who has no client: publish, request, subscribe, ingest, messages of streams, keys and values.
//!
//! A gateway is a connector of type `HTTP`: it has a listener of its own, and comes, pauses and goes like others. Who uses it
//! is one of the broker's users, and may do there what that user may.

mod calls;
mod entering;
mod entrance;
mod inbox;
mod ingest;
mod keys;
mod logins;
mod nonces;
mod sessions;
mod streams;

use crate::service::{self, Door, ServiceHandle};
use actix_web::http::Method;
use actix_web::web::{self, Data, PathConfig, QueryConfig, ServiceConfig};
use actix_web::{HttpResponse, ResponseError};
use entering::{LOGIN, NONCE};
use entrance::guard;
use futures_util::FutureExt;
use futures_util::future::{LocalBoxFuture, pending};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use openssl::ssl::SslAcceptorBuilder;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::Semaphore;
use vagus_actors::SlowWork;
use vagus_actors::connectors::wire::Secure;
use vagus_actors::connectors::{Bind, Means, Work};
use vagus_actors::in_process::{AccountDoor, InProcessAddress};
use vagus_configs::{HttpSettings, Limits};
use vagus_delivery::AccountDirectory;
use vagus_routing::AccountId;

use crate::places::Places;
use crate::problem::Problem;
pub use logins::LoginRules;
use nonces::Nonces;
use sessions::Sessions;

/// How many subscriptions there may be at one time.
const STREAMS: usize = 128;

/// How many bytes of bodies may be on their way in at one time.
const BODIES_AT_MOST: usize = 128 << 20;

/// Bodies are counted in pieces of so many bytes; smaller ones are not.
const BODY_PIECE: usize = 64 * 1024;

/// What a gateway asks about logins, limits and accounts.
#[derive(Clone)]
pub struct GatewayMeans {
    /// What holds for logins now: the same, unless it has changed.
    pub rules: Arc<dyn Fn() -> Arc<LoginRules> + Send + Sync>,
    /// The accounts by name.
    pub accounts: Arc<AccountDirectory>,
    /// The way into them.
    pub door: AccountDoor,
    /// Who compares passwords with hashes.
    pub comparing: SlowWork,
}

/// How TLS is spoken, made ready anew for each time it listens.
pub type HttpsAcceptor = Box<dyn Fn() -> io::Result<Option<SslAcceptorBuilder>> + Send + Sync>;

/// A gateway, paused or not.
pub struct Gateway {
    settings: Arc<HttpSettings>,
    means: GatewayMeans,
    bind: Bind,
    tls: HttpsAcceptor,
    place: Mutex<Place>,
}

/// Where it listens.
#[derive(Default)]
struct Place {
    /// The socket, until it is used for the first time.
    socket: Option<std::net::TcpListener>,
    /// The address, once it is known.
    address: Option<SocketAddr>,
}

/// What handlers work with.
pub(super) struct Session {
    pub(super) settings: Arc<HttpSettings>,
    pub(super) means: GatewayMeans,
    pub(super) connector: Means,
    pub(super) streams: Places,
    bodies: Arc<Semaphore>,
    rate: Option<DefaultDirectRateLimiter>,
    nonces: Nonces,
    sessions: Sessions,
    /// Where the time of nonces begins.
    since: Instant,
    /// The ways into accounts, by their names.
    entered: Mutex<HashMap<String, (AccountId, InProcessAddress)>>,
}

impl Gateway {
    /// As a connector is set; `bind` listens, each time when it begins, if there is no `socket` that listens already.
    pub fn new(
        settings: HttpSettings,
        means: GatewayMeans,
        (bind, socket): (Bind, Option<std::net::TcpListener>),
        tls: HttpsAcceptor,
    ) -> Self {
        let address = socket.as_ref().and_then(|socket| socket.local_addr().ok());
        Self {
            settings: Arc::new(settings),
            means,
            bind,
            tls,
            place: Mutex::new(Place { socket, address }),
        }
    }

    fn serve(&self, connector: Means) -> io::Result<ServiceHandle> {
        let mut place = self.place.lock();
        let socket = match place.socket.take() {
            Some(socket) => socket,
            None => (self.bind)()?,
        };
        place.address = Some(socket.local_addr()?);
        let door = Door {
            socket,
            tls: (self.tls)()?,
        };
        let session = Arc::new(Session {
            settings: self.settings.clone(),
            means: self.means.clone(),
            connector,
            streams: Places::new(STREAMS),
            bodies: Arc::new(Semaphore::new(BODIES_AT_MOST / BODY_PIECE)),
            rate: self
                .settings
                .requests_a_second
                .and_then(NonZeroU32::new)
                .map(|rate| RateLimiter::direct(Quota::per_second(rate))),
            nonces: Nonces::new()?,
            sessions: Sessions::new()?,
            since: Instant::now(),
            entered: Mutex::default(),
        });
        service::serve(vec![door], routes(session))
    }
}

impl Work for Gateway {
    fn run(self: Arc<Self>, means: Means) -> LocalBoxFuture<'static, String> {
        async move {
            match self.serve(means) {
                Ok(handle) => {
                    let _served = Served(Some(handle));
                    pending().await
                }
                Err(error) => format!("cannot listen: {error}"),
            }
        }
        .boxed_local()
    }

    /// The service reads its certificate when it begins.
    fn secure(&self, _: Option<Arc<dyn Secure>>) {}

    fn secured(&self) -> Option<Arc<dyn Secure>> {
        None
    }

    fn address(&self) -> Option<SocketAddr> {
        self.place.lock().address
    }
}

/// A service that is to end with the work that it is.
struct Served(Option<ServiceHandle>);

impl Drop for Served {
    fn drop(&mut self) {
        if let Some(handle) = self.0.take() {
            actix_rt::spawn(handle.stop());
        }
    }
}

impl Session {
    /// What holds for messages now.
    pub(super) fn limits(&self) -> Limits {
        (self.means.rules)().limits.clone()
    }

    /// The way into an account; None if it is there no more.
    pub(super) async fn enter(&self, account: &str) -> Option<InProcessAddress> {
        let now = |name: &str| Some(self.means.accounts.find(name)?.id());
        let id = now(account)?;
        if let Some((known, entered)) = self.entered.lock().get(account)
            && *known == id
        {
            return Some(entered.clone());
        }
        let entered = self.means.door.enter(account).await?;
        let mut all = self.entered.lock();
        // Of accounts that have gone, or are others by now, nothing is kept.
        all.retain(|name, (known, _)| now(name) == Some(*known));
        all.insert(account.to_owned(), (id, entered.clone()));
        drop(all);
        Some(entered)
    }
}

/// The path of a key, which may have slashes.
const KEY: &str = "/v1/kv/{bucket}/{key:.*}";

/// A path, and what answers there.
type Route = (&'static str, Method, fn() -> actix_web::Route);

/// Everything there is.
pub(super) const ROUTES: [Route; 14] = [
    (NONCE, Method::GET, || web::get().to(entering::nonce)),
    (LOGIN, Method::POST, || web::post().to(entering::login)),
    (LOGIN, Method::DELETE, || web::delete().to(entering::logout)),
    ("/v1/publish/{subject}", Method::POST, || {
        web::post().to(calls::publish)
    }),
    ("/v1/request/{subject}", Method::POST, || {
        web::post().to(calls::request)
    }),
    ("/v1/ingest/{subject}", Method::POST, || {
        web::post().to(calls::ingest)
    }),
    ("/v1/subscribe", Method::GET, || web::get().to(calls::subscribe)),
    ("/v1/streams/{stream}/messages/{sequence}", Method::GET, || {
        web::get().to(streams::by_sequence)
    }),
    ("/v1/streams/{stream}/last/{subject:.*}", Method::GET, || {
        web::get().to(streams::last)
    }),
    (KEY, Method::GET, || web::get().to(keys::get_key)),
    (KEY, Method::PUT, || web::put().to(keys::put_key)),
    (KEY, Method::DELETE, || web::delete().to(keys::delete_key)),
    ("/v1/kv/{bucket}", Method::GET, || web::get().to(keys::watch)),
    ("/v1/openapi.json", Method::GET, || web::get().to(describe)),
];

const DESCRIPTION: &str = include_str!("gateway/openapi.json");

async fn describe() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/json")
        .body(DESCRIPTION)
}

fn routes(session: Arc<Session>) -> impl Fn(&mut ServiceConfig) + Clone + Send + use<> {
    move |config| {
        let mut scope = web::scope("").wrap(actix_web::middleware::from_fn(guard));
        for routes in ROUTES.chunk_by(|(path, ..), (next, ..)| path == next) {
            let mut resource = web::resource(routes[0].0);
            for (_, _, route) in routes {
                resource = resource.route(route());
            }
            scope = scope.service(resource.default_service(web::to(other_method)));
        }
        config
            .app_data(Data::from(session.clone()))
            .app_data(
                QueryConfig::default()
                    .error_handler(|error, _| Problem::bad_request(error.to_string()).into()),
            )
            .app_data(
                PathConfig::default().error_handler(|error, _| Problem::not_found(error.to_string()).into()),
            )
            .service(scope.default_service(web::to(nothing_there)));
    }
}

async fn nothing_there() -> HttpResponse {
    Problem::not_found("there is nothing here").error_response()
}

async fn other_method() -> HttpResponse {
    let status = actix_web::http::StatusCode::METHOD_NOT_ALLOWED;
    Problem::new(status, "this method is not for here").error_response()
}

impl std::fmt::Debug for Gateway {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Gateway")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::{DESCRIPTION, ROUTES};
    use std::collections::BTreeSet;

    #[test]
    fn everything_is_described_and_the_other_way_round() {
        let document: serde_json::Value = serde_json::from_str(DESCRIPTION).unwrap();
        let paths = document["paths"].as_object().unwrap().iter();
        let described: BTreeSet<(String, String)> = paths
            .flat_map(|(path, methods)| {
                let methods = methods.as_object().unwrap().keys();
                // What all methods of a path have is told once.
                let methods = methods.filter(|method| *method != "parameters");
                methods.map(|method| (path.clone(), method.to_uppercase()))
            })
            .collect();
        let there: BTreeSet<(String, String)> = ROUTES
            .iter()
            .map(|(path, method, _)| (path.replace(":.*", ""), method.to_string()))
            .collect();
        assert_eq!(described, there);
    }
}
