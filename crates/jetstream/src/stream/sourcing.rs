//! The streams whose messages a stream gets: the one that it mirrors, or its sources.
//!
//! Each is an [`Origin`] that is asked for a consumer; what that pushes comes under a number, and is decided upon like what
//! is published. Nothing of it is kept but what follows from the log: the last sequence of a copy, and how far a stream
//! [is](known) with each of its sources. So after a restart, and after anything that is missing, the origin is asked for
//! exactly what follows.

mod answering;
mod asking;
mod known;
mod origin;
mod showing;
mod source_header;
mod taking;

pub use known::Known;
pub(super) use known::{get_known, put_known};
pub(super) use source_header::stream_and_subject;
pub use taking::{Heard, Hearing};

use super::effect::Said;
use super::entry::{Entry, NoEntries};
use super::{Effect, Stream, Surroundings};
use crate::consumer::Random;
use crate::held::Messages;
use crate::time::{SECOND, Time};
use asking::{Form, Place, Start, api_subject, request};
use bytes::Bytes;
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use known::KnownSources;
use origin::{Origin, Phase};
use std::collections::{BTreeMap, BTreeSet};

/// Those that are to be asked first are not all asked at once, but within this time.
const ASKED_WITHIN: u64 = SECOND.unsigned_abs() / 20;

/// How many letters of subjects are drawn.
const DRAWN: usize = 8;

/// How many are asked in one turn.
const ASKED_AT_ONCE: usize = 64;

/// The streams whose messages a stream gets.
#[derive(Debug, Default)]
pub(super) struct Sourcing {
    /// Who asks; None: nobody yet.
    place: Option<Place>,
    /// By numbers that say nothing.
    origins: BTreeMap<u32, Origin>,
    /// How many of them have the same name.
    names: HashMap<String, usize, RandomState>,
    /// Which of them something comes from, by the number under which it comes.
    by_number: HashMap<u32, u32, RandomState>,
    /// When something has to be done for them.
    due: BTreeSet<(Time, u32)>,
    /// The last number that was given, of both kinds.
    numbers: u32,
    random: Random,
    known: KnownSources,
    /// Whether a copy has as good as all that there is.
    is_current: bool,
}

impl Sourcing {
    fn next_number(&mut self) -> u32 {
        self.numbers = self.numbers.wrapping_add(1);
        self.numbers
    }

    /// A number under which something else is to be heard, and letters that nobody can guess.
    pub(super) fn draw(&mut self, random: u32) -> (u32, String) {
        self.random.stir(u64::from(random));
        (self.next_number(), self.random.name(DRAWN))
    }

    /// Where something comes from under a number.
    fn from(&mut self, number: u32) -> Option<(u32, &mut Origin)> {
        let id = *self.by_number.get(&number)?;
        self.origins.get_mut(&id).map(|origin| (id, origin))
    }

    /// Has something be done for an origin that has been changed.
    fn settle(&mut self, id: u32, before: Time) {
        self.due.remove(&(before, id));
        if let Some(origin) = self.origins.get(&id) {
            self.due.insert((origin.due(), id));
        }
    }

    /// When something has to be done.
    pub(super) fn wake_at(&self) -> Option<Time> {
        self.due.first().map(|(time, _)| *time)
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        self.known.encode(out);
    }

    pub(super) fn decode(&mut self, from: &mut Bytes) -> Result<(), NoEntries> {
        self.known = KnownSources::decode(from)?;
        Ok(())
    }
}

impl<M: Messages> Stream<M> {
    /// From now on messages of others are got. `account`: the one that the stream is in; `domain`: that of the server.
    pub fn begin_sourcing(&mut self, around: &Surroundings<'_>, account: &str, domain: &str) {
        self.sourcing
            .random
            .stir(around.now.0.unsigned_abs() ^ u64::from(around.random) << 32);
        self.sourcing.place = Some(Place {
            stream: self.config.name.clone(),
            account: account.to_owned(),
            domain: domain.to_owned(),
        });
        self.take_sources(around.now);
    }

    /// The stream is configured anew: who is no longer a source is left, who is one now is asked.
    pub(super) fn take_sources(&mut self, now: Time) {
        let indices: Vec<String> = self.config.sources.iter().map(source_header::index_of).collect();
        self.sourcing.known.keep(&indices);
        if self.sourcing.place.is_none() {
            return;
        }
        let mirror = self.config.mirror.iter().map(|mirror| (String::new(), mirror));
        let sources = self.config.sources.iter();
        let sources = indices.into_iter().zip(sources);
        let mut wanted: BTreeMap<String, _> = mirror
            .chain(sources)
            .map(|(index, source)| (index, source.clone()))
            .collect();
        let there: Vec<u32> = self.sourcing.origins.keys().copied().collect();
        for id in there {
            let origin = self.sourcing.origins.get(&id);
            let is_wanted = origin.is_some_and(|origin| wanted.get(&origin.index) == Some(&origin.source));
            match origin {
                Some(origin) if is_wanted => drop(wanted.remove(&origin.index)),
                _ => self.leave(id),
            }
        }
        for (index, source) in wanted {
            let sourcing = &mut self.sourcing;
            let jitter = i64::try_from(sourcing.random.below(ASKED_WITHIN)).unwrap_or(0);
            let mut origin = Origin::new(source, index, now.after(jitter));
            if !origin.is_mirrored() {
                let known = sourcing.known.of(&origin.index);
                (origin.sequence, origin.identity) = (known.sequence, known.identity);
            }
            let id = sourcing.next_number();
            let due = origin.due();
            sourcing.origins.insert(id, origin);
            sourcing.settle(id, due);
        }
        let sourcing = &mut self.sourcing;
        sourcing.names.clear();
        for origin in sourcing.origins.values() {
            *sourcing.names.entry(origin.source.name.clone()).or_default() += 1;
        }
        self.sourcing.is_current &= self.config.mirror.is_some();
    }

