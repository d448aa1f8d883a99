use super::{STEPS_PER_HOLD, STEPS_PER_VISIT, Schedule, Visit, Work};
use crate::router::changes::Depart;
use std::collections::BTreeMap;
use std::sync::Arc;
use vagus_delivery::outbox::{ConnectionSubscription, Outbox, Slots};
use vagus_delivery::subscriptions::{Change, Subscriptions};
use vagus_routing::{ConnectionId, Destination};

fn outbox(id: ConnectionId) -> Arc<Outbox> {
    Arc::new(Outbox::new(Slots::default().take(), id, 0, 1000, None))
}

fn additions(outbox: &Arc<Outbox>, subject: &str, count: usize) -> Vec<Change> {
    (0..count)
        .map(|_| ConnectionSubscription::new(subject.as_bytes(), None, b"1", outbox.clone()))
        .map(|subscription| Change::Add(Arc::new(subscription)))
        .collect()
}

struct World {
    schedule: Schedule,
    tickets: u64,
}

/// What a visit has done: how many changes of which ticket, and which announcements ended.
#[derive(Default)]
struct Done {
    changes: Vec<(ConnectionId, u64, usize)>,
    ended: Vec<u64>,
}

impl World {
    fn announce(&mut self, changes: Vec<Change>) -> u64 {
        self.tickets += 1;
        self.schedule
            .push(Work::announced(changes, true, self.tickets).unwrap());
        self.tickets
    }

    fn depart(&mut self, connection: ConnectionId, subscriptions: usize) -> u64 {
        self.tickets += 1;
        let (outbox, mut held, mut unannounced) = (outbox(connection), Subscriptions::default(), Vec::new());
        for sid in 0..subscriptions {
            let sid = sid.to_string();
            held.add(b"a", None, sid.as_bytes(), None, &outbox, &mut unannounced);
        }
        let depart = Depart {
            connection,
            changes: Vec::new(),
            subscriptions: held.depart(),
        };
        self.schedule.push(Work::departing(depart, self.tickets));
        self.tickets
    }

    fn visit(&mut self) -> Done {
        let (mut visit, mut done) = (Visit::new(0), Done::default());
        while let Some(portion) = self.schedule.take(&mut visit) {
            let connection = portion.changes[0].subscription().destination().connection_id();
            assert!(portion.changes.len() <= STEPS_PER_HOLD);
            done.changes
                .push((connection, portion.ticket, portion.changes.len()));
            done.ended.extend(portion.is_last.then_some(portion.ticket));
        }
        assert!(done.changes.iter().map(|(_, _, changes)| changes).sum::<usize>() <= STEPS_PER_VISIT);
        done
    }
}

fn check(test: impl FnOnce(&mut World)) {
    test(&mut World {
        schedule: Schedule::default(),
        tickets: 0,
    });
}

#[test]
fn a_newcomer_does_not_wait_for_those_that_have_begun() {
    check(|world| {
        for id in 1..1000 {
            world.announce(additions(&outbox(id), "a", 1000));
        }
        for id in 1000..2000 {
            world.depart(id, 100);
        }
        world.depart(2000, 100_000);
        // They all begin.
        while !world.schedule.lines[super::FRESH].is_empty() {
            world.visit();
        }
        assert!(world.schedule.changes() > 500_000);
        let latest = world.announce(additions(&outbox(2001), "a", 10));
        assert!(world.visit().ended.contains(&latest));
    });
}

#[test]
fn everybody_gets_on_though_others_come() {
    check(|world| {
        let begun = world.announce(additions(&outbox(1), "a", 5000));
        let departing = world.depart(2, 5000);
        let mut newcomers = 3..;
        let mut ended = Vec::new();
        for _ in 0..30 {
            for id in newcomers.by_ref().take(2000) {
                world.announce(additions(&outbox(id), "a", 1));
            }
            ended.extend(world.visit().ended);
        }
        assert!(ended.contains(&begun) && ended.contains(&departing));
    });
}

#[test]
fn announcements_of_one_connection_keep_their_order() {
    check(|world| {
        let mut expected: BTreeMap<ConnectionId, Vec<u64>> = BTreeMap::new();
        for round in 0..4 {
            for id in 1..100 {
                let size = [1, 700, 64, 3000][(round + id as usize) % 4];
                let ticket = match round {
                    3 => world.depart(id, size),
                    _ => world.announce(additions(&outbox(id), "a", size)),
                };
                expected.entry(id).or_default().push(ticket);
            }
        }
        let mut order: BTreeMap<ConnectionId, Vec<u64>> = BTreeMap::new();
        while !world.schedule.is_empty() {
            for (connection, ticket, _) in world.visit().changes {
                order.entry(connection).or_default().push(ticket);
            }
        }
        order.values_mut().for_each(Vec::dedup);
        assert_eq!(order, expected);
        assert_eq!(world.schedule.changes(), 0);
        assert!(world.schedule.later.is_empty());
    });
}

/// Ten thousand connections end at once.
#[test]
fn each_portion_costs_the_same_however_many_wait() {
    check(|world| {
        for id in 0..10_000 {
            world.depart(id, 20);
        }
        let mut portions = 0;
        while !world.schedule.is_empty() {
            portions += world.visit().changes.len();
        }
        assert!(portions <= 10_000 + 200_000 / STEPS_PER_VISIT + 1, "{portions}");
    });
}

#[test]
fn long_subjects_count_for_what_they_take() {
    check(|world| {
        world.announce(additions(&outbox(1), &"a".repeat(4000), 1000));
        let made: usize = world.visit().changes.iter().map(|(_, _, changes)| changes).sum();
        assert!((10..50).contains(&made), "{made}");
    });
}
