//! What everybody is told when the server is about to stop.

use std::sync::Arc;
use vagus_actors::cluster::Places;
use vagus_delivery::Live;
use vagus_nats::ClientSettings;
use vagus_system::SystemServiceHandle;

/// What announces lame duck mode, once it is called: to clients, WebSocket's among them, to the cluster and to the system account.
/// `farewell` takes leave of the cluster, and says where else clients can connect.
pub(super) fn announcing(
    (clients, websocket): (Arc<Live<ClientSettings>>, Option<Arc<Live<ClientSettings>>>),
    farewell: Option<impl Fn() -> Places>,
    system_service: Option<SystemServiceHandle>,
) -> impl FnOnce() {
    move || {
        let elsewhere = farewell.map_or_else(Places::default, |farewell| farewell());
        tell(&clients, &elsewhere.clients);
        if let Some(websocket) = &websocket {
            tell(websocket, &elsewhere.websocket);
        }
        if let Some(service) = system_service {
            actix::spawn(async move { service.tell_of_lame_duck().await });
        }
    }
}

/// From now on the server is about to stop, and others are here.
fn tell(clients: &Live<ClientSettings>, elsewhere: &[String]) {
    clients.update(|now| {
        let mut settings = now.in_lame_duck_mode();
        settings.info.connect_urls = elsewhere.to_vec();
        settings
    });
}
