//! What comes from origins: what of it is stored, and as what.

use super::origin::{Phase, Pushed, Verdict};
use super::{Effect, Known, Said, Stream};
use crate::error::ApiError;
use crate::header;
use crate::held::{Cold, Messages};
use crate::stream::ahead::Detail;
use crate::stream::counter::{self, Counted};
use crate::stream::entry::{Entry, Store};
use crate::stream::lifetime::Lifetime;
use crate::stream::publishing::{Decided, MAX_HEADERS, REQUEST_INFO};
use crate::stream::rollup::Rollup;
use crate::stream::{Stop, Surroundings};
use bytes::Bytes;

/// What is said to a stream only for the sake of where it is published.
const OF_PUBLISHING: [&[u8]; 2] = [b"Nats-Expected-", b"Nats-Batch-"];

/// Something that has come from an origin, or an answer of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heard<'a> {
    /// The number under which it has come.
    pub number: u32,
    /// The subject that it shows.
    pub subject: &'a Bytes,
    /// Where it is to be answered; empty: nowhere.
    pub reply: &'a Bytes,
    /// Its headers; empty: none.
    pub headers: &'a Bytes,
    /// What it says.
    pub payload: &'a Bytes,
}

/// What has become of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hearing {
    /// It is done with.
    Done,
    /// It has to be heard again when what is ahead is in the log.
    Unsettled,
    /// It has to be heard again when a message has been read.
    Cold(Cold),
}

impl<M: Messages> Stream<M> {
    /// Something has come under a number that was [told](Effect::Listen).
    pub fn hear(&mut self, around: &Surroundings<'_>, heard: Heard<'_>) -> Hearing {
        if self.hear_of_dead_letter(around, heard) {
            return Hearing::Done;
        }
        let last = self.ahead.last().unwrap_or(self.last);
        let Some((id, origin)) = self.sourcing.from(heard.number) else {
            return Hearing::Done;
        };
        if let Phase::Asks { .. } = origin.phase {
            self.answered(around, id, heard.headers, heard.payload);
            return Hearing::Done;
        }
        origin.heard = Some(around.now);
        let taken = match origin.is_mirrored() {
            true => origin.sequence.max(last),
            false => origin.sequence,
        };
        match origin.judge(heard.reply, heard.headers, heard.payload, taken) {
            Verdict::Nothing => {}
            Verdict::Old { delivered } => origin.count(delivered),
            Verdict::Confirm(to) => self.say_how_far(id, to),
            Verdict::Gap => self.ask_again(id, around.now),
            Verdict::New(pushed) => return self.take(around, id, heard, &pushed),
        }
        Hearing::Done
    }

    /// Says how far all has come, once that is in the log: the other may let go of it then.
    fn say_how_far(&mut self, id: u32, to: Bytes) {
        let Some(origin) = self.sourcing.origins.get(&id) else {
            return;
        };
        let Phase::Gets { delivered, .. } = origin.phase else {
            return;
        };
        let (delivered, sequence) = (delivered.to_string(), origin.sequence.to_string());
        let headers = header::with(
            b"",
            &[
                (header::LAST_CONSUMER, delivered.as_bytes()),
                (header::LAST_STREAM, sequence.as_bytes()),
            ],
        );
        let answer = Effect::Say(Said {
            subject: to,
            headers,
            ..Said::default()
        });
        let at_once = self.ahead.answer_after(answer);
        self.effects.list.extend(at_once);
    }

