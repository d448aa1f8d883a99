//! Syslog, of this machine or of another one, as RFC 3164 has it.
//!
//! A receiver that is gone costs what is logged and nothing else: what it does not take is dropped and counted. That
//! is told on standard error, once and not again for a while, and to the receiver when it is back.

use super::line::{LineFormat, Style};
use super::record::{Entry, Label};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::io::{self, Write};
use std::net::{TcpStream, ToSocketAddrs, UdpSocket};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::Path;
use std::time::{Duration, Instant};
use vagus_configs::SyslogAddress;

/// Where the syslog of a machine is.
const LOCAL: [&str; 3] = ["/dev/log", "/var/run/syslog", "/var/run/log"];

/// System daemons.
const FACILITY: u8 = 3;

/// The longest message, in bytes: many receivers take no more.
const LONGEST: usize = 8192;

/// How long a receiver may take to answer or to take a message; only the log waits.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long a receiver that is gone is left alone.
const REST: Duration = Duration::from_secs(5);

/// Of a receiver that is gone is told no more often than this.
const SILENCE: Duration = Duration::from_secs(60);

/// A syslog that takes messages.
#[derive(Debug)]
pub(crate) struct Syslog {
    receiver: Receiver,
    connection: Option<Connection>,
    hostname: String,
    tag: String,
    zone: TimeZone,
    /// Messages that nobody took.
    missing: u64,
    /// When it is tried again after it was gone.
    rest_until: Option<Instant>,
    complained: Option<Instant>,
}

#[derive(Debug)]
enum Receiver {
    Local,
    Remote(SyslogAddress),
}

#[derive(Debug)]
enum Connection {
    Udp(UdpSocket),
    Tcp(TcpStream),
    Datagrams(UnixDatagram),
    Stream(UnixStream),
}

/// What became of a message.
#[derive(Debug)]
pub(crate) enum Sent {
    Yes,
    No,
    /// No, and somebody should be told.
    NoMore(io::Error),
}

impl Syslog {
    /// The syslog of this machine.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn local(tag: String, zone: Option<TimeZone>) -> io::Result<Self> {
        let mut syslog = Self::new(Receiver::Local, tag, zone);
        syslog.connection = Some(syslog.receiver.connect()?);
        Ok(syslog)
    }

    /// Another syslog. That it is not there is no error: it may come.
    pub(crate) fn remote(address: SyslogAddress, tag: String, zone: Option<TimeZone>) -> Self {
        Self::new(Receiver::Remote(address), tag, zone)
    }

    fn new(receiver: Receiver, tag: String, zone: Option<TimeZone>) -> Self {
        let hostname = rustix::system::uname().nodename().to_string_lossy().into_owned();
        Self {
            receiver,
            connection: None,
            hostname: if hostname.is_empty() {
                "-".to_owned()
            } else {
                hostname
            },
            tag,
            zone: zone.unwrap_or_else(TimeZone::system),
            missing: 0,
            rest_until: None,
            complained: None,
        }
    }

    /// What it is called in messages to the operator.
    pub(crate) fn name(&self) -> String {
        match &self.receiver {
            Receiver::Local => "the syslog of this machine".to_owned(),
            Receiver::Remote(address) => address.to_string(),
        }
    }

    /// Sends one record, or counts it as missing.
    pub(crate) fn send(&mut self, entry: &Entry<'_>, format: &LineFormat) -> Sent {
        if self.rest_until.is_some_and(|until| Instant::now() < until) {
            self.missing += 1;
            return Sent::No;
        }
        match self.try_send(entry, format) {
            Ok(()) => {
                self.rest_until = None;
                Sent::Yes
            }
            Err(error) => {
                self.missing += 1;
                if !matches!(self.connection, Some(Connection::Udp(_))) {
                    self.connection = None;
                    self.rest_until = Some(Instant::now() + REST);
                }
                let now = Instant::now();
                if self
                    .complained
                    .is_some_and(|complained| now < complained + SILENCE)
                {
                    return Sent::No;
                }
                self.complained = Some(now);
                Sent::NoMore(error)
            }
        }
    }

    fn try_send(&mut self, entry: &Entry<'_>, format: &LineFormat) -> io::Result<()> {
        if self.connection.is_none() {
            self.connection = Some(self.receiver.connect()?);
        }
        if self.missing > 0 {
            let note = Entry {
                label: Label::Warning,
                time: entry.time,
                text: format!("{} lines are missing here: they could not be sent", self.missing).into(),
            };
            let message = self.message(&note, format);
            self.transmit(&message)?;
            self.missing = 0;
        }
        let message = self.message(entry, format);
        self.transmit(&message)
    }

    fn transmit(&mut self, message: &[u8]) -> io::Result<()> {
        match &mut self.connection {
            None => Err(io::ErrorKind::NotConnected.into()),
            Some(Connection::Udp(socket)) => socket.send(message).map(|_| ()),
            Some(Connection::Datagrams(socket)) => socket.send(message).map(|_| ()),
            Some(Connection::Tcp(stream)) => stream.write_all(message),
            Some(Connection::Stream(stream)) => stream.write_all(message),
        }
    }

    /// `<priority>time [host ]tag[pid]: text` and the end of the line. A syslog of this machine knows its name, and
    /// takes the time of RFC 3164; to another one goes a time with its year and zone, as nats-server sends it.
    fn message(&self, entry: &Entry<'_>, format: &LineFormat) -> Vec<u8> {
        let mut message = Vec::with_capacity(256);
        let priority = FACILITY << 3 | severity(entry.label);
        let (tag, pid) = (&self.tag, format.pid);
        let time = self.time(entry.time);
        // Writing to memory does not fail.
        let _ = match self.receiver {
            Receiver::Local => write!(message, "<{priority}>{time} {tag}[{pid}]: "),
            Receiver::Remote(_) => {
                write!(message, "<{priority}>{time} {} {tag}[{pid}]: ", self.hostname)
            }
        };
        let _ = format.write(&mut message, entry);
        if message.len() > LONGEST {
            message.truncate(LONGEST - 1);
            message.push(b'\n');
        }
        message
    }

    fn time(&self, time: Timestamp) -> String {
        match self.receiver {
            Receiver::Local => self.zone.to_datetime(time).strftime("%b %e %H:%M:%S").to_string(),
            Receiver::Remote(_) => {
                let offset = self.zone.to_offset(time);
                format!("{:.0}", time.display_with_offset(offset))
            }
        }
    }
}

