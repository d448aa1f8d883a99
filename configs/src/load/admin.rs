//! The section `admin`: the admin service, and who may use it.

use super::findings::Findings;
use super::{absent, listen, tls};
use crate::grammar::{Entry, Kind, Map, Place, Value};
use crate::{Admin, AdminRole, AdminToken, AdminUser, Listen};
use std::collections::HashSet;

/// More would make each refusal take long: all of them may be hashes, and each is compared.
const TOKENS_AT_MOST: usize = 16;

pub(super) fn take(key: &str, entry: &Entry, admin: &mut Option<Admin>, findings: &mut Findings) -> bool {
    if key != "admin" {
        return false;
    }
    *admin = match &entry.value.kind {
        Kind::Boolean(false) => None,
        Kind::Boolean(true) => Some(Admin::default()),
        Kind::Integer(_) | Kind::Text(_) => {
            let mut admin = Admin::default();
            listen_at(entry, &mut admin, findings);
            Some(checked(admin, entry, findings))
        }
        _ => findings
            .map(entry)
            .map(|section| checked(read(section, findings), entry, findings)),
    };
    true
}

fn read(section: &Map, findings: &mut Findings) -> Admin {
    let mut admin = Admin::default();
    let mut user = None;
    let mut password = None;
    for entry in section.entries() {
        match entry.key.to_lowercase().as_str() {
            "listen" => listen_at(entry, &mut admin, findings),
            key @ ("host" | "net" | "port") => {
                listen::take(key, entry, &mut admin.listen, &Listen::default(), findings);
            }
            "user" | "username" => user = findings.text(entry).map(|name| (entry, name)),
            "pass" | "password" => password = findings.text(entry),
            "users" => {
                for value in values(entry) {
                    admin.users.extend(self::user(value, findings));
                }
            }
            "token" | "tokens" => {
                for value in values(entry) {
                    admin.tokens.extend(token(value, findings));
                }
            }
            "tls" => admin.tls = secured(entry, findings),
            "protect_monitoring" => {
                admin.protect_monitoring = findings.boolean(entry).unwrap_or_default();
            }
            key => absent::refuse(key, entry, &absent::ADMIN, findings),
        }
    }
    if let Some((entry, name)) = user {
        let one = sound_user(name, password.unwrap_or_default(), AdminRole::Admin);
        match one {
            Ok(user) => admin.users.push(user),
            Err(wrong) => findings.problem(entry, wrong),
        }
    }
    admin
}

/// TLS with a certificate that can be used.
fn secured(entry: &Entry, findings: &mut Findings) -> Option<vagus_tls::Settings> {
    let settings = tls::section(entry, false, findings)?;
    if (settings.certificates.is_empty() || findings.reads_certificates)
        && let Err(error) = vagus_tls::https_acceptor(&settings)
    {
        findings.problem(entry, error.to_string());
    }
    Some(settings)
}

/// `listen`, of which a port alone is one of this machine.
fn listen_at(entry: &Entry, admin: &mut Admin, findings: &mut Findings) {
    let host = admin.listen.host.clone();
    listen::take("listen", entry, &mut admin.listen, &Listen::default(), findings);
    if matches!(entry.value.kind, Kind::Integer(_)) {
        admin.listen.host = host;
    }
}

/// What cannot be said of one key alone.
fn checked(admin: Admin, entry: &Entry, findings: &mut Findings) -> Admin {
    let mut names = HashSet::new();
    for user in &admin.users {
        if !names.insert(&user.name) {
            findings.problem(entry, format!("admin: duplicate user {:?}", user.name));
        }
    }
    if admin.tokens.len() > TOKENS_AT_MOST {
        findings.problem(entry, format!("admin: at most {TOKENS_AT_MOST} tokens"));
    }
    if admin.tls.is_none() && !admin.is_local() {
        findings.note(Some(entry), "admin has no tls: logins are sent in the clear");
    }
    if !admin.requires_login() {
        if !admin.is_local() {
            let message = format!(
                "admin must have users or a token to listen on {:?}: it is not an address of this machine alone",
                admin.listen.host
            );
            findings.problem(entry, message);
        }
        if admin.protect_monitoring {
            findings.problem(
                entry,
                "protect_monitoring asks for a login, and admin has no users",
            );
        }
    }
    admin
}

/// One value or several.
fn values(entry: &Entry) -> &[Value] {
    match &entry.value.kind {
        Kind::Array(values) => values,
        _ => std::slice::from_ref(&entry.value),
    }
}

fn user(value: &Value, findings: &mut Findings) -> Option<AdminUser> {
    let Kind::Map(map) = &value.kind else {
        let message = format!("a user must be a map, not {}", value.kind.name());
        return refuse(&value.place, message, findings);
    };
    let mut name = None;
    let mut password = None;
    let mut role = AdminRole::Read;
    for entry in map.entries() {
        match entry.key.to_lowercase().as_str() {
            "user" | "username" => name = Some(findings.text(entry)?),
            "pass" | "password" => password = Some(findings.text(entry)?),
            "role" => role = self::role(entry, findings)?,
            key => absent::refuse(key, entry, &absent::ADMIN_USER, findings),
        }
    }
    let place = map.entries().first().map_or(&value.place, |entry| &entry.place);
    sound_user(name.unwrap_or_default(), password.unwrap_or_default(), role)
        .map_err(|wrong| findings.problem_at(place, wrong))
        .ok()
}

fn sound_user(name: &str, password: &str, role: AdminRole) -> Result<AdminUser, &'static str> {
    if name.is_empty() {
        return Err("a user of admin must have a name");
    }
    if name.contains(':') || name.chars().any(char::is_control) {
        return Err("the name of a user of admin must not have a colon or control characters");
    }
    if password.is_empty() {
        return Err("a user of admin must have a password");
    }
    Ok(AdminUser {
        name: name.to_owned(),
        password: password.to_owned(),
        role,
    })
}

/// A token alone may do everything; a map says what else.
fn token(value: &Value, findings: &mut Findings) -> Option<AdminToken> {
    let (token, role) = match &value.kind {
        Kind::Text(token) => (token.as_str(), AdminRole::Admin),
        Kind::Map(map) => {
            let mut token = "";
            let mut role = AdminRole::Read;
            for entry in map.entries() {
                match entry.key.to_lowercase().as_str() {
                    "token" => token = findings.text(entry)?,
                    "role" => role = self::role(entry, findings)?,
                    key => absent::refuse(key, entry, &absent::ADMIN_USER, findings),
                }
            }
            (token, role)
        }
        other => {
            let message = format!("a token must be text or a map, not {}", other.name());
            return refuse(&value.place, message, findings);
        }
    };
    if token.is_empty() {
        return refuse(&value.place, "the token is empty".to_owned(), findings);
    }
    Some(AdminToken {
        token: token.to_owned(),
        role,
    })
}

fn role(entry: &Entry, findings: &mut Findings) -> Option<AdminRole> {
    let text = findings.text(entry)?;
    let role = [AdminRole::Read, AdminRole::Admin]
        .into_iter()
        .find(|role| text.eq_ignore_ascii_case(role.name()));
    match role {
        Some(role) => Some(role),
        None => findings.refuse(entry, "role must be read or admin".to_owned()),
    }
}

fn refuse<T>(place: &Place, message: String, findings: &mut Findings) -> Option<T> {
    findings.problem_at(place, message);
    None
}
