//! What a server lets others have, and wants to have of them. That is a matter of interest alone: what nobody is known to be
//! interested in is not sent. So interest is told where this server imports a subject, and taken where it exports it.

use crate::session::RouteSession;
use vagus_actors::connection::Turn;
use vagus_auth::permission::{Filter, Permissions, Rights, Rules, Subscribe};
use vagus_protocol::route::{RouteInfo, SubjectRules};

/// As in nats-server, connections that are none of clients may have whatever concerns MQTT, unless it is denied.
const MQTT: &[u8] = b"$MQTT.";

/// What one server permits on its routes.
#[derive(Debug, Clone, PartialEq)]
pub struct RoutePermissions {
    rights: Rights,
    /// The same, for what concerns MQTT.
    of_mqtt: Rights,
}

/// What a route was permitted before, which the other server may still know of.
#[derive(Debug, Default)]
pub(crate) struct FormerPermissions(Option<RoutePermissions>);

impl Default for RoutePermissions {
    /// Everything.
    fn default() -> Self {
        Self {
            rights: Rights::Everything,
            of_mqtt: Rights::Everything,
        }
    }
}

impl RoutePermissions {
    /// Those of the configuration, where what is published is what this server imports. Everything without.
    pub fn new(permissions: Option<&Permissions>) -> Self {
        let Some(permissions) = permissions else {
            return Self::default();
        };
        let mut of_mqtt = permissions.clone();
        of_mqtt.publish.allow.clear();
        of_mqtt.subscribe.allow.clear();
        let compiled = |permissions: Permissions| match permissions.compile() {
            Ok(matcher) => Rights::By(matcher.into()),
            // They are of a configuration that is valid.
            Err(_) => Rights::Nothing,
        };
        Self {
            rights: compiled(permissions.clone()),
            of_mqtt: compiled(of_mqtt),
        }
    }

    fn rights(&self, subject: &[u8]) -> &Rights {
        match subject.starts_with(MQTT) {
            true => &self.of_mqtt,
            false => &self.rights,
        }
    }

    /// Whether this server wants to have what is published on this subject elsewhere.
    pub(crate) fn imports(&self, subject: &[u8]) -> bool {
        self.rights(subject).may_publish(subject)
    }

    /// What this server lets others have of this subject; None for nothing.
    pub(crate) fn exports(&self, subject: &[u8]) -> Option<Option<Filter>> {
        match self.rights(subject).may_subscribe(subject, None) {
            Subscribe::Allowed => Some(None),
            Subscribe::AllowedExcept(filter) => Some(Some(filter)),
            Subscribe::Denied => None,
        }
    }

    /// Says so to other servers.
    pub fn announce(&self, info: &mut RouteInfo) {
        let rules = |rules: &Rules| {
            Some(Box::new(SubjectRules {
                allow: rules.allow.clone(),
                deny: rules.deny.clone(),
            }))
        };
        (info.import, info.export) = match self.rights.permissions() {
            Some(permissions) => (rules(&permissions.publish), rules(&permissions.subscribe)),
            None => (None, None),
        };
    }
}

impl FormerPermissions {
    /// Whether the other server may have been told of interest in this subject.
    pub(crate) fn imported(&self, subject: &[u8]) -> bool {
        self.0.as_ref().is_some_and(|former| former.imports(subject))
    }

    fn add(&mut self, former: RoutePermissions) {
        // Of those before them not everything may have been taken back.
        self.0 = Some(match self.0 {
            None => former,
            Some(_) => RoutePermissions::default(),
        });
    }
}

impl RouteSession {
    /// Something else was permitted `before`: what the other server is told of interest, and is to have, changes with that.
    pub(crate) fn permissions_have_changed(&mut self, before: RoutePermissions, turn: &mut impl Turn) {
        if before == self.settings.permissions {
            return;
        }
        self.former.add(before);
        for account in turn.entered() {
            if !turn.enter(&account) {
                continue;
            }
            for subscribed in turn.all_interest() {
                match self.settings.permissions.exports(&subscribed.subject) {
                    Some(except) => turn.except(&subscribed.sid, except),
                    None => turn.unsubscribe(&subscribed.sid, None),
                }
            }
        }
        turn.watch_interest();
    }
}
