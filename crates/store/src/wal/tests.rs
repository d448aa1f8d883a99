use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::*;
use crate::disk::{Disk, Faults, SimulatedDisk};
use crate::encryption::Cipher;

mod healing;
mod power_cuts;

const FOLDER: &str = "/wal";

/// A log on a simulated disk.
struct World {
    disk: SimulatedDisk,
    options: WalOptions,
    keys: Option<Keys>,
    released: HashMap<GroupId, u64>,
}

/// A log that was opened, and what it held.
struct Opened {
    wal: Wal,
    files: WalFiles,
    damage: Vec<WalDamage>,
    cut: u64,
    unknown: Vec<GroupId>,
    entries: Vec<(u64, u64, Vec<u8>)>,
}

impl World {
    fn new(seed: u64) -> Self {
        Self {
            disk: SimulatedDisk::new(seed),
            options: WalOptions {
                file_size: 16 << 10,
                files_at_most: 12,
                pending_at_most: 1 << 20,
            },
            keys: None,
            released: (1..4).map(|group| (GroupId(group), 0)).collect(),
        }
    }

    fn try_open(&self) -> Result<Opened, WalError> {
        let disk: Arc<dyn Disk> = Arc::new(self.disk.clone());
        let mut entries = Vec::new();
        let unneeded = |group: GroupId| self.released.get(&group).copied();
        let recovered = recover(
            &disk,
            Path::new(FOLDER),
            self.options,
            self.keys.clone(),
            &unneeded,
            &mut |entry| {
                entries.push((entry.group.0, entry.index, entry.body.to_vec()));
            },
        )?;
        self.disk.sync_folder(Path::new("/")).unwrap();
        Ok(Opened {
            wal: recovered.wal,
            files: recovered.files,
            damage: recovered.damage,
            cut: recovered.cut,
            unknown: recovered.unknown,
            entries,
        })
    }

    fn open(&self) -> Opened {
        self.try_open().unwrap()
    }

    fn paths(&self) -> Vec<PathBuf> {
        self.disk.files().into_iter().map(|(path, _)| path).collect()
    }
}

fn entry(group: u64, index: u64, body: &[u8]) -> Entry<'_> {
    Entry {
        group: GroupId(group),
        incarnation: 1,
        term: 1,
        index,
        timestamp: 0,
        kind: 1,
        body,
    }
}

impl Opened {
    fn append(&mut self, group: u64, index: u64, body: &[u8]) -> Lsn {
        self.wal
            .append(&entry(group, index, body), Importance::Message)
            .unwrap()
    }

    fn carry_out(&mut self) -> Lsn {
        self.files.carry_out_all(&mut self.wal).unwrap()
    }

    fn indexes(&self) -> Vec<(u64, u64)> {
        self.entries
            .iter()
            .map(|(group, index, _)| (*group, *index))
            .collect()
    }
}

#[test]
fn what_is_durable_is_read_in_order() {
    let world = World::new(1);
    let mut opened = world.open();
    for index in 1..200 {
        let end = opened.append(index % 3 + 1, index, &vec![index as u8; index as usize * 3]);
        if index % 7 == 0 {
            assert_eq!(opened.carry_out(), end);
        }
    }
    opened.carry_out();
    world.disk.restart();
    let opened = world.open();
    assert_eq!(
        opened.indexes(),
        (1..200).map(|index| (index % 3 + 1, index)).collect::<Vec<_>>()
    );
    assert!(
        opened
            .entries
            .iter()
            .all(|(_, index, body)| *body == vec![*index as u8; *index as usize * 3])
    );
    assert_eq!((opened.damage, opened.cut), (vec![], 0));
}

#[test]
fn a_sync_in_progress_never_hides_pending_writes() {
    let world = World::new(1);
    let mut opened = world.open();
    opened.append(1, 1, b"first");
    opened.carry_out();
    let second = opened.append(1, 2, b"second");
    assert!(matches!(opened.wal.step(), Some(Step::Write { .. })));
    opened.append(1, 3, b"during the write");
    opened.wal.done();
    assert!(matches!(opened.wal.step(), Some(Step::Sync { .. })));
    let last = opened.append(1, 4, b"during the sync");
    assert_eq!(opened.wal.done(), second);
    let Some(Step::Write { bytes, .. }) = opened.wal.step() else {
        panic!("nothing is written");
    };
    assert_eq!(
        bytes.len(),
        record::length_of(16, false) + record::length_of(15, false)
    );
    opened.wal.done();
    assert!(matches!(opened.wal.step(), Some(Step::Sync { .. })));
    assert_eq!(opened.wal.done(), last);
    assert_eq!(opened.wal.step(), None);
}

