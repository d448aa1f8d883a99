//! The admin service does what it is told, by those who may.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

#[cfg(test)]
mod access;
#[cfg(test)]
mod accounts;
#[cfg(test)]
mod bounds;
#[cfg(test)]
mod events;
#[cfg(test)]
mod messages;
#[cfg(test)]
mod operations;
#[cfg(test)]
mod page;
#[cfg(test)]
mod reload;
#[cfg(test)]
mod streams;

#[cfg(test)]
use vagus::Config;
#[cfg(test)]
use vagus_configs::{Admin, AdminRole, AdminToken, AdminUser, Port};

/// An administrator, in `Authorization`: `ann:secret`.
#[cfg(test)]
const ANN: (&str, &str) = ("Authorization", "Basic YW5uOnNlY3JldA==");

/// Somebody who may look, in `Authorization`: `bob:look`.
#[cfg(test)]
const BOB: (&str, &str) = ("Authorization", "Basic Ym9iOmxvb2s=");

/// A program of an administrator.
#[cfg(test)]
const TOKEN: (&str, &str) = ("Authorization", "Bearer t0ken");

#[cfg(test)]
const JSON: (&str, &str) = ("Content-Type", "application/json");

/// A service of this machine alone, for which nobody logs in.
#[cfg(test)]
fn open() -> Admin {
    let mut admin = Admin::default();
    admin.listen.port = Port::Free;
    admin
}

/// A service for ann, bob and the bearer of the token.
#[cfg(test)]
fn protected() -> Admin {
    let user = |name: &str, password: &str, role| AdminUser {
        name: name.to_owned(),
        password: password.to_owned(),
        role,
    };
    Admin {
        users: vec![
            user("ann", "secret", AdminRole::Admin),
            user("bob", "look", AdminRole::Read),
        ],
        tokens: vec![AdminToken {
            token: "t0ken".to_owned(),
            role: AdminRole::Admin,
        }],
        ..open()
    }
}

/// Sets the admin service.
#[cfg(test)]
fn with(admin: Admin) -> impl FnOnce(&mut Config) {
    move |config| config.admin = Some(admin)
}
