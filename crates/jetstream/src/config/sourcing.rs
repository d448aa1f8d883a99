//! Whose messages a stream may get.

use super::check::{Existing, invalid, is_name};
use super::subjects::{bad_subject, check_work, collide, is_literal, is_subject, transform};
use super::{StreamConfig, StreamSource};
use crate::error::ApiError;
use std::collections::{HashSet, VecDeque};
use vagus_protocol::quote::Quoted;
use vagus_routing::subject::is_subset;

/// In front of what the server is asked for.
const API_PREFIX: &str = "$JS.API";

/// What lies outside of the account or domain, and what of it must not meet.
#[derive(Debug, Default)]
struct Outside<'a> {
    subjects: Vec<&'a str>,
    delivered: Vec<&'a str>,
    apis: Vec<&'a str>,
}

impl<'a> Outside<'a> {
    fn note(&mut self, source: &'a StreamSource) {
        let Some(external) = &source.external else { return };
        if !external.deliver.is_empty() {
            self.delivered.push(&external.deliver);
        }
        if !external.api.is_empty() {
            self.apis.push(&external.api);
        }
    }

    fn check(&self) -> Result<(), ApiError> {
        check_work(self.delivered.len(), self.subjects.len())?;
        for prefix in &self.delivered {
            if !is_literal(prefix) {
                return Err(ApiError::external_delivery_invalid(format_args!(
                    "{prefix} must not contain wildcards"
                )));
            }
            for subject in &self.subjects {
                if collide(subject, &format!("{prefix}.{subject}")) {
                    return Err(ApiError::external_delivery_overlap(format_args!(
                        "{prefix} overlaps with stream subject {subject}"
                    )));
                }
            }
        }
        for prefix in &self.apis {
            if !is_literal(prefix) {
                let quoted = Quoted(prefix.as_bytes());
                return Err(invalid(format_args!(
                    "stream external api prefix {quoted} must be a valid subject without wildcards"
                )));
            }
            if collide(prefix, API_PREFIX) {
                return Err(ApiError::external_api_overlap(format_args!(
                    "{prefix} must not overlap with {API_PREFIX}"
                )));
            }
        }
        Ok(())
    }
}

pub(super) fn check(
    config: &mut StreamConfig,
    existing: &dyn Existing,
    is_pedantic: bool,
) -> Result<(), ApiError> {
    let mut mirror_direct = config.mirror_direct;
    let mut outside = Outside::default();
    if let Some(mirror) = &config.mirror {
        check_mirror(config, mirror)?;
        if mirror.external.is_none() {
            if !is_name(&mirror.name) {
                return Err(ApiError::MIRROR_NAME_INVALID);
            }
            if let Some(origin) = existing.config(&mirror.name) {
                outside
                    .subjects
                    .extend(origin.subjects.iter().map(String::as_str));
                if is_too_small(config, origin) {
                    return Err(ApiError::MIRROR_MAX_MESSAGE_SIZE_TOO_BIG);
                }
                if is_pedantic && mirror_direct != origin.allow_direct {
                    return Err(ApiError::pedantic(
                        "origin stream has direct get set, mirror has it disabled",
                    ));
                }
                mirror_direct = origin.allow_direct;
            }
        }
        outside.note(mirror);
    }
    if !config.sources.is_empty() && config.allow_schedules {
        return Err(ApiError::SOURCE_WITH_SCHEDULES);
    }
    let (mut seen, mut consumers) = (HashSet::new(), HashSet::new());
    for source in &config.sources {
        if !is_name(&source.name) {
            return Err(ApiError::SOURCE_NAME_INVALID);
        }
        if !seen.insert(identity(source)) {
            return Err(ApiError::SOURCE_DUPLICATE);
        }
        check_source(source)?;
        if let Some(consumer) = &source.consumer
            && !consumers.insert((place(source), &consumer.name))
        {
            return Err(ApiError::SOURCE_CONSUMER_DUPLICATE);
        }
        if source.external.is_none()
            && let Some(origin) = existing.config(&source.name)
        {
            outside
                .subjects
                .extend(origin.subjects.iter().map(String::as_str));
            if is_too_small(config, origin) {
                return Err(ApiError::SOURCE_MAX_MESSAGE_SIZE_TOO_BIG);
            }
        }
        outside.note(source);
    }
    outside.check()?;
    check_cycles(config, existing)?;
    config.mirror_direct = mirror_direct;
    Ok(())
}

/// Whether messages of `origin` may not fit.
fn is_too_small(config: &StreamConfig, origin: &StreamConfig) -> bool {
    config.max_message_size > 0
        && origin.max_message_size > 0
        && config.max_message_size < origin.max_message_size
}

