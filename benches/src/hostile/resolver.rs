//! Where a server asks for the tokens of accounts: those that there are come at once, the others never.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::client::Client;
use super::tokens::{Tokens, presenting};
use crate::error::{BenchError, Doing};

/// How long a request may take to come.
const REQUEST: Duration = Duration::from_secs(1);

/// Below which path the tokens are.
const PATH: &str = "/accounts/";

/// A resolver that is asked over HTTP; it ends when dropped.
#[derive(Debug)]
pub struct HttpResolver {
    port: u16,
    thread: Option<JoinHandle<()>>,
}

impl HttpResolver {
    /// Starts it.
    ///
    /// # Errors
    /// When the system gives it no socket.
    pub fn start(tokens: &'static Tokens) -> Result<Self, BenchError> {
        let doing = || "starting a resolver".to_owned();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).doing(doing)?;
        let port = listener.local_addr().doing(doing)?.port();
        let thread = thread::spawn(move || {
            let mut unanswered = Vec::new();
            for stream in listener.incoming().flatten() {
                match asked(&stream) {
                    Ok(Some(path)) => {
                        match tokens.of_account(&path).or((path.is_empty()).then(String::new)) {
                            // Who has gone needs no token.
                            Some(token) => drop(say(stream, &token)),
                            None => unanswered.push(stream),
                        }
                    }
                    Ok(None) => break,
                    Err(_) => {}
                }
            }
        });
        let thread = Some(thread);
        Ok(Self { port, thread })
    }

    /// Where it is asked.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}{PATH}", self.port)
    }
}

impl Drop for HttpResolver {
    fn drop(&mut self) {
        if TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_ok()
            && let Some(thread) = self.thread.take()
        {
            // One that panicked has said so.
            let _ended = thread.join();
        }
    }
}

/// Which account is asked for; nothing if the connection ends before it asks, as that of who ends the resolver does.
fn asked(stream: &TcpStream) -> io::Result<Option<String>> {
    stream.set_read_timeout(Some(REQUEST))?;
    let mut reader = BufReader::new(stream);
    let (mut first, mut line) = (String::new(), String::new());
    if reader.read_line(&mut first)? == 0 {
        return Ok(None);
    }
    while line != "\r\n" {
        line.clear();
        if reader.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    let path = first.split(' ').nth(1).unwrap_or_default();
    Ok(Some(path.trim_start_matches(PATH).to_owned()))
}

fn say(mut stream: TcpStream, token: &str) -> io::Result<()> {
    let length = token.len();
    stream.write_all(
        format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{token}").as_bytes(),
    )
}

/// Has somebody in the system account answer, as other servers do that keep tokens.
///
/// # Errors
/// When it is not let in.
pub fn answer_in_system_account(port: u16, tokens: &'static Tokens) -> Result<(), BenchError> {
    let doing = || "connecting who keeps tokens".to_owned();
    let mut client = Client::open(port, &presenting(&tokens.system_user)).doing(doing)?;
    client
        .settle("SUB $SYS.REQ.ACCOUNT.*.CLAIMS.LOOKUP 1\r\n")
        .doing(doing)?;
    thread::spawn(move || {
        let token = |subject: &str, _: &[u8]| {
            let account = subject.split('.').nth(3)?;
            tokens.of_account(account).map(String::into_bytes)
        };
        // It goes on until the server ends.
        while client.answer(token).is_ok() {}
    });
    Ok(())
}
