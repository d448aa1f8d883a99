//! How TLS is set.

use super::{judge, obstacles, read};
use crate::{Config, ConfigError, load};
use std::fs;
use std::path::PathBuf;
use std::time::Duration;
use vagus_tls::testing::{Authority, request};
use vagus_tls::{
    Curve, HandshakeFirst, KeyPair, OcspCache, OcspPeer, Pem, Settings, Stapling, StaplingMode, Version,
};

const PAIR: &str = "cert_file: a.pem, key_file: a.key";

fn config(text: &str) -> Config {
    read(text)
        .unwrap_or_else(|error| panic!("{text}: {error}"))
        .config
}

/// What a section with these keys, and the usual two, says.
fn section(keys: &str) -> Settings {
    config(&format!("tls {{ {PAIR}, {keys} }}")).clients.tls.unwrap()
}

fn usual() -> Settings {
    Settings {
        certificates: vec![pair("a.pem", "a.key")],
        ..Settings::default()
    }
}

fn pair(certificate: &str, key: &str) -> KeyPair {
    KeyPair {
        certificate: Pem::File(certificate.into()),
        key: Pem::File(key.into()),
    }
}

#[test]
fn no_section_is_no_tls() {
    assert_eq!(config("allow_non_tls: true, ocsp: true").clients.tls, None);
    assert_eq!(section(""), usual());
}

#[test]
fn each_key() {
    let sets = |keys: &str, change: &dyn Fn(&mut Settings)| {
        let mut expected = usual();
        change(&mut expected);
        assert_eq!(section(keys), expected, "{keys}");
    };
    sets("ca_file: ca.pem", &|settings| {
        settings.ca = Some(Pem::File("ca.pem".into()))
    });
    sets("verify: true", &|settings| settings.verify = true);
    sets("VERIFY_and_map: on", &|settings| settings.verify_and_map = true);
    sets("insecure: yes", &|settings| settings.insecure = true);
    sets("verify_cert_and_check_known_urls: false", &|_| {});
    for (timeout, milliseconds) in [
        ("timeout: 5", 5000),
        ("timeout: 0.5", 500),
        ("timeout: \"3m\"", 180_000),
        ("timeout: 0", 2000),
    ] {
        sets(timeout, &|settings| {
            settings.timeout = Duration::from_millis(milliseconds)
        });
    }
    sets("connection_rate_limit: 30", &|settings| {
        settings.connection_rate_limit = 30
    });
    sets("connection_rate_limit: -1", &|_| {});
    sets("min_version: \"1.3\"", &|settings| {
        settings.min_version = Version::Tls13
    });
    sets("curve_preferences: [CurveP521, X25519]", &|settings| {
        settings.curve_preferences = vec![Curve::P521, Curve::X25519];
    });
    let (good, bad) = (
        "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        "TLS_RSA_WITH_AES_128_CBC_SHA",
    );
    sets(&format!("cipher_suites: [{good}]"), &|settings| {
        settings.cipher_suites = vec![good.parse().unwrap()];
    });
    for keys in [
        format!("cipher_suites: [{bad}, {good}], allow_insecure_cipher_suites: true"),
        format!("allow_insecure_cipher_suites: true, cipher_suites: [{bad}, {good}]"),
    ] {
        sets(&keys, &|settings| {
            settings.cipher_suites = vec![bad.parse().unwrap(), good.parse().unwrap()];
        });
    }
    let pin = "A8f407340dcc719864214b85ed96f98d16cbffa8f509d9fa4ca237b7bb3f9c32";
    sets(&format!("pinned_certs: [\"{pin}\", \"{pin}\"]"), &|settings| {
        settings.pinned_certs = [pin.parse().unwrap()].into();
    });
    sets("pinned_certs: []", &|_| {});
}

#[test]
fn handshake_first() {
    for (keys, expected) in [
        ("handshake_first: true", HandshakeFirst::On),
        ("first: \"on\"", HandshakeFirst::On),
        ("immediate: false", HandshakeFirst::Off),
        ("handshake_first: \"OFF\"", HandshakeFirst::Off),
        (
            "handshake_first: auto",
            HandshakeFirst::Auto(Duration::from_millis(50)),
        ),
        ("handshake_first: Auto_Fallback", HandshakeFirst::AUTO),
        (
            "handshake_first: \"300ms\"",
            HandshakeFirst::Auto(Duration::from_millis(300)),
        ),
        ("handshake_first: \"0s\"", HandshakeFirst::On),
    ] {
        assert_eq!(section(keys).handshake_first, expected, "{keys}");
    }
}

