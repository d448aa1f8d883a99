//! Which connectors there are: the languages of `handlers/`, set as a configuration says.

mod tls;

use crate::bootstrap::{listen, runtime};
use crate::server::StartError;
use actix::{Addr, Arbiter};
use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use tls::Tls;
use vagus_actors::connectors::{
    Bind, Connectors, ConnectorsHandle, Inward, Outward, ReadyConnector, Work, wire::Secure,
};
use vagus_actors::in_process::Door;
use vagus_configs::{
    Config, ConnectorLanguage, ConnectorSettings, ConnectorWay, InwardSettings, Listen, OutwardSettings,
};
use vagus_fluentd::{ForwardIn, ForwardOut};
use vagus_logstash::json_lines::{LinesIn, LinesOut};
use vagus_logstash::lumberjack::{LumberjackIn, LumberjackOut};

/// Starts who knows the connectors, on a thread of their own; there are none yet.
pub(crate) fn start(door: Addr<Door>) -> ConnectorsHandle {
    Connectors::start_in(&Arbiter::with_tokio_rt(runtime).handle(), door.recipient())
}

/// Makes the connectors of `new` ready: certificates are read, and it is listened where nobody of `old` does.
///
/// # Errors
/// When one cannot be what it is set to be.
pub(crate) fn prepare(old: &Config, new: &Config) -> Result<Vec<ReadyConnector>, StartError> {
    let ready = |settings: &ConnectorSettings| {
        let is_same = old.connectors.contains(settings);
        let work = match &settings.way {
            ConnectorWay::In(inward) => {
                let is_open = is_same || settings.is_paused || is_listened_at(old, &inward.listen);
                let socket = match is_open {
                    true => None,
                    false => Some(listen(&inward.listen).map_err(|error| error.of_connector(&settings.id))?),
                };
                brings(inward, socket)?
            }
            ConnectorWay::Out(outward) => is_brought(outward)?,
        };
        Ok(ReadyConnector {
            settings: settings.clone(),
            work,
        })
    };
    new.connectors.iter().map(ready).collect()
}

fn is_listened_at(config: &Config, listen: &Listen) -> bool {
    let listens = config.connectors.iter().any(|connector| match &connector.way {
        ConnectorWay::In(inward) => inward.listen == *listen,
        ConnectorWay::Out(_) => false,
    });
    listens && listen.port.to_bind() != 0
}

/// Peers bring events.
fn brings(settings: &InwardSettings, socket: Option<TcpListener>) -> Result<Arc<dyn Work>, StartError> {
    let secure = settings.tls.as_ref().map(Tls::accepting).transpose()?;
    let secure = secure.map(|tls| Arc::new(tls) as Arc<dyn Secure>);
    let at = settings.listen.clone();
    let bind: Bind = Box::new(move || match listen(&at) {
        Ok(socket) => Ok(socket),
        Err(error) => Err(io::Error::other(error.to_string())),
    });
    let listening = (bind, socket);
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
