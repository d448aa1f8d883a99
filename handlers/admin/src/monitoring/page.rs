//! Which pages there are, and how often each was asked for.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

/// A page of monitoring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Page {
    Index,
    Varz,
    Connz,
    Routez,
    Gatewayz,
    Leafz,
    Subsz,
    Accountz,
    Accstatz,
    Jsz,
    Healthz,
    Subjectz,
    Metrics,
    Stacksz,
    Ipqueuesz,
    Raftz,
    Variables,
}

/// Paths below the root. A page may have several; the first is what it is counted by.
const PATHS: [(&str, Page); 20] = [
    ("/", Page::Index),
    ("/varz", Page::Varz),
    ("/vars", Page::Varz),
    ("/connz", Page::Connz),
    ("/routez", Page::Routez),
    ("/gatewayz", Page::Gatewayz),
    ("/leafz", Page::Leafz),
    ("/subsz", Page::Subsz),
    ("/subscriptionsz", Page::Subsz),
    ("/accountz", Page::Accountz),
    ("/accstatz", Page::Accstatz),
    ("/jsz", Page::Jsz),
    ("/healthz", Page::Healthz),
    ("/subjectz", Page::Subjectz),
    ("/metrics", Page::Metrics),
    ("/stacksz", Page::Stacksz),
    ("/ipqueuesz", Page::Ipqueuesz),
    ("/raftz", Page::Raftz),
    ("/debug/vars", Page::Variables),
    // By this name nats-server has it on its system account.
    ("/expvarz", Page::Variables),
];

/// What the index links to, with its name there.
pub(super) const LINKS: [(&str, &str); 16] = [
    ("/varz", "General"),
    ("/connz", "Connections"),
    ("/subsz", "Subscriptions"),
    ("/accountz", "Accounts"),
    ("/accstatz", "Account statistics"),
    ("/routez", "Routes"),
    ("/gatewayz", "Gateways"),
    ("/leafz", "Leaf nodes"),
    ("/jsz", "JetStream"),
    ("/raftz", "Raft groups"),
    ("/healthz", "Health"),
    ("/ipqueuesz", "Queues"),
    ("/stacksz", "Threads and actors"),
    ("/subjectz", "Subjects with traffic"),
    ("/metrics", "Metrics for Prometheus"),
    ("/debug/vars", "Variables"),
];

impl Page {
    /// The page at a path below `root`. The index is at the root itself, without a slash behind it.
    pub(super) fn below(root: &str, path: &str) -> Option<Self> {
        match path.strip_prefix(root)? {
            "" => Some(Self::Index),
            "/" if !root.is_empty() => None,
            path => Self::at(path),
        }
    }

    fn at(path: &str) -> Option<Self> {
        let found = PATHS.iter().find(|(known, _)| *known == path);
        found.map(|(_, page)| *page)
    }
}

/// How often each page was asked for since the start.
#[derive(Debug, Default)]
pub(crate) struct PageCounts([AtomicU64; PATHS.len()]);

impl PageCounts {
    pub(super) fn count(&self, page: Page) {
        let counted = PATHS.iter().position(|(_, known)| *known == page);
        if let Some(counter) = counted.and_then(|place| self.0.get(place)) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The pages that were asked for at all, by their paths.
    pub(super) fn all(&self) -> BTreeMap<&'static str, u64> {
        let counts = self.0.iter().map(|counter| counter.load(Ordering::Relaxed));
        let paths = PATHS.iter().map(|(path, _)| *path);
        paths.zip(counts).filter(|(_, count)| *count > 0).collect()
    }
}

/// Where a path with doubled slashes or dots leads; None if it has none.
pub(super) fn canonical(path: &str) -> Option<String> {
    let is_odd = |part: &str| matches!(part, "" | "." | "..");
    let inner = path.strip_prefix('/').unwrap_or(path);
    let mut parts = inner.split('/').peekable();
    let mut odd = !path.starts_with('/');
    while let Some(part) = parts.next() {
        // A slash at the end is as it should be.
        odd |= is_odd(part) && !(part.is_empty() && parts.peek().is_none());
    }
    if !odd {
        return None;
    }
    let mut kept = Vec::new();
    for part in inner.split('/') {
        match part {
            ".." => {
                kept.pop();
            }
            part if is_odd(part) => {}
            part => kept.push(part),
        }
    }
    let mut canonical = format!("/{}", kept.join("/"));
    if path.ends_with('/') && canonical.len() > 1 {
        canonical.push('/');
    }
    Some(canonical)
}

#[cfg(test)]
mod tests {
    use super::{Page, PageCounts, canonical};
    use std::collections::BTreeMap;

    #[test]
    fn paths_are_taken_by_the_letter() {
        assert_eq!(Page::at("/varz"), Some(Page::Varz));
        assert_eq!(Page::at("/vars"), Some(Page::Varz));
        for path in ["/VARZ", "/varz/", "varz", "/varz/x", ""] {
            assert_eq!(Page::at(path), None, "{path}");
        }
        for (root, path, page) in [
            ("", "/", Some(Page::Index)),
            ("", "/connz", Some(Page::Connz)),
            ("/nats", "/nats", Some(Page::Index)),
            ("/nats", "/nats/", None),
            ("/nats", "/nats/connz", Some(Page::Connz)),
            ("/nats", "/natsconnz", None),
            ("/nats", "/connz", None),
        ] {
            assert_eq!(Page::below(root, path), page, "{root} {path}");
        }
    }

    #[test]
    fn odd_paths_lead_to_plain_ones() {
        for (path, leads_to) in [
            ("/varz", None),
            ("/", None),
            ("/varz/", None),
            ("/a/b", None),
            ("//varz", Some("/varz")),
            ("/a/../varz", Some("/varz")),
            ("/./varz/", Some("/varz/")),
            ("//", Some("/")),
            ("/../..", Some("/")),
        ] {
            assert_eq!(canonical(path).as_deref(), leads_to, "{path}");
        }
    }

    #[test]
    fn other_names_count_for_the_same_page() {
        let counts = PageCounts::default();
        assert_eq!(counts.all(), BTreeMap::new());
        counts.count(Page::Healthz);
        counts.count(Page::Varz);
        counts.count(Page::Varz);
        assert_eq!(counts.all(), BTreeMap::from([("/healthz", 1), ("/varz", 2)]));
    }
}
