//! What a file says of accounts.

use super::{judge, obstacles, read};
use crate::Accounts;
use std::time::Duration;
use vagus_accounts::{
    Access, AccountLimits, DEFAULT_RESPONSE_THRESHOLD, LocalSubject, ResponseType, Sampling,
};
use vagus_auth::credentials::{Credentials, EVERYBODY};
use vagus_auth::nkey;
use vagus_routing::MappedDestination;

fn accounts_of(text: &str) -> Accounts {
    let loaded = read(text).unwrap();
    assert_eq!(loaded.obstacles, [], "{text}");
    loaded.config.accounts
}

/// Each user with its account, and who those are that say nothing.
fn belongings(text: &str) -> (Vec<String>, Option<String>) {
    match read(text).unwrap().config.clients.credentials {
        Credentials::Users {
            users, no_auth_user, ..
        } => {
            let account = |account: Option<&str>| account.unwrap_or("$G").to_owned();
            let belonging = users
                .iter()
                .map(|user| format!("{} of {}", user.proof.name(), account(user.account.as_deref())));
            (belonging.collect(), no_auth_user)
        }
        Credentials::Open => (Vec::new(), None),
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn which_there_are() {
    for (text, names, system) in [
        ("", "", Some("$SYS")),
        ("accounts { A {}, B {} }", "A B", Some("$SYS")),
        ("accounts: [B, A]", "A B", Some("$SYS")),
        ("accounts: [S]\nsystem_account: S", "S", Some("S")),
        ("system: S\naccounts { S {} }", "S", Some("S")),
        ("accounts { $SYS {} }", "$SYS", Some("$SYS")),
        ("no_system_account: true", "", None),
        ("no_sys_acc: false", "", Some("$SYS")),
        ("no_system: true, accounts { S {} }, system: S", "S", Some("S")),
        ("system_account: '$G'", "", Some("$G")),
        // What is referred to as a variable is no account.
        ("accounts { X: x, A { users: [{user: $X}] } }", "A", Some("$SYS")),
    ] {
        let accounts = accounts_of(text);
        let listed: Vec<_> = accounts.definitions.keys().map(|name| &**name).collect();
        assert_eq!(listed.join(" "), names, "{text}");
        assert_eq!(accounts.system.as_deref(), system, "{text}");
    }
    let text = "accounts { A {} }\n\nsystem_account: S";
    let told = obstacles(&read(text).unwrap());
    assert_eq!(
        told,
        "a.conf at 3:1: error resolving system account: there is no \"S\""
    );
}

#[test]
fn who_belongs_to_which() {
    let some = |name: &str| Some(name.to_owned());
    for (text, users, no_auth_user) in [
        (
            "accounts { A { users: [{user: a}] }, B { users: [{user: b}, {user: c}] } }",
            "a of A, b of B, c of B",
            None,
        ),
        (
            "accounts { A { users: [{user: a}] } }\nauthorization { users: [{user: x}] }\nno_auth_user: a",
            "x of $G, a of A",
            some("a"),
        ),
        ("accounts { A {} }", "", None),
        ("accounts { A { users: [] } }", "", None),
        // Those of the system account alone leave the server open for all others.
        (
            "accounts { $SYS { users: [{user: s}] } }",
            "s of $SYS, nats-everybody of $G",
            some(EVERYBODY),
        ),
        (
            "accounts { S { users: [{user: s}] } }, system_account: S",
            "s of S, nats-everybody of $G",
            some(EVERYBODY),
        ),
        (
            "accounts { $SYS { users: [{user: s}] } }\nauthorization { timeout: 1 }",
            "s of $SYS",
            None,
        ),
        (
            "accounts { $SYS { users: [{user: s}] } }\nno_auth_user: s",
            "s of $SYS",
            some("s"),
        ),
        (
            "accounts { $SYS { users: [{user: s}] }, A {} }",
            "s of $SYS",
            None,
        ),
    ] {
        let (belonging, nobody) = belongings(text);
        assert_eq!((&*belonging.join(", "), nobody), (users, no_auth_user), "{text}");
    }
}

#[test]
fn what_users_of_an_account_may_do() {
    let text = "authorization { default_permissions { pub: g }, users: [{user: g}] }
        accounts {
            A { default_permissions { pub: a }, users: [{user: a}, {user: own, permissions { pub: o }}] }
            B { users: [{user: b}] }
        }";
    let Credentials::Users {
        users,
        default_permissions,
        ..
    } = read(text).unwrap().config.clients.credentials
    else {
        panic!("there are users");
    };
    let may: Vec<_> = users
        .iter()
        .map(|user| user.permissions.as_ref().map(|own| own.publish.allow.join(" ")))
        .collect();
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(may, [None, some("a"), some("o"), None]);
    assert_eq!(default_permissions.unwrap().publish.allow, ["g"]);
}

/// Where nats-server finds a mistake. Of two that exclude each other it may name either.
#[test]
fn mistakes() {
    for (text, expected) in [
        ("accounts { $G {} }", "1:11"),
        ("accounts: [A, A]", "1:14"),
        ("accounts: [5]", "1:11"),
        ("accounts { A: 5 }", "1:11"),
        ("accounts { A { colour: blue } }", "1:15"),
        ("accounts { A { users: 5 } }", "1:15"),
        ("accounts { A { users: [{user: a, colour: blue}] } }", "1:33"),
        (
            "accounts { A { users: [{user: a}] }\n B { users: [{user: a}] } }",
            "2:6",
        ),
        ("accounts { A { users: [{user: a}, {user: a}] } }", "1:15"),
        (
            "authorization { users: [{user: a}] }\naccounts { A { users: [{user: a}] } }",
            "2:16",
        ),
        (
            "authorization { user: a }\naccounts { A { users: [{user: b}] } }",
            "2:16",
        ),
        (
            "accounts { A { users: [{user: b}] } }\nauthorization { token: t }",
            "1:15",
        ),
        ("authorization { token: t }\naccounts { A {} }", "valid"),
        ("system_account: 5", "1:0"),
        ("no_system_account: 5", "1:0"),
    ] {
        assert_eq!(judge(text), expected, "{text}");
    }
}

/// What an account is defined to be.
fn definition_of(text: &str) -> vagus_accounts::AccountDefinition {
    let accounts = accounts_of(&format!(
        "accounts {{ B {{ exports: [{{stream: '>'}}, {{service: '>'}}] }}, A {{ {text} }} }}"
    ));
    (*accounts.definitions["A"]).clone()
}

#[test]
fn what_an_account_offers() {
    let export = |text: &str| {
        let mut exports = definition_of(&format!("exports: [{{{text}}}]")).service_exports;
        exports.pop().unwrap()
    };
    let plain = export("service: 'a.*'");
    assert_eq!(&*plain.subject, "a.*");
    assert_eq!(plain.access, Access::Public);
    assert_eq!(plain.response_threshold, DEFAULT_RESPONSE_THRESHOLD);
    for text in ["response: stream", "response_type: STREAM", "response: Stream"] {
        let export = export(&format!("{text}, service: a"));
        assert_eq!(export.response_type, ResponseType::Stream, "{text}");
    }
    for text in ["chunk", "chunked"] {
        let export = export(&format!("service: a, response_type: {text}"));
        assert_eq!(export.response_type, ResponseType::Chunked, "{text}");
    }
    for key in [
        "threshold",
        "response_threshold",
        "response_max_time",
        "response_time",
    ] {
        let export = export(&format!("service: a, {key}: '1.5s'"));
        assert_eq!(export.response_threshold, Duration::from_millis(1500), "{key}");
    }
    for (text, sampling) in [
        ("told", Sampling::Percent(100)),
        ("{subject: told}", Sampling::Percent(100)),
        ("{subject: told, sampling: 5}", Sampling::Percent(5)),
        ("{subject: told, sampling: '5%'}", Sampling::Percent(5)),
        ("{subject: told, sampling: 5%}", Sampling::Percent(5)),
        ("{subject: told, sampling: Headers}", Sampling::Headers),
    ] {
        let latency = export(&format!("service: a, latency: {text}")).latency.unwrap();
        assert_eq!(
            (&*latency.subject, latency.sampling),
            ("told", sampling),
            "{text}"
        );
    }
    assert!(export("service: a, allow_trace: yes").allow_trace);
    let streams = |text: &str| definition_of(&format!("exports: [{text}]")).stream_exports;
    let private = streams("{stream: a, accounts: [B]}");
    assert_eq!(private[0].access, Access::Accounts(vec!["B".into()]));
    let by_token = streams("{stream: 'a.*', account_token_position: 2}");
    assert_eq!(by_token[0].access, Access::AccountToken(2));
    // What is said again of the same subject is added.
    let again = streams("{stream: a, accounts: [B]}, {stream: a}");
    assert_eq!(again, private);
}

#[test]
fn what_an_account_takes() {
    let streams = |text: &str| {
        let imports = definition_of(&format!(
            "imports: [{{stream: {{account: B, subject: 's.*'}}, {text}}}]"
        ));
        imports.stream_imports[0].local.clone()
    };
    assert_eq!(streams(""), LocalSubject::Same);
    assert_eq!(streams("to: ''"), LocalSubject::Same);
    assert_eq!(streams("prefix: p"), LocalSubject::Prefixed("p".into()));
    assert_eq!(streams("prefix: 'p.'"), LocalSubject::Prefixed("p".into()));
    assert_eq!(streams("to: 'x.$1'"), LocalSubject::Mapped("x.$1".into()));
    let imports = definition_of(
        "imports: [
            {to: x, share: true, service: {account: B, subject: y}}
            {service: {subject: z, account: B}}
            {stream: {account: B, subject: s}, allow_trace: true}
        ]",
    );
    let [renamed, same] = &imports.service_imports[..] else {
        panic!("{imports:?}");
    };
    assert_eq!((&*renamed.account, &*renamed.subject), ("B", "y"));
    assert_eq!((renamed.local.as_deref(), renamed.share), (Some("x"), true));
    assert_eq!((same.local.as_deref(), same.share), (None, false));
    assert!(imports.stream_imports[0].allow_trace);
}

#[test]
fn what_an_account_may_have() {
    let limits = |text: &str| definition_of(&format!("limits {{ {text} }}")).limits;
    let all = limits("max_connections: 1, max_subscriptions: 2, max_payload: 3, max_leafnodes: 4");
    let short = limits("max_conn: 1, max_subs: 2, MAX_PAY: 3, max_leafs: 4");
    assert_eq!(all, short);
    assert_eq!(
        (all.connections, all.subscriptions, all.payload, all.leaf_nodes),
        (Some(1), Some(2), Some(3), Some(4))
    );
    assert_eq!(limits("max_conn: -1"), AccountLimits::default());
    assert_eq!(limits("max_conn: 0").connections, Some(0));
    let trace = |text: &str| {
        let trace = definition_of(text).trace.unwrap();
        (trace.destination.to_string(), trace.sampling)
    };
    for text in ["msg_trace: t.d", "trace_dest: 't.d'", "msg_trace {dest: t.d}"] {
        assert_eq!(trace(text), ("t.d".to_owned(), 100), "{text}");
    }
    for sampling in ["25", "'25%'", "25%"] {
        let text = format!("msg_trace {{dest: t.d, sampling: {sampling}}}");
        assert_eq!(trace(&text), ("t.d".to_owned(), 25), "{text}");
    }
    let key = nkey::encode_public(nkey::Kind::Account, &[7; 32]);
    let named = definition_of(&format!("nkey: {key}"));
    assert_eq!(named.public_key.as_deref(), Some(&*key));
}

#[test]
fn where_messages_go_on() {
    let of_account = definition_of(
        "mappings {
            a: b
            'c.*': [{dest: 'd.$1', weight: 20%}, {destination: 'e.$1', weight: '30', cluster: west}]
            f: {dest: g, weight: 5}
        }",
    )
    .mappings;
    let shown: Vec<String> = of_account
        .iter()
        .map(|mapping| {
            let destination = |it: &MappedDestination| {
                let cluster = it.cluster.as_deref().unwrap_or("anywhere");
                format!("{} {} {cluster}", it.subject, it.weight)
            };
            let destinations: Vec<_> = mapping.destinations.iter().map(destination).collect();
            format!("{} to {}", mapping.source, destinations.join(", "))
        })
        .collect();
    assert_eq!(
        shown,
        [
            "a to b 100 anywhere",
            "c.* to d.$1 20 anywhere, e.$1 30 west",
            "f to g 5 anywhere"
        ]
    );
    let global = accounts_of("mappings { a: b }\naccounts { A {} }");
    assert_eq!(global.definitions["$G"].mappings[0].source, "a".into());
}

