//! Subjects, what they are mapped to, the index of subscriptions, resolved fan-outs: no I/O, no clock, no runtime.
//!
//! The life of a message here: a publisher asks its [`FanoutCache`] for the [`Fanout`] of the subject under the
//! current [`Version`]. On a miss it resolves one from the [`Index`] (under a read lock) and keeps it. The Router, which writes
//! the index bumps [`Versions`] afterwards, and so makes every older answer for those subjects stale.

mod cache;
mod fanout;
mod fnv;
mod index;
mod mappings;
mod origin;
mod queue_group;
pub mod subject;
mod subscription;
pub mod table;
mod transform;
mod versions;

pub use cache::{ANTICIPATED, CacheLimits, CacheStats, FanoutCache, Kept, Missing};
pub use fanout::{Encoder, Fanout, Matches, PeerTargets, Prefix, QueueTargets, SharedTargets, Target};
pub use fnv::fnv_1a;
pub use index::{Index, IndexStats, Listing};
pub use mappings::{Mapped, MappedDestination, Mapping, MappingError, Mappings};
pub use origin::{AccountId, ConnectionKind, LeafCluster, Origin, ToldOfLeafNodes};
pub use queue_group::{Candidates, Members, QueueGroup, Tally};
pub use subscription::{Claim, ConnectionId, Destination, Outlet, Renaming, SubjectFilter, Subscription};
pub use transform::{TOKENS_NAMED_AT_MOST, Transform, TransformError};
pub use versions::{Version, Versions};

#[cfg(test)]
mod testing;
