//! Random commands, from seeds: whatever is lost, and whoever begins anew, a copy becomes what its origin is, and a stream
//! has each message of its sources once, in their order.

use super::{World, stream, world};
use crate::api::{DeleteMessageRequest, PurgeRequest};
use crate::held::Messages;
use crate::time::SECOND;
use fastrand::Rng;
use std::cell::RefCell;
use std::rc::Rc;

/// How many seeds are tried, and how many commands of each; more of them where this variable says so.
const SEEDS: u64 = 20;
const STEPS: usize = 120;
const MORE_SEEDS: &str = "VAGUS_SOURCING_SEEDS";

/// All that was ever published to the origin, in order: a payload each.
type Published = Vec<String>;

fn seeds() -> u64 {
    let more = std::env::var(MORE_SEEDS).ok();
    more.and_then(|more| more.parse().ok()).unwrap_or(SEEDS)
}

/// Does something at random; of one message in five that is carried nothing is heard again while `loses`.
fn step(world: &mut World, random: &mut Rng, published: &mut Published, deletes: bool) {
    match random.u32(0..10) {
        0..5 => {
            let number = published.len().to_string();
            let subject = ["o.a", "o.b", "o.c.d"][random.usize(0..3)];
            world.publish(&[&format!("{subject} {number}")]);
            published.push(number);
        }
        5 if deletes => {
            let last = world.origin.stream.last_sequence();
            let request = DeleteMessageRequest {
                sequence: random.u64(0..=last),
                no_erase: true,
            };
            world.origin.stream.request_delete(&request, 1).unwrap();
        }
        6 if deletes && random.u32(0..4) == 0 => {
            let request = PurgeRequest {
                filter: ["", "o.a", "o.>"][random.usize(0..3)].to_owned(),
                keep: random.u64(0..3),
                ..PurgeRequest::default()
            };
            world.origin.stream.request_purge(&request, 1).unwrap();
        }
        7 => world.restart_getter(),
        8 => {
            let error = crate::error::ApiError::store_failed("a disk");
            world.getter.stream.failed(&error);
        }
        _ => world.pass(random.i64(0..4 * SECOND)),
    }
}

/// A world that loses one in five of what is carried, as long as that is wanted.
fn lossy(origin: &str, getter: &str, seed: u64) -> (World, Rc<RefCell<bool>>) {
    let loses = Rc::new(RefCell::new(true));
    let mut world = world(origin, getter);
    let (mut random, wanted) = (Rng::with_seed(seed ^ 77), loses.clone());
    world.loses = Box::new(move || *wanted.borrow() && random.u32(0..5) == 0);
    (world, loses)
}

#[test]
fn a_copy_becomes_what_its_origin_is() {
    for seed in 0..seeds() {
        let mut random = Rng::with_seed(seed);
        let (mut world, loses) = lossy(
            r#""name":"O","subjects":["o.>"]"#,
            r#""name":"M","mirror":{"name":"O"}"#,
            seed,
        );
        let mut published = Published::new();
        for _ in 0..STEPS {
            step(&mut world, &mut random, &mut published, true);
            // What a copy has is what its origin has or had, under its sequence.
            let held = world.getter.stream.held();
            for sequence in 1..=world.getter.stream.last_sequence() {
                if let Some(message) = held.get(sequence).unwrap() {
                    let said = String::from_utf8(message.payload.to_vec()).unwrap();
                    assert_eq!(published[sequence as usize - 1], said, "seed {seed}");
                }
            }
        }
        *loses.borrow_mut() = false;
        world.publish(&["o.a end"]);
        published.push("end".to_owned());
        world.pass(200 * SECOND);
        let (copy, origin) = (world.getter.messages(), world.origin.messages());
        let missing = origin.iter().find(|message| !copy.contains(message));
        assert_eq!(missing, None, "seed {seed}: {copy:?}");
        assert_eq!(
            world.getter.stream.last_sequence(),
            world.origin.stream.last_sequence()
        );
        assert_eq!(world.info().lag, 0, "seed {seed}");
    }
}

#[test]
fn each_message_of_a_source_is_there_once_and_in_order() {
    for retention in ["limits", "interest", "workqueue"] {
        for seed in 0..seeds() {
            let mut random = Rng::with_seed(seed);
            let origin = format!(r#""name":"O","subjects":["o.>"],"retention":"{retention}""#);
            let (mut world, loses) = lossy(&origin, r#""name":"A","sources":[{"name":"O"}]"#, seed);
            *loses.borrow_mut() = false;
            world.pass(SECOND);
            *loses.borrow_mut() = true;
            let mut published = Published::new();
            for _ in 0..STEPS {
                step(&mut world, &mut random, &mut published, false);
            }
            *loses.borrow_mut() = false;
            world.publish(&["o.a end"]);
            published.push("end".to_owned());
            world.pass(300 * SECOND);
            let got = world.getter.messages();
            let got: Vec<&str> = got
                .iter()
                .filter_map(|message| message.rsplit(' ').next())
                .collect();
            assert_eq!(got, published, "{retention} seed {seed}");
            let left = if retention == "limits" { published.len() } else { 0 };
            assert_eq!(world.origin.messages().len(), left, "{retention} seed {seed}");
            // Nothing of this is known but from the log.
            let mut again = stream(r#""name":"A","sources":[{"name":"O"}]"#, super::super::START).stream;
            for entry in crate::stream::entry::decode(world.getter.log.clone().into()).unwrap() {
                again.apply(entry, &super::zone);
            }
            assert_eq!(
                again.checkpoint(),
                world.getter.stream.checkpoint(),
                "seed {seed}"
            );
        }
    }
}
