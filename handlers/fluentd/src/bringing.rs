//! Servers are brought messages.

use crate::parcel::ForwardParcel;
use bytes::{Bytes, BytesMut};
use foldhash::fast::RandomState;
use hashbrown::HashSet;
use std::sync::Arc;
use tokio_util::codec::Decoder;
use vagus_actors::connectors::language::{Breach, OutwardLanguage, OutwardSession, Told};
use vagus_configs::OutwardSettings;
use vagus_forward::Credentials;
use vagus_forward::framing::Framer;
use vagus_forward::packing::{Packing, pack};
use vagus_forward::sender::{Sender, Told as ToldSender};

/// The largest frame that a server may send, in bytes: it acknowledges, and shakes hands.
const LARGEST_ANSWER: usize = 64 * 1024;

/// Servers are brought messages in the Forward protocol.
#[derive(Debug)]
pub struct ForwardOut {
    credentials: Option<Arc<Credentials>>,
    packing: Packing,
    requires_acknowledgement: bool,
    subject_key: Option<String>,
}

/// One server.
#[derive(Debug)]
pub struct ForwardServer {
    framer: Framer,
    sender: Sender,
    packing: Packing,
    requires_acknowledgement: bool,
    /// The chunks that it has not said to have.
    awaited: HashSet<Vec<u8>, RandomState>,
}

impl ForwardOut {
    /// As a connector is set; `credentials` are shown to servers that ask for them.
    pub fn new(settings: &OutwardSettings, credentials: Option<Credentials>) -> Self {
        Self {
            credentials: credentials.map(Arc::new),
            packing: match settings.is_compressed {
                true => Packing::Gzip,
                false => Packing::Plain,
            },
            requires_acknowledgement: settings.requires_acknowledgement,
            subject_key: settings.subject_key.clone(),
        }
    }
}

impl OutwardLanguage for ForwardOut {
    type Parcel = ForwardParcel;
    type Session = ForwardServer;

    fn parcel(&self) -> ForwardParcel {
        ForwardParcel::new(self.subject_key.clone())
    }

    fn begin(&self) -> ForwardServer {
        ForwardServer {
            framer: Framer::new(LARGEST_ANSWER),
            sender: Sender::new(self.credentials.clone(), fastrand::u128(..).to_le_bytes()),
            packing: self.packing,
            requires_acknowledgement: self.requires_acknowledgement,
            awaited: HashSet::default(),
        }
    }
}

impl Decoder for ForwardServer {
    type Item = Told;
    type Error = Breach;

    fn decode(&mut self, input: &mut BytesMut) -> Result<Option<Told>, Breach> {
        let Some(frame) = self.framer.take(input).map_err(Breach::of)? else {
            return Ok(None);
        };
        Ok(Some(match self.sender.take(&frame).map_err(Breach::of)? {
            ToldSender::Reply(answer) => Told::Answered(answer.into()),
            ToldSender::Arrived(chunk) => {
                self.awaited.remove(chunk);
                Told::Something
            }
            ToldSender::Nothing | ToldSender::Open => Told::Something,
        }))
    }
}

impl OutwardSession for ForwardServer {
    type Parcel = ForwardParcel;

    fn is_open(&self) -> bool {
        self.sender.is_open()
    }

    fn send(&mut self, parcel: &ForwardParcel) -> Vec<Bytes> {
        self.awaited.clear();
        let groups = parcel.groups.iter();
        let packed = groups.map(|group| {
            let chunk = self.requires_acknowledgement.then_some(&*group.chunk);
            self.awaited.extend(chunk.map(<[u8]>::to_vec));
            pack(&group.tag, &group.entries, group.count, chunk, self.packing).into()
        });
        packed.collect()
    }

    fn awaits_answer(&self) -> bool {
        !self.awaited.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::ForwardOut;
    use bytes::BytesMut;
    use tokio_util::codec::Decoder;
    use vagus_actors::connectors::language::{OutwardLanguage, OutwardSession, Parcel, Told};
    use vagus_configs::{ConnectorLanguage, OutwardSettings};
    use vagus_protocol::neutral::NeutralMessage;

    #[test]
    fn each_tag_is_acknowledged() {
        let language = ConnectorLanguage::Forward { credentials: None };
        let mut settings = OutwardSettings::new(language, ">", Vec::new());
        settings.requires_acknowledgement = true;
        let forward = ForwardOut::new(&settings, None);
        let mut parcel = forward.parcel();
        for tag in [&b"a"[..], b"b"] {
            parcel.add(&NeutralMessage::default(), tag);
        }
        let mut server = forward.begin();
        assert!(server.is_open() && !server.awaits_answer());
        let first = server.send(&parcel);
        assert_eq!(first.len(), 2);
        assert!(server.awaits_answer());
        assert_eq!(
            server.send(&parcel),
            first,
            "it is the same when it is sent again"
        );
        for group in &parcel.groups {
            assert!(server.awaits_answer());
            let mut answer = BytesMut::from(&b"\x81\xa3ack\xd9\x20"[..]);
            answer.extend_from_slice(&group.chunk);
            assert_eq!(server.decode(&mut answer).unwrap(), Some(Told::Something));
        }
        assert!(!server.awaits_answer());
        settings.requires_acknowledgement = false;
        let mut server = ForwardOut::new(&settings, None).begin();
        server.send(&parcel);
        assert!(!server.awaits_answer());
    }
}
