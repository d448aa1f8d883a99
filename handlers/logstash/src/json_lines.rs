//! JSON, one object a line (Logstash's codec `json_lines`): nobody acknowledges anything.

use crate::event::{Additions, is_object, tag_of};
use bytes::{Bytes, BytesMut};
use std::vec;
use tokio_util::codec::{AnyDelimiterCodec, AnyDelimiterCodecError, BytesCodec, Decoder};
use vagus_actors::connectors::language::{
    Breach, Event, Events, Heard, InwardLanguage, InwardSession, OutwardLanguage, OutwardSession, Parcel,
    Told,
};
use vagus_configs::{InwardSettings, OutwardSettings};
use vagus_protocol::neutral::NeutralMessage;

/// So many lines are handed on together at most.
const TOGETHER_AT_MOST: usize = 512;

/// Peers bring lines.
#[derive(Debug)]
pub struct LinesIn {
    longest: usize,
    tag_key: Vec<String>,
}

/// One peer.
#[derive(Debug)]
pub struct LinesPeer {
    codec: AnyDelimiterCodec,
    tag_key: Vec<String>,
}

/// Lines.
#[derive(Debug)]
pub struct Lines {
    lines: vec::IntoIter<Bytes>,
    tag_key: Vec<String>,
}

impl LinesIn {
    /// As a connector is set.
    pub fn new(settings: &InwardSettings) -> Self {
        Self {
            longest: settings.max_frame,
            tag_key: settings.tag_key.clone(),
        }
    }
}

impl InwardLanguage for LinesIn {
    type Session = LinesPeer;

    fn begin(&self) -> (LinesPeer, Option<Bytes>) {
        let ends = b"\n".to_vec();
        let peer = LinesPeer {
            codec: AnyDelimiterCodec::new_with_max_length(ends.clone(), ends, self.longest),
            tag_key: self.tag_key.clone(),
        };
        (peer, None)
    }
}

impl InwardSession for LinesPeer {
    type Events = Lines;
}

impl LinesPeer {
    /// What comes together is handed on together.
    fn gather(
        &mut self,
        mut next: impl FnMut(&mut AnyDelimiterCodec) -> Result<Option<Bytes>, AnyDelimiterCodecError>,
    ) -> Result<Option<Heard<Lines>>, Breach> {
        let mut lines = Vec::new();
        while lines.len() < TOGETHER_AT_MOST {
            match next(&mut self.codec) {
                Ok(Some(line)) => {
                    let is_blank = line.trim_ascii().is_empty();
                    lines.extend((!is_blank).then_some(line));
                }
                Ok(None) => break,
                Err(AnyDelimiterCodecError::MaxChunkLengthExceeded) => {
                    return Err(Breach::of("a line is too long"));
                }
                Err(AnyDelimiterCodecError::Io(error)) => return Err(error.into()),
            }
        }
        let lines = Lines {
            lines: lines.into_iter(),
            tag_key: self.tag_key.clone(),
        };
        Ok((lines.lines.len() > 0).then_some(Heard::Events(lines)))
    }
}

impl Decoder for LinesPeer {
    type Item = Heard<Lines>;
    type Error = Breach;

    fn decode(&mut self, input: &mut BytesMut) -> Result<Option<Self::Item>, Breach> {
        self.gather(|codec| codec.decode(input))
    }

    /// The last line may have no end.
    fn decode_eof(&mut self, input: &mut BytesMut) -> Result<Option<Self::Item>, Breach> {
        self.gather(|codec| codec.decode_eof(input))
    }
}

impl Events for Lines {
    /// What is no object of JSON is put under `message` of one.
    fn next_event(&mut self) -> Result<Option<Event>, Breach> {
        Ok(self.lines.next().map(|line| {
            let payload = match is_object(&line) {
                true => line.slice_ref(line.trim_ascii()),
                false => {
                    let mut json = Vec::with_capacity(line.len() + 16);
                    let message = NeutralMessage {
                        payload: line.strip_suffix(b"\r").unwrap_or(&line),
                        ..NeutralMessage::default()
                    };
                    Additions::default().append(&message, b"", &mut json);
                    json.into()
                }
            };
            Event {
                tag: tag_of(&payload, &self.tag_key),
                header: Vec::new(),
                payload: Some(payload),
            }
        }))
    }

    fn identity(&self) -> Option<&[u8]> {
        None
    }

    fn reply(&self) -> Option<Bytes> {
        None
    }
}

/// Servers are brought lines.
#[derive(Debug)]
pub struct LinesOut {
    additions: Additions,
}

/// Lines.
#[derive(Debug, Default)]
pub struct LinesParcel {
    additions: Additions,
    lines: Vec<u8>,
}

/// One server, which says nothing that matters.
#[derive(Debug)]
pub struct LinesServer(BytesCodec);

impl LinesOut {
    /// As a connector is set.
    pub fn new(settings: &OutwardSettings) -> Self {
        Self {
            additions: Additions::of(settings),
        }
    }
}

impl OutwardLanguage for LinesOut {
    type Parcel = LinesParcel;
    type Session = LinesServer;

