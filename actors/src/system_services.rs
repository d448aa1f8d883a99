//! What every account may ask the system account about itself.
//!
//! As in nats-server, each account has these services imported, though nobody says so. An account that nobody uses has none
//! of them: they come with its Router.

use crate::router::ServiceImport;
use std::sync::Arc;
use vagus_accounts::{
    Access, AccountDefinition, DEFAULT_RESPONSE_THRESHOLD, ImportedService, ResponseType, ServiceExport,
    ServiceImport as Import,
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
    if account.id() == system.id() {
        return Vec::new();
    }
    let imports = imports(account.name(), system.name()).into_iter();
    let services = imports.filter_map(|import| {
        let what = import.subject.rsplit('.').next()?;
        Some(ServiceImport {
            service: ImportedService::new(&import, &export(what)).ok()?,
            exporter: system.clone(),
        })
    });
    services.collect()
}

/// What an account has without saying so, beside what it says: imports from the system account, or what that exports.
pub fn add_system_services(definition: &mut AccountDefinition, account: &str, system: &str) {
    if account == system {
        let of_one = |subject: String| ServiceExport {
            response_type: ResponseType::Singleton,
            ..export_of(subject.into())
        };
        definition.service_exports.extend([
            of_one(system_subject::SUBSCRIBERS.to_owned()),
            of_one(system_subject::user_info("*")),
            export("CONNZ"),
            export("STATZ"),
        ]);
    }
    if !is_token(account) {
        return;
    }
    if account != system {
        definition.service_imports.extend(imports(account, system));
    }
    // It is answered where it is asked, with what is known there of who asks.
    definition.service_imports.push(Import {
        account: system.into(),
        subject: system_subject::user_info(account).into(),
        local: Some(system_subject::USER_INFO.into()),
        share: true,
        activation: None,
    });
}

fn is_token(name: &str) -> bool {
    token_count(name.as_bytes()) == 1
        && !has_wildcards(name.as_bytes())
        && !name.contains(|letter: char| letter.is_whitespace())
}

fn imports(account: &str, system: &str) -> Vec<Import> {
    if !is_token(account) {
        return Vec::new();
    }
    let import = |(local, what): (&str, &str)| Import {
        account: system.into(),
        subject: system_subject::account_request(account, what).into(),
        local: Some(local.into()),
        share: false,
        activation: None,
    };
    SERVICES.map(import).into()
}

fn export(what: &str) -> ServiceExport {
    export_of(system_subject::account_request("*", what).into())
}

fn export_of(subject: Box<str>) -> ServiceExport {
    ServiceExport {
        subject,
        access: Access::Public,
        // Each server answers.
        response_type: ResponseType::Stream,
        response_threshold: DEFAULT_RESPONSE_THRESHOLD,
        latency: None,
        allow_trace: false,
    }
}

#[cfg(test)]
mod tests {
    use super::{add_system_services, system_services};
    use std::sync::Arc;
    use vagus_accounts::AccountDefinition;
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

    #[test]
    fn accounts_are_shown_what_they_have_without_saying_so() {
        let shown = |account: &str| {
            let mut definition = AccountDefinition::default();
            add_system_services(&mut definition, account, "SYS");
            let imports = definition.service_imports.iter();
            let imports: Vec<String> = imports
                .map(|import| {
                    format!(
                        "{} {}",
                        import.local.as_deref().unwrap_or_default(),
                        import.subject
                    )
                })
                .collect();
            let exports = definition.service_exports.iter();
            (
                imports,
                exports
                    .map(|export| export.subject.to_string())
                    .collect::<Vec<_>>(),
            )
        };
        let (imports, exports) = shown("A");
        assert_eq!(
            imports,
            [
                "$SYS.REQ.ACCOUNT.PING.CONNZ $SYS.REQ.ACCOUNT.A.CONNZ",
                "$SYS.REQ.SERVER.PING.CONNZ $SYS.REQ.ACCOUNT.A.CONNZ",
                "$SYS.REQ.ACCOUNT.PING.STATZ $SYS.REQ.ACCOUNT.A.STATZ",
                "$SYS.REQ.USER.INFO $SYS.REQ.USER.A.INFO",
            ]
        );
        assert!(exports.is_empty());
        let (imports, exports) = shown("SYS");
        assert_eq!(imports, ["$SYS.REQ.USER.INFO $SYS.REQ.USER.SYS.INFO"]);
        assert_eq!(
            exports,
            [
                "$SYS.DEBUG.SUBSCRIBERS",
                "$SYS.REQ.USER.*.INFO",
                "$SYS.REQ.ACCOUNT.*.CONNZ",
                "$SYS.REQ.ACCOUNT.*.STATZ",
            ]
        );
        assert!(shown("a b").0.is_empty());
    }
}
