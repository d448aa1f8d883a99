//! The servers under test: each run of a scenario gets a fresh process.

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::cluster::await_interest;
use crate::error::{BenchError, Doing};
use crate::process::{CpuTime, resident_bytes};
use crate::setup::{Durability, First, Prepared, Setup};
use crate::tunnel::Tunnel;

const START_LIMIT: Duration = Duration::from_secs(20);

/// A server to compare: its name in the table, its program and further arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerProgram {
    /// Name in the table.
    pub name: String,
    /// Path, or a name to look up in `PATH`.
    pub program: String,
    /// Arguments before the address and the port.
    pub arguments: Vec<String>,
}

impl ServerProgram {
    /// From `name=program [argument…]`.
    ///
    /// # Errors
    /// When it is not of that form.
    pub fn parse(text: &str) -> Result<Self, BenchError> {
        let wrong = || BenchError::Usage("name=program is wanted".to_owned());
        let (name, command) = text.split_once('=').ok_or_else(wrong)?;
        let mut words = command.split_whitespace().map(str::to_owned);
        let program = words.next().filter(|_| !name.is_empty()).ok_or_else(wrong)?;
        Ok(Self {
            name: name.to_owned(),
            program,
            arguments: words.collect(),
        })
    }

    /// What the program says about its version, on one line.
    pub fn version(&self) -> Result<String, BenchError> {
        let output = Command::new(&self.program)
            .arg("--version")
            .stdin(Stdio::null())
            .output()
            .doing(|| format!("asking {} for its version", self.program))?;
        let said = if output.stdout.is_empty() {
            output.stderr
        } else {
            output.stdout
        };
        Ok(String::from_utf8_lossy(&said)
            .lines()
            .next()
            .unwrap_or("(says nothing)")
            .to_owned())
    }

    /// Whether the program takes a configuration that not every version knows.
    ///
    /// # Errors
    /// When it cannot be asked.
    pub fn can_be_set(&self, setup: Setup) -> Result<bool, BenchError> {
        if setup != Setup::Streams(Durability::OnDisk) {
            return Ok(true);
        }
        let prepared = setup.prepare(free_port()?)?;
        let checked = Command::new(&self.program)
            .arg("-t")
            .args(prepared.iter().flat_map(|prepared| &prepared.arguments))
            .stdin(Stdio::null())
            .output()
            .doing(|| format!("asking {} about a configuration", self.program))?;
        Ok(checked.status.success())
    }

    /// Starts the program on a free port of this machine, set so, and waits until it accepts connections.
    pub fn start(&self, setup: Setup) -> Result<RunningServer, BenchError> {
        match setup {
            Setup::Cluster(count) => return self.start_cluster(count),
            Setup::Leaf(first) => return self.start_linked(first),
            Setup::Gateways => return self.start_gateways(),
            _ => {}
        }
        let port = free_port()?;
        if setup == Setup::WebSocket {
            let websocket = free_port()?;
            let mut server = self.start_prepared(port, Some(Setup::prepare_websocket(port, websocket)?))?;
            server.tunnel = Some(Tunnel::through_websocket(websocket)?);
            return Ok(server);
        }
        let mut server = self.start_prepared(port, setup.prepare(port)?)?;
        if setup == Setup::Tls {
            server.tunnel = Some(Tunnel::through_tls(port)?);
        }
        Ok(server)
    }

    /// Starts the program so many times, as servers of one cluster, and waits until the first reaches all others.
    fn start_cluster(&self, count: usize) -> Result<RunningServer, BenchError> {
        let routes = free_ports(count)?;
        let seed = format!("nats://127.0.0.1:{}", routes[0]);
        let mut servers = Vec::new();
        for (number, (port, route)) in free_ports(count)?.into_iter().zip(&routes).enumerate() {
            let mut program = self.clone();
            program.name = format!("{} {number}", self.name);
            let listen = format!("nats://127.0.0.1:{route}");
            let arguments = ["--cluster_name", "bench", "--no_advertise", "--cluster", &listen];
            program.arguments.extend(arguments.map(str::to_owned));
            if number > 0 {
                program.arguments.extend(["--routes".to_owned(), seed.clone()]);
            }
            servers.push(program.start_prepared(port, None)?);
        }
        let mut first = servers.remove(0);
        first.others = servers;
        await_interest(&first)?;
        Ok(first)
    }

    /// Starts the program twice, as a hub and its leaf node, and waits until there is a link. It is not compressed: on one
    /// machine nothing is, by the round trip.
    fn start_linked(&self, first: First) -> Result<RunningServer, BenchError> {
        let at = free_port()?;
        let texts = [
            format!("leafnodes {{ listen: \"127.0.0.1:{at}\" }}\n"),
            format!("leafnodes {{ remotes: [ {{ url: \"nats-leaf://127.0.0.1:{at}\" }} ] }}\n"),
        ];
        let mut servers = self.start_named(["hub", "leaf"], texts)?;
        let mut publishers = servers.remove(match first {
            First::Hub => 0,
            First::Leaf => 1,
        });
        publishers.others = servers;
        await_interest(&publishers)?;
        Ok(publishers)
    }

