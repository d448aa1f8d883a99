//! What subjects a user may publish on and subscribe to, as claims say it.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use vagus_auth::permission::{self, ResponsePermission, Rules};

use crate::issues::Issues;
use crate::lists::is_default;
use crate::subjects;

/// Subjects that are allowed, and of these some that are not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Permission {
    /// Empty: all.
    #[serde(default, skip_serializing_if = "is_default")]
    pub allow: Vec<String>,
    /// Wins over `allow`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub deny: Vec<String>,
}

impl Permission {
    fn is_empty(&self) -> bool {
        self.allow.is_empty() && self.deny.is_empty()
    }

    fn check(&self, may_name_queue: bool, issues: &mut Issues) {
        for entry in self.allow.iter().chain(&self.deny) {
            let words: Vec<&str> = entry.split(' ').collect();
            match &words[..] {
                [subject] => subjects::check(subject, issues),
                [subject, queue] => {
                    subjects::check(subject, issues);
                    subjects::check(queue, issues);
                    if !may_name_queue {
                        issues.error(format!(
                            "Permission Subject \"{entry}\" is not allowed to contain queue"
                        ));
                    }
                }
                _ => issues.error(format!("Permission Subject \"{entry}\" contains too many spaces")),
            }
        }
    }

    fn rules(&self) -> Rules {
        Rules {
            allow: self.allow.clone(),
            deny: self.deny.clone(),
        }
    }
}

/// How many answers a request entitles to, and for how long.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Responses {
    /// Messages for each request; 0: the default, less: any number.
    #[serde(default)]
    pub max: i64,
    /// Nanoseconds since the request was delivered; 0: the default, less: for ever.
    #[serde(default)]
    pub ttl: i64,
}

/// What somebody may publish, subscribe to, and answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Permissions {
    /// Subjects to publish on.
    #[serde(rename = "pub", default)]
    pub publish: Permission,
    /// Subjects to subscribe to.
    #[serde(rename = "sub", default)]
    pub subscribe: Permission,
    /// Answers to requests.
    #[serde(rename = "resp", default, skip_serializing_if = "is_default")]
    pub responses: Option<Responses>,
}

impl Permissions {
    pub(crate) fn check(&self, issues: &mut Issues) {
        self.subscribe.check(true, issues);
        self.publish.check(false, issues);
    }

    /// The same for those who decide; None if nothing is said, so that those of the account hold.
    #[must_use]
    pub fn granted(&self) -> Option<permission::Permissions> {
        if self.publish.is_empty() && self.subscribe.is_empty() && self.responses.is_none() {
            return None;
        }
        Some(permission::Permissions {
            publish: self.publish.rules(),
            subscribe: self.subscribe.rules(),
            allow_responses: self.responses.map(|responses| {
                let permission = ResponsePermission::from_config(responses.max, responses.ttl);
                ResponsePermission {
                    expires: permission.expires.filter(|expires| *expires > Duration::ZERO),
                    ..permission
                }
            }),
        })
    }
}
