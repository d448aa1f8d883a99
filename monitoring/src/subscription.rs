//! One subscription, as it is shown.

use serde::Serialize;
use vagus_delivery::subscriptions::SubscriptionState;

/// The fields in the order of nats-server.
#[derive(Serialize)]
pub(super) struct SubscriptionDetail<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account_tag: Option<&'a str>,
    subject: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    qgroup: Option<String>,
    sid: String,
    msgs: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    max: Option<u64>,
    cid: u64,
}

impl<'a> SubscriptionDetail<'a> {
    /// As one of a client.
    pub(super) fn of_client(subscription: &SubscriptionState) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self {
            account: None,
            account_tag: None,
            subject: text(&subscription.subject),
            qgroup: subscription.queue.as_deref().map(text),
            sid: text(&subscription.sid),
            msgs: subscription.delivered,
            max: subscription.maximum,
            cid: subscription.connection,
        }
    }

    /// As one of a server of another cluster, which gives none an id.
    pub(super) fn of_gateway(subscription: &SubscriptionState) -> Self {
        Self {
            sid: String::new(),
            ..Self::of_client(subscription)
        }
    }

    /// As one of an account.
    pub(super) fn of_account(account: &'a str, subscription: &SubscriptionState) -> Self {
        Self {
            account: Some(account),
            account_tag: Some(account),
            ..Self::of_client(subscription)
        }
    }
}
