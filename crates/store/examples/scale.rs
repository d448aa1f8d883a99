//! What 10 million messages on a million subjects cost: to log and keep them, in memory, to open after a kill, to find.
//!
//! `cargo run --release -p vagus-store --example scale -- FOLDER [MESSAGES SUBJECTS]`. All is done on one thread, writing as
//! well as what a server leaves to others; the server's own work comes on top.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rustix::time::{ClockId, clock_gettime};
use vagus_store::messages::{Cold, Count, Cursor, Messages, MessagesOptions, Position};
use vagus_store::wal::{Entry, Importance, Recovered};
use vagus_store::{CheckpointTurns, Message, RealDisk, Store, StoreOptions, StreamIdentity};

/// As many messages are one entry of the log as a turn of a busy server has.
const BATCH: u64 = 512;
/// A segment is written when so much waits.
const UNWRITTEN: u64 = 1 << 20;

fn message(sequence: u64, subjects: u64) -> Message {
    let number = sequence.wrapping_mul(7919) % subjects;
    Message {
        sequence,
        timestamp: sequence,
        subject: Bytes::from(format!(
            "ev.{}.{}.{}",
            number % 100,
            number / 100 % 100,
            number / 10_000
        )),
        headers: Bytes::new(),
        payload: Bytes::from_static(&[7; 40]),
    }
}

/// The memory of the process that is its own, in MB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("RssAnon")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

/// How long this thread has run: what others do on the machine is not in it.
fn busy() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn ask<T>(messages: &mut Messages, mut question: impl FnMut(&mut Messages) -> Result<T, Cold>) -> T {
    loop {
        match question(messages) {
            Ok(answer) => return answer,
            Err(cold) => messages.warm(cold.run(&RealDisk).unwrap()),
        }
    }
}

fn measure<T>(name: &str, measured: impl FnOnce() -> T) -> T {
    let (start, ran) = (Instant::now(), busy());
    let result = measured();
    let (took, ran) = (start.elapsed(), busy() - ran);
    println!(
        "{name:<50} {took:>10.2?}, {ran:>10.2?} of it on the processor   {} MB",
        resident()
    );
    result
}

fn options(_: &StreamIdentity) -> MessagesOptions {
    MessagesOptions::default()
}

/// A store that was opened, its stream if it has one, and the bodies of entries that are not in that yet.
struct Opened {
    store: Store,
    messages: Option<Messages>,
    log: Recovered,
    entries: Vec<Vec<u8>>,
}

fn open(folder: &Path) -> Opened {
    let mut store = Store::open(Arc::new(RealDisk), folder, StoreOptions::default()).unwrap();
    let mut streams = store.streams(&options).unwrap();
    let mut entries = Vec::new();
    let log = store
        .recover_log(&streams, &mut |entry| entries.push(entry.body.to_vec()))
        .unwrap();
    Opened {
        store,
        messages: streams.found.pop().map(|stream| stream.found.messages),
        log,
        entries,
    }
}

fn first_sequence(body: &[u8]) -> u64 {
    u64::from_le_bytes(body[..8].try_into().unwrap())
}

/// Logs and keeps all messages, and is killed.
fn fill(folder: &Path, count: u64, subjects: u64) {
    let Opened {
        mut store, mut log, ..
    } = open(folder);
    let nobody = StreamIdentity {
        account: String::new(),
        name: String::new(),
        group: vagus_store::wal::GroupId(0),
        definition: Bytes::new(),
    };
    let (identity, mut messages) = store
        .create("$G", "SCALE", Bytes::new(), options(&nobody))
        .unwrap();
    let mut turns = CheckpointTurns::default();
    let (mut longest, mut index, mut next, mut checkpoints) = (Duration::ZERO, 0, 1, 0);
    while next <= count {
        index += 1;
        let batch: Vec<Message> = (next..(next + BATCH).min(count + 1))
            .map(|sequence| message(sequence, subjects))
            .collect();
        let mut body = next.to_le_bytes().to_vec();
        batch.iter().for_each(|message| {
            body.extend_from_slice(&message.subject);
            body.extend_from_slice(&message.payload);
        });
        let entry = Entry {
            group: identity.group,
            incarnation: 1,
            term: 1,
            index,
            timestamp: index,
            kind: 1,
            body: &body,
        };
        log.wal.append(&entry, Importance::Message).unwrap();
        log.files.carry_out_all(&mut log.wal).unwrap();
        next += batch.len() as u64;
        for message in batch {
            messages.append(message).unwrap();
        }
        if messages.unwritten() >= UNWRITTEN {
            let start = busy();
            let flush = messages.flush().unwrap().unwrap();
            let planned = busy() - start;
            flush.run(&RealDisk).unwrap();
            let start = busy();
            messages.flushed(&flush);
            longest = longest.max(planned.max(busy() - start));
        }
        if turns.next(&log.wal).is_some() {
            let start = busy();
            let checkpoint = messages
                .checkpoint(Position { index, term: 1 }, b"")
                .unwrap()
                .unwrap();
            let planned = busy() - start;
            checkpoint.run(&RealDisk).unwrap();
            let start = busy();
            let position = messages.checkpointed(&checkpoint);
            drop(checkpoint);
            longest = longest.max(planned.max(busy() - start));
            log.wal.release(identity.group, position.index).unwrap();
            turns.ended(identity.group);
            checkpoints += 1;
        }
    }
    println!("{checkpoints} checkpoints; what nobody else could do for longest: {longest:.2?}");
}

