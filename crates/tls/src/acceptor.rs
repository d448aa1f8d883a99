use crate::certificate::Identity;
use crate::context::{self, authorities};
use crate::ocsp::Staple;
use crate::pin::Pins;
use crate::{Pin, Settings, TlsError, strength};
use openssl::asn1::{Asn1Time, Asn1TimeRef};
use openssl::error::ErrorStack;
use openssl::ssl::{
    NameType, SniError, Ssl, SslAcceptor, SslAcceptorBuilder, SslContext, SslContextBuilder, SslMethod,
    SslOptions, SslRef,
};
use openssl::x509::{X509, X509Ref};
use std::fmt;
use std::sync::Arc;

/// Settings made ready: their files are read. Cheap to clone.
#[derive(Clone)]
pub struct Acceptor {
    /// One for each certificate.
    contexts: Arc<[SslContext]>,
    /// One for each certificate of which peers are told the state.
    staples: Arc<[Arc<Staple>]>,
    pins: Pins,
    weaknesses: Arc<[String]>,
    not_after: i64,
}

impl Acceptor {
    /// Reads the files that the settings name.
    ///
    /// # Errors
    /// When there is no certificate, or a file cannot be read or used.
    pub fn new(settings: &Settings) -> Result<Self, TlsError> {
        if settings.certificates.is_empty() {
            return Err(TlsError::NoCertificate);
        }
        if settings.ocsp_peer.as_ref().is_some_and(|ocsp| ocsp.verify) && !settings.verifies() {
            return Err(TlsError::OcspPeerWithoutVerify);
        }
        let authorities = authorities(settings)?;
        let mut contexts = Vec::with_capacity(settings.certificates.len());
        let mut names = Vec::with_capacity(settings.certificates.len());
        let mut staples = Vec::new();
        let mut weaknesses = Vec::new();
        let mut not_after = None;
        for pair in &settings.certificates {
            let identity = Identity::load(pair)?;
            weaknesses.extend(strength::weaknesses(identity.certificates(), &identity.place));
            not_after.get_or_insert(unix_seconds(identity.certificate.not_after()));
            names.push(HostNames::of(&identity.certificate));
            let mut context = SslContext::builder(SslMethod::tls_server())?;
            let staple = staple(settings, authorities.as_deref(), &identity)?.map(Arc::new);
            if let Some(staple) = &staple {
                tell(staple.clone(), &mut context)?;
            }
            staples.extend(staple);
            configure(&mut context, settings, authorities.as_deref(), identity)?;
            contexts.push(context);
        }
        let mut built: Vec<SslContext> = Vec::with_capacity(contexts.len());
        let mut contexts = contexts.into_iter();
        let first = contexts.next();
        built.extend(contexts.map(SslContextBuilder::build));
        // The first is the last to be built: it has to know the others.
        if let Some(mut first) = first {
            choose_by_name(&mut first, names, &built);
            built.insert(0, first.build());
        }
        Ok(Self {
            contexts: built.into(),
            staples: staples.into(),
            pins: Pins::of(settings),
            weaknesses: weaknesses.into(),
            not_after: not_after.unwrap_or_default(),
        })
    }

    /// The server's side of a new handshake.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub fn start(&self) -> Result<Ssl, ErrorStack> {
        let mut ssl = Ssl::new(&self.contexts[0])?;
        ssl.set_accept_state();
        Ok(ssl)
    }

    /// When the first certificate expires, in seconds from 1970.
    pub fn not_after(&self) -> i64 {
        self.not_after
    }

    /// What operators should know of the certificates: a line each, for those that many peers will refuse.
    pub fn weaknesses(&self) -> &[String] {
        &self.weaknesses
    }

    /// What peers are told of the state of the certificates. Empty at first: somebody has to ask.
    pub fn staples(&self) -> &[Arc<Staple>] {
        &self.staples
    }

    /// Tells peers what those of `before` were told, of the certificates that are the same.
    pub fn inherit(&self, before: &Self) {
        for staple in self.staples() {
            for other in before.staples() {
                staple.inherit(other);
            }
        }
    }

    /// Whether the key of the peer, with whom the handshake is over, is one of those that peers may have. Of a peer
    /// without a certificate it is not, if there are any pins.
    pub fn is_pinned(&self, ssl: &SslRef) -> bool {
        self.pins.include_key_of(ssl)
    }

    /// The same of a key, or of a peer that has shown none.
    pub fn is_key_pinned(&self, key: Option<&Pin>) -> bool {
        self.pins.include(key)
    }
}

impl fmt::Debug for Acceptor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Acceptor")
            .field("certificates", &self.contexts.len())
            .field("not_after", &self.not_after)
            .finish_non_exhaustive()
    }
}

