//! The admin service: who may use it changes while it runs, where it is does not.

use super::credentials::what_changed;
use super::{Announced, Shown, Table};
use crate::{Admin, AdminRole, AdminToken, AdminUser};
use std::collections::BTreeMap;

/// By name: their order means nothing.
type Users<'c> = BTreeMap<&'c str, &'c AdminUser>;

pub(super) fn compare(table: &mut Table, (old, new): (Option<&Admin>, Option<&Admin>)) {
    table.fixed("admin", (&old.is_some(), &new.is_some()), enabled);
    // Where there is none before or after, what it was or is to be like is nothing more to say.
    let nowhere = Admin::default();
    let (old, new) = match (old, new) {
        (Some(old), Some(new)) => (old, new),
        (one, other) => {
            let only = one.or(other).unwrap_or(&nowhere);
            (only, only)
        }
    };
    let Admin {
        listen,
        users,
        tokens,
        tls,
        protect_monitoring,
    } = old;
    table.fixed("admin.listen", (listen, &new.listen), |listen| {
        Shown::Text(format!("{}:{}", listen.host, listen.port.to_bind()))
    });
    let (users, new_users) = (by_name(users), by_name(&new.users));
    table.row(
        "admin.users",
        (&users, &new_users),
        names,
        Some(Announced::Named("admin users")),
    );
    if let Some(row) = table.rows.last_mut() {
        row.detail = what_changed(&users, &new_users);
    }
    table.row(
        "admin.tokens",
        (tokens, &new.tokens),
        |tokens| masked(tokens),
        Some(Announced::Named("admin tokens")),
    );
    // The socket speaks as it does since it was opened. Only what it shows is read anew.
    let rest = |tls: &Option<vagus_tls::Settings>| {
        let mut rest = tls.clone();
        if let Some(tls) = &mut rest {
            tls.certificates.clear();
        }
        rest
    };
    table.fixed("admin.tls", (&rest(tls), &rest(&new.tls)), |tls| {
        enabled(&tls.is_some())
    });
    let certificates = |tls: &Option<vagus_tls::Settings>| tls.as_ref().map(|tls| tls.certificates.clone());
    table.row(
        "admin.tls.certificates",
        (&certificates(tls), &certificates(&new.tls)),
        |certificates| Shown::number(certificates.as_ref().map_or(0, Vec::len)),
        Some(Announced::Named("admin tls certificates")),
    );
    table.reloads(
        "admin.protect_monitoring",
        (protect_monitoring, &new.protect_monitoring),
        |on| Shown::Boolean(*on),
    );
}

fn enabled(on: &bool) -> Shown {
    Shown::Text(if *on { "enabled" } else { "disabled" }.to_owned())
}

fn by_name(users: &[AdminUser]) -> Users<'_> {
    users.iter().map(|user| (user.name.as_str(), user)).collect()
}

/// Who they are and what they may do; nothing of what they know.
fn names(users: &Users<'_>) -> Shown {
    let user = |user: &&AdminUser| format!("{}: {}", user.name, user.role.name());
    Shown::List(users.values().map(user).collect())
}

/// How many there are, and what may be done with each.
fn masked(tokens: &[AdminToken]) -> Shown {
    let token = |role: AdminRole| format!("{}: {}", super::MASK, role.name());
    Shown::List(tokens.iter().map(|one| token(one.role)).collect())
}
