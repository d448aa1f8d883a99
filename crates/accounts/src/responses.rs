//! Answers that an account owes to requests that came from others.
//!
//! A request goes on with a reply subject of the exporting account, which stands for the one in the importing account until
//! it is answered, or has been waited for long enough. Those of each import are a list of their own, bounded, in the order in
//! which they were last touched: the first is the first to be given up, as all of a list are waited for equally long. So
//! one who asks and never is answered takes from nobody else.

use crate::export::ResponseType;
use lru::LruCache;
use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::time::Duration;

/// What all reply subjects that stand for another begin with. Clients may not have answers sent there.
pub const RESPONSE_PREFIX: &[u8] = b"_R_.";

/// How many answers the requests by one import wait for at once.
pub const AWAITED_AT_MOST: usize = 65_536;

/// How many bytes the replies that these stand for have.
pub const REPLY_BYTES_AT_MOST: usize = 8 * 1024 * 1024;

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// How many digits a token has by which an answer is known: 64 bits.
const TOKEN_DIGITS: usize = 11;

/// How many digits tell an account's replies from those of other servers.
const PREFIX_DIGITS: usize = 6;

/// The answers that one account owes. `T` is whatever else has to be known of a request.
#[derive(Debug)]
pub struct Responses<T> {
    /// Up to the token.
    prefix: Box<[u8]>,
    /// What the replies of some requests end with.
    mark: Box<[u8]>,
    /// Numbers turned by it look like no others to those who do not know it.
    secret: RandomState,
    counted: u64,
    lists: HashMap<u32, List<T>>,
    waiting: usize,
}

/// Those of one import.
#[derive(Debug)]
struct List<T> {
    response_type: ResponseType,
    threshold: Duration,
    awaited: LruCache<u64, Awaited<T>>,
    bytes: usize,
}

/// One request that waits for its answer.
#[derive(Debug)]
struct Awaited<T> {
    reply: Box<[u8]>,
    touched: Duration,
    request: T,
}

/// Where an answer goes.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer<T> {
    /// The reply subject in the importing account.
    pub reply: Box<[u8]>,
    /// What was said of the request.
    pub request: T,
    /// The list that it was in.
    pub list: u32,
}

/// How answers to the requests of one import are waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Which list they are in.
    pub list: u32,
    /// How many messages an answer is.
    pub response_type: ResponseType,
    /// How long it is waited for.
    pub threshold: Duration,
}

impl<T> Default for Responses<T> {
    fn default() -> Self {
        let secret = RandomState::new();
        let mut prefix = RESPONSE_PREFIX.to_vec();
        append_digits(secret.hash_one("prefix"), PREFIX_DIGITS, &mut prefix);
        prefix.push(b'.');
        Self {
            prefix: prefix.into(),
            mark: Box::default(),
            secret,
            counted: 0,
            lists: HashMap::new(),
            waiting: 0,
        }
    }
}

impl<T> Responses<T> {
    /// What is to be subscribed to, that answers come here.
    pub fn pattern(&self) -> Vec<u8> {
        [&*self.prefix, b">"].concat()
    }

    /// Replies that are to be known by it end with this from now on.
    pub fn set_mark(&mut self, mark: &[u8]) {
        self.mark = mark.into();
    }

    /// How many answers are waited for.
    pub fn len(&self) -> usize {
        self.waiting
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.waiting == 0
    }

    /// Waits for the answer to a request that is to be sent to `reply`; appends the subject that stands for that, which ends
    /// with the mark if it `is_marked`. What the list has no more room for is given up, the one that was asked first.
    pub fn wait(
        &mut self,
        terms: Terms,
        (reply, is_marked): (&[u8], bool),
        request: T,
        now: Duration,
        subject: &mut Vec<u8>,
    ) -> Vec<T> {
        self.counted += 1;
        let token = self.secret.hash_one(self.counted);
        let list = self.lists.entry(terms.list).or_insert_with(|| List {
            response_type: terms.response_type,
            threshold: terms.threshold,
            awaited: LruCache::unbounded(),
            bytes: 0,
        });
        // What the exporting account says now is true for what was asked before, too.
        (list.response_type, list.threshold) = (terms.response_type, terms.threshold);
        let mut given_up = Vec::new();
        while list.awaited.len() >= AWAITED_AT_MOST || list.bytes + reply.len() > REPLY_BYTES_AT_MOST {
            let Some(request) = list.give_up() else { break };
            self.waiting -= 1;
            given_up.push(request);
        }
        list.bytes += reply.len();
        self.waiting += 1;
        let awaited = Awaited {
            reply: reply.into(),
            touched: now,
            request,
        };
        // No token comes twice: numbers do not, and equal ones of two would be found by chance in some ages.
        if let Some(before) = list.awaited.put(token, awaited) {
            list.bytes -= before.reply.len();
            self.waiting -= 1;
        }
        subject.extend_from_slice(&self.prefix);
        append_digits(token, TOKEN_DIGITS, subject);
        append_number(terms.list, subject);
        if is_marked {
            subject.extend_from_slice(&self.mark);
        }
        given_up
    }