    fn take(&mut self, around: &Surroundings<'_>, id: u32, heard: Heard<'_>, pushed: &Pushed) -> Hearing {
        let decided = self.decide_of_origin(around, id, heard, pushed);
        let Some(origin) = self.sourcing.origins.get_mut(&id) else {
            return Hearing::Done;
        };
        let is_mirrored = origin.is_mirrored();
        match decided {
            Ok(Decided { store, detail }) => {
                origin.took(pushed);
                let entry = match is_mirrored {
                    true => Entry::Mirror {
                        sequence: pushed.sequence,
                        store,
                    },
                    false => Entry::Source(store),
                };
                let details = if detail.is_plain() {
                    Vec::new()
                } else {
                    vec![detail]
                };
                self.decide(entry, details);
            }
            Err(Stop::Duplicate(_)) => {
                // It is not stored, and not to come again either.
                origin.took(pushed);
                let index = origin.index.clone();
                let known = Known {
                    sequence: pushed.sequence,
                    identity: origin.identity.clone(),
                };
                self.decide_known(index, known);
            }
            Err(Stop::Unsettled) => return Hearing::Unsettled,
            Err(Stop::Cold(cold)) => return Hearing::Cold(cold),
            Err(Stop::Refused(error)) => {
                // What does not fit now may when others have gone.
                origin.error = Some(error);
                self.ask_again(id, around.now);
            }
        }
        if is_mirrored {
            self.be_current(pushed.pending);
        }
        Hearing::Done
    }

    /// Decides about a message of an origin. It was checked there when it was published: what it says it may say.
    fn decide_of_origin(
        &self,
        around: &Surroundings<'_>,
        id: u32,
        heard: Heard<'_>,
        pushed: &Pushed,
    ) -> Result<Decided, Stop> {
        let Some(origin) = self.sourcing.origins.get(&id) else {
            return Err(Stop::Unsettled);
        };
        let is_mirrored = origin.is_mirrored();
        let subject = origin.transformed(heard.subject, around.random);
        let subject = self.transformed(&subject, around.random);
        if self.config.sealed {
            return Err(ApiError::STREAM_SEALED.into());
        }
        let mut headers = without_what_was_for_the_origin(heard.headers, is_mirrored);
        if !is_mirrored {
            let value = super::source_header::write(&origin.index, pushed.sequence, heard.subject);
            headers = header::with(&headers, &[(header::STREAM_SOURCE, &value)]);
            if let Some(seen) = header::said(&headers, header::MESSAGE_ID)
                && let Some(sequence) = self.seen(seen, around)
            {
                return Err(Stop::Duplicate(sequence));
            }
        }
        let mut payload = heard.payload.clone();
        let mut detail = Detail::default();
        if self.config.allow_counter {
            let counted = counter::count_up(self.foreseen_total(&subject)?, &headers, &payload)?;
            let Counted {
                headers: now,
                payload: sum,
                total,
                ..
            } = counted;
            (headers, payload) = (now, sum);
            detail.total = Some(total);
        }
        self.check_fits_file(&subject, &headers, &payload)?;
        self.check_size(&headers, &payload)?;
        if headers.len() > MAX_HEADERS {
            return Err(ApiError::HEADER_EXCEEDS_MAXIMUM.into());
        }
        if around.room.is_server_full {
            return Err(ApiError::INSUFFICIENT_RESOURCES.into());
        }
        let rollup = Rollup::of(&headers).unwrap_or_default();
        let time = match is_mirrored {
            true => self.stamp(pushed.time),
            false => self.stamp(around.now),
        };
        let mut store = Store {
            time,
            subject,
            headers,
            payload,
            rollup,
            ..Store::default()
        };
        if self.is_wanted(self.last + 1, &store.subject) {
            self.check_room_for(around, &store)?;
            if self.config.allow_ttl {
                store.lifetime = Lifetime::of(&store.headers).unwrap_or_default();
                self.prolong(&mut store);
            }
            self.check_limits(self.wanted(&store))?;
        }
        Ok(Decided { store, detail })
    }
}

/// What a message says of how it was to be published says nothing here, nor from where it had come.
fn without_what_was_for_the_origin(headers: &Bytes, is_mirrored: bool) -> Bytes {
    header::without(headers, |name| {
        name == REQUEST_INFO.as_bytes()
            || OF_PUBLISHING.iter().any(|beginning| name.starts_with(beginning))
            || (!is_mirrored && name == header::STREAM_SOURCE.as_bytes())
    })
}
