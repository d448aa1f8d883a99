//! The members of queue groups as publishers see them: immutable, cheap to share, picked from in constant time.

use fastrand::Rng;
use std::iter;
use std::sync::{Arc, OnceLock};

use crate::subscription::{Destination, Subscription};

/// Up to this many members (each as often as it weighs) are one array without gaps, made anew with each change; a
/// larger group is made of [pages](Page).
pub(super) const FEW: usize = 512;

/// Places of a page. A change of a large group costs a share of this, whatever the size of the group.
pub(super) const PAGE: usize = 512;

/// How often a member of a large group is drawn before all of them are asked in turn. At least a quarter of the places
/// are members that have not left, so that not even one pick in ten thousand comes to that in a group that is well.
const DRAWS: u32 = 32;

/// A part of a large group. Its owner fills it from the first place to the last, each once. A member that has left stays
/// in its place, closed, until so many of the page have left that the owner gives the page up.
pub(super) type Page<D> = Arc<[OnceLock<Arc<Subscription<D>>>]>;

/// The members of a queue group at one moment. Clones share it all.
pub struct Members<D>(Kind<D>);

enum Kind<D> {
    Few(Arc<[Arc<Subscription<D>>]>),
    Many(Arc<Many<D>>),
    /// Of several groups: those of one name whose subjects all match.
    Merged(Arc<[Members<D>]>),
}

/// A large group at one moment.
pub(super) struct Many<D> {
    /// Shared with later moments, as long as no page comes or goes.
    pub(super) pages: Arc<[Page<D>]>,
    /// How many places of the last page were filled; those of the others were.
    pub(super) filled: usize,
    /// How many members there were, those that count several times left out.
    pub(super) members: usize,
    /// Members that do not count once, and servers, each with the sum of its weight and of those before it.
    pub(super) weighted: Arc<[(u64, Arc<Subscription<D>>)]>,
}

impl<D> Many<D> {
    /// Places in pages, those of members that have left included.
    fn paged(&self) -> usize {
        (self.pages.len() * PAGE + self.filled).saturating_sub(PAGE)
    }

    fn weight(&self) -> u64 {
        self.weighted.last().map_or(0, |(sum, _)| *sum)
    }

    fn in_page(&self, place: usize) -> Option<&Arc<Subscription<D>>> {
        self.pages.get(place / PAGE)?.get(place % PAGE)?.get()
    }
}

/// How many places a member has that does not count once.
#[derive(Debug, Clone, Copy)]
enum Each {
    /// As many as it weighs: to draw from.
    AsWeighed,
    /// One: to go through all of them. A small group has each as often as it weighs all the same.
    Once,
}

impl<D> Members<D> {
    pub(super) fn many(many: Many<D>) -> Self {
        Self(Kind::Many(Arc::new(many)))
    }

    /// As one group.
    pub(crate) fn merged(groups: impl IntoIterator<Item = Self>) -> Self {
        Self(Kind::Merged(groups.into_iter().collect()))
    }

    /// The name of the group.
    pub(crate) fn queue(&self) -> Option<&[u8]> {
        self.place(0, Each::Once)?.queue()
    }

