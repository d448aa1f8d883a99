//! What an origin answers that has been asked for a consumer.

use super::asking::{Answered, AnsweredConfig, Form};
use super::origin::Origin;
use super::{Known, Stream};
use crate::config::{is_literal, is_name};
use crate::error::ApiError;
use crate::header;
use crate::held::Messages;
use crate::message::SEQUENCE_AT_MOST;
use crate::stream::entry::Entry;
use crate::stream::{Effect, Surroundings};
use crate::time::Time;
use bytes::Bytes;

/// What has to be acknowledged is by answers to flow control.
const BY_FLOW_CONTROL: &str = "flow_control";

/// A copy that lacks fewer messages answers in the name of what it is a copy of.
const CURRENT_BELOW: u64 = 10;

/// How long an identity may be.
const IDENTITY_AT_MOST: usize = 64;

/// What follows from an answer.
enum Outcome {
    /// There is a consumer.
    Made(Box<Answered>),
    /// It is asked once more, at once.
    Again,
    /// It is another stream of the same name.
    Another,
    /// It cannot be.
    Failed(Option<ApiError>),
}

impl<M: Messages> Stream<M> {
    /// An origin has answered.
    pub(super) fn answered(&mut self, around: &Surroundings<'_>, id: u32, headers: &[u8], payload: &[u8]) {
        let now = around.now;
        let Some(origin) = self.sourcing.origins.get_mut(&id) else {
            return;
        };
        let identity = header::said(headers, header::STREAM_IDENTITY);
        let identity = identity.and_then(|text| str::from_utf8(text).ok());
        let identity = identity
            .filter(|text| text.len() <= IDENTITY_AT_MOST)
            .unwrap_or_default();
        match outcome(origin, identity, headers, payload) {
            Outcome::Made(answer) => self.listen(now, id, *answer, identity),
            Outcome::Again => {
                self.hang_up(id);
                self.ask(around, id);
            }
            Outcome::Another => self.begin_anew(around, id, identity),
            Outcome::Failed(error) => self.back_off(id, now, error),
        }
    }

    /// The origin is another stream: all of it is wanted.
    fn begin_anew(&mut self, around: &Surroundings<'_>, id: u32, identity: &str) {
        self.hang_up(id);
        let known = Known {
            sequence: 0,
            identity: identity.to_owned(),
        };
        let Some(origin) = self.sourcing.origins.get_mut(&id) else {
            return;
        };
        (origin.sequence, origin.identity) = (0, identity.to_owned());
        let index = origin.index.clone();
        self.decide_known(index, known);
        self.ask(around, id);
    }

    /// There is a consumer: what it pushes is listened for.
    fn listen(&mut self, now: Time, id: u32, answer: Answered, identity: &str) {
        self.hang_up(id);
        let last = self.ahead.last().unwrap_or(self.last);
        let before = answer.delivered.stream_seq;
        let number = self.sourcing.next_number();
        self.sourcing.by_number.insert(number, id);
        let (mut subject, mut noted) = (Bytes::new(), None);
        let mut is_mirrored = false;
        let config = answer.config.unwrap_or_default();
        self.with_origin(id, |origin| {
            is_mirrored = origin.is_mirrored();
            subject = match &origin.source.consumer {
                Some(given) => Bytes::copy_from_slice(given.deliver_subject.as_bytes()),
                None => config.deliver_subject.into(),
            };
            if origin.form == Form::Fitting && !config.sourcing {
                // It does not know such consumers: one that is used again would be in the way of the next.
                origin.form = Form::Plain;
            }
            if !is_mirrored && !identity.is_empty() && origin.identity != identity {
                identity.clone_into(&mut origin.identity);
                noted = Some(origin.index.clone());
            }
            origin.sequence = origin.sequence.max(before);
            origin.lag = answer.num_pending;
            origin.gets(number, answer.name, now);
        });
        if let Some(index) = noted {
            let known = Known {
                sequence: self.sourcing.origins.get(&id).map_or(0, |origin| origin.sequence),
                identity: identity.to_owned(),
            };
            self.decide_known(index, known);
        }
        if is_mirrored && before > last {
            self.decide(Entry::Skip(before), Vec::new());
        }
        if is_mirrored {
            self.be_current(answer.num_pending);
        }
        self.effects.list.push(Effect::Listen {
            number,
            subject,
            then: None,
        });
    }

    /// A copy lacks so many messages: if that is few, it answers for what it is a copy of.
    pub(super) fn be_current(&mut self, lag: u64) {
        if lag < CURRENT_BELOW && !self.sourcing.is_current {
            self.sourcing.is_current = true;
            self.effects.list.push(Effect::MirrorIsCurrent);
        }
    }
}

fn outcome(origin: &mut Origin, identity: &str, headers: &[u8], payload: &[u8]) -> Outcome {
    if headers.starts_with(b"NATS/1.0 503") {
        return Outcome::Failed(None);
    }
    let Ok(answer) = serde_json::from_slice::<Answered>(payload) else {
        return Outcome::Failed(Some(ApiError::invalid_json(
            "no answer to the wish for a consumer",
        )));
    };
    if let Some(error) = &answer.error {
        let is = |known: &ApiError| known.err_code == error.err_code;
        if is(&ApiError::CONSUMER_IDENTITY_MISMATCH) && !origin.is_mirrored() {
            return Outcome::Another;
        }
        if origin.form == Form::Fitting
            && (is(&ApiError::REQUIRED_API_LEVEL) || is(&ApiError::invalid_json("")))
        {
            origin.form = Form::Plain;
            return Outcome::Again;
        }
        return Outcome::Failed(Some(ApiError::of_another(
            error.code,
            error.err_code,
            error.description.clone(),
        )));
    }
    // What it says is listened to, and said: it has to be what such things can be.
    let is_possible = |config: &&AnsweredConfig| {
        let is_subject = origin.form == Form::Given || is_literal(&config.deliver_subject);
        is_subject && is_name(&answer.name) && answer.delivered.stream_seq <= SEQUENCE_AT_MOST
    };
    let Some(config) = answer.config.as_ref().filter(is_possible) else {
        let why = "invalid consumer create response";
        return Outcome::Failed(Some(match origin.is_mirrored() {
            true => ApiError::mirror_consumer_failed(why),
            false => ApiError::source_consumer_failed(why),
        }));
    };
    if origin.form == Form::Given && config.ack_policy != BY_FLOW_CONTROL {
        return Outcome::Failed(Some(match origin.is_mirrored() {
            true => ApiError::MIRROR_CONSUMER_REQUIRES_FLOW_CONTROL,
            false => ApiError::SOURCE_CONSUMER_REQUIRES_FLOW_CONTROL,
        }));
    }
    let is_another = !identity.is_empty() && !origin.identity.is_empty() && origin.identity != identity;
    match is_another && !origin.is_mirrored() {
        true => Outcome::Another,
        false => Outcome::Made(Box::new(answer)),
    }
}
