//! Who says that it is another cluster.

use std::net::{Ipv4Addr, TcpListener};
use std::time::Instant;

use super::send;
use crate::error::{BenchError, Doing};
use crate::hostile::client::{Client, PATIENCE};
use crate::hostile::scene::{Held, Scene};

/// What clusters are told that are asked for everything.
const IS_OLD: bool = true;

fn doing() -> String {
    "connecting as another cluster".to_owned()
}

/// What a server of the cluster `attackers` says of itself. One that is not old tells what is wanted in it.
fn info(port: u16, is_old: bool) -> String {
    format!(
        r#"INFO {{"server_id":"NATTACKER","server_name":"attacker-{port}","version":"2.14.5","proto":1,"headers":true,"max_payload":1048576,"gateway":"attackers","gateway_urls":["127.0.0.1:{port}"],"gateway_url":"127.0.0.1:{port}","gateway_nrp":true,"gateway_iom":{}}}"#,
        !is_old
    )
}

/// A connection by which a cluster sends messages, that says where the cluster is to be connected to.
fn inbound(scene: &Scene, port: u16) -> Result<Client, BenchError> {
    let mut peer = Client::reach(scene.routes).doing(doing)?;
    peer.until(b"\r\n").doing(doing)?;
    let connect = r#"CONNECT {"name":"NATTACKER","gateway":"attackers"}"#;
    let lines = format!("{connect}\r\n{}\r\n", info(port, IS_OLD));
    peer.settle(&lines).doing(doing)?;
    Ok(peer)
}

/// The same, and the connection by which the server has connected to it in turn, to be told what is wanted.
fn both(scene: &Scene, is_old: bool) -> Result<(Client, Client), BenchError> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).doing(doing)?;
    let port = listener.local_addr().doing(doing)?.port();
    let inbound = inbound(scene, port)?;
    listener.set_nonblocking(true).doing(doing)?;
    let until = Instant::now() + PATIENCE;
    let stream = loop {
        match listener.accept() {
            Ok((stream, _)) => break stream,
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock && Instant::now() < until => {
                std::thread::sleep(std::time::Duration::from_millis(5));
            }
            Err(error) => return Err(error).doing(doing),
        }
    };
    stream.set_nonblocking(false).doing(doing)?;
    let mut outbound = Client::over(stream).doing(doing)?;
    outbound
        .write(format!("{}\r\n", info(port, is_old)).as_bytes())
        .doing(doing)?;
    outbound.settle("").doing(doing)?;
    Ok((inbound, outbound))
}

fn held(peers: [Client; 2]) -> Held {
    Held {
        sockets: peers.into_iter().map(Client::into_stream).collect(),
        note: String::new(),
    }
}

/// See [`ALL`](crate::hostile::ALL).
pub fn interest(scene: &Scene) -> Result<Held, BenchError> {
    let (inbound, mut outbound) = both(scene, !IS_OLD)?;
    let subjects = (0..500_000).map(|number| format!("RS+ $G flood.{number}\r\n"));
    let groups = (0..100_000).map(|number| format!("RS+ $G flood group-{number} 1\r\n"));
    send(&mut outbound, subjects.chain(groups))?;
    Ok(held([inbound, outbound]))
}

/// See [`ALL`](crate::hostile::ALL).
pub fn refusals(scene: &Scene) -> Result<Held, BenchError> {
    let (inbound, mut outbound) = both(scene, IS_OLD)?;
    let subjects = (0..500_000).map(|number| format!("RS- $G flood.{number}\r\n"));
    let accounts = (0..500_000).map(|number| format!("A- ACCOUNT{number}\r\n"));
    send(&mut outbound, subjects)?;
    // A server that has had enough ends it.
    let is_taken = send(&mut outbound, accounts).is_ok();
    let mut held = held([inbound, outbound]);
    if !is_taken {
        held.note = "it was cut off".to_owned();
    }
    Ok(held)
}

/// See [`ALL`](crate::hostile::ALL).
pub fn forged(scene: &Scene) -> Result<Held, BenchError> {
    let (mut inbound, outbound) = both(scene, !IS_OLD)?;
    let lines = (0..500_000).map(|number| match number % 4 {
        0 => format!("RMSG $G _GR_.aaaaaa.bbbbbb.{number} 1\r\nx\r\n"),
        1 => format!("RMSG $G forged _GR_.aaaaaa.bbbbbb.{number} 1\r\nx\r\n"),
        2 => format!("RMSG ACCOUNT{number} forged 1\r\nx\r\n"),
        _ => format!("RMSG $G _R_.{number} + _GR_.x g1 g2 g3 1\r\nx\r\n"),
    });
    send(&mut inbound, lines)?;
    Ok(held([inbound, outbound]))
}

/// See [`ALL`](crate::hostile::ALL).
pub fn gossip(scene: &Scene) -> Result<Held, BenchError> {
    let (inbound, mut outbound) = both(scene, !IS_OLD)?;
    let lines = (0..20_000).map(|number| {
        format!("INFO {{\"gateway\":\"C{number}\",\"gateway_urls\":[\"127.0.0.1:1\"],\"gateway_cmd\":1}}\r\n")
    });
    send(&mut outbound, lines)?;
    Ok(held([inbound, outbound]))
}
