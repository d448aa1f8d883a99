//! What is said is what is said without WebSocket, however it is cut into frames.

use crate::client::{CLOSE, CONNECT, PING, PONG, WebSocketClient, masked, serving};
use vagus_test_support::TestServer;

fn server() -> TestServer {
    serving("", "")
}

#[test]
fn a_session_is_that_of_any_client() {
    let server = server();
    let mut browser = WebSocketClient::connected(&server);
    let mut other = server.connected();
    browser.send("SUB to.browser 7\r\nPING\r\n");
    browser.expect("PONG\r\n");
    other.subscribe("to.other", "1");
    other.sync_silent();
    browser.send("PUB to.other 5\r\nhello\r\nHPUB to.other 18 20\r\nNATS/1.0\r\nA: b\r\n\r\nhi\r\nPING\r\n");
    other.expect("MSG to.other 1 5\r\nhello");
    other.expect("HMSG to.other 1 18 20\r\nNATS/1.0\r\nA: b\r\n\r\nhi");
    browser.expect("PONG\r\n");
    other.send("PUB to.browser reply 4\r\nback");
    browser.expect("MSG to.browser 7 reply 4\r\nback\r\n");
    drop((browser, other));
    server.expect_nothing_left();
}

#[test]
fn frames_may_be_cut_anywhere() {
    let server = server();
    let mut client = WebSocketClient::connected(&server);
    let text = b"SUB a 1\r\nPUB a 5\r\nhello\r\nPING\r\n";
    let expected = "MSG a 1 5\r\nhello\r\nPONG\r\nUNSUB";
    let expected = expected.trim_end_matches("UNSUB");
    for cut in 1..text.len() {
        // As messages, as parts of one, and as text.
        client.write(&[masked(0x82, &text[..cut]), masked(0x82, &text[cut..])].concat());
        client.expect(expected);
        client.write(&masked(0x02, &text[..cut]));
        client.write(&masked(0x80, &text[cut..]));
        client.expect(expected);
    }
    client.write(&masked(0x81, text));
    client.expect(expected);
    // And the frame itself.
    let frame = masked(0x82, text);
    for cut in 1..frame.len() {
        client.write(&frame[..cut]);
        client.write(&frame[cut..]);
        client.expect(expected);
    }
    for byte in frame {
        client.write(&[byte]);
    }
    client.expect(expected);
}

/// Within one frame, over frames of any size, and with others between.
#[test]
fn messages_may_be_large() {
    let server = server();
    let mut client = WebSocketClient::connected(&server);
    client.send("SUB large 1\r\nPING\r\n");
    client.expect("PONG\r\n");
    let mut random = vagus_test_support::Rng::with_seed(7);
    for size in [0, 125, 126, 60_000, 65_535, 65_536, 300_000, 1_048_576] {
        let mut payload = vec![0; size];
        random.fill(&mut payload);
        let line = format!("PUB large {size}\r\n");
        let operation = [line.as_bytes(), &payload, b"\r\nPING\r\n"].concat();
        let line = format!("MSG large 1 {size}\r\n");
        let expected = [line.as_bytes(), &payload, b"\r\nPONG\r\n"].concat();
        for most in [usize::MAX, 100_000, 5_000] {
            let frames: Vec<_> = operation.chunks(most).map(|part| masked(0x82, part)).collect();
            client.write(&frames.concat());
            client.expect_bytes(&expected);
        }
        let middle = masked(0x00, &operation[operation.len() / 3..operation.len() / 2]);
        client.write(&masked(0x02, &operation[..operation.len() / 3]));
        client.write(&[middle, masked(PONG, b"unasked")].concat());
        client.write(&masked(0x80, &operation[operation.len() / 2..]));
        client.expect_bytes(&expected);
    }
}

#[test]
fn many_messages_come_in_one_frame() {
    let server = server();
    let (mut client, mut publisher) = (WebSocketClient::connected(&server), server.connected());
    client.send("SUB many 1\r\nPING\r\n");
    client.expect("PONG\r\n");
    publisher.send_bytes(&b"PUB many 2\r\nhi\r\n".repeat(10_000));
    let (mut frames, mut come) = (0, 0);
    while come < 10_000 * b"MSG many 1 2\r\nhi\r\n".len() {
        let (first, payload) = client.frame().unwrap();
        assert_eq!(first, 0x82);
        frames += 1;
        come += payload.len();
    }
    assert!(frames < 1000, "{frames} frames");
}

#[test]
fn browsers_get_small_frames() {
    let server = server();
    let agent = ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64)");
    let (mut client, _) = WebSocketClient::informed(&server, &[agent]);
    client.send(CONNECT);
    client.expect("PONG\r\n");
    client.send(&format!(
        "SUB large 1\r\nPUB large 100000\r\n{}\r\n",
        "x".repeat(100_000)
    ));
    let mut come = 0;
    while come < 100_000 {
        let (first, payload) = client.frame().unwrap();
        assert_eq!(first, 0x82);
        assert!(payload.len() <= 4096);
        come += payload.len();
    }
}

#[test]
fn pings_are_answered_in_kind() {
    let server = server();
    let mut client = WebSocketClient::connected(&server);
    for payload in [&b""[..], b"are you there", &[b'x'; 125]] {
        client.write(&masked(PING, payload));
        assert_eq!(client.frame().unwrap(), (PONG, payload.to_vec()));
    }
    // In the middle of a message, and with other things to say.
    let parts = [
        masked(0x02, b"PI"),
        masked(PING, b"1"),
        masked(PING, b"2"),
        masked(0x80, b"NG\r\n"),
    ];
    client.write(&parts.concat());
    assert_eq!(client.frame().unwrap(), (PONG, b"1".to_vec()));
    assert_eq!(client.frame().unwrap(), (PONG, b"2".to_vec()));
    client.expect("PONG\r\n");
}

/// What was said before counts.
#[test]
fn a_client_that_closes_is_answered() {
    let server = server();
    for (payload, expected) in [
        (&b""[..], &b""[..]),
        (b"\x03\xe8bye", b"\x03\xe8bye"),
        (b"\x0f\xa0", b"\x0f\xa0"),
        (b"\x03\xe8\xff", b"\x03\xefinvalid utf8 body in close frame"),
    ] {
        let mut client = WebSocketClient::connected(&server);
        client.write(&[masked(0x82, b"PING\r\n"), masked(CLOSE, payload)].concat());
        let (said, close) = client.closed();
        assert_eq!(said, "PONG\r\n");
        assert_eq!(close.unwrap(), expected);
    }
    server.expect_nothing_left();
}

#[test]
fn a_session_that_ends_says_why() {
    let server = serving("", "max_payload: 100\nmax_control_line: 600");
    let ended = |said: String, status, reason| {
        let mut client = WebSocketClient::connected(&server);
        client.send(&said);
        client.expect_closed(status, reason);
    };
    ended("NONSENSE\r\n".to_owned(), 1002, "Protocol Violation");
    ended(
        "PUB a 101\r\n".to_owned(),
        1009,
        "Maximum Message Payload Exceeded",
    );
    ended(
        format!("SUB {} 1\r\n", "a".repeat(700)),
        1008,
        "Maximum Control Line Exceeded",
    );
    let mut client = WebSocketClient::connected(&server);
    drop(server);
    client.expect_closed(1001, "Server Shutdown");
}
