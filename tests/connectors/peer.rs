//! The other end of a connector: bytes as they are.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use vagus_test_support::PATIENCE;

/// A connection.
pub(crate) struct Peer(TcpStream);

impl Peer {
    #[track_caller]
    pub(crate) fn to(address: SocketAddr) -> Self {
        Self::over(TcpStream::connect_timeout(&address, PATIENCE).unwrap())
    }

    /// The next one that connects.
    #[track_caller]
    pub(crate) fn at(listener: &TcpListener) -> Self {
        Self::over(listener.accept().unwrap().0)
    }

    fn over(socket: TcpStream) -> Self {
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.set_write_timeout(Some(PATIENCE)).unwrap();
        Self(socket)
    }

    #[track_caller]
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).unwrap();
    }

    /// Sends what is not all taken, perhaps.
    pub(crate) fn send_in_vain(&mut self, bytes: &[u8]) {
        // The connection may have ended before the end of it.
        let _ = self.0.write_all(bytes);
    }

    /// Sends no more.
    #[track_caller]
    pub(crate) fn end(&mut self) {
        self.0.shutdown(Shutdown::Write).unwrap();
    }

    #[track_caller]
    pub(crate) fn expect(&mut self, bytes: &[u8]) {
        assert_eq!(self.read(bytes.len()), bytes);
    }

    #[track_caller]
    pub(crate) fn read(&mut self, length: usize) -> Vec<u8> {
        let mut read = vec![0; length];
        self.0.read_exact(&mut read).unwrap();
        read
    }

    /// What comes at once; nothing at the end of the connection.
    #[track_caller]
    pub(crate) fn read_some(&mut self) -> Vec<u8> {
        let mut space = [0; 4096];
        let length = self.0.read(&mut space).unwrap();
        space[..length].to_vec()
    }

    /// Nothing more comes, and the connection ends, be it by a reset.
    #[track_caller]
    pub(crate) fn expect_end(&mut self) {
        let mut rest = Vec::new();
        let ended = self.0.read_to_end(&mut rest);
        assert!(rest.is_empty(), "there came {rest:?}");
        if let Err(error) = ended {
            assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
        }
    }
}
