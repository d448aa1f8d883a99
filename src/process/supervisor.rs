//! What whoever started this process is told of it: systemd, and all who took over its protocol of datagrams.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// Where the supervisor listens, as it tells its children.
const SOCKET: &str = "NOTIFY_SOCKET";

/// What can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum News {
    /// It serves.
    Ready,
    /// It lets its clients go, and will end.
    LameDuck,
    /// It ends.
    Stopping,
}

impl News {
    fn text(self) -> &'static str {
        match self {
            Self::Ready => "READY=1\nSTATUS=Server is ready",
            Self::LameDuck => "STATUS=Lame duck mode: clients are being closed",
            Self::Stopping => "STOPPING=1\nSTATUS=Shutting down",
        }
    }
}

/// Tells the supervisor, if there is one that wants to know. Nothing depends on it.
pub(crate) fn tell(news: News) {
    let Some(socket) = std::env::var_os(SOCKET).filter(|socket| !socket.is_empty()) else {
        return;
    };
    if let Err(error) = send(&socket, news) {
        log::warn!("Cannot tell the supervisor at {}: {error}", socket.display());
    }
}

fn send(socket: &OsStr, news: News) -> io::Result<()> {
    let address = match socket.as_bytes() {
        [b'@', name @ ..] => abstract_address(name)?,
        _ => SocketAddr::from_pathname(socket)?,
    };
    let datagrams = UnixDatagram::unbound()?;
    datagrams.set_nonblocking(true)?;
    datagrams.send_to_addr(news.text().as_bytes(), &address)?;
    Ok(())
}

/// An address that is no path, of which Linux alone knows.
#[cfg(target_os = "linux")]
fn abstract_address(name: &[u8]) -> io::Result<SocketAddr> {
    use std::os::linux::net::SocketAddrExt;
    SocketAddr::from_abstract_name(name)
}

#[cfg(not(target_os = "linux"))]
fn abstract_address(_: &[u8]) -> io::Result<SocketAddr> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_listens_is_told() {
        let path = std::env::temp_dir().join(format!("vagus-{}-notify", std::process::id()));
        let listener = UnixDatagram::bind(&path).unwrap();
        let mut buffer = [0; 100];
        for news in [News::Ready, News::LameDuck, News::Stopping] {
            send(path.as_os_str(), news).unwrap();
            let length = listener.recv(&mut buffer).unwrap();
            assert_eq!(&buffer[..length], news.text().as_bytes());
        }
        std::fs::remove_file(&path).unwrap();
        assert!(send(path.as_os_str(), News::Ready).is_err());
    }
}
