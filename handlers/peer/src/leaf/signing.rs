//! How a leaf node proves who it is: by a file that holds its token and its key, or by a key alone.

use std::fmt;
use std::fs;
use std::path::PathBuf;
use vagus_auth::nkey::KeyPair;
use vagus_configs::LeafRemote;
use vagus_jwt::undecorated;

/// What a leaf node shows its hub.
#[derive(Default, PartialEq, Eq)]
pub struct Proof {
    pub(super) token: String,
    pub(super) public_key: String,
    pub(super) signature: String,
}

/// Shown without the token.
impl fmt::Debug for Proof {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Proof")
            .field("public_key", &self.public_key)
            .finish_non_exhaustive()
    }
}

/// What has to be signed, and by what. Files are read each time: they are replaced where they are.
#[derive(Debug)]
pub(super) struct Signing {
    means: Means,
    nonce: Vec<u8>,
}

#[derive(Debug)]
enum Means {
    File(PathBuf),
    Key(Box<KeyPair>),
}

impl Signing {
    /// None where nothing is signed.
    pub(super) fn of(remote: &LeafRemote, nonce: &str) -> Option<Self> {
        let means = match (&remote.credentials, &remote.key) {
            (Some(path), _) => Means::File(path.clone()),
            (None, Some(key)) => Means::Key(Box::new(key.0.clone())),
            (None, None) => return None,
        };
        Some(Self {
            means,
            nonce: nonce.as_bytes().to_vec(),
        })
    }

    /// Signs; it may take long. What is wrong is told without secrets.
    pub(super) fn run(self) -> Result<Proof, String> {
        match self.means {
            Means::Key(key) => Ok(Proof {
                public_key: key.public().to_owned(),
                signature: signature(&key, &self.nonce)?,
                token: String::new(),
            }),
            Means::File(path) => {
                let text =
                    fs::read_to_string(&path).map_err(|error| format!("open {}: {error}", path.display()))?;
                let (token, key) = read(&text)?;
                Ok(Proof {
                    token,
                    signature: signature(&key, &self.nonce)?,
                    public_key: String::new(),
                })
            }
        }
    }
}

fn signature(key: &KeyPair, nonce: &[u8]) -> Result<String, String> {
    key.sign_text(nonce)
        .map_err(|error| format!("Error signing the nonce: {error}"))
}

/// The token and the key of a file of credentials, as tools write it.
fn read(text: &str) -> Result<(String, KeyPair), String> {
    let seed = text.split_once("BEGIN USER NKEY SEED").and_then(|(_, rest)| {
        let mut lines = rest.lines().skip(1).map(str::trim);
        lines.find(|line| !line.is_empty())
    });
    let (Some(seed), true) = (seed, text.contains("-BEGIN ")) else {
        return Err("Credentials file malformed".to_owned());
    };
    let key = KeyPair::from_seed(seed).map_err(|_| "Credentials file has malformed seed".to_owned())?;
    Ok((undecorated(text).to_owned(), key))
}

#[cfg(test)]
mod tests {
    use super::read;
    use vagus_auth::nkey::{KeyPair, Kind};

    #[test]
    fn files_are_those_of_other_tools() {
        let key = KeyPair::generate(Kind::User).unwrap();
        let file = format!(
            "-----BEGIN NATS USER JWT-----\na.b.c\n------END NATS USER JWT------\n\n***\n-----BEGIN USER NKEY SEED-----\n{}\n------END USER NKEY SEED------\n",
            key.seed().unwrap()
        );
        let (token, read_key) = read(&file).unwrap();
        assert_eq!((&*token, read_key.public()), ("a.b.c", key.public()));
        assert_eq!(read("a.b.c").unwrap_err(), "Credentials file malformed");
        let broken = file.replace("\nSU", "\nSX");
        assert_eq!(read(&broken).unwrap_err(), "Credentials file has malformed seed");
    }
}
