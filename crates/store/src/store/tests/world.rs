//! A server in small: streams that keep what they are told, on a disk that fails, beside a model of what they were told.

use super::*;

mod model;

use model::{Change, Model, message};

const STORE_DIR: &str = "/data";

/// A stream that runs.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) identity: StreamIdentity,
    pub(super) messages: Messages,
    /// The last entry that was applied, and the last that was proposed.
    pub(super) applied: u64,
    proposed: u64,
    waiting: Vec<(Lsn, u64, Vec<Change>)>,
    checkpoint: Option<Checkpoint>,
    compaction: Option<Compaction>,
}

#[derive(Debug)]
pub(super) struct Server {
    pub(super) store: Store,
    pub(super) wal: Wal,
    pub(super) files: WalFiles,
    pub(super) streams: Vec<Running>,
}

pub(super) struct World {
    pub(super) disk: SimulatedDisk,
    pub(super) options: StoreOptions,
    pub(super) messages: MessagesOptions,
    pub(super) models: BTreeMap<String, Model>,
    pub(super) random: fastrand::Rng,
    pub(super) last_key: Option<&'static str>,
    /// What was reported to be damaged.
    pub(super) damage: Vec<String>,
    /// How many entries were lost that had been said to be durable.
    pub(super) lost: u64,
    /// Whether entries may be missing, and streams be set aside: the disk is one that lies.
    is_lied_to: bool,
}

