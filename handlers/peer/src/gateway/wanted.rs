//! What another cluster wants, as the server of it has said to which this one is connected.
//!
//! **Optimistic**: an account of which it has not said anything, or that it does not want a subject. It is sent all but that.
//! **Interest-only**: it has told all that it wants in the account, and is sent nothing else. Members of queue groups are
//! always told. Servers since 2.9 announce that they tell all at once: they are never sent anything in hope, unless they take
//! back that they want nothing in an account.

use super::held::{AtMost, Held, Holding, TooMuch};
use super::hoping::Hope;
use crate::interest::name_within_account;
use crate::unplaced::Unplaced;
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use vagus_actors::connection::Turn;
use vagus_actors::observed::InterestMode;
use vagus_protocol::gateway::{ReplyHash, is_mapped};
use vagus_protocol::route::RoutedInterest;
use vagus_routing::subject;

/// The names of subscriptions of which the other server has not said anything. Those of its own do not begin with a blank.
const IN_HOPE: &[u8] = b" >";
const OF_REPLIES: &[u8] = b" _GR_";

/// What another cluster wants.
#[derive(Debug)]
pub(super) struct Wanted {
    /// By which it is known in replies.
    cluster: ReplyHash,
    /// Whether it is sent anything in hope.
    hopes: bool,
    accounts: HashMap<Box<[u8]>, InAccount, RandomState>,
    /// What concerns accounts that there are not.
    unplaced: Unplaced,
    held: Held,
    /// Accounts of which other subjects are not wanted than is in force.
    changed: Vec<Box<[u8]>>,
    /// The name of an interest while it is looked for.
    name: Vec<u8>,
}

/// What it wants in one account.
#[derive(Debug, Default)]
struct InAccount {
    mode: InterestMode,
    hope: Option<Hope>,
    plain: usize,
    queues: usize,
}

/// What is known of one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AccountWanted<'a> {
    pub(super) name: &'a [u8],
    pub(super) mode: InterestMode,
    pub(super) unwanted: usize,
    pub(super) subscriptions: usize,
    pub(super) queue_subscriptions: usize,
}

impl Wanted {
    pub(super) fn new(cluster: ReplyHash, at_most: AtMost) -> Self {
        Self {
            cluster,
            hopes: false,
            accounts: HashMap::default(),
            unplaced: Unplaced::default(),
            held: Held::new(at_most),
            changed: Vec::new(),
            name: Vec::new(),
        }
    }

    /// The other server is one of old: it is sent everything until it says more.
    pub(super) fn set_hopes(&mut self, hopes: bool) {
        self.hopes = hopes;
    }

    fn account(&mut self, account: &[u8]) -> Result<&mut InAccount, TooMuch> {
        if !self.accounts.contains_key(account) {
            self.held.add(Holding::Account(account.len()))?;
            let of_account = InAccount {
                hope: self.hopes.then(Hope::default),
                ..InAccount::default()
            };
            self.accounts.insert(account.into(), of_account);
        }
        self.accounts.get_mut(account).ok_or(TooMuch)
    }

    /// RS+.
    pub(super) fn subscribe(
        &mut self,
        interest: &RoutedInterest<'_>,
        turn: &mut impl Turn,
    ) -> Result<(), TooMuch> {
        let account = interest.account.unwrap_or_default();
        if !subject::is_valid_subscription(interest.subject) || is_mapped(interest.subject) {
            return Ok(());
        }
        let of_account = self.account(account)?;
        if interest.queue.is_none() && of_account.mode == InterestMode::Optimistic {
            return self.hope_otherwise(account, |hope| turn.charge(hope.regain(interest.subject)));
        }
        name_within_account(&mut self.name, interest);
        let name = std::mem::take(&mut self.name);
        let is_new = if self.unplaced.has(account) || !turn.enter(account) {
            self.unplaced.note(account, &name, 1)
        } else if turn.is_subscribed(&name) {
            false
        } else {
            turn.subscribe(interest.subject, interest.queue, &name, None);
            true
        };
        let held = match is_new {
            true => self.count(account, interest, &name),
            false => Ok(()),
        };
        self.name = name;
        match self.unplaced.is_incomplete() {
            true => Err(TooMuch),
            false => held,
        }
    }

    fn count(&mut self, account: &[u8], interest: &RoutedInterest<'_>, name: &[u8]) -> Result<(), TooMuch> {
        if let Some(of_account) = self.accounts.get_mut(account) {
            match interest.queue {
                Some(_) => of_account.queues += 1,
                None => of_account.plain += 1,
            }
        }
        self.held.add(holding(interest, name))
    }

    /// Other subjects are not wanted in an account that is sent all others; nothing if it is sent none in hope.
    fn hope_otherwise(&mut self, account: &[u8], change: impl FnOnce(&mut Hope)) -> Result<(), TooMuch> {
        let of_account = self.accounts.get_mut(account);
        let Some(hope) = of_account.and_then(|of_account| of_account.hope.as_mut()) else {
            return Ok(());
        };
        self.held.release(hope.holding());
        change(hope);
        let held = self.held.add(hope.holding());
        if hope.has_changed {
            self.changed.push(account.into());
        }
        held
    }

    /// What is hoped for in an account from now on.
    fn set_hope(&mut self, account: &[u8], hope: Option<Hope>) {
        if let Some(of_account) = self.accounts.get_mut(account)
            && let Some(before) = std::mem::replace(&mut of_account.hope, hope)
        {
            self.held.release(before.holding());
        }
    }

