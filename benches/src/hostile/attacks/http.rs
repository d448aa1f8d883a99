//! Monitoring over HTTP, asked by those who do not care for the answer.

use std::io::{Read, Write};
use std::time::Duration;

use super::{client, send};
use crate::error::{BenchError, Doing};
use crate::hostile::client::Client;
use crate::hostile::scene::{Held, Scene};

/// How long a server may not read before it is taken for one that does not any more.
const FULL: Duration = Duration::from_millis(100);

/// How long one that is full up may take to answer.
const ANSWER: Duration = Duration::from_millis(100);

/// See [`ALL`](crate::hostile::ALL).
pub fn idle(scene: &Scene) -> Result<Held, BenchError> {
    let mut held = Held::default();
    for _ in 0..300 {
        let doing = || "asking once".to_owned();
        let mut stream = Client::reach(scene.monitoring).doing(doing)?.into_stream();
        stream.set_read_timeout(Some(ANSWER)).doing(doing)?;
        let asked = stream.write_all(b"GET /varz HTTP/1.1\r\nHost: localhost\r\n\r\n");
        // Those who are not answered, or not let in, are as good.
        let _answered = asked.and_then(|()| stream.read(&mut [0; 64 * 1024]));
        held.sockets.push(stream);
    }
    Ok(held)
}

/// See [`ALL`](crate::hostile::ALL).
pub fn unread(scene: &Scene) -> Result<Held, BenchError> {
    let requests = "GET /varz HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(400);
    ask_in_vain(scene, 256, &requests)
}

/// See [`ALL`](crate::hostile::ALL).
pub fn connz(scene: &Scene) -> Result<Held, BenchError> {
    let mut clients = Held::default();
    for number in 0..500 {
        let mut client = client(scene)?;
        send(
            &mut client,
            (0..20).map(|sid| format!("SUB shown.{number}.{sid} {sid}\r\n")),
        )?;
        clients.sockets.push(client.into_stream());
    }
    let requests = "GET /connz?subs=detail&limit=500 HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(50);
    let mut held = ask_in_vain(scene, 200, &requests)?;
    held.sockets.append(&mut clients.sockets);
    Ok(held)
}

/// Has so many ask, and none read.
fn ask_in_vain(scene: &Scene, askers: usize, requests: &str) -> Result<Held, BenchError> {
    let mut held = Held::default();
    for _ in 0..askers {
        let doing = || "asking in vain".to_owned();
        let mut stream = Client::reach(scene.monitoring).doing(doing)?.into_stream();
        stream.set_write_timeout(Some(FULL)).doing(doing)?;
        // It may stop reading, or close: both are answers.
        let _written = stream.write_all(requests.as_bytes());
        held.sockets.push(stream);
    }
    Ok(held)
}