    /// Whether the answer is waited for that is to come to `subject`.
    pub fn is_awaited(&self, subject: &[u8]) -> bool {
        let awaited = self.parse(subject).and_then(|(token, number)| {
            let list = self.lists.get(&number)?;
            list.awaited.peek(&token)
        });
        awaited.is_some()
    }

    /// Nobody is going to answer the request whose reply is `subject`.
    pub fn forget(&mut self, subject: &[u8]) -> Option<T> {
        let (token, number) = self.parse(subject)?;
        let list = self.lists.get_mut(&number)?;
        let awaited = list.awaited.pop(&token)?;
        list.bytes -= awaited.reply.len();
        self.waiting -= 1;
        self.drop_if_empty(number);
        Some(awaited.request)
    }

    /// Gives up what has been waited for long enough, as many as `at_most`, and tells what was said of those requests.
    pub fn expire(&mut self, now: Duration, at_most: usize) -> Vec<T> {
        let mut expired = Vec::new();
        self.lists.retain(|_, list| {
            while expired.len() < at_most
                && let Some((_, first)) = list.awaited.peek_lru()
                && first.touched + list.threshold <= now
                && let Some(request) = list.give_up()
            {
                self.waiting -= 1;
                expired.push(request);
            }
            !list.awaited.is_empty()
        });
        expired
    }

    fn parse(&self, subject: &[u8]) -> Option<(u64, u32)> {
        let token = subject.strip_prefix(&*self.prefix)?;
        let (token, list) = token.split_at_checked(TOKEN_DIGITS)?;
        let list = list.strip_suffix(&*self.mark).unwrap_or(list);
        Some((number(token)?, u32::try_from(number(list)?).ok()?))
    }

    fn drop_if_empty(&mut self, number: u32) {
        if self
            .lists
            .get(&number)
            .is_some_and(|list| list.awaited.is_empty())
        {
            self.lists.remove(&number);
        }
    }
}

impl<T: Clone> Responses<T> {
    /// A message is published on `subject`: where it goes, if that is an answer that is waited for. It is the last if one is
    /// all there is, or `is_end`.
    pub fn answer(&mut self, subject: &[u8], is_end: bool, now: Duration) -> Option<Answer<T>> {
        let (token, number) = self.parse(subject)?;
        let list = self.lists.get_mut(&number)?;
        let awaited = list.awaited.get_mut(&token)?;
        if awaited.touched + list.threshold <= now {
            return None;
        }
        awaited.touched = now;
        let answer = Answer {
            reply: awaited.reply.clone(),
            request: awaited.request.clone(),
            list: number,
        };
        if is_end || list.response_type == ResponseType::Singleton {
            self.forget(subject);
        }
        Some(answer)
    }
}

impl<T> List<T> {
    fn give_up(&mut self) -> Option<T> {
        let (_, awaited) = self.awaited.pop_lru()?;
        self.bytes -= awaited.reply.len();
        Some(awaited.request)
    }
}

fn append_digits(mut number: u64, digits: usize, out: &mut Vec<u8>) {
    for _ in 0..digits {
        out.push(DIGITS[(number % 62) as usize]);
        number /= 62;
    }
}

/// The same without zeros at its end.
fn append_number(mut number: u32, out: &mut Vec<u8>) {
    while number > 0 {
        out.push(DIGITS[(number % 62) as usize]);
        number /= 62;
    }
}

fn number(digits: &[u8]) -> Option<u64> {
    digits.iter().rev().try_fold(0_u64, |number, digit| {
        let value = DIGITS.iter().position(|known| known == digit)?;
        number.checked_mul(62)?.checked_add(value as u64)
    })
}

#[cfg(test)]
mod tests;