    /// RS-.
    pub(super) fn unsubscribe(
        &mut self,
        interest: &RoutedInterest<'_>,
        turn: &mut impl Turn,
    ) -> Result<(), TooMuch> {
        let account = interest.account.unwrap_or_default();
        let of_account = self.account(account)?;
        if interest.queue.is_none() && of_account.mode == InterestMode::Optimistic {
            return self.hope_otherwise(account, |hope| hope.give_up(interest.subject));
        }
        name_within_account(&mut self.name, interest);
        let name = std::mem::take(&mut self.name);
        let was_there = if self.unplaced.has(account) || !turn.enter(account) {
            self.unplaced.forget(account, &name)
        } else if turn.is_subscribed(&name) {
            turn.unsubscribe(&name, None);
            true
        } else {
            false
        };
        if was_there {
            self.held.release(holding(interest, &name));
            if let Some(of_account) = self.accounts.get_mut(account) {
                let count = match interest.queue {
                    Some(_) => &mut of_account.queues,
                    None => &mut of_account.plain,
                };
                *count = count.saturating_sub(1);
            }
        }
        self.name = name;
        Ok(())
    }

    /// A-: nothing is wanted in an account, but what was asked for.
    pub(super) fn account_ends(&mut self, account: &[u8], turn: &mut impl Turn) -> Result<(), TooMuch> {
        self.account(account)?;
        self.set_hope(account, None);
        self.follow_hope(account, turn);
        Ok(())
    }

    /// A+: something may be wanted in an account again.
    pub(super) fn account_begins(&mut self, account: &[u8], turn: &mut impl Turn) -> Result<(), TooMuch> {
        self.account(account)?.mode = InterestMode::Optimistic;
        self.set_hope(account, Some(Hope::default()));
        self.follow_hope(account, turn);
        Ok(())
    }

    /// All that is wanted in an account follows.
    pub(super) fn all_follows(&mut self, account: &[u8]) -> Result<(), TooMuch> {
        self.account(account)?.mode = InterestMode::Transitioning;
        Ok(())
    }

    /// All that is wanted in an account has been told.
    pub(super) fn all_is_told(&mut self, account: &[u8], turn: &mut impl Turn) -> Result<(), TooMuch> {
        self.account(account)?.mode = InterestMode::InterestOnly;
        self.set_hope(account, None);
        self.follow_hope(account, turn);
        Ok(())
    }

    /// What is sent in hope follows what has been said of it.
    pub(super) fn follow_changes(&mut self, turn: &mut impl Turn) {
        for account in std::mem::take(&mut self.changed) {
            self.follow_hope(&account, turn);
        }
    }

    /// Whether [`Self::follow_changes`] has something to do.
    pub(super) fn has_changed(&self) -> bool {
        !self.changed.is_empty()
    }

    fn follow_hope(&mut self, account: &[u8], turn: &mut impl Turn) {
        if self.unplaced.has(account) || !turn.enter(account) {
            return;
        }
        let hope = match self.accounts.get_mut(account) {
            Some(of_account) => of_account.hope.as_mut(),
            None => None,
        };
        match (hope, turn.is_subscribed(IN_HOPE)) {
            (None, true) => turn.unsubscribe(IN_HOPE, None),
            (None, false) => {}
            (Some(hope), false) => {
                turn.charge(hope.unwanted());
                turn.subscribe(b">", None, IN_HOPE, hope.filter());
            }
            (Some(hope), true) if hope.has_changed => {
                turn.charge(hope.unwanted());
                turn.except(IN_HOPE, hope.filter());
            }
            (Some(_), true) => {}
        }
    }

    /// There is an account: what was said of it before counts from now on, and replies in it lead back. False if that is not
    /// all in this turn.
    pub(super) fn account_came(&mut self, account: &[u8], turn: &mut impl Turn) -> bool {
        if !turn.enter(account) {
            return true;
        }
        if !turn.is_subscribed(OF_REPLIES) {
            turn.subscribe(&self.cluster.subject(), None, OF_REPLIES, None);
        }
        while self.unplaced.has(account) {
            if !turn.goes_on(None, false) {
                return false;
            }
            turn.charge(1);
            if let Some((name, _)) = self.unplaced.take_one(account) {
                let (subject, queue) = subject_and_queue(&name);
                turn.subscribe(subject, queue, &name, None);
            }
        }
        if self.hopes && self.account(account).is_err() {
            return true;
        }
        self.follow_hope(account, turn);
        true
    }

    /// An account is gone, in which there was a subscription of this name.
    pub(super) fn lost(&mut self, account: &[u8], name: &[u8]) {
        if name != IN_HOPE && name != OF_REPLIES {
            self.unplaced.note(account, name, 1);
        }
    }

    /// How many bytes are held for what was said.
    pub(super) fn held(&self) -> usize {
        self.held.bytes()
    }

    /// What is known, account by account.
    pub(super) fn accounts(&self) -> impl Iterator<Item = AccountWanted<'_>> {
        self.accounts.iter().map(|(name, account)| AccountWanted {
            name,
            mode: account.mode,
            unwanted: account.hope.as_ref().map_or(0, Hope::unwanted),
            subscriptions: account.plain + account.queues,
            queue_subscriptions: account.queues,
        })
    }
}

/// What an interest of this name is held as.
fn holding(interest: &RoutedInterest<'_>, name: &[u8]) -> Holding {
    match interest.queue {
        None => Holding::Subject(name.len()),
        Some(_) => Holding::Group(name.len()),
    }
}

fn subject_and_queue(name: &[u8]) -> (&[u8], Option<&[u8]>) {
    let mut words = name.splitn(2, |byte| *byte == b' ');
    (words.next().unwrap_or_default(), words.next())
}