#[test]
fn several_certificates() {
    let text = "tls { certs: [{cert_file: a.pem, key_file: a.key}, {cert_file: b.pem, key_file: b.key}] }";
    let expected = [pair("a.pem", "a.key"), pair("b.pem", "b.key")];
    assert_eq!(config(text).clients.tls.unwrap().certificates, expected);
    assert_eq!(
        config(&text.replace("certs", "certificates"))
            .clients
            .tls
            .unwrap()
            .certificates,
        expected
    );
}

/// As the old manuals have it.
#[test]
fn the_port_may_be_said_before_or_behind() {
    for text in [
        format!("listen: \"127.0.0.1:4443\"\ntls {{ {PAIR}, timeout: 2 }}"),
        format!("tls: {{ {PAIR} }}; listen: 127.0.0.1:4443"),
    ] {
        let config = config(&text);
        assert_eq!(config.clients.listen.host, "127.0.0.1");
        assert_eq!(config.clients.tls, Some(usual()));
    }
}

#[test]
fn what_stands_beside_the_section() {
    let both = |beside: &str| {
        let before = config(&format!("{beside}\ntls {{ {PAIR} }}")).clients.tls;
        let behind = config(&format!("tls {{ {PAIR} }}\n{beside}")).clients.tls;
        assert_eq!(before, behind, "{beside}");
        before.unwrap()
    };
    assert!(both("allow_non_tls: true").allow_non_tls);
    let mode = |beside: &str| both(beside).stapling.map(|stapling| stapling.mode);
    assert_eq!(mode("debug: false"), None);
    assert_eq!(mode("ocsp: true"), Some(StaplingMode::Auto));
    assert_eq!(mode("ocsp: false"), Some(StaplingMode::Never));
    assert_eq!(mode("ocsp { mode: ALWAYS }"), Some(StaplingMode::Always));
    assert_eq!(
        both("ocsp { mode: must, urls: [\"http://a\", \"http://b\"] }").stapling,
        Some(Stapling {
            mode: StaplingMode::Must,
            urls: vec!["http://a".into(), "http://b".into()],
        })
    );
    assert_eq!(
        both("ocsp { url: \"http://a\" }").stapling.unwrap().urls,
        ["http://a"]
    );
    let cache = |enabled: bool, preserve_revoked| OcspCache {
        enabled,
        preserve_revoked,
        local_store: enabled.then(|| "_rc_".into()),
        ..OcspCache::default()
    };
    assert_eq!(both("debug: false").ocsp_cache, OcspCache::default());
    assert_eq!(both("ocsp_cache: true").ocsp_cache, cache(true, false));
    assert_eq!(both("ocsp_cache: false").ocsp_cache, cache(false, false));
    assert_eq!(both("ocsp_cache { type: none }").ocsp_cache, cache(false, false));
    assert_eq!(
        both("ocsp_cache { type: local, preserve_revoked: true }").ocsp_cache,
        cache(true, true)
    );
    assert_eq!(
        both("ocsp_cache { local_store: there, save_interval: 5 }").ocsp_cache,
        OcspCache {
            local_store: Some("there".into()),
            save_interval: Duration::from_secs(5),
            ..OcspCache::default()
        }
    );
    assert_eq!(
        both("ocsp_cache { save_interval: \"10ms\" }")
            .ocsp_cache
            .save_interval,
        Duration::from_secs(1)
    );
    assert_eq!(both("debug: false").staple_store, None);
    assert_eq!(both("store_dir: s").staple_store, Some("s/ocsp".into()));
}

#[test]
fn how_peers_are_checked_with_their_authority() {
    let peer = |keys: &str| section(&format!("verify: true, {keys}")).ocsp_peer;
    let on = OcspPeer {
        verify: true,
        ..OcspPeer::default()
    };
    assert_eq!(peer(""), None);
    assert_eq!(peer("ocsp_peer: true"), Some(on.clone()));
    assert_eq!(peer("ocsp_peer: false"), Some(OcspPeer::default()));
    assert_eq!(peer("ocsp_peer { verify: true, ca_timeout: 0 }"), Some(on));
    assert_eq!(
        peer(
            "ocsp_peer { verify: true, ca_timeout: 1.5, allowed_clockskew: \"1m\", warn_only: true, unknown_is_good: true,
             allow_when_ca_unreachable: true, cache_ttl_when_next_update_unset: 60 }"
        ),
        Some(OcspPeer {
            verify: true,
            ca_timeout: Duration::from_millis(1500),
            allowed_clockskew: Duration::from_secs(60),
            warn_only: true,
            unknown_is_good: true,
            allow_when_ca_unreachable: true,
            cache_ttl_when_next_update_unset: Duration::from_secs(60),
        })
    );
}

