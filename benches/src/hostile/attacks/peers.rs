//! Who connects where other servers do.

use super::send;
use crate::error::{BenchError, Doing};
use crate::hostile::client::Client;
use crate::hostile::scene::{Held, Scene};

/// What a server says that wants to be one of the cluster: who it is, before anything else.
const SERVER: &str = r#"CONNECT {"echo":true,"verbose":false,"pedantic":false,"tls_required":false,"headers":true,"name":"NATTACKER","cluster":"attacked","lnoc":true}
INFO {"server_id":"NATTACKER","server_name":"attacker","version":"2.9.10","proto":1,"host":"127.0.0.1","port":4222,"headers":true,"max_payload":1048576,"cluster":"attacked","nonce":"","lnoc":true}
"#;

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
    let doing = || "connecting as a server".to_owned();
    let mut peer = Client::reach(scene.routes).doing(doing)?;
    peer.until(b"\r\n").doing(doing)?;
    peer.settle(&SERVER.replace('\n', "\r\n")).doing(doing)?;
    send(
        &mut peer,
        (0..500_000).map(|number| format!("RS+ $G flood.{number}\r\n")),
    )?;
    Ok(Held {
        sockets: vec![peer.into_stream()],
        note: String::new(),
    })
}
