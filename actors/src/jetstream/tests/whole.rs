//! A whole stream on a disk whose power is cut again and again: publishers, consumers, limits, purges, and time that passes. Its
//! segments are small, so that it has many. After each step it is compared with a plain list of messages.
//!
//! `STORE_SEEDS=1000 cargo test -p vagus-actors power_cuts` tries more of them, for some minutes.

mod consumer;
mod consuming;
mod looking;
mod model;
mod possible;
mod steps;

use super::clock::passing;
use super::lives::{end_of_life, seeds};
use super::*;
use model::{Rules, SECOND};
use possible::Possible;

/// Lives of a server.
const LIVES: usize = 4;

/// What a life is at most.
const STEPS: usize = 60;

const SUBJECTS: [&str; 6] = ["S.a", "S.b", "S.c", "S.a.x", "S.b.x", "S.c.x.y"];

/// What consumers want: nothing here is within another of the same list.
const FILTERS: [&[&str]; 12] = [
    &[],
    &["S.a"],
    &["S.>"],
    &["S.*"],
    &["S.a", "S.c"],
    &["S.*.x", "S.a.*"],
    &["S.c", "S.b.>"],
    &["S.b"],
    &["S.*.x"],
    &["S.a", "S.*.x", "S.c.>"],
    &["S.c.x.y"],
    &["S.b.x", "S.a"],
];

/// The same where no two consumers may want the same.
const SHARES: [&[&[&str]]; 4] = [
    &[&["S.a"], &["S.a", "S.a.x"], &["S.a.*"]],
    &[&["S.b"], &["S.b.>"], &["S.b", "S.b.x"]],
    &[&["S.c"]],
    &[&["S.c.>"], &["S.c.x.y"]],
];

const CONSUMERS: [&str; 4] = ["A", "B", "C", "D"];

/// A stream is what a list says, and consumers get what it says they do, in the same life and after power cuts.
#[test]
fn a_stream_is_what_a_list_of_messages_is_after_power_cuts() {
    for seed in seeds(2) {
        println!("seed {seed}");
        let mut random = fastrand::Rng::with_seed(seed);
        let (rules, settings, sizes) = (
            rules(&mut random),
            other_settings(&mut random),
            sizes(&mut random),
        );
        println!("{rules:?} {settings} {sizes:?}");
        let mut known = Known::new(rules, settings);
        let mut disk = SimulatedDisk::new(seed);
        for life in 0..LIVES {
            let is_last = life + 1 == LIVES;
            println!("life {life}");
            System::new().block_on(async {
                let world = World::open_with(disk.clone(), sizes).await;
                let mut life = steps::Life::begin(world, &mut known).await;
                life.look_at_all().await;
                if !is_last && random.u8(..4) > 0 {
                    life.world.fail(Faults {
                        power_cut_after: Some(random.u64(1..250)),
                        ..Faults::default()
                    });
                }
                for _ in 0..random.usize(1..STEPS) {
                    if life.step(&mut random).await.is_err() {
                        break;
                    }
                }
                life.end(&mut random).await;
            });
            disk = end_of_life(&disk, &mut random);
            if random.u8(..3) == 0 {
                passing::pass(i64::from(random.u8(1..20)) * 60 * SECOND);
            }
        }
    }
}

/// What is known of a stream over its lives.
struct Known {
    possible: Possible,
    settings: String,
    is_made: bool,
    /// Counts what is published, and what is asked.
    published: u64,
    asked: u64,
    /// On which subjects consumers have said that messages may be acknowledged: of which consumer they are, which message it
    /// is, and which of the deliveries.
    replies: Vec<(String, u64, u64, String)>,
    /// The last sequence that there has been for sure.
    last: u64,
}

impl Known {
    fn new(rules: Rules, settings: String) -> Self {
        Self {
            possible: Possible::of(model::Stream::new(rules)),
            settings,
            is_made: false,
            published: 0,
            asked: 0,
            replies: Vec::new(),
            last: 0,
        }
    }
}

fn rules(random: &mut fastrand::Rng) -> Rules {
    let retention = ["limits", "limits", "interest", "workqueue"][random.usize(..4)];
    let mut limit = |most: usize| match random.u8(..3) {
        0 => random.usize(1..most),
        _ => 0,
    };
    let (max_messages, max_per_subject) = (limit(60), limit(12));
    let discards_new = random.u8(..4) == 0;
    Rules {
        retention,
        max_messages,
        max_per_subject,
        has_max_age: random.u8(..3) == 0,
        discards_new,
        discards_new_per_subject: discards_new && max_per_subject > 0 && random.bool(),
    }
}

fn other_settings(random: &mut fastrand::Rng) -> String {
    let compression = if random.u8(..4) == 0 { "s2" } else { "none" };
    format!(
        r#","compression":"{compression}","allow_rollup_hdrs":true,"allow_direct":true,"duplicate_window":{}"#,
        model::WINDOW
    )
}

fn sizes(random: &mut fastrand::Rng) -> Sizes {
    let segment = random.u32(200..4000);
    let log_file = 1 << random.u32(12..16);
    Sizes {
        log_file: (1, log_file, log_file),
        log_files: random.usize(4..12),
        segment: (segment, segment),
        held_at_most: random.u64(..3000),
        unwritten_at_most: random.u64(1..4000),
        unread_at_most: random.u64(1..4000),
    }
}
