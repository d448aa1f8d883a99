//! What a server is told before it starts, in files of its own.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use openssl::asn1::{Asn1Integer, Asn1Time};
use openssl::bn::{BigNum, MsbOption};
use openssl::ec::{EcGroup, EcKey};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::PKey;
use openssl::x509::{X509, X509NameBuilder};

use crate::error::{BenchError, Doing};
use crate::flood::user_of_pair;

/// Rules of each kind that the one user has, in a server with [`Setup::Permissions`].
const RULES: usize = 50;

/// `st_blocks` counts these, whatever the file system does.
const BYTES_OF_A_BLOCK: u64 = 512;

/// How many accounts a server with [`Setup::Accounts`] has.
pub const ACCOUNTS: usize = 1_000;

/// How a server is set for a scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setup {
    /// As by default.
    Plain,
    /// Clients have to speak TLS.
    Tls,
    /// Clients speak WebSocket, without compression.
    WebSocket,
    /// Clients are, without a login, a user that has [`RULES`] rules that allow and as many that deny, both for
    /// publishing and for subscribing.
    Permissions,
    /// So many servers with routes to each other. Clients are not told of it, or what they are sent would differ by chance.
    Cluster(usize),
    /// Two servers, of which one is a leaf node of the other: the first is the hub, or the leaf node.
    Leaf(First),
    /// Two servers, each a cluster of its own, which are connected by gateways.
    Gateways,
    /// Clients are, without a login, in an account that imports what another publishes on `bench.>`, as `from.bench.>`.
    Imports,
    /// Each publisher and its subscriber are a user of an account of their own, of [`ACCOUNTS`].
    Accounts,
    /// With streams, in a new folder.
    Streams(Durability),
}

/// Which of a hub and its leaf node publishers connect to; subscribers are on the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum First {
    /// The hub.
    Hub,
    /// The leaf node.
    Leaf,
}

/// When a message for a file is acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// As by default.
    AsByDefault,
    /// Once the disk has it, whatever the server does by default.
    OnDisk,
}

