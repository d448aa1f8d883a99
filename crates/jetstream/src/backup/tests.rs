//! What is backed up is the same again.

use super::{
    BackupError, ConsumerSnapshot, ConsumerState, Form, Part, PendingMessage, Place, Reader, Snapshot, Writer,
};
use crate::api::StreamState;
use crate::config::StreamConfig;
use crate::consumer::config::ConsumerConfig;
use crate::message::Message;
use crate::time::Time;
use bytes::Bytes;
use std::collections::BTreeMap;

fn snapshot() -> Snapshot {
    let config = ConsumerConfig {
        durable: "C".to_owned(),
        name: "C".to_owned(),
        filter_subject: "o.>".to_owned(),
        ..ConsumerConfig::default()
    };
    let pending = PendingMessage {
        sequence: 4,
        timestamp: 1_796_022_000_000_000_000,
    };
    Snapshot {
        config: StreamConfig {
            name: "S".to_owned(),
            ..StreamConfig::default()
        },
        created: Time(1_796_022_000_000_000_001),
        state: StreamState {
            messages: 3,
            last_seq: 9,
            ..StreamState::default()
        },
        consumers: vec![ConsumerSnapshot {
            name: "C".to_owned(),
            created: Some(Time(1_796_022_000_000_000_002)),
            config,
            state: ConsumerState {
                delivered: Place {
                    consumer: 4,
                    stream: 5,
                },
                ack_floor: Place {
                    consumer: 3,
                    stream: 3,
                },
                pending: BTreeMap::from([(5, pending)]),
                redelivered: BTreeMap::from([(5, 1)]),
            },
        }],
    }
}

fn messages() -> Vec<Message> {
    let message = |sequence, headers: &'static str, length| Message {
        sequence,
        time: Time(1_796_022_000_000_000_000 + sequence as i64),
        subject: Bytes::from_static(b"o.a"),
        headers: Bytes::from_static(headers.as_bytes()),
        payload: Bytes::from(vec![b'x'; length]),
    };
    vec![
        message(2, "", 0),
        message(5, "NATS/1.0\r\nA: b\r\n\r\n", 3 << 20),
        message(6, "", 2 << 20),
    ]
}

fn written(form: Form) -> Bytes {
    let mut writer = Writer::begin(form, snapshot(), Time(1_796_022_001_000_000_000));
    let mut out = Vec::new();
    for message in messages() {
        writer.message(&message);
        while writer.ready() > 100_000 {
            out.extend_from_slice(&writer.take(100_000));
        }
    }
    writer.end();
    out.extend_from_slice(&writer.take(usize::MAX));
    out.into()
}

fn read(backup: &Bytes, step: usize) -> Result<Vec<Part>, BackupError> {
    let (mut reader, mut parts) = (Reader::new("S"), Vec::new());
    let mut rest = backup.clone();
    while !rest.is_empty() {
        reader.push(rest.split_to(step.min(rest.len())));
        while let Some(part) = reader.next_part()? {
            parts.push(part);
        }
    }
    reader.end()?;
    Ok(parts)
}

#[test]
fn streams_are_the_same_again_in_both_forms() {
    for form in [Form::Tar, Form::Archive] {
        let backup = written(form);
        let mut expect: Vec<Part> = messages().into_iter().map(Part::Message).collect();
        let [mut consumer] = <[_; 1]>::try_from(snapshot().consumers).unwrap();
        match form {
            Form::Tar => {
                let (created, name) = (snapshot().created, "S".to_owned());
                expect.insert(0, Part::Stream { created, name });
                expect.extend([Part::Gone(9), Part::Consumer(Box::new(consumer))]);
            }
            Form::Archive => {
                consumer.created = None;
                expect.insert(0, Part::Last(9));
                expect.insert(1, Part::Consumer(Box::new(consumer)));
            }
        }
        for step in [usize::MAX, 1000, 17] {
            assert!(read(&backup, step) == Ok(expect.clone()), "{form:?} {step}");
        }
    }
}

#[test]
fn what_is_cut_off_or_damaged_is_refused() {
    for form in [Form::Tar, Form::Archive] {
        let backup = written(form);
        for cut in [0, 1, 100, backup.len() / 2, backup.len() - 1] {
            assert!(read(&backup.slice(..cut), 4096).is_err(), "{form:?} {cut}");
        }
        let mut random = fastrand::Rng::with_seed(1);
        for _ in 0..20 {
            let mut damaged = backup.to_vec();
            damaged[random.usize(0..backup.len())] ^= 1 << random.u32(0..8);
            let read = read(&damaged.into(), 4096);
            // What says what it is about may be damaged where it does not matter.
            assert!(read.is_err() || read.unwrap().len() == 5, "{form:?}");
        }
    }
}

/// What little says a lot costs what it says, not at once.
#[test]
fn a_bomb_is_read_in_pieces() {
    let mut out = Vec::new();
    let mut compressor = vagus_compression::s2::Compressor::default();
    let zeros = vec![0; 64 << 20];
    vagus_compression::s2::Writer::default().append(
        &zeros,
        vagus_compression::mode::Level::Fast,
        &mut compressor,
        &mut out,
    );
    let mut reader = Reader::new("S");
    reader.push(out.into());
    // A tar that begins with nothing is over.
    assert_eq!(reader.next_part(), Ok(None));
    assert!(reader.plain.capacity() < 80 << 20);
}
