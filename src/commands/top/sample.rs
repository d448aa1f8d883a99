//! What a server says of itself at one moment.

use serde::Deserialize;

/// The part of `/varz` that is shown.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub(super) struct Varz {
    pub(super) server_id: String,
    pub(super) server_name: String,
    pub(super) version: String,
    pub(super) uptime: String,
    /// When the server said so: RFC 3339.
    pub(super) now: String,
    /// Percent of one core.
    pub(super) cpu: f64,
    /// Bytes.
    pub(super) mem: u64,
    pub(super) slow_consumers: u64,
    pub(super) in_msgs: u64,
    pub(super) out_msgs: u64,
    pub(super) in_bytes: u64,
    pub(super) out_bytes: u64,
}

/// The part of `/connz` that is shown.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub(super) struct Connz {
    pub(super) num_connections: usize,
    pub(super) connections: Vec<Conn>,
}

/// One connection.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub(super) struct Conn {
    pub(super) cid: u64,
    pub(super) ip: String,
    pub(super) port: u16,
    pub(super) name: String,
    pub(super) lang: String,
    pub(super) version: String,
    pub(super) uptime: String,
    pub(super) last_activity: String,
    pub(super) pending_bytes: u64,
    pub(super) subscriptions: u64,
    pub(super) in_msgs: u64,
    pub(super) out_msgs: u64,
    pub(super) in_bytes: u64,
    pub(super) out_bytes: u64,
    pub(super) subscriptions_list: Vec<String>,
}

/// `/subjectz`: what is busiest now.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub(super) struct Subjectz {
    pub(super) num_subjects: usize,
    pub(super) subjects: Vec<HotSubject>,
}

/// One hot subject.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub(super) struct HotSubject {
    pub(super) subject: String,
    /// Messages a second.
    pub(super) rate: f64,
    pub(super) msgs: u64,
    pub(super) bytes: u64,
    pub(super) deliveries: u64,
}

/// The part of `/jsz` that is shown.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub(super) struct Jsz {
    pub(super) streams: usize,
    pub(super) account_details: Vec<StreamAccount>,
}

/// An account that has streams.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub(super) struct StreamAccount {
    pub(super) name: String,
    pub(super) stream_detail: Vec<StreamDetail>,
}

/// One stream.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub(super) struct StreamDetail {
    pub(super) name: String,
    pub(super) state: StreamState,
}

/// What it holds.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub(super) struct StreamState {
    pub(super) messages: u64,
    pub(super) bytes: u64,
    pub(super) last_seq: u64,
    pub(super) consumer_count: u64,
}

/// Everything of one look.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Sample {
    pub(super) varz: Varz,
    pub(super) connz: Connz,
    /// None when nobody asked, or the server does not tell.
    pub(super) subjectz: Option<Subjectz>,
    /// The same of streams.
    pub(super) jsz: Option<Jsz>,
}

/// What a look has to bring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    /// The number of the server to look at.
    pub(super) server: usize,
    pub(super) limit: usize,
    pub(super) sort: &'static str,
    pub(super) subscriptions: bool,
    pub(super) hot_subjects: bool,
    pub(super) streams: bool,
}

impl Wanted {
    /// Path and query of the connections.
    pub(super) fn connz(&self) -> String {
        let Self { limit, sort, .. } = self;
        let subscriptions = if self.subscriptions { "&subs=1" } else { "" };
        format!("/connz?limit={limit}&sort={sort}{subscriptions}")
    }
}

/// Text of a peer without what would move the cursor, split lines or fill memory.
pub(in crate::commands) fn tame(text: &str) -> String {
    const LONGEST: usize = 4096;
    text.chars()
        .take(LONGEST)
        .map(|sign| {
            if sign.is_control() || is_invisible(sign) {
                '?'
            } else {
                sign
            }
        })
        .collect()
}

/// Signs that change the direction of what is written.
fn is_invisible(sign: char) -> bool {
    matches!(sign, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_nothing_and_what_is_more_is_passed_over() {
        let varz: Varz = serde_json::from_str(r#"{"server_id":"N1","cpu":1.5,"novel":[1]}"#).unwrap();
        assert_eq!((varz.server_id.as_str(), varz.cpu, varz.mem), ("N1", 1.5, 0));
        let connz: Connz = serde_json::from_str(r#"{"connections":[{"cid":7}]}"#).unwrap();
        assert_eq!(connz.connections[0].cid, 7);
    }

    #[test]
    fn what_is_asked_for() {
        let mut wanted = Wanted {
            server: 0,
            limit: 10,
            sort: "subs",
            subscriptions: false,
            hot_subjects: false,
            streams: false,
        };
        assert_eq!(wanted.connz(), "/connz?limit=10&sort=subs");
        wanted.subscriptions = true;
        assert_eq!(wanted.connz(), "/connz?limit=10&sort=subs&subs=1");
    }

    #[test]
    fn hostile_names_do_nothing() {
        assert_eq!(tame("a\u{1b}[2Jb\r\nc\u{202e}d"), "a?[2Jb??c?d");
        assert_eq!(tame(&"x".repeat(100_000)).len(), 4096);
    }
}
