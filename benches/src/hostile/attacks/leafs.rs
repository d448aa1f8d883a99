//! Who connects where leaf nodes do.

use std::thread;
use std::time::{Duration, Instant};

use super::send;
use crate::error::{BenchError, Doing};
use crate::hostile::client::Client;
use crate::hostile::scene::{Held, Scene};

/// How long strangers go on.
const STRANGE_FOR: Duration = Duration::from_secs(3);

fn doing() -> String {
    "connecting as a leaf node".to_owned()
}

/// One that is told who the hub is, and has said who it is itself.
fn introduced(port: u16, number: usize, password: &str) -> std::io::Result<Client> {
    let mut peer = Client::reach(port)?;
    peer.until(b"\r\n")?;
    let connect = format!(
        r#"CONNECT {{"version":"2.14.5","headers":true,"protocol":1,"name":"attacker-{number}","user":"tenant","pass":"{password}"}}"#
    );
    peer.write(format!("{connect}\r\n").as_bytes())?;
    Ok(peer)
}

/// One that is in.
fn leaf(scene: &Scene, number: usize) -> Result<Client, BenchError> {
    let mut peer = introduced(scene.routes, number, "tenant").doing(doing)?;
    peer.settle("").doing(doing)?;
    Ok(peer)
}

fn held(peer: Client) -> Held {
    Held {
        sockets: vec![peer.into_stream()],
        note: String::new(),
    }
}

/// See [`ALL`](crate::hostile::ALL).
pub fn silent(scene: &Scene) -> Result<Held, BenchError> {
    let mut held = Held::default();
    for _ in 0..2_000 {
        held.sockets
            .push(Client::reach(scene.routes).doing(doing)?.into_stream());
    }
    Ok(held)
}

/// See [`ALL`](crate::hostile::ALL).
pub fn interest(scene: &Scene) -> Result<Held, BenchError> {
    let mut peer = leaf(scene, 0)?;
    let lines = (0..500_000).map(|number| format!("LS+ flood.{number}\r\n"));
    send(&mut peer, lines)?;
    Ok(held(peer))
}

/// See [`ALL`](crate::hostile::ALL).
pub fn forged(scene: &Scene) -> Result<Held, BenchError> {
    let mut peer = leaf(scene, 0)?;
    let lines = (0..500_000).map(|number| match number % 4 {
        0 => "LMSG probe.a _INBOX.probe 1\r\nx\r\n".to_owned(),
        1 => format!("LMSG _R_.{number} 1\r\nx\r\n"),
        2 => format!("LMSG $SYS.REQ.SERVER.PING _R_.{number} 1\r\nx\r\n"),
        _ => format!("LMSG _GR_.a.b.{number} + $JS.ACK.a q q q 1\r\nx\r\n"),
    });
    send(&mut peer, lines)?;
    Ok(held(peer))
}

/// See [`ALL`](crate::hostile::ALL).
pub fn endless(scene: &Scene) -> Result<Held, BenchError> {
    let mut held = Held::default();
    let piece = vec![b'x'; 64 * 1024];
    for number in 0..100 {
        let mut peer = leaf(scene, number)?;
        peer.write(b"LS+ ").doing(doing)?;
        for _ in 0..960 {
            // A server that has had enough ends it.
            if peer.write(&piece).is_err() {
                break;
            }
        }
        held.sockets.push(peer.into_stream());
    }
    Ok(held)
}

/// See [`ALL`](crate::hostile::ALL).
pub fn halves(scene: &Scene) -> Result<Held, BenchError> {
    let mut held = Held::default();
    for number in 0..100 {
        let mut peer = leaf(scene, number)?;
        peer.write(b"LMSG half 1048576\r\nx")
            .doing(|| "announcing a message".to_owned())?;
        held.sockets.push(peer.into_stream());
    }
    Ok(held)
}

/// See [`ALL`](crate::hostile::ALL).
pub fn strangers(scene: &Scene) -> Result<Held, BenchError> {
    let (port, until) = (scene.routes, Instant::now() + STRANGE_FOR);
    let threads = (0..4).map(|number| {
        thread::spawn(move || {
            while Instant::now() < until {
                // It is refused, or there is no room for it.
                let refused = introduced(port, number, "wrong").and_then(|mut peer| peer.until(b"-ERR"));
                drop(refused);
            }
        })
    });
    for thread in threads.collect::<Vec<_>>() {
        // One that has panicked has nothing to say.
        let _ = thread.join();
    }
    Ok(Held::default())
}
