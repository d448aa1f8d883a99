//! Who may do what, from where.

use crate::{ANN, BOB, JSON, TOKEN, open, protected, with};
use vagus::StartError;
use vagus_test_support::{http, server};

#[test]
fn there_is_no_service_unless_it_is_asked_for() {
    assert_eq!(server().start().admin_address(), None);
}

#[test]
fn a_login_is_asked_for() {
    let server = server().set(with(protected())).start();
    let address = server.admin_address().unwrap();
    for path in [
        "/",
        "/v1/session",
        "/varz",
        "/page/page.js",
        "/v1/nothing",
        "/nothing",
    ] {
        let answer = http(address, "GET", path, &[]);
        assert_eq!(answer.status, 401, "{path}");
        assert!(answer.header("www-authenticate").starts_with("Basic "), "{path}");
        assert!(!answer.body.contains("vagus"), "{}", answer.body);
    }
    for (who, session) in [
        (ANN, r#"{"user":"ann","role":"admin","administration":true}"#),
        (BOB, r#"{"user":"bob","role":"read","administration":true}"#),
        (TOKEN, r#"{"user":"","role":"admin","administration":true}"#),
    ] {
        assert_eq!(http(address, "GET", "/v1/session", &[who]).body, session);
        assert_eq!(http(address, "GET", "/varz", &[who]).status, 200);
    }
}

#[test]
fn readers_change_nothing() {
    let server = server().set(with(protected())).start();
    let address = server.admin_address().unwrap();
    for (method, path) in [
        ("DELETE", "/v1/connections/1"),
        ("POST", "/v1/lame-duck"),
        ("PUT", "/v1/log"),
        ("POST", "/v1/publish"),
        ("GET", "/v1/subscribe?subject=a"),
    ] {
        let answer = http(address, method, path, &[BOB, JSON]);
        assert_eq!(answer.status, 403, "{method} {path}: {}", answer.body);
    }
}

#[test]
fn wrong_logins_are_counted_by_address() {
    let server = server().set(with(protected())).start();
    let address = server.admin_address().unwrap();
    let guess = ("Authorization", "Basic YW5uOmd1ZXNz");
    let slowed = (0..20).find_map(|_| {
        let answer = http(address, "GET", "/v1/session", &[guess]);
        (answer.status != 401).then_some(answer)
    });
    let slowed = slowed.expect("guessing is slowed down");
    assert_eq!(slowed.status, 429);
    let wait: u64 = slowed.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
}

#[test]
fn monitoring_may_ask_for_the_same_login() {
    let mut admin = protected();
    let open = server().monitoring().set(with(admin.clone())).start();
    assert_eq!(open.get("/varz").status, 200);
    admin.protect_monitoring = true;
    let server = server().monitoring().set(with(admin)).start();
    let address = server.monitor_address().unwrap();
    for path in ["/varz", "/healthz", "/", "/v1/session", "/metrics"] {
        assert_eq!(http(address, "GET", path, &[]).status, 401, "{path}");
        assert_eq!(http(address, "GET", path, &[BOB]).status, 200, "{path}");
    }
}

#[test]
fn nothing_can_be_done_on_the_monitoring_port() {
    let server = server().monitoring().set(with(open())).start();
    let address = server.monitor_address().unwrap();
    for (method, path) in [
        ("DELETE", "/v1/connections/1"),
        ("POST", "/v1/lame-duck"),
        ("GET", "/v1/log"),
        ("POST", "/v1/publish"),
        ("GET", "/v1/subscribe?subject=a"),
        ("GET", "/v1/openapi.json"),
    ] {
        assert_eq!(
            http(address, method, path, &[JSON]).status,
            404,
            "{method} {path}"
        );
    }
}

#[test]
fn pages_of_other_sites_are_not_heard() {
    let server = server().set(with(open())).start();
    let address = server.admin_address().unwrap();
    for headers in [
        [("Origin", "https://evil.example"), JSON],
        [("Sec-Fetch-Site", "cross-site"), JSON],
        [("Content-Type", "text/plain"), ("Accept", "*/*")],
    ] {
        let answer = http(address, "POST", "/v1/lame-duck", &headers);
        assert_eq!(answer.status, 403, "{headers:?}");
    }
    assert_eq!(server.lame_duck().unwrap().phase, vagus::LameDuckPhase::Off);
}

#[test]
fn it_does_not_start_where_everybody_could_use_it() {
    let mut admin = open();
    admin.listen.host = "0.0.0.0".to_owned();
    match server().set(with(admin)).try_start() {
        Err(StartError::OpenAdmin { .. }) => {}
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it starts"),
    }
}
