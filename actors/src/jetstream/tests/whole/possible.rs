//! What a stream may be: after a power cut it is open what of the last steps was kept.

use super::model::Stream;
use std::collections::VecDeque;

/// How much of what has happened is told.
const TOLD_AT_MOST: usize = 300;

/// What a stream may be by all that is known.
pub(super) struct Possible {
    /// What it may be now.
    now: Vec<Stream>,
    /// What it may be after a power cut, if none of those: what it was since something was known to be kept for good.
    before: Vec<Stream>,
    /// What is too old at that time goes before long, and until then may have gone or not.
    expires: Option<i64>,
    /// What has happened last, for who wants to know how it came to a failure.
    told: VecDeque<String>,
}

impl Possible {
    pub(super) fn of(stream: Stream) -> Self {
        Self {
            now: vec![stream],
            before: Vec::new(),
            expires: None,
            told: VecDeque::new(),
        }
    }

    /// Tells what has happened last, before something fails.
    pub(super) fn tell(&self) {
        self.told.iter().for_each(|told| println!("{told}"));
    }

    /// What it is, if that is known.
    pub(super) fn only(&self) -> Option<&Stream> {
        match &*self.now {
            [stream] => Some(stream),
            _ => None,
        }
    }

    /// One of those that it may be.
    pub(super) fn any(&self) -> &Stream {
        &self.now[0]
    }

    pub(super) fn all(&self) -> &[Stream] {
        &self.now
    }

    /// Something happens that can only happen where `act` says so.
    #[track_caller]
    pub(super) fn happens(&mut self, what: &str, act: impl Fn(&mut Stream) -> Result<(), String>) {
        if self.told.len() == TOLD_AT_MOST {
            self.told.pop_front();
        }
        self.told.push_back(what.to_owned());
        if let Some(now) = self.expires {
            self.branch(|stream| vec![stream.clone(), expired(stream, now)]);
        }
        let mut errors = Vec::new();
        let before = self.now.clone();
        self.now.retain_mut(|stream| {
            let done = act(stream);
            errors.extend(done.clone().err());
            done.is_ok()
        });
        if self.now.is_empty() {
            self.tell();
            panic!("{what}: {errors:#?}\n{before:#?}");
        }
        self.merge();
        self.before.extend(before);
    }

    /// What was done before this is kept for good.
    pub(super) fn is_kept(&mut self) {
        self.before.clear();
    }

    /// Something may have happened, or not.
    pub(super) fn may_happen(&mut self, act: impl Fn(&mut Stream) -> Result<(), String>) {
        for stream in &self.now {
            let mut other = stream.clone();
            if act(&mut other).is_ok() {
                self.before.push(other);
            }
        }
    }

    /// Each may be one of several.
    pub(super) fn branch(&mut self, into: impl Fn(&Stream) -> Vec<Stream>) {
        self.now = self.now.iter().flat_map(into).collect();
        self.merge();
    }

    /// What is too old begins to go.
    pub(super) fn begin_to_expire(&mut self, now: i64) {
        self.expires = Some(now);
    }

    /// All of it has gone that is to go. False: that cannot be, as so many messages are there still.
    pub(super) fn has_expired(&mut self, messages: u64) -> bool {
        let Some(now) = self.expires else {
            return true;
        };
        let is_so = |stream: &Stream| expired(stream, now).messages.len() as u64 == messages;
        if !self.now.iter().all(is_so) {
            return false;
        }
        self.before.extend(self.now.iter().cloned());
        self.branch(|stream| vec![expired(stream, now)]);
        self.expires = None;
        true
    }

    /// The server has begun anew, at a time.
    pub(super) fn restart(&mut self, now: i64) {
        self.told.push_back("the server begins anew".to_owned());
        self.now.append(&mut self.before);
        self.expires = None;
        for stream in &mut self.now {
            for consumer in stream.consumers.values_mut() {
                consumer.restart();
            }
            stream.wake(now);
            stream.expire(now);
        }
        self.merge();
    }

    /// Whether some of them is so; it is one of these then.
    pub(super) fn narrow(&mut self, is_so: impl Fn(&Stream) -> bool) -> bool {
        let is_some = self.now.iter().any(&is_so);
        if is_some {
            self.now.retain(is_so);
        }
        is_some
    }

    /// Those that are the same are one.
    fn merge(&mut self) {
        let mut merged: Vec<Stream> = Vec::new();
        for stream in self.now.drain(..) {
            match merged.iter_mut().find(|other| **other == stream) {
                Some(other) => {
                    for (name, consumer) in &mut other.consumers {
                        consumer.least_next = consumer.least_next.min(stream.consumers[name].least_next);
                    }
                }
                None => merged.push(stream),
            }
        }
        self.now = merged;
    }
}

fn expired(stream: &Stream, now: i64) -> Stream {
    let mut expired = stream.clone();
    expired.expire(now);
    expired
}
