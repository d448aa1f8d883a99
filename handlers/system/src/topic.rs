//! What can be asked, and where.

use vagus_monitoring::Page;
use vagus_protocol::service_latency::{elsewhere_subject, short_id};
use vagus_protocol::system_subject;

/// What a request is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Topic {
    /// Who the server is.
    Identity,
    /// Its figures, as it tells them by itself.
    Statistics,
    /// A page of monitoring.
    Page(Page),
    /// Profiles of the process.
    Profile,
    /// A page of monitoring, as far as one account is concerned.
    PageOfAccount(Page),
    /// What is stored for one account.
    StoreOfAccount,
    /// What one account is.
    Account,
    /// What passes in one account.
    TrafficOfAccount,
    /// What passes in all accounts.
    Traffic,
    /// How many connections one account has.
    ConnectionsOfAccount,
    /// How many subscriptions there are for a subject in an account, asked by another server.
    Interest,
    /// The same, asked by a person.
    Subscribers,
    /// How long a service took at another server.
    MeasuredElsewhere,
    /// The server is to read its configuration again.
    Reload,
    /// A connection is to be closed.
    Kick,
    /// A connection is to be told to look for another server.
    LameDuck,
}

impl Topic {
    /// Whether every account may ask it about itself.
    pub(crate) fn is_of_everybody(self) -> bool {
        matches!(self, Self::PageOfAccount(Page::Connz) | Self::TrafficOfAccount)
    }
}

/// What is asked of one server, or of all of them.
const OF_SERVERS: [(&str, Topic); 15] = [
    ("IDZ", Topic::Identity),
    ("STATSZ", Topic::Statistics),
    ("VARZ", Topic::Page(Page::Varz)),
    ("SUBSZ", Topic::Page(Page::Subsz)),
    ("CONNZ", Topic::Page(Page::Connz)),
    ("ROUTEZ", Topic::Page(Page::Routez)),
    ("GATEWAYZ", Topic::Page(Page::Gatewayz)),
    ("LEAFZ", Topic::Page(Page::Leafz)),
    ("ACCOUNTZ", Topic::Page(Page::Accountz)),
    ("JSZ", Topic::Page(Page::Jsz)),
    ("HEALTHZ", Topic::Page(Page::Healthz)),
    ("PROFILEZ", Topic::Profile),
    ("EXPVARZ", Topic::Page(Page::Variables)),
    ("IPQUEUESZ", Topic::Page(Page::Ipqueuesz)),
    ("RAFTZ", Topic::Page(Page::Raftz)),
];

const OF_ONE_SERVER: [(&str, Topic); 3] = [
    ("RELOAD", Topic::Reload),
    ("KICK", Topic::Kick),
    ("LDM", Topic::LameDuck),
];

const OF_ACCOUNTS: [(&str, Topic); 7] = [
    ("SUBSZ", Topic::PageOfAccount(Page::Subsz)),
    ("CONNZ", Topic::PageOfAccount(Page::Connz)),
    ("LEAFZ", Topic::PageOfAccount(Page::Leafz)),
    ("JSZ", Topic::StoreOfAccount),
    ("INFO", Topic::Account),
    ("STATZ", Topic::TrafficOfAccount),
    ("CONNS", Topic::ConnectionsOfAccount),
];

/// All subjects on which the server with this id is asked.
pub(crate) fn subjects(server_id: &str) -> Vec<(String, Topic)> {
    let mut subjects = vec![
        ("$SYS.REQ.SERVER.PING".to_owned(), Topic::Statistics),
        (system_subject::account_request("PING", "STATZ"), Topic::Traffic),
        ("$SYS.REQ.ACCOUNT.NSUBS".to_owned(), Topic::Interest),
        (system_subject::SUBSCRIBERS.to_owned(), Topic::Subscribers),
        (elsewhere_subject(short_id(server_id)), Topic::MeasuredElsewhere),
    ];
    for (what, topic) in OF_SERVERS {
        subjects.push((system_subject::request(server_id, what), topic));
        subjects.push((system_subject::ping(what), topic));
    }
    subjects.extend(OF_ONE_SERVER.map(|(what, topic)| (system_subject::request(server_id, what), topic)));
    subjects.extend(OF_ACCOUNTS.map(|(what, topic)| (system_subject::account_request("*", what), topic)));
    subjects
}

/// The account that the subject of a request names; None where it is no text.
pub(crate) fn account_in(subject: &[u8]) -> Option<&str> {
    let token = subject.split(|byte| *byte == b'.').nth(3)?;
    str::from_utf8(token).ok()
}

#[cfg(test)]
mod tests {
    use super::{Topic, account_in, subjects};
    use std::collections::BTreeSet;
    use vagus_routing::subject::is_valid_subscription;

    #[test]
    fn each_subject_has_one_topic() {
        let all = subjects("NID");
        let names: BTreeSet<&str> = all.iter().map(|(subject, _)| &**subject).collect();
        assert_eq!(names.len(), all.len());
        assert!(names.iter().all(|name| is_valid_subscription(name.as_bytes())));
        let topic = |name: &str| {
            all.iter()
                .find(|(subject, _)| subject == name)
                .map(|(_, topic)| *topic)
        };
        assert_eq!(topic("$SYS.REQ.SERVER.NID.KICK"), Some(Topic::Kick));
        assert_eq!(topic("$SYS.REQ.SERVER.PING.KICK"), None);
        assert_eq!(topic("$SYS.REQ.SERVER.PING"), topic("$SYS.REQ.SERVER.NID.STATSZ"));
        assert_eq!(topic("$SYS.REQ.ACCOUNT.*.INFO"), Some(Topic::Account));
    }

    #[test]
    fn accounts_are_the_fourth_token() {
        assert_eq!(account_in(b"$SYS.REQ.ACCOUNT.A.INFO"), Some("A"));
        assert_eq!(account_in(b"$SYS.REQ.ACCOUNT"), None);
        assert_eq!(account_in(b"$SYS.REQ.ACCOUNT.\xff.INFO"), None);
    }
}
