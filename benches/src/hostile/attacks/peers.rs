//! Who connects where other servers do.

use super::send;
use crate::error::{BenchError, Doing};
use crate::hostile::client::Client;
use crate::hostile::scene::{Held, Scene};

/// One that is a member of the cluster, of this number.
fn member(scene: &Scene, number: usize) -> Result<Client, BenchError> {
    let doing = || "connecting as a server".to_owned();
    let mut peer = Client::reach(scene.routes).doing(doing)?;
    peer.until(b"\r\n").doing(doing)?;
    let connect = format!(
        r#"CONNECT {{"echo":true,"verbose":false,"pedantic":false,"tls_required":false,"headers":true,"name":"NATTACKER{number}","cluster":"attacked","lnoc":true}}"#
    );
    let info = format!(
        r#"INFO {{"server_id":"NATTACKER{number}","server_name":"attacker-{number}","version":"2.9.10","proto":1,"host":"127.0.0.1","port":4222,"headers":true,"max_payload":1048576,"cluster":"attacked","nonce":"","lnoc":true}}"#
    );
    peer.settle(&format!("{connect}\r\n{info}\r\n")).doing(doing)?;
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
    let doing = || "connecting as a server".to_owned();
    let mut held = Held::default();
    for _ in 0..2_000 {
        held.sockets
            .push(Client::reach(scene.routes).doing(doing)?.into_stream());
    }
    Ok(held)
}

/// See [`ALL`](crate::hostile::ALL).
pub fn interest(scene: &Scene) -> Result<Held, BenchError> {
    let mut peer = member(scene, 0)?;
    let lines = (0..500_000).map(|number| format!("RS+ $G flood.{number}\r\n"));
    send(&mut peer, lines)?;
    Ok(held(peer))
}

/// See [`ALL`](crate::hostile::ALL).
pub fn accounts(scene: &Scene) -> Result<Held, BenchError> {
    let mut peer = member(scene, 0)?;
    let lines = (0..500_000).map(|number| format!("RS+ NOBODY{number} flood\r\n"));
    send(&mut peer, lines)?;
    Ok(held(peer))
}

/// See [`ALL`](crate::hostile::ALL).
pub fn astray(scene: &Scene) -> Result<Held, BenchError> {
    let mut peer = member(scene, 0)?;
    let lines = (0..500_000).map(|number| format!("RMSG NOBODY{} astray 1\r\nx\r\n", number % 1_000));
    send(&mut peer, lines)?;
    Ok(held(peer))
}

/// See [`ALL`](crate::hostile::ALL).
pub fn halves(scene: &Scene) -> Result<Held, BenchError> {
    let mut held = Held::default();
    for number in 0..100 {
        let mut peer = member(scene, number)?;
        peer.write(b"RMSG $G half 62914560\r\nx")
            .doing(|| "announcing a message".to_owned())?;
        held.sockets.push(peer.into_stream());
    }
    Ok(held)
}
