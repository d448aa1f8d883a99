//! The side of a tunnel that the server is on: TLS, or the frames of WebSocket.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpStream};

use openssl::ssl::{ErrorCode, Ssl, SslContext, SslStream};
use vagus_websocket::{FrameReader, Piece};

use super::BUFFER;
use crate::connection::ANSWER_LIMIT;

/// Any key is as good as another.
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

const UPGRADE: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

/// What is spoken with the server.
#[derive(Clone)]
pub(super) enum Through {
    Tls(SslContext),
    WebSocket,
}

/// A connection with the server on which that is spoken.
pub(super) enum FarSide {
    Tls(SslStream<TcpStream>),
    WebSocket(Frames),
}

impl FarSide {
    /// Connects to the server on this port. Gives also what it says before all else.
    pub(super) fn open(server: u16, through: &Through) -> io::Result<(Self, Vec<u8>)> {
        let mut socket = TcpStream::connect((Ipv4Addr::LOCALHOST, server))?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(ANSWER_LIMIT))?;
        let (far_side, said) = match through {
            Through::Tls(context) => {
                let info = read_until(&mut socket, b"\n")?;
                let ssl = Ssl::new(context).map_err(io::Error::other)?;
                let secured = ssl.connect(socket).map_err(io::Error::other)?;
                (Self::Tls(secured), info)
            }
            Through::WebSocket => {
                socket.write_all(UPGRADE)?;
                read_until(&mut socket, b"\r\n\r\n")?;
                (Self::WebSocket(Frames::over(socket)), Vec::new())
            }
        };
        far_side.socket().set_nonblocking(true)?;
        Ok((far_side, said))
    }

    pub(super) fn socket(&self) -> &TcpStream {
        match self {
            Self::Tls(secured) => secured.get_ref(),
            Self::WebSocket(frames) => &frames.socket,
        }
    }

    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tls(secured) => match secured.ssl_read(buffer) {
                Err(error) if error.code() == ErrorCode::ZERO_RETURN => Ok(0),
                result => result.map_err(blocked_or_broken),
            },
            Self::WebSocket(frames) => frames.read(buffer),
        }
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tls(secured) => secured.ssl_write(bytes).map_err(blocked_or_broken),
            Self::WebSocket(frames) => frames.write(bytes),
        }
    }

    /// Writes what was taken and is not written yet; whether it came further.
    pub(super) fn flush(&mut self) -> io::Result<bool> {
        match self {
            Self::Tls(_) => Ok(false),
            Self::WebSocket(frames) => frames.flush(),
        }
    }
}

/// Frames of a client, a message for each write.
pub(super) struct Frames {
    socket: TcpStream,
    incoming: FrameReader,
    /// The frame that is being written, from `gone` on.
    frame: Vec<u8>,
    gone: usize,
}

impl Frames {
    fn over(socket: TcpStream) -> Self {
        Self {
            socket,
            incoming: FrameReader::new(false, false),
            frame: Vec::with_capacity(BUFFER + 16),
            gone: 0,
        }
    }

    /// Of the frames what is in them. Servers send none beside messages unless they are at their end.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.socket.read(buffer)?;
        let (mut at, mut length) = (0, 0);
        while at < count {
            let piece = self.incoming.next(&mut buffer[at..count]);
            let (piece, consumed) = piece.map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
            match piece {
                Piece::Data { start, .. } => {
                    buffer.copy_within(at + start..at + consumed, length);
                    length += consumed - start;
                }
                Piece::Control(_) => return Err(ErrorKind::UnexpectedEof.into()),
                Piece::Incomplete => {}
            }
            at += consumed;
        }
        match (count, length) {
            (0, _) => Ok(0),
            (_, 0) => Err(ErrorKind::WouldBlock.into()),
            (_, length) => Ok(length),
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.flush()?;
        if self.gone < self.frame.len() {
            return Err(ErrorKind::WouldBlock.into());
        }
        self.frame.clear();
        self.gone = 0;
        self.frame.push(0x82);
        match (u8::try_from(bytes.len()), u16::try_from(bytes.len())) {
            (Ok(length @ ..126), _) => self.frame.push(0x80 | length),
            (_, Ok(length)) => {
                self.frame.push(0x80 | 126);
                self.frame.extend_from_slice(&length.to_be_bytes());
            }
            _ => {
                self.frame.push(0x80 | 127);
                self.frame.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
            }
        }
        self.frame.extend_from_slice(&MASK);
        self.frame.extend(
            bytes
                .iter()
                .zip(MASK.iter().cycle())
                .map(|(byte, key)| byte ^ key),
        );
        self.flush()?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<bool> {
        let before = self.gone;
        while self.gone < self.frame.len() {
            match self.socket.write(&self.frame[self.gone..]) {
                Ok(count) => self.gone += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(self.gone > before)
    }
}

/// Byte by byte: nothing of what follows is taken.
fn read_until(socket: &mut TcpStream, end: &[u8]) -> io::Result<Vec<u8>> {
    let mut said = Vec::new();
    while !said.ends_with(end) {
        let mut byte = [0];
        socket.read_exact(&mut byte)?;
        said.extend(byte);
    }
    Ok(said)
}

fn blocked_or_broken(error: openssl::ssl::Error) -> io::Error {
    match error.code() {
        ErrorCode::WANT_READ | ErrorCode::WANT_WRITE => ErrorKind::WouldBlock.into(),
        _ => error.into_io_error().unwrap_or_else(io::Error::other),
    }
}
