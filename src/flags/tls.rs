//! The flags about TLS, and what `--help_tls` says.

use super::launch::LaunchError;
use super::syntax::Parsed;
use super::table::Setting;
use vagus_configs::{Config, ListenerSettings};
use vagus_tls::{CipherSuite, Curve, KeyPair, Pem, Settings, Version};

/// Lays the flags over what the file says. `--tls=false` wins over everything; else any of them that asks for
/// something replaces the certificates of the file, and what is spoken and asked of clients, but neither its users nor
/// its timeouts.
pub(super) fn lay_over(config: &mut Config, flags: &Parsed<Setting>) -> Result<(), LaunchError> {
    let is_off = |setting| flags.last(setting).is_some_and(|value| value.is_off());
    if is_off(Setting::Tls) {
        config.clients.tls = None;
        return Ok(());
    }
    let asked = [
        Setting::Tls,
        Setting::TlsVerify,
        Setting::TlsCa,
        Setting::TlsCertificate,
        Setting::TlsKey,
    ];
    if !asked
        .into_iter()
        .any(|setting| flags.last(setting).is_some() && !is_off(setting))
    {
        return Ok(());
    }
    let file = |setting| flags.text(setting).map(|path| Pem::File(path.into()));
    let (Some(certificate), Some(key)) = (file(Setting::TlsCertificate), file(Setting::TlsKey)) else {
        return Err(LaunchError::TlsWithoutCertificate);
    };
    let of_file = config.clients.tls.take();
    let says_no_timeout =
        of_file.is_none() && config.clients.auth_timeout == ListenerSettings::usual_auth_timeout(None);
    config.clients.tls = Some(Settings {
        certificates: vec![KeyPair { certificate, key }],
        ca: file(Setting::TlsCa),
        verify: flags.is_true(Setting::TlsVerify),
        cipher_suites: Vec::new(),
        curve_preferences: Vec::new(),
        min_version: Version::Tls12,
        ..of_file.unwrap_or_default()
    });
    // What the file says beside its section counts for these certificates, too.
    config.complete_tls();
    if says_no_timeout {
        config.clients.auth_timeout = ListenerSettings::usual_auth_timeout(config.clients.tls.as_ref());
    }
    Ok(())
}

/// How TLS is set, with the names that there are.
pub(crate) fn help() -> String {
    let mut text = HELP.to_owned();
    let mut list = |title: &str, names: Vec<&str>| {
        text.push_str(title);
        for name in names {
            text.push_str("    ");
            text.push_str(name);
            text.push('\n');
        }
    };
    let suites = |is_insecure| {
        let all = CipherSuite::all().filter(move |suite| suite.is_insecure() == is_insecure);
        all.map(CipherSuite::name).collect()
    };
    list("\nCipher suites, the best first:\n", suites(false));
    list(
        "\nThese are used only with allow_insecure_cipher_suites: true, as far as the system's OpenSSL has them:\n",
        suites(true),
    );
    let curves = Curve::ALL.map(Curve::name).to_vec();
    list("\nCurve preferences, the best first:\n", curves);
    text
}

