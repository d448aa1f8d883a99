//! What bad peers do, by what it is aimed at.

pub mod gateways;
pub mod http;
pub mod interest;
pub mod leafs;
pub mod memory;
pub mod newcomers;
pub mod peers;
pub mod publishing;
pub mod strangers;
pub mod tenants;

use std::io::{ErrorKind, Read};
use std::net::TcpStream;
use std::thread;

use super::client::Client;
use super::scene::Scene;
use crate::error::{BenchError, Doing};

/// Written at once at the most, so that a server which reads slowly is not taken for one that does not.
const WRITTEN_AT_ONCE: usize = 64 * 1024;

/// A client as usual ones are.
fn client(scene: &Scene) -> Result<Client, BenchError> {
    Client::open(scene.port, &scene.stage.connect_attacker()).doing(|| "connecting an attacker".to_owned())
}

/// Writes lines that are made as they are needed, and waits until the server has taken them.
fn send(client: &mut Client, lines: impl Iterator<Item = String>) -> Result<(), BenchError> {
    let doing = || "sending what an attacker sends".to_owned();
    let mut text = String::with_capacity(2 * WRITTEN_AT_ONCE);
    for line in lines {
        text.push_str(&line);
        if text.len() >= WRITTEN_AT_ONCE {
            client.write(text.as_bytes()).doing(doing)?;
            text.clear();
        }
    }
    client.settle(&text).doing(doing)
}

/// Reads and forgets whatever comes, until the connection is over.
fn read_away(mut stream: TcpStream) {
    thread::spawn(move || {
        let mut space = vec![0; 256 * 1024];
        loop {
            match stream.read(&mut space) {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => break,
            }
        }
    });
}
