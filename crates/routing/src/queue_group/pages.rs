//! A large queue group as its owner changes it: what has been published stays as it is, and little is copied.

use std::mem;
use std::sync::{Arc, OnceLock};

use super::members::{Many, PAGE, Page};
use crate::subscription::Subscription;

/// The members of a large group that count once each. New ones come to the last page, which alone has room. A page of
/// which more than half have left is given up: those who are still in it move to the last. So a member is moved by the
/// leaving of another, at most once each.
pub(super) struct Pages<D> {
    pages: Vec<OwnPage<D>>,
    /// Where in `pages` the page of each number is.
    places: Vec<u32>,
    /// Numbers to be used again.
    free: Vec<u32>,
    members: usize,
    /// The list that was published, unless pages have come or gone since.
    published: Option<Arc<[Page<D>]>>,
    /// How many pointers to members and to pages have been copied.
    copied: u64,
}

struct OwnPage<D> {
    page: Page<D>,
    number: u32,
    /// Places that have been given.
    filled: usize,
    /// Members that have not left.
    members: usize,
}

impl<D> OwnPage<D> {
    fn is_sparse(&self) -> bool {
        self.members < PAGE / 2
    }
}

impl<D> Pages<D> {
    pub(super) fn new() -> Self {
        Self {
            pages: Vec::new(),
            places: Vec::new(),
            free: Vec::new(),
            members: 0,
            published: None,
            copied: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.members
    }

    pub(super) fn copied(&self) -> u64 {
        self.copied
    }

    /// False if there is no place that can be told.
    pub(super) fn join(&mut self, subscription: Arc<Subscription<D>>) -> bool {
        if self.pages.last().is_none_or(|last| last.filled == PAGE) {
            self.open_page();
        }
        let Some(last) = self.pages.last_mut() else {
            return false;
        };
        if !subscription.set_position(Some(last.number as usize * PAGE + last.filled)) {
            return false;
        }
        // Nobody else gives places: it is free.
        let _ = last.page[last.filled].set(subscription);
        last.filled += 1;
        last.members += 1;
        self.members += 1;
        true
    }

    fn open_page(&mut self) {
        let number = self.free.pop().unwrap_or_else(|| {
            self.places.push(0);
            self.places.len() as u32 - 1
        });
        self.places[number as usize] = self.pages.len() as u32;
        self.pages.push(OwnPage {
            page: (0..PAGE).map(|_| OnceLock::new()).collect(),
            number,
            filled: 0,
            members: 0,
        });
        self.published = None;
        // The page that was the last may have been left by many while it was.
        if let Some(before) = self.pages.len().checked_sub(2)
            && self.pages[before].is_sparse()
        {
            self.give_up(before);
        }
    }

    /// Whether it is a member; then it is none any more.
    pub(super) fn leave(&mut self, subscription: &Arc<Subscription<D>>) -> bool {
        let Some(at) = self.find(subscription) else {
            return false;
        };
        subscription.set_position(None);
        self.members -= 1;
        let page = &mut self.pages[at];
        page.members -= 1;
        if page.is_sparse() && at + 1 < self.pages.len() {
            self.give_up(at);
        }
        true
    }

    /// The page it is in.
    pub(super) fn find(&self, subscription: &Arc<Subscription<D>>) -> Option<usize> {
        let position = subscription.position()?;
        let at = *self.places.get(position / PAGE)? as usize;
        let page = self
            .pages
            .get(at)
            .filter(|page| page.number as usize == position / PAGE)?;
        let there = page.page[position % PAGE].get()?;
        Arc::ptr_eq(there, subscription).then_some(at)
    }

    /// Moves the members of a page, which is not the last, to the last.
    fn give_up(&mut self, at: usize) {
        // The last stays the last: the one before it takes the place.
        let before = self.pages.len() - 2;
        self.pages.swap(at, before);
        self.pages.swap(before, before + 1);
        let Some(given_up) = self.pages.pop() else { return };
        for moved in [at, before] {
            if let Some(page) = self.pages.get(moved) {
                self.places[page.number as usize] = moved as u32;
            }
        }
        self.free.push(given_up.number);
        self.published = None;
        self.members -= given_up.members;
        self.copied += given_up.members as u64;
        for (slot, member) in given_up.page[..given_up.filled].iter().enumerate() {
            let place = given_up.number as usize * PAGE + slot;
            let member = member.get().filter(|member| member.position() == Some(place));
            if let Some(member) = member {
                member.set_position(None);
                self.join(Arc::clone(member));
            }
        }
    }

    /// Takes out everybody.
    pub(super) fn take(&mut self) -> Vec<Arc<Subscription<D>>> {
        let pages = mem::take(&mut self.pages);
        let mut members = Vec::with_capacity(self.members);
        for page in &pages {
            for (slot, member) in page.page[..page.filled].iter().enumerate() {
                let place = page.number as usize * PAGE + slot;
                members.extend(
                    member
                        .get()
                        .filter(|member| member.position() == Some(place))
                        .cloned(),
                );
            }
        }
        members.iter().for_each(|member| {
            member.set_position(None);
        });
        self.copied += members.len() as u64;
        *self = Self {
            copied: self.copied,
            ..Self::new()
        };
        members
    }

    /// What publishers pick from, beside the members that do not count once.
    pub(super) fn publish(&mut self, weighted: Arc<[(u64, Arc<Subscription<D>>)]>) -> Many<D> {
        let (pages, copied) = (&self.pages, &mut self.copied);
        let list = self.published.get_or_insert_with(|| {
            *copied += pages.len() as u64;
            pages.iter().map(|page| Arc::clone(&page.page)).collect()
        });
        Many {
            pages: Arc::clone(list),
            filled: pages.last().map_or(PAGE, |last| last.filled),
            members: self.members,
            weighted,
        }
    }
}
