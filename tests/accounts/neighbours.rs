//! What tenants do costs them, and not each other: what is counted is work, and what arrives.

use crate::world::{World, check, client};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use vagus_monitoring::resident_bytes;
use vagus_test_support::{Client, eventually_equal, server};

/// Whether the test ends or fails, the tenant does.
struct Finally<'a>(&'a AtomicBool);

impl Drop for Finally<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// What somebody publishes and gets who has nothing to do with the tenant: all of it, in order.
fn round_trips(neighbour: &mut Client, count: usize) {
    for number in 0..count {
        let text = number.to_string();
        neighbour.publish("quiet", text.as_bytes());
        neighbour.expect(&format!("MSG quiet 1 {}\r\n{text}", text.len()));
    }
}

/// Runs `tenant` again and again in a thread of its own, until the neighbour has had what it wants and the tenant has been
/// through once. Gives how many fan-outs had to be looked up meanwhile.
fn beside(world: &World, mut tenant: impl FnMut() + Send) -> u64 {
    let mut neighbour = world.client("other");
    neighbour.subscribe("quiet", "1");
    // The first changes of an account's interest make all of its fan-outs stale.
    let first: String = (100..164)
        .map(|sid| format!("SUB past.{sid} {sid}\r\nUNSUB {sid}\r\n"))
        .collect();
    neighbour.send_bytes(first.as_bytes());
    neighbour.sync_silent();
    round_trips(&mut neighbour, 10);
    let resolved = world.traffic().fanouts_resolved;
    let (done, once) = (AtomicBool::new(false), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                tenant();
                once.store(true, Ordering::Relaxed);
            }
        });
        let _finally = Finally(&done);
        while !once.load(Ordering::Relaxed) {
            round_trips(&mut neighbour, 100);
        }
    });
    world.traffic().fanouts_resolved - resolved
}

/// The queue groups and subscriptions of the tenant.
fn shown(world: &World) -> (usize, usize) {
    let router = world.router("$G");
    (router.queue_groups, router.subscriptions)
}

/// Publishers as fast as they can, and a subscriber that never reads: it is cut off, and the neighbour is served.
#[test]
fn a_flood_of_messages() {
    check(|world| {
        let _stuck = {
            let mut stuck = world.client("one");
            stuck.subscribe("flood", "1");
            stuck.sync_silent();
            stuck
        };
        let mut publisher = world.client("one");
        let flood = "PUB flood 1024\r\n".to_owned() + &"x".repeat(1024) + "\r\n";
        let flood = flood.repeat(2_000);
        let resolved = beside(world, || {
            publisher.send_bytes(flood.as_bytes());
            publisher.sync_silent();
        });
        // Those of the tenant: nothing of the neighbour's had to be looked up again.
        assert!(resolved <= 8, "{resolved}");
    });
}

/// What is subscribed to in one account puts no fan-out of another out of date.
#[test]
fn a_flood_of_subscriptions() {
    check(|world| {
        let mut tenant = world.client("one");
        let mut lines: String = (0..20_000)
            .map(|sid| format!("SUB quiet.{sid}.> {sid}\r\nSUB quiet {sid}x\r\n"))
            .collect();
        lines.extend((0..20_000).map(|sid| format!("UNSUB {sid}\r\nUNSUB {sid}x\r\n")));
        let resolved = beside(world, || {
            tenant.send_bytes(lines.as_bytes());
            tenant.sync_silent();
        });
        assert_eq!(resolved, 0);
        eventually_equal(|| world.router("$G").subscriptions, 0);
    });
}

/// Ten thousand queue groups of one member begin and end, by the hundred thousand in all; and all of them at once.
#[test]
fn queue_groups_that_come_and_go() {
    check(|world| {
        let mut tenant = world.client("one");
        let lines: String = (0..10_000)
            .map(|group| format!("SUB quiet g{group} {group}\r\nUNSUB {group}\r\n"))
            .collect();
        let together: String = (0..10_000)
            .map(|group| format!("SUB quiet g{group} {group}\r\n"))
            .chain((0..10_000).map(|group| format!("UNSUB {group}\r\n")))
            .collect();
        let resolved = beside(world, || {
            for lines in [&lines, &together] {
                tenant.send_bytes(lines.as_bytes());
                tenant.sync_silent();
            }
        });
        assert_eq!(resolved, 0);
        eventually_equal(|| shown(world), (0, 0));
    });
}

