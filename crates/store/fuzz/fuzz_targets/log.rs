//! A log with any bytes changed in it, or nothing but any bytes, is opened: nothing panics, what is read is what was written, in
//! its order, and what is missing is told of.

#![no_main]

use libfuzzer_sys::fuzz_target;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use vagus_store::disk::{Disk, SimulatedDisk};
use vagus_store::wal::{Entry, GroupId, Importance, WalOptions, recover};

const FOLDER: &str = "/wal";

const OPTIONS: WalOptions = WalOptions {
    file_size: 16 << 10,
    files_at_most: 4,
    pending_at_most: 1 << 20,
};

fn body(index: u64) -> Vec<u8> {
    vec![index as u8; 5 + index as usize * 7]
}

fuzz_target!(|data: &[u8]| {
    let [is_whole, data @ ..] = data else {
        return;
    };
    let simulated = SimulatedDisk::new(1);
    let disk: Arc<dyn Disk> = Arc::new(simulated.clone());
    let unneeded = |_: GroupId| Some(0);
    let mut begun = recover(&disk, Path::new(FOLDER), OPTIONS, None, &unneeded, &mut |_| {}).unwrap();
    for index in 1..40 {
        let body = body(index);
        let entry = Entry {
            group: GroupId(index % 3 + 1),
            incarnation: 1,
            term: 1,
            index,
            timestamp: 0,
            kind: 1,
            body: &body,
        };
        begun.wal.append(&entry, Importance::Message).unwrap();
        begun.files.carry_out_all(&mut begun.wal).unwrap();
    }
    disk.sync_folder(Path::new("/")).unwrap();
    drop(begun);
    let is_anything = is_whole & 1 == 1;
    for (path, _) in simulated.files() {
        simulated.tamper(&path, |bytes| {
            if is_anything {
                let length = bytes.len().min(data.len());
                bytes[..length].copy_from_slice(&data[..length]);
                return;
            }
            // Three bytes say where, one says what.
            for change in data.chunks_exact(4) {
                let place = usize::from(change[0]) << 8 | usize::from(change[1]);
                let place = (place + (usize::from(change[2]) << 16)) % bytes.len().max(1);
                if let Some(byte) = bytes.get_mut(place) {
                    *byte = change[3];
                }
            }
        });
    }
    let mut last = BTreeMap::new();
    let opened = recover(&disk, Path::new(FOLDER), OPTIONS, None, &unneeded, &mut |entry| {
        if is_anything {
            return;
        }
        assert_eq!(entry.body, body(entry.index));
        let before = last.insert(entry.group.0, entry.index);
        assert!(before.is_none_or(|before| before < entry.index));
    });
    if let Ok(opened) = opened
        && !is_anything
        && data.len() < 4
    {
        assert!(opened.damage.is_empty());
    }
});
