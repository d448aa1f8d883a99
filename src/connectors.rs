//! Which connectors there are: the languages of `handlers/`, set as a configuration says.

mod tls;

use crate::bootstrap::{listen, runtime};
use crate::server::StartError;
use actix::{Addr, Arbiter};
use parking_lot::Mutex;
use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use tls::Tls;
use vagus_actors::connectors::{
    Bind, Connectors, ConnectorsHandle, Inward, Outward, ReadyConnector, Work, wire::Secure,
};
use vagus_actors::in_process::{AccountDoor, Door};
use vagus_actors::{Accounts, SlowWork};
use vagus_admin::{Gateway, GatewayMeans, HttpsAcceptor, LoginRules};
use vagus_configs::{
    Config, ConnectorLanguage, ConnectorSettings, ConnectorWay, HttpSettings, InwardSettings, Listen,
    OutwardSettings,
};
use vagus_delivery::Live;
use vagus_fluentd::{ForwardIn, ForwardOut};
use vagus_logstash::json_lines::{LinesIn, LinesOut};
use vagus_logstash::lumberjack::{LumberjackIn, LumberjackOut};
use vagus_nats::ClientSettings;
use vagus_tls::https_acceptor;

/// Starts who knows the connectors, on a thread of their own; there are none yet.
pub(crate) fn start(door: Addr<Door>) -> ConnectorsHandle {
    Connectors::start_in(&Arbiter::with_tokio_rt(runtime).handle(), door.recipient())
}

/// What gateways ask about logins, limits and accounts.
pub(crate) fn gateway_means(
    client_settings: &Arc<Live<ClientSettings>>,
    accounts: &Arc<Accounts>,
    comparing: &SlowWork,
    door: &Addr<Door>,
) -> GatewayMeans {
    let live = client_settings.clone();
    let known = Mutex::new((live.version(), Arc::new(login_rules(&live.current().0))));
    let rules = move || {
        let mut known = known.lock();
        if known.0 != live.version() {
            let (settings, version) = live.current();
            *known = (version, Arc::new(login_rules(&settings)));
        }
        known.1.clone()
    };
    GatewayMeans {
        rules: Arc::new(rules),
        accounts: accounts.directory().clone(),
        door: AccountDoor::new(door.clone().recipient()),
        comparing: comparing.clone(),
    }
}

/// Who calls over HTTP is let in as a client of NATS would be.
fn login_rules(settings: &ClientSettings) -> LoginRules {
    LoginRules {
        gate: settings.gate.clone(),
        maps_certificates: settings.tls.as_ref().is_some_and(|tls| tls.maps_certificates()),
        claimed_accounts: settings.claimed_accounts.clone(),
        callout: settings.callout().cloned(),
        callout_means: settings.callout_means.clone(),
        server: settings.shown_to_services(),
        patience: settings.auth_timeout,
        limits: settings.limits.clone(),
    }
}

/// Makes the connectors of `new` ready: certificates are read, and it is listened where nobody of `old` does.
///
/// # Errors
/// When one cannot be what it is set to be.
pub(crate) fn prepare(
    old: &Config,
    new: &Config,
    gateway: &GatewayMeans,
) -> Result<Vec<ReadyConnector>, StartError> {
    let ready = |settings: &ConnectorSettings| {
        let work = match &settings.way {
            ConnectorWay::In(inward) => brings(inward, socket(old, settings, &inward.listen)?)?,
            ConnectorWay::Http(http) => calls(http, socket(old, settings, &http.listen)?, gateway)?,
            ConnectorWay::Out(outward) => is_brought(outward)?,
        };
        Ok(ReadyConnector {
            settings: settings.clone(),
            work,
        })
    };
    new.connectors.iter().map(ready).collect()
}

/// The socket of a connector that is not there yet, if nobody listens at its place.
fn socket(
    old: &Config,
    settings: &ConnectorSettings,
    at: &Listen,
) -> Result<Option<TcpListener>, StartError> {
    if old.connectors.contains(settings) || settings.is_paused || is_listened_at(old, at) {
        return Ok(None);
    }
    let socket = listen(at).map_err(|error| error.of_connector(&settings.id))?;
    Ok(Some(socket))
}

fn is_listened_at(config: &Config, listen: &Listen) -> bool {
    let listens = config.connectors.iter().any(|connector| match &connector.way {
        ConnectorWay::In(inward) => inward.listen == *listen,
        ConnectorWay::Http(http) => http.listen == *listen,
        ConnectorWay::Out(_) => false,
    });
    listens && listen.port.to_bind() != 0
}

/// Peers bring events.
fn brings(settings: &InwardSettings, socket: Option<TcpListener>) -> Result<Arc<dyn Work>, StartError> {
    let secure = settings.tls.as_ref().map(Tls::accepting).transpose()?;
    let secure = secure.map(|tls| Arc::new(tls) as Arc<dyn Secure>);
    let listening = (bind(&settings.listen), socket);
    let (place, settings) = (settings, settings.clone());
    Ok(match &place.language {
        ConnectorLanguage::Forward { credentials } => {
            let forward = ForwardIn::new(place, credentials.clone());
            Arc::new(Inward::new(forward, settings, listening, secure))
        }
        ConnectorLanguage::Lumberjack => {
            Arc::new(Inward::new(LumberjackIn::new(place), settings, listening, secure))
        }
        ConnectorLanguage::JsonLines => {
            Arc::new(Inward::new(LinesIn::new(place), settings, listening, secure))
        }
    })
}

fn bind(at: &Listen) -> Bind {
    let at = at.clone();
    Box::new(move || listen(&at).map_err(|error| io::Error::other(error.to_string())))
}

/// Users of the broker call.
fn calls(
    settings: &HttpSettings,
    socket: Option<TcpListener>,
    means: &GatewayMeans,
) -> Result<Arc<dyn Work>, StartError> {
    if let Some(tls) = &settings.tls {
        https_acceptor(tls)?;
    }
    let tls = settings.tls.clone();
    let acceptor: HttpsAcceptor = Box::new(move || {
        let acceptor = tls.as_ref().map(https_acceptor).transpose();
        acceptor.map_err(io::Error::other)
    });
    let listening = (bind(&settings.listen), socket);
    Ok(Arc::new(Gateway::new(
        settings.clone(),
        means.clone(),
        listening,
        acceptor,
    )))
}

/// A server is brought messages.
fn is_brought(settings: &OutwardSettings) -> Result<Arc<dyn Work>, StartError> {
    let secure = settings.tls.as_ref().map(Tls::connecting).transpose()?;
    let secure = secure.map(|tls| Arc::new(tls) as Arc<dyn Secure>);
    let (place, settings) = (settings, settings.clone());
    Ok(match &place.language {
        ConnectorLanguage::Forward { credentials } => {
            let forward = ForwardOut::new(place, credentials.clone());
            Arc::new(Outward::new(forward, settings, secure))
        }
        ConnectorLanguage::Lumberjack => Arc::new(Outward::new(LumberjackOut::new(place), settings, secure)),
        ConnectorLanguage::JsonLines => Arc::new(Outward::new(LinesOut::new(place), settings, secure)),
    })
}
