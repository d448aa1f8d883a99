//! What a tenant does to others of the same server.

use std::io::{ErrorKind, Write};
use std::thread;
use std::time::{Duration, Instant};

use super::interest::subscribe;
use super::{client, read_away};
use crate::error::{BenchError, Doing};
use crate::hostile::scene::{Held, Scene};

/// How long a flood lasts.
const FLOOD: Duration = Duration::from_secs(3);

/// How many publish in it.
const PUBLISHERS: usize = 4;

/// See [`ALL`](crate::hostile::ALL).
pub fn flood(scene: &Scene) -> Result<Held, BenchError> {
    let doing = || "flooding".to_owned();
    let mut subscriber = client(scene)?;
    subscriber.settle("SUB flood.> 1\r\n").doing(doing)?;
    let mut held = Held::default();
    let stream = subscriber.into_stream();
    read_away(stream.try_clone().doing(doing)?);
    held.sockets.push(stream);
    let mut threads = Vec::new();
    for publisher in 0..PUBLISHERS {
        let mut stream = client(scene)?.into_stream();
        held.sockets.push(stream.try_clone().doing(doing)?);
        let messages = format!("PUB flood.{publisher} 16\r\n0123456789abcdef\r\n").repeat(2_000);
        threads.push(thread::spawn(move || {
            let began = Instant::now();
            while began.elapsed() < FLOOD {
                match stream.write_all(messages.as_bytes()) {
                    Ok(()) => {}
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                    Err(_) => break,
                }
            }
        }));
    }
    for thread in threads {
        thread.join().map_err(|_| BenchError::Panicked)?;
    }
    Ok(held)
}

/// See [`ALL`](crate::hostile::ALL).
pub fn groups(scene: &Scene) -> Result<Held, BenchError> {
    subscribe(scene, 4, 25_000, |connection, sid| {
        format!("SUB crowd g{connection}.{sid} {sid}\r\nUNSUB {sid}\r\n")
    })
}

/// See [`ALL`](crate::hostile::ALL).
pub fn leaving(scene: &Scene) -> Result<Held, BenchError> {
    subscribe(scene, 1, 1_000_000, |_, sid| format!("SUB many.{sid} {sid}\r\n"))
}

/// See [`ALL`](crate::hostile::ALL).
pub fn shadows(scene: &Scene) -> Result<Held, BenchError> {
    subscribe(scene, 4, 50_000, |connection, sid| {
        format!("SUB from.shared.{connection}.{sid} {sid}\r\n")
    })
}
