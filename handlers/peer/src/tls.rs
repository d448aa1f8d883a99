//! The TLS of routes: what both sides of one need, and what a server has shown.

use crate::authorities::{self, Authorities};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use vagus_delivery::wire::{Direction, Entrance, PeerCheck};
use vagus_ocsp::{ChecksUntil, PeerChecks, now};
use vagus_tls::ocsp::{NotShown, Question, Staple, has_shown};
use vagus_tls::{Acceptor, CertificateNames, Connector, OcspPeer, Pin, Settings, SslRef, TlsError};

/// The TLS of a server's routes, made ready.
#[derive(Debug)]
pub struct RouteTls {
    pub(crate) acceptor: Acceptor,
    pub(crate) connector: Connector,
    pub(crate) timeout: Duration,
    /// The user is who the certificate is for.
    pub(crate) maps: bool,
    /// The hosts of configured routes, one of which the certificate has to be for; none if that does not matter.
    pub(crate) known_hosts: Option<Vec<String>>,
    authorities: Authorities,
    /// Asks about those that connect, where servers have to show what their authorities say: the library does not show us
    /// what they show.
    in_place_of_staples: Option<PeerChecks>,
    /// What servers are called that are known by their address alone: as the first of the configuration that has a name.
    usual_name: Option<String>,
    /// It was the wrong name.
    usual_name_is_wrong: AtomicBool,
}

/// What a server has shown in its handshake.
#[derive(Debug)]
pub(crate) struct Evidence {
    /// What it is called, if it has shown a certificate.
    pub(crate) names: Option<CertificateNames>,
    key: Option<Pin>,
}

impl RouteTls {
    /// Reads the certificates that the settings name. `hosts` are those of the routes of the configuration. With another
    /// `before`, it goes on in place of that: knowing what that knows of peers, and telling them what it told of the certificates
    /// that are the same.
    ///
    /// # Errors
    /// When one cannot be read or used.
    pub fn new<'h>(
        settings: &Settings,
        hosts: impl Iterator<Item = &'h str> + Clone,
        before: Option<&Self>,
    ) -> Result<Self, TlsError> {
        let usual_name = hosts.clone().find(|host| !is_address(host));
        let known_hosts = settings
            .verify_cert_and_check_known_urls
            .then(|| hosts.map(str::to_owned).collect());
        let acceptor = Acceptor::new(settings)?;
        if let Some(before) = before {
            acceptor.inherit(&before.acceptor);
        }
        // As in nats-server, who shows what its authority says has others show the same.
        let shows = !acceptor.staples().is_empty();
        let in_place_of_staples = shows.then(|| {
            let peer = OcspPeer {
                verify: true,
                ..OcspPeer::default()
            };
            let urls = settings
                .stapling
                .as_ref()
                .map_or(&[][..], |stapling| &stapling.urls);
            let before = before.and_then(|before| before.in_place_of_staples.as_ref());
            let checks = PeerChecks::new(peer, &authorities::cache(settings), before);
            checks.of_servers().asking(urls)
        });
        Ok(Self {
            acceptor,
            authorities: Authorities::new(settings, before.map(|before| &before.authorities)),
            in_place_of_staples,
            connector: Connector::new(settings)?,
            timeout: settings.timeout,
            maps: settings.verify_and_map,
            known_hosts,
            usual_name: usual_name.map(str::to_owned),
            usual_name_is_wrong: AtomicBool::new(false),
        })
    }

    /// What operators should know of it.
    pub fn weaknesses(&self) -> impl Iterator<Item = &str> {
        let insecure = self.connector.is_insecure().then_some(
            "TLS certificate chain and hostname of solicited routes will not be verified. DO NOT USE IN PRODUCTION!",
        );
        self.acceptor
            .weaknesses()
            .iter()
            .map(String::as_str)
            .chain(insecure)
    }

    /// Whether any certificate of a server that is dialled is good enough.
    pub fn is_insecure(&self) -> bool {
        self.connector.is_insecure()
    }

    /// When the first certificate expires, in seconds from 1970.
    pub fn not_after(&self) -> i64 {
        self.acceptor.not_after()
    }

    /// What others are told of the state of the certificates. Somebody has to ask for it before there are routes.
    pub fn staples(&self) -> &[Arc<Staple>] {
        self.acceptor.staples()
    }

    /// Asks about a server in the middle of its handshake, which is to end by then.
    pub(crate) fn checks(&self, until: Instant) -> Option<ChecksUntil<'_>> {
        self.authorities.until(until)
    }

    /// Whether the authority of a server with whom the handshake is over says that its certificate is good, where that has to
    /// be known. Who was connected to has to have shown it.
    pub(crate) async fn confirm(&self, entrance: &Entrance) -> Result<(), String> {
        let (Some(authority), Some(ssl)) = (&self.in_place_of_staples, entrance.tls()) else {
            return Ok(());
        };
        if entrance.direction() == Direction::Dialled {
            return confirm_shown(&self.connector, ssl);
        }
        let question = Question::about_peer(ssl).ok_or_else(|| NotShown::Unverified.to_string())?;
        let until = Instant::now() + self.timeout;
        authority
            .until(until, &self.authorities.events)
            .check(vec![question])
            .await
    }

    /// Who the certificate of a server has to be for that is dialled at this host.
    pub(crate) fn name_of<'n>(&'n self, host: &'n str) -> &'n str {
        match &self.usual_name {
            Some(name) if is_address(host) && !self.usual_name_is_wrong.load(Ordering::Relaxed) => name,
            _ => host,
        }
    }

    /// The handshake with a server has failed that was called so: if it is not called as usual, it is known by its address
    /// the next time.
    pub(crate) fn failed_as(&self, name: &str) {
        if self.usual_name.as_deref() == Some(name) {
            self.usual_name_is_wrong.store(true, Ordering::Relaxed);
        }
    }

    /// Whether one who has shown this is let in, if its certificate says so: as this user, or by a known host.
    pub(crate) fn vouches_for(&self, evidence: Option<&Evidence>, user: &str) -> bool {
        let Some(names) = evidence.and_then(|evidence| evidence.names.as_ref()) else {
            return false;
        };
        let is_known = self.known_hosts.as_ref().is_some_and(|hosts| {
            names
                .dns_names
                .iter()
                .any(|name| hosts.iter().any(|host| is_name_of(name, host)))
        });
        is_known || self.maps && names.user([user]).is_some()
    }

    /// Whether it is the certificate that lets a server in.
    pub(crate) fn decides(&self) -> bool {
        self.maps || self.known_hosts.is_some()
    }
}