    /// How many members there are, each as often as it weighs.
    pub fn len(&self) -> usize {
        match &self.0 {
            Kind::Few(members) => members.len(),
            Kind::Many(many) => many
                .members
                .saturating_add(usize::try_from(many.weight()).unwrap_or(usize::MAX)),
            Kind::Merged(groups) => groups.iter().map(Self::len).sum(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Every member that has not left. One with a weight comes at least once, one of a small group that often.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Subscription<D>>> {
        let mut next = 0;
        iter::from_fn(move || {
            while next < self.places(Each::Once) {
                next += 1;
                let member = self.place(next - 1, Each::Once);
                if member.is_some() {
                    return member;
                }
            }
            None
        })
        .filter(|member| !member.is_closed())
    }

    /// Every member that has not left, once, and what it weighs.
    pub(super) fn weighed(&self) -> Vec<(&Arc<Subscription<D>>, u32)> {
        let mut weighed = Vec::new();
        self.add_weighed(&mut weighed);
        weighed.retain(|(member, _)| !member.is_closed());
        weighed
    }

    fn add_weighed<'a>(&'a self, weighed: &mut Vec<(&'a Arc<Subscription<D>>, u32)>) {
        let weight = |weight: u64| u32::try_from(weight).unwrap_or(u32::MAX);
        match &self.0 {
            Kind::Few(members) => {
                // One that weighs several has as many places beside each other.
                let each = members.chunk_by(Arc::ptr_eq);
                weighed.extend(each.map(|places| (&places[0], weight(places.len() as u64))));
            }
            Kind::Many(many) => {
                let once = (0..many.paged()).filter_map(|place| many.in_page(place));
                weighed.extend(once.map(|member| (member, 1)));
                let mut before = 0;
                for (sum, member) in &*many.weighted {
                    weighed.push((member, weight(sum - before)));
                    before = *sum;
                }
            }
            Kind::Merged(groups) => groups.iter().for_each(|group| group.add_weighed(weighed)),
        }
    }

    /// The members in the order in which to ask them for a message: a random one, then others. Each is asked at least
    /// once. With uniformly random numbers each is equally likely to be the first that has not left.
    ///
    /// Members that have left may be among them: they take no message.
    #[inline]
    pub fn candidates(&self, random: u64) -> Candidates<'_, D> {
        match &self.0 {
            Kind::Few(members) => {
                let (before, from) = members.split_at(scale(random, members.len() as u64) as usize);
                Candidates(Asking::Few(from.iter().chain(before)))
            }
            Kind::Many(_) | Kind::Merged(_) => Candidates(Asking::Drawn {
                members: self,
                random: Rng::with_seed(random),
                draws: DRAWS,
                asked: 0,
            }),
        }
    }

    /// The first of the [candidates](Self::candidates).
    #[inline]
    pub fn first(&self, random: u64) -> Option<&Arc<Subscription<D>>> {
        match &self.0 {
            Kind::Few(members) => members.get(scale(random, members.len() as u64) as usize),
            Kind::Many(_) | Kind::Merged(_) => self.candidates(random).next(),
        }
    }

    /// How many places there are: one for each member, and for those that have left and keep theirs.
    fn places(&self, each: Each) -> u64 {
        match &self.0 {
            Kind::Few(members) => members.len() as u64,
            Kind::Many(many) => {
                let weighted = match each {
                    Each::AsWeighed => many.weight(),
                    Each::Once => many.weighted.len() as u64,
                };
                weighted.saturating_add(many.paged() as u64)
            }
            Kind::Merged(groups) => groups.iter().map(|group| group.places(each)).sum(),
        }
    }

    /// Who has one of the [places](Self::places).
    fn place(&self, mut place: u64, each: Each) -> Option<&Arc<Subscription<D>>> {
        match &self.0 {
            Kind::Few(members) => members.get(place as usize),
            Kind::Many(many) => {
                let Some(rest) = place.checked_sub(many.paged() as u64) else {
                    return many.in_page(place as usize);
                };
                let at = match each {
                    Each::AsWeighed => many.weighted.partition_point(|(sum, _)| *sum <= rest),
                    Each::Once => rest as usize,
                };
                many.weighted.get(at).map(|(_, member)| member)
            }
            Kind::Merged(groups) => {
                groups
                    .iter()
                    .find_map(|group| match place.checked_sub(group.places(each)) {
                        None => Some(group.place(place, each)),
                        Some(rest) => {
                            place = rest;
                            None
                        }
                    })?
            }
        }
    }

    /// Whether both are the same moment of the same group.
    pub fn is_same_as(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Kind::Few(one), Kind::Few(other)) => Arc::ptr_eq(one, other),
            (Kind::Many(one), Kind::Many(other)) => Arc::ptr_eq(one, other),
            (Kind::Merged(one), Kind::Merged(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }
}

impl<D: Destination> Members<D> {
    /// How many members a [tally](Self::tally) looks at: those of a small group, or the servers in a large one.
    pub fn tallied(&self) -> usize {
        match &self.0 {
            Kind::Few(members) => members.len(),
            Kind::Many(many) => many.weighted.len(),
            Kind::Merged(groups) => groups.iter().map(Self::tallied).sum(),
        }
    }

    /// Who they are, by what they weigh.
    pub fn tally(&self) -> Tally<'_, D> {
        let mut tally = Tally {
            clients: 0,
            servers: Vec::new(),
        };
        self.add_to(&mut tally);
        tally
    }

    fn add_to<'a>(&'a self, tally: &mut Tally<'a, D>) {
        match &self.0 {
            Kind::Few(members) => {
                // One that weighs several has as many places beside each other.
                let each = members.chunk_by(Arc::ptr_eq);
                each.for_each(|places| tally.add(&places[0], places.len() as u64));
            }
            Kind::Many(many) => {
                tally.clients += many.members as u64;
                let mut before = 0;
                for (sum, member) in &*many.weighted {
                    tally.add(member, sum - before);
                    before = *sum;
                }
            }
            Kind::Merged(groups) => groups.iter().for_each(|group| group.add_to(tally)),
        }
    }
}

/// The members of a queue group by what they weigh; see [`Members::tally`].
pub struct Tally<'a, D> {
    /// All that are no servers.
    clients: u64,
    servers: Vec<(&'a Arc<Subscription<D>>, u64)>,
}

impl<'a, D: Destination> Tally<'a, D> {
    fn add(&mut self, member: &'a Arc<Subscription<D>>, weight: u64) {
        match member.destination().kind().is_server() {
            true => self.servers.push((member, weight)),
            false => self.clients += weight,
        }
    }

