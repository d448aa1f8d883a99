//! What stands between this server and a hub that it has dialled, before the hub can say anything: a proxy, TLS, and the request
//! for WebSocket.

use super::LeafErrand;
use super::opening::Failing;
use std::time::Instant;
use vagus_actors::reception::Unopened;
use vagus_configs::{HttpProxy, ServerUrl};
use vagus_delivery::wire::{Came, Entrance, HandshakeError, PeerCheck, WebSocketEnd};
use vagus_protocol::error::CloseReason;
use vagus_tls::StreamError;
use vagus_websocket::request::UpgradeRequest;
use vagus_websocket::{LONGEST_RESPONSE, ResponseError, tunnel};

/// Why a hub is not reached.
enum Unreached {
    Handshake(HandshakeError),
    /// What was asked for over HTTP was answered otherwise, or not.
    Answer(String, CloseReason),
}

impl From<ResponseError> for Unreached {
    fn from(error: ResponseError) -> Self {
        Self::Answer(error.to_string(), CloseReason::ReadError)
    }
}

/// Reaches the hub through everything that is in between.
pub(super) async fn reach(
    mut entrance: Entrance,
    errand: &LeafErrand,
    largest_message: usize,
    failing: &Failing,
) -> Result<Entrance, Unopened> {
    let settings = errand.remote.settings();
    let url = errand.remote.current_url();
    let result = async {
        if let Some(proxy) = &settings.proxy {
            pass_through(&mut entrance, errand, proxy, &url).await?;
        }
        let tls = &errand.tls;
        if tls.comes_first || url.speaks_websocket() && (tls.is_wanted || url.scheme == "wss") {
            speak_tls(&mut entrance, errand)
                .await
                .map_err(Unreached::Handshake)?;
        }
        if url.speaks_websocket() {
            upgrade(&mut entrance, errand, &url, largest_message).await?;
        }
        Ok(())
    };
    match result.await {
        Ok(()) => Ok(entrance),
        Err(Unreached::Handshake(error)) => Err(failing.handshake("client", &error, entrance)),
        Err(Unreached::Answer(text, reason)) => Err(failing.unopened(&text, reason, entrance)),
    }
}

/// A handshake with the hub.
pub(super) async fn speak_tls(entrance: &mut Entrance, errand: &LeafErrand) -> Result<(), HandshakeError> {
    let (remote, tls) = (&errand.remote, &errand.tls);
    let (name, until) = (remote.host_name(), Instant::now() + tls.timeout);
    log::debug!(
        "{} - lid:{} - Starting TLS leafnode client handshake",
        entrance.peer(),
        entrance.id()
    );
    let checks = tls.authorities.until(until);
    let check = checks.as_ref().map(|checks| checks as &dyn PeerCheck);
    let outcome = entrance
        .secure_as_client(&tls.connector, &name, until, check)
        .await;
    if let Err(HandshakeError::Failed(StreamError::Tls(_) | StreamError::Certificate(_))) = &outcome {
        remote.forget_host_name();
    }
    outcome
}

/// Has a proxy connect to the hub. From then on it is the hub that is spoken to.
async fn pass_through(
    entrance: &mut Entrance,
    errand: &LeafErrand,
    proxy: &HttpProxy,
    hub: &ServerUrl,
) -> Result<(), Unreached> {
    let until = Instant::now() + proxy.timeout.unwrap_or(errand.tls.timeout);
    if let Some(connector) = &errand.tls.of_proxy {
        entrance
            .secure_as_client(connector, &proxy.host, until, None)
            .await
            .map_err(Unreached::Handshake)?;
    }
    let login = proxy
        .login
        .as_ref()
        .map(|(user, password)| (&**user, &**password));
    let request = tunnel::request(&hub.to_string(), login);
    ask(entrance, &request, until, tunnel::judge).await
}

/// Asks the hub for WebSocket, and speaks it from then on.
async fn upgrade(
    entrance: &mut Entrance,
    errand: &LeafErrand,
    hub: &ServerUrl,
    largest_message: usize,
) -> Result<(), Unreached> {
    let settings = errand.remote.settings();
    let until = Instant::now() + settings.first_info_timeout;
    let request = UpgradeRequest::new(settings.websocket)
        .ok_or_else(|| Unreached::Answer("no randomness".to_owned(), CloseReason::WriteError))?;
    let bytes = request.to_bytes(&hub.to_string(), &hub.leaf_node_path());
    let mut terms = None;
    let judge = |said: &[u8]| {
        let granted = request.judge(said)?;
        terms = granted.map(|(terms, _)| terms);
        Ok(granted.map(|(_, length)| length))
    };
    ask(entrance, &bytes, until, judge)
        .await
        .map_err(|error| match error {
            Unreached::Answer(text, reason) => {
                Unreached::Answer(format!("Error soliciting websocket connection: {text}"), reason)
            }
            error => error,
        })?;
    if let Some(terms) = terms {
        log::debug!(
            "{} - lid_ws:{} - Leafnode compression={} masking={}",
            entrance.peer(),
            entrance.id(),
            terms.compresses,
            !terms.without_masks
        );
        entrance.speak_websocket(WebSocketEnd::Client, terms, largest_message);
    }
    Ok(())
}

/// Says a request, and waits for the answer, of which `judge` says how long it is once all of it has come. What follows it is
/// left where it is.
async fn ask(
    entrance: &mut Entrance,
    request: &[u8],
    until: Instant,
    mut judge: impl FnMut(&[u8]) -> Result<Option<usize>, ResponseError>,
) -> Result<(), Unreached> {
    let failed = |error: std::io::Error, reason| Unreached::Answer(error.to_string(), reason);
    entrance
        .say(request, until)
        .await
        .map_err(|error| failed(error, CloseReason::WriteError))?;
    loop {
        if let Some(length) = judge(entrance.early())? {
            entrance.take(length);
            return Ok(());
        }
        let unanswered = match entrance.hear_at_most(LONGEST_RESPONSE, until).await {
            Ok(Came::Bytes) => continue,
            Ok(Came::End) => "unexpected EOF".to_owned(),
            Ok(Came::Nothing) => "i/o timeout".to_owned(),
            Err(error) => error.to_string(),
        };
        return Err(Unreached::Answer(unanswered, CloseReason::ReadError));
    }
}