    /// The stream goes, for good: others need not keep what they do for it.
    pub fn end_sourcing(&mut self) {
        let there: Vec<u32> = self.sourcing.origins.keys().copied().collect();
        for id in there {
            self.leave(id);
        }
    }

    /// Nothing more is wanted from there.
    fn leave(&mut self, id: u32) {
        self.hang_up(id);
        let Some(origin) = self.sourcing.origins.remove(&id) else {
            return;
        };
        self.sourcing.due.remove(&(origin.due(), id));
        // Who has made a consumer for this keeps it.
        if origin.form != Form::Given
            && let Phase::Gets { consumer, .. } = &origin.phase
        {
            let delete = format!("CONSUMER.DELETE.{}.{consumer}", origin.source.name);
            let reply = format!("$JSC.R.{}", self.sourcing.random.name(DRAWN));
            self.effects.list.push(Effect::Say(Said {
                subject: api_subject(&origin.source, &delete),
                // Nobody waits for the answer, but without anybody to answer nothing is done.
                reply: reply.into(),
                ..Said::default()
            }));
        }
    }

    /// Nothing that still comes from there is heard.
    fn hang_up(&mut self, id: u32) {
        let number = self.sourcing.origins.get(&id).and_then(Origin::number);
        if let Some(number) = number {
            self.sourcing.by_number.remove(&number);
            self.effects.list.push(Effect::StopListening { number });
        }
    }

    /// Changes an origin, and has what is to be done for it follow.
    fn with_origin(&mut self, id: u32, change: impl FnOnce(&mut Origin)) {
        if let Some(origin) = self.sourcing.origins.get_mut(&id) {
            let before = origin.due();
            change(origin);
            self.sourcing.settle(id, before);
        }
    }

    /// Nothing that was proposed has come to anything: all are asked anew for what follows what there is.
    pub(super) fn source_again(&mut self, now: Time) {
        let there: Vec<u32> = self.sourcing.origins.keys().copied().collect();
        for id in there {
            self.ask_again(id, now);
        }
    }

    /// Asks anew for what follows.
    fn ask_again(&mut self, id: u32, now: Time) {
        self.hang_up(id);
        self.with_origin(id, |origin| origin.ask_again(now));
    }

    /// Does what is due.
    pub(super) fn wake_sourcing(&mut self, around: &Surroundings<'_>) {
        let now = around.now;
        for _ in 0..ASKED_AT_ONCE {
            let Some((time, id)) = self.sourcing.due.first().copied() else {
                return;
            };
            if time > now {
                return;
            }
            self.sourcing.due.remove(&(time, id));
            let Some(origin) = self.sourcing.origins.get(&id) else {
                continue;
            };
            match &origin.phase {
                Phase::Waits(_) => self.ask(around, id),
                Phase::Asks { .. } => self.back_off(id, now, None),
                // Something has come since this was looked at.
                Phase::Gets { .. } if origin.due() > now => self.sourcing.settle(id, time),
                Phase::Gets { .. } => self.ask_again(id, now),
            }
        }
    }

    fn back_off(&mut self, id: u32, now: Time, error: Option<crate::error::ApiError>) {
        self.hang_up(id);
        let jitter = self.sourcing.random.next();
        self.with_origin(id, |origin| origin.back_off(now, error, jitter));
    }

    /// Asks for what follows.
    fn ask(&mut self, around: &Surroundings<'_>, id: u32) {
        self.sourcing.random.stir(u64::from(around.random));
        let last = self.ahead.last().unwrap_or(self.last);
        let sourcing = &mut self.sourcing;
        let (Some(place), Some(origin)) = (&sourcing.place, sourcing.origins.get(&id)) else {
            return;
        };
        let taken = match origin.is_mirrored() {
            true => last,
            false => origin.sequence,
        };
        let start = match taken {
            0 => Start::AsConfigured,
            taken => Start::At(taken + 1),
        };
        let is_alone = sourcing
            .names
            .get(&origin.source.name)
            .is_none_or(|same| *same == 1);
        let random = &mut sourcing.random;
        let said = request(place, origin, start, is_alone, |length| random.name(length));
        let number = sourcing.next_number();
        sourcing.by_number.insert(number, id);
        let now = around.now;
        self.with_origin(id, |origin| {
            origin.asked = Some(now);
            let until = origin.form.patience(now);
            origin.phase = Phase::Asks { number, until };
        });
        self.effects.list.push(Effect::Listen {
            number,
            subject: said.reply.clone(),
            then: Some(Box::new(said)),
        });
    }

    /// A message that came from a source has been stored.
    pub(super) fn note_source(&mut self, headers: &[u8]) {
        if let Some((index, sequence, identity)) = source_header::read(headers) {
            self.sourcing.known.took(index, sequence, identity);
        }
    }

    /// How far the stream is with a source has been noted.
    pub(super) fn note_known(&mut self, index: String, known: Known) {
        self.sourcing.known.set(index, known);
    }

    fn decide_known(&mut self, index: String, known: Known) {
        self.decide(Entry::Known { index, known }, Vec::new());
    }
}