/// What serves HTTPS by the same settings, with the first certificate. Peers show theirs only if it is checked with their
/// authority, as at nats-server.
///
/// # Errors
/// When there is no certificate, or a file cannot be read or used.
pub fn https_acceptor(settings: &Settings) -> Result<SslAcceptorBuilder, TlsError> {
    let pair = settings.certificates.first().ok_or(TlsError::NoCertificate)?;
    let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server())?;
    let asks = settings.verifies() && settings.ocsp_peer.as_ref().is_some_and(|ocsp| ocsp.verify);
    let settings = Settings {
        verify: asks,
        verify_and_map: false,
        verify_cert_and_check_known_urls: false,
        ..settings.clone()
    };
    let authorities = authorities(&settings)?;
    configure(
        &mut acceptor,
        &settings,
        authorities.as_deref(),
        Identity::load(pair)?,
    )?;
    Ok(acceptor)
}

/// What is asked about the certificates of settings that nobody is accepted by: of those of which peers would be told the
/// state. Empty at first, as [`Acceptor::staples`].
///
/// # Errors
/// When a file cannot be read or used.
pub fn staples(settings: &Settings) -> Result<Vec<Arc<Staple>>, TlsError> {
    let authorities = authorities(settings)?;
    let of_pair = |pair| staple(settings, authorities.as_deref(), &Identity::load(pair)?);
    let all = settings.certificates.iter().map(of_pair);
    let all: Vec<_> = all.collect::<Result<_, _>>()?;
    Ok(all.into_iter().flatten().map(Arc::new).collect())
}

/// What peers are told of the state of a certificate, if anything.
fn staple(
    settings: &Settings,
    authorities: Option<&[X509]>,
    identity: &Identity,
) -> Result<Option<Staple>, TlsError> {
    let issuers = [&identity.chain, authorities.unwrap_or_default()].concat();
    let stapling = settings.stapling.clone().unwrap_or_default();
    let store = settings.staple_store.as_deref();
    Staple::of(&identity.certificate, &issuers, &stapling, store).map_err(|source| TlsError::Stapling {
        place: identity.place.clone(),
        source,
    })
}

fn tell(staple: Arc<Staple>, context: &mut SslContextBuilder) -> Result<(), ErrorStack> {
    context.set_status_callback(move |ssl| match staple.answer() {
        Some(answer) => ssl.set_ocsp_status(&answer.bytes).map(|()| true),
        None => Ok(false),
    })
}

/// Makes a context that of one certificate.
fn configure(
    context: &mut SslContextBuilder,
    settings: &Settings,
    authorities: Option<&[X509]>,
    identity: Identity,
) -> Result<(), TlsError> {
    context::configure(context, settings, Some(&identity))?;
    context.set_options(SslOptions::CIPHER_SERVER_PREFERENCE);
    // What there is to resume a session by is in the client's ticket.
    context.set_session_id_context(b"vagus")?;
    context.set_num_tickets(1)?;
    if settings.verifies() {
        strength::demand(context);
        // Every certificate is looked at when its owner comes: a resumed session would go by an old look.
        context.set_options(SslOptions::NO_TICKET);
        context.set_num_tickets(0)?;
        for authority in authorities.unwrap_or_default() {
            context.add_client_ca(authority)?;
        }
        context::trust(context, authorities)?;
    }
    context::show(context, identity)
}

/// Gives a client that names a host the first certificate that is for it.
fn choose_by_name(first: &mut SslContextBuilder, names: Vec<HostNames>, others: &[SslContext]) {
    if others.is_empty() {
        return;
    }
    let others: Vec<SslContext> = others.to_vec();
    first.set_servername_callback(move |ssl, _| {
        let wanted = ssl.servername(NameType::HOST_NAME).map(str::to_ascii_lowercase);
        let position = wanted.and_then(|host| names.iter().position(|names| names.include(&host)));
        // Position 0 is the context that we are in.
        if let Some(other) = position.and_then(|position| others.get(position.checked_sub(1)?)) {
            ssl.set_ssl_context(other).map_err(|_| SniError::ALERT_FATAL)?;
        }
        Ok(())
    });
}

/// The hosts that a certificate is for, in lower case; the first label may be `*`.
struct HostNames(Vec<String>);

impl HostNames {
    fn of(certificate: &X509Ref) -> Self {
        let alternatives = certificate.subject_alt_names();
        let names = alternatives.iter().flatten();
        let names = names.filter_map(|name| name.dnsname().map(str::to_ascii_lowercase));
        Self(names.collect())
    }

    fn include(&self, host: &str) -> bool {
        let host = host.strip_suffix('.').unwrap_or(host);
        self.0.iter().any(|name| match name.strip_prefix("*.") {
            Some(parent) => host.split_once('.').is_some_and(|(_, rest)| rest == parent),
            None => name == host,
        })
    }
}

/// Negative before 1970.
pub(crate) fn unix_seconds(time: &Asn1TimeRef) -> i64 {
    const DAY: i64 = 86_400;
    let since = Asn1Time::from_unix(0).and_then(|epoch| epoch.diff(time));
    since.map_or(0, |since| i64::from(since.days) * DAY + i64::from(since.secs))
}

#[cfg(test)]
mod tests;
