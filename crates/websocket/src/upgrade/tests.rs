use super::{
    CookieNames, Cookies, Endpoint, LONGEST_REQUEST, Origin, Origins, Refusal, Upgrade, UpgradeRules,
    may_be_added,
};

/// RFC 6455, section 1.3.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// A request, in which headers are other than usual: with a value, or left out.
fn request(line: &str, changed: &[(&str, Option<&str>)]) -> Vec<u8> {
    let mut headers = vec![
        ("Host", "a.example"),
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Key", KEY),
        ("Sec-WebSocket-Version", "13"),
    ];
    for (name, value) in changed {
        headers.retain(|(known, _)| known != name);
        headers.extend(value.map(|value| (*name, value)));
    }
    let lines: String = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    format!("{line}\r\n{lines}\r\n").into_bytes()
}

const GET: &str = "GET / HTTP/1.1";

#[track_caller]
fn granted(rules: &UpgradeRules, request: &[u8]) -> Upgrade {
    rules.judge(request).unwrap().expect("it has all come")
}

fn answer(rules: &UpgradeRules, request: &[u8]) -> String {
    String::from_utf8(granted(rules, request).answer).unwrap()
}

#[test]
fn is_granted_when_all_of_it_has_come() {
    let rules = UpgradeRules::default();
    let request = request(GET, &[]);
    for length in 0..request.len() {
        assert_eq!(rules.judge(&request[..length]), Ok(None), "{length}");
    }
    let upgrade = granted(&rules, &[&request[..], b"behind"].concat());
    assert_eq!(upgrade.length, request.len());
    assert_eq!(upgrade.endpoint, Endpoint::Clients);
    let expected = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {ACCEPT}\r\n\r\n"
    );
    assert_eq!(String::from_utf8(upgrade.answer).unwrap(), expected);
}

#[test]
fn words_may_be_in_lists_and_in_any_case() {
    let rules = UpgradeRules::default();
    for changed in [
        ("Upgrade", "WebSocket"),
        ("Upgrade", "h2c, websocket"),
        ("Connection", "keep-alive,upgrade"),
        ("Sec-WebSocket-Version", "8, 13"),
    ] {
        granted(&rules, &request(GET, &[(changed.0, Some(changed.1))]));
    }
    granted(&rules, &request("GET /any/path?at=all HTTP/1.0", &[]));
}

#[test]
fn is_refused_for_what_is_missing() {
    let rules = UpgradeRules::default();
    for (line, changed, expected) in [
        ("POST / HTTP/1.1", ("x", None), Refusal::Method),
        ("GET /mqtt HTTP/1.1", ("x", None), Refusal::NoMqtt),
        (GET, ("Host", None), Refusal::HostRequired),
        ("GET / HTTP/1.0", ("Host", None), Refusal::NoHost),
        (GET, ("Upgrade", None), Refusal::Upgrade),
        (GET, ("Upgrade", Some("h2c")), Refusal::Upgrade),
        (GET, ("Connection", Some("close")), Refusal::Connection),
        (GET, ("Sec-WebSocket-Key", None), Refusal::NoKey),
        (GET, ("Sec-WebSocket-Key", Some("abc")), Refusal::Key),
        (GET, ("Sec-WebSocket-Key", Some("YWJj")), Refusal::Key),
        (GET, ("Sec-WebSocket-Version", Some("8")), Refusal::Version),
        (GET, ("Sec-WebSocket-Version", None), Refusal::Version),
        ("CONNECT {}", ("x", None), Refusal::NotHttp),
    ] {
        assert_eq!(
            rules.judge(&request(line, &[changed])),
            Err(expected),
            "{line} {changed:?}"
        );
    }
    let two_hosts = String::from_utf8(request(GET, &[]))
        .unwrap()
        .replace("\r\n\r\n", "\r\nHost: b\r\n\r\n");
    assert_eq!(rules.judge(two_hosts.as_bytes()), Err(Refusal::NotHttp));
}

#[test]
fn is_bounded() {
    let rules = UpgradeRules::default();
    let long = request(GET, &[("Cookie", Some(&"x".repeat(LONGEST_REQUEST)))]);
    assert_eq!(rules.judge(&long[..LONGEST_REQUEST - 1]), Ok(None));
    assert_eq!(rules.judge(&long[..LONGEST_REQUEST]), Err(Refusal::TooLong));
    let many: Vec<_> = std::iter::repeat_n(("X", Some("y")), 1).collect();
    let many = String::from_utf8(request(GET, &many))
        .unwrap()
        .replace("X: y\r\n", &"X: y\r\n".repeat(200));
    assert_eq!(rules.judge(many.as_bytes()), Err(Refusal::TooLong));
}

#[test]
fn pages_from_elsewhere_are_refused() {
    let rules = UpgradeRules {
        origins: Origins {
            same: true,
            allowed: vec![Origin::parse("http://a.example").unwrap()],
        },
        ..UpgradeRules::default()
    };
    granted(&rules, &request(GET, &[]));
    granted(&rules, &request(GET, &[("Origin", Some("http://a.example"))]));
    for name in ["Origin", "Sec-WebSocket-Origin"] {
        let refused = rules.judge(&request(GET, &[(name, Some("http://b.example"))]));
        let refused = refused.unwrap_err();
        assert_eq!(refused.to_string(), "origin not allowed: not same origin");
        assert!(refused.answer().starts_with(b"HTTP/1.1 403 Forbidden\r\n"));
    }
}

