//! Several users, each with what it may do.

use super::absent;
use super::findings::Findings;
use crate::grammar::{Entry, Kind, Value};
use std::sync::Arc;
use vagus_auth::credentials::{ConnectionType, ConnectionTypes, Proof, User};
use vagus_auth::nkey;

/// The users of a list; those that cannot be are left out.
pub(super) fn read(entry: &Entry, findings: &mut Findings) -> Vec<User> {
    let Kind::Array(values) = &entry.value.kind else {
        findings.problem(
            entry,
            format!("{} must be an array, not {}", entry.key, entry.value.kind.name()),
        );
        return Vec::new();
    };
    values.iter().filter_map(|value| user(value, findings)).collect()
}

fn user(value: &Value, findings: &mut Findings) -> Option<User> {
    let Kind::Map(map) = &value.kind else {
        findings.problem_at(
            &value.place,
            format!("a user must be a map, not {}", value.kind.name()),
        );
        return None;
    };
    let mut name = None;
    let mut password = None;
    let mut key = None;
    let mut permissions = None;
    let mut requires_proxy = false;
    let mut connection_types = ConnectionTypes::default();
    for entry in map.entries() {
        match entry.key.to_lowercase().as_str() {
            "user" | "username" => name = findings.optional_text(entry)?,
            "pass" | "password" => password = findings.optional_text(entry)?,
            "nkey" => key = findings.optional_text(entry)?.map(|key| (key, entry)),
            "permission" | "permissions" | "authorization" => permissions = findings.permissions(entry),
            "allowed_connection_types" | "connection_types" | "clients" => {
                connection_types = types(entry, findings);
            }
            "proxy_required" => requires_proxy = findings.boolean(entry)?,
            key => absent::refuse(key, entry, &absent::USER, findings),
        }
    }
    let proof = match (key, name) {
        (Some((key, entry)), name) => {
            if !matches!(nkey::decode_public(&key), Ok((nkey::Kind::User, _))) {
                // Not shown: it may be a private key.
                return findings.refuse(entry, "this is not the public nkey of a user".to_owned());
            }
            if name.is_some() || password.is_some() {
                let message = "a user with an nkey has neither a name nor a password";
                return findings.refuse(entry, message.to_owned());
            }
            Proof::Nkey(key)
        }
        (None, Some(name)) => Proof::Password {
            name,
            password: password.unwrap_or_default(),
        },
        (None, None) => {
            let place = map.entries().first().map_or(&value.place, |entry| &entry.place);
            findings.problem_at(place, "a user must have a name or an nkey");
            return None;
        }
    };
    Some(User {
        proof,
        permissions: permissions.map(Arc::new),
        connection_types,
        account: None,
        requires_proxy,
    })
}

/// One type or several, in upper or lower case.
fn types(entry: &Entry, findings: &mut Findings) -> ConnectionTypes {
    let values = match &entry.value.kind {
        Kind::Array(values) => values.as_slice(),
        _ => std::slice::from_ref(&entry.value),
    };
    let mut types: Vec<ConnectionType> = Vec::new();
    for value in values {
        match &value.kind {
            Kind::Text(text) => match text.parse() {
                Ok(kind) => types.push(kind),
                Err(unknown) => findings.problem(entry, format!("{}: {unknown}", entry.key)),
            },
            other => {
                let is_alone = !matches!(entry.value.kind, Kind::Array(_));
                let place = if is_alone { &entry.place } else { &value.place };
                let message = format!("{}: a type must be text, not {}", entry.key, other.name());
                findings.problem_at(place, message);
            }
        }
    }
    types.into_iter().collect()
}
