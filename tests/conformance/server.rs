//! A server process, and the clients a test connects to it.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use async_nats::client::RequestErrorKind;
use async_nats::{Client, ConnectError, ConnectOptions, Message, Subscriber};
use futures_util::{FutureExt as _, StreamExt as _};

/// Only a bound on how long a broken server can hold up the run: nothing is measured with it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// One server on a free port of the loopback interface, restartable on the same port.
pub(crate) struct Server {
    arguments: &'static [&'static str],
    process: Child,
    port: u16,
}

impl Server {
    pub(crate) fn start() -> Server {
        Server::start_with(&[])
    }

    /// Starts a server with further command line `arguments`.
    pub(crate) fn start_with(arguments: &'static [&'static str]) -> Server {
        let (process, port) = run("-1", arguments);
        Server {
            arguments,
            process,
            port,
        }
    }

    /// Ends the process at once, and returns when it is gone.
    pub(crate) fn kill(&mut self) {
        self.process.kill().expect("the server can be killed");
        self.process.wait().expect("the server has an end");
    }

    /// Starts the process again after [`Server::kill`], on the port it had.
    pub(crate) fn start_again(&mut self) {
        let (process, port) = run(&self.port.to_string(), self.arguments);
        assert_eq!(port, self.port, "the server took another port");
        self.process = process;
    }

    pub(crate) async fn client(&self) -> Client {
        self.client_with(ConnectOptions::new())
            .await
            .expect("the server takes any client")
    }

    pub(crate) async fn client_with(&self, options: ConnectOptions) -> Result<Client, ConnectError> {
        options
            .connection_timeout(PATIENCE)
            .request_timeout(Some(PATIENCE))
            .reconnect_delay_callback(|_| Duration::from_millis(20))
            .connect(format!("nats://127.0.0.1:{}", self.port))
            .await
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Already gone is as good; waiting leaves no zombie behind.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Runs the server and waits until it says that it is ready; returns its port.
fn run(port: &str, arguments: &[&str]) -> (Child, u16) {
    let binary =
        std::env::var("VAGUS_TEST_SERVER").unwrap_or_else(|_| env!("CARGO_BIN_EXE_vagus").to_owned());
    let mut process = Command::new(&binary)
        .args(["-a", "127.0.0.1", "-p", port])
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{binary} does not start: {error}"));
    let log = process.stderr.take().expect("stderr is a pipe");
    let (said_ready, ready) = mpsc::channel();
    std::thread::spawn(move || read_log(log, &said_ready));
    match ready.recv_timeout(PATIENCE) {
        Ok(Ok(port)) => (process, port),
        Ok(Err(log)) => panic!("{binary} ended before it was ready:\n{log}"),
        Err(_) => {
            let _ = process.kill();
            panic!("{binary} does not say that it is ready");
        }
    }
}

/// Reads to the end: a server must never wait for room in this pipe.
fn read_log(log: ChildStderr, ready: &mpsc::Sender<Result<u16, String>>) {
    let mut port = None;
    let mut lines = String::new();
    for line in BufReader::new(log).lines().map_while(Result::ok) {
        if let Some((_, address)) = line.split_once("Listening for client connections on ") {
            port = address
                .rsplit(':')
                .next()
                .and_then(|port| port.trim().parse().ok());
        }
        if line.contains("Server is ready")
            && let Some(port) = port
        {
            // The receiver is gone once it gave up waiting; the pipe is still to be read.
            let _ = ready.send(Ok(port));
        }
        lines.push_str(&line);
        lines.push('\n');
    }
    let _ = ready.send(Err(lines));
}

/// Waits until the server has acted on everything `client` sent, and the client has read all answers.
///
/// The answer to a request that nobody listens to is the round trip: async-nats' `flush` ends at its own
/// socket.
pub(crate) async fn settle(client: &Client) {
    let error = client
        .request("nobody.listens.here", "".into())
        .await
        .expect_err("nobody listens here");
    assert_eq!(error.kind(), RequestErrorKind::NoResponders);
}

/// The next message.
pub(crate) async fn next(subscriber: &mut Subscriber) -> Message {
    tokio::time::timeout(PATIENCE, subscriber.next())
        .await
        .expect("a message is missing")
        .expect("the subscription ended early")
}

/// The payloads of the next `count` messages, as text.
pub(crate) async fn texts(subscriber: &mut Subscriber, count: usize) -> Vec<String> {
    let mut texts = Vec::with_capacity(count);
    for _ in 0..count {
        texts.push(text(&next(subscriber).await));
    }
    texts
}

/// The payload of a message, as text.
pub(crate) fn text(message: &Message) -> String {
    String::from_utf8(message.payload.to_vec()).expect("the payload is text")
}

/// What has already arrived.
pub(crate) fn arrived(subscriber: &mut Subscriber) -> Vec<Message> {
    let mut messages = Vec::new();
    // Unconstrained: with its budget of polls spent, tokio would say that there is nothing yet.
    while let Some(Some(message)) = tokio::task::unconstrained(subscriber.next()).now_or_never() {
        messages.push(message);
    }
    messages
}

/// Asserts that no further message came.
///
/// `clients` are the publisher and, last, the subscriber: when both had an answer, in that order, everything
/// published before is either here or will never come.
pub(crate) async fn assert_nothing_more(subscriber: &mut Subscriber, clients: &[&Client]) {
    for client in clients {
        settle(client).await;
    }
    let more = arrived(subscriber);
    assert!(more.is_empty(), "too much: {more:?}");
}
