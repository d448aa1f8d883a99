use crate::Listen;
use crate::listen::Port;
use std::fmt;
use std::net::IpAddr;

/// The port of the admin service where none is given.
const ADMIN_PORT: u16 = 8223;

/// The admin service: a listener of its own. There is none unless it is configured.
#[derive(Debug, Clone, PartialEq)]
pub struct Admin {
    /// Where it listens; port 8223 of 127.0.0.1 unless it is told otherwise.
    pub listen: Listen,
    /// Who may log in by name and password.
    pub users: Vec<AdminUser>,
    /// Which tokens are as good as a login.
    pub tokens: Vec<AdminToken>,
    /// How it speaks TLS, if it does.
    pub tls: Option<vagus_tls::Settings>,
    /// Whether the monitoring port asks for the same login.
    pub protect_monitoring: bool,
}

/// What somebody who has logged in may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AdminRole {
    /// See everything that monitoring shows, and the configuration without its secrets.
    Read,
    /// Change what can be changed, and publish and subscribe.
    Admin,
}

impl AdminRole {
    /// Its name in a configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Admin => "admin",
        }
    }
}

/// Somebody who may log in to the admin service.
#[derive(Clone, PartialEq, Eq)]
pub struct AdminUser {
    /// No two have the same; without a colon, which HTTP could not carry.
    pub name: String,
    /// The password, or a bcrypt hash of it.
    pub password: String,
    /// What this user may do.
    pub role: AdminRole,
}

/// A token for the admin service, for programs.
#[derive(Clone, PartialEq, Eq)]
pub struct AdminToken {
    /// The token, or a bcrypt hash of it; never empty.
    pub token: String,
    /// What its bearer may do.
    pub role: AdminRole,
}

impl Default for Admin {
    fn default() -> Self {
        Self {
            listen: Listen {
                host: "127.0.0.1".to_owned(),
                port: Port::Fixed(ADMIN_PORT),
            },
            users: Vec::new(),
            tokens: Vec::new(),
            tls: None,
            protect_monitoring: false,
        }
    }
}

impl Admin {
    /// Whether anybody has to log in. Where nobody has, only this machine can reach the service.
    pub fn requires_login(&self) -> bool {
        !self.users.is_empty() || !self.tokens.is_empty()
    }

    /// Whether it listens where only this machine can reach it.
    pub fn is_local(&self) -> bool {
        let host = &self.listen.host;
        host.eq_ignore_ascii_case("localhost")
            || host
                .parse::<IpAddr>()
                .is_ok_and(|address| address.to_canonical().is_loopback())
    }
}

/// Leaves the password out.
impl fmt::Debug for AdminUser {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("AdminUser")
            .field("name", &self.name)
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}

/// Leaves the token out.
impl fmt::Debug for AdminToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("AdminToken")
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::{Admin, AdminRole, AdminToken, AdminUser};

    #[test]
    fn only_this_machine_is_local() {
        for (host, local) in [
            ("127.0.0.1", true),
            ("127.8.0.1", true),
            ("::1", true),
            ("::ffff:127.0.0.1", true),
            ("LocalHost", true),
            ("0.0.0.0", false),
            ("::", false),
            ("10.0.0.1", false),
            ("localhost.example.org", false),
            ("", false),
        ] {
            let mut admin = Admin::default();
            admin.listen.host = host.to_owned();
            assert_eq!(admin.is_local(), local, "{host}");
        }
    }

    #[test]
    fn secrets_are_not_shown() {
        let admin = Admin {
            users: vec![AdminUser {
                name: "ann".to_owned(),
                password: "hush".to_owned(),
                role: AdminRole::Admin,
            }],
            tokens: vec![AdminToken {
                token: "hush".to_owned(),
                role: AdminRole::Read,
            }],
            ..Admin::default()
        };
        let shown = format!("{admin:?}");
        assert!(shown.contains("ann") && !shown.contains("hush"), "{shown}");
    }
}
