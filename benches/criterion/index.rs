//! What the index and the caches cost: resolving, subscribing, looking up.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use vagus_protocol::message;
use vagus_routing::{
    AccountId, Destination, Encoder, Fanout, FanoutCache, Index, Outlet, QueueGroup, Subscription, Versions,
};

const MANY: usize = 100_000;

/// As in the server, a destination is an `Arc`.
#[derive(Clone)]
struct Peer(Arc<u64>);

impl Destination for Peer {
    fn connection_id(&self) -> u64 {
        *self.0
    }

    fn accepts_headers(&self) -> bool {
        true
    }
}

/// As in the server, for clients.
struct Lines;

impl Encoder for Lines {
    fn start_length(&self, _: Outlet, subject: usize, sid: usize) -> usize {
        message::prefix_len(subject, sid)
    }

    fn write_start(&self, _: Outlet, subject: &[u8], sid: &[u8], write: &mut impl FnMut(&[u8])) -> u8 {
        message::write_prefix(subject, sid, write);
        message::SUBJECT_AT
    }
}

const ACCOUNT: AccountId = AccountId(0);

fn resolved(index: &Index<Peer>, subject: &[u8]) -> Fanout<Peer> {
    index.matches(subject).into_fanout(ACCOUNT, subject, &Lines)
}

fn subscription(subject: &str, queue: Option<&str>, sid: usize, id: usize) -> Arc<Subscription<Peer>> {
    let (queue, sid) = (queue.map(str::as_bytes), sid.to_string());
    Arc::new(Subscription::new(
        subject.as_bytes(),
        queue,
        sid.as_bytes(),
        Peer(Arc::new(id as u64)),
    ))
}

fn index_of(subjects: impl Iterator<Item = String>) -> Index<Peer> {
    let mut index = Index::new();
    for (number, subject) in subjects.enumerate() {
        index.insert(subscription(&subject, None, number, number % 64));
    }
    index
}

/// Numbers below 100,000 in an order without a pattern, the same in every run.
fn shuffled() -> impl FnMut() -> usize {
    let mut random = fastrand::Rng::with_seed(1);
    move || random.usize(..MANY)
}

fn resolve(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("resolve");
    let one = index_of(["hot.subject".to_string()].into_iter());
    group.bench_function("one literal", |bencher| {
        bencher.iter(|| resolved(&one, black_box(b"hot.subject")))
    });
    group.bench_function("nobody", |bencher| {
        bencher.iter(|| resolved(&one, black_box(b"cold.subject")))
    });

    let subjects: Vec<_> = (0..MANY)
        .map(|number| format!("orders.{number}.created"))
        .collect();
    let literals = index_of(subjects.iter().cloned());
    let mut next = shuffled();
    group.bench_function("random of 100000 literals", |bencher| {
        bencher.iter(|| resolved(&literals, subjects[next()].as_bytes()));
    });
    let wildcards = index_of((0..MANY).map(|number| format!("orders.{number}.*")));
    group.bench_function("random among 100000 wildcards", |bencher| {
        bencher.iter(|| resolved(&wildcards, subjects[next()].as_bytes()));
    });
    group.bench_function("random among 100000 wildcards, match only", |bencher| {
        bencher.iter(|| wildcards.has_interest(subjects[next()].as_bytes()));
    });
    let mixed = index_of((0..MANY).map(|number| match number % 4 {
        0 => format!("orders.{number}.*"),
        1 => format!("orders.*.created.{number}"),
        2 => format!("orders.{number}.>"),
        _ => format!("*.{number}.created"),
    }));
    group.bench_function("random among 100000 wildcards of four shapes", |bencher| {
        bencher.iter(|| resolved(&mixed, subjects[next()].as_bytes()));
    });

    let mut members = QueueGroup::new();
    for id in 0..100 {
        members.join(subscription("orders.>", Some("workers"), 1, id));
    }
    let mut queue = Index::new();
    queue.set_group(b"orders.>", b"workers", members.members());
    group.bench_function("queue of 100", |bencher| {
        bencher.iter(|| resolved(&queue, black_box(b"orders.1.created")));
    });
    group.finish();
}