/// The memory of a tenant is back when it is gone.
#[test]
fn memory_is_back() {
    check(|world| {
        let fill = || {
            let mut tenant = world.client("one");
            let lines: String = (0..50_000)
                .map(|sid| match sid % 3 {
                    0 => format!("SUB many.{sid} g{sid} {sid}\r\n"),
                    1 => format!("SUB many.*.{sid} {sid}\r\n"),
                    _ => format!("SUB many.{sid} {sid}\r\n"),
                })
                .collect();
            tenant.send_bytes(lines.as_bytes());
            tenant.sync_silent();
            drop(tenant);
            eventually_equal(|| shown(world), (0, 0));
        };
        fill();
        let before = resident_bytes();
        for _ in 0..5 {
            fill();
        }
        let kept = resident_bytes().saturating_sub(before);
        // Each takes some 30 MB; what the allocator of a test keeps of it varies.
        assert!(kept <= 24 << 20, "{kept} bytes more after five times the same");
    });
}

/// Each subscription to what is imported stands in the index of the account that exports it, whose other subjects are left
/// alone.
#[test]
fn many_shadows_of_one_import() {
    const SHADOWS: usize = 20_000;
    let world = World::configured(
        "accounts {
            OTHER { users: [{user: other, password: p}], exports: [{stream: 'shared.>'}] }
            TENANT {
                users: [{user: one, password: p}]
                imports: [{stream: {account: OTHER, subject: 'shared.>'}, prefix: from}]
            }
        }",
    );
    let mut tenant = world.client("one");
    let begin: String = (0..SHADOWS)
        .map(|sid| format!("SUB from.shared.{sid} {sid}\r\n"))
        .collect();
    let end: String = (0..SHADOWS).map(|sid| format!("UNSUB {sid}\r\n")).collect();
    let mut exporter = world.client("other");
    let resolved = beside(&world, || {
        tenant.send_bytes(begin.as_bytes());
        tenant.sync_silent();
        tenant.send_bytes(end.as_bytes());
        tenant.sync_silent();
    });
    assert_eq!(resolved, 0);
    // They are all there, and all gone.
    tenant.send_bytes(begin.as_bytes());
    tenant.sync_silent();
    assert_eq!(world.router("OTHER").subscriptions, SHADOWS);
    for number in [0, 7, SHADOWS - 1] {
        exporter.publish(&format!("shared.{number}"), b"x");
        tenant.expect(&format!("MSG from.shared.{number} {number} 1\r\nx"));
    }
    drop(tenant);
    eventually_equal(|| world.router("OTHER").subscriptions, 0);
}

/// Imports that come and go under load: what the exporting account has of its own arrives once and in order, and what is
/// imported comes at most once, in order, and is all there while the import is.
#[test]
fn imports_that_come_and_go() {
    const MESSAGES: usize = 20_000;
    let text = |imports: &str| {
        format!(
            "accounts {{
                OTHER {{ users: [{{user: other, password: p}}], exports: [{{stream: 'shared.>'}}] }}
                TENANT {{ users: [{{user: one, password: p}}], imports: [{imports}] }}
            }}"
        )
    };
    let (with, without) = (text("{stream: {account: OTHER, subject: 'shared.>'}}"), text(""));
    let server = server().configured(&with).arbiters(2).start();
    let mut tenant = client(&server, "one");
    tenant.subscribe("shared.>", "1");
    tenant.sync_silent();
    let mut own = client(&server, "other");
    own.subscribe("shared.a", "1");
    own.sync_silent();
    let (_reader, mut publisher) = client(&server, "other").split();
    let publishing = thread::spawn(move || {
        for number in 0..MESSAGES {
            publisher.publish("shared.a", number.to_string().as_bytes());
        }
        publisher
    });
    let mut received = 0;
    let mut turns = 0;
    while received < MESSAGES {
        for message in own.messages((MESSAGES - received).min(1_000)) {
            assert_eq!(message.text(), received.to_string());
            received += 1;
        }
        turns += 1;
        server.reconfigure(if turns % 2 == 1 { &without } else { &with });
    }
    drop(publishing.join().expect("it publishes"));
    server.reconfigure(&with);
    own.publish("shared.a", b"99999");
    own.message();
    own.sync_silent();
    let came: Vec<usize> = tenant
        .sync_messages()
        .iter()
        .map(|message| message.text().parse().expect("it is a number"))
        .collect();
    assert!(came.is_sorted_by(|one, other| one < other), "once each, in order");
    assert_eq!(came.last(), Some(&99_999));
}
