//! The bytes of a connection, as the crowd and the parser want them.

use super::crowd::{Seat, Seated};
use super::request_line::{NO_LENGTH, Requests, TOO_LONG, UNSUPPORTED};
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Instant;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_openssl::SslStream;

/// How much is read at once of heads: the parser keeps all requests that are in it.
const READ: usize = 1024;

/// How much is read at once of a body.
const READ_OF_BODY: usize = 8 * 1024;

/// How many requests the parser is given ahead of their answers, and what is read with the last of them.
const AHEAD: u64 = 8;

/// A socket, with or without TLS.
#[derive(Debug)]
pub(super) enum Socket {
    Plain(TcpStream),
    Tls(Box<SslStream<TcpStream>>),
}

/// A connection of a service.
#[derive(Debug)]
pub(super) struct Line {
    socket: Socket,
    seated: Seated,
    requests: Requests,
    /// What the parser may see and has not yet; from `at` on.
    ready: Vec<u8>,
    at: usize,
    /// What is still to be said of a request that was none.
    farewell: Option<Vec<u8>>,
}

impl Line {
    pub(super) fn new(socket: Socket, seated: Seated) -> Self {
        Self {
            socket,
            seated,
            requests: Requests::default(),
            ready: Vec::new(),
            at: 0,
            farewell: None,
        }
    }

    pub(super) fn seat(&self) -> &Rc<Seat> {
        self.seated.seat()
    }

    fn check(&self, context: &Context<'_>) -> io::Result<()> {
        match self.seat().has_ended(context.waker()) {
            true => Err(io::ErrorKind::ConnectionAborted.into()),
            false => Ok(()),
        }
    }

    /// Gives the parser what is ready for it.
    fn give(&mut self, buffer: &mut ReadBuf<'_>) {
        let rest = &self.ready[self.at..];
        let (given, rest) = rest.split_at(rest.len().min(buffer.remaining()));
        buffer.put_slice(given);
        self.at += given.len();
        if rest.is_empty() {
            // Nothing is kept for a connection that is idle.
            self.ready = Vec::new();
            self.at = 0;
        }
    }

    fn read(&mut self, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            if self.at < self.ready.len() {
                self.give(buffer);
                return Poll::Ready(Ok(()));
            }
            if self.requests.refused().is_some() {
                // To the parser the peer has nothing more to say.
                return Poll::Ready(Ok(()));
            }
            if self.requests.count() >= self.seat().answered() + AHEAD {
                // Woken when one is answered.
                return Poll::Pending;
            }
            let size = match self.requests.is_in_body() {
                true => READ_OF_BODY,
                false => READ,
            };
            let mut bytes = [0; READ_OF_BODY];
            let mut read = ReadBuf::new(&mut bytes[..size]);
            ready!(self.socket.as_pin().poll_read(context, &mut read))?;
            if read.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
            self.seat().has_read(Instant::now());
            self.requests.take(read.filled(), &mut self.ready);
            if let Some(reason) = self.requests.refused() {
                self.farewell = Some(refusal(reason));
            }
        }
    }
}

/// As nats-server says it.
fn refusal(reason: &str) -> Vec<u8> {
    let status = match reason {
        UNSUPPORTED => "505 HTTP Version Not Supported",
        TOO_LONG => "414 URI Too Long",
        NO_LENGTH => "411 Length Required",
        _ => "400 Bad Request",
    };
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n{status}: {reason}"
    )
    .into_bytes()
}

impl Socket {
    fn as_pin(&mut self) -> Pin<&mut dyn Stream> {
        match self {
            Self::Plain(stream) => Pin::new(stream),
            Self::Tls(stream) => Pin::new(&mut **stream),
        }
    }
}

/// What is read and written.
trait Stream: AsyncRead + AsyncWrite + Unpin {}

impl<S: AsyncRead + AsyncWrite + Unpin> Stream for S {}

impl AsyncRead for Line {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check(context)?;
        self.get_mut().read(context, buffer)
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check(context)?;
        let written = self.socket.as_pin().poll_write(context, bytes);
        self.seat().has_written(written.is_ready(), Instant::now());
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check(context)?;
        self.socket.as_pin().poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check(context)?;
        while let Some(mut left) = self.farewell.take().filter(|left| !left.is_empty()) {
            match self.socket.as_pin().poll_write(context, &left) {
                Poll::Ready(Ok(written)) => {
                    left.drain(..written);
                    self.farewell = Some(left);
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    self.farewell = Some(left);
                    return Poll::Pending;
                }
            }
        }
        self.socket.as_pin().poll_shutdown(context)
    }
}