fn fan_out(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("resolve a fan-out of 1000");
    group.throughput(Throughput::Elements(1000));
    let fill = |sid: fn(usize) -> usize, connection: fn(usize) -> usize| {
        let mut index = Index::new();
        for number in 0..1000 {
            index.insert(subscription("hot", None, sid(number), connection(number)));
        }
        index
    };
    let equal = fill(|_| 1, |number| number);
    group.bench_function("equal sids", |bencher| {
        bencher.iter(|| resolved(&equal, black_box(b"hot")))
    });
    let distinct = fill(|number| number, |number| number);
    group.bench_function("distinct sids", |bencher| {
        bencher.iter(|| resolved(&distinct, black_box(b"hot")))
    });
    let few = fill(|number| number, |number| number % 8);
    group.bench_function("8 connections", |bencher| {
        bencher.iter(|| resolved(&few, black_box(b"hot")))
    });
    group.finish();
}

fn subscribe(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("subscribe and unsubscribe");
    for (name, others, subject) in [
        ("literal", "orders.{}.created", "inbox.x1"),
        ("wildcard", "orders.{}.*", "orders.x1.*"),
        (
            "inbox wildcard",
            "_INBOX.{}ABCDEFGHIJKLMNOP.*",
            "_INBOX.wAbCdEfGhIjKlMnOpQrStU.*",
        ),
        ("one more of a popular subject", "popular", "popular"),
    ] {
        let mut index = index_of((0..MANY).map(|number| others.replace("{}", &number.to_string())));
        group.bench_function(format!("{name} among 100000"), |bencher| {
            bencher.iter(|| {
                let it = subscription(subject, None, 1, 1);
                index.insert(Arc::clone(&it));
                index.remove(&it)
            });
        });
    }
    group.sample_size(10);
    let all: Vec<_> = (0..MANY).map(|id| subscription("popular", None, 1, id)).collect();
    group.throughput(Throughput::Elements(MANY as u64));
    group.bench_function("100000 join and leave one subject", |bencher| {
        bencher.iter_batched_ref(
            Index::new,
            |index| {
                for it in &all {
                    index.insert(Arc::clone(it));
                }
                for it in &all {
                    index.remove(it);
                }
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

fn look_up(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("look up");
    let versions = Versions::new();
    let subjects: Vec<_> = (0..MANY)
        .map(|number| format!("orders.{number}.created"))
        .collect();
    let index = index_of(subjects.iter().cloned());
    let mut cache = FanoutCache::default();
    for subject in &subjects {
        let version = versions.current(subject.as_bytes());
        let fanout = Arc::new(resolved(&index, subject.as_bytes()));
        if let Err(missing) = cache.get(ACCOUNT, subject.as_bytes(), version) {
            // What is asked for once is not kept.
            let _ = cache
                .insert(missing, &fanout, version)
                .or_else(|| cache.insert(missing, &fanout, version));
        }
    }
    group.bench_function("version", |bencher| {
        bencher.iter(|| versions.current(black_box(b"orders.17.created")));
    });
    group.bench_function("version and cached, same subject", |bencher| {
        bencher.iter(|| {
            let subject = black_box(b"orders.17.created");
            cache.get(ACCOUNT, subject, versions.current(subject)).is_ok()
        });
    });
    let mut next = shuffled();
    group.bench_function("version and cached, random of 100000", |bencher| {
        bencher.iter(|| {
            let subject = subjects[next()].as_bytes();
            let slot = cache.get(ACCOUNT, subject, versions.current(subject)).ok()?;
            cache.fanout(slot).map(|fanout| fanout.singles().len())
        });
    });
    group.finish();
}

criterion_group!(benches, resolve, fan_out, subscribe, look_up);
criterion_main!(benches);
