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

/// Messages on one subject after another are read ahead; those that repeat a control line among them are not looked at.
#[test]
fn messages_that_are_read_ahead_are_published_once_and_in_order() {
    let (mut input, mut published) = (String::new(), Vec::new());
    for number in 0..300 {
        let subject = ["a", "b", "b", "b", "c", "c", "d.e"][number % 7];
        input += &format!("PUB {subject} 3\r\n{number:03}\r\n");
        published.push(format!("{subject} {number:03}"));
    }
    let again = |line: &str| {
        let rest = line.strip_prefix("again ")?;
        Some(rest.to_owned())
    };
    for messages_a_turn in [usize::MAX, 7, 2] {
        let mut peer = narrow(messages_a_turn);
        peer.say(&input);
        let text = std::mem::take(&mut peer.recorder.text);
        let mut seen = Vec::new();
        for line in text.lines() {
            match (line.strip_prefix("publish "), again(line)) {
                (Some(message), _) => seen.push(message.to_owned()),
                (None, Some(frames)) => {
                    let subject = seen.last().unwrap().split_once(' ').unwrap().0.to_owned();
                    let bodies = frames
                        .split("\\r\\n")
                        .filter(|part| part.len() == 3 && part.bytes().all(|byte| byte.is_ascii_digit()));
                    seen.extend(bodies.map(|body| format!("{subject} {body}")));
                }
                (None, None) => assert_eq!(line, "others have their turn"),
            }
        }
        assert_eq!(seen, published, "{messages_a_turn}");
    }
}

/// What is read ahead goes by what held when it was read only as far as nothing else comes between.
#[test]
fn what_comes_between_messages_that_are_read_ahead_holds_for_those_behind_it() {
    let mut peer = Peer::new(Limits::default(), Credentials::Open);
    peer.say(QUIET).did("");
    peer.say(
        "PUB a 1\r\nx\r\nPUB b 1\r\ny\r\nSUB c 1\r\nPUB c 1\r\nz\r\nPUB d 1\r\nw\r\n\
         CONNECT {\"verbose\":true,\"headers\":true}\r\nHPUB e 12 13\r\nNATS/1.0\r\n\r\nv\r\nPUB f 0\r\n\r\n",
    )
    .did(
        "publish a x
         publish b y
         subscribe 1 to c
         publish c z
         publish d w
         unsubscribe all
         headers
         < +OK
         < +OK
         publish e NATS/1.0\\r\\n\\r\\nv
         < +OK
         publish f",
    );
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
