//! Messages that are cheap to send and dear to deliver.

use super::{client, read_away, send};
use crate::error::{BenchError, Doing};
use crate::hostile::client::Client;
use crate::hostile::scene::{Held, Scene};
use std::fmt::Write as _;

/// How many new subjects are published on, in one write.
const NEW_SUBJECTS: usize = 1_260;

/// See [`ALL`](crate::hostile::ALL).
pub fn overlapping(scene: &Scene) -> Result<Held, BenchError> {
    let subscriber = overlapping_wildcards(scene, 16)?;
    publish(scene, subscriber, &new_subjects("a.", 16))
}

/// See [`ALL`](crate::hostile::ALL).
pub fn overlapping_wide(scene: &Scene) -> Result<Held, BenchError> {
    let subscriber = overlapping_wildcards(scene, 18)?;
    publish(scene, subscriber, &new_subjects("a.", 18))
}

/// See [`ALL`](crate::hostile::ALL).
pub fn overlapping_hits(scene: &Scene) -> Result<Held, BenchError> {
    let subscriber = overlapping_wildcards(scene, 16)?;
    let stream = subscriber.into_stream();
    let doing = || "reading what an attacker is sent".to_owned();
    read_away(stream.try_clone().doing(doing)?);
    let line = format!("PUB {}z 0\r\n\r\n", "a.".repeat(16));
    let mut held = publish(scene, Client::over(stream).doing(doing)?, &line.repeat(20))?;
    held.note = "1,310,720 deliveries".to_owned();
    Ok(held)
}

/// See [`ALL`](crate::hostile::ALL).
pub fn one_subject(scene: &Scene) -> Result<Held, BenchError> {
    let mut subscriber = client(scene)?;
    send(
        &mut subscriber,
        (0..100_000).map(|sid| format!("SUB x {sid}\r\n")),
    )?;
    publish(scene, subscriber, &"PUB x 0\r\n\r\n".repeat(64 * 1024 / 11))
}

/// See [`ALL`](crate::hostile::ALL).
pub fn one_subject_read(scene: &Scene) -> Result<Held, BenchError> {
    let mut subscriber = client(scene)?;
    send(&mut subscriber, (0..10_000).map(|sid| format!("SUB x {sid}\r\n")))?;
    let stream = subscriber.into_stream();
    let doing = || "reading what an attacker is sent".to_owned();
    read_away(stream.try_clone().doing(doing)?);
    publish(
        scene,
        Client::over(stream).doing(doing)?,
        &"PUB x 0\r\n\r\n".repeat(2_000),
    )
}

/// Subscribes to `{a,*}.{a,*}…z`.
fn overlapping_wildcards(scene: &Scene, depth: u32) -> Result<Client, BenchError> {
    let mut subscriber = client(scene)?;
    let pattern = |number: u32| {
        let tokens = (0..depth).map(|bit| if number >> bit & 1 == 0 { "a." } else { "*." });
        format!("SUB {}z {number}\r\n", tokens.collect::<String>())
    };
    send(&mut subscriber, (0..1 << depth).map(pattern))?;
    Ok(subscriber)
}

/// Messages on subjects that differ in the last token alone, of which no subscription has that one.
fn new_subjects(token: &str, depth: usize) -> String {
    let start = token.repeat(depth);
    let mut text = String::new();
    for number in 0..NEW_SUBJECTS {
        // Writing to a `String` cannot fail.
        let _written = write!(text, "PUB {start}n{number} 0\r\n\r\n");
    }
    text
}

/// Has another attacker write all of it at once, and waits until the server has seen to it.
fn publish(scene: &Scene, subscriber: Client, text: &str) -> Result<Held, BenchError> {
    let mut publisher = client(scene)?;
    let settled = publisher.settle(text);
    Ok(Held {
        sockets: vec![subscriber.into_stream(), publisher.into_stream()],
        note: settled.err().map(|error| error.to_string()).unwrap_or_default(),
    })
}