/// Whether a server that was connected to has shown that its certificate is good.
pub(crate) fn confirm_shown(connector: &Connector, ssl: &SslRef) -> Result<(), String> {
    if connector.is_insecure() {
        return Err(NotShown::Unverified.to_string());
    }
    has_shown(ssl, now()).map_err(|error| error.to_string())
}

impl Evidence {
    pub(crate) fn of(ssl: &SslRef) -> Self {
        let certificate = ssl.peer_certificate();
        Self {
            names: certificate.as_deref().map(CertificateNames::of),
            key: Pin::of_peer(ssl),
        }
    }

    /// Whether it may stay, by the pins that there are now.
    pub(crate) fn may_stay(&self, tls: &RouteTls) -> bool {
        tls.acceptor.is_key_pinned(self.key.as_ref())
    }
}

fn is_address(host: &str) -> bool {
    host.parse::<IpAddr>().is_ok()
}

/// Whether a name of a certificate is that of a host. `*` stands for one label, in the first place alone.
fn is_name_of(name: &str, host: &str) -> bool {
    let (name, host) = (name.to_lowercase(), host.to_lowercase());
    match (name.strip_prefix("*."), host.split_once('.')) {
        (Some(rest), Some((_, domain))) => rest == domain,
        _ => name == "*" && !host.contains('.') || name == host,
    }
}

#[cfg(test)]
mod tests {
    use super::is_name_of;

    #[test]
    fn names_of_certificates_are_those_of_hosts() {
        for (name, host, is_it) in [
            ("a.example.com", "A.example.com", true),
            ("*.example.com", "a.example.com", true),
            ("*.example.com", "a.b.example.com", false),
            ("*.example.com", "example.com", false),
            ("a.*.com", "a.example.com", false),
            ("*", "localhost", true),
            ("*", "a.b", false),
            ("a.example.com", "b.example.com", false),
            ("127.0.0.1", "127.0.0.1", true),
        ] {
            assert_eq!(is_name_of(name, host), is_it, "{name} {host}");
        }
    }
}