/// Entries that nobody waits for cost no sync, and are durable with the next one that somebody waits for.
#[test]
fn what_nobody_waits_for_is_synced_with_what_somebody_does() {
    let world = World::new(1);
    let mut opened = world.open();
    let first = opened.append(1, 1, b"waited for");
    assert_eq!(opened.carry_out(), first);
    let unsynced = |opened: &mut Opened, index| {
        let entry = entry(1, index, b"not waited for");
        let end = opened.wal.append_unsynced(&entry, Importance::Message);
        let end = end.unwrap();
        assert!(matches!(opened.wal.step(), Some(Step::Write { .. })));
        opened.carry_out();
        assert_eq!((opened.wal.written(), opened.wal.step()), (end, None));
        end
    };
    unsynced(&mut opened, 2);
    unsynced(&mut opened, 3);
    assert_eq!(opened.wal.durable(), first);
    let fourth = opened.append(1, 4, b"waited for");
    assert_eq!(opened.carry_out(), fourth);
    let fifth = unsynced(&mut opened, 5);
    assert_eq!(opened.wal.durable(), fourth);
    opened.wal.sync();
    assert!(matches!(opened.wal.step(), Some(Step::Sync { .. })));
    assert_eq!(opened.carry_out(), fifth);
    opened.wal.sync();
    assert_eq!(opened.wal.step(), None);
    // The process ends: what was written is there.
    unsynced(&mut opened, 6);
    world.disk.kill_process();
    assert_eq!(
        world.open().indexes(),
        (1..=6).map(|index| (1, index)).collect::<Vec<_>>()
    );
}

#[test]
fn an_entry_that_no_file_holds_has_one_of_its_own() {
    let world = World::new(1);
    let mut opened = world.open();
    opened.append(1, 1, b"small");
    opened.append(1, 2, &vec![7; 50_000]);
    opened.append(1, 3, b"small again");
    opened.carry_out();
    world.disk.restart();
    assert_eq!(world.open().indexes(), [(1, 1), (1, 2), (1, 3)]);
}

#[test]
fn files_are_used_again_when_they_are_released() {
    let mut world = World::new(1);
    let mut opened = world.open();
    assert_eq!(opened.wal.may_still_take(), 12 * world.options.file_size);
    for index in 1..=1000 {
        opened.append(1, index, &[1; 500]);
        opened.carry_out();
        let made = world.paths().len() as u64;
        assert_eq!(opened.wal.may_still_take(), (12 - made) * world.options.file_size);
        opened.wal.release(GroupId(1), index.saturating_sub(40)).unwrap();
        opened.carry_out();
    }
    assert!(world.paths().len() <= 12, "{:?}", world.paths());
    world.released.insert(GroupId(1), 960);
    world.disk.restart();
    let opened = world.open();
    assert_eq!(
        opened.indexes(),
        (961..=1000).map(|index| (1, index)).collect::<Vec<_>>()
    );
    assert_eq!((opened.damage, opened.unknown), (vec![], vec![]));
}

/// The last file cannot be used again when all that is in it is released; others begin behind it, and may have to be.
#[test]
fn who_has_entries_is_told_also_behind_a_file_that_nobody_needs() {
    let world = World::new(3);
    let mut opened = world.open();
    let half = vec![1; 9 << 10];
    opened.append(1, 1, &half);
    opened.carry_out();
    opened.wal.release(GroupId(1), 1).unwrap();
    let mut index = 1;
    while opened
        .wal
        .append(&entry(1, index + 1, &half), Importance::Message)
        .is_ok()
    {
        index += 1;
        opened.carry_out();
    }
    let full = opened.wal.files_in_use().0;
    assert_eq!(opened.wal.oldest_groups().collect::<Vec<_>>(), [GroupId(1)]);
    opened.wal.release(GroupId(1), index).unwrap();
    opened.carry_out();
    assert!(opened.wal.files_in_use().0 < full);
    opened.append(1, index + 1, &half);
}

