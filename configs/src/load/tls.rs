//! The section `tls` of any listener, and what stands beside that of clients: how TLS is spoken.

use super::findings::Findings;
use super::ocsp;
use super::read::set;
use crate::BesideTls;
use crate::grammar::{Entry, Kind, Place, Value};
use std::str::FromStr;
use std::time::Duration;
use vagus_protocol::duration;
use vagus_tls::{Acceptor, CipherSuite, Curve, HandshakeFirst, KeyPair, Pem, Pin, Settings, TlsError};

/// What stands beside the section.
pub(super) fn take(key: &str, entry: &Entry, beside: &mut BesideTls, findings: &mut Findings) -> bool {
    match key {
        "allow_non_tls" => set(&mut beside.allow_non_tls, findings.boolean(entry)),
        "ocsp" => beside.stapling = ocsp::stapling(entry, findings),
        "ocsp_cache" => set(&mut beside.ocsp_cache, ocsp::cache(entry, findings)),
        _ => return false,
    }
    true
}

/// Whether an acceptor can be made of a section.
pub(super) fn check(entry: &Entry, settings: &Settings, findings: &mut Findings) {
    if settings.certificates.is_empty() {
        findings.obstacle(entry, TlsError::NoCertificate.to_string());
    } else if settings.ocsp_peer.as_ref().is_some_and(|ocsp| ocsp.verify) && !settings.verifies() {
        findings.obstacle(entry, TlsError::OcspPeerWithoutVerify.to_string());
    } else if findings.reads_certificates
        && let Err(error) = Acceptor::new(settings)
    {
        let message = error.to_string();
        match error {
            TlsError::Stapling { .. } => findings.obstacle(entry, message),
            _ => findings.problem(entry, message),
        }
    }
}

/// The certificates that a section names, until all of it is read.
#[derive(Default)]
struct Certificates<'e> {
    certificate: Option<(&'e Entry, &'e str)>,
    key: Option<(&'e Entry, &'e str)>,
    list: Option<(&'e Entry, Vec<KeyPair>)>,
}

/// None if it says nothing that can be used. Other servers always have to show a certificate.
pub(super) fn section(entry: &Entry, is_for_servers: bool, findings: &mut Findings) -> Option<Settings> {
    let section = findings.map(entry)?;
    let mut settings = Settings {
        verify: is_for_servers,
        ..Settings::default()
    };
    let mut certificates = Certificates::default();
    let mut suites = Vec::new();
    let mut allows_insecure = false;
    for entry in section.entries() {
        match entry.key.to_lowercase().as_str() {
            "cert_file" => certificates.certificate = file(entry, findings),
            "key_file" => certificates.key = file(entry, findings),
            "certs" | "certificates" => certificates.list = pairs(entry, findings).map(|list| (entry, list)),
            "ca_file" => settings.ca = file(entry, findings).map(|(_, path)| Pem::File(path.into())),
            "insecure" => set(&mut settings.insecure, findings.boolean(entry)),
            "verify" if is_for_servers => {
                findings.boolean(entry)?;
            }
            "verify" => set(&mut settings.verify, findings.boolean(entry)),
            "verify_and_map" => set(&mut settings.verify_and_map, findings.boolean(entry)),
            "verify_cert_and_check_known_urls" if is_for_servers => set(
                &mut settings.verify_cert_and_check_known_urls,
                findings.boolean(entry),
            ),
            "verify_cert_and_check_known_urls" => {
                if findings.boolean(entry) == Some(true) {
                    findings.problem(
                        entry,
                        format!("{} is for routes and gateways, not for clients", entry.key),
                    );
                }
            }
            "allow_insecure_cipher_suites" => set(&mut allows_insecure, findings.boolean(entry)),
            "cipher_suites" => suites = named::<CipherSuite>(entry, findings),
            "curve_preferences" => {
                let curves = named::<Curve>(entry, findings);
                settings.curve_preferences = curves.into_iter().map(|(_, curve)| curve).collect();
            }
            "min_version" => {
                if let Some(text) = findings.text(entry) {
                    match text.parse() {
                        Ok(version) => settings.min_version = version,
                        Err(error) => findings.problem(entry, error.to_string()),
                    }
                }
            }
            "timeout" => set(&mut settings.timeout, findings.seconds(entry)),
            "connection_rate_limit" => {
                if let Some(number) = findings.integer(entry) {
                    settings.connection_rate_limit = u64::try_from(number).unwrap_or(0);
                }
            }
            "pinned_certs" => settings.pinned_certs = pins(entry, findings),
            "handshake_first" | "first" | "immediate" => {
                set(&mut settings.handshake_first, handshake_first(entry, findings));
            }
            "ocsp_peer" => settings.ocsp_peer = ocsp::peer(entry, findings),
            "cert_store" | "cert_match_by" | "cert_match" | "ca_certs_match" | "cert_match_skip_invalid" => {
                findings.problem(entry, format!("{} is for Windows alone", entry.key));
            }
            _ => findings.problem(entry, format!("unknown field {:?}", entry.key)),
        }
    }
    for (place, suite) in &suites {
        if suite.is_insecure() && !allows_insecure {
            let message = format!("{suite:?} is insecure: it takes allow_insecure_cipher_suites: true");
            findings.problem_at(place, message);
        }
    }
    settings.cipher_suites = suites.into_iter().map(|(_, suite)| suite).collect();
    settings.certificates = certificates.pairs(findings)?;
    Some(settings)
}

