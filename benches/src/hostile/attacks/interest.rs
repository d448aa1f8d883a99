//! Interest that comes and goes in great numbers.

use super::{client, send};
use crate::error::BenchError;
use crate::hostile::scene::{Held, Scene};

/// What a control line may hold, less what stands around a subject.
const LONGEST_SUBJECT: usize = 4_000;

/// See [`ALL`](crate::hostile::ALL).
pub fn group(scene: &Scene) -> Result<Held, BenchError> {
    subscribe(scene, 4, 100_000, |_, sid| {
        format!("SUB crowd together {sid}\r\n")
    })
}

/// See [`ALL`](crate::hostile::ALL).
pub fn groups(scene: &Scene) -> Result<Held, BenchError> {
    subscribe(scene, 4, 25_000, |connection, sid| {
        format!("SUB crowd g{connection}.{sid} {sid}\r\n")
    })
}

/// See [`ALL`](crate::hostile::ALL).
pub fn leaving(scene: &Scene) -> Result<Held, BenchError> {
    subscribe(scene, 1, 1_000_000, |_, sid| format!("SUB many.{sid} {sid}\r\n"))
}

/// See [`ALL`](crate::hostile::ALL).
pub fn leaving_many(scene: &Scene) -> Result<Held, BenchError> {
    subscribe(scene, 1_000, 1_000, |connection, sid| {
        format!("SUB many.{connection}.{sid} {sid}\r\n")
    })
}

/// See [`ALL`](crate::hostile::ALL).
pub fn deep(scene: &Scene) -> Result<Held, BenchError> {
    let rest = ".a.*".repeat(LONGEST_SUBJECT / 4);
    subscribe(scene, 1, 10_000, |_, sid| format!("SUB {sid}{rest} {sid}\r\n"))
}

/// Has so many attackers subscribe so often each.
pub(super) fn subscribe(
    scene: &Scene,
    attackers: usize,
    each: usize,
    line: impl Fn(usize, usize) -> String,
) -> Result<Held, BenchError> {
    let mut held = Held::default();
    for attacker in 0..attackers {
        let mut client = client(scene)?;
        send(&mut client, (0..each).map(|sid| line(attacker, sid)))?;
        held.sockets.push(client.into_stream());
    }
    Ok(held)
}
