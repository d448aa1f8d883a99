//! The section `authorization.auth_callout`.

use super::absent;
use super::findings::Findings;
use crate::grammar::Entry;
use crate::{AuthCallout, GLOBAL_ACCOUNT};
use vagus_auth::nkey::{self, Kind as KeyKind};

/// None if it says nothing that can be used.
pub(super) fn read(entry: &Entry, findings: &mut Findings) -> Option<AuthCallout> {
    let section = findings.map(entry)?;
    let mut callout = AuthCallout {
        issuer: String::new(),
        account: GLOBAL_ACCOUNT.to_owned(),
        auth_users: Vec::new(),
        xkey: None,
        allowed_accounts: Vec::new(),
    };
    for entry in section.entries() {
        match entry.key.to_lowercase().as_str() {
            "issuer" => {
                let key = findings.text(entry)?;
                if !nkey::is_public(KeyKind::Account, key) {
                    let message = "Expected callout user to be a valid public account nkey";
                    return findings.refuse(entry, message.to_owned());
                }
                key.clone_into(&mut callout.issuer);
            }
            "account" | "acc" => {
                if let Some(Some(name)) = findings.optional_text(entry) {
                    callout.account = name;
                }
            }
            "auth_users" | "users" => callout.auth_users = findings.texts(entry)?,
            "xkey" | "key" => {
                let key = findings.text(entry)?;
                if !nkey::is_public(KeyKind::Curve, key) {
                    let message = "Expected callout xkey to be a valid public xkey";
                    return findings.refuse(entry, message.to_owned());
                }
                callout.xkey = Some(key.to_owned());
            }
            "allowed_accounts" => callout.allowed_accounts = findings.texts(entry)?,
            key => absent::refuse(key, entry, &absent::NOTHING, findings),
        }
    }
    if callout.issuer.is_empty() {
        let message = "Authorization callouts require an issuer to be specified";
        return findings.refuse(entry, message.to_owned());
    }
    if callout.auth_users.is_empty() {
        let message = "Authorization callouts require authorized users to be specified";
        return findings.refuse(entry, message.to_owned());
    }
    Some(callout)
}
