use crate::client::Client;
use crate::patience::PATIENCE;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Instant;

/// The `vagus` program, running. It is killed when this is dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    log: Receiver<String>,
    lines: Vec<String>,
}

impl Process {
    /// Runs the program; [`spawn_binary!`](crate::spawn_binary) knows where it is.
    ///
    /// # Panics
    /// When it cannot be run.
    #[track_caller]
    pub fn spawn(program: &str, arguments: &[&str]) -> Self {
        let spawned = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = match spawned {
            Ok(child) => child,
            Err(error) => panic!("{program} cannot be run: {error}"),
        };
        let log = read_log(child.stderr.take().expect("stderr is a pipe"));
        Self {
            child,
            log,
            lines: Vec::new(),
        }
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for a line of its log that contains `text`.
    ///
    /// # Panics
    /// When there is none before it ends or patience does.
    #[track_caller]
    pub fn log_line(&mut self, text: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        let mut seen = 0;
        loop {
            if let Some(line) = self.lines[seen..].iter().find(|line| line.contains(text)) {
                return line.clone();
            }
            seen = self.lines.len();
            match self
                .log
                .recv_timeout(deadline.saturating_duration_since(Instant::now()))
            {
                Ok(line) => self.lines.push(line),
                Err(RecvTimeoutError::Timeout) => panic!("no line has {text:?} in {:#?}", self.lines),
                Err(RecvTimeoutError::Disconnected) => {
                    panic!("it ended without a line that has {text:?}: {:#?}", self.lines)
                }
            }
        }
    }

    /// How many of the lines that [`Process::log_line`] has seen contain `text`.
    pub fn lines_with(&self, text: &str) -> usize {
        self.lines.iter().filter(|line| line.contains(text)).count()
    }

    /// Where clients connect, once it is ready: 127.0.0.1 and the port it logs.
    ///
    /// # Panics
    /// When it does not become ready.
    #[track_caller]
    pub fn client_address(&mut self) -> SocketAddr {
        let line = self.log_line("Listening for client connections on ");
        self.log_line("Server is ready");
        let port = line.rsplit(':').next().and_then(|port| port.trim().parse().ok());
        match port {
            Some(port) => SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
            None => panic!("there is no port in {line:?}"),
        }
    }

    /// A client that has read INFO and said nothing.
    #[track_caller]
    pub fn client(&mut self) -> Client {
        Client::to(self.client_address())
    }

    /// Waits until it has ended by itself.
    ///
    /// # Panics
    /// When it cannot be waited for.
    #[track_caller]
    pub fn wait(&mut self) -> ExitStatus {
        self.child.wait().expect("a process has an end")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Already gone is as good; waiting leaves no zombie behind.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads to the end: a server must never wait for room in this pipe.
fn read_log(log: ChildStderr) -> Receiver<String> {
    let (send, receive) = channel();
    thread::spawn(move || {
        for line in BufReader::new(log).lines().map_while(Result::ok) {
            // The test may have seen enough.
            let _ = send.send(line);
        }
    });
    receive
}
