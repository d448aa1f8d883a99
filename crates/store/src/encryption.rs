//! Encryption at rest: a key for every file, made from the configured one, and a fresh nonce for everything sealed.

use std::fmt;
use std::sync::Arc;

use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::rand::rand_bytes;
use openssl::sign::Signer;
use openssl::symm;

/// How long what makes a file's key its own is.
pub(crate) const SALT: usize = 32;
/// By how many bytes what is sealed is longer: a nonce before it, a tag behind it.
pub(crate) const OVERHEAD: usize = NONCE + TAG;

const NONCE: usize = 12;
const TAG: usize = 16;

/// How files are encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cipher {
    /// ChaCha20-Poly1305.
    ChaCha,
    /// AES-256-GCM.
    Aes,
}

/// What a key is not, or did not do.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum EncryptionError {
    /// What is there was sealed by a key that is neither the configured one nor the one before: configure that.
    #[error("encrypted with another key")]
    WrongKey,
    /// It was sealed by this key, and something changed it since.
    #[error("encrypted data is damaged")]
    Damaged,
    /// The TLS library could not do it.
    #[error("the TLS library could not encrypt")]
    Library,
}

/// The configured key, and the one before it: files of that can be read, and are written anew by and by.
#[derive(Clone)]
pub struct Keys {
    current: Arc<Key>,
    previous: Option<Arc<Key>>,
}

/// A configured key, ready to make keys of files.
struct Key {
    cipher: Cipher,
    secret: Vec<u8>,
    id: KeyId,
}

/// Says by which key a file is sealed, and nothing else of it. All zeros is none.
pub(crate) type KeyId = [u8; 8];

/// The key of one file.
#[derive(Clone)]
pub(crate) struct FileKey {
    cipher: Cipher,
    key: Vec<u8>,
}

impl fmt::Debug for Keys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Keys").field(&self.current.cipher).finish()
    }
}

impl fmt::Debug for FileKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("FileKey").field(&self.cipher).finish()
    }
}

/// HMAC-SHA-256.
fn derive(secret: &[u8], label: &[u8], more: &[u8]) -> Result<Vec<u8>, EncryptionError> {
    let sign = || {
        let key = PKey::hmac(secret)?;
        let mut signer = Signer::new(MessageDigest::sha256(), &key)?;
        signer.update(label)?;
        signer.update(more)?;
        signer.sign_to_vec()
    };
    sign().map_err(|_| EncryptionError::Library)
}

impl Key {
    fn new(cipher: Cipher, configured: &[u8]) -> Result<Self, EncryptionError> {
        let name: &[u8] = match cipher {
            Cipher::ChaCha => b"ChaCha20-Poly1305",
            Cipher::Aes => b"AES-256-GCM",
        };
        let secret = derive(configured, b"vagus store secret ", name)?;
        let long = derive(&secret, b"vagus store key id", b"")?;
        let id = long.first_chunk().copied().ok_or(EncryptionError::Library)?;
        Ok(Self { cipher, secret, id })
    }
}

impl Keys {
    /// Keys of what is configured. `previous` is what was configured before, if files may still be sealed by it.
    ///
    /// # Errors
    ///
    /// `Library`, if the TLS library knows no HMAC.
    pub fn new(
        cipher: Cipher,
        key: &[u8],
        previous: Option<(Cipher, &[u8])>,
    ) -> Result<Self, EncryptionError> {
        let previous = previous.map(|(cipher, key)| Key::new(cipher, key)).transpose()?;
        Ok(Self {
            current: Arc::new(Key::new(cipher, key)?),
            previous: previous.map(Arc::new),
        })
    }
}

/// The key of a new file, with its id and salt for the header: of no key, if none is configured.
pub(crate) fn new_file_key(
    keys: Option<&Keys>,
) -> Result<(Option<FileKey>, KeyId, [u8; SALT]), EncryptionError> {
    let mut salt = [0; SALT];
    let Some(keys) = keys else {
        return Ok((None, KeyId::default(), salt));
    };
    rand_bytes(&mut salt).map_err(|_| EncryptionError::Library)?;
    let key = FileKey::new(&keys.current, &salt)?;
    Ok((Some(key), keys.current.id, salt))
}

/// The key of a file whose header says so; None if it is not sealed.
pub(crate) fn file_key(
    keys: Option<&Keys>,
    id: KeyId,
    salt: &[u8; SALT],
) -> Result<Option<FileKey>, EncryptionError> {
    if id == KeyId::default() {
        return Ok(None);
    }
    let known = keys
        .into_iter()
        .flat_map(|keys| [Some(&keys.current), keys.previous.as_ref()]);
    let key = known
        .flatten()
        .find(|key| key.id == id)
        .ok_or(EncryptionError::WrongKey)?;
    FileKey::new(key, salt).map(Some)
}

