//! What the store costs: making entries durable, opening what there is, counting and finding what a filter matches.
//!
//! Files are in the folder that `STORE_BENCH_DIR` names, or else in the current one: the disk is what is measured.

#![allow(clippy::unwrap_used)]

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use vagus_store::disk::Opening;
use vagus_store::messages::{Cold, Count, Cursor, Messages, MessagesOptions, Position};
use vagus_store::wal::{Entry, GroupId, Importance, Wal, WalFiles, WalOptions, recover};
use vagus_store::{Disk, Message, RealDisk};

const MANY: u64 = 1_000_000;

/// A folder that goes when it is not needed any more.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let above = std::env::var_os("STORE_BENCH_DIR").map_or_else(PathBuf::new, PathBuf::from);
        let folder = above.join(format!("store-bench-{name}-{}", std::process::id()));
        let folder = std::path::absolute(folder).unwrap();
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn disk() -> Arc<dyn Disk> {
    Arc::new(RealDisk)
}

fn open(folder: &Path, read: &mut dyn FnMut(&Entry<'_>)) -> (Wal, WalFiles) {
    let recovered = recover(&disk(), folder, WalOptions::default(), None, &|_| Some(0), read).unwrap();
    (recovered.wal, recovered.files)
}

fn entry(index: u64, body: &[u8]) -> Entry<'_> {
    Entry {
        group: GroupId(1),
        incarnation: 1,
        term: 1,
        index,
        timestamp: index,
        kind: 1,
        body,
    }
}

/// A log that is used again as soon as it can be, as by a stream that is checkpointed.
struct Log {
    wal: Wal,
    files: WalFiles,
    index: u64,
    _folder: Folder,
}

impl Log {
    fn new() -> Self {
        let folder = Folder::new("log");
        let (wal, files) = open(&folder.0, &mut |_| {});
        let mut log = Self {
            wal,
            files,
            index: 0,
            _folder: folder,
        };
        // All files are made, so that what follows is what a server does after a while.
        for _ in 0..600 {
            log.commit(1, &vec![0; 1 << 20]);
        }
        log
    }

    fn commit(&mut self, entries: u64, body: &[u8]) {
        for _ in 0..entries {
            self.index += 1;
            self.wal
                .append(&entry(self.index, body), Importance::Message)
                .unwrap();
        }
        self.files.carry_out_all(&mut self.wal).unwrap();
        self.wal.release(GroupId(1), self.index).unwrap();
    }
}

fn durable(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("durable");
    let folder = Folder::new("sync");
    let file = RealDisk.open(&folder.0.join("file"), Opening::Emptied).unwrap();
    let block = [7; 4096];
    for number in 0..16_384 {
        file.write_at(number * 4096, &block).unwrap();
    }
    file.sync().unwrap();
    let mut number = 0;
    group.bench_function("the disk alone, 4 KiB", |bencher| {
        bencher.iter(|| {
            number = (number + 1) % 16_384;
            file.write_at(number * 4096, &block).unwrap();
            file.sync().unwrap();
        });
    });
    let mut log = Log::new();
    for (name, entries, length) in [
        ("1 message of 128 B", 1, 160),
        ("512 messages of 128 B, an entry each", 512, 160),
        ("512 messages of 128 B, one entry", 1, 512 * 160),
        ("512 messages of 1 KiB, one entry", 1, 512 * 1056),
    ] {
        let body = vec![7; length];
        group.bench_function(name, |bencher| bencher.iter(|| log.commit(entries, &body)));
    }
    group.finish();
}

fn message(sequence: u64, subjects: u64) -> Message {
    let number = sequence.wrapping_mul(7919) % subjects;
    let subject = format!("ev.{}.{}.{}", number % 100, number / 100 % 100, number / 10_000);
    Message {
        sequence,
        timestamp: sequence,
        subject: Bytes::from(subject),
        headers: Bytes::new(),
        payload: Bytes::from_static(&[7; 128]),
    }
}

fn ask<T>(messages: &mut Messages, mut question: impl FnMut(&mut Messages) -> Result<T, Cold>) -> T {
    loop {
        match question(messages) {
            Ok(answer) => return answer,
            Err(cold) => messages.warm(cold.run(&RealDisk).unwrap()),
        }
    }
}

fn checkpoint(messages: &mut Messages, index: u64) {
    let checkpoint = messages
        .checkpoint(Position { index, term: 1 }, b"")
        .unwrap()
        .unwrap();
    checkpoint.run(&RealDisk).unwrap();
    messages.checkpointed(&checkpoint);
}

fn open_messages(folder: &Folder) -> Messages {
    Messages::open(&RealDisk, &folder.0, MessagesOptions::default(), None, 1)
        .unwrap()
        .messages
}

