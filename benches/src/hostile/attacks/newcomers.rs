//! Connections that come in great numbers, or that come wrong.

use std::io::{self, Read};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use openssl::ssl::{Ssl, SslContext, SslMethod, SslVerifyMode};
use rustix::process::{Pid, Resource, Rlimit, prlimit};

use super::client;
use crate::error::{BenchError, Doing};
use crate::hostile::client::Client;
use crate::hostile::scene::{Held, Scene};
use crate::hostile::stage::as_user;

/// How long a storm lasts.
const STORM: Duration = Duration::from_secs(3);

/// How many threads make one.
const THREADS: usize = 4;

/// Another address of this machine than the usual clients have.
pub(super) const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// See [`ALL`](crate::hostile::ALL).
pub fn arrivals(scene: &Scene) -> Result<Held, BenchError> {
    let connect = scene.stage.connect();
    storm("connections", scene, move |port| {
        Client::open(port, &connect).map(drop)
    })
}

/// See [`ALL`](crate::hostile::ALL).
pub fn token_logins(scene: &Scene) -> Result<Held, BenchError> {
    arrivals(scene)
}

/// See [`ALL`](crate::hostile::ALL).
pub fn tls_storm(scene: &Scene) -> Result<Held, BenchError> {
    let doing = || "preparing for TLS".to_owned();
    let mut context = SslContext::builder(SslMethod::tls_client())
        .map_err(io::Error::other)
        .doing(doing)?;
    context.set_verify(SslVerifyMode::NONE);
    let context = context.build();
    storm("handshakes", scene, move |port| {
        let mut stream = Client::reach(port)?.into_stream();
        let mut byte = [0];
        while byte != *b"\n" {
            stream.read_exact(&mut byte)?;
        }
        let ssl = Ssl::new(&context).map_err(io::Error::other)?;
        ssl.connect(stream).map(drop).map_err(io::Error::other)
    })
}

/// See [`ALL`](crate::hostile::ALL).
pub fn tls_stuck(scene: &Scene) -> Result<Held, BenchError> {
    let mut held = Held::default();
    for _ in 0..5_000 {
        let doing = || "beginning a handshake".to_owned();
        let mut client = Client::reach(scene.port).doing(doing)?;
        client.until(b"\r\n").doing(doing)?;
        client.write(&[0x16]).doing(doing)?;
        held.sockets.push(client.into_stream());
    }
    Ok(held)
}

/// See [`ALL`](crate::hostile::ALL).
pub fn descriptors(scene: &Scene) -> Result<Held, BenchError> {
    let doing = || "limiting the descriptors of the server".to_owned();
    let pid = i32::try_from(scene.pid).ok().and_then(Pid::from_raw);
    let limit = Rlimit {
        current: Some(60),
        maximum: Some(60),
    };
    prlimit(pid, Resource::Nofile, limit).doing(doing)?;
    let mut held = Held::default();
    let began = Instant::now();
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, scene.port));
    for _ in 0..100 {
        // The system takes those that the server does not.
        held.sockets.extend(TcpStream::connect(address));
    }
    thread::sleep(Duration::from_secs(5).saturating_sub(began.elapsed()));
    Ok(held)
}

/// See [`ALL`](crate::hostile::ALL).
pub fn wrong_logins(scene: &Scene) -> Result<Held, BenchError> {
    let mut threads = Vec::new();
    let port = scene.port;
    let began = Instant::now();
    let mut tried = 0;
    while began.elapsed() < 2 * STORM {
        tried += 1;
        threads.push(thread::spawn(move || {
            // That it fails is the point.
            let _refused = log_in_from_elsewhere(port);
        }));
        thread::sleep(Duration::from_millis(25));
    }
    // The last of them wait for their answers as all do, or for nothing.
    Ok(Held {
        sockets: vec![client(scene)?.into_stream()],
        note: format!("{tried} wrong logins"),
    })
}

fn log_in_from_elsewhere(port: u16) -> io::Result<()> {
    let socket = socket_from(ELSEWHERE, port)?;
    let mut client = Client::over(socket)?;
    client.until(b"\r\n")?;
    client.settle(&format!("{}\r\n", as_user("newcomer", "a bad password")))
}

/// A connection from one of this machine's addresses.
pub(super) fn socket_from(address: Ipv4Addr, port: u16) -> io::Result<TcpStream> {
    use rustix::net::{AddressFamily, SocketType, bind, connect, socket};
    let socket = socket(AddressFamily::INET, SocketType::STREAM, None)?;
    bind(&socket, &SocketAddr::from((address, 0)))?;
    connect(&socket, &SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
    Ok(socket.into())
}

/// Does it again and again in several threads, and counts.
pub(super) fn storm(
    what: &str,
    scene: &Scene,
    one: impl Fn(u16) -> io::Result<()> + Clone + Send + 'static,
) -> Result<Held, BenchError> {
    let port = scene.port;
    let threads: Vec<_> = (0..THREADS)
        .map(|_| {
            let one = one.clone();
            thread::spawn(move || {
                let began = Instant::now();
                let mut done = 0_u64;
                while began.elapsed() < STORM {
                    done += u64::from(one(port).is_ok());
                }
                done
            })
        })
        .collect();
    let mut done = 0;
    for thread in threads {
        done += thread.join().map_err(|_| BenchError::Panicked)?;
    }
    Ok(Held {
        sockets: Vec::new(),
        note: format!("{} {what}/s", done / STORM.as_secs()),
    })
}