    /// What members that are no servers weigh, and those of servers that count.
    pub fn weight(&self, counts: impl Fn(&Subscription<D>) -> bool) -> u64 {
        let servers = self.servers.iter().filter(|(server, _)| counts(server));
        self.clients + servers.map(|(_, weight)| weight).sum::<u64>()
    }

    /// The members that are servers, and what each weighs. One may come several times, for a part of that each.
    pub fn servers(&self) -> impl Iterator<Item = (&'a Arc<Subscription<D>>, u64)> {
        self.servers.iter().copied()
    }
}

/// A number below `bound`, each equally likely: the upper half of the product, and no division.
#[inline]
fn scale(random: u64, bound: u64) -> u64 {
    ((u128::from(random) * u128::from(bound)) >> 64) as u64
}

impl<D> Clone for Members<D> {
    fn clone(&self) -> Self {
        Self(match &self.0 {
            Kind::Few(members) => Kind::Few(Arc::clone(members)),
            Kind::Many(many) => Kind::Many(Arc::clone(many)),
            Kind::Merged(groups) => Kind::Merged(Arc::clone(groups)),
        })
    }
}

/// A group whose members have a place each, however many they are.
impl<D> FromIterator<Arc<Subscription<D>>> for Members<D> {
    fn from_iter<I: IntoIterator<Item = Arc<Subscription<D>>>>(members: I) -> Self {
        Self(Kind::Few(members.into_iter().collect()))
    }
}

impl<D, const N: usize> From<[Arc<Subscription<D>>; N]> for Members<D> {
    fn from(members: [Arc<Subscription<D>>; N]) -> Self {
        members.into_iter().collect()
    }
}

impl<D> std::fmt::Debug for Members<D> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("Members").field(&self.len()).finish()
    }
}

/// The members of a group in the order in which to ask them; see [`Members::candidates`].
pub struct Candidates<'a, D>(Asking<'a, D>);

type Slice<'a, D> = std::slice::Iter<'a, Arc<Subscription<D>>>;

enum Asking<'a, D> {
    Few(iter::Chain<Slice<'a, D>, Slice<'a, D>>),
    Drawn {
        members: &'a Members<D>,
        random: Rng,
        draws: u32,
        /// How many have been asked since there are no more draws.
        asked: u64,
    },
}

impl<'a, D> Iterator for Candidates<'a, D> {
    type Item = &'a Arc<Subscription<D>>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.0 {
            Asking::Few(members) => members.next(),
            Asking::Drawn {
                members,
                random,
                draws,
                asked,
            } => draw(members, random, draws, asked),
        }
    }
}

/// Draws again and again, as a member that has left keeps its place for a while; then goes round.
fn draw<'a, D>(
    members: &'a Members<D>,
    random: &mut Rng,
    draws: &mut u32,
    asked: &mut u64,
) -> Option<&'a Arc<Subscription<D>>> {
    while *draws > 0 {
        *draws -= 1;
        let drawn = members.place(
            scale(random.u64(..), members.places(Each::AsWeighed)),
            Each::AsWeighed,
        );
        if drawn.is_some() {
            return drawn;
        }
    }
    let places = members.places(Each::Once);
    // Of a copy: each further one is counted from the same place.
    let first = scale(random.clone().u64(..), places);
    while *asked < places {
        let place = (first + *asked) % places;
        *asked += 1;
        let next = members.place(place, Each::Once);
        if next.is_some() {
            return next;
        }
    }
    None
}
