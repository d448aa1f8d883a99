//! One account.

use crate::export::{ServiceExport, StreamExport};
use crate::import::{ServiceImport, StreamImport};
use crate::limits::AccountLimits;
use vagus_auth::permission::Permissions;
use vagus_jetstream::account::Tiers;
use vagus_routing::{MappedDestination, Mapping, MappingError};

/// Everything that an account is defined to be, its users apart. [`Default`] is an account without a name that shares nothing
/// and limits nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountDefinition {
    /// What tells it from others: its name in a configuration, its public key where an operator signs accounts.
    pub name: Box<str>,
    /// What people call it, if that is something else than its name (`nameTag` of events).
    pub name_tag: Option<Box<str>>,
    /// Its public key (`A…`), where it has one.
    pub public_key: Option<Box<str>>,
    /// Other keys (`A…`) that sign in its name: users, and activations of its exports.
    pub signing_keys: Vec<Box<str>>,
    /// What is published in it that others may subscribe to.
    pub stream_exports: Vec<StreamExport>,
    /// What is subscribed to in it that others may send requests to.
    pub service_exports: Vec<ServiceExport>,
    /// What it gets of others' streams.
    pub stream_imports: Vec<StreamImport>,
    /// Which services of others it may send requests to.
    pub service_imports: Vec<ServiceImport>,
    /// On which subjects messages go on that are published in it. Each source once.
    pub mappings: Vec<MappingDefinition>,
    /// What it may have.
    pub limits: AccountLimits,
    /// What it may keep in streams; None: nothing.
    pub jetstream: Option<Tiers>,
    /// What its users may do of whom nothing is said; None: everything.
    pub default_permissions: Option<Permissions>,
    /// Where events of traced messages go that a `traceparent` asks for; None: such messages are not traced.
    pub trace: Option<TraceDefinition>,
}

/// A mapping of the subjects of messages that are published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MappingDefinition {
    /// The pattern that a published subject has to match.
    pub source: Box<str>,
    /// Where messages go on.
    pub destinations: Vec<MappedDestination>,
}

impl MappingDefinition {
    /// The same, ready for messages in this cluster, if the server is in one.
    ///
    /// # Errors
    /// If the source or one of the destinations of any cluster cannot be.
    pub fn mapping(&self, cluster: Option<&str>) -> Result<Mapping, MappingError> {
        Mapping::new(&self.source, &self.destinations, cluster)
    }
}

impl AccountDefinition {
    /// Whether where a message goes on depends on the cluster in which it is published.
    pub fn maps_by_cluster(&self) -> bool {
        let mut destinations = self.mappings.iter().flat_map(|mapping| &mapping.destinations);
        destinations.any(|destination| destination.cluster.is_some())
    }

    /// Whether it is to be told how long any of its services take.
    pub fn measures(&self) -> bool {
        self.service_exports
            .iter()
            .any(|service| service.latency.is_some())
    }

    /// Whether it says anything of what is shared with others.
    pub fn shares(&self) -> bool {
        !self.stream_exports.is_empty()
            || !self.service_exports.is_empty()
            || !self.stream_imports.is_empty()
            || !self.service_imports.is_empty()
    }
}

/// Where an account's traces go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceDefinition {
    /// The subject of their events.
    pub destination: Box<str>,
    /// How many of a hundred messages are traced: 1 to 100.
    pub sampling: u8,
}
