//! Servers are brought messages.

use crate::event::Additions;
use bytes::{Bytes, BytesMut};
use tokio_util::codec::Decoder;
use vagus_actors::connectors::language::{Breach, OutwardLanguage, OutwardSession, Parcel, Told};
use vagus_configs::OutwardSettings;
use vagus_lumberjack::Limits;
use vagus_lumberjack::framing::Framer;
use vagus_lumberjack::sending::{Told as ToldWindow, Window, append_event, window};
use vagus_protocol::neutral::NeutralMessage;

/// What a server may send, which only acknowledges, in bytes.
const ANSWERS: Limits = Limits {
    frame: 1024,
    unpacked: 1024,
};

/// Servers are brought messages in Lumberjack, version 2.
#[derive(Debug)]
pub struct LumberjackOut {
    additions: Additions,
    is_compressed: bool,
}

/// A window of events.
#[derive(Debug, Default)]
pub struct LumberjackParcel {
    additions: Additions,
    count: u32,
    events: Vec<u8>,
}

/// One server.
#[derive(Debug)]
pub struct LumberjackServer {
    framer: Framer,
    is_compressed: bool,
    /// What it has not said to have.
    awaited: Option<Window>,
}

impl LumberjackOut {
    /// As a connector is set.
    pub fn new(settings: &OutwardSettings) -> Self {
        Self {
            additions: Additions::of(settings),
            is_compressed: settings.is_compressed,
        }
    }
}

impl OutwardLanguage for LumberjackOut {
    type Parcel = LumberjackParcel;
    type Session = LumberjackServer;

    fn parcel(&self) -> LumberjackParcel {
        LumberjackParcel {
            additions: self.additions.clone(),
            ..LumberjackParcel::default()
        }
    }

    fn begin(&self) -> LumberjackServer {
        LumberjackServer {
            framer: Framer::new(ANSWERS),
            is_compressed: self.is_compressed,
            awaited: None,
        }
    }
}

impl Parcel for LumberjackParcel {
    fn add(&mut self, message: &NeutralMessage<'_>, tag: &[u8]) {
        let mut json = Vec::with_capacity(message.payload.len() + 64);
        self.additions.append(message, tag, &mut json);
        self.count += 1;
        append_event(self.count, &json, &mut self.events);
    }

    fn size(&self) -> usize {
        self.events.len()
    }
}

impl Decoder for LumberjackServer {
    type Item = Told;
    type Error = Breach;

    fn decode(&mut self, input: &mut BytesMut) -> Result<Option<Told>, Breach> {
        let Some(frame) = self.framer.take(input).map_err(Breach::of)? else {
            return Ok(None);
        };
        if let Some(window) = &mut self.awaited
            && window.take(&frame).map_err(Breach::of)? == ToldWindow::Arrived
        {
            self.awaited = None;
        }
        Ok(Some(Told::Something))
    }
}

impl OutwardSession for LumberjackServer {
    type Parcel = LumberjackParcel;

    fn send(&mut self, parcel: &LumberjackParcel) -> Vec<Bytes> {
        self.awaited = Some(Window::new(parcel.count));
        vec![window(parcel.count, &parcel.events, self.is_compressed).into()]
    }

    fn awaits_answer(&self) -> bool {
        self.awaited.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::LumberjackOut;
    use bytes::BytesMut;
    use tokio_util::codec::Decoder;
    use vagus_actors::connectors::language::{OutwardLanguage, OutwardSession, Parcel, Told};
    use vagus_configs::{ConnectorLanguage, OutwardSettings};
    use vagus_protocol::neutral::NeutralMessage;

    #[test]
    fn a_window_is_acknowledged() {
        let settings = OutwardSettings::new(ConnectorLanguage::Lumberjack, ">", Vec::new());
        let lumberjack = LumberjackOut::new(&settings);
        let mut parcel = lumberjack.parcel();
        for payload in [&b"{}"[..], b"x"] {
            let message = NeutralMessage {
                payload,
                ..NeutralMessage::default()
            };
            parcel.add(&message, b"");
        }
        let mut server = lumberjack.begin();
        let sent = server.send(&parcel).concat();
        assert_eq!(
            sent,
            b"2W\0\0\0\x022J\0\0\0\x01\0\0\0\x02{}2J\0\0\0\x02\0\0\0\x0f{\"message\":\"x\"}"
        );
        for (answer, awaits) in [
            (&b"2A\0\0\0\0"[..], true),
            (b"2A\0\0\0\x01", true),
            (b"2A\0\0\0\x02", false),
        ] {
            assert_eq!(
                server.decode(&mut BytesMut::from(answer)).unwrap(),
                Some(Told::Something)
            );
            assert_eq!(server.awaits_answer(), awaits);
        }
        server.send(&parcel);
        assert!(server.decode(&mut BytesMut::from(&b"2A\0\0\0\x03"[..])).is_err());
    }
}
