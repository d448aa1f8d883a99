//! Users that the server does not know: it asks others about them.

use std::io;
use std::net::TcpStream;

use super::newcomers::{ELSEWHERE, socket_from, storm};
use crate::error::{BenchError, Doing};
use crate::hostile::callout::NEWCOMER;
use crate::hostile::client::Client;
use crate::hostile::scene::{Held, Scene};
use crate::hostile::stage::as_user;
use crate::hostile::tokens::of_unknown_account;

/// How many wait at once for what nobody says.
const CROWD: usize = 2_000;

/// See [`ALL`](crate::hostile::ALL).
pub fn unknown_accounts(scene: &Scene) -> Result<Held, BenchError> {
    // What they come to is the server's to say.
    storm("refusals", scene, |port| {
        let connect = of_unknown_account().map_err(io::Error::other)?;
        let mut client = Client::reach(port)?;
        client.until(b"\r\n")?;
        client.write(format!("{connect}\r\n").as_bytes())?;
        client.until(b"-ERR").or(Ok(()))
    })
}

/// See [`ALL`](crate::hostile::ALL).
pub fn unanswered_accounts(scene: &Scene) -> Result<Held, BenchError> {
    crowd(scene, |_| of_unknown_account())
}

/// See [`ALL`](crate::hostile::ALL).
pub fn unanswered_users(scene: &Scene) -> Result<Held, BenchError> {
    crowd(scene, |number| Ok(as_user(&format!("stranger{number}"), "p")))
}

/// See [`ALL`](crate::hostile::ALL).
pub fn asked_about(scene: &Scene) -> Result<Held, BenchError> {
    storm("logins", scene, |port| {
        let mut client = Client::over(socket_from(ELSEWHERE, port)?)?;
        client.until(b"\r\n")?;
        client.settle(&format!("{}\r\n", as_user(NEWCOMER, "p")))
    })
}

/// Many from another address than the usual clients have, each with a CONNECT of its own, who stay.
fn crowd(scene: &Scene, connect: impl Fn(usize) -> Result<String, BenchError>) -> Result<Held, BenchError> {
    let one = |connect: &str| -> io::Result<TcpStream> {
        let mut client = Client::over(socket_from(ELSEWHERE, scene.port)?)?;
        client.until(b"\r\n")?;
        client.write(format!("{connect}\r\n").as_bytes())?;
        Ok(client.into_stream())
    };
    let mut held = Held::default();
    for number in 0..CROWD {
        let connected = one(&connect(number)?);
        held.sockets
            .push(connected.doing(|| "connecting a stranger".to_owned())?);
    }
    Ok(held)
}
