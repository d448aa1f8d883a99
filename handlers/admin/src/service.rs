//! Where HTTP is served: sockets in, requests out.
//!
//! Each service has a thread of its own. It carries no message of a client, and a client's arbiter carries no request.
//! Each newcomer is served, however many others are connected ([`crowd`]).

mod answer;
mod crowd;
mod line;
mod request_line;

pub(crate) use answer::{Answer, NoRoom, Serving};
pub(crate) use crowd::Seat;

use actix_http::HttpService;
use actix_http::body::BoxBody;
use actix_rt::Arbiter;
use actix_service::{Service, ServiceFactory, map_config};
use actix_web::App;
use actix_web::dev::AppConfig;
use actix_web::rt::spawn;
use actix_web::rt::time::{sleep, timeout};
use actix_web::web::ServiceConfig;
use crowd::{Crowd, Seated};
use futures_util::future::{AbortHandle, Abortable};
use line::{Line, Socket};
use openssl::ssl::{AlpnError, ClientHelloResponse, Ssl, SslAcceptor, SslAcceptorBuilder, SslContext};
use std::future::{pending, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio_openssl::SslStream;
use vagus_delivery::Live;
use vagus_monitoring::Settings;

/// How long the first request of a connection, and a TLS handshake, may take to come.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a connection without a request stays open. Who polls every minute comes back in time.
const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// How long a peer may take to end its connection.
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// How often it is looked who takes too long.
const SWEEP: Duration = Duration::from_secs(1);

/// How long nobody is accepted when the system has no descriptors left.
const REST: Duration = Duration::from_millis(50);

/// What the system keeps for a peer that does not read, in bytes; it doubles that for its own use.
const SEND_BUFFER: usize = 128 * 1024;

/// A socket that listens, and whether TLS is spoken there.
pub struct Door {
    /// The socket; it does not block.
    pub socket: std::net::TcpListener,
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

/// A service that runs, until it is told to stop or the System that it was started in ends.
#[derive(Debug, Clone)]
pub struct ServiceHandle {
    stop: mpsc::Sender<oneshot::Sender<()>>,
}

impl ServiceHandle {
    /// Closes the sockets and ends the service; when this is over nobody listens any more.
    pub async fn stop(self) {
        let (stopped, has_stopped) = oneshot::channel();
        // Where nobody takes it, or answers, it has ended already.
        if self.stop.send(stopped).await.is_ok() {
            let _ = has_stopped.await;
        }
    }
}

/// Serves what `routes` sets up, at all these doors, on a thread of its own. Call it inside the server's System, which
/// ends that thread with its own.
///
/// # Errors
/// When a socket or TLS cannot be used so.
pub fn serve<F>(doors: Vec<Door>, routes: F) -> io::Result<ServiceHandle>
where
    F: Fn(&mut ServiceConfig) + Clone + Send + 'static,
{
    let mut ready = Vec::new();
    for Door { socket, tls } in doors {
        socket.set_nonblocking(true)?;
        // Accepted sockets inherit it.
        rustix::net::sockopt::set_socket_send_buffer_size(&socket, SEND_BUFFER)?;
        ready.push((socket, tls.map(acceptor).transpose()?));
    }
    let (stop, stops) = mpsc::channel(1);
    let arbiter = Arbiter::new();
    let started = arbiter.spawn_fn(move || {
        spawn(run(ready, routes, stops));
    });
    match started {
        true => Ok(ServiceHandle { stop }),
        false => Err(io::Error::other("the thread of an HTTP service did not start")),
    }
}

fn acceptor(mut tls: SslAcceptorBuilder) -> io::Result<SslAcceptor> {
    tls.set_alpn_select_callback(|_, offered| {
        const HTTP: &[u8] = b"\x08http/1.1";
        match offered.windows(HTTP.len()).any(|name| name == HTTP) {
            true => Ok(b"http/1.1"),
            false => Err(AlpnError::NOACK),
        }
    });
    Ok(tls.build())
}

/// Serves until it is told to stop.
async fn run<F>(
    doors: Vec<(std::net::TcpListener, Option<SslAcceptor>)>,
    routes: F,
    mut stops: mpsc::Receiver<oneshot::Sender<()>>,
) where
    F: Fn(&mut ServiceConfig) + Clone + Send + 'static,
{
    let app = map_config(App::new().configure(routes), |()| AppConfig::default());
    let service = HttpService::<Line, _, BoxBody>::build()
        .keep_alive(KEEP_ALIVE)
        .client_request_timeout(REQUEST_TIMEOUT)
        .client_disconnect_timeout(DISCONNECT_TIMEOUT)
        .on_connect_ext(|line: &Line, data| {
            data.insert(line.seat().clone());
        })
        .h1(app)
        .new_service(())
        .await;
    let Ok(service) = service else {
        log::error!("Error serving HTTP: what is to be served cannot be set up");
        return;
    };
    let service = Rc::new(service);
    let crowd = Rc::<Crowd>::default();
    let arrivals = Rc::<Notify>::default();
    let (open, close): (Vec<_>, Vec<_>) = doors
        .into_iter()
        .filter_map(|(socket, tls)| {
            let socket = TcpListener::from_std(socket)
                .map_err(|error| log::error!("Error serving HTTP: {error}"))
                .ok()?;
            let (close, closed) = AbortHandle::new_pair();
            let accepting = accept(socket, tls, service.clone(), crowd.clone(), arrivals.clone());
            Some((spawn(Abortable::new(accepting, closed)), close))
        })
        .unzip();
    let sweeping = spawn(sweep(crowd, arrivals));
    let Some(stopped) = stops.recv().await else {
        // Nobody can end it any more but the System.
        return pending().await;
    };
    close.iter().for_each(AbortHandle::abort);
    for accepting in open {
        // The socket is closed with it.
        let _ = accepting.await;
    }
    sweeping.abort();
    // The asker may be gone.
    let _ = stopped.send(());
}

/// Looks who takes too long, for as long as there is anybody.
async fn sweep(crowd: Rc<Crowd>, arrivals: Rc<Notify>) {
    loop {
        if crowd.len() == 0 {
            arrivals.notified().await;
        }
        sleep(SWEEP).await;
        crowd.sweep(Instant::now());
    }
}

/// Takes in the newcomers.
async fn accept<S>(
    socket: TcpListener,
    tls: Option<SslAcceptor>,
    service: Rc<S>,
    crowd: Rc<Crowd>,
    arrivals: Rc<Notify>,
) where
    S: Service<(Line, Option<SocketAddr>)> + 'static,
{
    let mut is_short = false;
    loop {
        let (stream, peer) = match socket.accept().await {
            Ok(accepted) => accepted,
            Err(error) if is_of_peer(&error) => continue,
            Err(error) => {
                // Said once, not as often as somebody tries.
                if !is_short {
                    log::error!("Error accepting an HTTP connection: {error}");
                }
                is_short = true;
                crowd.make_room();
                sleep(REST).await;
                continue;
            }
        };
        is_short = false;
        // Small answers are not to wait for more.
        let _ = stream.set_nodelay(true);
        let seated = crowd.enter(Instant::now());
        arrivals.notify_one();
        let tls = tls.as_ref().map(|acceptor| Ssl::new(acceptor.context()));
        let service = service.clone();
        spawn(async move {
            let socket = match tls {
                None => Some(Socket::Plain(stream)),
                Some(Ok(ssl)) => shake_hands(ssl, stream, &seated).await,
                Some(Err(_)) => None,
            };
            if let Some(socket) = socket {
                // How a connection ends is nobody's concern.
                let _ = service.call((Line::new(socket, seated), Some(peer))).await;
            }
        });
    }
}

/// Whether it was the connection that failed, not the listening.
fn is_of_peer(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    )
}

/// Speaks TLS from now on; None if the peer cannot, takes too long, or has to go.
async fn shake_hands(ssl: Ssl, stream: TcpStream, seated: &Seated) -> Option<Socket> {
    let mut stream = SslStream::new(ssl, stream).ok()?;
    let shaken = {
        let mut shaking = pin!(timeout(REQUEST_TIMEOUT, Pin::new(&mut stream).accept()));
        poll_fn(|context| {
            if seated.seat().has_ended(context.waker()) {
                return Poll::Ready(None);
            }
            shaking.as_mut().poll(context).map(|shaken| shaken.ok()?.ok())
        })
        .await
    };
    shaken.map(|()| Socket::Tls(Box::new(stream)))
}
