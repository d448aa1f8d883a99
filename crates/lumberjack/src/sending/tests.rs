use super::*;
use crate::framing::{Framer, Limits};
use crate::receiver::Receiver;
use crate::{FrameError, Version};
use bytes::BytesMut;

#[test]
fn what_is_sent_is_received() -> Result<(), FrameError> {
    for is_compressed in [false, true] {
        let mut events = Vec::new();
        append_event(1, br#"{"n":1}"#, &mut events);
        append_event(2, br#"{"n":2}"#, &mut events);
        let mut input = BytesMut::from(&*window(2, &events, is_compressed));
        let (mut framer, mut receiver) = (
            Framer::new(Limits {
                frame: 100,
                unpacked: 100,
            }),
            Receiver::default(),
        );
        let mut received = None;
        while let Some(frame) = framer.take(&mut input)? {
            received = receiver.take(frame).unwrap();
        }
        let received = received.unwrap();
        assert_eq!(received.json, [&br#"{"n":1}"#[..], br#"{"n":2}"#]);
        let mut reply = BytesMut::from(&received.reply.unwrap()[..]);
        let reply = framer.take(&mut reply)?.unwrap();
        assert_eq!(Window::new(2).take(&reply), Ok(Told::Arrived));
    }
    Ok(())
}

#[test]
fn a_window_arrives_bit_by_bit() {
    let mut window = Window::new(5);
    let acknowledged = |sequence| Frame::Acknowledged(Version::Two, sequence);
    for sequence in [0, 3, 1, 4] {
        assert_eq!(window.take(&acknowledged(sequence)), Ok(Told::Progress));
    }
    assert_eq!(window.take(&acknowledged(6)), Err(BadAnswer::NotSent(6, 5)));
    assert_eq!(window.take(&acknowledged(5)), Ok(Told::Arrived));
    let other = Frame::Window(Version::Two, 1);
    assert_eq!(window.take(&other), Err(BadAnswer::NoAcknowledgement));
}
