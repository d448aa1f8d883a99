//! What each key sets.

use super::{obstacles, read};
use crate::{Config, LogFormat, LogTime, Port, SyslogAddress, UNLIMITED, WriteTimeout};
use std::time::Duration;
use vagus_auth::credentials::Credentials;
use vagus_auth::nkey::{Kind, encode_public};

/// Checks what a text changes of the default configuration, and what it warns of.
pub(super) fn sets_with(text: &str, warnings: &[&str], change: impl FnOnce(&mut Config)) {
    let mut expected = Config::default();
    change(&mut expected);
    let loaded = read(text).unwrap();
    assert_eq!(loaded.config, expected, "{text}");
    let told: Vec<String> = loaded.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(told, warnings, "{text}");
    assert_eq!(loaded.obstacles, [], "{text}");
}

pub(super) fn sets(text: &str, change: impl FnOnce(&mut Config)) {
    sets_with(text, &[], change);
}

#[test]
fn where_clients_connect() {
    for text in [
        "host: h, port: 5",
        "net h\nPORT 5",
        "listen: h:5",
        "listen: \"[h]:5\"",
        "port: 1\nlisten = 'h:5'",
    ] {
        sets(text, |config| {
            config.clients.listen.host = "h".to_owned();
            config.clients.listen.port = Port::Fixed(5);
        });
    }
    for text in [
        "port: 5",
        "listen: 5",
        "listen: ':5'",
        "host: h\nlisten: 5",
        "host: '', port: 5",
    ] {
        sets(text, |config| config.clients.listen.port = Port::Fixed(5));
    }
    for text in ["port: -1", "listen: '0.0.0.0:-1'", "listen: -1"] {
        sets(text, |config| config.clients.listen.port = Port::Free);
    }
    sets("listen: '[::1]:0'", |config| {
        config.clients.listen.host = "::1".to_owned()
    });
    sets("client_advertise: 'example.org:4000'", |config| {
        config.clients.advertise = Some("example.org:4000".to_owned());
    });
}

#[test]
fn what_operators_call_the_server_by() {
    sets("server_tags: [' East', ssd, SSD, '']", |config| {
        config.tags = vec!["east".to_owned(), "ssd".to_owned()];
    });
    sets("server_tags: East", |config| {
        config.tags = vec!["east".to_owned()]
    });
    sets("server_tags: []", |_| {});
    sets("server_metadata: { rack: '7' }", |config| {
        config.metadata.insert("rack".to_owned(), "7".to_owned());
    });
    for (text, message) in [
        (
            "server_tags: [a, 5]",
            "error parsing tags: a tag is text, not a whole number",
        ),
        (
            "server_tags: 5",
            "error parsing tags: a tag is text, not a whole number",
        ),
        (
            "server_metadata: rack",
            "error parsing metadata: names and texts are wanted, not text",
        ),
        ("server_metadata: { rack: 7 }", "must be text"),
    ] {
        let error = read(text).unwrap_err().to_string();
        assert!(error.contains(message), "{text}: {error}");
    }
}

#[test]
fn the_server() {
    sets("server_name: east", |config| {
        config.server_name = Some("east".to_owned())
    });
    sets("server_name: ''", |_| {});
    for text in ["pid_file: '/run/a'", "pidfile /run/a"] {
        sets(text, |config| config.pid_file = Some("/run/a".into()));
    }
    for text in ["store_dir: /s", "StoreDir: /s"] {
        sets(text, |config| config.store_dir = Some("/s".into()));
    }
    sets("feature_flags: { js_ack_fc_v2: true, other: off }", |config| {
        config.feature_flags = [("js_ack_fc_v2".to_owned(), true), ("other".to_owned(), false)].into();
    });
    sets("ports_file_dir: /run", |config| {
        config.ports_file_dir = Some("/run".into())
    });
    for key in ["disable_sublist_cache", "no_sublist_cache"] {
        let warning = format!("a.conf:1:0: {key} changes nothing: there is no such cache");
        sets_with(&format!("{key}: true"), &[&warning], |_| {});
        sets(&format!("{key}: false"), |_| {});
    }
}

