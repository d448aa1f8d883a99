//! The metrics of prometheus-nats-exporter: its names, labels and types, so that dashboards made for it show this
//! server, too.
//!
//! They follow from the pages of monitoring: each number is a gauge whose name is the path to it.

use super::exposition::{Exposition, Kind};
use jiff::Timestamp;
use serde_json::{Map, Value};
use std::collections::HashSet;

/// Texts that are shown, as a label of a gauge that is always 1; or as milliseconds if they are times.
const TEXTS: [&str; 8] = [
    "server_id",
    "server_name",
    "version",
    "domain",
    "leader",
    "name",
    "start",
    "config_load_time",
];

/// Numbers of parts of the server that the exporter leaves out.
const LEFT_OUT: [&str; 9] = [
    "leaf",
    "trusted_operators_claim",
    "cluster_tls_timeout",
    "cluster_cluster_port",
    "cluster_auth_timeout",
    "gateway_port",
    "gateway_auth_timeout",
    "gateway_tls_timeout",
    "gateway_connect_retries",
];

/// Where metrics of the exporter go.
#[derive(Debug)]
pub(super) struct Exporter<'e> {
    /// What names begin with.
    pub(super) prefix: &'e str,
    pub(super) server_id: &'e str,
    pub(super) text: &'e mut Exposition,
}

impl Exporter<'_> {
    /// Every number of a page, by the name of the page.
    pub(super) fn page(&mut self, name: &str, page: &Value) {
        if let Value::Object(fields) = page {
            self.fields(name, "", fields, &mut HashSet::new());
        }
    }

    fn fields(&mut self, page: &str, path: &str, fields: &Map<String, Value>, known: &mut HashSet<String>) {
        for (key, value) in fields {
            let name = plain(&format!("{path}_{key}"));
            if let Value::Object(inner) = value {
                self.fields(page, &name, inner, known);
                continue;
            }
            if LEFT_OUT.contains(&name.as_str()) || known.contains(&name) {
                continue;
            }
            let family = format!("{}_{page}_{name}", self.prefix);
            let help = format!("{name} of /{page}.");
            match value {
                Value::Number(number) => {
                    self.text
                        .family(&family, Kind::Gauge, &help)
                        .sample(&[("server_id", self.server_id)], number);
                }
                Value::String(text) if TEXTS.contains(&key.as_str()) => {
                    let mut family = self.text.family(&family, Kind::Gauge, &help);
                    match text.parse::<Timestamp>() {
                        Ok(time) => {
                            family.sample(&[("server_id", self.server_id)], time.as_millisecond());
                        }
                        Err(_) => {
                            family.sample(&[("server_id", self.server_id), ("value", text)], 1);
                        }
                    }
                }
                _ => continue,
            }
            known.insert(name);
        }
    }

    /// Whether the server is well.
    pub(super) fn health(&mut self, is_well: bool) {
        let server_id = ("server_id", self.server_id);
        let name = format!("{}_healthz_status", self.prefix);
        self.text
            .family(&name, Kind::Gauge, "0 if /healthz is ok, 1 if not.")
            .sample(&[server_id], u8::from(!is_well));
        let name = format!("{}_healthz_status_value", self.prefix);
        let value = if is_well { "ok" } else { "error" };
        self.text
            .family(&name, Kind::Gauge, "1 if /healthz is ok, 0 if not.")
            .sample(&[server_id, ("value", value)], u8::from(is_well));
    }
}

/// The name of a metric: letters, digits and single underlines, none at the ends.
fn plain(path: &str) -> String {
    let parts = path.split(|sign: char| !sign.is_ascii_alphanumeric());
    let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
    parts.join("_")
}

#[cfg(test)]
mod tests {
    use super::{Exporter, Exposition};
    use serde_json::json;

    fn written(write: impl Fn(&mut Exporter<'_>)) -> Vec<String> {
        let mut text = Exposition::default();
        write(&mut Exporter {
            prefix: "gnatsd",
            server_id: "NID",
            text: &mut text,
        });
        let text = text.finish();
        let samples = text.lines().filter(|line| !line.starts_with('#'));
        samples.map(str::to_owned).collect()
    }

    #[test]
    fn numbers_of_a_page() {
        let page = json!({
            "server_id": "NID",
            "host": "0.0.0.0",
            "auth_required": true,
            "connect_urls": ["a:1"],
            "cpu": 1.5,
            "in_msgs": 18446744073709551615_u64,
            "start": "2026-07-15T10:11:12.5Z",
            "now": "2026-07-15T10:11:12.5Z",
            "cluster": {"name": "east", "cluster_port": 1, "urls": 2},
            "http_req_stats": {"/": 1, "/varz": 7},
            "jetstream": {"config": {"max_memory": 10}},
        });
        let mut samples = written(|exporter| exporter.page("varz", &page));
        samples.sort();
        assert_eq!(
            samples,
            [
                r#"gnatsd_varz_cluster_name{server_id="NID",value="east"} 1"#,
                r#"gnatsd_varz_cluster_urls{server_id="NID"} 2"#,
                r#"gnatsd_varz_cpu{server_id="NID"} 1.5"#,
                r#"gnatsd_varz_http_req_stats_varz{server_id="NID"} 7"#,
                r#"gnatsd_varz_http_req_stats{server_id="NID"} 1"#,
                r#"gnatsd_varz_in_msgs{server_id="NID"} 18446744073709551615"#,
                r#"gnatsd_varz_jetstream_config_max_memory{server_id="NID"} 10"#,
                r#"gnatsd_varz_server_id{server_id="NID",value="NID"} 1"#,
                r#"gnatsd_varz_start{server_id="NID"} 1784110272500"#,
            ]
        );
    }

    #[test]
    fn no_name_comes_twice() {
        let page = json!({"a_b": 1, "a": {"b": 2}, "a/b": 3});
        assert_eq!(written(|exporter| exporter.page("varz", &page)).len(), 1);
    }

    #[test]
    fn health() {
        assert_eq!(
            written(|exporter| exporter.health(true)),
            [
                r#"gnatsd_healthz_status{server_id="NID"} 0"#,
                r#"gnatsd_healthz_status_value{server_id="NID",value="ok"} 1"#,
            ]
        );
        assert_eq!(
            written(|exporter| exporter.health(false)),
            [
                r#"gnatsd_healthz_status{server_id="NID"} 1"#,
                r#"gnatsd_healthz_status_value{server_id="NID",value="error"} 0"#,
            ]
        );
    }
}
