//! Who a server is: public keys that it makes anew at each start.

use openssl::error::ErrorStack;
use openssl::pkey::PKey;

/// The alphabet of base32 (RFC 4648).
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// What an nkey's first byte says it is the key of; the first letter of its text follows from it.
#[derive(Debug, Clone, Copy)]
enum Kind {
    /// `N`
    Server = 13 << 3,
    /// `X`
    Curve = 23 << 3,
}

/// The public keys of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServerIdentity {
    /// What the server is called where it has no other name: 56 letters that begin with `N`.
    pub(crate) id: String,
    /// The key for what is sealed for this server: 56 letters that begin with `X`.
    pub(crate) xkey: String,
}

impl ServerIdentity {
    /// New keys.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub(crate) fn generate() -> Result<Self, ErrorStack> {
        Ok(Self {
            id: nkey(Kind::Server, &PKey::generate_ed25519()?.raw_public_key()?),
            xkey: nkey(Kind::Curve, &PKey::generate_x25519()?.raw_public_key()?),
        })
    }
}

/// The text of a public key: kind, key and checksum in base32.
fn nkey(kind: Kind, key: &[u8]) -> String {
    let mut bytes = vec![kind as u8];
    bytes.extend_from_slice(key);
    bytes.extend_from_slice(&crc16(&bytes).to_le_bytes());
    base32(&bytes)
}

/// CRC-16/XMODEM, as nkeys have it.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc: u16, byte| {
        (0..8).fold(crc ^ (u16::from(*byte) << 8), |crc, _| {
            if crc & 0x8000 == 0 {
                crc << 1
            } else {
                (crc << 1) ^ 0x1021
            }
        })
    })
}

/// Base32 without padding.
fn base32(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(5) * 8);
    let (mut bits, mut held) = (0u32, 0);
    for byte in bytes {
        bits = (bits << 8) | u32::from(*byte);
        held += 8;
        while held >= 5 {
            held -= 5;
            text.push(char::from(BASE32[(bits >> held) as usize & 31]));
        }
    }
    if held > 0 {
        text.push(char::from(BASE32[(bits << (5 - held)) as usize & 31]));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{ServerIdentity, base32, crc16};

    #[test]
    fn keys_read_as_nkeys() {
        let identity = ServerIdentity::generate().unwrap();
        assert_eq!((identity.id.len(), &identity.id[..1]), (56, "N"));
        assert_eq!((identity.xkey.len(), &identity.xkey[..1]), (56, "X"));
        assert_ne!(identity, ServerIdentity::generate().unwrap());
    }

    #[test]
    fn checksum_and_text_are_the_standard_ones() {
        assert_eq!(crc16(b"123456789"), 0x31C3);
        assert_eq!(base32(b"foobar"), "MZXW6YTBOI");
        assert_eq!(base32(b"fo"), "MZXQ");
    }
}
