//! How far a stream is with those whose messages it gets, as it is shown.

use super::origin::Origin;
use super::{Stream, source_header};
use crate::api::SourceInfo;
use crate::config::StreamSource;
use crate::held::Messages;
use crate::time::Time;
use std::collections::HashMap;

impl<M: Messages> Stream<M> {
    /// How far a copy is, if it is one.
    pub fn mirror_info(&self, now: Time) -> Option<SourceInfo> {
        let mirror = self.config.mirror.as_ref()?;
        let origin = self.sourcing.origins.values().find(|origin| origin.is_mirrored());
        Some(shown(mirror, origin, now))
    }

    /// How far the stream is with its sources, in the order in which they are configured.
    pub fn source_infos(&self, now: Time) -> Vec<SourceInfo> {
        let origins = self.sourcing.origins.values();
        let origins: HashMap<&str, &Origin> = origins.map(|origin| (&*origin.index, origin)).collect();
        let sources = self.config.sources.iter();
        sources
            .map(|source| {
                let origin = origins.get(&*source_header::index_of(source));
                shown(source, origin.copied(), now)
            })
            .collect()
    }

    /// Whether it answers who asks the stream directly that it is a copy of.
    pub fn answers_for_origin(&self) -> bool {
        self.config.mirror_direct && self.sourcing.is_current
    }
}

fn shown(source: &StreamSource, origin: Option<&Origin>, now: Time) -> SourceInfo {
    let heard = origin.and_then(|origin| origin.heard);
    SourceInfo {
        name: source.name.clone(),
        external: source.external.clone(),
        lag: origin.map_or(0, |origin| origin.lag),
        active: heard.map_or(-1, |heard| now.since(heard).max(0)),
        error: origin.and_then(|origin| origin.error.clone()),
        filter_subject: source.filter_subject.clone(),
        subject_transforms: source.subject_transforms.clone(),
    }
}
