//! Who may be in which account, by the configuration: never with a secret.

use serde::Serialize;
use std::collections::HashMap;
use std::sync::Arc;
use vagus_auth::credentials::{Credentials, EVERYBODY, Proof, User};
use vagus_auth::permission::{Permissions, Rules};
use vagus_configs::GLOBAL_ACCOUNT;
use vagus_monitoring::Broker;

/// One user.
#[derive(Debug, Serialize)]
pub(super) struct UserShown {
    /// Its name, or its public key.
    pub(super) name: String,
    /// How it proves who it is.
    proof: &'static str,
    /// Whether it has to come by a trusted proxy.
    requires_proxy: bool,
    /// Whether those are this one who give no credentials.
    by_default: bool,
    /// None: it may do everything.
    permissions: Option<PermissionsShown>,
}

#[derive(Debug, Serialize)]
struct PermissionsShown {
    publish: RulesShown,
    subscribe: RulesShown,
    may_answer: bool,
}

#[derive(Debug, Serialize)]
struct RulesShown {
    allow: Vec<String>,
    deny: Vec<String>,
}

impl From<&Rules> for RulesShown {
    fn from(rules: &Rules) -> Self {
        Self {
            allow: rules.allow.clone(),
            deny: rules.deny.clone(),
        }
    }
}

impl From<&Permissions> for PermissionsShown {
    fn from(permissions: &Permissions) -> Self {
        Self {
            publish: (&permissions.publish).into(),
            subscribe: (&permissions.subscribe).into(),
            may_answer: permissions.allow_responses.is_some(),
        }
    }
}

/// The users of the configuration, by the names of their accounts.
pub(super) fn by_account(broker: &Broker) -> HashMap<Arc<str>, Vec<UserShown>> {
    let (settings, _) = broker.settings.current();
    let clients = &settings.config.clients;
    of(&clients.credentials, clients.requires_proxy)
}

/// `requires_proxy`: whether the one user has to come by a proxy, if there is one for all.
fn of(credentials: &Credentials, requires_proxy: bool) -> HashMap<Arc<str>, Vec<UserShown>> {
    let mut users: HashMap<Arc<str>, Vec<UserShown>> = HashMap::new();
    let global: Arc<str> = GLOBAL_ACCOUNT.into();
    match credentials {
        Credentials::Open | Credentials::Token(_) | Credentials::Claims => {}
        Credentials::User { name, .. } => {
            let user = UserShown {
                name: name.clone(),
                proof: "password",
                requires_proxy,
                by_default: false,
                permissions: None,
            };
            users.insert(global, vec![user]);
        }
        Credentials::Users {
            users: all,
            no_auth_user,
            default_permissions,
        } => {
            for user in all.iter().filter(|user| user.proof.name() != EVERYBODY) {
                let account = user.account.as_ref().unwrap_or(&global).clone();
                let by_default = no_auth_user.as_deref() == Some(user.proof.name());
                let shown = shown(user, by_default, default_permissions.as_ref());
                users.entry(account).or_default().push(shown);
            }
        }
    }
    users
}

fn shown(user: &User, by_default: bool, default_permissions: Option<&Permissions>) -> UserShown {
    let of_all = default_permissions.filter(|_| user.account.is_none());
    UserShown {
        name: user.proof.name().to_owned(),
        proof: match user.proof {
            Proof::Password { .. } => "password",
            Proof::Nkey(_) => "nkey",
        },
        requires_proxy: user.requires_proxy,
        by_default,
        permissions: user.permissions.as_deref().or(of_all).map(Into::into),
    }
}

#[cfg(test)]
mod tests {
    use super::of;
    use vagus_configs::parse;

    struct NoFiles;

    impl vagus_configs::grammar::Files for NoFiles {
        fn read(&self, _: &std::path::Path) -> std::io::Result<String> {
            Err(std::io::ErrorKind::NotFound.into())
        }
    }

    #[test]
    fn users_are_told_by_account_and_without_secrets() {
        let text = "
            authorization { users: [{user: free, password: hush, permissions: {publish: a}}] }
            accounts { A { users: [{user: ann, password: hush}, {user: bob, password: hush, proxy_required: true}] } }
            no_auth_user: ann";
        let loaded = parse(text, "a.conf".as_ref(), &NoFiles, &|_: &str| None).unwrap();
        let users = of(&loaded.config.clients.credentials, false);
        for users in users.values() {
            assert!(!serde_json::to_string(users).unwrap().contains("hush"));
        }
        let names = |account: &str| {
            let users = users[account].iter();
            users
                .map(|user| (&*user.name, user.by_default, user.requires_proxy))
                .collect::<Vec<_>>()
        };
        assert_eq!(names("$G"), [("free", false, false)]);
        assert_eq!(names("A"), [("ann", true, false), ("bob", false, true)]);
        let permissions = serde_json::to_value(&users["$G"][0].permissions).unwrap();
        assert_eq!(permissions["publish"]["allow"], serde_json::json!(["a"]));
    }

    #[test]
    fn the_one_user_belongs_to_everybodys_account() {
        let text = "authorization { user: ann, password: hush, proxy_required: true }";
        let loaded = parse(text, "a.conf".as_ref(), &NoFiles, &|_: &str| None).unwrap();
        let clients = &loaded.config.clients;
        let users = of(&clients.credentials, clients.requires_proxy);
        assert_eq!(
            (&*users["$G"][0].name, users["$G"][0].requires_proxy),
            ("ann", true)
        );
        assert!(!format!("{users:?}").contains("hush"));
    }
}
