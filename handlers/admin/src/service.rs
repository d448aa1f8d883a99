//! Where HTTP is served: sockets in, requests out.
//!
//! Each service has threads of its own. They carry no message of a client, and a client's arbiter carries no
//! request.

use crate::Settings;
use actix_web::dev::Server;
use actix_web::web::ServiceConfig;
use actix_web::{App, HttpServer};
use openssl::ssl::{ClientHelloResponse, SslAcceptorBuilder, SslContext};
use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;
use vagus_actors::Live;

/// More connections than this wait until others are gone.
const CONNECTIONS_AT_MOST: usize = 256;

/// How many TLS handshakes go on at one time.
const HANDSHAKES_AT_MOST: usize = 16;

/// How long the head of a request may take to come.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a connection without a request stays open. Who polls every minute comes back in time.
const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// How long a peer may take to end its connection.
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// A socket that listens, and whether TLS is spoken there.
pub struct Door {
    /// The socket; it does not block.
    pub socket: TcpListener,
    /// How TLS is spoken; None for plain HTTP.
    pub tls: Option<SslAcceptorBuilder>,
}

/// Has each handshake show the certificate that the server is set to then, which `context` picks.
pub fn follow(
    settings: Arc<Live<Settings>>,
    tls: &mut SslAcceptorBuilder,
    context: impl Fn(&Settings) -> Option<&SslContext> + Send + Sync + 'static,
) {
    tls.set_client_hello_callback(move |ssl, _| {
        let (now, _) = settings.current();
        if let Some(context) = context(&now) {
            ssl.set_ssl_context(context)?;
        }
        Ok(ClientHelloResponse::SUCCESS)
    });
}

impl std::fmt::Debug for Door {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Door")
            .field("socket", &self.socket)
            .field("tls", &self.tls.is_some())
            .finish()
    }
}

/// Serves what `routes` sets up, at all these doors. Call it inside the server's System, which ends the threads of
/// the service with its own.
///
/// What is returned has to be polled for as long as the service lasts; [`Server::handle`] stops it and closes the
/// sockets.
///
/// # Errors
/// When a socket cannot be served.
pub fn serve<F>(doors: Vec<Door>, routes: F) -> io::Result<Server>
where
    F: Fn(&mut ServiceConfig) + Clone + Send + 'static,
{
    let mut server = HttpServer::new(move || App::new().configure(routes.clone()))
        .workers(1)
        .max_connections(CONNECTIONS_AT_MOST)
        .max_connection_rate(HANDSHAKES_AT_MOST)
        .client_request_timeout(REQUEST_TIMEOUT)
        .client_disconnect_timeout(DISCONNECT_TIMEOUT)
        .keep_alive(KEEP_ALIVE)
        .disable_signals();
    for Door { socket, tls } in doors {
        server = match tls {
            None => server.listen(socket)?,
            Some(tls) => server.listen_openssl(socket, tls)?,
        };
    }
    Ok(server.run())
}
