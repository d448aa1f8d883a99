//! What every account may ask the system account about itself.
//!
//! As in nats-server, each account has these services imported, though nobody says so. An account that nobody uses has none
//! of them: they come with its Router.

use crate::router::ServiceImport;
use std::sync::Arc;
use vagus_accounts::{
    Access, DEFAULT_RESPONSE_THRESHOLD, ImportedService, ResponseType, ServiceExport, ServiceImport as Import,
};
use vagus_delivery::Account;
use vagus_protocol::system_subject;
use vagus_routing::subject::{has_wildcards, token_count};

/// Subjects in an account, and what is asked there about the account itself.
const SERVICES: [(&str, &str); 3] = [
    ("$SYS.REQ.ACCOUNT.PING.CONNZ", "CONNZ"),
    ("$SYS.REQ.SERVER.PING.CONNZ", "CONNZ"),
    ("$SYS.REQ.ACCOUNT.PING.STATZ", "STATZ"),
];

/// Those of an account, which is not the system account. None where its name cannot be a token of a subject.
pub(crate) fn system_services(account: &Account, system: &Arc<Account>) -> Vec<ServiceImport> {
    let name = account.name();
    let is_token = token_count(name.as_bytes()) == 1
        && !has_wildcards(name.as_bytes())
        && !name.contains(|letter: char| letter.is_whitespace());
    if account.id() == system.id() || !is_token {
        return Vec::new();
    }
    let services = SERVICES.iter().filter_map(|(local, what)| {
        let export = ServiceExport {
            subject: system_subject::account_request("*", what).into(),
            access: Access::Public,
            // Each server answers.
            response_type: ResponseType::Stream,
            response_threshold: DEFAULT_RESPONSE_THRESHOLD,
            latency: None,
            allow_trace: false,
        };
        let import = Import {
            account: system.name().into(),
            subject: system_subject::account_request(name, what).into(),
            local: Some((*local).into()),
            share: false,
            activation: None,
        };
        Some(ServiceImport {
            service: ImportedService::new(&import, &export).ok()?,
            exporter: system.clone(),
        })
    });
    services.collect()
}

#[cfg(test)]
mod tests {
    use super::system_services;
    use std::sync::Arc;
    use vagus_delivery::Account;
    use vagus_routing::AccountId;

    #[test]
    fn each_account_may_ask_about_itself_alone() {
        let system = Arc::new(Account::new(AccountId(1), "SYS"));
        let services = system_services(&Account::new(AccountId(2), "A"), &system);
        let local: Vec<&str> = services.iter().map(|import| import.service.local()).collect();
        assert_eq!(
            local,
            [
                "$SYS.REQ.ACCOUNT.PING.CONNZ",
                "$SYS.REQ.SERVER.PING.CONNZ",
                "$SYS.REQ.ACCOUNT.PING.STATZ"
            ]
        );
        assert!(system_services(&system, &system).is_empty());
        for name in ["a.b", "*", ">", "a b"] {
            assert!(
                system_services(&Account::new(AccountId(3), name), &system).is_empty(),
                "{name}"
            );
        }
    }
}
