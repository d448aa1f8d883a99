use crate::connector::Connector;
use crate::frame::{Frame, Message};
use crate::patience::PATIENCE;
use crate::reader::Reader;
use crate::stream::Stream;
use crate::writer::Writer;
use openssl::x509::X509;
use socket2::{Domain, Socket, Type};
use std::io::{self, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};

/// A connection that says what the test says, and reads what the server answers.
#[derive(Debug)]
pub struct Client {
    reader: Reader,
    writer: Writer,
    stream: Arc<Stream>,
    info: String,
}

impl Client {
    /// Connects, and reads INFO.
    ///
    /// # Panics
    /// When there is no server, or it says something else.
    #[track_caller]
    pub fn to(address: SocketAddr) -> Self {
        Self::with_receive_buffer(address, None)
    }

    /// Like [`Client::to`]; the system keeps about this many bytes for a client that does not read.
    #[track_caller]
    pub(crate) fn with_receive_buffer(address: SocketAddr, bytes: Option<usize>) -> Self {
        let mut client = Self::new(connect_or_panic(address, bytes));
        client.read_info();
        client
    }

    /// Connects, and reads nothing.
    ///
    /// # Panics
    /// When there is no server.
    #[track_caller]
    pub fn silent(address: SocketAddr) -> Self {
        Self::new(connect_or_panic(address, None))
    }

    /// Connects from one of this machine's addresses, such as 127.0.0.2, and reads INFO.
    ///
    /// # Panics
    /// When it cannot.
    #[track_caller]
    pub fn from_address(source: IpAddr, address: SocketAddr) -> Self {
        match connect_from(source, address) {
            Ok(socket) => {
                let mut client = Self::new(socket);
                client.read_info();
                client
            }
            Err(error) => panic!("no connection from {source} to {address}: {error}"),
        }
    }

    fn new(socket: TcpStream) -> Self {
        Self::over(Stream::Plain(socket))
    }

    fn over(stream: Stream) -> Self {
        let stream = Arc::new(stream);
        Self {
            reader: Reader::new(stream.clone()),
            writer: Writer::new(stream.clone()),
            stream,
            info: String::new(),
        }
    }

    /// Reads INFO, which has to come next.
    #[track_caller]
    pub fn read_info(&mut self) {
        match self.reader.next_frame() {
            Frame::Info(info) => self.info = info,
            other => panic!("there is no INFO but {other:?}"),
        }
    }

    /// Speaks TLS from here on.
    ///
    /// # Panics
    /// When the server does not.
    #[track_caller]
    #[must_use]
    pub fn secured(self, connector: &Connector) -> Self {
        match self.try_secured(connector) {
            Ok(client) => client,
            Err(error) => panic!("no TLS: {error}"),
        }
    }

    /// Speaks TLS from here on, if the server does.
    ///
    /// # Errors
    /// What this side has to say of a handshake that fails. One that the server has something against after its own
    /// last word may end well here.
    pub fn try_secured(self, connector: &Connector) -> Result<Self, String> {
        let socket = self.stream.plain(|socket| socket.try_clone());
        let stream = connector.connect(socket.map_err(|error| error.to_string())?)?;
        let mut client = Self::over(Stream::Tls(Mutex::new(stream)));
        client.info = self.info;
        Ok(client)
    }

    /// Why TLS breaks off; empty if it ends well. Nothing may be on the way to be read.
    pub fn tls_error(&mut self) -> String {
        let outcome = self.stream.read(&mut [0; 64]);
        outcome.map_or_else(|error| error.to_string(), |_| String::new())
    }

    /// The certificate of the server, where TLS is spoken.
    pub fn server_certificate(&self) -> Option<X509> {
        self.stream.tls(|ssl| ssl.peer_certificate()).flatten()
    }

    /// The JSON of the first INFO.
    pub fn info(&self) -> &str {
        &self.info
    }

    /// Sends CONNECT with this JSON.
    #[track_caller]
    #[must_use]
    pub fn connect(mut self, options: &str) -> Self {
        self.send(&format!("CONNECT {options}"));
        self
    }

    /// Sends a line, or a line and what follows it; the last CRLF is added.
    #[track_caller]
    pub fn send(&mut self, text: &str) {
        self.writer.send(text);
    }

    /// Sends bytes as they are.
    #[track_caller]
    pub fn send_bytes(&mut self, bytes: &[u8]) {
        self.writer.send_bytes(bytes);
    }

    /// Sends bytes to a server that may close the connection; false once it has.
    pub fn try_send_bytes(&mut self, bytes: &[u8]) -> bool {
        self.writer.try_send_bytes(bytes)
    }

