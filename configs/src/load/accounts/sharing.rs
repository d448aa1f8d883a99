//! Whether accounts may import what they say.

use super::super::findings::Findings;
use crate::grammar::Entry;
use std::collections::BTreeMap;
use std::sync::Arc;
use vagus_accounts::{AccountDefinition, ImportError, Sharing};

/// Holds all imports against the exports and against each other. As in nats-server, what is wrong is said of the whole
/// section.
pub(super) fn check(
    entry: &Entry,
    definitions: &BTreeMap<Arc<str>, AccountDefinition>,
    findings: &mut Findings,
) {
    // Nothing that a configuration says ends by itself.
    let mut sharing = Sharing::new(definitions.values(), 0);
    for account in definitions.values() {
        for import in &account.stream_imports {
            if let Err(error) = sharing.add_stream(account, import) {
                findings.problem(entry, told("stream", &import.account, &import.subject, &error));
            }
        }
        for import in &account.service_imports {
            if let Err(error) = sharing.add_service(account, import) {
                findings.problem(entry, told("service", &import.account, &import.subject, &error));
            }
        }
    }
}

fn told(what: &str, account: &str, subject: &str, error: &ImportError) -> String {
    match error {
        ImportError::AccountMissing => format!("{account:?} account not defined for {what} import"),
        error => format!("Error adding {what} import {subject:?}: {error}"),
    }
}
