//! What a server has to hold for peers that give little.

use std::io::Write;
use std::time::Duration;

use super::{client, read_away, send};
use crate::error::{BenchError, Doing};
use crate::hostile::scene::{Held, Scene};

/// How long a server may not read before it is taken for one that does not any more.
const FULL: Duration = Duration::from_millis(300);

/// See [`ALL`](crate::hostile::ALL).
pub fn large_frames(scene: &Scene) -> Result<Held, BenchError> {
    let mut held = Held::default();
    let whole = format!("PUB a 1048576\r\n{}\r\n", "x".repeat(1_048_576));
    for _ in 0..2_000 {
        let mut client = client(scene)?;
        let doing = || "announcing a message".to_owned();
        // A connection that has sent one is known to send such.
        client.settle(&whole).doing(doing)?;
        client.write(b"PUB a 1048576\r\nx").doing(doing)?;
        held.sockets.push(client.into_stream());
    }
    Ok(held)
}

/// See [`ALL`](crate::hostile::ALL).
pub fn pings(scene: &Scene) -> Result<Held, BenchError> {
    let block = b"PING\r\n".repeat(10_000);
    let mut held = Held::default();
    let mut written = 0;
    for _ in 0..20 {
        let mut stream = client(scene)?.into_stream();
        let doing = || "sending PINGs".to_owned();
        stream.set_write_timeout(Some(FULL)).doing(doing)?;
        for _ in 0..1_200 {
            if stream.write_all(&block).is_err() {
                break;
            }
            written += block.len();
        }
        held.sockets.push(stream);
    }
    held.note = format!("{} MB of PINGs taken", written / 1_000_000);
    Ok(held)
}

/// See [`ALL`](crate::hostile::ALL).
pub fn small_pending(scene: &Scene) -> Result<Held, BenchError> {
    let mut held = Held::default();
    for _ in 0..4 {
        let mut subscriber = client(scene)?;
        let doing = || "subscribing".to_owned();
        subscriber.settle("SUB s 1\r\n").doing(doing)?;
        held.sockets.push(subscriber.into_stream());
    }
    let mut publisher = client(scene)?;
    // One message a write, as of a publisher that has one now and then: 60 MB for each, 14 bytes at a time.
    send(
        &mut publisher,
        (0..4_300_000).map(|_| "PUB s 2\r\nhi\r\n".to_owned()),
    )?;
    held.sockets.push(publisher.into_stream());
    Ok(held)
}

/// See [`ALL`](crate::hostile::ALL).
pub fn responses(scene: &Scene) -> Result<Held, BenchError> {
    let mut responder = client(scene)?;
    let doing = || "subscribing to requests".to_owned();
    responder.settle("SUB requests 1\r\n").doing(doing)?;
    let responder = responder.into_stream();
    read_away(responder.try_clone().doing(doing)?);
    let long = "r".repeat(3_900);
    let mut requester = client(scene)?;
    send(
        &mut requester,
        (0..65_536).map(|number| format!("PUB requests {number}.{long} 0\r\n\r\n")),
    )?;
    Ok(Held {
        sockets: vec![responder, requester.into_stream()],
        note: String::new(),
    })
}
