//! Which pages there are, and how often each was asked for.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

/// A page of monitoring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    /// Links to all others.
    Index,
    /// The server as a whole.
    Varz,
    /// Connections, open and closed.
    Connz,
    /// Other servers of the cluster.
    Routez,
    /// Servers of the cluster that this one connects to.
    Clusterz,
    /// Other clusters.
    Gatewayz,
    /// Leaf nodes.
    Leafz,
    /// Subscriptions.
    Subsz,
    /// Accounts.
    Accountz,
    /// What passed in each account.
    Accstatz,
    /// What is stored.
    Jsz,
    /// Whether the server is well.
    Healthz,
    /// Subjects with traffic.
    Subjectz,
    /// What Prometheus reads.
    Metrics,
    /// Threads and actors.
    Stacksz,
    /// What waits inside the server.
    Ipqueuesz,
    /// Groups of servers that agree on what is stored.
    Raftz,
    /// Variables, as programs in Go show them.
    Variables,
}

/// Paths below the root. A page may have several; the first is what it is counted by.
const PATHS: [(&str, Page); 21] = [
    ("/", Page::Index),
    ("/varz", Page::Varz),
    ("/vars", Page::Varz),
    ("/connz", Page::Connz),
    ("/routez", Page::Routez),
    ("/clusterz", Page::Clusterz),
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
pub const LINKS: [(&str, &str); 17] = [
    ("/varz", "General"),
    ("/connz", "Connections"),
    ("/subsz", "Subscriptions"),
    ("/accountz", "Accounts"),
    ("/accstatz", "Account statistics"),
    ("/routez", "Routes"),
    ("/clusterz", "Servers that are dialled"),
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
    pub fn below(root: &str, path: &str) -> Option<Self> {
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
pub struct PageCounts([AtomicU64; PATHS.len()]);

impl PageCounts {
    /// Counts one more question, if the page is one of those that nats-server counts.
    pub fn count(&self, page: Page) {
        if matches!(
            page,
            Page::Stacksz | Page::Ipqueuesz | Page::Raftz | Page::Variables
        ) {
            return;
        }
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

#[cfg(test)]
mod tests {
    use super::{Page, PageCounts};
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
    fn other_names_count_for_the_same_page() {
        let counts = PageCounts::default();
        assert_eq!(counts.all(), BTreeMap::new());
        counts.count(Page::Healthz);
        counts.count(Page::Varz);
        counts.count(Page::Varz);
        assert_eq!(counts.all(), BTreeMap::from([("/healthz", 1), ("/varz", 2)]));
    }
}
