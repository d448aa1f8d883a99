//! Messages, as events that are brought at once.

use crate::TIME_HEADER;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use std::time::{SystemTime, UNIX_EPOCH};
use vagus_actors::connectors::language::Parcel;
use vagus_forward::EventTime;
use vagus_forward::msgpack::{append_object, write_map, write_str};
use vagus_forward::packing::append_entry;
use vagus_protocol::neutral::NeutralMessage;

/// What a group of events takes beside them, in bytes, at most.
const OVERHEAD: usize = 128;

/// Events, by their tags.
#[derive(Debug)]
pub struct ForwardParcel {
    /// Where the subject of a message is put, if it is.
    subject_key: Option<String>,
    pub(crate) groups: Vec<Group>,
    by_tag: HashMap<Vec<u8>, usize, RandomState>,
    size: usize,
}

/// Events with one tag.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) tag: Vec<u8>,
    pub(crate) entries: Vec<u8>,
    pub(crate) count: u64,
    /// What the group is called, and is called again when it is sent again.
    pub(crate) chunk: Vec<u8>,
}

impl ForwardParcel {
    pub(crate) fn new(subject_key: Option<String>) -> Self {
        Self {
            subject_key,
            groups: Vec::new(),
            by_tag: HashMap::default(),
            size: 0,
        }
    }

    /// Where the group of a tag is.
    fn place(&mut self, tag: &[u8]) -> usize {
        // Most messages have the tag of the last.
        let last = self.groups.len().wrapping_sub(1);
        if self.groups.get(last).is_some_and(|group| group.tag == tag) {
            return last;
        }
        if let Some(place) = self.by_tag.get(tag) {
            return *place;
        }
        self.by_tag.insert(tag.to_vec(), self.groups.len());
        self.groups.push(Group {
            tag: tag.to_vec(),
            entries: Vec::new(),
            count: 0,
            chunk: format!("{:032x}", fastrand::u128(..)).into_bytes(),
        });
        self.size += tag.len() + OVERHEAD;
        self.groups.len() - 1
    }
}

impl Parcel for ForwardParcel {
    fn add(&mut self, message: &NeutralMessage<'_>, tag: &[u8]) {
        let place = self.place(tag);
        let subject = self.subject_key.as_deref().map(|key| (key, message.subject));
        let Some(group) = self.groups.get_mut(place) else {
            return;
        };
        let before = group.entries.len();
        let time = time_of(message.header).unwrap_or_else(now);
        append_entry(
            time,
            |out| append_record(message.payload, subject, out),
            &mut group.entries,
        );
        group.count += 1;
        self.size += group.entries.len() - before;
    }

    fn size(&self) -> usize {
        self.size
    }
}

/// An object as it is; text under `message`; anything else as Base64 under `data`.
fn append_record(payload: &[u8], subject: Option<(&str, &[u8])>, out: &mut Vec<u8>) {
    let more = subject.as_slice();
    if append_object(payload, more, out).is_ok() {
        return;
    }
    let (key, text) = match std::str::from_utf8(payload) {
        Ok(text) => ("message", text.as_bytes().to_vec()),
        Err(_) => ("data", STANDARD.encode(payload).into_bytes()),
    };
    write_map(out, 1 + u32::from(subject.is_some()));
    write_str(out, key.as_bytes());
    write_str(out, &text);
    if let Some((key, subject)) = subject {
        write_str(out, key.as_bytes());
        write_str(out, subject);
    }
}

/// The time that came with an event, if it did.
fn time_of(header: &[u8]) -> Option<EventTime> {
    if header.is_empty() {
        return None;
    }
    let header = std::str::from_utf8(header).ok()?;
    header.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(':')?;
        (name == TIME_HEADER).then(|| EventTime::of_decimal(value.trim()))?
    })
}

fn now() -> EventTime {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    EventTime {
        seconds: now.as_secs(),
        nanoseconds: now.subsec_nanos(),
    }
}

#[cfg(test)]
mod tests {
    use super::{ForwardParcel, time_of};
    use vagus_actors::connectors::language::Parcel;
    use vagus_forward::EventTime;
    use vagus_forward::msgpack::{Reader, append_json};
    use vagus_protocol::neutral::NeutralMessage;

    fn events(parcel: &ForwardParcel) -> Vec<(String, u64, String)> {
        let groups = parcel.groups.iter();
        let shown = groups.map(|group| {
            let (mut reader, mut json) = (Reader::new(&group.entries), Vec::new());
            while !reader.rest().is_empty() {
                assert!(append_json(&mut reader, &mut json));
            }
            let tag = String::from_utf8(group.tag.clone()).unwrap();
            (tag, group.count, String::from_utf8(json).unwrap())
        });
        shown.collect()
    }

    #[test]
    fn messages_are_events() {
        let mut parcel = ForwardParcel::new(Some("subject".to_owned()));
        for (subject, payload) in [
            (&b"a"[..], &br#"{"n":1}"#[..]),
            (b"b", b"text"),
            (b"a", b"\xff"),
            (b"a", b"[1]"),
        ] {
            let message = NeutralMessage {
                subject,
                header: b"NATS/1.0\r\nForward-Time: 5.000000001\r\n\r\n",
                payload,
                ..NeutralMessage::default()
            };
            let before = parcel.size();
            parcel.add(&message, subject);
            assert!(parcel.size() > before);
        }
        let expected = [
            (
                "a".to_owned(),
                3,
                [
                    r#"[5.000000001,{"n":1,"subject":"a"}]"#,
                    r#"[5.000000001,{"data":"/w==","subject":"a"}]"#,
                    r#"[5.000000001,{"message":"[1]","subject":"a"}]"#,
                ]
                .concat(),
            ),
            (
                "b".to_owned(),
                1,
                r#"[5.000000001,{"message":"text","subject":"b"}]"#.to_owned(),
            ),
        ];
        assert_eq!(events(&parcel), expected);
        assert_ne!(parcel.groups[0].chunk, parcel.groups[1].chunk);
    }

    #[test]
    fn the_time_may_be_in_the_header() {
        let time = EventTime {
            seconds: 5,
            nanoseconds: 500_000_000,
        };
        assert_eq!(
            time_of(b"NATS/1.0\r\nA: b\r\nForward-Time:5.5\r\n\r\n"),
            Some(time)
        );
        for other in [
            &b""[..],
            b"NATS/1.0\r\n\r\n",
            b"NATS/1.0\r\nForward-Time: x\r\n\r\n",
            b"\xff",
        ] {
            assert_eq!(time_of(other), None);
        }
    }
}