/// What stands beside the section of clients counts for those of others as well, wherever it stands.
#[test]
fn certificates_of_routes_are_asked_about_like_those_of_clients() {
    let text = "cluster { port: 1, tls { cert_file: a, key_file: b, ca_file: c, ocsp_peer: true } }
                ocsp { mode: always }, store_dir: s, allow_non_tls: true";
    let cluster = config(text).cluster.unwrap();
    let tls = cluster.listener.tls.unwrap();
    assert_eq!(tls.stapling.unwrap().mode, StaplingMode::Always);
    assert_eq!(tls.staple_store, Some("s/ocsp".into()));
    assert!(tls.ocsp_peer.unwrap().verify && tls.verify && !tls.allow_non_tls);
}

/// The handshake is a part of the time that a client has to say who it is.
#[test]
fn there_is_time_for_the_handshake() {
    for (text, seconds) in [
        (format!("tls {{ {PAIR} }}"), 3),
        (format!("tls {{ {PAIR}, timeout: 5 }}"), 6),
        (format!("tls {{ {PAIR} }}, authorization {{ timeout: 2 }}"), 2),
        (format!("tls {{ {PAIR} }}, authorization {{ timeout: 0 }}"), 3),
        (format!("Authorization {{ Timeout: 7 }}, tls {{ {PAIR} }}"), 7),
        ("debug: false".to_owned(), 2),
    ] {
        assert_eq!(
            config(&text).clients.auth_timeout,
            Duration::from_secs(seconds),
            "{text}"
        );
    }
}

#[test]
fn where_it_is_wrong() {
    for (text, expected) in [
        ("tls: true", "1:0"),
        ("tls { cert_file: a.pem }", "1:6"),
        ("tls { key_file: a.key }", "1:6"),
        (
            "tls { cert_file: a, key_file: b, certs: [{cert_file: c, key_file: d}] }",
            "1:33",
        ),
        ("tls { certs: [{cert_file: c}] }", "1:14"),
        ("tls { certs: [{cert_file: c, key_file: d, ca_file: e}] }", "1:42"),
        ("tls { certs: 5 }", "1:6"),
        ("tls { cipher_suites: [] }", "1:6"),
        ("tls { cipher_suites: [5] }", "1:22"),
        ("tls { curve_preferences: CurveP256 }", "1:6"),
        ("tls { connection_rate_limit: fast }", "1:6"),
        ("tls { timeout: soon }", "1:6"),
        ("tls { pinned_certs: abc }", "1:6"),
        ("tls { ocsp_peer: maybe }", "1:6"),
        ("tls { ocsp_peer { colour: blue } }", "1:18"),
        ("tls { cert_store: WindowsCurrentUser }", "1:6"),
        ("tls { verify_cert_and_check_known_urls: true }", "1:6"),
        ("tls { FILE: a.pem, cert_file: $FILE, key_file: b }", "1:6"),
        ("allow_non_tls: perhaps", "1:0"),
        ("ocsp: 5", "1:0"),
        ("ocsp { colour: blue }", "1:7"),
        ("ocsp_cache { type: disk }", "1:13"),
        ("proxy_protocol: 1", "1:0"),
        ("proxy_protocol: true", "valid"),
        ("tls {}", "valid"),
        ("tls { verify: true, ocsp_peer: true }", "valid"),
    ] {
        assert_eq!(judge(text), expected, "{text}");
    }
}

/// nats-server lets these pass when it checks a file.
#[test]
fn what_keeps_a_server_from_starting() {
    for (text, expected) in [
        (
            "tls {}",
            "a.conf at 1:0: TLS needs a certificate and its private key",
        ),
        (
            "tls { cert_file: a, key_file: b, ocsp_peer: true }",
            "a.conf at 1:0: to check certificates of clients by OCSP (ocsp_peer), verify must be on",
        ),
        (
            "ocsp { url: \"https://a\" }",
            "a.conf at 1:0: a responder is reached by http:// and nothing else",
        ),
    ] {
        assert_eq!(obstacles(&read(text).unwrap()), expected, "{text}");
    }
}

/// A folder of its own, gone at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("vagus-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn the_certificates_of_a_file_are_looked_at() {
    let folder = Folder::new("certificates");
    let authority = Authority::new("ca");
    let (certificate, key) = authority.issue(&request("localhost")).write(&folder.0, "server");
    let (_, other) = authority.issue(&request("other")).write(&folder.0, "other");
    let file = folder.0.join("a.conf");
    let told = |key: &PathBuf| {
        let text = format!("\n tls {{ cert_file: {certificate:?}, key_file: {key:?} }}");
        fs::write(&file, text).unwrap();
        load(&file).map_err(|error| match error {
            ConfigError::Invalid(problems) => problems[0].to_string(),
            other => other.to_string(),
        })
    };
    assert_eq!(told(&key).unwrap().obstacles, []);
    assert_eq!(
        told(&other).unwrap_err(),
        format!(
            "{}:2:2: the private key in {} does not belong to the certificate in {}",
            file.display(),
            other.display(),
            certificate.display()
        )
    );
}