    /// Starts the program twice, as servers of a cluster each, and waits until the first reaches the other.
    fn start_gateways(&self) -> Result<RunningServer, BenchError> {
        let ports = free_ports(2)?;
        let (first, second) = (ports[0], ports[1]);
        let known = format!(
            "gateways: [ {{ name: first, url: \"nats://127.0.0.1:{first}\" }}, {{ name: second, url: \"nats://127.0.0.1:{second}\" }} ]"
        );
        let text =
            |name: &str, port| format!("gateway {{ name: {name}, listen: \"127.0.0.1:{port}\", {known} }}\n");
        let texts = [text("first", first), text("second", second)];
        let mut servers = self.start_named(["first", "second"], texts)?;
        let mut publishers = servers.remove(0);
        publishers.others = servers;
        await_interest(&publishers)?;
        Ok(publishers)
    }

    /// Starts the program twice, with these configurations under these names.
    fn start_named(&self, names: [&str; 2], texts: [String; 2]) -> Result<Vec<RunningServer>, BenchError> {
        let mut servers = Vec::new();
        for ((name, text), port) in names.iter().zip(texts).zip(free_ports(2)?) {
            let mut program = self.clone();
            program.name = format!("{} {name}", self.name);
            let mut prepared = Prepared::new(port)?;
            let named = format!("server_name: {name}\n{text}");
            let path = prepared.file("server.conf", named.as_bytes())?;
            prepared.arguments = vec!["-c".to_owned(), path];
            servers.push(program.start_prepared(port, Some(prepared))?);
        }
        Ok(servers)
    }

    /// Starts the program on this port of this machine, with the files and arguments prepared for it, and waits until
    /// it accepts connections.
    pub fn start_prepared(&self, port: u16, prepared: Option<Prepared>) -> Result<RunningServer, BenchError> {
        let output = std::env::temp_dir().join(format!("vagus-benches-{}-{port}.log", std::process::id()));
        let mut server = RunningServer {
            program: self.clone(),
            port,
            child: self.spawn(port, prepared.as_ref(), &output)?,
            output,
            keep_output: false,
            tunnel: None,
            others: Vec::new(),
            prepared,
        };
        server.wait_until_it_accepts()?;
        Ok(server)
    }

    fn spawn(&self, port: u16, prepared: Option<&Prepared>, output: &Path) -> Result<Child, BenchError> {
        let log = File::create(output).doing(|| format!("creating {}", output.display()))?;
        let log_again = log
            .try_clone()
            .doing(|| format!("opening {} again", output.display()))?;
        Command::new(&self.program)
            .args(&self.arguments)
            .args(prepared.iter().flat_map(|prepared| &prepared.arguments))
            .args(["-a", "127.0.0.1", "-p", &port.to_string()])
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(log_again)
            .spawn()
            .doing(|| format!("starting {}", self.program))
    }
}

/// How a server ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It is told to, and does as it likes.
    Stopped,
    /// It does nothing any more.
    Killed,
}

/// A running server, perhaps with others that it is connected with; dropping it kills their processes.
#[derive(Debug)]
pub struct RunningServer {
    program: ServerProgram,
    port: u16,
    child: Child,
    output: PathBuf,
    keep_output: bool,
    tunnel: Option<Tunnel>,
    others: Vec<Self>,
    prepared: Option<Prepared>,
}

impl RunningServer {
    /// Where plain connections are taken, on 127.0.0.1: by the server, or for it.
    pub fn port(&self) -> u16 {
        self.tunnel.as_ref().map_or(self.port, Tunnel::port)
    }

    /// How many servers there are.
    pub fn count(&self) -> usize {
        1 + self.others.len()
    }

    /// Where the server of this number takes plain connections: from 0, which is this one; after the last comes the first.
    pub fn port_of(&self, number: usize) -> u16 {
        match number % self.count() {
            0 => self.port(),
            number => self.others[number - 1].port(),
        }
    }

    /// The CPU time of each server so far.
    ///
    /// # Errors
    /// When the kernel does not tell.
    pub fn cpu_times(&self) -> Result<Vec<CpuTime>, BenchError> {
        self.pids().map(CpuTime::of).collect()
    }

    /// CPU nanoseconds of all servers since `earlier`.
    ///
    /// # Errors
    /// When the kernel does not tell.
    pub fn cpu_since(&self, earlier: &[CpuTime]) -> Result<u64, BenchError> {
        let now = self.cpu_times()?;
        Ok(now
            .iter()
            .zip(earlier)
            .map(|(now, earlier)| now.since(*earlier))
            .sum())
    }

