//! What both sides of a handshake have in common: versions, suites and curves, trusted certificates, and what they show.

use crate::certificate::{Identity, certificates};
use crate::error::Part;
use crate::{CipherSuite, Curve, Settings, TlsError, Version, strength};
use openssl::error::ErrorStack;
use openssl::ssl::{SslContextBuilder, SslMode, SslOptions, SslSessionCacheMode};
use openssl::x509::X509;
use openssl::x509::store::{X509Store, X509StoreBuilder};
use openssl::x509::verify::X509VerifyFlags;

/// Sets what does not depend on the side. `identity` is what will be shown, if anything is.
pub(crate) fn configure(
    context: &mut SslContextBuilder,
    settings: &Settings,
    identity: Option<&Identity>,
) -> Result<(), TlsError> {
    // Idle connections hold no buffers of the library, and peers are shown what the file has and no more.
    context.set_mode(
        SslMode::RELEASE_BUFFERS
            | SslMode::NO_AUTO_CHAIN
            | SslMode::ENABLE_PARTIAL_WRITE
            | SslMode::ACCEPT_MOVING_WRITE_BUFFER,
    );
    context.set_options(SslOptions::NO_RENEGOTIATION | SslOptions::NO_COMPRESSION);
    context.set_session_cache_mode(SslSessionCacheMode::OFF);
    offer_suites(context, settings)?;
    offer_curves(context, settings)?;
    strength::admit(context, identity.into_iter().flat_map(Identity::certificates))?;
    Ok(())
}

/// Has certificates of peers be good if they are of these authorities, or of those that the system trusts.
pub(crate) fn trust(context: &mut SslContextBuilder, authorities: Option<&[X509]>) -> Result<(), ErrorStack> {
    match authorities {
        Some(authorities) => {
            context.set_cert_store(store(authorities)?);
            Ok(())
        }
        None => context.set_default_verify_paths(),
    }
}

/// Has peers be shown this certificate.
pub(crate) fn show(context: &mut SslContextBuilder, identity: Identity) -> Result<(), TlsError> {
    let unfit = |source| TlsError::Unfit {
        place: identity.place.clone(),
        source,
    };
    context.set_certificate(&identity.certificate).map_err(unfit)?;
    context.set_private_key(&identity.key).map_err(unfit)?;
    for authority in identity.chain {
        context.add_extra_chain_cert(authority)?;
    }
    Ok(())
}

/// The authorities that the settings name, if they do.
pub(crate) fn authorities(settings: &Settings) -> Result<Option<Vec<X509>>, TlsError> {
    let ca = settings.ca.as_ref();
    ca.map(|ca| certificates(ca, Part::Ca)).transpose()
}

/// Certificates that are trusted as they are, be they of roots or of others.
pub(crate) fn store(authorities: &[X509]) -> Result<X509Store, ErrorStack> {
    let mut store = X509StoreBuilder::new()?;
    store.set_flags(X509VerifyFlags::PARTIAL_CHAIN)?;
    for authority in authorities {
        store.add_cert(authority.clone())?;
    }
    Ok(store.build())
}

fn offer_suites(context: &mut SslContextBuilder, settings: &Settings) -> Result<(), TlsError> {
    let chosen = match settings.cipher_suites.as_slice() {
        [] => CipherSuite::defaults(),
        chosen => chosen.to_vec(),
    };
    let list = |is_wanted: &dyn Fn(&CipherSuite) -> bool| {
        let names: Vec<&str> = chosen
            .iter()
            .filter(|suite| is_wanted(suite))
            .map(|suite| suite.openssl_name())
            .collect();
        names.join(":")
    };
    // Those of TLS 1.3 are restricted only if some are named: who chooses among the others has nothing against
    // the new version.
    let of_tls13 = list(&|suite| suite.is_of_tls13());
    if !of_tls13.is_empty() {
        context.set_ciphersuites(&of_tls13)?;
    }
    let others = list(&|suite| !suite.is_of_tls13());
    let has_others = !others.is_empty() && context.set_cipher_list(&others).is_ok();
    if !has_others && of_tls13.is_empty() {
        return Err(TlsError::NoCipherSuite(shown(&chosen, |suite| suite.name())));
    }
    // Without a suite of its own, version 1.2 cannot be spoken.
    let min_version = if has_others {
        settings.min_version
    } else {
        Version::Tls13
    };
    context.set_min_proto_version(Some(min_version.of_openssl()))?;
    Ok(())
}

fn offer_curves(context: &mut SslContextBuilder, settings: &Settings) -> Result<(), TlsError> {
    let chosen: &[Curve] = match settings.curve_preferences.as_slice() {
        [] => &Curve::ALL,
        chosen => chosen,
    };
    // One that the library does not know is left out; it would refuse the whole list.
    let known: Vec<&str> = chosen
        .iter()
        .map(|curve| curve.openssl_name())
        .filter(|curve| context.set_groups_list(curve).is_ok())
        .collect();
    if known.is_empty() {
        return Err(TlsError::NoCurve(shown(chosen, |curve| curve.name())));
    }
    context.set_groups_list(&known.join(":"))?;
    Ok(())
}

fn shown<T: Copy>(items: &[T], name: impl Fn(T) -> &'static str) -> String {
    let names: Vec<&str> = items.iter().map(|item| name(*item)).collect();
    names.join(", ")
}
