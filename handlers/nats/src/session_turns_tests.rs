use super::*;

/// A client whose turns have room for so many messages.
fn narrow(messages_a_turn: usize) -> Peer {
    let mut peer = Peer::new(Limits::default(), Credentials::Open);
    peer.say(QUIET).did("");
    peer.recorder.messages_a_turn = messages_a_turn;
    peer.recorder.messages_left = messages_a_turn;
    peer
}

#[test]
fn a_turn_that_is_spent_ends_before_the_next_operation() {
    narrow(2)
        .say("PUB a 1\r\nx\r\nPUB a 1\r\ny\r\nPUB a 1\r\nz\r\nPING\r\n")
        .did(
            "publish a x
             again 1\\r\\ny\\r\\n 1
             others have their turn
             publish a z
             < PONG",
        );
    for (next, expected) in [
        ("PING", "< PONG"),
        ("SUB b 1", "subscribe 1 to b"),
        ("PUB b 0\r\n", "publish b"),
        (
            "nonsense",
            "< -ERR 'Unknown Protocol Operation'\nclose: Protocol Violation",
        ),
    ] {
        narrow(1)
            .say(&format!("PUB a 1\r\nx\r\n{next}\r\n"))
            .did(&format!("publish a x\nothers have their turn\n{expected}"));
    }
}

#[test]
fn a_turn_that_is_spent_with_its_input_has_nothing_to_come_back_to() {
    let mut peer = narrow(1);
    let input = b"PUB a 1\r\nx\r\nPUB a 1\r\ny";
    let progress = peer.session.receive(input, &mut peer.recorder);
    let begun = Progress::Taken {
        consumed: 12,
        frame_length: 12,
    };
    assert_eq!(progress, begun);
}
