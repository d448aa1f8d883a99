use super::super::batch::Batch;
use super::{BLOCK, Backlog, KEPT_CAPACITY};
use bytes::Bytes;

/// What an allocation costs an allocator besides, in bytes.
const ALLOCATION: usize = 16;

/// How much memory it takes, all in all; it is gone then.
fn footprint(mut backlog: Backlog) -> usize {
    let queue = backlog.chunks.capacity() * size_of::<Bytes>();
    let block = backlog.block.capacity();
    let chunks: usize = std::mem::take(&mut backlog.chunks)
        .into_iter()
        .map(|chunk| {
            let room = chunk.try_into_mut().expect("nobody else has it").capacity();
            room + ALLOCATION
        })
        .sum();
    queue + block + chunks
}

fn length(backlog: &Backlog) -> usize {
    backlog.chunks.iter().map(Bytes::len).sum::<usize>() + backlog.block.len() - backlog.offset
}

fn chunk(length: usize) -> Bytes {
    Bytes::copy_from_slice(&vec![b'x'; length])
}

/// As much of the batch as that is written.
fn write(batch: &mut Batch, count: usize) {
    batch.advance(count);
}

fn text(batch: Batch) -> String {
    let (chunks, offset, _) = { batch }.rest();
    let bytes: Vec<u8> = chunks.iter().flat_map(|chunk| chunk.to_vec()).collect();
    String::from_utf8(bytes[offset..].to_vec()).unwrap()
}

#[test]
fn what_waits_takes_little_more_memory_than_it_is_long() {
    let lengths: [&[usize]; 9] = [
        &[1],
        &[14],
        &[14, 1024],
        &[14, 14, 1024],
        &[1023],
        &[1023, 1024],
        &[600, 600, 1100],
        &[2048],
        &[100, 5000, 100, 100, 70_000],
    ];
    for lengths in lengths {
        let mut backlog = Backlog::default();
        let mut pushed = 0;
        for length in lengths.iter().cycle() {
            backlog.push(chunk(*length));
            pushed += length;
            if pushed > 4 * 1024 * 1024 {
                break;
            }
        }
        assert_eq!(length(&backlog), pushed);
        let takes = footprint(backlog);
        assert!(
            takes <= pushed + pushed * 3 / 10 + BLOCK,
            "{lengths:?}: {pushed} bytes take {takes}"
        );
    }
}

/// Each time a peer takes a little, what is put together goes to the socket and comes back.
#[test]
fn what_comes_back_takes_little_more_as_well() {
    for (more, meanwhile, taken) in [
        (14, 0, 1),
        (14, 14, 1),
        (300, 20, 100),
        (20, 1024, 5),
        (1500, 900, 500),
    ] {
        let mut backlog = Backlog::default();
        for _ in 0..2_000 {
            backlog.push(chunk(more));
            backlog.push(chunk(more));
            let mut batch = backlog.take();
            for length in [meanwhile; 2] {
                if length > 0 {
                    backlog.push(chunk(length));
                }
            }
            write(&mut batch, taken);
            backlog.put_back(&mut batch);
        }
        let waits = length(&backlog);
        assert_eq!(waits, 2_000 * (2 * more + 2 * meanwhile - taken));
        let takes = footprint(backlog);
        assert!(
            takes <= waits + waits * 3 / 10 + BLOCK,
            "{more} and {meanwhile} less {taken}: {waits} bytes take {takes}"
        );
    }
}

#[test]
fn the_bytes_stay_in_order_wherever_a_write_ends() {
    let mut backlog = Backlog::default();
    let mut expected = String::new();
    let mut written = String::new();
    for number in 0..500 {
        let piece = format!("{number} ").repeat(1 + number * 7 % 400);
        expected += &piece;
        backlog.push(Bytes::copy_from_slice(piece.as_bytes()));
        if number % 3 == 0 {
            let mut batch = backlog.take();
            let meanwhile = format!("{number}, ");
            expected += &meanwhile;
            backlog.push(Bytes::copy_from_slice(meanwhile.as_bytes()));
            let count = (number * 13).min(expected.len() - written.len() - meanwhile.len());
            written += &expected[written.len()..written.len() + count];
            write(&mut batch, count);
            backlog.put_back(&mut batch);
        }
    }
    assert_eq!(written + &text(backlog.take()), expected);
}

/// A chunk that is alone goes to the socket as it is, and one that is large always.
#[test]
fn nothing_is_copied_without_need() {
    let mut backlog = Backlog::default();
    let chunks = [chunk(14), chunk(70_000), chunk(1024), chunk(14)];
    for chunk in &chunks {
        backlog.push(chunk.clone());
    }
    let (taken, ..) = backlog.take().rest();
    assert_eq!(taken.len(), chunks.len());
    for (taken, chunk) in taken.iter().zip(&chunks) {
        assert_eq!(taken.as_ptr(), chunk.as_ptr());
    }
}

#[test]
fn a_burst_leaves_no_room_behind() {
    let mut backlog = Backlog::default();
    for _ in 0..10_000 {
        backlog.push(chunk(1024));
    }
    let mut batch = backlog.take();
    write(&mut batch, 9_990 * 1024);
    backlog.put_back(&mut batch);
    assert!(backlog.chunks.capacity() <= 32);
    let mut batch = backlog.take();
    write(&mut batch, 10 * 1024);
    backlog.keep_room(&mut batch);
    assert!(backlog.is_empty());
    assert!(backlog.chunks.capacity() <= KEPT_CAPACITY);
    assert_eq!(backlog.block.capacity(), 0);
}

#[test]
fn it_is_given_up_piece_by_piece() {
    let mut backlog = Backlog::default();
    for _ in 0..100 {
        backlog.push(chunk(1024));
        backlog.push(chunk(10));
    }
    let mut pieces = Vec::new();
    loop {
        let given_up = backlog.give_up(50, 20 * 1024);
        if given_up.is_empty() {
            break;
        }
        pieces.push(given_up.len());
    }
    assert!(pieces.iter().all(|piece| *piece <= 50), "{pieces:?}");
    assert_eq!(pieces.iter().sum::<usize>(), 200);
    assert!(backlog.is_empty());
}
