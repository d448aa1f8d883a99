//! A proxy that connects to whoever it is asked for.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use vagus_test_support::PATIENCE;

pub(crate) struct Proxy {
    address: SocketAddr,
    asked: Receiver<String>,
}

impl Proxy {
    /// One that wants to be shown this, if anything. It ends with the test.
    pub(crate) fn start(authorization: Option<&'static str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (said, asked) = channel();
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let said = said.clone();
                thread::spawn(move || serve(&client, authorization, &said));
            }
        });
        Self { address, asked }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The first lines of the requests that were granted since this was last asked, of which there is one at least.
    pub(crate) fn asked_for(&self) -> Vec<String> {
        let first = self.asked.recv_timeout(PATIENCE).unwrap();
        [first].into_iter().chain(self.asked.try_iter()).collect()
    }
}

/// Nobody is there to tell what goes wrong: it ends the connection.
fn serve(client: &TcpStream, authorization: Option<&str>, said: &Sender<String>) -> Option<()> {
    let mut reader = BufReader::new(client);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let shows = authorization.map(|authorization| format!("Proxy-Authorization: {authorization}"));
    if shows.is_some_and(|header| !lines.contains(&header)) {
        let refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n";
        let mut socket = client;
        return socket.write_all(refusal).ok();
    }
    let first = lines.into_iter().next()?;
    let server = TcpStream::connect(first.split(' ').nth(1)?).ok()?;
    said.send(first).ok()?;
    let mut socket = client;
    socket
        .write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
        .ok()?;
    let (from_client, to_server) = (client.try_clone().ok()?, server.try_clone().ok()?);
    let there = thread::spawn(move || pump(&from_client, &to_server));
    pump(&server, client);
    there.join().ok()
}

fn pump(mut from: &TcpStream, mut to: &TcpStream) {
    // An error is an end as well.
    let _ = io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Both);
}