/// What ended the life of a server.
#[derive(Debug)]
pub(super) struct Ended(#[allow(dead_code, reason = "tests that fail show it")] String);

fn ended(error: impl std::fmt::Display) -> Ended {
    Ended(error.to_string())
}

impl Running {
    fn apply(&mut self, disk: &dyn Disk, index: u64, changes: &[Change]) -> Result<(), Ended> {
        assert_eq!(index, self.applied + 1);
        for change in changes {
            match *change {
                Change::Put {
                    sequence,
                    subject,
                    length,
                } => self.messages.append(message(sequence, subject, length)).unwrap(),
                Change::Delete { sequence } => {
                    ask(&mut self.messages, disk, |messages| messages.remove(sequence))?;
                }
                Change::PurgeTo { sequence } => {
                    while !ask(&mut self.messages, disk, |messages| messages.purge_to(sequence))?.is_done {}
                }
            }
        }
        self.applied = index;
        Ok(())
    }
}

/// Asks until everything is read that has to be.
pub(super) fn ask<T>(
    messages: &mut Messages,
    disk: &dyn Disk,
    mut question: impl FnMut(&mut Messages) -> Result<T, crate::messages::Cold>,
) -> Result<T, Ended> {
    for _ in 0..1000 {
        match question(messages) {
            Ok(answer) => return Ok(answer),
            Err(cold) => messages.warm(cold.run(disk).map_err(ended)?),
        }
    }
    panic!("a question without an end");
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let keys = random
            .bool()
            .then(|| Keys::new(Cipher::Aes, b"key", None).unwrap());
        let last_key = keys.is_some().then_some("key");
        Self {
            disk: SimulatedDisk::new(seed),
            options: StoreOptions {
                wal: WalOptions {
                    file_size: 16 << 10,
                    files_at_most: 8,
                    pending_at_most: 1 << 20,
                },
                keys,
                reserve: 0,
            },
            messages: MessagesOptions {
                segment_size: 4000,
                held_at_most: 2000,
                directories_at_most: 4000,
                is_compressed: random.bool(),
            },
            models: BTreeMap::new(),
            random,
            last_key,
            damage: Vec::new(),
            lost: 0,
            is_lied_to: false,
        }
    }

    pub(super) fn open(&mut self) -> Result<Server, StoreError> {
        let disk: Arc<dyn Disk> = Arc::new(self.disk.clone());
        let mut store = Store::open(disk, Path::new(STORE_DIR), self.options.clone())?;
        self.open_streams(&mut store).map(|(wal, files, streams)| Server {
            store,
            wal,
            files,
            streams,
        })
    }

    /// What is done when the server starts, and when the disk has failed.
    pub(super) fn open_streams(
        &mut self,
        store: &mut Store,
    ) -> Result<(Wal, WalFiles, Vec<Running>), StoreError> {
        let options = self.messages;
        let streams = store.streams(&|_| options)?;
        let quarantined = streams
            .quarantined
            .iter()
            .map(|set_aside| format!("{set_aside:?}"));
        self.damage.extend(quarantined);
        assert!(self.is_lied_to || streams.quarantined.is_empty());
        let mut entries = Vec::new();
        let recovered = store.recover_log(&streams, &mut |entry| {
            let mut fields = Fields::new(entry.body);
            let mut changes = Vec::new();
            while !fields.is_at_end() {
                changes.push(Change::decode(&mut fields));
            }
            entries.push((entry.group, entry.index, changes));
        })?;
        self.damage
            .extend(recovered.damage.iter().map(|damage| format!("{damage:?}")));
        let mut running: Vec<Running> = Vec::new();
        for FoundStream { identity, found } in streams.found {
            if recovered.forgotten.contains(&identity.group) {
                continue;
            }
            self.damage.extend(found.damage.iter().map(ToString::to_string));
            running.push(Running {
                identity,
                messages: found.messages,
                applied: found.position.index,
                proposed: 0,
                waiting: Vec::new(),
                checkpoint: None,
                compaction: None,
            });
        }
        for (group, index, changes) in entries {
            if let Some(stream) = running.iter_mut().find(|stream| stream.identity.group == group) {
                if self.is_lied_to && index != stream.applied + 1 {
                    self.damage
                        .push(format!("{group:?} lacks {}", stream.applied + 1));
                    continue;
                }
                stream
                    .apply(&**store.disk(), index, &changes)
                    .map_err(|_| WalError::Failed)?;
            }
        }
        for stream in &mut running {
            stream.proposed = stream.applied;
        }
        Ok((recovered.wal, recovered.files, running))
    }

    /// Opens what a disk has left that lies.
    pub(super) fn open_damaged(&mut self) -> Result<Server, StoreError> {
        self.is_lied_to = true;
        self.open()
    }

    /// Each message that there is must be one that was put there. If nothing is reported, nothing may be missing between.
    pub(super) fn check_damaged(&mut self, server: &mut Server) {
        for stream in &mut server.streams {
            let Some(model) = self.models.get(&stream.identity.name) else {
                continue;
            };
            self.lost += model.acknowledged.saturating_sub(stream.applied);
            assert!(stream.applied <= model.entries.len() as u64);
            let expected = model.after(stream.applied);
            let disk = server.store.disk();
            for sequence in 1..=model.next_sequence {
                match ask(&mut stream.messages, &**disk, |messages| messages.get(sequence)) {
                    Ok(None) => assert!(!self.damage.is_empty() || !expected.contains_key(&sequence)),
                    Ok(Some(message)) => assert!(model.has_put(&message), "{message:?}"),
                    Err(ended) => self.damage.push(format!("{ended:?}")),
                }
            }
        }
    }

    /// Compares what a server has with what it was told.
    pub(super) fn check(&mut self, server: &mut Server) {
        let names: Vec<&String> = server
            .streams
            .iter()
            .map(|stream| &stream.identity.name)
            .collect();
        for (name, model) in &self.models {
            assert!(names.contains(&name) || model.acknowledged == 0, "{name} is gone");
        }
        for stream in &mut server.streams {
            let Some(model) = self.models.get_mut(&stream.identity.name) else {
                continue;
            };
            let applied = stream.applied;
            assert!(
                applied >= model.acknowledged,
                "{applied} of {} that were acknowledged",
                model.acknowledged
            );
            assert!(applied <= model.entries.len() as u64);
            let expected = model.after(applied);
            let state = stream.messages.state();
            assert_eq!(state.messages, expected.len() as u64);
            assert_eq!(
                state.bytes,
                expected.values().map(Message::size_on_disk).sum::<u64>()
            );
            let disk = server.store.disk();
            for sequence in 1..=model.next_sequence {
                let got = ask(&mut stream.messages, &**disk, |messages| messages.get(sequence)).unwrap();
                assert_eq!(got.as_ref(), expected.get(&sequence), "sequence {sequence}");
            }
            for subject in 0..5 {
                let subject = format!("subject.{subject}");
                let expected = expected
                    .values()
                    .filter(|message| message.subject == subject)
                    .count();
                assert_eq!(
                    stream.messages.totals(subject.as_bytes()).messages,
                    expected as u64
                );
            }
            // What was not durable was not told to anybody: it is as if it had not been.
            model.entries.truncate(applied as usize);
            model.acknowledged = applied;
            let puts = model.entries.iter().flatten().filter_map(|change| match change {
                Change::Put { sequence, .. } => Some(*sequence),
                _ => None,
            });
            model.next_sequence = puts.max().unwrap_or_default();
        }
    }

    /// What a server does, until the disk ends it.
    pub(super) fn live(&mut self, server: &mut Server, steps: usize) -> Result<(), Ended> {
        for _ in 0..steps {
            match self.random.u8(..20) {
                0 => self.create(server)?,
                1 if self.random.u8(..4) == 0 => self.remove(server)?,
                2 | 3 => self.checkpoint(server)?,
                4 => self.compact(server)?,
                5 => self.flush(server)?,
                _ => self.propose(server),
            }
            if self.random.bool() {
                self.commit(server)?;
            }
        }
        Ok(())
    }

    pub(super) fn create(&mut self, server: &mut Server) -> Result<(), Ended> {
        let name = format!("stream{}", self.random.u8(..4));
        if self.models.contains_key(&name) {
            return Ok(());
        }
        let created = server.store.create("account", &name, Bytes::new(), self.messages);
        let (identity, messages) = match created {
            Ok(created) => created,
            // It may be there when the power is back, though nobody was told.
            Err(StoreError::Exists { .. }) => return Ok(()),
            Err(error) => return Err(ended(error)),
        };
        self.models.insert(name, Model::default());
        server.streams.push(Running {
            identity,
            messages,
            applied: 0,
            proposed: 0,
            waiting: Vec::new(),
            checkpoint: None,
            compaction: None,
        });
        Ok(())
    }

    fn remove(&mut self, server: &mut Server) -> Result<(), Ended> {
        if server.streams.is_empty() {
            return Ok(());
        }
        self.commit(server)?;
        let place = self.random.usize(..server.streams.len());
        let stream = server.streams.swap_remove(place);
        // From here on it may be there or not.
        self.models.remove(&stream.identity.name);
        server.wal.forget(stream.identity.group).map_err(ended)?;
        self.commit(server)?;
        server.store.remove(&stream.identity).map_err(ended)
    }

    pub(super) fn propose(&mut self, server: &mut Server) {
        if server.streams.is_empty() {
            return;
        }
        let place = self.random.usize(..server.streams.len());
        let Some(model) = self.models.get_mut(&server.streams[place].identity.name) else {
            return;
        };
        let before = model.next_sequence;
        let changes = model.propose(&mut self.random);
        if !self.log(server, place, changes, Importance::Message)
            && let Some(model) = self.models.get_mut(&server.streams[place].identity.name)
        {
            model.next_sequence = before;
        }
    }

    /// Proposes to store a message of some length.
    pub(super) fn put(&mut self, server: &mut Server, place: usize, length: u16) -> bool {
        let name = &server.streams[place].identity.name;
        let Some(model) = self.models.get_mut(name) else {
            return false;
        };
        model.next_sequence += 1;
        let change = Change::Put {
            sequence: model.next_sequence,
            subject: 1,
            length,
        };
        self.log(server, place, vec![change], Importance::Message)
    }

    /// Proposes to purge what a stream has.
    pub(super) fn purge(&mut self, server: &mut Server, place: usize) -> bool {
        let sequence = self.models[&server.streams[place].identity.name].next_sequence;
        let change = Change::PurgeTo { sequence };
        self.log(server, place, vec![change], Importance::Upkeep)
    }

    /// Has an entry be logged that makes changes. Returns whether it was taken.
    fn log(
        &mut self,
        server: &mut Server,
        place: usize,
        changes: Vec<Change>,
        importance: Importance,
    ) -> bool {
        let stream = &mut server.streams[place];
        let mut body = Vec::new();
        changes.iter().for_each(|change| change.encode(&mut body));
        let entry = Entry {
            group: stream.identity.group,
            incarnation: stream.identity.group.0,
            term: 1,
            index: stream.proposed + 1,
            timestamp: 0,
            kind: 1,
            body: &body,
        };
        let Ok(lsn) = server.wal.append(&entry, importance) else {
            return false;
        };
        stream.proposed += 1;
        if let Some(model) = self.models.get_mut(&stream.identity.name) {
            model.entries.push(changes.clone());
        }
        stream.waiting.push((lsn, stream.proposed, changes));
        true
    }

    fn some_stream<'a>(&mut self, streams: &'a mut [Running]) -> Option<&'a mut Running> {
        let count = streams.len();
        (count > 0).then(|| &mut streams[self.random.usize(..count)])
    }

    /// Has everything be durable that waits, applies it and acknowledges it.
    pub(super) fn commit(&mut self, server: &mut Server) -> Result<(), Ended> {
        let durable = server.files.carry_out_all(&mut server.wal).map_err(ended)?;
        for stream in &mut server.streams {
            while stream.waiting.first().is_some_and(|(lsn, ..)| *lsn <= durable) {
                let (_, index, changes) = stream.waiting.remove(0);
                if let Some(model) = self.models.get_mut(&stream.identity.name) {
                    model.acknowledged = index;
                }
                stream.apply(&**server.store.disk(), index, &changes)?;
            }
        }
        Ok(())
    }

    /// Begins a checkpoint, or ends one that was begun a while ago.
    pub(super) fn checkpoint(&mut self, server: &mut Server) -> Result<(), Ended> {
        let oldest = server.wal.oldest_groups().next();
        let place = server
            .streams
            .iter()
            .position(|stream| Some(stream.identity.group) == oldest);
        let Some(place) = place else {
            return Ok(());
        };
        let stream = &mut server.streams[place];
        let Some(checkpoint) = stream.checkpoint.take() else {
            let position = Position {
                index: stream.applied,
                term: 1,
            };
            stream.checkpoint = stream.messages.checkpoint(position, b"").map_err(ended)?;
            return Ok(());
        };
        checkpoint.run(&**server.store.disk()).map_err(ended)?;
        let position = stream.messages.checkpointed(&checkpoint);
        server
            .wal
            .release(stream.identity.group, position.index)
            .map_err(ended)
    }

    /// Writes a checkpoint of a stream.
    pub(super) fn checkpoint_of(&mut self, server: &mut Server, group: GroupId) -> Result<(), Ended> {
        let stream = server
            .streams
            .iter_mut()
            .find(|stream| stream.identity.group == group);
        let Some(stream) = stream else {
            return Ok(());
        };
        let position = Position {
            index: stream.applied,
            term: 1,
        };
        if let Some(checkpoint) = stream.messages.checkpoint(position, b"").map_err(ended)? {
            checkpoint.run(&**server.store.disk()).map_err(ended)?;
            let position = stream.messages.checkpointed(&checkpoint);
            server.wal.release(group, position.index).map_err(ended)?;
        }
        Ok(())
    }

    /// Begins a compaction, or ends one that was begun a while ago.
    fn compact(&mut self, server: &mut Server) -> Result<(), Ended> {
        let disk = Arc::clone(server.store.disk());
        let Some(stream) = self.some_stream(&mut server.streams) else {
            return Ok(());
        };
        match stream.compaction.take() {
            None => stream.compaction = stream.messages.compaction(),
            Some(compaction) => match compaction.run(&*disk) {
                Ok(compacted) => stream.messages.compacted(compacted),
                Err(error) => {
                    stream.messages.not_compacted(&error);
                    let is_purged = matches!(&error.source, SegmentError::Disk(error)
                            if error.kind() == io::ErrorKind::NotFound);
                    if !is_purged {
                        return Err(ended(error));
                    }
                }
            },
        }
        Ok(())
    }

    /// Has nothing be sealed by another key than the newest.
    pub(super) fn rewrite(&mut self, server: &mut Server) {
        let disk = Arc::clone(server.store.disk());
        for stream in &mut server.streams {
            server.store.rewrite(&stream.identity).unwrap();
            for _ in 0..2 {
                let position = Position {
                    index: stream.applied,
                    term: 1,
                };
                let checkpoint = stream.messages.checkpoint(position, b"").unwrap().unwrap();
                checkpoint.run(&*disk).unwrap();
                stream.messages.checkpointed(&checkpoint);
                server.wal.release(stream.identity.group, stream.applied).unwrap();
                while let Some(compaction) = stream.messages.compaction() {
                    stream.messages.compacted(compaction.run(&*disk).unwrap());
                }
            }
        }
        self.commit(server).unwrap();
    }

    fn flush(&mut self, server: &mut Server) -> Result<(), Ended> {
        let disk = Arc::clone(server.store.disk());
        let Some(stream) = self.some_stream(&mut server.streams) else {
            return Ok(());
        };
        if let Some(flush) = stream.messages.flush().map_err(ended)? {
            flush.run(&*disk).map_err(ended)?;
            stream.messages.flushed(&flush);
        }
        Ok(())
    }

    pub(super) fn files(&self, extension: &str) -> Vec<PathBuf> {
        let files = self.disk.files().into_iter().map(|(path, _)| path);
        files
            .filter(|path| path.extension().is_some_and(|other| other == extension))
            .collect()
    }
}
