//! What a stream may take in, what subjects may become, and where they may be published anew.

use super::check::invalid;
use super::{StreamConfig, SubjectTransform};
use crate::error::ApiError;
use std::collections::HashMap;
use vagus_protocol::quote::Quoted;
use vagus_routing::subject::{has_wildcards, is_subset, is_valid_subscription, overlap};
use vagus_routing::{Transform, TransformError};

/// What the server says to itself.
const API: [&str; 3] = ["$JS.>", "$JSC.>", "$NRG.>"];

pub(crate) fn collide(one: &str, other: &str) -> bool {
    overlap(one.as_bytes(), other.as_bytes())
}

pub(crate) fn is_subject(subject: &str) -> bool {
    is_valid_subscription(subject.as_bytes())
}

/// Whether something can be published on it.
pub(crate) fn is_literal(subject: &str) -> bool {
    is_literal_in_bytes(subject.as_bytes())
}

/// The same of what need not be text.
pub(crate) fn is_literal_in_bytes(subject: &[u8]) -> bool {
    is_valid_subscription(subject) && !has_wildcards(subject)
}

/// Whether a transform can be; None if there is nothing that subjects become.
pub(super) fn transform(src: &str, dest: &str) -> Result<Option<Transform>, TransformError> {
    match dest {
        "" => Ok(None),
        _ => Transform::new(src, dest).map(Some),
    }
}

/// How nats-server says that a filter is none.
pub(super) fn bad_subject(subject: &str) -> String {
    format!("invalid subject {subject}")
}

pub(super) fn check(config: &mut StreamConfig) -> Result<(), ApiError> {
    if config.subjects.is_empty() {
        if config.mirror.is_none() && config.sources.is_empty() {
            config.subjects.push(config.name.clone());
        }
        return Ok(());
    }
    if config.mirror.is_some() {
        return Err(ApiError::MIRROR_WITH_SUBJECTS);
    }
    let overlap = first_overlap(&config.subjects)?;
    for (at, subject) in config.subjects.iter().enumerate() {
        if !is_subject(subject) {
            return Err(invalid("invalid subject"));
        }
        if subject == ">" && !config.no_ack {
            return Err(invalid("capturing all subjects requires no-ack to be true"));
        }
        if subject == ">" && config.replicas != 1 {
            return Err(invalid("capturing all subjects requires replicas of 1"));
        }
        if !config.no_ack {
            if overlaps_any(subject, &API) && !within(subject, "$JS.EVENT.>") {
                return Err(invalid(
                    "subjects that overlap with jetstream api require no-ack to be true",
                ));
            }
            if collide(subject, "$SYS.>") && !within(subject, "$SYS.ACCOUNT.>") {
                return Err(invalid(
                    "subjects that overlap with system api require no-ack to be true",
                ));
            }
        }
        if let Some((_, other)) = overlap.filter(|(one, _)| *one == at) {
            let (one, other) = (Quoted(subject.as_bytes()), Quoted(other.as_bytes()));
            return Err(invalid(format_args!("subject {one} overlaps with {other}")));
        }
    }
    Ok(())
}

/// How often two patterns may be compared for one request.
const COMPARISONS_AT_MOST: usize = 10_000_000;

/// Refuses what would have so many patterns be compared with so many others.
pub(crate) fn check_work(some: usize, others: usize) -> Result<(), ApiError> {
    match some.saturating_mul(others) > COMPARISONS_AT_MOST {
        true => Err(invalid("too many subjects")),
        false => Ok(()),
    }
}

/// The first subject of a stream that matches the same as one behind it, and that: it would take messages in twice.
fn first_overlap(subjects: &[String]) -> Result<Option<(usize, &str)>, ApiError> {
    let is_pattern = |subject: &String| has_wildcards(subject.as_bytes());
    let patterns: Vec<usize> = (0..subjects.len())
        .filter(|at| is_pattern(&subjects[*at]))
        .collect();
    check_work(patterns.len(), subjects.len())?;
    let mut last_places: HashMap<&str, usize> = HashMap::new();
    for (at, subject) in subjects.iter().enumerate() {
        last_places.insert(subject, at);
    }
    for (at, subject) in subjects.iter().enumerate() {
        let is_again = last_places.get(&**subject).is_some_and(|last| *last > at);
        let meets = |other: &String| collide(subject, other);
        let meets_another = match is_pattern(subject) {
            true => subjects[at + 1..].iter().any(meets),
            false => patterns
                .iter()
                .any(|other| *other > at && meets(&subjects[*other])),
        };
        if (is_again || meets_another)
            && let Some(other) = subjects[at + 1..].iter().find(|other| meets(other))
        {
            return Ok(Some((at, other)));
        }
    }
    Ok(None)
}

fn overlaps_any(subject: &str, others: &[&str]) -> bool {
    others.iter().any(|other| collide(subject, other))
}

fn within(subject: &str, outer: &str) -> bool {
    is_subset(subject.as_bytes(), outer.as_bytes())
}

pub(super) fn check_transforms(config: &mut StreamConfig, is_pedantic: bool) -> Result<(), ApiError> {
    if let Some(SubjectTransform { src, dest }) = &config.subject_transform {
        if !src.is_empty() && !is_subject(src) {
            return Err(ApiError::transform_source_invalid(bad_subject(src)));
        }
        transform(src, dest).map_err(ApiError::transform_destination_invalid)?;
    }
    let Some(republish) = &mut config.republish else {
        return Ok(());
    };
    if republish.src.is_empty() {
        if is_pedantic {
            return Err(ApiError::pedantic("republish source can not be empty"));
        }
        ">".clone_into(&mut republish.src);
    }
    // All of it under the subjects that it is stored under: these are no longer those that are taken in.
    if republish.src == ">"
        && republish.dest == ">"
        && let Some(transform) = &config.subject_transform
        && matches!(&*config.subjects, [only] if *only == transform.src)
    {
        if is_pedantic {
            return Err(ApiError::pedantic(
                "implicit republish based on subject transform",
            ));
        }
        republish.src.clone_from(&transform.dest);
        republish.dest.clone_from(&transform.dest);
    }
    if config
        .subjects
        .iter()
        .any(|subject| collide(&republish.dest, subject))
    {
        return Err(invalid(
            "stream configuration for republish destination forms a cycle",
        ));
    }
    // To nowhere is taken, as nats-server takes it, and nothing is republished.
    if !republish.dest.is_empty() && Transform::new(&republish.src, &republish.dest).is_err() {
        return Err(invalid(format_args!(
            "stream configuration for republish with transform from '{}' to '{}' not valid",
            republish.src, republish.dest
        )));
    }
    Ok(())
}
