//! The subjects of a directory, each with its number.

mod sorted;

use std::borrow::Cow;

use super::super::numbers::Numbers;

pub(super) use sorted::Sorted;

/// The subjects of a segment.
#[derive(Clone, Debug)]
pub(super) enum Names {
    /// As they came.
    Growing(Growing),
    /// In order; none are added.
    Sorted(Sorted),
}

/// Subjects, one behind the other.
#[derive(Clone, Debug, Default)]
pub(super) struct Growing {
    bytes: Vec<u8>,
    ends: Vec<u32>,
    /// Which subject has which number.
    numbers: Numbers,
}

impl Default for Names {
    fn default() -> Self {
        Self::Growing(Growing::default())
    }
}

impl Names {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Growing(growing) => growing.ends.len(),
            Self::Sorted(sorted) => sorted.len(),
        }
    }

    pub(super) fn memory(&self) -> usize {
        match self {
            Self::Growing(growing) => growing.bytes.len() + 4 * growing.ends.len() + growing.numbers.memory(),
            Self::Sorted(sorted) => sorted.memory(),
        }
    }

    pub(super) fn name(&self, number: u32) -> Cow<'_, [u8]> {
        match self {
            Self::Growing(growing) => Cow::Borrowed(growing.name(number)),
            Self::Sorted(sorted) => sorted.name(number),
        }
    }

    /// The number of a subject, if it is there.
    pub(super) fn number(&self, name: &[u8]) -> Option<u32> {
        match self {
            Self::Growing(growing) => growing.numbers.find(name, |number| growing.name(number)),
            Self::Sorted(sorted) => sorted.number(name),
        }
    }

    /// Tells of each, in the order of their numbers.
    pub(super) fn for_each(&self, mut visit: impl FnMut(u32, &[u8])) {
        match self {
            Self::Growing(growing) => {
                (0..growing.ends.len() as u32).for_each(|number| visit(number, growing.name(number)));
            }
            Self::Sorted(sorted) => {
                let mut walk = sorted.walk(0);
                while !walk.is_at_end() {
                    visit(walk.number(), walk.name());
                    walk.advance();
                }
            }
        }
    }

    /// To be added to.
    pub(super) fn grown(&mut self) -> &mut Growing {
        if let Self::Sorted(_) = self {
            let mut growing = Growing::default();
            self.for_each(|_, name| {
                growing.number_for(name);
            });
            *self = Self::Growing(growing);
        }
        match self {
            Self::Growing(growing) => growing,
            Self::Sorted(_) => unreachable!("they have just become some that grow"),
        }
    }

    /// The same, to be put in order and not to be asked for numbers, which are many.
    pub(super) fn frozen(&self) -> Self {
        match self {
            Self::Growing(growing) => Self::Growing(Growing {
                bytes: growing.bytes.clone(),
                ends: growing.ends.clone(),
                numbers: Numbers::default(),
            }),
            Self::Sorted(sorted) => Self::Sorted(sorted.clone()),
        }
    }

    /// In order, and the number that each had before.
    pub(super) fn sort(&self) -> (Sorted, Vec<u32>) {
        let mut order: Vec<u32> = (0..self.len() as u32).collect();
        match self {
            Self::Growing(growing) => {
                order.sort_unstable_by(|one, other| growing.name(*one).cmp(growing.name(*other)));
                let names = order.iter().map(|number| growing.name(*number));
                (Sorted::new(names), order)
            }
            Self::Sorted(sorted) => (sorted.clone(), order),
        }
    }
}

impl Growing {
    pub(super) fn name(&self, number: u32) -> &[u8] {
        name_in(&self.bytes, &self.ends, number)
    }

    /// The number of a subject, which gets one if it has none.
    pub(super) fn number_for(&mut self, name: &[u8]) -> u32 {
        let (bytes, ends) = (&mut self.bytes, &mut self.ends);
        if let Some(number) = self.numbers.find(name, |number| name_in(bytes, ends, number)) {
            return number;
        }
        let number = ends.len() as u32;
        bytes.extend_from_slice(name);
        ends.push(bytes.len() as u32);
        self.numbers
            .insert(number, name, |number| name_in(bytes, ends, number));
        number
    }
}

/// A name of many that are one behind the other.
fn name_in<'a>(names: &'a [u8], ends: &[u32], number: u32) -> &'a [u8] {
    let start = match number {
        0 => 0,
        _ => ends[number as usize - 1],
    };
    &names[start as usize..ends[number as usize] as usize]
}
