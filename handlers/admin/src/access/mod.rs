//! Who may ask, and who may change.
//!
//! The role of [`Access`] is to decide about each request before anything else looks at it: from where it comes, who
//! sends it, and what they may do. Where the configuration names nobody, only this machine reaches the service.

mod guard;
mod limiter;
mod origin;
mod presented;
mod verified;

pub use guard::Protection;
pub(crate) use guard::{Administrator, guard};
pub use verified::Entrant;

use crate::places::Places;
use limiter::LoginLimiter;
use openssl::error::ErrorStack;
use parking_lot::{Mutex, RwLock};
use presented::Presented;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use vagus_auth::credentials::{BcryptTask, Credentials, Decision, Gate, GateError, Login, Proof, User};
use vagus_configs::{Admin, AdminRole};
use verified::Verified;

/// How many logins may wait for their hashes to be compared, which is done one after the other.
const WAITING_AT_MOST: usize = 16;

/// Decides who may use the service.
pub struct Access {
    rules: RwLock<Arc<Rules>>,
    limiter: Mutex<LoginLimiter>,
    verified: Mutex<Verified>,
    comparing: Arc<Semaphore>,
    waiting: Places,
    since: Instant,
}

/// Why there is no [`Access`].
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// The credentials cannot be used.
    #[error(transparent)]
    Credentials(#[from] GateError),
    /// There is no randomness.
    #[error("no randomness for the admin service: {0}")]
    Randomness(#[from] ErrorStack),
}

/// Why a request is not let in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("a login is required")]
    NoCredentials,
    #[error("the login is refused")]
    Refused,
    #[error("too many logins were tried from this address")]
    TooMany(Duration),
    #[error("too many logins wait to be looked at")]
    Busy,
}

/// Who may log in, compiled.
#[derive(Debug)]
struct Rules {
    requires_login: bool,
    users: Option<Gate>,
    roles: HashMap<String, AdminRole>,
    tokens: Vec<(Gate, AdminRole)>,
}

/// What there is to compare that takes long, and who has passed if it fits.
type Comparison = (BcryptTask, Option<AdminRole>);

/// What is to be said of credentials without computing for long.
enum FirstLook {
    Admitted(Entrant),
    Refused,
    Compare(Vec<Comparison>),
}

impl Rules {
    fn new(admin: &Admin) -> Result<Self, GateError> {
        let user = |user: &vagus_configs::AdminUser| User {
            proof: Proof::Password {
                name: user.name.clone(),
                password: user.password.clone(),
            },
            permissions: None,
            connection_types: [].into_iter().collect(),
        };
        let users: Vec<User> = admin.users.iter().map(user).collect();
        let users = (!users.is_empty())
            .then(|| {
                Gate::new(Credentials::Users {
                    users,
                    no_auth_user: None,
                    default_permissions: None,
                })
            })
            .transpose()?;
        let token = |token: &vagus_configs::AdminToken| {
            Ok((Gate::new(Credentials::Token(token.token.clone()))?, token.role))
        };
        Ok(Self {
            requires_login: admin.requires_login(),
            users,
            roles: admin
                .users
                .iter()
                .map(|user| (user.name.clone(), user.role))
                .collect(),
            tokens: admin.tokens.iter().map(token).collect::<Result<_, GateError>>()?,
        })
    }

    fn look_at(&self, presented: &Presented) -> FirstLook {
        let mut admitted = None;
        let mut comparisons = Vec::new();
        match presented {
            Presented::Nothing | Presented::Unreadable => {}
            Presented::Login { name, password } => {
                let login = Login {
                    user: name,
                    password,
                    ..Login::default()
                };
                match self.users.as_ref().map(|gate| gate.begin(&login, &[])) {
                    Some(Decision::Admitted(_)) => admitted = self.entrant(name),
                    Some(Decision::Verify(task)) => comparisons.push((task, None)),
                    Some(Decision::Refused) | None => {}
                }
            }
            Presented::Token(token) => {
                let login = Login {
                    token,
                    ..Login::default()
                };
                // Each is looked at, so that it takes as long whichever fits.
                for (gate, role) in &self.tokens {
                    match gate.begin(&login, &[]) {
                        Decision::Admitted(_) => {
                            admitted = Some(Entrant {
                                name: String::new(),
                                role: *role,
                            });
                        }
                        Decision::Verify(task) => comparisons.push((task, Some(*role))),
                        Decision::Refused => {}
                    }
                }
            }
        }
        match admitted {
            Some(entrant) => FirstLook::Admitted(entrant),
            None if comparisons.is_empty() => FirstLook::Refused,
            None => FirstLook::Compare(comparisons),
        }
    }

