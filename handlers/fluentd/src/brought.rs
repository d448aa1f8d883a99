//! Events that peers bring.

use crate::TIME_HEADER;
use bytes::{Bytes, BytesMut};
use std::sync::Arc;
use tokio_util::codec::Decoder;
use vagus_actors::connectors::language::{Breach, Event, Events, Heard, InwardLanguage, InwardSession};
use vagus_configs::InwardSettings;
use vagus_forward::framing::Framer;
use vagus_forward::msgpack::{Reader, append_json};
use vagus_forward::parting::{Part, Parting};
use vagus_forward::receiver::{Arrived, Received, Receiver, Refusal};
use vagus_forward::{Credentials, Entries, Entry, FrameError, Limits};

/// What the events of a frame may unpack to, as a multiple of the largest frame.
const UNPACKS_TO: u64 = 8;

/// Peers bring events in the Forward protocol.
#[derive(Debug)]
pub struct ForwardIn {
    credentials: Option<Arc<Credentials>>,
    limits: Limits,
}

/// One peer.
#[derive(Debug)]
pub struct ForwardPeer {
    framer: Framer,
    receiver: Receiver,
    limits: Limits,
    /// A message that is larger than a frame may be, while it comes.
    parting: Option<Parting>,
}

/// The events of a frame.
#[derive(Debug)]
pub struct ForwardEvents {
    tag: Bytes,
    /// None of metrics and traces, which are no events.
    entries: Option<Entries>,
    chunk: Option<Bytes>,
    arrived: Arrived,
}

impl ForwardIn {
    /// As a connector is set; with `credentials`, peers have to show that they know them.
    pub fn new(settings: &InwardSettings, credentials: Option<Credentials>) -> Self {
        Self {
            credentials: credentials.map(Arc::new),
            limits: Limits {
                frame: settings.max_frame,
                unpacked: UNPACKS_TO * settings.max_frame as u64,
            },
        }
    }
}

impl InwardLanguage for ForwardIn {
    type Session = ForwardPeer;

    fn begin(&self) -> (ForwardPeer, Option<Bytes>) {
        let mut random = [0; 32];
        // The library has none only if the system has none; what is drawn then differs, too.
        if openssl::rand::rand_bytes(&mut random).is_err() {
            fastrand::fill(&mut random);
        }
        let (receiver, greeting) = Receiver::greet(self.credentials.clone(), self.limits, random);
        let framer = Framer::new(self.limits.frame);
        let peer = ForwardPeer {
            framer,
            receiver,
            limits: self.limits,
            parting: None,
        };
        (peer, greeting.map(Bytes::from))
    }
}

impl InwardSession for ForwardPeer {
    type Events = ForwardEvents;

    fn is_admitted(&self) -> bool {
        self.receiver.is_open()
    }

    fn is_amid(&self) -> bool {
        self.parting.is_some()
    }

    fn held(&self) -> usize {
        self.parting.as_ref().map_or(0, Parting::held)
    }
}

impl ForwardPeer {
    /// What has come of a message that is taken apart.
    ///
    /// Its events have no identity: by what name they would come again is known only behind them.
    fn part(&mut self, input: &mut BytesMut) -> Result<Option<Heard<ForwardEvents>>, Breach> {
        let Some(parting) = &mut self.parting else {
            return Ok(None);
        };
        let (entries, arrived) = match parting.go_on(input).map_err(Breach::of)? {
            Part::Nothing => return Ok(None),
            Part::Events(entries) => (Some(entries), Arrived::all(None)),
            Part::End(chunk) => (None, Arrived::all(chunk)),
        };
        let tag = parting.tag.clone();
        if entries.is_none() {
            self.parting = None;
        }
        Ok(Some(Heard::Events(ForwardEvents {
            tag,
            entries,
            chunk: None,
            arrived,
        })))
    }
}

impl Decoder for ForwardPeer {
    type Item = Heard<ForwardEvents>;
    type Error = Breach;

