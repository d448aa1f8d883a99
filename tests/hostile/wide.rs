//! What one peer has delivered by the million takes turns with what everybody else wants.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use vagus_test_support::{Client, server};

/// A reader that only counts.
struct Glutton {
    socket: TcpStream,
    buffer: Vec<u8>,
}

impl Glutton {
    /// Its subscriptions are in force.
    fn subscribed(address: SocketAddr, subscriptions: &str) -> Self {
        let mut socket = TcpStream::connect(address).expect("the server listens");
        let connect = "CONNECT {\"verbose\":false,\"name\":\"glutton\"}\r\n";
        let mut writer = socket.try_clone().expect("a socket has two ends");
        let said = [connect, subscriptions, "PING\r\n"].concat();
        thread::scope(|scope| {
            scope.spawn(move || writer.write_all(said.as_bytes()).expect("the server reads"));
            let mut read = Vec::new();
            let mut buffer = [0; 4096];
            while !read.ends_with(b"PONG\r\n") {
                let count = socket.read(&mut buffer).expect("the server answers");
                read.extend_from_slice(&buffer[..count]);
            }
        });
        Self {
            socket,
            buffer: vec![0; 1 << 20],
        }
    }

    /// Takes so many bytes and no more.
    #[track_caller]
    fn take(&mut self, mut bytes: usize) {
        while bytes > 0 {
            let wanted = bytes.min(self.buffer.len());
            match self.socket.read(&mut self.buffer[..wanted]) {
                Ok(0) | Err(_) => panic!("cut off with {bytes} bytes to come"),
                Ok(count) => bytes -= count,
            }
        }
    }
}

/// How often somebody on the same arbiter gets an answer while everything of one write is delivered to one reader, all of
/// which is expected to arrive.
#[track_caller]
fn rounds_beside(subscriptions: &str, published: &str, delivered: usize) -> usize {
    let server = server().arbiters(1).start();
    let mut glutton = Glutton::subscribed(server.client_address(), subscriptions);
    let mut publisher = server.connected();
    let mut beside = server.connected();
    beside.subscribe("beside", "1");
    let (written, done) = (AtomicBool::new(false), AtomicBool::new(false));
    let mut rounds = 0;
    thread::scope(|scope| {
        scope.spawn(|| {
            glutton.take(delivered);
            done.store(true, Ordering::SeqCst);
        });
        publisher.send_bytes(published.as_bytes());
        written.store(true, Ordering::SeqCst);
        while !done.load(Ordering::SeqCst) {
            exchange(&mut beside);
            rounds += usize::from(!done.load(Ordering::SeqCst));
        }
    });
    publisher.sync_silent();
    assert_eq!(
        server.traffic().messages_in as usize,
        published.matches("PUB").count() + rounds + 1
    );
    drop((publisher, beside, glutton));
    server.expect_nothing_left();
    rounds
}

fn exchange(client: &mut Client) {
    client.send("PUB beside 2\r\nhi");
    client.expect("MSG beside 1 2\r\nhi");
}

/// Subscriptions that all match `a.a…`, however many of its tokens they leave open, below a last token.
fn overlapping(tokens: u32, last: &str) -> String {
    let all = 0..1_usize << tokens;
    all.map(|number| {
        let token = |at| if number >> at & 1 == 0 { "a." } else { "*." };
        let open: String = (0..tokens).map(token).collect();
        format!("SUB {open}{last} {number}\r\n")
    })
    .collect()
}

/// Bytes of an empty message for each of so many subscriptions with sids from 0.
fn delivered(subject: &str, subscriptions: usize) -> usize {
    let sids: usize = (0..subscriptions).map(|sid| sid.to_string().len()).sum();
    sids + subscriptions * format!("MSG {subject}  0\r\n\r\n").len()
}

#[test]
fn many_subjects_that_each_match_thousands_of_subscriptions() {
    const SUBJECTS: usize = 300;
    let begin = "a.".repeat(12);
    let (mut published, mut bytes) = (String::new(), 0);
    for number in 0..SUBJECTS {
        let subject = format!("{begin}n{number}");
        published.push_str(&format!("PUB {subject} 0\r\n\r\n"));
        bytes += delivered(&subject, 1 << 12);
    }
    let rounds = rounds_beside(&overlapping(12, "*"), &published, bytes);
    assert!(rounds >= 10, "{rounds}");
}

#[test]
fn many_subjects_that_each_take_several_turns_to_resolve() {
    const SUBJECTS: usize = 50;
    let server = server().arbiters(1).start();
    let mut owner = server.connected();
    owner.send_bytes(overlapping(15, "z").as_bytes());
    owner.sync_silent();
    let mut publisher = server.connected();
    let mut beside = server.connected();
    beside.subscribe("beside", "1");
    beside.subscribe("done", "2");
    let begin = "a.".repeat(15);
    let mut published: String = (0..SUBJECTS)
        .map(|number| format!("PUB {begin}n{number} 0\r\n\r\n"))
        .collect();
    published.push_str("PUB done 0\r\n\r\n");
    publisher.send_bytes(published.as_bytes());
    let mut rounds = 0;
    loop {
        beside.send("PUB beside 2\r\nhi");
        let first = beside.message();
        if first.subject == "done" {
            break;
        }
        assert_eq!(first.subject, "beside");
        rounds += 1;
    }
    beside.message();
    // Each takes 65,536 nodes and at least four turns, the others theirs between two of them.
    assert!(rounds >= SUBJECTS, "{rounds}");
    publisher.sync_silent();
    owner.sync_silent();
    drop((publisher, beside, owner));
    server.expect_nothing_left();
}