/// Where nats-server finds a mistake.
#[test]
fn mistakes_in_an_account() {
    for (text, column) in [
        ("exports: 5", Some(15)),
        ("exports: [5]", Some(25)),
        ("exports: [{stream: a, service: b}]", Some(37)),
        ("exports: [{stream: a, response: stream}]", Some(37)),
        ("exports: [{stream: a, latency: b}]", Some(37)),
        ("exports: [{stream: a, allow_trace: on}]", Some(37)),
        ("exports: [{service: a, response: many}]", Some(38)),
        ("exports: [{service: a, response_time: soon}]", Some(38)),
        ("exports: [{service: a, colour: blue}]", Some(38)),
        ("exports: [{service: a, latency: {sampling: 5}}]", Some(38)),
        (
            "exports: [{service: a, latency: {subject: b, sampling: 101}}]",
            Some(60),
        ),
        // The section as a whole.
        ("exports: [{stream: a, accounts: [C]}]", Some(0)),
        ("exports: [{service: 'a.*', latency: a.b}]", Some(0)),
        ("exports: [{}]", None),
        ("exports: [{stream: 'a..b'}]", None),
        ("imports: [{stream: {account: B, subject: s}}]", Some(0)),
        ("imports: [{service: {account: B, subject: s}}]", Some(0)),
        ("imports: [{service: {account: C, subject: s}}]", Some(0)),
        ("imports: 5", Some(15)),
        ("imports: [{stream: 5}]", Some(26)),
        ("imports: [{stream: {account: B}}]", Some(26)),
        (
            "imports: [{stream: {account: B, subject: s, colour: blue}}]",
            Some(59),
        ),
        (
            "imports: [{stream: {account: B, subject: s}, prefix: p, to: t}]",
            Some(71),
        ),
        (
            "imports: [{service: {account: B, subject: s}, allow_trace: on}]",
            Some(61),
        ),
        (
            "imports: [{service: {account: B, subject: s}, stream: {account: B, subject: s}}]",
            Some(61),
        ),
        ("mappings { 'a..b': c }", Some(15)),
        ("mappings { a: {dest: b} }", Some(26)),
        ("mappings { a: {dest: b, weight: 101} }", Some(39)),
        ("mappings { a: {dest: b, weight: 1, colour: blue} }", Some(50)),
        ("mappings { a: 'b.$1' }", Some(26)),
        ("limits: 5", Some(15)),
        ("limits {max_conn: many}", Some(23)),
        ("limits {colour: blue}", Some(23)),
        ("msg_trace: 'a.*'", Some(15)),
        ("msg_trace {dest: a, sampling: 0}", Some(35)),
        ("msg_trace {colour: blue}", Some(26)),
        ("nkey: UABC", Some(15)),
        ("jetstream {max_mem: some}", Some(26)),
        ("jetstream: enabled", None),
    ] {
        let text = format!("accounts {{ A {{ {text} }}, B {{}} }}");
        let expected = column.map_or("valid".to_owned(), |column| format!("1:{column}"));
        assert_eq!(judge(&text), expected, "{text}");
    }
    assert_eq!(judge("accounts { A { jetstream: perhaps } }"), "unplaced");
}

/// What is wrong between accounts is told in nats-server's words.
#[test]
fn imports_that_are_not_allowed() {
    let told = |a: &str, b: &str, c: &str| {
        let text = format!("accounts {{ A {{ {a} }}, B {{ {b} }}, C {{ {c} }} }}");
        read(&text).unwrap_err().to_string()
    };
    let import = |of: &str, what: &str, subject: &str| {
        format!("imports: [{{{what}: {{account: {of}, subject: '{subject}'}}}}]")
    };
    let of_nobody = told("", &import("NONE", "stream", "s"), "");
    assert!(
        of_nobody.contains("\"NONE\" account not defined for stream import"),
        "{of_nobody}"
    );
    let private = told(
        "exports: [{service: s, accounts: [C]}]",
        &import("A", "service", "s"),
        "",
    );
    assert!(
        private.contains("Error adding service import \"s\": service import not authorized"),
        "{private}"
    );
    for what in ["stream", "service"] {
        let both = |of: &str| format!("exports: [{{{what}: x}}], {}", import(of, what, "x"));
        let cycle = told(&both("C"), &both("A"), &both("B"));
        let expected = format!("Error adding {what} import \"x\": import forms a cycle");
        assert!(cycle.contains(&expected), "{cycle}");
    }
}