    fn decode(&mut self, input: &mut BytesMut) -> Result<Option<Self::Item>, Breach> {
        if self.parting.is_some() {
            return self.part(input);
        }
        let frame = match self.framer.take(input) {
            Ok(Some(frame)) => frame,
            Ok(None) => return Ok(None),
            Err(error) => {
                let is_large = matches!(error, FrameError::TooLarge(_)) && self.receiver.is_open();
                self.parting = is_large.then(|| Parting::begin(input, self.limits)).flatten();
                if self.parting.is_none() {
                    return Err(Breach::of(error));
                }
                self.framer = Framer::new(self.limits.frame);
                return self.part(input);
            }
        };
        let received = self.receiver.take(&frame).map_err(|refusal| match refusal {
            Refusal::Message(error) => Breach::of(error),
            Refusal::Handshake(error, last_words) => Breach::Peer {
                reason: error.to_string(),
                last_words: last_words.map(Bytes::from),
            },
        })?;
        Ok(Some(match received {
            Received::Nothing => Heard::Nothing,
            Received::Reply(answer) => Heard::Answered(answer.into()),
            Received::Events(message, arrived) => Heard::Events(ForwardEvents {
                tag: message.tag,
                entries: message.is_of_logs.then_some(message.entries),
                chunk: message.chunk,
                arrived,
            }),
        }))
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

impl Events for ForwardEvents {
    fn next_event(&mut self) -> Result<Option<Event>, Breach> {
        let Some(entry) = self.entries.as_mut().and_then(Iterator::next) else {
            return Ok(None);
        };
        let Entry { time, record } = entry.map_err(Breach::of)?;
        let mut payload = Vec::with_capacity(record.len() + record.len() / 4);
        let is_whole = append_json(&mut Reader::new(&record), &mut payload);
        Ok(Some(Event {
            tag: self.tag.clone(),
            header: format!("{TIME_HEADER}: {}\r\n", time.to_decimal()).into_bytes(),
            payload: is_whole.then(|| payload.into()),
        }))
    }

    fn identity(&self) -> Option<&[u8]> {
        self.chunk.as_deref()
    }

    fn reply(&self) -> Option<Bytes> {
        self.arrived.reply().map(Bytes::from)
    }
}

#[cfg(test)]
mod tests {
    use super::ForwardIn;
    use bytes::BytesMut;
    use tokio_util::codec::Decoder;
    use vagus_actors::connectors::language::{Events, Heard, InwardLanguage, InwardSession};
    use vagus_configs::{ConnectorLanguage, InwardSettings, Listen, SubjectOfTag};
    use vagus_forward::Credentials;

    fn language(credentials: Option<Credentials>) -> ForwardIn {
        let language = ConnectorLanguage::Forward { credentials: None };
        let subject = SubjectOfTag::One("s".to_owned());
        ForwardIn::new(
            &InwardSettings::new(language, Listen::default(), subject),
            credentials,
        )
    }

    #[test]
    fn events_are_messages() {
        let (mut peer, greeting) = language(None).begin();
        assert!(greeting.is_none() && peer.is_admitted());
        let mut input =
            BytesMut::from(&b"\x94\xa5app.a\xd7\x00\0\0\0\x05\0\0\0\x07\x81\xa1a\x01\x81\xa5chunk\xa1c"[..]);
        let Ok(Some(Heard::Events(mut events))) = peer.decode(&mut input) else {
            panic!("there are no events");
        };
        let event = events.next_event().unwrap().unwrap();
        assert_eq!(&event.tag[..], b"app.a");
        assert_eq!(event.header, b"Forward-Time: 5.000000007\r\n");
        assert_eq!(event.payload.as_deref(), Some(&br#"{"a":1}"#[..]));
        assert_eq!(events.next_event().unwrap(), None);
        assert_eq!(events.identity(), Some(&b"c"[..]));
        assert_eq!(events.reply().as_deref(), Some(&b"\x81\xa3ack\xa1c"[..]));
    }

    #[test]
    fn who_is_refused_is_told_so() {
        let credentials = Credentials {
            shared_key: "key".to_owned(),
            self_hostname: "in".to_owned(),
            users: Vec::new(),
        };
        let (mut peer, greeting) = language(Some(credentials)).begin();
        assert!(greeting.is_some() && !peer.is_admitted());
        let mut input = BytesMut::from(&b"\x96\xa4PING\xa1h\xa1s\xa1d\xa0\xa0"[..]);
        let breach = peer.decode(&mut input).unwrap_err();
        assert_eq!(breach.to_string(), "shared_key mismatch");
    }

    #[test]
    fn who_goes_in_the_middle_of_a_frame_has_said_nothing() {
        let (mut peer, _) = language(None).begin();
        let mut input = BytesMut::from(&b"\x94\xa5app"[..]);
        assert!(peer.decode(&mut input).unwrap().is_none());
        assert!(peer.decode_eof(&mut input).unwrap().is_none() && input.is_empty());
    }
}
