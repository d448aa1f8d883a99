use super::batch::{Batch, Written};
use super::flushing::WRITTEN_BY_OWNER;
use super::{Flushed, GIVEN_UP_AT_ONCE, Outbox, Slots};
use crate::moment::Moment;
use crate::testing::on_an_arbiter;
use bytes::Bytes;
use std::io::Read;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use tokio::net::TcpStream;
use vagus_protocol::error::CloseReason;

const MIB: usize = 1024 * 1024;

/// An outbox whose owner alone writes.
fn outbox(max_pending: usize) -> Outbox {
    Outbox::new(Slots::default().take(), 1, 0, max_pending, None)
}

fn push(outbox: &Outbox, chunk: Bytes) {
    outbox.push(&mut vec![chunk], 1, 0, Moment::default());
}

/// Bytes of which can be seen whether somebody holds them.
struct Held {
    holders: Arc<()>,
    length: usize,
}

struct Owner(Vec<u8>, #[expect(dead_code, reason = "counts")] Arc<()>);

impl AsRef<[u8]> for Owner {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Held {
    fn new(length: usize) -> Self {
        Self {
            holders: Arc::new(()),
            length,
        }
    }

    fn chunk(&self) -> Bytes {
        Bytes::from_owner(Owner(vec![b'x'; self.length], self.holders.clone()))
    }

    fn count(&self) -> usize {
        Arc::strong_count(&self.holders) - 1
    }
}

fn take_all(batch: &mut Batch) -> Vec<Bytes> {
    let mut chunks = Vec::new();
    assert_eq!(batch.take_chunks(usize::MAX, &mut chunks), Written::All);
    chunks
}

/// What an owner without a socket does not take waits on, and counts.
#[test]
fn chunks_are_taken_a_part_at_a_time() {
    let outbox = outbox(MIB);
    for _ in 0..10 {
        push(&outbox, Bytes::from(vec![b'x'; 2_000]));
    }
    let mut left = Vec::new();
    loop {
        let mut chunks = Vec::new();
        let flushed = outbox.flush_with(|batch| batch.take_chunks(5_000, &mut chunks));
        left.push((chunks.len(), outbox.traffic().pending));
        if flushed == Flushed::Done {
            break;
        }
        assert_eq!(flushed, Flushed::Interrupted);
    }
    assert_eq!(left, [(3, 14_000), (3, 8_000), (3, 2_000), (1, 0)]);
}

#[test]
fn small_chunks_that_wait_are_put_together() {
    let outbox = outbox(MIB);
    for _ in 0..10_000 {
        push(&outbox, Bytes::from_static(b"MSG a 1 0\r\n\r\n+"));
    }
    assert_eq!(outbox.traffic().pending, 140_000);
    let mut chunks = 0;
    let flushed = outbox.flush_with(|batch| {
        chunks += take_all(batch).len();
        Written::All
    });
    assert_eq!((flushed, chunks), (Flushed::Done, 9));
    assert_eq!(outbox.traffic().pending, 0);
}

/// The Router, which writes when the owner leaves takes nothing back into an outbox that nobody will look at again.
#[test]
fn nothing_is_held_after_the_end() {
    for written in [Written::All, Written::Some, Written::Enough, Written::Failed] {
        let outbox = outbox(MIB);
        let held = Held::new(2_000);
        push(&outbox, held.chunk());
        push(&outbox, held.chunk());
        let flushed = outbox.flush_with(|batch| {
            batch.advance(500);
            outbox.retire();
            written
        });
        assert_eq!((flushed, held.count()), (Flushed::Closed, 0), "{written:?}");
        push(&outbox, held.chunk());
        assert_eq!((held.count(), outbox.traffic().pending), (0, 0));
    }
}

#[test]
fn what_a_slow_consumer_leaves_is_freed_by_its_owner_in_pieces() {
    let outbox = outbox(MIB);
    let held = Held::new(1024);
    let mut pushed = 0;
    while !outbox.is_closed() {
        push(&outbox, held.chunk());
        pushed += 1;
    }
    assert_eq!(pushed, 1025);
    // The publisher freed none of it, and there is nothing to write.
    assert_eq!((held.count(), outbox.traffic().pending), (pushed, 0));
    assert_eq!(outbox.flush(), Flushed::Closed);
    let mut pieces = 0;
    let mut before = held.count();
    while outbox.give_up() {
        assert!(before - held.count() <= GIVEN_UP_AT_ONCE.0);
        before = held.count();
        pieces += 1;
    }
    assert_eq!((held.count(), pieces), (0, 2));
    assert_eq!(outbox.close_reason(), Some(CloseReason::SlowConsumerPendingBytes));
}

/// What somebody was writing meanwhile is the owner's to free, too.
#[test]
fn what_was_being_written_comes_back_to_be_freed() {
    let outbox = outbox(MIB);
    let held = Held::new(100_000);
    push(&outbox, held.chunk());
    let flushed = outbox.flush_with(|_| {
        while !outbox.is_closed() {
            push(&outbox, held.chunk());
        }
        Written::Some
    });
    assert_eq!((flushed, held.count()), (Flushed::Closed, 11));
    assert_eq!(outbox.traffic().pending, 0);
    while outbox.give_up() {}
    assert_eq!(held.count(), 0);
}

#[test]
fn nobody_writes_for_ever_while_others_bring_more() {
    let outbox = outbox(64 * MIB);
    let brought = vec![b'x'; 10_000];
    push(&outbox, Bytes::copy_from_slice(&brought));
    let mut wrote = 0;
    let flushed = outbox.flush_with(|batch| {
        wrote += take_all(batch).iter().map(Bytes::len).sum::<usize>();
        push(&outbox, Bytes::copy_from_slice(&brought));
        Written::All
    });
    assert_eq!(flushed, Flushed::Interrupted);
    assert_eq!(wrote, WRITTEN_BY_OWNER.next_multiple_of(brought.len()));
    assert_eq!(outbox.traffic().pending, brought.len());
    // The owner is going to write, and nobody else is asked to.
    let pushed = outbox.push(&mut vec![Bytes::from_static(b"x")], 1, 0, Moment::default());
    assert!(!pushed.unattended);
    let flushed = outbox.flush_with(|batch| {
        take_all(batch);
        Written::All
    });
    assert_eq!(flushed, Flushed::Done);
    assert_eq!(outbox.traffic().pending, 0);
}

/// A batch that is long is not written at once either, where the peer takes everything.
#[test]
fn a_writer_that_has_written_enough_leaves_the_rest() {
    let outbox = outbox(64 * MIB);
    for _ in 0..40 {
        push(&outbox, Bytes::from(vec![b'x'; 100_000]));
    }
    let mut calls = 0;
    let flushed = outbox.flush_with(|batch| {
        calls += 1;
        batch.advance(1_050_000);
        Written::Enough
    });
    assert_eq!((flushed, calls), (Flushed::Interrupted, 1));
    assert_eq!(outbox.traffic().pending, 40 * 100_000 - 1_050_000);
}

/// Once the owner alone writes, publishers leave it to the owner; but nobody takes the socket away in the middle.
#[test]
fn a_socket_is_taken_from_publishers_when_nothing_waits() {
    on_an_arbiter(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let near = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        near.writable().await.unwrap();
        let (mut far, _) = listener.accept().unwrap();
        let outbox = Outbox::new(Slots::default().take(), 1, 0, MIB, Some(Arc::new(near)));
        push(&outbox, Bytes::from_static(b"plain"));
        assert!(!outbox.leave_to_owner());
        assert_eq!(outbox.flush(), Flushed::Done);
        assert!(outbox.leave_to_owner());
        push(&outbox, Bytes::from_static(b"layered"));
        assert_eq!(outbox.flush(), Flushed::LeftToOwner);
        let mut chunks = Vec::new();
        outbox.flush_with(|batch| batch.take_chunks(usize::MAX, &mut chunks));
        assert_eq!(chunks, [&b"layered"[..]]);
        outbox.retire();
        drop(outbox);
        let mut come = Vec::new();
        far.read_to_end(&mut come).unwrap();
        assert_eq!(come, b"plain");
    });
}

/// With the counts of its references it fills a size that allocators have; a word more would cost every connection 64 bytes.
#[test]
fn it_fits_its_allocation() {
    assert!(size_of::<Outbox>() + 2 * size_of::<usize>() <= 320);
}
