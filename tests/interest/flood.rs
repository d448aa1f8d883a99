//! One connection that subscribes and unsubscribes without end costs the others nothing but a share of time.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use vagus_test_support::{Client, server};

#[test]
fn a_flood_of_subscriptions_does_not_stop_others() {
    let server = server().arbiters(2).start();
    let flooders = [0, 1].map(|arbiter| server.connected_on(arbiter));
    let mut ping_pong = [0, 1].map(|arbiter| server.connected_on(arbiter));
    let done = AtomicBool::new(false);
    let flooded = AtomicBool::new(false);
    thread::scope(|scope| {
        for (number, flooder) in flooders.into_iter().enumerate() {
            let (done, flooded) = (&done, &flooded);
            scope.spawn(move || flood(flooder, number, done, flooded));
        }
        let _finally = Finally(&done);
        let mut rounds = 0;
        while rounds < 15 || !flooded.load(Ordering::Relaxed) {
            rounds += 1;
            for (number, client) in ping_pong.iter_mut().enumerate() {
                // Its own interest comes into force as well.
                let subject = format!("mine.{number}.{rounds}");
                client.send(&format!(
                    "SUB {subject} {rounds}\r\nPUB {subject} 2\r\nhi\r\nPING"
                ));
                client.expect(&format!("MSG {subject} {rounds} 2\r\nhi\r\nPONG"));
            }
        }
    });
    drop(ping_pong);
    server.expect_nothing_left();
}

/// Whether the test ends or fails, the flood does.
struct Finally<'a>(&'a AtomicBool);

impl Drop for Finally<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Subscribes to 20,000 subjects, ends it all, and begins anew.
fn flood(client: Client, number: usize, done: &AtomicBool, flooded: &AtomicBool) {
    let (_reader, mut writer) = client.split();
    let mut lines = String::new();
    for sid in 0..20_000 {
        lines.push_str(&format!("SUB flood.{number}.{sid}.* {sid}\r\n"));
    }
    for sid in 0..20_000 {
        lines.push_str(&format!("UNSUB {sid}\r\n"));
    }
    while !done.load(Ordering::Relaxed) {
        for part in lines.as_bytes().chunks(64 * 1024) {
            writer.send_bytes(part);
            if done.load(Ordering::Relaxed) {
                break;
            }
        }
        flooded.store(true, Ordering::Relaxed);
    }
}