    fn parcel(&self) -> LinesParcel {
        LinesParcel {
            additions: self.additions.clone(),
            lines: Vec::new(),
        }
    }

    fn begin(&self) -> LinesServer {
        LinesServer(BytesCodec::new())
    }
}

impl Parcel for LinesParcel {
    fn add(&mut self, message: &NeutralMessage<'_>, tag: &[u8]) {
        self.additions.append(message, tag, &mut self.lines);
        self.lines.push(b'\n');
    }

    fn size(&self) -> usize {
        self.lines.len()
    }
}

impl Decoder for LinesServer {
    type Item = Told;
    type Error = Breach;

    fn decode(&mut self, input: &mut BytesMut) -> Result<Option<Told>, Breach> {
        let read = self.0.decode(input)?;
        Ok(read.map(|_| Told::Something))
    }
}

impl OutwardSession for LinesServer {
    type Parcel = LinesParcel;

    fn send(&mut self, parcel: &LinesParcel) -> Vec<Bytes> {
        vec![Bytes::copy_from_slice(&parcel.lines)]
    }

    fn awaits_answer(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::{LinesIn, LinesOut};
    use bytes::BytesMut;
    use tokio_util::codec::Decoder;
    use vagus_actors::connectors::language::{
        Events, Heard, InwardLanguage, OutwardLanguage, OutwardSession, Parcel,
    };
    use vagus_configs::{ConnectorLanguage, InwardSettings, Listen, OutwardSettings, SubjectOfTag};
    use vagus_protocol::neutral::NeutralMessage;

    fn language(longest: usize) -> LinesIn {
        let subject = SubjectOfTag::One("s".to_owned());
        let mut settings = InwardSettings::new(ConnectorLanguage::JsonLines, Listen::default(), subject);
        settings.max_frame = longest;
        LinesIn::new(&settings)
    }

    fn payloads(heard: Option<Heard<super::Lines>>) -> Vec<String> {
        let Some(Heard::Events(mut lines)) = heard else {
            return Vec::new();
        };
        let events = std::iter::from_fn(|| lines.next_event().unwrap());
        events
            .map(|event| String::from_utf8(event.payload.unwrap().to_vec()).unwrap())
            .collect()
    }

    #[test]
    fn lines_are_events() {
        let (mut peer, _) = language(100).begin();
        let mut input = BytesMut::from("{\"n\":1}\r\n\n {\"n\":2}\nplain text\r\n{\"n\":3}");
        assert_eq!(
            payloads(peer.decode(&mut input).unwrap()),
            [r#"{"n":1}"#, r#"{"n":2}"#, r#"{"message":"plain text"}"#]
        );
        assert_eq!(payloads(peer.decode_eof(&mut input).unwrap()), [r#"{"n":3}"#]);
        assert_eq!(payloads(peer.decode_eof(&mut input).unwrap()), [""; 0]);
    }

    /// Whatever comes, however it is cut: it is the same events, each an object.
    #[test]
    fn any_bytes() {
        let mut random = fastrand::Rng::with_seed(7);
        let pieces = b"{}\"\\:,[] \r\n\nn1\xff\0";
        for _ in 0..5_000 {
            let bytes: Vec<u8> = (0..random.usize(0..200))
                .map(|_| pieces[random.usize(0..pieces.len())])
                .collect();
            let whole = taken(&bytes, bytes.len().max(1));
            assert_eq!(taken(&bytes, random.usize(1..20)), whole);
            for event in &whole {
                let read: serde_json::Value = serde_json::from_str(event).unwrap();
                assert!(read.is_object(), "{event}");
            }
        }
    }

    fn taken(bytes: &[u8], piece: usize) -> Vec<String> {
        let (mut peer, _) = language(1000).begin();
        let (mut input, mut taken) = (BytesMut::new(), Vec::new());
        for piece in bytes.chunks(piece) {
            input.extend_from_slice(piece);
            while let Some(heard) = peer.decode(&mut input).unwrap() {
                taken.extend(payloads(Some(heard)));
            }
        }
        while let Some(heard) = peer.decode_eof(&mut input).unwrap() {
            taken.extend(payloads(Some(heard)));
        }
        taken
    }

    #[test]
    fn a_line_that_is_too_long_ends_it() {
        let (mut peer, _) = language(5).begin();
        let breach = peer.decode(&mut BytesMut::from("{\"n\":1}")).unwrap_err();
        assert_eq!(breach.to_string(), "a line is too long");
    }

    #[test]
    fn messages_are_lines() {
        let settings = OutwardSettings::new(ConnectorLanguage::JsonLines, ">", Vec::new());
        let lines = LinesOut::new(&settings);
        let mut parcel = lines.parcel();
        for payload in [&b"{\n}"[..], b"a\nb"] {
            let message = NeutralMessage {
                payload,
                ..NeutralMessage::default()
            };
            parcel.add(&message, b"");
        }
        let mut server = lines.begin();
        assert_eq!(server.send(&parcel).concat(), b"{ }\n{\"message\":\"a\\nb\"}\n");
        assert!(!server.awaits_answer());
    }
}
