//! However the network cuts it, a message is one message: every frame cut at every byte, and large ones at
//! odd places.

use std::collections::BTreeSet;
use vagus_test_support::{Client, Rng, TestServer, random_bytes, server};

/// Another connection of the same arbiter: when it has its PONG, the server has looked at all its sockets.
struct Fence(Client);

impl Fence {
    fn of(server: &TestServer) -> Self {
        Self(server.connected_on(0))
    }

    fn pass(&mut self) {
        self.0.sync_silent();
    }
}

/// Sends the parts one by one, with a look of the server in between.
fn send_in_parts(
    client: &mut Client,
    bytes: &[u8],
    cuts: impl IntoIterator<Item = usize>,
    fence: &mut Fence,
) {
    let mut from = 0;
    for cut in cuts {
        client.send_bytes(&bytes[from..cut]);
        from = cut;
        fence.pass();
    }
    client.send_bytes(&bytes[from..]);
}

#[test]
fn of_a_frame_at_every_byte() {
    const FRAMES: &str = "SUB a.b 77\r\nPUB a.b answers.here 5\r\nhello\r\nHPUB a.b 12 14\r\nNATS/1.0\r\n\r\nhi\r\n\
                          PUB a.b 0\r\n\r\nPING\r\nSUB c workers 78\r\nUNSUB 77\r\nUNSUB 78 1\r\nPUB c 2\r\nhi\r\n\
                          CONNECT {\"verbose\":false,\"headers\":true}\r\nPING\r\n";
    const ANSWERS: &str = "MSG a.b 77 answers.here 5\r\nhello\r\nHMSG a.b 77 12 14\r\nNATS/1.0\r\n\r\nhi\r\n\
                           MSG a.b 77 0\r\n\r\nPONG\r\nMSG c 78 2\r\nhi\r\nPONG";
    let server = server().start();
    let mut fence = Fence::of(&server);
    let mut client = server.connected();
    for cut in 1..FRAMES.len() {
        send_in_parts(&mut client, FRAMES.as_bytes(), [cut], &mut fence);
        client.expect(ANSWERS);
    }
    send_in_parts(&mut client, FRAMES.as_bytes(), 1..FRAMES.len(), &mut fence);
    client.expect(ANSWERS);
}

/// Sizes around what a read takes and what is carried over, up to the largest; with headers and without; with
/// something behind in the same write.
#[test]
fn of_large_frames() {
    let server = server().start();
    let mut publisher = server.connected();
    let mut subscriber = server.connected();
    subscriber.subscribe("large", "1");
    let mut sizes: Vec<usize> = [1024, 16 * 1024, 64 * 1024, 80 * 1024, 128 * 1024]
        .iter()
        .flat_map(|size| [size - 40, size - 20, size - 1, *size, size + 1])
        .collect();
    sizes.extend([0, 1, 2, 1024 * 1024 - 1, 1024 * 1024]);
    for (number, size) in sizes.into_iter().enumerate() {
        let payload = random_bytes(&mut Rng::with_seed(number as u64), size);
        let frame = [format!("PUB large {size}\r\n").as_bytes(), &payload, b"\r\n"].concat();
        let behind = b"PUB large 6\r\nbehind\r\nPING\r\n";
        publisher.send_bytes(&[frame.as_slice(), behind].concat());
        publisher.expect("PONG");
        let message = subscriber.message();
        assert!(message.payload == payload, "{size} bytes came damaged");
        subscriber.expect("MSG large 1 6\r\nbehind");

        let rest = &payload[..size.saturating_sub(12)];
        let head = format!("HPUB large 12 {}\r\nNATS/1.0\r\n\r\n", rest.len() + 12);
        publisher.send_bytes(&[head.as_bytes(), rest, b"\r\n", behind].concat());
        publisher.expect("PONG");
        let message = subscriber.message();
        assert_eq!(message.headers.as_deref(), Some("NATS/1.0\r\n\r\n"));
        assert!(message.payload == rest, "{size} bytes with headers came damaged");
        subscriber.expect("MSG large 1 6\r\nbehind");
    }
}

/// A stream of small and large frames, cut at random and at the edges of buffers.
#[test]
fn at_odd_places() {
    let server = server().arbiters(2).start();
    let mut fence = Fence::of(&server);
    let mut publisher = server.connected_on(0);
    let mut subscriber = server.connected_on(1);
    subscriber.subscribe("odd.*", "1");
    let lengths = [
        3, 70_000, 0, 16_300, 1, 16_384, 65_536, 5, 200_000, 16_385, 30, 1_048_576, 7,
    ];
    for seed in 0..6 {
        let mut random = Rng::with_seed(seed);
        let mut stream = Vec::new();
        let mut cuts = BTreeSet::new();
        let payloads: Vec<Vec<u8>> = lengths
            .iter()
            .map(|length| random_bytes(&mut random, *length))
            .collect();
        for (number, payload) in payloads.iter().enumerate() {
            let begin = stream.len();
            stream.extend_from_slice(format!("PUB odd.{number} {}\r\n", payload.len()).as_bytes());
            let body = stream.len();
            stream.extend_from_slice(payload);
            stream.extend_from_slice(b"\r\n");
            // Inside the control line, around its end, in the CRLF behind the payload, and somewhere.
            cuts.extend([
                begin + 4,
                body - 1,
                body,
                body + 1,
                stream.len() - 2,
                stream.len() - 1,
            ]);
            cuts.extend((0..3).map(|_| body + random.usize(..payload.len() + 1)));
            cuts.extend([16_383, 16_384, 16_385, 65_535, 65_536, 65_537].map(|offset| begin + offset));
        }
        let cuts = cuts
            .into_iter()
            .filter(|cut| *cut > 0 && *cut < stream.len() && random.usize(..3) > 0);
        send_in_parts(&mut publisher, &stream, cuts.collect::<Vec<_>>(), &mut fence);
        for (number, payload) in payloads.iter().enumerate() {
            let message = subscriber.message();
            assert_eq!(message.subject, format!("odd.{number}"));
            assert!(
                message.payload == *payload,
                "message {number} of round {seed} came damaged"
            );
        }
        subscriber.sync_silent();
    }
}

/// Frames of a length just under and over what a buffer has that was used for another before.
#[test]
fn of_frames_around_powers_of_two() {
    let server = server().start();
    let mut fence = Fence::of(&server);
    let mut client = server.connected_on(0);
    client.subscribe("large", "1");
    for power in 15..20 {
        for length in [
            (1 << power) - 1,
            1 << power,
            (1 << power) + 1,
            (1 << power) + 2,
            1 << power,
        ] {
            let digits = if length > 100_100 { 6 } else { 5 };
            let size = length - "PUB large \r\n\r\n".len() - digits;
            let payload = random_bytes(&mut Rng::with_seed(length as u64), size);
            let frame = [format!("PUB large {size}\r\n").as_bytes(), &payload, b"\r\n"].concat();
            assert_eq!(frame.len(), length);
            send_in_parts(&mut client, &frame, [20], &mut fence);
            assert!(
                client.message().payload == payload,
                "a frame of {length} bytes came damaged"
            );
        }
    }
}
