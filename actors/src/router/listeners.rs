//! Who wants to know whether somebody listens to a subject: streams, whose consumers push messages to one.
//!
//! One is told that it may have changed, and looks for itself. It is told once until it has looked, however often it
//! changes.

use super::Router;
use crate::mailbox::tell_recipient;
use actix::prelude::*;
use bytes::Bytes;
use hashbrown::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use vagus_routing::subject::{has_wildcards, matches};

/// Asks the Router to tell when somebody begins to listen to a subject, or no longer does; until the watch is dropped.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct WatchListeners(pub(crate) Arc<ListenersWatch>);

/// It may have changed whether somebody listens.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct ListenersChanged {
    /// By what the one who watches knows it.
    pub(crate) name: String,
}

/// A watch over a subject, held by the one who watches.
#[derive(Debug)]
pub(crate) struct ListenersWatch {
    subject: Bytes,
    name: String,
    watcher: Recipient<ListenersChanged>,
    /// It has been told, and has not looked since.
    is_told: AtomicBool,
}

impl ListenersWatch {
    /// Over a literal subject. `name` is what the watcher knows it by.
    pub(crate) fn new(subject: Bytes, name: String, watcher: Recipient<ListenersChanged>) -> Self {
        Self {
            subject,
            name,
            watcher,
            is_told: AtomicBool::new(false),
        }
    }

    /// The subject.
    pub(crate) fn subject(&self) -> &Bytes {
        &self.subject
    }

    /// The watcher looks now: what changes from here on it is told.
    pub(crate) fn looks(&self) {
        self.is_told.store(false, Ordering::SeqCst);
    }

    fn tell(&self) {
        if !self.is_told.swap(true, Ordering::SeqCst) {
            let name = self.name.clone();
            tell_recipient(&self.watcher, ListenersChanged { name });
        }
    }
}

/// The watches over the subjects of an account.
#[derive(Debug, Default)]
pub(super) struct Listeners {
    by_subject: HashMap<Bytes, Vec<std::sync::Weak<ListenersWatch>>, foldhash::fast::RandomState>,
    /// Subscriptions that have begun or ended, of which nobody is told yet.
    changed: Vec<Bytes>,
}

impl Listeners {
    fn add(&mut self, watch: &Arc<ListenersWatch>) {
        let of_subject = self.by_subject.entry(watch.subject.clone()).or_default();
        of_subject.retain(|other| other.strong_count() > 0);
        of_subject.push(Arc::downgrade(watch));
        // It may have changed before this came.
        watch.tell();
    }

    /// A subscription has begun or ended.
    pub(super) fn changed(&mut self, subject: &[u8]) {
        if !self.by_subject.is_empty() {
            self.changed.push(Bytes::copy_from_slice(subject));
        }
    }

    /// Tells who watches what has changed. The index is as it is then, and is not locked.
    pub(super) fn tell(&mut self) {
        for changed in std::mem::take(&mut self.changed) {
            match has_wildcards(&changed) {
                true => self.tell_all(&changed),
                false => self.tell_of(&changed),
            }
        }
    }

    fn tell_of(&mut self, subject: &Bytes) {
        let Some(watches) = self.by_subject.get_mut(subject) else {
            return;
        };
        watches.retain(|watch| watch.upgrade().inspect(|watch| watch.tell()).is_some());
        if watches.is_empty() {
            self.by_subject.remove(subject);
        }
    }

    fn tell_all(&mut self, pattern: &[u8]) {
        self.by_subject.retain(|subject, watches| {
            if matches(pattern, subject) {
                watches.retain(|watch| watch.upgrade().inspect(|watch| watch.tell()).is_some());
            }
            !watches.is_empty()
        });
    }
}

impl Handler<WatchListeners> for Router {
    type Result = ();

    fn handle(&mut self, WatchListeners(watch): WatchListeners, context: &mut Context<Self>) {
        self.contain(context, |it, _| it.listeners.add(&watch));
    }
}

#[cfg(test)]
mod tests {
    use super::{Listeners, ListenersChanged, ListenersWatch};
    use actix::prelude::*;
    use std::sync::Arc;
    use std::sync::mpsc::{Sender, channel};

    struct Watcher(Sender<String>);

    impl Actor for Watcher {
        type Context = Context<Self>;
    }

    impl Handler<ListenersChanged> for Watcher {
        type Result = ();

        fn handle(&mut self, changed: ListenersChanged, _: &mut Context<Self>) {
            self.0.send(changed.name).unwrap();
        }
    }

    /// What is told while these subscriptions change.
    fn told(changes: &[&str], between: impl Fn(&[Arc<ListenersWatch>])) -> Vec<String> {
        System::new().block_on(async {
            let (tell, told) = channel();
            let watcher = Watcher(tell).start();
            let watches = ["a.b", "a.c"].map(|subject| {
                let watcher = watcher.clone().recipient();
                Arc::new(ListenersWatch::new(subject.into(), subject.to_owned(), watcher))
            });
            let mut listeners = Listeners::default();
            watches.iter().for_each(|watch| listeners.add(watch));
            // Who begins to watch looks at once.
            watches.iter().for_each(|watch| watch.looks());
            for change in changes {
                listeners.changed(change.as_bytes());
                listeners.tell();
                between(&watches);
            }
            drop((listeners, watches));
            // All that was told before is handled before this.
            watcher
                .send(ListenersChanged {
                    name: "end".to_owned(),
                })
                .await
                .unwrap();
            told.try_iter().skip(2).take_while(|name| name != "end").collect()
        })
    }

    #[test]
    fn who_watches_is_told_once_until_he_looks() {
        assert_eq!(told(&["a.b", "a.b", "b"], |_| {}), ["a.b"]);
        let look = |watches: &[Arc<ListenersWatch>]| watches.iter().for_each(|watch| watch.looks());
        assert_eq!(told(&["a.b", "a.b"], look), ["a.b", "a.b"]);
    }

    #[test]
    fn patterns_concern_all_that_they_match() {
        let mut all = told(&["a.*", "b.>"], |_| {});
        all.sort();
        assert_eq!(all, ["a.b", "a.c"]);
    }
}
