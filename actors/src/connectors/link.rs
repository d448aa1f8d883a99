//! A connection with a server that is brought messages.

use super::language::{Breach, OutwardSession, Told};
use super::wire::{BoxedWire, Secure};
use bytes::Bytes;
use futures_util::StreamExt;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_util::codec::FramedRead;
use vagus_configs::ServerAddress;
use vagus_delivery::dialer::{DialSettings, Dialer};

/// The most bytes that are written before it is looked whether the server says something.
const PIECE: usize = 256 * 1024;

/// A connection.
pub(super) struct Link<S> {
    frames: FramedRead<BoxedWire, S>,
}

impl<S: OutwardSession> Link<S> {
    /// Connects, and waits until the server can be brought something; each of both takes at most so long.
    pub(super) async fn connect(
        server: &ServerAddress,
        session: S,
        secure: Option<Arc<dyn Secure>>,
        patience: Duration,
    ) -> Result<Self, Breach> {
        let socket = dial(server, patience).await?;
        // What is sent is gathered already.
        let _ = socket.set_nodelay(true);
        let opening = async {
            let wire: BoxedWire = match secure {
                None => Box::new(socket),
                Some(secure) => secure.connect(socket, &server.host).await?,
            };
            let mut link = Self {
                frames: FramedRead::new(wire, session),
            };
            while !link.frames.decoder().is_open() {
                link.hear().await?;
            }
            Ok(link)
        };
        timeout(patience, opening)
            .await
            .unwrap_or_else(|_| Err(timed_out()))
    }

    /// Brings the server a parcel, and waits until it says that it has it, where it does. While it says anything at all it
    /// may take as long as it takes, else no longer than `patience`.
    pub(super) async fn bring(&mut self, parcel: &S::Parcel, patience: Duration) -> Result<(), Breach> {
        let pieces = self.frames.decoder_mut().send(parcel);
        for mut piece in pieces {
            while !piece.is_empty() {
                let part = piece.split_to(piece.len().min(PIECE));
                let written = timeout(patience, self.say(part)).await;
                written.unwrap_or_else(|_| Err(timed_out()))?;
            }
        }
        while self.frames.decoder().awaits_answer() {
            let heard = timeout(patience, self.hear()).await;
            heard.unwrap_or_else(|_| Err(timed_out()))?;
        }
        Ok(())
    }

    /// Waits for the next that the server says, and answers it if that is to be answered.
    pub(super) async fn hear(&mut self) -> Result<(), Breach> {
        match self.frames.next().await.transpose()? {
            None => Err(io::Error::from(io::ErrorKind::ConnectionReset).into()),
            Some(Told::Something) => Ok(()),
            Some(Told::Answered(answer)) => self.say(answer).await,
        }
    }

    async fn say(&mut self, words: Bytes) -> Result<(), Breach> {
        let wire = self.frames.get_mut();
        wire.write_all(&words).await?;
        Ok(wire.flush().await?)
    }
}

fn timed_out() -> Breach {
    Breach::Io(io::ErrorKind::TimedOut.into())
}

/// Connects to one of the addresses of a server.
async fn dial(server: &ServerAddress, patience: Duration) -> Result<TcpStream, Breach> {
    let settings = DialSettings {
        connect_timeout: patience,
        attempts_at_most: Some(1),
        ..DialSettings::default()
    };
    let mut dialer = Dialer::new(&server.host, server.port, settings, |_| {});
    match dialer.dial().await {
        Ok(dialled) => Ok(TcpStream::from_std(dialled.socket)?),
        Err(_) => {
            let reason = dialer.state().borrow().last_error.clone();
            Err(Breach::of(reason.unwrap_or_default()))
        }
    }
}
