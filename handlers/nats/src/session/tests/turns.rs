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

#[test]
fn a_message_whose_subject_takes_several_turns_is_taken_once() {
    let resolved = "resolve wide.a
        others have their turn
        resolve wide.a
        others have their turn
        resolve wide.a";
    narrow(9)
        .say("PUB b 1\r\nw\r\nPUB wide.a 1\r\nx\r\nPUB b 1\r\ny\r\nPING\r\n")
        .did(&format!(
            "publish b w\n{resolved}\npublish wide.a x\npublish b y\n< PONG"
        ));
    // What is said about it is said once.
    let mut verbose = Peer::new(Limits::default(), Credentials::Open);
    verbose.say("CONNECT {\"pedantic\":true}\r\n").did("< +OK");
    verbose
        .say("PUB wide.a 1\r\nx\r\n")
        .did(&format!("{resolved}\n< +OK\npublish wide.a x"));
    verbose.say("PUB b.* 1\r\nx\r\n").did(
        "< -ERR 'Invalid Publish Subject'
        < +OK
        publish b.* x",
    );
    // Its own interest is in force before the first part.
    narrow(9)
        .say("SUB c 1\r\nPUB wide.a 1\r\nx\r\n")
        .did(&format!("subscribe 1 to c\n{resolved}\npublish wide.a x"));
}

#[test]
fn a_message_that_is_refused_is_not_resolved() {
    let mut peer = permitted(Permissions {
        publish: Rules {
            allow: list(&["a", "wide.a"]),
            ..Rules::default()
        },
        ..Permissions::default()
    });
    peer.say("PUB wide.b 1\r\nx\r\n")
        .did("< -ERR 'Permissions Violation for Publish to \"wide.b\"'\nwithhold 1");
    peer.say("PUB wide.a _R_.x 1\r\nx\r\n")
        .did("< -ERR 'Permissions Violation for Publish with Reply of \"_R_.x\"'\nwithhold 1");
    peer.say("PUB wide.a 1\r\nx\r\n").did(
        "resolve wide.a
        others have their turn
        resolve wide.a
        others have their turn
        resolve wide.a
        publish wide.a x",
    );
}