/// How lines are written to a syslog: it adds the rest.
pub(crate) fn style(of: Style) -> Style {
    match of {
        Style::Json => Style::Json,
        Style::Text { .. } | Style::Bare => Style::Bare,
    }
}

fn severity(label: Label) -> u8 {
    match label {
        Label::Fatal => 2,
        Label::Error => 3,
        Label::Warning => 4,
        Label::Info => 5,
        Label::Debug | Label::Trace => 7,
    }
}

impl Receiver {
    fn connect(&self) -> io::Result<Connection> {
        match self {
            Self::Local => {
                let mut failed = io::Error::from(io::ErrorKind::NotFound);
                for path in LOCAL {
                    match connect_unix(Path::new(path)) {
                        Ok(connection) => return Ok(connection),
                        Err(error) => failed = error,
                    }
                }
                Err(failed)
            }
            Self::Remote(SyslogAddress::Unix(path)) => connect_unix(path),
            Self::Remote(SyslogAddress::Udp(address)) => connect_udp(address),
            Self::Remote(SyslogAddress::Tcp(address)) => connect_tcp(address),
        }
    }
}

fn connect_unix(path: &Path) -> io::Result<Connection> {
    let datagrams = UnixDatagram::unbound()?;
    if datagrams.connect(path).is_ok() {
        datagrams.set_write_timeout(Some(PATIENCE))?;
        return Ok(Connection::Datagrams(datagrams));
    }
    let stream = UnixStream::connect(path)?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(Connection::Stream(stream))
}

fn connect_udp(address: &str) -> io::Result<Connection> {
    let receiver = address
        .to_socket_addrs()?
        .next()
        .ok_or(io::ErrorKind::AddrNotAvailable)?;
    let any = if receiver.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let socket = UdpSocket::bind(any)?;
    socket.connect(receiver)?;
    socket.set_write_timeout(Some(PATIENCE))?;
    Ok(Connection::Udp(socket))
}