impl Certificates<'_> {
    fn pairs(self, findings: &mut Findings) -> Option<Vec<KeyPair>> {
        match (self.certificate, self.key, self.list) {
            (Some(_), _, Some((entry, list))) if !list.is_empty() => findings.refuse(
                entry,
                format!(
                    "certificates are named by cert_file or by {}, not by both",
                    entry.key
                ),
            ),
            (Some((_, certificate)), Some((_, key)), _) => Some(vec![pair(certificate, key)]),
            (Some((entry, _)), None, _) => findings.refuse(entry, "cert_file needs its key_file".to_owned()),
            (None, Some((entry, _)), _) => findings.refuse(entry, "key_file needs its cert_file".to_owned()),
            (None, None, list) => Some(list.map(|(_, list)| list).unwrap_or_default()),
        }
    }
}

fn pair(certificate: &str, key: &str) -> KeyPair {
    KeyPair {
        certificate: Pem::File(certificate.into()),
        key: Pem::File(key.into()),
    }
}

/// The path of a file; nothing at all means that there is none.
fn file<'e>(entry: &'e Entry, findings: &mut Findings) -> Option<(&'e Entry, &'e str)> {
    let path = findings.text(entry)?;
    (!path.is_empty()).then_some((entry, path))
}

/// `[{ cert_file, key_file }, …]`
fn pairs(entry: &Entry, findings: &mut Findings) -> Option<Vec<KeyPair>> {
    let list = findings.array(entry)?;
    let pairs = list.iter().filter_map(|value| {
        let Kind::Map(map) = &value.kind else {
            let message = format!("{} must hold maps, not {}", entry.key, value.kind.name());
            findings.problem_at(&value.place, message);
            return None;
        };
        let (mut certificate, mut key) = (None, None);
        for entry in map.entries() {
            match entry.key.as_str() {
                "cert_file" => certificate = file(entry, findings),
                "key_file" => key = file(entry, findings),
                _ => findings.problem(entry, format!("unknown field {:?}", entry.key)),
            }
        }
        let (Some((_, certificate)), Some((_, key))) = (certificate, key) else {
            let message = format!("each of {} needs a cert_file and a key_file", entry.key);
            findings.problem_at(&value.place, message);
            return None;
        };
        Some(pair(certificate, key))
    });
    Some(pairs.collect())
}

/// Things by their names, each with its place; one at least.
fn named<T>(entry: &Entry, findings: &mut Findings) -> Vec<(Place, T)>
where
    T: FromStr<Err: ToString>,
{
    let Some(list) = findings.array(entry) else {
        return Vec::new();
    };
    if list.is_empty() {
        findings.problem(entry, format!("{} must not be empty", entry.key));
    }
    let named = list.iter().filter_map(|value| {
        let name = text(entry, value, findings)?;
        match name.parse::<T>() {
            Ok(thing) => Some((value.place.clone(), thing)),
            Err(error) => {
                findings.problem_at(&value.place, error.to_string());
                None
            }
        }
    });
    named.collect()
}

fn pins(entry: &Entry, findings: &mut Findings) -> std::collections::BTreeSet<Pin> {
    let list = findings.array(entry).unwrap_or_default();
    let pins = list
        .iter()
        .filter_map(|value| match text(entry, value, findings)?.parse() {
            Ok(pin) => Some(pin),
            Err(error) => {
                findings.problem_at(&value.place, format!("this pin is none: {error}"));
                None
            }
        });
    pins.collect()
}

fn text<'e>(entry: &Entry, value: &'e Value, findings: &mut Findings) -> Option<&'e str> {
    if let Kind::Text(text) = &value.kind {
        return Some(text);
    }
    let message = format!("{} must hold texts, not {}", entry.key, value.kind.name());
    findings.problem_at(&value.place, message);
    None
}

fn handshake_first(entry: &Entry, findings: &mut Findings) -> Option<HandshakeFirst> {
    let handshake_first = match &entry.value.kind {
        Kind::Boolean(true) => Some(HandshakeFirst::On),
        Kind::Boolean(false) => Some(HandshakeFirst::Off),
        Kind::Text(text) => match text.to_lowercase().as_str() {
            "true" | "on" => Some(HandshakeFirst::On),
            "false" | "off" => Some(HandshakeFirst::Off),
            "auto" | "auto_fallback" => Some(HandshakeFirst::AUTO),
            // Without any time to wait, there is nothing to wait for.
            _ => duration::parse(text).map(|nanoseconds| match u64::try_from(nanoseconds) {
                Ok(nanoseconds @ 1..) => HandshakeFirst::Auto(Duration::from_nanos(nanoseconds)),
                _ => HandshakeFirst::On,
            }),
        },
        _ => None,
    };
    if handshake_first.is_none() {
        let message = format!(
            "{} must be true, false, auto or how long to wait for a handshake, such as \"300ms\"",
            entry.key
        );
        findings.problem(entry, message);
    }
    handshake_first
}
