//! What other servers are interested in, and are told.

use crate::permitting::{FormerPermissions, RoutePermissions};
use crate::unplaced::Unplaced;
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use vagus_actors::connection::Turn;
use vagus_actors::router::InterestChange;
use vagus_protocol::route::{RoutedInterest, interest};
use vagus_routing::subject;

/// What another server is interested in, as it has said.
#[derive(Debug, Default)]
pub(crate) struct Announced {
    /// What concerns accounts that there are not.
    unplaced: Unplaced,
    /// How many members a queue group has there, by account and name of the interest, where it is not one.
    weights: HashMap<Box<[u8]>, Weights, RandomState>,
    /// The name of an interest while it is looked for.
    name: Vec<u8>,
}

/// By the names of interest.
type Weights = HashMap<Box<[u8]>, u32, RandomState>;

/// What came of an RS+ or RS-.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Noted {
    Done,
    /// There is no such account here. It counts as soon as there is.
    UnknownAccount,
    InvalidSubject,
    /// This server does not let others have it.
    NotExported,
}

/// By this the subscription that stands for an interest is found again, within its account, where only one server is behind
/// the connection.
pub(crate) fn name_within_account(name: &mut Vec<u8>, interest: &RoutedInterest<'_>) {
    name.clear();
    name.extend_from_slice(interest.subject);
    if let Some(queue) = interest.queue {
        name.push(b' ');
        name.extend_from_slice(queue);
    }
}

/// The same, within its account. That of leaf nodes is apart
/// from that of the server itself, and by their cluster.
fn append_name(name: &mut Vec<u8>, interest: &RoutedInterest<'_>) {
    name.clear();
    let words = [interest.origin.unwrap_or_default(), interest.subject];
    for word in words.into_iter().chain(interest.queue) {
        name.extend_from_slice(word);
        name.push(b' ');
    }
    // Subscriptions add a blank of their own.
    name.pop();
}

/// The subject and the queue group of an interest of this name.
fn subject_and_queue(name: &[u8]) -> (&[u8], Option<&[u8]>) {
    let mut words = name.split(|byte| *byte == b' ').skip(1);
    (words.next().unwrap_or_default(), words.next())
}

impl Announced {
    /// RS+ and LS+. `account` is whose interest it is.
    pub(crate) fn subscribe(
        &mut self,
        account: &[u8],
        interest: &RoutedInterest<'_>,
        permissions: &RoutePermissions,
        turn: &mut impl Turn,
    ) -> Noted {
        if !subject::is_valid_subscription(interest.subject) {
            return Noted::InvalidSubject;
        }
        append_name(&mut self.name, interest);
        if self.unplaced.has(account) || !turn.enter(account) {
            self.unplaced.note(account, &self.name, interest.weight);
            return Noted::UnknownAccount;
        }
        let name = std::mem::take(&mut self.name);
        let noted = self.place(account, (&name, interest.weight), permissions, turn);
        self.name = name;
        noted
    }

    /// Subscribes in the account that was entered, as far as this server lets others have it.
    fn place(
        &mut self,
        account: &[u8],
        (name, weight): (&[u8], u32),
        permissions: &RoutePermissions,
        turn: &mut impl Turn,
    ) -> Noted {
        let (subject, queue) = subject_and_queue(name);
        let Some(except) = permissions.exports(subject) else {
            return Noted::NotExported;
        };
        let is_new = !turn.is_subscribed(name);
        if is_new {
            turn.subscribe(subject, queue, name, except);
        }
        if queue.is_some() && !(is_new && weight == 1) {
            turn.weigh(name, weight);
            self.set_weight(account, name, weight);
        }
        Noted::Done
    }

    fn set_weight(&mut self, account: &[u8], name: &[u8], weight: u32) {
        if weight == 1 {
            self.take_weight(account, name);
            return;
        }
        let weights = match self.weights.get_mut(account) {
            Some(weights) => weights,
            None => self.weights.entry(account.into()).or_default(),
        };
        weights.insert(name.into(), weight);
    }

    fn take_weight(&mut self, account: &[u8], name: &[u8]) -> u32 {
        let Some(weights) = self.weights.get_mut(account) else {
            return 1;
        };
        let weight = weights.remove(name);
        if weights.is_empty() {
            self.weights.remove(account);
        }
        weight.unwrap_or(1)
    }

    /// RS- and LS-.
    pub(crate) fn unsubscribe(
        &mut self,
        account: &[u8],
        interest: &RoutedInterest<'_>,
        turn: &mut impl Turn,
    ) {
        append_name(&mut self.name, interest);
        if self.unplaced.has(account) || !turn.enter(account) {
            self.unplaced.forget(account, &self.name);
            return;
        }
        turn.unsubscribe(&self.name, None);
        if interest.queue.is_some() {
            let name = std::mem::take(&mut self.name);
            self.take_weight(account, &name);
            self.name = name;
        }
    }

    /// There is an account: what was announced before counts from now on. False if it is not all in this turn; an error if
    /// something of it is not known any more.
    pub(crate) fn account_came(
        &mut self,
        account: &[u8],
        permissions: &RoutePermissions,
        turn: &mut impl Turn,
    ) -> Result<bool, Forgotten> {
        while self.unplaced.has(account) {
            if !turn.goes_on(None, false) {
                return Ok(false);
            }
            if !turn.enter(account) {
                // It is gone again.
                return Ok(true);
            }
            turn.charge(1);
            if let Some((name, weight)) = self.unplaced.take_one(account) {
                self.place(account, (&name, weight), permissions, turn);
            }
        }
        match self.unplaced.is_incomplete() {
            true => Err(Forgotten),
            false => Ok(true),
        }
    }

    /// Nothing of what was announced in an account counts any more.
    pub(crate) fn forget_account(&mut self, account: &[u8]) {
        self.weights.remove(account);
        self.unplaced.forget_account(account);
    }

    /// An account is gone, in which there was a subscription of this name.
    pub(crate) fn lost(&mut self, account: &[u8], name: &[u8]) {
        let weight = self.take_weight(account, name);
        self.unplaced.note(account, name, weight);
    }
}

/// More was announced for accounts that there were not than could be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Forgotten;

/// Tells the other server what is wanted here, in the account where that is to be said: as far as this server imports it, and
/// what it was told `former`ly is taken back.
pub(crate) fn tell<'a>(
    account: Option<&str>,
    permissions: &RoutePermissions,
    former: &FormerPermissions,
    changes: impl Iterator<Item = InterestChange<'a>>,
    turn: &mut impl Turn,
) {
    let mut lines = Vec::new();
    for change in changes {
        let is_imported = permissions.imports(change.subject);
        if !is_imported && !former.imported(change.subject) {
            continue;
        }
        let InterestChange { subject, queue, .. } = change;
        let (account, weight) = (
            account.map(str::as_bytes),
            if is_imported { change.weight } else { 0 },
        );
        match change.of_leaf_nodes {
            None => interest::append(&mut lines, account, subject, queue, weight),
            Some(cluster) => {
                interest::append_of_leaf_nodes(&mut lines, cluster, account, (subject, queue), weight);
            }
        }
    }
    if !lines.is_empty() {
        turn.tell_interest(&lines);
    }
}