/// Reads a million messages, or all that there are.
fn read(
    messages: &mut Messages,
    filters: Vec<Bytes>,
    mut next: impl FnMut(&mut Messages, &mut Cursor) -> Result<Option<Message>, Cold>,
) -> u32 {
    let (mut cursor, mut read) = (Cursor::new(filters, 1), 0);
    while read < 1_000_000 {
        let Some(found) = ask(messages, |messages| next(messages, &mut cursor)) else {
            break;
        };
        cursor.seek(found.sequence + 1);
        read += 1;
    }
    read
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().unwrap();
    let folder = Path::new(&folder);
    let mut number = |default| arguments.next().map_or(default, |number| number.parse().unwrap());
    let (count, subjects) = (number(10_000_000), number(1_000_000));
    measure("log and keep all", || fill(folder, count, subjects));
    let opened = measure("open after a kill", || open(folder));
    let (mut messages, entries) = (opened.messages.unwrap(), opened.entries);
    measure("apply what the log has behind the checkpoint", || {
        for body in &entries {
            let first = first_sequence(body);
            if messages.unwritten() >= UNWRITTEN {
                let flush = messages.flush().unwrap().unwrap();
                flush.run(&RealDisk).unwrap();
                messages.flushed(&flush);
            }
            for sequence in first..(first + BATCH).min(count + 1) {
                messages.append(message(sequence, subjects)).unwrap();
            }
        }
    });
    println!("{} entries; {:?}", entries.len(), messages.state());
    drop(entries);
    measure("all subjects", || {
        let mut seen = 0;
        messages.walk_subjects(b">", 0, &mut |_, _| {
            seen += 1;
            ControlFlow::Continue(())
        });
        assert_eq!(seen, subjects);
    });
    let mut page = Duration::ZERO;
    for skip in (0..subjects).step_by(100_000) {
        let (start, mut left) = (busy(), 100_000);
        messages.walk_subjects(b">", skip, &mut |_, _| {
            left -= 1;
            if left == 0 {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
        page = page.max(busy() - start);
    }
    println!("the longest page of 100,000 of them: {page:.2?}");
    for filter in ["ev.7.42.3", "ev.7.>", "ev.*.42.*", "ev.*.*.13", "ev.*.*.*"] {
        let matching = measure(&format!("count {filter}"), || messages.totals(filter.as_bytes()));
        assert!(matching.messages > 0);
        let filters = || vec![Bytes::copy_from_slice(filter.as_bytes())];
        measure(&format!("count {filter} from the middle on"), || {
            let mut count = Count::new(filters(), count / 2);
            ask(&mut messages, |messages| messages.count(&mut count))
        });
        // To look at the clock at each costs as much as to read one: what takes longest is looked for in another pass.
        let start = busy();
        let count_read = read(&mut messages, filters(), |messages, cursor| {
            messages.next_message(cursor)
        });
        let each = (busy() - start) / count_read.max(1);
        let mut slowest = Duration::ZERO;
        read(&mut messages, filters(), |messages, cursor| {
            let asked = busy();
            let found = messages.next_message(cursor);
            slowest = slowest.max(busy() - asked);
            found
        });
        println!("read {count_read} of {filter}: {each:.2?} each; {slowest:.2?} at most on an arbiter");
    }
}
