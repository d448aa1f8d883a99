//! Which servers a request is for, where it is sent to all.

use serde::Deserialize;
use vagus_monitoring::Settings;

/// What a server must be to answer. What is empty asks for nothing.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Filter {
    server_name: Option<String>,
    cluster: Option<String>,
    host: Option<String>,
    /// Whether the three before have to be equal, and not only contained.
    exact_match: bool,
    tags: Option<Vec<String>>,
    domain: Option<String>,
}

impl Filter {
    /// What a request asks for. What is no object of this form asks for nothing: it is refused for other reasons, or not
    /// by nats-server either.
    pub(crate) fn of(request: &[u8]) -> Self {
        serde_json::from_slice(request).unwrap_or_default()
    }

    /// Whether a server of these settings is meant.
    pub(crate) fn takes(&self, settings: &Settings) -> bool {
        let info = &settings.info;
        let is_named = |wanted: &Option<String>, is: &str| match wanted.as_deref() {
            None | Some("") => true,
            Some(wanted) if self.exact_match => wanted == is,
            Some(wanted) => is.contains(wanted),
        };
        let tags = &settings.config.tags;
        let mut wanted_tags = self.tags.iter().flatten();
        is_named(&self.server_name, &info.server_name)
            && is_named(&self.host, &info.host)
            && is_named(&self.cluster, &info.cluster)
            && wanted_tags.all(|wanted| tags.iter().any(|tag| tag.eq_ignore_ascii_case(wanted)))
            // There is no domain where nothing is stored.
            && self.domain.as_deref().unwrap_or_default().is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::Filter;
    use jiff::Timestamp;
    use vagus_configs::Config;
    use vagus_monitoring::Settings;
    use vagus_protocol::info::Info;

    fn settings() -> Settings {
        Settings {
            config: Config {
                tags: vec!["region:eu".to_owned(), "fast".to_owned()],
                ..Config::default()
            },
            info: Info {
                server_name: "solo".to_owned(),
                host: "127.0.0.1".to_owned(),
                cluster: "C".to_owned(),
                ..Info::default()
            },
            loaded: Timestamp::UNIX_EPOCH,
            http: None,
            https: None,
            tls: None,
            websocket_urls: Vec::new(),
            websocket_not_after: None,
            admin_tls: None,
        }
    }

    #[test]
    fn names_are_contained_or_equal() {
        for (request, takes) in [
            ("", true),
            ("{}", true),
            ("[1]", true),
            (r#"{"server_name":""}"#, true),
            (r#"{"server_name":"ol"}"#, true),
            (r#"{"server_name":"ol","exact_match":true}"#, false),
            (r#"{"server_name":"solo","exact_match":true}"#, true),
            (r#"{"server_name":"other"}"#, false),
            (r#"{"host":"127"}"#, true),
            (r#"{"host":"10."}"#, false),
            (r#"{"cluster":"C"}"#, true),
            (r#"{"cluster":"D"}"#, false),
            (r#"{"tags":["fast"]}"#, true),
            (r#"{"tags":["fast","Region:EU"]}"#, true),
            (r#"{"tags":["fast","slow"]}"#, false),
            (r#"{"domain":"hub"}"#, false),
            (r#"{"domain":"","limit":7}"#, true),
        ] {
            assert_eq!(
                Filter::of(request.as_bytes()).takes(&settings()),
                takes,
                "{request}"
            );
        }
    }
}