#[test]
fn who_vouches_for_clients() {
    sets("proxies { }", |_| {});
    sets("proxies { trusted: [] }", |_| {});
    let [one, other] = [Kind::User, Kind::Server].map(|kind| encode_public(kind, &[7; 32]));
    let text = format!("proxies {{ trusted: [{{key: {one}}}, {{public_key: {other}}}] }}");
    sets(&text, |config| config.trusted_proxies = vec![one, other]);
    sets("authorization { token: t, proxy_required: true }", |config| {
        config.clients.credentials = Credentials::Token("t".to_owned());
        config.clients.requires_proxy = true;
    });
    let loaded = read("authorization { users: [{user: u, proxy_required: true}, {user: v}] }").unwrap();
    let Credentials::Users { users, .. } = loaded.config.clients.credentials else {
        panic!("there are users");
    };
    assert_eq!(
        users.iter().map(|user| user.requires_proxy).collect::<Vec<_>>(),
        [true, false]
    );
}

/// Keys that ask for nothing by themselves are checked, and mentioned.
#[test]
fn keys_without_effect() {
    for (text, warning) in [
        (
            "prof_port: 6060",
            "prof_port changes nothing: there is no profiling over HTTP",
        ),
        (
            "prof_block_rate: 1",
            "prof_block_rate changes nothing: there is no profiling over HTTP",
        ),
    ] {
        sets_with(text, &[&format!("a.conf:1:0: {warning}")], |_| {});
    }
    sets("prof_port: 0", |_| {});
}

