use super::*;
use crate::entries::Entry;
use crate::error::FrameError;
use crate::msgpack::{append_json, write_array, write_bin, write_map, write_str, write_u64};
use crate::packing::{Packing, append_entry, pack};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;

const LIMITS: Limits = Limits {
    frame: 1000,
    unpacked: 5000,
};

fn record(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    crate::msgpack::append_object(text.as_bytes(), &[], &mut out).unwrap();
    out
}

fn event(seconds: u64, text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    write_array(&mut out, 2);
    write_u64(&mut out, seconds);
    out.extend_from_slice(&record(text));
    out
}

fn read_events(frame: &[u8]) -> Result<(Message, Vec<String>), BadMessage> {
    let Frame::Events(mut message) = read(&Bytes::copy_from_slice(frame), LIMITS)? else {
        panic!("it has no events");
    };
    let events = message
        .entries
        .by_ref()
        .map(|entry| entry.map(|entry| shown(&entry)));
    let events = events.collect::<Result<Vec<_>, _>>()?;
    Ok((message, events))
}

fn shown(entry: &Entry) -> String {
    let mut json = Vec::new();
    assert!(append_json(&mut Reader::new(&entry.record), &mut json));
    format!("{} {}", entry.time.to_decimal(), String::from_utf8(json).unwrap())
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn packed(content: &[u8], options: &[(&str, &str)]) -> Vec<u8> {
    let mut out = Vec::new();
    write_array(&mut out, 3);
    write_str(&mut out, b"t");
    // As Fluentd does: text that is none.
    write_str(&mut out, content);
    write_map(&mut out, options.len() as u32);
    for (key, value) in options {
        write_str(&mut out, key.as_bytes());
        write_str(&mut out, value.as_bytes());
    }
    out
}

#[test]
fn a_single_event() {
    for options in [&b""[..], b"\xc0", b"\x80", b"\x81\xa5chunk\xa3abc"] {
        let parts = if options.is_empty() { 0x93 } else { 0x94 };
        let frame = [&[parts, 0xa1, b't', 5][..], &record("{\"a\":1}"), options].concat();
        let (message, events) = read_events(&frame).unwrap();
        assert_eq!(&message.tag[..], b"t");
        assert_eq!(events, ["5.000000000 {\"a\":1}"]);
        let chunk = options.ends_with(b"abc").then_some(&b"abc"[..]);
        assert_eq!(message.chunk.as_deref(), chunk);
        assert!(message.is_of_logs);
    }
}

#[test]
fn a_list_of_events() {
    let mut frame = b"\x93\xa1t\x92".to_vec();
    frame.extend_from_slice(&event(1, "{\"n\":1}"));
    frame.extend_from_slice(&event(2, "{\"n\":2}"));
    frame.extend_from_slice(b"\x82\xa4size\x02\xadfluent_signal\x01");
    let (message, events) = read_events(&frame).unwrap();
    assert_eq!(events, ["1.000000000 {\"n\":1}", "2.000000000 {\"n\":2}"]);
    assert!(!message.is_of_logs);
    let (_, events) = read_events(b"\x92\xa1t\x90").unwrap();
    assert!(events.is_empty());
}

/// Fluent Bit's events have metadata beside their time.
#[test]
fn events_with_metadata() {
    let event = [&b"\x92\x92\x07\x81\xa1m\x01"[..], &record("{\"n\":1}")].concat();
    let (_, events) = read_events(&packed(&event, &[])).unwrap();
    assert_eq!(events, ["7.000000000 {\"n\":1}"]);
    let list = [&b"\x92\xa1t\x91"[..], &event].concat();
    assert_eq!(read_events(&list).unwrap().1, ["7.000000000 {\"n\":1}"]);
    let single = [&b"\x93\xa1t\x92\x07\x80"[..], &record("{\"n\":1}")].concat();
    assert_eq!(read_events(&single).unwrap().1, ["7.000000000 {\"n\":1}"]);
}

/// Fluentd appends to what it has compressed.
#[test]
fn several_members_of_gzip_are_unpacked() {
    let members: Vec<u8> = (0..3).flat_map(|n| gzip(&event(n, "{\"n\":1}"))).collect();
    let frame = packed(&members, &[("compressed", "gzip"), ("chunk", "Zm9v\n")]);
    let (message, events) = read_events(&frame).unwrap();
    assert_eq!(events.len(), 3);
    assert_eq!(message.chunk.as_deref(), Some(&b"Zm9v\n"[..]));
}

#[test]
fn what_unpacks_to_too_much_is_refused() {
    let bomb = gzip(&event(1, "{}").repeat(2_000));
    let frame = packed(&bomb, &[("compressed", "gzip")]);
    assert_eq!(read_events(&frame).unwrap_err(), BadMessage::Unpacked(5000));
    let large = gzip(&event(1, &format!("{{\"a\":\"{}\"}}", "x".repeat(2_000))));
    let frame = packed(&large, &[("compressed", "gzip")]);
    let error = FrameError::TooLarge(1000);
    assert_eq!(read_events(&frame).unwrap_err(), BadMessage::Broken(error));
    let frame = packed(b"no gzip", &[("compressed", "gzip")]);
    assert_eq!(read_events(&frame).unwrap_err(), BadMessage::Gzip);
    let cut = packed(&gzip(&event(1, "{}")[..3]), &[("compressed", "gzip")]);
    assert_eq!(read_events(&cut).unwrap_err(), BadMessage::Event);
    let frame = packed(b"", &[("compressed", "zstd")]);
    assert_eq!(read_events(&frame).unwrap_err(), BadMessage::Compression);
}

#[test]
fn what_is_no_message_is_refused() {
    for (frame, error) in [
        (&b"\x01"[..], BadMessage::Shape),
        (b"\x91\xa1t", BadMessage::Shape),
        (b"\x92\x01\xa0", BadMessage::Tag),
        (b"\x92\xa1t\x01", BadMessage::Shape),
        (b"\x95\xa1t\x01\x80\x80\x80", BadMessage::Shape),
        (b"\x93\xa1t\xa0\x01", BadMessage::Options),
        (b"\x93\xa1t\xa0\x81\xa5chunk\x01", BadMessage::Options),
        (b"\x93\xa1t\x01\x01", BadMessage::Event),
        (b"\x93\xa1t\xc3\x80", BadMessage::Event),
        (b"\x92\xa1t\xa1\x01", BadMessage::Event),
        (b"\x92\xa1t\x91\x91\x01", BadMessage::Event),
        (b"\x92\xa1t\xa2\x92\x01", BadMessage::Event),
    ] {
        assert_eq!(read_events(frame).unwrap_err(), error, "{frame:x?}");
    }
}

#[test]
fn a_heartbeat_is_none() {
    let frame = read(&Bytes::from_static(b"\xc0"), LIMITS).unwrap();
    assert!(matches!(frame, Frame::Heartbeat));
}

#[test]
fn what_is_packed_is_read_again() {
    for (packing, chunk) in [(Packing::Plain, None), (Packing::Gzip, Some(&b"c1"[..]))] {
        let mut entries = Vec::new();
        for nanoseconds in [0, 999_999_999] {
            let seconds = 1_700_000_000;
            let time = EventTime { seconds, nanoseconds };
            append_entry(
                time,
                |out| out.extend_from_slice(&record("{\"a\":true}")),
                &mut entries,
            );
        }
        let frame = pack(b"t", &entries, 2, chunk, packing);
        let (message, events) = read_events(&frame).unwrap();
        assert_eq!(
            events,
            [
                "1700000000.000000000 {\"a\":true}",
                "1700000000.999999999 {\"a\":true}"
            ]
        );
        assert_eq!(message.chunk.as_deref(), chunk);
    }
}

#[test]
fn acknowledgements() {
    assert_eq!(
        read_acknowledgement(&acknowledgement(b"Zm9v\n")),
        Some(&b"Zm9v\n"[..])
    );
    for other in [&b"\x80"[..], b"\x81\xa1a\x01", b"\xc0", b"\x81\xa3ack\x01", b""] {
        assert_eq!(read_acknowledgement(other), None);
    }
    let mut with_more = Vec::new();
    write_map(&mut with_more, 2);
    write_str(&mut with_more, b"other");
    write_bin(&mut with_more, b"x");
    write_str(&mut with_more, b"ack");
    write_bin(&mut with_more, b"c");
    assert_eq!(read_acknowledgement(&with_more), Some(&b"c"[..]));
}

#[test]
fn times_as_text() {
    let time = |seconds, nanoseconds| EventTime { seconds, nanoseconds };
    for (text, parsed) in [
        ("5", Some(time(5, 0))),
        ("5.5", Some(time(5, 500_000_000))),
        ("5.000000001", Some(time(5, 1))),
        ("5.0000000001", None),
        ("", None),
        ("-5", None),
        ("+5", None),
        ("x", None),
    ] {
        assert_eq!(EventTime::of_decimal(text), parsed, "{text}");
    }
}
