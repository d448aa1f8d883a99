use super::*;

fn window(count: u32) -> Frame {
    Frame::Window(Version::Two, count)
}

fn event(sequence: u32, length: usize) -> Frame {
    Frame::Event {
        version: Version::Two,
        sequence,
        json: vec![b'x'; length].into(),
    }
}

#[test]
fn a_window_is_acknowledged_as_a_whole() {
    let mut receiver = Receiver::default();
    assert_eq!(receiver.take(window(3)), Ok(None));
    assert_eq!(receiver.take(event(7, 1)), Ok(None));
    assert_eq!(receiver.take(event(8, 1)), Ok(None));
    let events = receiver.take(event(9, 1)).unwrap().unwrap();
    assert_eq!(events.json.len(), 3);
    assert_eq!(events.reply.as_ref(), Some(b"2A\0\0\0\x09"));
    assert_eq!(receiver.take(window(1)), Ok(None));
    let events = receiver.take(event(1, 1)).unwrap().unwrap();
    assert_eq!((events.json.len(), events.reply.is_some()), (1, true));
}

#[test]
fn a_large_window_comes_in_parts() {
    let mut receiver = Receiver::default();
    assert_eq!(receiver.take(window(2_500)), Ok(None));
    let parts: Vec<Events> = (1..=2_500)
        .filter_map(|sequence| receiver.take(event(sequence, 1)).unwrap())
        .collect();
    let sizes: Vec<usize> = parts.iter().map(|part| part.json.len()).collect();
    assert_eq!(sizes, [1024, 1024, 452]);
    let replies: Vec<bool> = parts.iter().map(|part| part.reply.is_some()).collect();
    assert_eq!(replies, [false, false, true]);
    assert_eq!(receiver.take(window(3)), Ok(None));
    assert!(receiver.take(event(1, 1 << 20)).unwrap().is_some(), "it is large");
}

#[test]
fn what_is_out_of_turn_ends_it() {
    let mut receiver = Receiver::default();
    assert_eq!(receiver.take(event(1, 1)), Err(OutOfTurn::NoWindow));
    assert_eq!(receiver.take(window(2)), Ok(None));
    assert_eq!(receiver.take(window(2)), Err(OutOfTurn::WithinAnother));
    let acknowledged = Frame::Acknowledged(Version::Two, 1);
    assert_eq!(receiver.take(acknowledged), Err(OutOfTurn::Acknowledged));
}

#[test]
fn a_peer_is_kept_waiting_in_its_own_language() {
    let mut receiver = Receiver::default();
    assert_eq!(&receiver.keep_alive(), b"2A\0\0\0\0");
    receiver.take(Frame::Window(Version::One, 1)).unwrap();
    assert_eq!(&receiver.keep_alive(), b"1A\0\0\0\0");
}