#[test]
fn bytes_that_are_not_utf8_are_of_latin1() {
    let folder = std::env::temp_dir().join(format!("vagus-latin1-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("a.conf");
    std::fs::write(&path, b"# caf\xe9\nserver_name: \"M\xfcnchen-\xc3\xbc\"\n").unwrap();
    let loaded = crate::load(&path).unwrap();
    assert_eq!(loaded.config.server_name.as_deref(), Some("München-ü"));
    assert_eq!(loaded.warnings, []);
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn the_log() {
    sets("debug: true", |config| config.logging.debug = true);
    sets("trace: on", |config| config.logging.trace = true);
    sets("trace_verbose: yes", |config| {
        config.logging.trace = true;
        config.logging.trace_system_account = true;
    });
    sets("logtime: false, logtime_utc: true", |config| {
        config.logging.time = LogTime::None
    });
    sets("logtime_utc: true", |config| config.logging.time = LogTime::Utc);
    for text in ["log_file: a.log", "logfile: 'a.log'"] {
        sets(text, |config| config.logging.file = Some("a.log".into()));
    }
    for text in ["logfile_size_limit: 1MB", "log_size_limit: 1mib"] {
        sets(text, |config| config.logging.file_size_limit = 1 << 20);
    }
    sets("log_size_limit: -1, max_traced_msg_len: -1", |_| {});
    sets("max_traced_msg_len: 64", |config| {
        config.logging.max_traced_payload = 64
    });
}

#[test]
fn limits() {
    for text in ["max_connections: 17", "max_conn: 17"] {
        sets(text, |config| config.limits.max_connections = 17);
    }
    sets("max_conn: -1", |config| config.limits.max_connections = UNLIMITED);
    sets_with(
        "max_connections: 0",
        &["a.conf:1:0: max_connections lets no client in; -1 is no limit"],
        |config| config.limits.max_connections = 0,
    );
    for text in ["max_subscriptions: 17", "max_subs: 17"] {
        sets(text, |config| config.limits.max_subscriptions = 17);
    }
    sets("max_subs: -1, max_subscriptions: 0", |_| {});
    sets("max_subs: -1", |config| {
        config.limits.max_subscriptions = UNLIMITED
    });
    for text in ["write_timeout: default", "write_timeout: close"] {
        sets(text, |_| {});
    }
    sets("write_timeout: retry", |config| {
        config.limits.write_timeout = WriteTimeout::Retry
    });
    sets("no_fast_producer_stall: true", |config| {
        config.limits.stalls_publishers = false
    });
    sets("no_fast_producer_stall: no", |_| {});
    for text in ["max_sub_tokens: 8", "max_subscription_tokens: 8"] {
        sets(text, |config| config.limits.max_subscription_tokens = 8);
    }
    sets("max_control_line: 2KB", |config| {
        config.limits.max_control_line = 2048
    });
    sets("max_payload: 2k", |config| config.limits.max_payload = 2000);
    sets("max_pending: 1t", |config| {
        config.limits.max_pending = 1_000_000_000_000
    });
    sets("ping_max: 7", |config| config.limits.ping_max = 7);
    sets("no_header_support: true", |config| config.limits.headers = false);
    for text in ["ping_interval: 90s", "ping_interval: '1m30s'"] {
        sets(text, |config| {
            config.limits.ping_interval = Duration::from_secs(90)
        });
    }
    sets("write_deadline: '1500ms'", |config| {
        config.limits.write_deadline = Duration::from_millis(1500);
    });
    sets(
        "max_control_line 0, max_payload 0, max_pending 0, ping_max 0, ping_interval '0', write_deadline 0s",
        |_| {},
    );
}

#[test]
fn where_the_log_goes() {
    for text in ["logfile_max_num: 3", "log_max_num: 3"] {
        sets(text, |config| config.logging.max_files = 3);
    }
    sets("logfile_max_num: -1, remote_syslog: '', log_format: text", |_| {});
    sets("syslog: true", |config| config.logging.syslog = true);
    sets("remote_syslog: 'udp://logs:514'", |config| {
        config.logging.remote_syslog = Some(SyslogAddress::Udp("logs:514".to_owned()));
    });
    sets("log_format: JSON", |config| {
        config.logging.format = LogFormat::Json
    });
    sets("trace_headers: true", |config| {
        config.logging.trace_headers = true
    });
    sets(
        "connect_error_reports: 5, reconnect_error_reports: -7",
        |config| {
            config.logging.connect_error_reports = 5;
            config.logging.reconnect_error_reports = 7;
        },
    );
    sets("connect_error_reports: 0, reconnect_error_reports: 0", |_| {});
    assert!(read("log_format: xml").is_err());
    let loaded = read("remote_syslog: 'logs:514'").unwrap();
    let obstacle = loaded.obstacles[0].to_string();
    assert!(
        obstacle.starts_with("a.conf at 1:0: a syslog is udp://"),
        "{obstacle}"
    );
}

#[test]
fn lame_duck_mode() {
    sets("lame_duck_duration: '30s'", |config| {
        config.lame_duck.duration = Duration::from_secs(30);
    });
    sets(
        "lame_duck_duration: '5m', lame_duck_grace_period: '500ms'",
        |config| {
            config.lame_duck.duration = Duration::from_secs(300);
            config.lame_duck.grace_period = Duration::from_millis(500);
        },
    );
    sets("lame_duck_grace_period: '0s'", |_| {});
}

#[test]
fn large_payloads_are_mentioned() {
    let warning = ["Maximum payloads over 8.00 MB are generally discouraged: send in parts what is larger"];
    sets("max_payload: 8MB", |config| config.limits.max_payload = 8 << 20);
    sets_with("max_payload: 9MB", &warning, |config| {
        config.limits.max_payload = 9 << 20
    });
    // No limit of its own.
    sets_with("max_payload: -1, max_pending: 32MB", &warning, |config| {
        config.limits.max_payload = 32 << 20;
        config.limits.max_pending = 32 << 20;
    });
}

#[test]
fn seconds_without_a_unit_are_doubtful() {
    let warning = r#"a.conf:1:0: ping_interval should be a duration such as "20s""#;
    sets_with("ping_interval: 20", &[warning], |config| {
        config.limits.ping_interval = Duration::from_secs(20);
    });
    assert!(read("write_deadline: 4").unwrap().warnings[0].fails_check);
}

#[test]
fn who_may_connect() {
    let user = |password: &str| Credentials::User {
        name: "u".to_owned(),
        password: password.to_owned(),
    };
    for text in [
        "authorization { user u, password p }",
        "authorization = {username = u, pass = 'p'}",
        "AUTH { User: u, PASSWORD: p }\nauthorization: $AUTH",
        "authorization { P: p, user: u, password: $P }",
    ] {
        sets(text, |config| config.clients.credentials = user("p"));
    }
    sets("authorization { user: u }", |config| {
        config.clients.credentials = user("")
    });
    sets("authorization { token: t }", |config| {
        config.clients.credentials = Credentials::Token("t".to_owned());
    });
    for text in [
        "authorization {}",
        "authorization { pass: p }",
        "authorization { user: '', token: '' }",
    ] {
        sets(text, |_| {});
    }
    for (timeout, milliseconds) in [
        ("2.5", 2500),
        ("3", 3000),
        ("'4s'", 4000),
        ("4s", 4000),
        ("0", 2000),
    ] {
        sets(&format!("authorization {{ timeout: {timeout} }}"), |config| {
            config.clients.auth_timeout = Duration::from_millis(milliseconds);
        });
    }
    let warning = "a.conf:1:16: timeout is more than a minute; note that without quotes 1m is a million, not a \
                   minute";
    sets_with("authorization { timeout: 1m }", &[warning], |config| {
        config.clients.auth_timeout = Duration::from_secs(1_000_000);
    });
}

#[test]
fn what_only_keeps_a_server_from_starting() {
    for (text, expected) in [
        (
            "port: 99999",
            "a.conf at 1:0: port 99999 is out of range: 0 to 65535, or -1 for any that is free",
        ),
        (
            "listen: 'h:-2'",
            "a.conf at 1:0: port -2 is out of range: 0 to 65535, or -1 for any that is free",
        ),
        (
            "ping_interval: '-5s'",
            "a.conf at 1:0: ping_interval must not be negative",
        ),
        (
            "write_deadline: '-5s'",
            "a.conf at 1:0: write_deadline must not be negative",
        ),
        (
            "authorization { timeout: -1 }",
            "a.conf at 1:16: timeout must not be negative",
        ),
        (
            "client_advertise: 'a:b'",
            "a.conf at 1:0: client_advertise must be <host> or <host>:<port>",
        ),
        (
            "max_pending: 1k\nmax_payload: 2k",
            "a.conf at 2:1: max_payload (2000) must not be more than max_pending (1000)",
        ),
        (
            "max_pending: 1k",
            "a.conf at 1:0: max_payload (1048576) must not be more than max_pending (1000)",
        ),
    ] {
        assert_eq!(obstacles(&read(text).unwrap()), expected, "{text}");
    }
}

#[test]
fn refusals() {
    for (text, expected) in [
        (
            "max_payload: [1]",
            "max_payload must be a whole number, not an array",
        ),
        (
            "Max_Pending: soon",
            "Max_Pending must be a whole number, not this text",
        ),
        ("max_pending: -5", "max_pending must not be negative"),
        (
            "max_control_line: 4GB",
            "max_control_line is too large: at most 2147483647",
        ),
        ("max_conn: -2", "max_conn must not be negative"),
        ("max_subs: -2", "max_subs must not be negative"),
        ("max_sub_tokens: 0", "max_sub_tokens must be 1 to 255"),
        ("max_sub_tokens: 256", "max_sub_tokens must be 1 to 255"),
        ("ping_max: -1", "ping_max must not be negative"),
        (
            "ping_interval: 2.5",
            "ping_interval must be a duration such as \"2m\", not a number with a decimal point",
        ),
        (
            "write_deadline: soon",
            "write_deadline must be a duration such as \"2m\", not this text",
        ),
        ("server_name: on", "server_name must be text, not true or false"),
        ("logtime: 0", "logtime must be true or false, not a whole number"),
        ("listen: localhost", "listen must be <host>:<port>"),
        ("listen: '::1:4222'", "listen must be <host>:<port>"),
        ("listen: 'h:port'", "listen must be <host>:<port>"),
        (
            "listen: on",
            "listen must be a port or <host>:<port>, not true or false",
        ),
        ("authorization: u", "authorization must be a map, not this text"),
        ("max_payloads: 1", "unknown field \"max_payloads\""),
    ] {
        let error = read(text).unwrap_err().to_string();
        assert_eq!(error, format!("a.conf:1:0: {expected}"), "{text}");
    }
}

#[test]
fn secrets_are_not_shown() {
    for text in [
        "authorization { user: u, password: hush }",
        "authorization { token: hush }",
        "P: hush\nauthorization { user: u, password: $P }",
        "authorization { user: u, password: $2a$hush }",
    ] {
        assert!(!format!("{:?}", read(text).unwrap()).contains("hush"), "{text}");
    }
    for text in [
        "authorization { user: u, password: hush, token: hush }",
        "authorization { user: u, password: [hush] }",
        "authorization { user: u, password: hush hush }",
        "authorization { user: u, password: \"hush",
        "authorization { user: u, password: $hush }",
        "authorization: hush",
    ] {
        let error = read(text).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hush"), "{error}");
    }
}