fn keeping(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("keeping");
    group.throughput(Throughput::Elements(10_000));
    let batch = |subjects| {
        (1..=10_000)
            .map(|sequence| message(sequence, subjects))
            .collect::<Vec<_>>()
    };
    for (name, subjects) in [("one subject", 1), ("10,000 subjects", 10_000)] {
        let batch = batch(subjects);
        let append = |(mut messages, batch): (Messages, Vec<Message>)| {
            batch
                .into_iter()
                .for_each(|message| messages.append(message).unwrap());
            messages
        };
        group.bench_function(format!("10,000 messages of {name} in memory"), |bencher| {
            let setup = || (Messages::in_memory(), batch.clone());
            bencher.iter_batched(setup, append, BatchSize::LargeInput);
        });
        group.bench_function(format!("10,000 messages of {name} into a segment"), |bencher| {
            let folder = Folder::new("segment");
            let setup = || (open_messages(&folder), batch.clone());
            let write = |input| {
                let mut messages = append(input);
                let flush = messages.flush().unwrap().unwrap();
                flush.run(&RealDisk).unwrap();
                messages.flushed(&flush);
                messages
            };
            bencher.iter_batched(setup, write, BatchSize::LargeInput);
        });
    }
    group.finish();
}

fn opening(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("opening");
    group.sample_size(10);
    let folder = Folder::new("recovery");
    let (mut wal, mut files) = open(&folder.0, &mut |_| {});
    let body = vec![7; 160 * 100];
    for index in 0..MANY / 100 {
        wal.append(&entry(index + 1, &body), Importance::Message).unwrap();
        if index % 100 == 0 {
            files.carry_out_all(&mut wal).unwrap();
        }
    }
    files.carry_out_all(&mut wal).unwrap();
    drop((wal, files));
    group.bench_function("a log of 1 M messages of 128 B, 100 an entry", |bencher| {
        bencher.iter(|| {
            let mut bytes = 0;
            let opened = open(&folder.0, &mut |entry| bytes += entry.body.len());
            assert_eq!(bytes as u64, MANY * 160);
            opened
        });
    });
    for (name, subjects) in [("100", 100), ("100,000", 100_000)] {
        let folder = Folder::new("segments");
        let mut messages = open_messages(&folder);
        for sequence in 1..=MANY {
            messages.append(message(sequence, subjects)).unwrap();
        }
        checkpoint(&mut messages, 1);
        group.bench_function(
            format!("1 M messages of {name} subjects, checkpointed"),
            |bencher| {
                bencher.iter(|| open_messages(&folder));
            },
        );
        std::fs::remove_file(folder.0.join("subjects")).unwrap();
        group.bench_function(
            format!("1 M messages of {name} subjects, without an index"),
            |bencher| {
                bencher.iter(|| open_messages(&folder));
            },
        );
    }
    group.finish();
}

fn searching(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("searching 1 M messages of 100,000 subjects");
    let folder = Folder::new("searching");
    let mut messages = open_messages(&folder);
    for sequence in 1..=MANY {
        messages.append(message(sequence, 100_000)).unwrap();
    }
    checkpoint(&mut messages, 1);
    for filter in ["ev.7.42.3", "ev.7.>", "ev.*.42.*", "ev.>"] {
        let filters = vec![Bytes::from_static(filter.as_bytes())];
        for (name, from) in [
            ("all", 1),
            ("from the middle", MANY / 2),
            ("from 90 %", MANY / 10 * 9),
        ] {
            group.bench_function(format!("count of {filter}, {name}"), |bencher| {
                bencher.iter(|| {
                    let mut count = Count::new(filters.clone(), from);
                    ask(&mut messages, |messages| messages.count(black_box(&mut count)))
                });
            });
        }
        let mut cursor = Cursor::new(filters, 1);
        group.bench_function(format!("next of {filter}"), |bencher| {
            bencher.iter(
                || match ask(&mut messages, |messages| messages.next(&mut cursor)) {
                    Some(found) => cursor.seek(found + 1),
                    None => cursor.seek(1),
                },
            );
        });
    }
    let literals = (0..10)
        .map(|number| Bytes::from(format!("ev.{number}.42.3")))
        .collect();
    let mut cursor = Cursor::new(literals, 1);
    group.bench_function("next of 10 literals", |bencher| {
        bencher.iter(
            || match ask(&mut messages, |messages| messages.next(&mut cursor)) {
                Some(found) => cursor.seek(found + 1),
                None => cursor.seek(1),
            },
        );
    });
    let mut sequence = 0;
    group.bench_function("a message, one after the other", |bencher| {
        bencher.iter(|| {
            sequence = sequence % MANY + 1;
            ask(&mut messages, |messages| messages.get(sequence))
        });
    });
    group.finish();
}

criterion_group!(benches, durable, keeping, opening, searching);
criterion_main!(benches);