    fn entrant(&self, name: &str) -> Option<Entrant> {
        Some(Entrant {
            name: name.to_owned(),
            role: *self.roles.get(name)?,
        })
    }
}

impl Access {
    /// Lets in whom the configuration names.
    ///
    /// # Errors
    /// When the credentials are contradictory or there is no randomness.
    pub fn new(admin: &Admin) -> Result<Self, AccessError> {
        Ok(Self {
            rules: RwLock::new(Arc::new(Rules::new(admin)?)),
            limiter: Mutex::default(),
            verified: Mutex::new(Verified::new()?),
            comparing: Arc::new(Semaphore::new(1)),
            waiting: Places::new(WAITING_AT_MOST),
            since: Instant::now(),
        })
    }

    /// Goes by another configuration from now on, also towards those who have logged in.
    ///
    /// # Errors
    /// When the credentials are contradictory; the old ones hold then.
    pub fn adopt(&self, admin: &Admin) -> Result<(), GateError> {
        let rules = Arc::new(Rules::new(admin)?);
        *self.rules.write() = rules;
        self.verified.lock().forget();
        Ok(())
    }

    /// Whether anybody has to log in.
    pub(crate) fn requires_login(&self) -> bool {
        self.rules.read().requires_login
    }

    /// Decides about the credentials of a request: its header `Authorization`, and from where it came.
    pub(crate) async fn admit(&self, header: Option<&[u8]>, peer: IpAddr) -> Result<Entrant, Refusal> {
        let rules = self.rules.read().clone();
        if !rules.requires_login {
            return Ok(Entrant {
                name: String::new(),
                role: AdminRole::Admin,
            });
        }
        let presented = Presented::read(header);
        if presented == Presented::Nothing {
            return Err(Refusal::NoCredentials);
        }
        // Whoever is in already is not kept out by others that try from the same address.
        if let Some(entrant) = self.verified.lock().find(&presented, self.since.elapsed()) {
            return Ok(entrant);
        }
        self.limiter
            .lock()
            .attempt(peer, self.since.elapsed())
            .map_err(Refusal::TooMany)?;
        let found = match rules.look_at(&presented) {
            FirstLook::Admitted(entrant) => Some(entrant),
            FirstLook::Refused => None,
            FirstLook::Compare(comparisons) => self.compare(comparisons, &rules).await?,
        };
        let Some(entrant) = found else {
            log::warn!("{peer} - Admin login refused");
            return Err(Refusal::Refused);
        };
        let now = self.since.elapsed();
        self.limiter.lock().succeeded(peer, now);
        // The rules may have changed while this was compared.
        if Arc::ptr_eq(&rules, &self.rules.read()) {
            self.verified.lock().keep(&presented, entrant.clone(), now);
        }
        Ok(entrant)
    }

    /// Compares with hashes on another thread, one login at a time.
    async fn compare(&self, comparisons: Vec<Comparison>, rules: &Rules) -> Result<Option<Entrant>, Refusal> {
        let _place = self.waiting.take().ok_or(Refusal::Busy)?;
        let turn = self.comparing.clone().acquire_owned();
        let turn = turn.await.map_err(|_| Refusal::Busy)?;
        let compared = actix_web::web::block(move || {
            // Until the end, also if whoever asked has gone meanwhile.
            let _turn = turn;
            comparisons
                .into_iter()
                .find_map(|(task, role)| task.run().map(|identity| (identity, role)))
        });
        let found = compared.await.map_err(|_| Refusal::Busy)?;
        Ok(found.and_then(|(identity, role)| match role {
            Some(role) => Some(Entrant {
                name: String::new(),
                role,
            }),
            None => rules.entrant(identity.user()?),
        }))
    }
}

impl std::fmt::Debug for Access {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Access")
            .field("rules", &self.rules)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod access_tests;