#[test]
fn a_full_log_refuses_until_files_are_released() {
    let world = World::new(1);
    let mut opened = world.open();
    let mut index = 0;
    let refused = loop {
        index += 1;
        match opened
            .wal
            .append(&entry(1, index, &[1; 500]), Importance::Message)
        {
            Ok(_) => opened.carry_out(),
            Err(error) => break error,
        };
    };
    assert!(matches!(refused, WalError::Full));
    opened
        .wal
        .append(&entry(1, index, b"an acknowledgement"), Importance::Upkeep)
        .unwrap();
    assert_eq!(opened.wal.oldest_groups().collect::<Vec<_>>(), [GroupId(1)]);
    opened.carry_out();
    // Also when it is opened anew, without a file that takes anything.
    world.disk.restart();
    let mut opened = world.open();
    assert!(matches!(
        opened
            .wal
            .append(&entry(1, index + 1, &[1; 500]), Importance::Message),
        Err(WalError::Full)
    ));
    opened.wal.release(GroupId(1), index).unwrap();
    opened.carry_out();
    opened.append(1, index + 1, &[1; 500]);
    opened.carry_out();
}

#[test]
fn a_file_is_made_ahead_of_time() {
    let world = World::new(1);
    let mut opened = world.open();
    opened.append(1, 1, &[1; 500]);
    opened.carry_out();
    assert_eq!(opened.wal.preparation(), None);
    for index in 2..12 {
        opened.append(1, index, &[1; 500]);
    }
    opened.carry_out();
    let preparation = opened.wal.preparation().unwrap();
    assert_eq!(opened.wal.preparation(), None);
    opened.files.maker().make(preparation).unwrap();
    opened.wal.prepared(preparation, true);
    for index in 12..24 {
        opened.append(1, index, &[1; 500]);
        while let Some(step) = opened.wal.step() {
            assert!(!matches!(step, Step::Prepare { .. }));
            opened.files.carry_out(&step).unwrap();
            opened.wal.done();
        }
    }
    assert_eq!(world.paths().len(), 2);
    world.disk.restart();
    assert_eq!(world.open().entries.len(), 23);
}

#[test]
fn too_much_that_waits_is_refused() {
    let world = World::new(1);
    let mut opened = world.open();
    opened.append(1, 1, &vec![0; 1 << 20]);
    let refused = opened.wal.append(&entry(1, 2, &[0; 1000]), Importance::Message);
    assert!(matches!(refused, Err(WalError::Busy)));
    opened.carry_out();
    opened.append(1, 2, &[0; 1000]);
}

#[test]
fn a_group_that_is_forgotten_needs_nothing() {
    let mut world = World::new(1);
    let mut opened = world.open();
    opened.append(1, 1, b"one");
    opened.append(2, 1, b"two");
    opened.append(3, 1, b"three");
    opened.wal.forget(GroupId(2)).unwrap();
    opened.carry_out();
    world.released.remove(&GroupId(2));
    world.released.remove(&GroupId(3));
    world.disk.restart();
    assert_eq!(world.open().unknown, [GroupId(3)]);
}

/// A log of fifty entries that says of itself that they are durable.
fn fifty_settled() -> World {
    let world = World::new(1);
    let mut opened = world.open();
    for index in 1..=50 {
        opened.append(1, index, b"some body");
    }
    opened.carry_out();
    opened.wal.settle().unwrap();
    opened.carry_out();
    world
}

#[test]
fn a_flipped_bit_costs_one_entry_and_is_reported() {
    let world = fifty_settled();
    let path = world.paths()[0].clone();
    let length = record::length_of(9, false);
    for victim in [0, 20, 49] {
        let at = FIRST_RECORD + victim * length + 85;
        world.disk.tamper(&path, |bytes| bytes[at] ^= 4);
        let opened = world.open();
        assert_eq!(opened.entries.len(), 49);
        assert!(!opened.indexes().contains(&(1, victim as u64 + 1)));
        let start = (FIRST_RECORD + victim * length) as u64;
        assert_eq!(
            opened.damage,
            [WalDamage::Records {
                file: "00000000.wal".to_owned(),
                bytes: start..start + length as u64,
            }]
        );
        world.disk.tamper(&path, |bytes| bytes[at] ^= 4);
    }
}

#[test]
fn a_flipped_bit_in_a_length_costs_one_entry() {
    let world = fifty_settled();
    let at = FIRST_RECORD + 20 * record::length_of(9, false);
    world
        .disk
        .tamper(&world.paths()[0], |bytes| bytes[at + 1] ^= 0x40);
    assert_eq!(world.open().entries.len(), 49);
}

