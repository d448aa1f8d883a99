//! Events that peers bring.

use crate::event::tag_of;
use bytes::{Bytes, BytesMut};
use std::vec;
use tokio_util::codec::Decoder;
use vagus_actors::connectors::language::{Breach, Event, Events, Heard, InwardLanguage, InwardSession};
use vagus_configs::InwardSettings;
use vagus_lumberjack::Limits;
use vagus_lumberjack::framing::Framer;
use vagus_lumberjack::receiver::{Events as Gathered, Receiver};

/// What a compressed frame may unpack to, as a multiple of the largest frame.
const UNPACKS_TO: u64 = 8;

/// Peers bring events in Lumberjack.
#[derive(Debug)]
pub struct LumberjackIn {
    limits: Limits,
    tag_key: Vec<String>,
}

/// One peer.
#[derive(Debug)]
pub struct LumberjackPeer {
    framer: Framer,
    receiver: Receiver,
    tag_key: Vec<String>,
}

/// Events of a window.
#[derive(Debug)]
pub struct LumberjackEvents {
    json: vec::IntoIter<Bytes>,
    reply: Option<[u8; 6]>,
    tag_key: Vec<String>,
}

impl LumberjackIn {
    /// As a connector is set.
    pub fn new(settings: &InwardSettings) -> Self {
        Self {
            limits: Limits {
                frame: settings.max_frame,
                unpacked: UNPACKS_TO * settings.max_frame as u64,
            },
            tag_key: settings.tag_key.clone(),
        }
    }
}

impl InwardLanguage for LumberjackIn {
    type Session = LumberjackPeer;

    fn begin(&self) -> (LumberjackPeer, Option<Bytes>) {
        let peer = LumberjackPeer {
            framer: Framer::new(self.limits),
            receiver: Receiver::default(),
            tag_key: self.tag_key.clone(),
        };
        (peer, None)
    }
}

impl InwardSession for LumberjackPeer {
    type Events = LumberjackEvents;

    fn keep_alive(&self) -> Option<Bytes> {
        Some(Bytes::copy_from_slice(&self.receiver.keep_alive()))
    }
}

impl Decoder for LumberjackPeer {
    type Item = Heard<LumberjackEvents>;
    type Error = Breach;

    fn decode(&mut self, input: &mut BytesMut) -> Result<Option<Self::Item>, Breach> {
        while let Some(frame) = self.framer.take(input).map_err(Breach::of)? {
            if let Some(Gathered { json, reply }) = self.receiver.take(frame).map_err(Breach::of)? {
                return Ok(Some(Heard::Events(LumberjackEvents {
                    json: json.into_iter(),
                    reply,
                    tag_key: self.tag_key.clone(),
                })));
            }
        }
        Ok(None)
    }

    /// A peer that goes in the middle of a frame has said nothing more.
    fn decode_eof(&mut self, input: &mut BytesMut) -> Result<Option<Self::Item>, Breach> {
        let decoded = self.decode(input)?;
        if decoded.is_none() {
            input.clear();
        }
        Ok(decoded)
    }
}

impl Events for LumberjackEvents {
    fn next_event(&mut self) -> Result<Option<Event>, Breach> {
        Ok(self.json.next().map(|json| Event {
            tag: tag_of(&json, &self.tag_key),
            header: Vec::new(),
            payload: Some(json),
        }))
    }

    /// Beats number events anew with each connection.
    fn identity(&self) -> Option<&[u8]> {
        None
    }

    fn reply(&self) -> Option<Bytes> {
        self.reply.map(|reply| Bytes::copy_from_slice(&reply))
    }
}

#[cfg(test)]
mod tests {
    use super::LumberjackIn;
    use bytes::BytesMut;
    use tokio_util::codec::Decoder;
    use vagus_actors::connectors::language::{Events, Heard, InwardLanguage, InwardSession};
    use vagus_configs::{ConnectorLanguage, InwardSettings, Listen, SubjectOfTag};
    use vagus_lumberjack::sending::{append_event, window};

    #[test]
    fn events_of_a_window_are_messages() {
        let subject = SubjectOfTag::Mapped(">".to_owned(), "beats.>".to_owned());
        let mut settings = InwardSettings::new(ConnectorLanguage::Lumberjack, Listen::default(), subject);
        settings.tag_key = vec!["beat".to_owned()];
        let (mut peer, greeting) = LumberjackIn::new(&settings).begin();
        assert_eq!(greeting, None);
        let mut events = Vec::new();
        append_event(1, br#"{"beat":"a"}"#, &mut events);
        append_event(2, b"{}", &mut events);
        let mut input = BytesMut::from(&*window(2, &events, true));
        let Ok(Some(Heard::Events(mut events))) = peer.decode(&mut input) else {
            panic!("there are no events");
        };
        let (first, second) = (
            events.next_event().unwrap().unwrap(),
            events.next_event().unwrap().unwrap(),
        );
        assert_eq!((&first.tag[..], &second.tag[..]), (&b"a"[..], &b""[..]));
        assert_eq!(second.payload.as_deref(), Some(&b"{}"[..]));
        assert_eq!(events.next_event().unwrap(), None);
        assert_eq!(events.reply().as_deref(), Some(&b"2A\0\0\0\x02"[..]));
        assert_eq!(peer.keep_alive().as_deref(), Some(&b"2A\0\0\0\0"[..]));
        assert!(peer.decode(&mut BytesMut::from("GET /")).is_err());
    }
}