/// The account from which the other imports, and in which publishers are; who connects says nothing else.
const IMPORTS: &str = "accounts {
    EXPORTER { users: [{user: exporter, password: bench}], exports: [{stream: \"bench.>\"}] }
    IMPORTER {
        users: [{user: bench, password: bench}]
        imports: [{stream: {account: EXPORTER, subject: \"bench.>\"}, prefix: from}]
    }
}
no_auth_user: bench
";

/// The folder of a server's files; gone when dropped.
#[derive(Debug)]
pub struct Prepared {
    folder: PathBuf,
    /// Arguments of the server that name the files.
    pub arguments: Vec<String>,
}

impl Prepared {
    /// A new folder, for the server that is going to listen on this port.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn new(port: u16) -> Result<Self, BenchError> {
        let folder = std::env::temp_dir().join(format!("vagus-benches-{}-{port}", std::process::id()));
        fs::create_dir_all(&folder).doing(|| format!("creating {}", folder.display()))?;
        Ok(Self {
            folder,
            arguments: Vec::new(),
        })
    }

    /// Writes a file, and says where it is.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn file(&self, name: &str, content: &[u8]) -> Result<String, BenchError> {
        let path = self.folder.join(name);
        fs::write(&path, content).doing(|| format!("writing {}", path.display()))?;
        Ok(path.display().to_string())
    }

    /// Makes a folder below it, and says where it is.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn folder(&self, name: &str) -> Result<String, BenchError> {
        let path = self.folder.join(name);
        fs::create_dir_all(&path).doing(|| format!("creating {}", path.display()))?;
        Ok(path.display().to_string())
    }

    /// What files take, bytes of the disk: those that `of` is true of.
    ///
    /// # Errors
    /// When they cannot be looked at.
    pub fn bytes_on_disk(&self, of: impl Fn(&Path) -> bool) -> Result<u64, BenchError> {
        let (mut bytes, mut folders) = (0, vec![self.folder.clone()]);
        while let Some(folder) = folders.pop() {
            let doing = || format!("listing {}", folder.display());
            for entry in fs::read_dir(&folder).doing(doing)? {
                let entry = entry.doing(doing)?;
                let about = entry.metadata().doing(doing)?;
                match about.is_dir() {
                    true => folders.push(entry.path()),
                    false if of(&entry.path()) => bytes += about.blocks() * BYTES_OF_A_BLOCK,
                    false => {}
                }
            }
        }
        Ok(bytes)
    }

    /// Writes a certificate that nobody has to trust and its key, and says where they are.
    ///
    /// # Errors
    /// When they cannot be made or written.
    pub fn certificate(&self) -> Result<(String, String), BenchError> {
        let (certificate, key) = certificate()
            .map_err(io::Error::other)
            .doing(|| "making a certificate".to_owned())?;
        Ok((
            self.file("server.pem", &certificate)?,
            self.file("server.key", &key)?,
        ))
    }
}

impl Drop for Prepared {
    fn drop(&mut self) {
        // A temporary folder.
        let _removed = fs::remove_dir_all(&self.folder);
    }
}

impl Setup {
    /// Writes the files, if there are to be any.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn prepare(self, port: u16) -> Result<Option<Prepared>, BenchError> {
        let text = match self {
            Self::Plain | Self::WebSocket | Self::Cluster(_) | Self::Leaf(_) | Self::Gateways => {
                return Ok(None);
            }
            Self::Tls => {
                let mut prepared = Prepared::new(port)?;
                let (certificate, key) = prepared.certificate()?;
                let arguments = ["--tls", "--tlscert", &certificate, "--tlskey", &key];
                prepared.arguments = arguments.map(str::to_owned).to_vec();
                return Ok(Some(prepared));
            }
            Self::Imports => IMPORTS.to_owned(),
            Self::Permissions => permissions(),
            Self::Accounts => accounts(),
            Self::Streams(durability) => {
                let interval = match durability {
                    Durability::AsByDefault => "",
                    Durability::OnDisk => ", sync_interval: always",
                };
                let mut prepared = Prepared::new(port)?;
                let folder = prepared.folder("streams")?;
                let text = format!("jetstream {{ store_dir: \"{folder}\"{interval} }}\n");
                let path = prepared.file("server.conf", text.as_bytes())?;
                prepared.arguments = vec!["-c".to_owned(), path];
                return Ok(Some(prepared));
            }
        };
        let mut prepared = Prepared::new(port)?;
        let path = prepared.file("server.conf", text.as_bytes())?;
        prepared.arguments = vec!["-c".to_owned(), path];
        Ok(Some(prepared))
    }
}

/// Accounts with a user each.
fn accounts() -> String {
    let mut text = "accounts {\n".to_owned();
    for number in 0..ACCOUNTS {
        let user = user_of_pair(number);
        // Writing to a string cannot fail.
        let _written = writeln!(
            text,
            "    A{number} {{ users: [{{user: {user}, password: {user}}}] }}"
        );
    }
    text + "}\n"
}

impl Setup {
    /// Writes the files of a server that is going to listen on one port, and for WebSocket on the other.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn prepare_websocket(port: u16, websocket: u16) -> Result<Prepared, BenchError> {
        let mut prepared = Prepared::new(port)?;
        let text = format!("websocket {{ listen: \"127.0.0.1:{websocket}\", no_tls: true }}\n");
        let path = prepared.file("server.conf", text.as_bytes())?;
        prepared.arguments = vec!["-c".to_owned(), path];
        Ok(prepared)
    }
}

/// A certificate that nobody has to trust, and its key, as PEM.
fn certificate() -> Result<(Vec<u8>, Vec<u8>), ErrorStack> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
    let key = PKey::from_ec_key(EcKey::generate(&group)?)?;
    let mut name = X509NameBuilder::new()?;
    name.append_entry_by_text("CN", "localhost")?;
    let name = name.build();
    let mut serial = BigNum::new()?;
    serial.rand(64, MsbOption::ONE, false)?;
    let mut certificate = X509::builder()?;
    certificate.set_version(2)?;
    certificate.set_serial_number(Asn1Integer::from_bn(&serial)?.as_ref())?;
    certificate.set_subject_name(&name)?;
    certificate.set_issuer_name(&name)?;
    certificate.set_pubkey(&key)?;
    certificate.set_not_before(Asn1Time::days_from_now(0)?.as_ref())?;
    certificate.set_not_after(Asn1Time::days_from_now(2)?.as_ref())?;
    certificate.sign(&key, MessageDigest::sha256())?;
    Ok((certificate.build().to_pem()?, key.private_key_to_pem_pkcs8()?))
}

/// Rules of which the last that allow are those that matter, and none of those that deny does.
fn permissions() -> String {
    let list = |first: &str, last: &str| {
        let mut list = String::new();
        for number in 1..RULES {
            // Writing to a `String` cannot fail.
            let _written = write!(list, "\"{first}.{number}.*.>\", ");
        }
        list + &format!("{last:?}")
    };
    let rules = format!(
        "{{ allow: [{}], deny: [{}] }}",
        list("allowed", "bench.>"),
        list("denied", "bench.never.*")
    );
    format!(
        "authorization {{ users: [ {{ user: bench, password: bench, permissions: {{ publish: {rules}, subscribe: \
         {rules} }} }} ] }}\nno_auth_user: bench\n"
    )
}
