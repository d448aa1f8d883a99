//! What a client is told that asks who it is: `$SYS.REQ.USER.INFO`.

use crate::authentication;
use crate::session::NatsSession;
use vagus_actors::connection::Turn;
use vagus_actors::logins::HeldToken;
use vagus_auth::permission::{Permissions, Rules};
use vagus_delivery::arbiter::OwnMessage;
use vagus_protocol::system_subject;
use vagus_protocol::user_info::{Lists, Responses, UserInfo, UserPermissions};

/// Where clients ask.
pub(crate) const SUBJECT: &[u8] = system_subject::USER_INFO.as_bytes();

/// How many a second has.
const NANOSECONDS: u64 = 1_000_000_000;

impl NatsSession {
    /// Answers a client that asked who it is. The answer goes to everybody who is interested in the reply subject, as any
    /// message does.
    #[cold]
    pub(crate) fn tell_who_it_is(&self, reply: &[u8], turn: &mut impl Turn) {
        let user = authentication::shown_user(self.options(), self.who());
        let (account, held) = (self.account(), self.held_token.as_deref());
        let account_name = account.map(|account| account.name_tag());
        let left = held.and_then(|held| held.user_deadline()?.checked_duration_since(turn.now()));
        let time = jiff::Timestamp::now().to_string();
        let answer = UserInfo {
            server: self.settings.next_server_shown(&time),
            user: &user,
            account: account.map_or("", |account| account.name()),
            account_name: account_name.as_deref().unwrap_or_default(),
            user_name: held.map_or("", HeldToken::user_name),
            permissions: self.rights.permissions().map(shown),
            // In whole seconds, as nats-server has it.
            expires: left.map_or(0, |left| left.as_secs().saturating_mul(NANOSECONDS)),
        };
        turn.answer(OwnMessage {
            subject: reply.into(),
            header: b"",
            payload: answer.to_json(),
        });
    }
}

fn shown(permissions: &Permissions) -> UserPermissions<'_> {
    let Permissions {
        publish,
        subscribe,
        allow_responses,
    } = permissions;
    let or_any = |number: Option<i64>| number.unwrap_or(-1);
    UserPermissions {
        publish: lists(publish),
        subscribe: lists(subscribe),
        responses: allow_responses.map(|responses| Responses {
            max: or_any(responses.max.and_then(|max| max.try_into().ok())),
            ttl: or_any(
                responses
                    .expires
                    .and_then(|expires| expires.as_nanos().try_into().ok()),
            ),
        }),
    }
}

fn lists(rules: &Rules) -> Lists<'_> {
    Lists {
        allow: &rules.allow,
        deny: &rules.deny,
    }
}