    /// Sends bytes as they are, past TLS if that is spoken.
    #[track_caller]
    pub fn send_beneath_tls(&mut self, bytes: &[u8]) {
        let sent = self.stream.plain(|mut socket| socket.write_all(bytes));
        assert!(sent.is_ok(), "the server does not take it: {sent:?}");
    }

    /// Publishes a payload.
    #[track_caller]
    pub fn publish(&mut self, subject: &str, payload: &[u8]) {
        self.writer.publish(subject, payload);
    }

    /// Subscribes, and returns when the subscription is in force.
    #[track_caller]
    pub fn subscribe(&mut self, subject: &str, sid: &str) {
        self.send(&format!("SUB {subject} {sid}\r\nPING"));
        self.expect("PONG");
    }

    /// Reads up to the next PONG, for a PING that was sent; gives everything that comes before it.
    #[track_caller]
    pub fn until_pong(&mut self) -> Vec<Frame> {
        self.reader.until_pong()
    }

    /// Joins a queue group, and returns when the membership is in force.
    #[track_caller]
    pub fn join(&mut self, subject: &str, queue: &str, sid: &str) {
        self.send(&format!("SUB {subject} {queue} {sid}\r\nPING"));
        self.expect("PONG");
    }

    /// Sends PING and reads up to its PONG; gives everything that comes before it.
    #[track_caller]
    pub fn sync(&mut self) -> Vec<Frame> {
        self.send("PING");
        self.reader.until_pong()
    }

    /// Like [`Client::sync`], where nothing but messages may come.
    #[track_caller]
    pub fn sync_messages(&mut self) -> Vec<Message> {
        let frames = self.sync();
        let message = |frame| match frame {
            Frame::Message(message) => message,
            other => panic!("messages are expected, not {other:?}"),
        };
        frames.into_iter().map(message).collect()
    }

    /// Like [`Client::sync`], where nothing may come.
    #[track_caller]
    pub fn sync_silent(&mut self) {
        let frames = self.sync();
        assert!(
            frames.is_empty(),
            "nothing was expected, but there came {frames:?}"
        );
    }

    /// Reads frames as long as `text` has some, and compares them; the last CRLF is added to `text`.
    #[track_caller]
    pub fn expect(&mut self, text: &str) {
        self.reader.expect(text);
    }

    /// The next frame.
    #[track_caller]
    pub fn next_frame(&mut self) -> Frame {
        self.reader.next_frame()
    }

    /// The next frame, which is a message.
    #[track_caller]
    pub fn message(&mut self) -> Message {
        self.reader.message()
    }

    /// The next `count` frames, which are messages.
    #[track_caller]
    pub fn messages(&mut self, count: usize) -> Vec<Message> {
        self.reader.messages(count)
    }

    /// From now on PINGs of the server are frames like others.
    pub fn show_pings(&mut self) {
        self.reader.show_pings();
    }

    /// Waits for the end of the connection; gives everything that comes before it, as text.
    #[track_caller]
    pub fn closed(&mut self) -> String {
        self.reader.closed()
    }

    /// Breaks the connection off, with a reset.
    pub fn break_off(mut self) {
        self.writer.break_off_when_dropped();
    }

    /// Ends the stream to the server; what it says can still be read.
    pub fn end(&mut self) {
        self.writer.end();
    }

    /// Both halves, for two threads.
    pub fn split(self) -> (Reader, Writer) {
        (self.reader, self.writer)
    }
}

#[track_caller]
fn connect_or_panic(address: SocketAddr, receive_buffer: Option<usize>) -> TcpStream {
    match connect(address, receive_buffer) {
        Ok(socket) => socket,
        Err(error) => panic!("no connection to {address}: {error}"),
    }
}

fn connect(address: SocketAddr, receive_buffer: Option<usize>) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    connect_socket(socket, address, receive_buffer)
}

/// Connects from one of this machine's addresses.
fn connect_from(source: IpAddr, address: SocketAddr) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.bind(&SocketAddr::new(source, 0).into())?;
    connect_socket(socket, address, None)
}

fn connect_socket(
    socket: Socket,
    address: SocketAddr,
    receive_buffer: Option<usize>,
) -> io::Result<TcpStream> {
    if let Some(bytes) = receive_buffer {
        // Before it connects, or the peer has been promised more.
        socket.set_recv_buffer_size(bytes)?;
    }
    socket.connect_timeout(&address.into(), PATIENCE)?;
    let socket = TcpStream::from(socket);
    socket.set_nodelay(true)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.set_write_timeout(Some(PATIENCE))?;
    Ok(socket)
}
