//! The parts of a certificate for which OpenSSL's interface has no words, found in its DER encoding.

use der::asn1::{AnyRef, ObjectIdentifier};
use der::{Decode, Reader, SliceReader, Tag, Tagged};

/// `id-pe-tlsfeature` of RFC 7633.
const TLS_FEATURE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.1.24");

/// The feature `status_request`: the server has to staple.
const STATUS_REQUEST: u64 = 5;

/// The SubjectPublicKeyInfo of a certificate, as it is encoded there.
pub(crate) fn public_key_info(certificate: &[u8]) -> Option<&[u8]> {
    let mut fields = SliceReader::new(to_be_signed(certificate)?.value()).ok()?;
    let mut field = fields.tlv_bytes().ok()?;
    // The version is left out of a certificate of version 1.
    let before = if field.first() == Some(&0xa0) { 6 } else { 5 };
    for _ in 0..before {
        field = fields.tlv_bytes().ok()?;
    }
    Some(field)
}

/// Whether a certificate demands that the server staples its state ("must staple").
pub(crate) fn demands_staple(certificate: &[u8]) -> bool {
    extension(certificate, TLS_FEATURE)
        .and_then(|value| elements(AnyRef::from_der(value).ok()?))
        .is_some_and(|features| {
            features
                .iter()
                .any(|feature| number(*feature) == Some(STATUS_REQUEST))
        })
}

fn number(value: AnyRef<'_>) -> Option<u64> {
    (value.tag() == Tag::Integer).then_some(())?;
    value.value().iter().try_fold(0_u64, |number, byte| {
        number.checked_mul(256)?.checked_add(u64::from(*byte))
    })
}

/// The value of an extension.
fn extension(certificate: &[u8], wanted: ObjectIdentifier) -> Option<&[u8]> {
    let fields = elements(to_be_signed(certificate)?)?;
    // Explicitly tagged [3].
    let tagged = fields
        .into_iter()
        .find(|field| field.tag().number().value() == 3 && field.tag().is_context_specific())?;
    let list = AnyRef::from_der(tagged.value()).ok()?;
    elements(list)?.into_iter().find_map(|extension| {
        let parts = elements(extension)?;
        let id: ObjectIdentifier = parts.first()?.decode_as().ok()?;
        (id == wanted).then_some(parts.last()?.value())
    })
}

fn to_be_signed(certificate: &[u8]) -> Option<AnyRef<'_>> {
    elements(AnyRef::from_der(certificate).ok()?)?.first().copied()
}

/// What is in a sequence or a set.
pub(crate) fn elements(list: AnyRef<'_>) -> Option<Vec<AnyRef<'_>>> {
    let mut reader = SliceReader::new(list.value()).ok()?;
    let mut elements = Vec::new();
    while !reader.is_finished() {
        elements.push(reader.decode().ok()?);
    }
    Some(elements)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Authority, request};

    #[test]
    fn certificates_that_demand_a_staple() {
        let authority = Authority::new("ca");
        let demands = |request| demands_staple(&authority.issue(&request).certificate.to_der().unwrap());
        assert!(demands(request("a").must_staple().host("localhost")));
        assert!(!demands(request("a").host("localhost")));
    }

    #[test]
    fn damaged_certificates_have_nothing() {
        let authority = Authority::new("ca");
        let whole = authority
            .issue(&request("a").must_staple())
            .certificate
            .to_der()
            .unwrap();
        assert!(public_key_info(&whole).is_some());
        for length in 0..whole.len() {
            assert_eq!(public_key_info(&whole[..length]), None);
            assert!(!demands_staple(&whole[..length]));
        }
    }
}