    /// The resident memory of all servers now, bytes.
    ///
    /// # Errors
    /// When the kernel does not tell.
    pub fn resident_bytes(&self) -> Result<u64, BenchError> {
        self.pids().map(resident_bytes).sum()
    }

    fn pids(&self) -> impl Iterator<Item = u32> {
        [self].into_iter().chain(&self.others).map(Self::pid)
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Keeps the files with the output of servers when they go, and says where that of the first is.
    pub fn keep_output(&mut self) -> &PathBuf {
        for other in &mut self.others {
            other.keep_output = true;
        }
        self.keep_output = true;
        &self.output
    }

    /// How many lines of its output there are so far.
    pub fn lines_of_output(&self) -> usize {
        // What cannot be read has none.
        fs::read(&self.output).map_or(0, |text| text.iter().filter(|byte| **byte == b'\n').count())
    }

    /// An error if a process has ended.
    pub fn check_alive(&mut self) -> Result<(), BenchError> {
        self.others.iter_mut().try_for_each(Self::check_alive)?;
        match self
            .child
            .try_wait()
            .doing(|| format!("waiting for {}", self.program.name))?
        {
            None => Ok(()),
            Some(status) => Err(self.failure(format!("ended: {status}"))),
        }
    }

    /// Ends the process, and starts it anew on the same port with the same files; what it does then has begun.
    ///
    /// # Errors
    /// When it does not end, or cannot be started.
    pub fn restart(&mut self, end: End) -> Result<(), BenchError> {
        match end {
            End::Killed => self
                .child
                .kill()
                .doing(|| format!("killing {}", self.program.name))?,
            End::Stopped => {
                if let Some(pid) = Pid::from_raw(self.child.id() as i32) {
                    kill_process(pid, Signal::TERM).doing(|| format!("stopping {}", self.program.name))?;
                }
            }
        }
        self.child
            .wait()
            .doing(|| format!("waiting for {}", self.program.name))?;
        self.child = self
            .program
            .spawn(self.port, self.prepared.as_ref(), &self.output)?;
        Ok(())
    }

    /// What its files take, bytes of the disk: those that `of` is true of.
    ///
    /// # Errors
    /// When they cannot be looked at.
    pub fn bytes_on_disk(&self, of: impl Fn(&Path) -> bool) -> Result<u64, BenchError> {
        self.prepared
            .as_ref()
            .map_or(Ok(0), |prepared| prepared.bytes_on_disk(of))
    }

    fn wait_until_it_accepts(&mut self) -> Result<(), BenchError> {
        let started = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_err() {
            self.check_alive()?;
            if started.elapsed() > START_LIMIT {
                return Err(self.failure(format!("did not listen within {} s", START_LIMIT.as_secs())));
            }
            thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }

    fn failure(&mut self, how: String) -> BenchError {
        self.keep_output = true;
        BenchError::Server {
            name: self.program.name.clone(),
            how,
            output: self.output.clone(),
        }
    }
}

impl Drop for RunningServer {
    fn drop(&mut self) {
        // Both fail only if the process is gone already; the log is a temporary file.
        let _killed = self.child.kill();
        let _reaped = self.child.wait();
        if !self.keep_output {
            let _removed = fs::remove_file(&self.output);
        }
    }
}

/// A port of this machine that nobody listens on now.
pub fn free_port() -> Result<u16, BenchError> {
    Ok(free_ports(1)?[0])
}

/// So many of them.
fn free_ports(count: usize) -> Result<Vec<u16>, BenchError> {
    let doing = || "looking for a free port".to_owned();
    // All at once, or one might be found twice.
    let listeners: Vec<TcpListener> = (0..count)
        .map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).doing(doing))
        .collect::<Result<_, _>>()?;
    let ports = listeners
        .iter()
        .map(|listener| listener.local_addr().doing(doing));
    ports.map(|address| Ok(address?.port())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_a_name_and_a_command() {
        let server = ServerProgram::parse("new=target/release/vagus --threads 1").unwrap();
        assert_eq!(server.name, "new");
        assert_eq!(server.program, "target/release/vagus");
        assert_eq!(server.arguments, ["--threads", "1"]);
        for wrong in ["vagus", "=vagus", "name=", "name= "] {
            assert!(ServerProgram::parse(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_program_that_ends_at_once_is_an_error_with_its_output() {
        let server = ServerProgram::parse("none=false").unwrap();
        let Err(BenchError::Server { output, .. }) = server.start(Setup::Plain) else {
            panic!("false(1) listens?")
        };
        assert!(output.exists());
        fs::remove_file(output).unwrap();
    }
}