const HELP: &str = "\
TLS is set in the section `tls` of the configuration file:

    tls {
        cert_file: \"server.pem\"
        key_file:  \"server.key\"
        ca_file:   \"authorities.pem\"

        # Clients must show a certificate; with verify_and_map it also says which user they are.
        verify:         true
        verify_and_map: true

        min_version:       \"1.2\"
        cipher_suites:     [\"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256\"]
        curve_preferences: [\"X25519\", \"CurveP256\"]

        # Ask the authority of a client's certificate whether it was revoked.
        ocsp_peer {
            verify: true
            # How long it may take, how far its clock may be off, and how long an answer holds that does not say so.
            ca_timeout: 2
            allowed_clockskew: 30
            cache_ttl_when_next_update_unset: 3600
            # Let clients in all the same: whatever the answer, if it is not known, or if there is none.
            warn_only: false
            unknown_is_good: false
            allow_when_ca_unreachable: false
        }
    }

    # What the authority says of the server's own certificate is given to clients:
    # for certificates that demand it (auto, must), for all (always), or for none (never).
    ocsp { mode: auto }

    # What authorities said of clients is remembered.
    ocsp_cache { type: local, local_store: \"_rc_\", save_interval: 300, preserve_revoked: false }
";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flags::{Command, parse};
    use std::time::Duration;
    use vagus_configs::{BesideTls, Loaded};
    use vagus_tls::{HandshakeFirst, Stapling};

    /// The configuration that a command line makes of that of a file.
    fn laid_over(line: &str, of_file: &Config) -> Result<Config, String> {
        let arguments: Vec<String> = format!("-c a.conf {line}")
            .split_whitespace()
            .map(str::to_owned)
            .collect();
        let load = |_: &std::path::Path| {
            Ok(Loaded {
                tree: vagus_configs::grammar::Map::default(),
                config: of_file.clone(),
                warnings: Vec::new(),
                obstacles: Vec::new(),
                digest: String::new(),
            })
        };
        match parse(&arguments, &load) {
            Ok(Command::Serve(launch)) => Ok(launch.config),
            Ok(other) => panic!("{other:?}"),
            Err(error) => Err(error.to_string()),
        }
    }

    fn settings(certificate: &str, key: &str) -> Settings {
        Settings {
            certificates: vec![KeyPair {
                certificate: Pem::File(certificate.into()),
                key: Pem::File(key.into()),
            }],
            ..Settings::default()
        }
    }

    #[test]
    fn flags_alone() {
        let plain = Config::default();
        let config = laid_over("--tls --tlscert a --tlskey b", &plain).unwrap();
        assert_eq!(config.clients.tls, Some(settings("a", "b")));
        assert_eq!(config.clients.auth_timeout, Duration::from_secs(3));
        assert_eq!(laid_over("-tlscert a -tlskey=b", &plain), Ok(config));

        let config = laid_over("--tlsverify --tlscert a --tlskey b --tlscacert c", &plain).unwrap();
        let expected = Settings {
            verify: true,
            ca: Some(Pem::File("c".into())),
            ..settings("a", "b")
        };
        assert_eq!(config.clients.tls, Some(expected));
    }

    #[test]
    fn flags_over_a_file() {
        let of_file = Config {
            clients: ListenerSettings {
                tls: Some(Settings {
                    verify: true,
                    handshake_first: HandshakeFirst::On,
                    timeout: Duration::from_secs(9),
                    cipher_suites: CipherSuite::all().take(1).collect(),
                    allow_non_tls: true,
                    ..settings("x", "y")
                }),
                ..ListenerSettings::default()
            },
            beside_tls: BesideTls {
                allow_non_tls: true,
                ..BesideTls::default()
            },
            ..Config::default()
        };
        assert_eq!(laid_over("-D=false", &of_file).as_ref(), Ok(&of_file));
        assert_eq!(
            laid_over("--tls=false --tlscert a --tlskey b", &of_file)
                .unwrap()
                .clients
                .tls,
            None
        );
        let config = laid_over("--tlscert a --tlskey b", &of_file).unwrap();
        let expected = Settings {
            handshake_first: HandshakeFirst::On,
            timeout: Duration::from_secs(9),
            allow_non_tls: true,
            ..settings("a", "b")
        };
        assert_eq!(config.clients.tls, Some(expected));
        assert_eq!(config.clients.auth_timeout, of_file.clients.auth_timeout);
        for line in [
            "--tls",
            "--tlsverify",
            "--tlscert a",
            "--tlskey b",
            "--tlscacert c --tlscert a",
        ] {
            let error = laid_over(line, &of_file).unwrap_err();
            assert_eq!(error, "TLS needs a certificate and its private key", "{line}");
        }
    }

    /// A file without a section `tls` still says who may go without, and what becomes of certificates.
    #[test]
    fn flags_over_what_stands_beside_the_section() {
        let of_file = Config {
            beside_tls: BesideTls {
                allow_non_tls: true,
                stapling: Some(Stapling::default()),
                ..BesideTls::default()
            },
            store_dir: Some("store".into()),
            ..Config::default()
        };
        assert_eq!(laid_over("", &of_file).as_ref(), Ok(&of_file));
        let config = laid_over("--tls --tlscert a --tlskey b", &of_file).unwrap();
        let expected = Settings {
            allow_non_tls: true,
            stapling: Some(Stapling::default()),
            staple_store: Some("store/ocsp".into()),
            ..settings("a", "b")
        };
        assert_eq!(config.clients.tls, Some(expected));
    }

    #[test]
    fn the_help_has_all_names() {
        let help = help();
        for suite in CipherSuite::all() {
            assert!(help.contains(&format!("    {}\n", suite.name())), "{suite:?}");
        }
        for curve in Curve::ALL {
            assert!(help.contains(&format!("    {}\n", curve.name())), "{curve:?}");
        }
    }
}
