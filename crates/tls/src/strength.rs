//! Which certificates are taken though the library would not: those that nats-server takes.
//!
//! Go looks at the certificates of a peer, not at its own. Ours may be signed with SHA-1 and have RSA keys of 1,024
//! bits; what peers show has to be signed with a better hash, and have keys of as many bits.

use crate::error::Place;
use openssl::error::ErrorStack;
use openssl::nid::Nid;
use openssl::pkey::{HasPublic, PKeyRef};
use openssl::ssl::{SslContextBuilder, SslVerifyMode};
use openssl::x509::{X509Ref, X509StoreContextRef};

/// The library's level of security that takes RSA keys of [`LEAST`] bits, and no signature with SHA-1.
const USUAL: u32 = 1;

/// The one that takes everything.
const NONE: u32 = 0;

/// The fewest bits of an RSA key; Go does not use shorter ones.
const LEAST: u32 = 1024;

/// The fewest bits of an RSA key that nobody is warned of.
const STRONG: u32 = 2048;

/// What peers are to do that look at our certificates is theirs to know: an operator should know what they will find.
pub(crate) fn weaknesses<'c>(
    certificates: impl IntoIterator<Item = &'c X509Ref>,
    place: &Place,
) -> Vec<String> {
    let mut weaknesses = Vec::new();
    for certificate in certificates {
        let subject = crate::subject::Subject::of(certificate.subject_name()).to_full_text();
        if let Some(hash) = weak_hash(certificate) {
            weaknesses.push(format!(
                "The certificate of [{subject}] in {place} is signed with {hash}: most clients refuse that"
            ));
        }
        if let Some(bits) = rsa_bits(certificate).filter(|bits| *bits < STRONG) {
            weaknesses.push(format!(
                "The certificate of [{subject}] in {place} has an RSA key of {bits} bits: {STRONG} are the least that \
                 are safe, and some clients refuse fewer"
            ));
        }
    }
    weaknesses
}

/// Has the library take our certificates, and no others that are weaker than what Go takes.
pub(crate) fn admit<'c>(
    context: &mut SslContextBuilder,
    certificates: impl IntoIterator<Item = &'c X509Ref>,
) -> Result<(), ErrorStack> {
    let mut certificates = certificates.into_iter();
    if certificates.any(|certificate| weak_hash(certificate).is_some()) {
        context.set_security_level(NONE);
        // Without a level, the handshake itself would be signed with SHA-1 for a peer that asks for it.
        context.set_sigalgs_list(SIGNATURES)?;
    } else {
        context.set_security_level(USUAL);
    }
    Ok(())
}

/// What handshakes are signed with.
const SIGNATURES: &str = "ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512:ed25519:RSA-PSS+SHA256:RSA-PSS+SHA384:RSA-PSS+SHA512:\
                          RSA+SHA256:RSA+SHA384:RSA+SHA512";

/// Has peers show certificates that are good, whatever ours are.
pub(crate) fn demand(context: &mut SslContextBuilder) {
    context.verify_param_mut().set_auth_level(1);
    context.set_verify_callback(
        SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT,
        |is_good, chain| is_good && has_long_key(chain),
    );
}

fn has_long_key(chain: &X509StoreContextRef) -> bool {
    let bits = chain.current_cert().and_then(rsa_bits);
    bits.is_none_or(|bits| bits >= LEAST)
}

/// Whether Go uses a key.
pub(crate) fn is_usable<T: HasPublic>(key: &PKeyRef<T>) -> bool {
    key.rsa().map_or(true, |_| key.bits() >= LEAST)
}

/// The name of the hash that a certificate is signed with, if it is a weak one. What signs itself proves nothing by it.
fn weak_hash(certificate: &X509Ref) -> Option<&'static str> {
    if certificate.issuer_name_hash() == certificate.subject_name_hash() {
        return None;
    }
    let signature = certificate.signature_algorithm().object().nid();
    match signature.signature_algorithms()?.digest {
        Nid::SHA1 => Some("SHA-1"),
        Nid::MD5 => Some("MD5"),
        _ => None,
    }
}

fn rsa_bits(certificate: &X509Ref) -> Option<u32> {
    let key = certificate.public_key().ok()?;
    key.rsa().is_ok().then(|| key.bits())
}