#[test]
fn a_header_that_is_lost_is_read_from_the_records() {
    let world = World::new(1);
    let mut opened = world.open();
    for index in 1..=100 {
        opened.append(1, index, &[1; 500]);
    }
    opened.carry_out();
    opened.wal.settle().unwrap();
    opened.carry_out();
    for path in world.paths() {
        world.disk.tamper(&path, |bytes| bytes[..FIRST_RECORD].fill(0));
    }
    let opened = world.open();
    assert_eq!(opened.entries.len(), 100);
    assert_eq!(opened.damage, []);
}

#[test]
fn a_file_that_is_lost_is_reported() {
    let world = World::new(1);
    let mut opened = world.open();
    for index in 1..=100 {
        opened.append(1, index, &[1; 500]);
    }
    opened.carry_out();
    world.disk.tamper(&world.paths()[1], |bytes| bytes.truncate(0));
    let opened = world.open();
    assert_eq!(opened.damage, [WalDamage::File { generation: 2 }]);
    assert!(opened.entries.len() > 60);
    assert!(world.paths()[1].to_str().unwrap().ends_with(".damaged"));
}

#[test]
fn a_file_that_is_cut_short_loses_what_was_cut() {
    let world = World::new(1);
    let mut opened = world.open();
    for index in 1..=60 {
        opened.append(1, index, &[1; 500]);
    }
    opened.carry_out();
    world.disk.tamper(&world.paths()[0], |bytes| bytes.truncate(8000));
    let opened = world.open();
    assert_eq!(opened.damage.len(), 1);
    let (first, rest): (Vec<u64>, Vec<u64>) = opened
        .entries
        .iter()
        .map(|entry| entry.1)
        .partition(|index| *index < 10);
    assert!(!first.is_empty());
    assert_eq!(rest.last(), Some(&60));
}

#[test]
fn what_is_sealed_needs_its_key() {
    for cipher in [Cipher::Aes, Cipher::ChaCha] {
        let mut world = World::new(1);
        world.keys = Some(Keys::new(cipher, b"old", None).unwrap());
        let mut opened = world.open();
        for index in 1..=100 {
            opened.append(1, index, b"a secret of some length");
        }
        opened.carry_out();
        for path in world.paths() {
            world.disk.tamper(&path, |bytes| {
                assert!(!bytes.windows(8).any(|part| part == b"a secret"));
            });
        }
        world.keys = Some(Keys::new(cipher, b"wrong", None).unwrap());
        assert!(matches!(
            world.try_open(),
            Err(WalError::Encryption(EncryptionError::WrongKey))
        ));
        world.keys = None;
        assert!(matches!(
            world.try_open(),
            Err(WalError::Encryption(EncryptionError::WrongKey))
        ));
        world.keys = Some(Keys::new(cipher, b"new", Some((cipher, b"old"))).unwrap());
        let mut opened = world.open();
        assert!(
            opened
                .entries
                .iter()
                .all(|entry| entry.2 == b"a secret of some length")
        );
        opened.append(1, 101, b"with the new key");
        opened.carry_out();
        assert_eq!(world.open().entries.len(), 101);
    }
}

#[test]
fn nothing_is_durable_after_an_error() {
    for seed in 0..200 {
        let world = World::new(seed);
        let mut opened = world.open();
        opened.append(1, 1, b"before");
        opened.carry_out();
        world.disk.set_faults(Faults {
            writes: 0.2,
            syncs: 0.2,
            ..Faults::default()
        });
        let mut acknowledged = 1;
        for index in 2..100 {
            if opened
                .wal
                .append(&entry(1, index, &[1; 300]), Importance::Message)
                .is_err()
            {
                break;
            }
            if opened.files.carry_out_all(&mut opened.wal).is_ok() {
                acknowledged = index;
            }
        }
        assert!(acknowledged < 99);
        assert!(opened.wal.has_failed());
        assert!(opened.files.carry_out_all(&mut opened.wal).is_err());
        world.disk.set_faults(Faults::default());
        let mut opened = world.open();
        let there = opened.indexes();
        assert_eq!(
            there,
            (1..=there.len() as u64)
                .map(|index| (1, index))
                .collect::<Vec<_>>()
        );
        assert!(there.len() as u64 >= acknowledged);
        assert_eq!(opened.damage, []);
        opened.append(1, there.len() as u64 + 1, b"goes on");
        opened.carry_out();
    }
}
