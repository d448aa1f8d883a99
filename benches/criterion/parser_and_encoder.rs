//! Time to parse a frame, and to encode a delivery.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use vagus_protocol::message;
use vagus_protocol::operation::{Operation, Publish};
use vagus_protocol::parser::{FrameLimits, Parsed, parse};

const LIMITS: FrameLimits = FrameLimits {
    max_control_line: 4096,
    max_payload: 1 << 20,
    headers: true,
};

const INBOX: &str = "_INBOX.LHr4VIPFo4Fw1UV7pUsZ3s.LHr4VIPFo4Fw1UV7pUsZ7W";

fn publish(line: &str, size: usize) -> Vec<u8> {
    let mut frame = format!("{line} {size}\r\n").into_bytes();
    frame.resize(frame.len() + size, b'x');
    frame.extend_from_slice(b"\r\n");
    frame
}

/// Frames end to end as they lie in a read buffer, 64 KiB or so.
fn buffer(frame: &[u8]) -> Vec<u8> {
    frame.repeat((64 << 10) / frame.len())
}

/// Parses all frames of a buffer, looking at the parts of a publish that routing needs.
#[inline(never)]
fn parse_all(input: &[u8], limits: &FrameLimits) -> usize {
    let mut rest = input;
    let mut sum = 0;
    while let Parsed::Frame { operation, consumed } = parse(rest, limits) {
        if let Operation::Publish(publish) = operation {
            sum += publish.subject.len() + publish.body.len() + publish.tail.map_or(0, <[u8]>::len);
        }
        rest = &rest[consumed..];
        sum += 1;
    }
    assert!(rest.is_empty());
    sum
}

fn parsing(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("parse");
    let cases: [(&str, Vec<u8>); 9] = [
        ("PUB foo 16", publish("PUB foo", 16)),
        (
            "PUB orders.eu.4711.created 128",
            publish("PUB orders.eu.4711.created", 128),
        ),
        ("PUB foo inbox 16", publish(&format!("PUB foo {INBOX}"), 16)),
        ("PUB inbox 1024", publish(&format!("PUB {INBOX}"), 1024)),
        (
            "HPUB foo 12 28",
            b"HPUB foo 12 28\r\nNATS/1.0\r\n\r\n0123456789abcdef\r\n".to_vec(),
        ),
        ("PUB foo 16, odd blanks", publish("PUB\tfoo ", 16)),
        ("SUB foo 1", b"SUB foo 1\r\n".to_vec()),
        ("UNSUB 1", b"UNSUB 1\r\n".to_vec()),
        ("PING", b"PING\r\n".to_vec()),
    ];
    for (name, frame) in cases {
        let buffer = buffer(&frame);
        group.throughput(Throughput::Elements((buffer.len() / frame.len()) as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| parse_all(black_box(&buffer), black_box(&LIMITS)))
        });
    }
    group.finish();
}

fn encoding(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("encode");
    let frame = b"HPUB foo 12 140\r\nNATS/1.0\r\n\r\n"
        .iter()
        .copied()
        .chain([b'x'; 128])
        .chain(*b"\r\n");
    let frame: Vec<u8> = frame.collect();
    let Parsed::Frame {
        operation: Operation::Publish(publish),
        ..
    } = parse(&frame, &LIMITS)
    else {
        unreachable!("the frame is a publish")
    };
    let mut prefix = Vec::new();
    message::append_prefix(&mut prefix, true, publish.subject, b"17");
    let mut stripped_prefix = Vec::new();
    message::append_prefix(&mut stripped_prefix, false, publish.subject, b"17");
    let composed = Publish {
        tail: None,
        ..publish
    };
    let mut out = Vec::with_capacity(64 << 10);

    group.bench_function("copied 128", |bencher| {
        bencher.iter(|| {
            out.clear();
            message::append(&mut out, black_box(&prefix), black_box(&publish));
        });
    });
    group.bench_function("composed 128", |bencher| {
        bencher.iter(|| {
            out.clear();
            message::append(&mut out, black_box(&prefix), black_box(&composed));
        });
    });
    group.bench_function("stripped 128", |bencher| {
        bencher.iter(|| {
            out.clear();
            message::append_stripped(&mut out, black_box(&stripped_prefix), black_box(&publish));
        });
    });
    group.bench_function("no responders", |bencher| {
        bencher.iter(|| {
            out.clear();
            message::append_no_responders(&mut out, black_box(INBOX.as_bytes()), b"1", b"orders");
        });
    });
    group.finish();
}

criterion_group!(benches, parsing, encoding);
criterion_main!(benches);
