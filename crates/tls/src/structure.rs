//! The parts of a certificate for which OpenSSL's interface has no words, found in its DER encoding.

use der::asn1::AnyRef;
use der::{Decode, Reader, SliceReader};

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