fn check_mirror(config: &StreamConfig, mirror: &StreamSource) -> Result<(), ApiError> {
    let forbidden = [
        (config.first_seq > 0, ApiError::MIRROR_WITH_FIRST_SEQUENCE),
        (!config.subjects.is_empty(), ApiError::MIRROR_WITH_SUBJECTS),
        (!config.sources.is_empty(), ApiError::MIRROR_WITH_SOURCES),
        (config.allow_counter, ApiError::MIRROR_WITH_COUNTERS),
        (config.allow_atomic, ApiError::MIRROR_WITH_ATOMIC),
        (config.allow_fast_batches, ApiError::MIRROR_WITH_BATCHES),
        (config.allow_schedules, ApiError::MIRROR_WITH_SCHEDULES),
        (has_bad_consumer(mirror), ApiError::MIRROR_CONSUMER_INVALID),
        (has_two_filters(mirror), ApiError::MIRROR_MULTIPLE_FILTERS),
    ];
    if let Some((_, error)) = forbidden.into_iter().find(|(is, _)| *is) {
        return Err(error);
    }
    if config.subject_delete_marker_ttl > 0 {
        // They would take sequences that the origin gives to others.
        return Err(invalid("subject delete markers forbidden on mirrors"));
    }
    let transforms = &mirror.subject_transforms;
    check_work(transforms.len(), transforms.len())?;
    for (at, one) in transforms.iter().enumerate() {
        if !one.src.is_empty() && !is_subject(&one.src) {
            return Err(ApiError::mirror_filter_invalid(bad_subject(&one.src)));
        }
        transform(&one.src, &one.dest).map_err(ApiError::mirror_destination_invalid)?;
        let others = transforms.iter().enumerate().filter(|(other, _)| *other != at);
        if others.into_iter().any(|(_, other)| collide(&one.src, &other.src)) {
            return Err(ApiError::MIRROR_OVERLAPPING_FILTERS);
        }
    }
    Ok(())
}

fn check_source(source: &StreamSource) -> Result<(), ApiError> {
    if has_two_filters(source) {
        return Err(ApiError::SOURCE_MULTIPLE_FILTERS);
    }
    let transforms = &source.subject_transforms;
    check_work(transforms.len(), transforms.len())?;
    for one in transforms {
        if !one.src.is_empty() && !is_subject(&one.src) {
            return Err(ApiError::source_filter_invalid(bad_subject(&one.src)));
        }
        transform(&one.src, &one.dest).map_err(ApiError::source_destination_invalid)?;
    }
    for (at, one) in transforms.iter().enumerate() {
        let others = transforms.iter().enumerate().filter(|(other, _)| *other != at);
        if others
            .into_iter()
            .any(|(_, other)| is_subset(one.src.as_bytes(), other.src.as_bytes()))
        {
            return Err(ApiError::SOURCE_OVERLAPPING_FILTERS);
        }
    }
    match has_bad_consumer(source) {
        true => Err(ApiError::SOURCE_CONSUMER_INVALID),
        false => Ok(()),
    }
}

fn has_two_filters(source: &StreamSource) -> bool {
    !source.filter_subject.is_empty() && !source.subject_transforms.is_empty()
}

fn has_bad_consumer(source: &StreamSource) -> bool {
    source.consumer.as_ref().is_some_and(|consumer| {
        !is_name(&consumer.name)
            || !is_literal(&consumer.deliver_subject)
            || source.opt_start_seq != 0
            || source.opt_start_time.is_some()
            || !source.filter_subject.is_empty()
    })
}

/// Which stream of which place.
fn place(source: &StreamSource) -> (&str, Option<&str>) {
    (
        &source.name,
        source.external.as_ref().map(|external| &*external.api),
    )
}

/// Two sources that have all of this in common are one.
#[derive(PartialEq, Eq, Hash)]
struct Identity<'a> {
    place: (&'a str, Option<&'a str>),
    subjects: Vec<(&'a str, &'a str)>,
}

fn identity(source: &StreamSource) -> Identity<'_> {
    fn or_all(text: &str) -> &str {
        if text.is_empty() { ">" } else { text }
    }
    let subjects = match &*source.subject_transforms {
        [] => vec![(or_all(&source.filter_subject), ">")],
        several => (several.iter())
            .map(|one| (or_all(&one.src), or_all(&one.dest)))
            .collect(),
    };
    Identity {
        place: place(source),
        subjects,
    }
}

/// No stream gets its own messages back.
fn check_cycles(config: &StreamConfig, existing: &dyn Existing) -> Result<(), ApiError> {
    let mut visited: HashSet<&str> = HashSet::new();
    let mut to_visit = VecDeque::from([config]);
    while let Some(stream) = to_visit.pop_front() {
        if !visited.insert(&stream.name) {
            continue;
        }
        let sources = stream.sources.iter().map(|source| (source, false));
        for (source, is_mirror) in sources.chain(stream.mirror.iter().map(|mirror| (mirror, true))) {
            if source.external.is_some() {
                continue;
            }
            let filter = &source.filter_subject;
            if visited.contains(&*source.name) {
                if is_mirror
                    || filter.is_empty()
                    || stream.subjects.iter().any(|subject| collide(subject, filter))
                {
                    return Err(invalid("detected cycle"));
                }
            } else if let Some(origin) = existing.config(&source.name) {
                to_visit.push_back(origin);
            }
        }
    }
    Ok(())
}

/// What is only looked at when a stream is made.
pub(crate) fn check_filters(config: &StreamConfig) -> Result<(), ApiError> {
    let bad = |subject: &str| !subject.is_empty() && !is_subject(subject);
    if let Some(mirror) = &config.mirror
        && mirror.subject_transforms.is_empty()
        && bad(&mirror.filter_subject)
    {
        let filter = &mirror.filter_subject;
        return Err(ApiError::stream_create(format_args!(
            "subject filter '{filter}' for the mirror invalid subject"
        )));
    }
    for source in &config.sources {
        let filter = &source.filter_subject;
        if source.subject_transforms.is_empty() && bad(filter) {
            return Err(ApiError::stream_create(format_args!(
                "subject filter '{filter}' for the source: invalid subject"
            )));
        }
    }
    Ok(())
}