fn connect_tcp(address: &str) -> io::Result<Connection> {
    let mut failed = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for receiver in address.to_socket_addrs()? {
        match TcpStream::connect_timeout(&receiver, PATIENCE) {
            Ok(stream) => {
                stream.set_write_timeout(Some(PATIENCE))?;
                return Ok(Connection::Tcp(stream));
            }
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader};
    use std::net::TcpListener;

    fn noon() -> Timestamp {
        "2026-01-05T12:00:00.000042999Z".parse().unwrap()
    }

    fn format() -> LineFormat {
        LineFormat {
            pid: 7,
            zone: None,
            style: Style::Bare,
            clock: noon,
        }
    }

    fn entry(label: Label, text: &str) -> Entry<'_> {
        Entry {
            label,
            time: noon(),
            text: text.into(),
        }
    }

    fn remote(address: SyslogAddress) -> Syslog {
        let mut syslog = Syslog::remote(address, "vagus".to_owned(), Some(TimeZone::UTC));
        syslog.hostname = "host".to_owned();
        syslog
    }

    #[track_caller]
    fn sent(syslog: &mut Syslog, label: Label, text: &str) {
        let sent = syslog.send(&entry(label, text), &format());
        assert!(matches!(sent, Sent::Yes), "{sent:?}");
    }

    fn nowhere() -> SyslogAddress {
        SyslogAddress::Unix("/nonexistent/syslog".into())
    }

    #[test]
    fn datagrams_elsewhere() {
        let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = receiver.local_addr().unwrap().to_string();
        let mut syslog = remote(SyslogAddress::Udp(address));
        let mut buffer = [0; LONGEST + 1];
        for (label, text, expected) in [
            (
                Label::Info,
                "a",
                "<29>2026-01-05T12:00:00+00:00 host vagus[7]: a\n",
            ),
            (
                Label::Warning,
                "b\nc",
                "<28>2026-01-05T12:00:00+00:00 host vagus[7]: b\\nc\n",
            ),
            (
                Label::Error,
                "",
                "<27>2026-01-05T12:00:00+00:00 host vagus[7]: \n",
            ),
            (
                Label::Fatal,
                "d",
                "<26>2026-01-05T12:00:00+00:00 host vagus[7]: d\n",
            ),
            (
                Label::Trace,
                "e",
                "<31>2026-01-05T12:00:00+00:00 host vagus[7]: e\n",
            ),
        ] {
            sent(&mut syslog, label, text);
            let length = receiver.recv(&mut buffer).unwrap();
            assert_eq!(String::from_utf8_lossy(&buffer[..length]), expected);
        }
        sent(&mut syslog, Label::Info, &"x".repeat(20_000));
        assert_eq!(receiver.recv(&mut buffer).unwrap(), LONGEST);
    }

    #[test]
    fn a_stream_elsewhere() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut syslog = remote(SyslogAddress::Tcp(listener.local_addr().unwrap().to_string()));
        sent(&mut syslog, Label::Info, "a");
        sent(&mut syslog, Label::Info, "b");
        let (stream, _) = listener.accept().unwrap();
        let lines: Vec<String> = BufReader::new(stream)
            .lines()
            .take(2)
            .map(Result::unwrap)
            .collect();
        assert!(
            lines[0].ends_with(": a") && lines[1].ends_with(": b"),
            "{lines:?}"
        );
    }

    #[test]
    fn a_syslog_of_this_machine_gets_the_time_of_rfc_3164_and_no_name() {
        let syslog = Syslog::new(Receiver::Local, "vagus".to_owned(), Some(TimeZone::UTC));
        let message = syslog.message(&entry(Label::Info, "a"), &format());
        assert_eq!(
            String::from_utf8_lossy(&message),
            "<29>Jan  5 12:00:00 vagus[7]: a\n"
        );
    }

    #[test]
    fn a_receiver_that_is_gone_is_complained_of_once_and_told_what_it_missed() {
        let mut syslog = remote(nowhere());
        let sent = syslog.send(&entry(Label::Info, "a"), &format());
        assert!(matches!(sent, Sent::NoMore(_)), "{sent:?}");
        for _ in 0..3 {
            let sent = syslog.send(&entry(Label::Info, "a"), &format());
            assert!(matches!(sent, Sent::No), "{sent:?}");
        }
        let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = receiver.local_addr().unwrap().to_string();
        syslog.receiver = Receiver::Remote(SyslogAddress::Udp(address));
        syslog.rest_until = None;
        assert!(matches!(
            syslog.send(&entry(Label::Info, "b"), &format()),
            Sent::Yes
        ));
        let mut buffer = [0; LONGEST];
        for expected in [": 4 lines are missing here: they could not be sent\n", ": b\n"] {
            let length = receiver.recv(&mut buffer).unwrap();
            let message = String::from_utf8_lossy(&buffer[..length]);
            assert!(message.ends_with(expected), "{message}");
        }
    }
}
