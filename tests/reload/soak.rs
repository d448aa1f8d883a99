//! Reloads under traffic: nothing is lost, nothing comes twice, nothing is left behind.
//!
//! `VAGUS_SOAK_SECONDS=600` makes it go on for that long, with a reload a second; otherwise it makes a few at once.

use crate::file::Configured;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use vagus_test_support::Client;

const LOGIN: &str = r#"{"verbose":false,"user":"app","pass":"p"}"#;

/// Reloads where nobody says how long.
const FEW: u64 = 10;

/// Messages that are under way at one time.
const BATCH: u64 = 100;

/// Everything that can change changes with every round; `app` may do what it does in each.
fn text(round: u64) -> String {
    format!(
        "max_payload: {}\nmax_pending: {}\nping_interval: \"{}s\"\nmax_connections: {}\n\
         authorization {{ users: [\n\
         {{user: app, password: p, permissions: {{subscribe: {{allow: \">\", deny: \"load.secret.{round}\"}}}}}}\n\
         {{user: other{round}, password: p}}\n] }}\n",
        1_000_000 + round,
        64_000_000 + round,
        30 + round % 7,
        100 + round % 5,
    )
}

/// Publishes numbers, and sees each arrive once and in order, until told to stop; says how many there were.
fn converse(mut publisher: Client, mut subscriber: Client, stop: &AtomicBool) -> u64 {
    let mut sent = 0;
    while !stop.load(Ordering::Relaxed) {
        for number in sent..sent + BATCH {
            publisher.publish("load.numbers", number.to_string().as_bytes());
        }
        for number in sent..sent + BATCH {
            let message = subscriber.message();
            assert_eq!(String::from_utf8_lossy(&message.payload), number.to_string());
        }
        sent += BATCH;
    }
    subscriber.sync_silent();
    publisher.sync_silent();
    sent
}

/// What the process holds: descriptors, threads, and memory in KiB.
fn holds(pid: u32) -> (usize, u64, u64) {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let field = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    };
    let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count();
    (descriptors, field("Threads:"), field("VmRSS:"))
}

#[test]
fn under_traffic() {
    let seconds = std::env::var("VAGUS_SOAK_SECONDS")
        .ok()
        .and_then(|text| text.parse().ok());
    let mut server = Configured::start(&text(0));
    let mut client = || {
        let mut client = server.client().connect(LOGIN);
        client.sync_silent();
        client
    };
    let (mut plain, mut member) = (client(), client());
    plain.subscribe("load.>", "1");
    member.join("load.numbers", "workers", "1");
    let stop = Arc::new(AtomicBool::new(false));
    let traffic = {
        let (publisher, stop) = (client(), stop.clone());
        thread::spawn(move || converse(publisher, plain, &stop))
    };
    let worker = {
        let stop = stop.clone();
        thread::spawn(move || {
            let mut taken = 0;
            while !stop.load(Ordering::Relaxed) {
                member.message();
                taken += 1;
            }
            (member, taken)
        })
    };
    // Caches are warm by then.
    for round in 1..=3 {
        assert_eq!(reload(&server, round), Some(0));
    }
    let before = holds(server.process.id());
    let end = Instant::now() + Duration::from_secs(seconds.unwrap_or(0));
    let mut round = 3;
    while round < FEW || Instant::now() < end {
        round += 1;
        assert_eq!(reload(&server, round), Some(0), "round {round}");
        if seconds.is_some() {
            thread::sleep(Duration::from_secs(1));
        }
    }
    stop.store(true, Ordering::Relaxed);
    let sent = traffic.join().unwrap();
    let (mut member, mut taken) = {
        // One more message ends its wait, if it waits.
        let mut last = server.client().connect(LOGIN);
        last.publish("load.numbers", b"last");
        last.sync_silent();
        worker.join().unwrap()
    };
    taken += member.sync_messages().len() as u64;
    assert_eq!(taken, sent + 1, "a queue member got each message once");
    assert!(sent > 0);
    drop(member);
    let (descriptors, threads, memory) = holds(server.process.id());
    assert!(
        descriptors <= before.0 + 1,
        "{descriptors} descriptors after {}",
        before.0
    );
    assert!(threads <= before.1, "{threads} threads after {}", before.1);
    // Versions to go back to are kept, and no more than so many.
    assert!(memory < before.2 + 32 * 1024, "{memory} KiB after {}", before.2);
}

/// The exit status of the command, which waits until it is done.
fn reload(server: &Configured, round: u64) -> Option<i32> {
    server.write(&text(round));
    server.command().0
}