#[test]
fn many_messages_to_one_subject_with_thousands_of_subscriptions() {
    const MESSAGES: usize = 300;
    let subscriptions: String = (0..5_000).map(|sid| format!("SUB x {sid}\r\n")).collect();
    let published = "PUB x 0\r\n\r\n".repeat(MESSAGES);
    let rounds = rounds_beside(&subscriptions, &published, MESSAGES * delivered("x", 5_000));
    assert!(rounds >= 5, "{rounds}");
}

#[test]
fn a_message_that_is_more_than_a_turn_may_do() {
    const MESSAGES: usize = 12;
    let subscriptions: String = (0..80_000).map(|sid| format!("SUB x {sid}\r\n")).collect();
    let published = "PUB x 0\r\n\r\n".repeat(MESSAGES);
    let rounds = rounds_beside(&subscriptions, &published, MESSAGES * delivered("x", 80_000));
    assert!(rounds >= 5, "{rounds}");
}

#[test]
fn a_reader_that_keeps_up_is_not_cut_off_for_having_many_subscriptions() {
    // One read of these is more for the one reader than may wait for it.
    let subscriptions: String = (0..1_000).map(|sid| format!("SUB x {sid}\r\n")).collect();
    let published = format!("PUB x 1024\r\n{}\r\n", "p".repeat(1024)).repeat(60);
    let bytes = 60 * (delivered("x", 1_000) + 1_000 * (1024 + 3));
    let server = server().arbiters(1).max_pending(16 << 20).start();
    let mut glutton = Glutton::subscribed(server.client_address(), &subscriptions);
    let mut publisher = server.connected();
    thread::scope(|scope| {
        scope.spawn(|| glutton.take(bytes));
        publisher.send_bytes(published.as_bytes());
    });
    drop((publisher, glutton));
    server.expect_nothing_left();
}

#[test]
fn one_that_unsubscribes_in_the_middle_gets_nothing_behind_the_answer() {
    let server = server().arbiters(1).start();
    let subscriptions: String = (0..80_000).map(|sid| format!("SUB x {sid}\r\n")).collect();
    let mut glutton = Glutton::subscribed(server.client_address(), &subscriptions);
    let mut publisher = server.connected();
    let each = delivered("x", 80_000);
    thread::scope(|scope| {
        scope.spawn(|| glutton.take(20 * each));
        publisher.send_bytes("PUB x 0\r\n\r\n".repeat(20).as_bytes());
        for round in 0..10 {
            let mut fickle = server.connected();
            fickle.send(&format!("SUB x {round}"));
            fickle.sync();
            fickle.send(&format!("UNSUB {round}"));
            fickle.sync();
            fickle.sync_silent();
        }
    });
    publisher.sync_silent();
}

#[test]
fn a_publisher_that_is_cut_off_stops() {
    // It subscribed to all of it and reads none.
    let server = server().arbiters(1).max_pending(1 << 20).start();
    let mut greedy = server.connected();
    let subscriptions: String = (0..80_000).map(|sid| format!("SUB x {sid}\r\n")).collect();
    greedy.send_bytes(subscriptions.as_bytes());
    greedy.sync_silent();
    greedy.try_send_bytes("PUB x 0\r\n\r\n".repeat(5_000).as_bytes());
    server.expect_to_serve();
    vagus_test_support::eventually(|| server.connections().is_empty());
    let delivered = server.traffic().messages_out;
    assert!(delivered < 80_000 * 100, "{delivered}");
    drop(greedy);
    server.expect_nothing_left();
}

#[test]
fn a_publisher_that_is_to_leave_delivers_what_it_has_published() {
    const MESSAGES: usize = 40;
    let server = server().arbiters(1).max_pending(256 << 20).start();
    let subscriptions: String = (0..80_000).map(|sid| format!("SUB x {sid}\r\n")).collect();
    let mut glutton = Glutton::subscribed(server.client_address(), &subscriptions);
    // Where there is no room any more, who came last has to go.
    let mut publisher = server.connected();
    let mut config = server.reloads().expect("it tells").current.config.clone();
    config.limits.max_connections = 1;
    publisher.send_bytes("PUB x 0\r\n\r\n".repeat(MESSAGES).as_bytes());
    glutton.take(1);
    server.reload(config).expect("it is a limit that can change");
    glutton.take(MESSAGES * delivered("x", 80_000) - 1);
    publisher.expect("-ERR 'maximum connections exceeded'");
    assert_eq!(publisher.closed(), "");
}