#[test]
fn compression_is_agreed_on_where_both_want_it() {
    let mut rules = UpgradeRules::default();
    let asked = |value| request(GET, &[("Sec-WebSocket-Extensions", Some(value))]);
    let wanted = "x-other, Permessage-Deflate; client_max_window_bits";
    let agreed = "\r\nSec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; \
                  client_no_context_takeover\r\n";
    assert!(!answer(&rules, &asked(wanted)).contains("Extensions"));
    rules.compresses = true;
    assert!(answer(&rules, &asked(wanted)).contains(agreed));
    assert!(granted(&rules, &asked(wanted)).terms.compresses);
    assert!(!answer(&rules, &asked("x-other")).contains("Extensions"));
    assert!(!granted(&rules, &request(GET, &[])).terms.compresses);
}

#[test]
fn what_is_configured_is_said() {
    let rules = UpgradeRules {
        headers: vec![("X-One".into(), "two".into()), ("X-Three".into(), "four".into())],
        ..UpgradeRules::default()
    };
    let answer = answer(&rules, &request(GET, &[("Nats-No-Masking", Some("true"))]));
    assert!(
        answer.ends_with("\r\nNats-No-Masking: true\r\nX-One: two\r\nX-Three: four\r\n\r\n"),
        "{answer}"
    );
}

#[test]
fn nothing_else_is_said_by_way_of_headers() {
    for (name, value, may) in [
        ("X-Frame", "any text: at all", true),
        ("Strict-Transport-Security", "max-age=1", true),
        ("Connection", "close", false),
        ("UPGRADE", "h2c", false),
        ("Sec-WebSocket-Protocol", "mqtt", false),
        ("Nats-No-Masking", "true", false),
        ("X", "two\r\nlines", false),
        ("X Y", "z", false),
        ("X:", "y", false),
        ("", "x", false),
    ] {
        assert_eq!(may_be_added(name, value), may, "{name}: {value:?}");
    }
}

#[test]
fn browsers_are_known_by_their_names() {
    let rules = UpgradeRules::default();
    for (agent, is_browser, compressed_in_one) in [
        (
            "Mozilla/5.0 (X11) AppleWebKit/537 (KHTML) Chrome/140.0.0.0 Safari/537",
            true,
            false,
        ),
        (
            "Mozilla/5.0 (Macintosh) AppleWebKit/605 (KHTML) Version/17.1 Safari/605",
            true,
            true,
        ),
        ("Python/3.13 aiohttp/3.12", false, false),
    ] {
        let terms = granted(&rules, &request(GET, &[("User-Agent", Some(agent))])).terms;
        assert_eq!(
            (terms.is_browser, terms.compressed_in_one),
            (is_browser, compressed_in_one),
            "{agent}"
        );
    }
}

#[test]
fn a_proxy_says_for_whom_it_connects() {
    let rules = UpgradeRules::default();
    for (value, expected) in [
        ("192.0.2.7", Some("192.0.2.7")),
        ("2001:db8::1", Some("2001:db8::1")),
        ("192.0.2.7, 10.0.0.1", None),
        ("somebody", None),
    ] {
        let upgrade = granted(&rules, &request(GET, &[("X-Forwarded-For", Some(value))]));
        assert_eq!(
            upgrade.forwarded_for,
            expected.map(|ip| ip.parse().unwrap()),
            "{value}"
        );
    }
}

#[test]
fn leaf_nodes_have_a_path_of_their_own() {
    for (path, expected) in [
        ("/leafnode", Endpoint::LeafNodes),
        ("/behind/leafnode?x", Endpoint::LeafNodes),
        ("/leafnodes", Endpoint::Clients),
        ("/?/leafnode", Endpoint::Clients),
    ] {
        let upgrade = granted(
            &UpgradeRules::default(),
            &request(&format!("GET {path} HTTP/1.1"), &[]),
        );
        assert_eq!(upgrade.endpoint, expected, "{path}");
    }
}

#[test]
fn cookies_say_who_a_client_is() {
    let name = |name: &str| Some(name.to_owned());
    let rules = UpgradeRules {
        cookies: CookieNames {
            jwt: None,
            user: name("user"),
            password: name("pass"),
            token: name("token"),
        },
        ..UpgradeRules::default()
    };
    let found = |header| granted(&rules, &request(GET, &[("Cookie", Some(header))])).cookies;
    let expected = Cookies {
        user: "me".into(),
        password: "a b,c".into(),
        ..Cookies::default()
    };
    assert_eq!(
        found("other=x; user=you; user=me;pass=\"a b,c\"; jwt=z; =y; token"),
        expected
    );
    assert!(found("token=\"a; User=b; token=c\\d; token=\u{e4}").is_empty());
    assert!(format!("{:?}", found("token=secret")).find("secret").is_none());
}
