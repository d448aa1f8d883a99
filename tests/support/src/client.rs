use crate::frame::{Frame, Message};
use crate::patience::PATIENCE;
use crate::reader::Reader;
use crate::writer::Writer;
use socket2::{Domain, Socket, Type};
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

/// A connection that says what the test says, and reads what the server answers.
#[derive(Debug)]
pub struct Client {
    reader: Reader,
    writer: Writer,
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
        let socket = match connect(address, bytes) {
            Ok(socket) => socket,
            Err(error) => panic!("no connection to {address}: {error}"),
        };
        let socket = Arc::new(socket);
        let mut client = Self {
            reader: Reader::new(socket.clone()),
            writer: Writer::new(socket),
            info: String::new(),
        };
        match client.reader.next_frame() {
            Frame::Info(info) => client.info = info,
            other => panic!("the server begins with {other:?}"),
        }
        client
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

fn connect(address: SocketAddr, receive_buffer: Option<usize>) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
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
