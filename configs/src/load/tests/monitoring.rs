//! Where monitoring listens.

use super::read;
use crate::{Monitoring, Port};

#[track_caller]
fn check(text: &str, expected: Monitoring) {
    assert_eq!(read(text).unwrap().config.monitoring, expected, "{text}");
}

fn at(host: Option<&str>, http: Option<Port>, https: Option<Port>) -> Monitoring {
    Monitoring {
        host: host.map(str::to_owned),
        http,
        https,
        ..Monitoring::default()
    }
}

#[test]
fn ports_and_hosts() {
    check("", Monitoring::default());
    check("http_port: 8222", at(None, Some(Port::Fixed(8222)), None));
    check("monitor_port: -1", at(None, Some(Port::Free), None));
    check("HTTP: 8222", at(None, Some(Port::Fixed(8222)), None));
    check(
        "http: \"10.0.0.1:80\"",
        at(Some("10.0.0.1"), Some(Port::Fixed(80)), None),
    );
    check("http: \":80\"", at(None, Some(Port::Fixed(80)), None));
    check(
        "https: \"[::1]:443\"",
        at(Some("::1"), None, Some(Port::Fixed(443))),
    );
    check("https_port: 443", at(None, None, Some(Port::Fixed(443))));
    check("http_port: 8222, http_port: 0", Monitoring::default());
}

#[test]
fn the_rest() {
    let monitoring = Monitoring {
        base_path: "/nats".to_owned(),
        max_closed_clients: 5,
        ..Monitoring::default()
    };
    check("http_base_path: /nats, max_closed_clients: 5", monitoring);
    check("max_closed_clients: 0", Monitoring::default());
}

#[test]
fn ports_out_of_range_keep_it_from_starting() {
    for text in ["http_port: 65536", "https: \"h:-2\""] {
        let loaded = read(text).unwrap();
        assert_eq!(loaded.obstacles.len(), 1, "{text}");
    }
}
