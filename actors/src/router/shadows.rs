//! Subscriptions of this account as they stand in the accounts that it imports streams from.
//!
//! Each subscription to something that is imported has a shadow in the index of the exporting account, where publishers
//! find it as any other. The Router of that account writes it; this one says which there are to be, and answers who
//! subscribes when both indexes have it. A shadow has no shadows: what is imported is not passed on.

use super::Router;
use actix::Addr;
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use smallvec::SmallVec;
use std::sync::Arc;
use vagus_accounts::ImportedStream;
use vagus_delivery::Account;
use vagus_delivery::outbox::ConnectionSubscription;
use vagus_delivery::subscriptions::Change;
use vagus_routing::{AccountId, Destination, Outlet};

/// Holding a subscription against so many imports takes as long as one step of a change.
const IMPORTS_PER_STEP: usize = 4;

/// A stream that the account imports.
#[derive(Debug, Clone)]
pub(crate) struct StreamImport {
    pub(crate) stream: Arc<ImportedStream>,
    /// The exporting account, and who writes its index.
    pub(crate) exporter: Arc<Account>,
    pub(crate) router: Addr<Router>,
}

impl PartialEq for StreamImport {
    fn eq(&self, other: &Self) -> bool {
        self.stream == other.stream && self.exporter.id() == other.exporter.id()
    }
}

/// What the account imports, and what stands for its subscriptions elsewhere.
#[derive(Debug, Default)]
pub(super) struct Shadows {
    imports: Vec<StreamImport>,
    /// By the address of what they stand for, which they keep alive.
    by_original: HashMap<usize, SmallVec<[Shadow; 1]>, RandomState>,
}

#[derive(Debug)]
struct Shadow {
    subscription: Arc<ConnectionSubscription>,
    import: StreamImport,
}

/// What Routers of other accounts are to be told.
#[derive(Debug, Default)]
pub(super) struct ChangesElsewhere(HashMap<AccountId, (Addr<Router>, Vec<Change>), RandomState>);

impl ChangesElsewhere {
    fn add(&mut self, import: &StreamImport, change: Change) {
        self.0
            .entry(import.exporter.id())
            .or_insert_with(|| (import.router.clone(), Vec::new()))
            .1
            .push(change);
    }

    /// For each account, and its Router, what is to be announced there.
    pub(super) fn into_each(self) -> impl Iterator<Item = (AccountId, Addr<Router>, Vec<Change>)> {
        let each = self.0.into_iter();
        each.map(|(account, (router, changes))| (account, router, changes))
    }
}

impl Shadows {
    /// What is imported.
    pub(super) fn imports(&self) -> &[StreamImport] {
        &self.imports
    }

    /// What a change takes for their sake, in steps.
    pub(super) fn steps_of_a_change(&self) -> usize {
        self.imports.len().div_ceil(IMPORTS_PER_STEP)
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.by_original.values().map(SmallVec::len).sum()
    }

    /// Whether changes of subscriptions make a difference elsewhere.
    pub(super) fn are_none(&self) -> bool {
        self.imports.is_empty() && self.by_original.is_empty()
    }

    /// A subscription of the account changes.
    pub(super) fn follow(&mut self, change: &Change, elsewhere: &mut ChangesElsewhere) {
        let original = change.subscription();
        match change {
            Change::Add(_) => {
                for at in 0..self.imports.len() {
                    let import = self.imports[at].clone();
                    self.cast(original, &import, elsewhere);
                }
            }
            Change::Remove(_) => {
                for shadow in self.by_original.remove(&key(original)).into_iter().flatten() {
                    elsewhere.add(&shadow.import, Change::Remove(shadow.subscription));
                }
            }
            Change::Weigh(_, weight) => {
                for shadow in self.by_original.get(&key(original)).into_iter().flatten() {
                    let weigh = Change::Weigh(shadow.subscription.clone(), *weight);
                    elsewhere.add(&shadow.import, weigh);
                }
            }
            // Fan-outs there go by what the original was like, too.
            Change::Limit(..) | Change::Except(_) => {
                for shadow in self.by_original.get(&key(original)).into_iter().flatten() {
                    elsewhere.add(&shadow.import, Change::Except(shadow.subscription.clone()));
                }
            }
        }
    }

    /// Begins anew with what is imported, and without subscriptions. What there was is [to be ended](Self::end).
    pub(super) fn begin_anew(&mut self) -> Self {
        let new = Self {
            imports: self.imports.clone(),
            by_original: HashMap::default(),
        };
        std::mem::replace(self, new)
    }

    /// All of them end.
    pub(super) fn end(self) -> ChangesElsewhere {
        let mut elsewhere = ChangesElsewhere::default();
        for shadow in self.by_original.into_values().flatten() {
            elsewhere.add(&shadow.import, Change::Remove(shadow.subscription));
        }
        elsewhere
    }

    /// From now on these are imported; false if they were. [`Shadows::recast`] is to be called with every subscription there
    /// is.
    pub(super) fn change_imports(&mut self, imports: Vec<StreamImport>) -> bool {
        let differs = self.imports != imports;
        self.imports = imports;
        differs
    }

    /// A subscription may have other shadows than before, as imports have changed. Gives how much work that was, in steps.
    pub(super) fn recast(
        &mut self,
        original: &Arc<ConnectionSubscription>,
        elsewhere: &mut ChangesElsewhere,
    ) -> usize {
        let steps = 1 + self.steps_of_a_change();
        if original.is_closed() {
            return steps;
        }
        if let Some(shadows) = self.by_original.get_mut(&key(original)) {
            shadows.retain(|shadow| {
                let stays = self.imports.contains(&shadow.import);
                if !stays {
                    elsewhere.add(&shadow.import, Change::Remove(shadow.subscription.clone()));
                }
                stays
            });
            if shadows.is_empty() {
                self.by_original.remove(&key(original));
            }
        }
        for at in 0..self.imports.len() {
            let import = self.imports[at].clone();
            let has_it = |shadows: &SmallVec<[Shadow; 1]>| shadows.iter().any(|it| it.import == import);
            if !self.by_original.get(&key(original)).is_some_and(has_it) {
                self.cast(original, &import, elsewhere);
            }
        }
        steps
    }

    fn cast(
        &mut self,
        original: &Arc<ConnectionSubscription>,
        import: &StreamImport,
        elsewhere: &mut ChangesElsewhere,
    ) {
        // Another server announces what it wants in the exporting account by itself; but a link is of one account.
        let has_none = match original.destination().outlet() {
            Outlet::Account => true,
            Outlet::Peer => !original.destination().kind().is_leaf_link(),
            Outlet::Client | Outlet::Mailbox => false,
        };
        if original.is_shadow() || has_none {
            return;
        }
        let Some(subject) = import.stream.exported_subject(original.subject()) else {
            return;
        };
        let shadow = ConnectionSubscription::shadow(original, &subject, import.stream.clone());
        let shadow = Arc::new(shadow);
        elsewhere.add(import, Change::Add(shadow.clone()));
        self.by_original.entry(key(original)).or_default().push(Shadow {
            subscription: shadow,
            import: import.clone(),
        });
    }
}

fn key(subscription: &Arc<ConnectionSubscription>) -> usize {
    Arc::as_ptr(subscription) as usize
}