/// Whether new files would be sealed by the key of this id.
pub(crate) fn is_current(keys: Option<&Keys>, id: KeyId) -> bool {
    keys.map_or(KeyId::default(), |keys| keys.current.id) == id
}

impl FileKey {
    fn new(key: &Key, salt: &[u8; SALT]) -> Result<Self, EncryptionError> {
        Ok(Self {
            cipher: key.cipher,
            key: derive(&key.secret, b"vagus store file ", salt)?,
        })
    }

    fn cipher(&self) -> symm::Cipher {
        match self.cipher {
            Cipher::ChaCha => symm::Cipher::chacha20_poly1305(),
            Cipher::Aes => symm::Cipher::aes_256_gcm(),
        }
    }

    /// Puts `plain` sealed behind `sealed`. It opens only beside the same `beside`.
    pub(crate) fn seal(
        &self,
        beside: &[u8],
        plain: &[u8],
        sealed: &mut Vec<u8>,
    ) -> Result<(), EncryptionError> {
        let (mut nonce, mut tag) = ([0; NONCE], [0; TAG]);
        rand_bytes(&mut nonce).map_err(|_| EncryptionError::Library)?;
        let text = symm::encrypt_aead(self.cipher(), &self.key, Some(&nonce), beside, plain, &mut tag)
            .map_err(|_| EncryptionError::Library)?;
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&text);
        sealed.extend_from_slice(&tag);
        Ok(())
    }

    /// What was sealed.
    pub(crate) fn open(&self, beside: &[u8], sealed: &[u8]) -> Result<Vec<u8>, EncryptionError> {
        let (nonce, rest) = sealed.split_at_checked(NONCE).ok_or(EncryptionError::Damaged)?;
        let length = rest.len().checked_sub(TAG).ok_or(EncryptionError::Damaged)?;
        let (text, tag) = rest.split_at(length);
        symm::decrypt_aead(self.cipher(), &self.key, Some(nonce), beside, text, tag)
            .map_err(|_| EncryptionError::Damaged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(cipher: Cipher, key: &str, previous: Option<(Cipher, &str)>) -> Keys {
        Keys::new(
            cipher,
            key.as_bytes(),
            previous.map(|(cipher, key)| (cipher, key.as_bytes())),
        )
        .unwrap()
    }

    #[test]
    fn what_is_sealed_opens_beside_the_same() {
        for cipher in [Cipher::ChaCha, Cipher::Aes] {
            let (key, _, _) = new_file_key(Some(&keys(cipher, "secret", None))).unwrap();
            let key = key.unwrap();
            let mut sealed = Vec::new();
            key.seal(b"header", b"text", &mut sealed).unwrap();
            assert_eq!(sealed.len(), 4 + OVERHEAD);
            assert_eq!(key.open(b"header", &sealed).unwrap(), b"text");
            assert_eq!(key.open(b"other", &sealed), Err(EncryptionError::Damaged));
            for byte in 0..sealed.len() {
                let mut changed = sealed.clone();
                changed[byte] ^= 1;
                assert_eq!(key.open(b"header", &changed), Err(EncryptionError::Damaged));
            }
            assert_eq!(key.open(b"header", &sealed[..20]), Err(EncryptionError::Damaged));
        }
    }

    #[test]
    fn a_nonce_is_never_the_same() {
        let (key, _, _) = new_file_key(Some(&keys(Cipher::Aes, "secret", None))).unwrap();
        let key = key.unwrap();
        let mut nonces = std::collections::BTreeSet::new();
        for _ in 0..1000 {
            let mut sealed = Vec::new();
            key.seal(b"", b"same", &mut sealed).unwrap();
            assert!(nonces.insert(sealed[..NONCE].to_vec()));
        }
    }

    #[test]
    fn the_previous_key_opens_and_others_do_not() {
        let old = keys(Cipher::Aes, "old", None);
        let new = keys(Cipher::ChaCha, "new", Some((Cipher::Aes, "old")));
        let (_, id, salt) = new_file_key(Some(&old)).unwrap();
        assert!(is_current(Some(&old), id) && !is_current(Some(&new), id) && !is_current(None, id));
        assert!(file_key(Some(&new), id, &salt).unwrap().is_some());
        let other = keys(Cipher::Aes, "other", None);
        assert_eq!(
            file_key(Some(&other), id, &salt).unwrap_err(),
            EncryptionError::WrongKey
        );
        assert_eq!(file_key(None, id, &salt).unwrap_err(), EncryptionError::WrongKey);
        assert!(file_key(None, KeyId::default(), &salt).unwrap().is_none());
    }
}
