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
pub(crate) use guard::{Administrator, guard, on_its_way, told};
pub(crate) use presented::Presented;
pub use verified::Entrant;

use limiter::LoginLimiter;
use openssl::error::ErrorStack;
use parking_lot::{Mutex, RwLock};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{oneshot, watch};
use vagus_actors::SlowWork;
use vagus_auth::credentials::{BcryptTask, Credentials, Decision, Gate, GateError, Login, Proof, User};
use vagus_configs::{Admin, AdminRole};
use verified::Verified;

/// Decides who may use the service.
pub struct Access {
    rules: RwLock<Arc<Rules>>,
    limiter: LoginLimiter,
    verified: Mutex<Verified>,
    /// Compares with hashes, on a thread that clients' logins do not wait for, and the other way round.
    comparing: SlowWork,
    since: Instant,
    /// Tells those who are in that other rules hold.
    changes: watch::Sender<()>,
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
pub struct Rules {
    requires_login: bool,
    protects_monitoring: bool,
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
    /// Those of this configuration.
    ///
    /// # Errors
    /// When the credentials are contradictory.
    pub fn new(admin: &Admin) -> Result<Self, GateError> {
        let user = |user: &vagus_configs::AdminUser| User {
            proof: Proof::Password {
                name: user.name.clone(),
                password: user.password.clone(),
            },
            permissions: None,
            connection_types: [].into_iter().collect(),
            account: None,
            requires_proxy: false,
        };
        let users: Vec<User> = admin.users.iter().map(user).collect();
        let users = (!users.is_empty())
            .then(|| {
                Gate::new(Credentials::Users {
                    users: users.into(),
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
            protects_monitoring: admin.protect_monitoring,
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
    /// When the credentials are contradictory, or there is no randomness.
    pub fn new(admin: &Admin) -> Result<Self, AccessError> {
        Ok(Self {
            rules: RwLock::new(Arc::new(Rules::new(admin)?)),
            limiter: LoginLimiter::new(),
            verified: Mutex::new(Verified::new()?),
            comparing: SlowWork::on_threads(1),
            since: Instant::now(),
            changes: watch::Sender::default(),
        })
    }

    /// Goes by other rules from now on, also towards those who have logged in: what was verified by the old ones is
    /// forgotten, and answers that go on end, for their readers to ask again if they still may.
    pub fn adopt(&self, rules: Rules) {
        {
            // Nobody is remembered by the old rules once others hold.
            let mut now = self.rules.write();
            *now = Arc::new(rules);
            self.verified.lock().forget();
        }
        self.changes.send_replace(());
    }

    /// Notices each change of the rules from now on.
    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }

    /// Whether monitoring asks for the same login.
    pub(crate) fn protects_monitoring(&self) -> bool {
        self.rules.read().protects_monitoring
    }

    /// Whether anybody has to log in.
    pub(crate) fn requires_login(&self) -> bool {
        self.rules.read().requires_login
    }

    /// Decides about the credentials of a request: its header `Authorization`, and from where it came.
    pub(crate) async fn admit(&self, header: Option<&[u8]>, peer: IpAddr) -> Result<Entrant, Refusal> {
        if !self.requires_login() {
            return Ok(everybody());
        }
        let presented = Presented::read(header);
        if presented == Presented::Nothing {
            return Err(Refusal::NoCredentials);
        }
        // One that is in already is not kept out by others that try from the same address.
        if let Some(entrant) = self.verified.lock().find(&presented, self.since.elapsed()) {
            return Ok(entrant);
        }
        self.limiter.attempt(peer).map_err(Refusal::TooMany)?;
        loop {
            let rules = self.rules.read().clone();
            let found = match rules.look_at(&presented) {
                _ if !rules.requires_login => Some(everybody()),
                FirstLook::Admitted(entrant) => Some(entrant),
                FirstLook::Refused => None,
                FirstLook::Compare(comparisons) => self.compare(comparisons, &rules, peer).await?,
            };
            let Some(entrant) = found else {
                log::warn!("{peer} - Admin login refused");
                return Err(Refusal::Refused);
            };
            if self.remember(&rules, &presented, &entrant, peer) {
                return Ok(entrant);
            }
        }
    }

    /// Remembers a login that these rules let in; false if others hold meanwhile, as comparing takes its time.
    fn remember(&self, rules: &Arc<Rules>, presented: &Presented, entrant: &Entrant, peer: IpAddr) -> bool {
        let in_force = self.rules.read();
        if !Arc::ptr_eq(rules, &in_force) {
            return false;
        }
        self.limiter.succeeded(peer);
        if rules.requires_login {
            let now = self.since.elapsed();
            self.verified.lock().keep(presented, entrant.clone(), now);
        }
        true
    }

    /// Compares with hashes on another thread; the addresses that log in take turns.
    async fn compare(
        &self,
        comparisons: Vec<Comparison>,
        rules: &Rules,
        peer: IpAddr,
    ) -> Result<Option<Entrant>, Refusal> {
        let (tell, told) = oneshot::channel();
        let handed_in = self.comparing.hand_in(peer, move || {
            // The asker may have gone while this waited.
            if tell.is_closed() {
                return;
            }
            let fitting = comparisons
                .into_iter()
                .find_map(|(task, role)| task.run().map(|identity| (identity, role)));
            // Or by now.
            let _ = tell.send(fitting);
        });
        if !handed_in {
            return Err(Refusal::Busy);
        }
        let found = told.await.map_err(|_| Refusal::Busy)?;
        Ok(found.and_then(|(identity, role)| match role {
            Some(role) => Some(Entrant {
                name: String::new(),
                role,
            }),
            None => rules.entrant(identity.user()?),
        }))
    }
}

/// Anybody, where nobody logs in, which is on this machine alone.
fn everybody() -> Entrant {
    Entrant {
        name: String::new(),
        role: AdminRole::Admin,
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
mod tests;
