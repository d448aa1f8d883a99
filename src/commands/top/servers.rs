//! The servers that can be looked at, one at a time.

use super::look::{LookError, look};
use super::sample::{Sample, Wanted};
use crate::commands::http::{Client, Endpoint, HttpError};

/// At least one.
pub(super) struct Servers(Vec<Client>);

impl Servers {
    /// Of these endpoints, of which there is at least one.
    ///
    /// # Errors
    /// When a file that TLS is to use cannot be used.
    pub(super) fn new(endpoints: &[Endpoint]) -> Result<Self, HttpError> {
        endpoints
            .iter()
            .map(Client::new)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Looks at the server that is wanted.
    pub(super) fn look(&self, wanted: &Wanted) -> Result<Sample, LookError> {
        look(&self.0[wanted.server], wanted)
    }

    /// Looks at one after the other, from the first, until one answers: that is the one that is wanted from then on.
    ///
    /// # Errors
    /// Why the first does not answer, if none does.
    pub(super) fn look_at_any(&self, wanted: &mut Wanted) -> Result<Sample, LookError> {
        let first = self.look(wanted);
        if first.is_ok() {
            return first;
        }
        for server in 1..self.0.len() {
            let other = Wanted {
                server,
                ..wanted.clone()
            };
            if let Ok(sample) = self.look(&other) {
                *wanted = other;
                return Ok(sample);
            }
        }
        first
    }
}
