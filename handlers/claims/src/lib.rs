//! The tokens of accounts that operators have signed: where they are kept, and how they are asked for and changed.

mod directory;
mod memory;
mod other_servers;
mod requests;
mod service;
mod url;

pub use directory::{DirectoryError, DirectoryStore};
pub use memory::MemoryStore;
pub use other_servers::OtherServers;
pub use requests::{ClaimsDesk, Comparison, Desired, Reply, Topic};
pub use service::{ClaimsService, run};
pub use url::UrlStore;
