//! The subjects of an account on which messages are published as if it were on others.

use crate::index::Index;
use crate::subject::{is_valid_subscription, split_token};
use crate::subscription::Subscription;
use crate::transform::{Transform, TransformError};
use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use thiserror::Error;

/// All shares of the messages on one subject.
const WHOLE: u8 = 100;

/// One of the subjects that messages on a source are published on instead, as it is written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappedDestination {
    /// The destination of a [`Transform`].
    pub subject: Box<str>,
    /// How many of a hundred messages go there: 0 to 100.
    pub weight: u8,
    /// Only in the cluster of this name; None: in every one that has no destinations of its own.
    pub cluster: Option<Box<str>>,
}

impl MappedDestination {
    /// The only destination of a source.
    pub fn only(subject: &str) -> Self {
        Self {
            subject: subject.into(),
            weight: WHOLE,
            cluster: None,
        }
    }
}

/// A mapping that cannot be, in nats-server's words.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MappingError {
    /// The source is no subject.
    #[error("invalid subject")]
    InvalidSource,
    /// A destination is named twice, if only for two clusters.
    #[error("duplicate entry for {subject:?}")]
    Duplicate {
        /// The destination.
        subject: Box<str>,
    },
    /// A destination gets more than all messages.
    #[error("individual weights need to be <= 100")]
    Weight,
    /// All destinations of a cluster do.
    #[error("total weight needs to be <= 100")]
    TotalWeight,
    /// A destination cannot be made of the source.
    #[error(transparent)]
    Transform(#[from] TransformError),
}

/// What becomes of messages that match one source, in the cluster of this server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    source: Box<str>,
    /// With each the number below which a number drawn from 0 to 99 chooses it.
    choices: Box<[(u8, Transform)]>,
}

impl Mapping {
    /// What becomes of messages on `source` in this cluster, if the server is in one. What the weights lack of a hundred stays on the source, unless that is a destination too: then it is lost.
    ///
    /// # Errors
    /// If the source or one of the destinations of any cluster cannot be.
    pub fn new(
        source: &str,
        destinations: &[MappedDestination],
        cluster: Option<&str>,
    ) -> Result<Self, MappingError> {
        if !is_valid_subscription(source.as_bytes()) {
            return Err(MappingError::InvalidSource);
        }
        let mut subjects = HashSet::new();
        let mut weights: HashMap<Option<&str>, u8> = HashMap::new();
        let mut transforms = Vec::with_capacity(destinations.len());
        for destination in destinations {
            let MappedDestination {
                subject,
                weight,
                cluster,
            } = destination;
            if !subjects.insert(&**subject) {
                let subject = subject.clone();
                return Err(MappingError::Duplicate { subject });
            }
            if *weight > WHOLE {
                return Err(MappingError::Weight);
            }
            let total = weights.entry(cluster.as_deref()).or_default();
            *total += weight;
            if *total > WHOLE {
                return Err(MappingError::TotalWeight);
            }
            transforms.push((cluster.as_deref(), *weight, Transform::new(source, subject)?));
        }
        let here = cluster.filter(|_| weights.contains_key(&cluster));
        let mut below = 0;
        let mut choices: Vec<(u8, Transform)> = (transforms.into_iter())
            .filter(|(cluster, weight, _)| *cluster == here && *weight > 0)
            .map(|(_, weight, transform)| {
                below += weight;
                (below, transform)
            })
            .collect();
        if below < WHOLE && !subjects.contains(source) {
            choices.push((WHOLE, Transform::identity(source)?));
        }
        Ok(Self {
            source: source.into(),
            choices: choices.into(),
        })
    }

    /// The pattern of the subjects that it is about.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Where a message goes, by a number from 0 to 99; None if it is lost.
    pub fn choose(&self, number: u8) -> Option<&Transform> {
        let chosen = self.choices.iter().find(|(below, _)| number < *below);
        chosen.map(|(_, transform)| transform)
    }

    /// Where all messages go, if that is one destination.
    pub fn only_choice(&self) -> Option<&Transform> {
        self.choose(0)
            .filter(|_| matches!(self.choices.first(), Some((WHOLE, _))))
    }
}

/// The mappings of an account, by their sources: how many there are costs a message next to nothing.
#[derive(Debug, Default)]
pub struct Mappings {
    by_source: Index<Mapping>,
    sources: Box<[Box<str>]>,
}

/// What is published in the place of a message's subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mapped {
    /// Whether every message on that subject becomes the same.
    pub always: bool,
    /// What finding it took, in units of about a short copy.
    pub work: usize,
}

impl Mappings {
    /// These mappings; of several with the same source the last counts.
    pub fn new(mappings: impl IntoIterator<Item = Mapping>) -> Self {
        let by_source: HashMap<Box<str>, Mapping> = (mappings.into_iter())
            .map(|mapping| (mapping.source.clone(), mapping))
            .collect();
        let sources = by_source.keys().cloned().collect();
        let mut index = Index::new();
        for (source, mapping) in by_source {
            index.insert(Arc::new(Subscription::new(source.as_bytes(), None, b"", mapping)));
        }
        Self {
            by_source: index,
            sources,
        }
    }

    /// The patterns of the subjects that are mapped, in no order.
    pub fn sources(&self) -> &[Box<str>] {
        &self.sources
    }

    /// Whether no subject is mapped.
    pub fn is_empty(&self) -> bool {
        self.by_source.is_empty()
    }

    /// Puts what a message on `subject` is published on instead into `out`, which is left empty if it is lost; None if it
    /// stays as it is. What is to be drawn comes from `random`. Among several sources the most specific counts: where
    /// they first differ the subject's own token comes before `*`, and this before `>`.
    pub fn map(&self, subject: &[u8], random: u64, out: &mut Vec<u8>) -> Option<Mapped> {
        let mut found: Option<&Arc<Subscription<Mapping>>> = None;
        let work = self.by_source.for_each_match(subject, &mut |candidate| {
            if found.is_none_or(|found| by_precision(candidate.subject(), found.subject()).is_lt()) {
                found = Some(candidate);
            }
        });
        let mapping = found?.destination();
        out.clear();
        let only = mapping.only_choice();
        // The two draws are of different bits.
        let (number, random) = ((random >> 32) % u64::from(WHOLE), random as u32);
        let Some(transform) = only.or_else(|| mapping.choose(number as u8)) else {
            return Some(Mapped { always: false, work });
        };
        transform.append(subject, random, out);
        Some(Mapped {
            always: only.is_some() && !transform.draws(),
            work: work + transform.work(subject.len()),
        })
    }
}

/// Which of two patterns that match one subject comes first.
fn by_precision(one: &[u8], other: &[u8]) -> Ordering {
    let rank = |token: &[u8]| match token {
        b">" => 2,
        b"*" => 1,
        _ => 0,
    };
    let (mut one, mut other) = (Some(one), Some(other));
    while let (Some(left), Some(right)) = (one, other) {
        let (left, left_rest) = split_token(left);
        let (right, right_rest) = split_token(right);
        match rank(left).cmp(&rank(right)) {
            Ordering::Equal => (one, other) = (left_rest, right_rest),
            different => return different,
        }
    }
    Ordering::Equal
}

#[cfg(test)]
mod tests;
