//! Keys that sign users for an account, beside its own.

use std::collections::BTreeMap;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};
use vagus_auth::nkey::{self, Kind};

use crate::issues::Issues;
use crate::token::without_limits;
use crate::user::UserLimits;

/// What all users may do that a key signs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scope {
    kind: String,
    /// The public key.
    pub key: String,
    /// What people call it.
    #[serde(default)]
    pub role: String,
    /// What the users may do; subjects may have [templates](crate::TemplateError).
    pub template: UserLimits,
    /// What people note about it.
    #[serde(default)]
    pub description: String,
}

/// The only kind of scope that there is.
const USER_SCOPE: &str = "user_scope";

impl Scope {
    /// What all users may do that this key signs.
    #[must_use]
    pub fn new(key: &str, template: UserLimits) -> Self {
        Self {
            kind: USER_SCOPE.to_owned(),
            key: key.to_owned(),
            role: String::new(),
            template,
            description: String::new(),
        }
    }
}

/// Public keys, with what their users may do where that is not for each token to say.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SigningKeys(pub BTreeMap<String, Option<Scope>>);

impl SigningKeys {
    pub(crate) fn check(&self, issues: &mut Issues) {
        for (key, scope) in &self.0 {
            if !nkey::is_public(Kind::Account, key) {
                issues.error(match scope {
                    Some(_) => format!("{key} is not an account public key"),
                    None => format!("{key:?} is not a valid account signing key"),
                });
            }
        }
    }
}

impl Serialize for SigningKeys {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(untagged)]
        enum Key<'a> {
            Plain(&'a str),
            Scoped(&'a Scope),
        }
        serializer.collect_seq(self.0.iter().map(|(key, scope)| match scope {
            None => Key::Plain(key),
            Some(scope) => Key::Scoped(scope),
        }))
    }
}

impl<'de> Deserialize<'de> for SigningKeys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut keys = BTreeMap::new();
        for element in Vec::<Value>::deserialize(deserializer)? {
            match element {
                Value::String(key) => {
                    keys.insert(key, None);
                }
                Value::Object(mut scope) => {
                    let template = scope
                        .entry("template")
                        .or_insert_with(|| Value::Object(Map::new()));
                    if let Value::Object(template) = template {
                        without_limits(template);
                    }
                    let scope: Scope =
                        serde_json::from_value(Value::Object(scope)).map_err(D::Error::custom)?;
                    if scope.kind != USER_SCOPE {
                        return Err(D::Error::custom("unknown signing key scope"));
                    }
                    keys.insert(scope.key.clone(), Some(scope));
                }
                _ => {}
            }
        }
        Ok(Self(keys))
    }
}
