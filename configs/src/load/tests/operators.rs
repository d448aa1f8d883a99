//! Who signs accounts, where their tokens are found, and the service that says who may come in.

use super::read;
use crate::{Deletion, DirectoryKind, Resolver};
use std::path::Path;
use std::time::Duration;
use vagus_auth::credentials::Credentials;
use vagus_auth::nkey::{KeyPair, Kind};
use vagus_jwt::{Account, Claims, Operator, User};
use vagus_tls::Pem;

struct Tokens {
    operator: String,
    account: String,
    account_key: String,
    user: String,
}

fn tokens(set: impl FnOnce(&mut Claims<Operator>)) -> Tokens {
    let key = |kind| KeyPair::generate(kind).unwrap();
    let (operator, account, user) = (key(Kind::Operator), key(Kind::Account), key(Kind::User));
    let mut claims = Claims::<Operator>::about(operator.public());
    set(&mut claims);
    Tokens {
        operator: claims.encode(&operator, 1).unwrap(),
        account: Claims::<Account>::about(account.public())
            .encode(&operator, 1)
            .unwrap(),
        account_key: account.public().to_owned(),
        user: Claims::<User>::about(user.public()).encode(&account, 1).unwrap(),
    }
}

/// Why no server starts with it, or what is wrong with it.
fn complaint(text: &str) -> String {
    match read(text) {
        Ok(loaded) => loaded
            .obstacles
            .first()
            .map(ToString::to_string)
            .unwrap_or_default(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn tls_of_a_resolver() {
    let Tokens { operator, .. } = tokens(|_| {});
    let tls = |text: &str| {
        let text = format!("operator: {operator}\nresolver: URL(https://a.b/)\n{text}");
        read(&text).unwrap().config.operators.unwrap().resolver_tls
    };
    assert_eq!(tls(""), None);
    let settings = tls("resolver_tls { ca_file: ca.pem, insecure: true }").unwrap();
    assert_eq!(settings.ca, Some(Pem::File("ca.pem".into())));
    assert!(settings.insecure);
}

#[test]
fn resolvers() {
    let Tokens { operator, .. } = tokens(|_| {});
    let resolver = |text: &str| {
        let loaded = read(&format!(
            "operator: {operator}\nsystem_account: A\nresolver: {text}"
        ))
        .unwrap();
        assert_eq!(loaded.config.clients.credentials, Credentials::Claims);
        loaded.config.operators.unwrap().resolver
    };
    assert_eq!(resolver("MEMORY"), Resolver::Memory);
    assert_eq!(resolver("mem"), Resolver::Memory);
    let url = Resolver::Url("http://a.b:1/c/".to_owned());
    assert_eq!(resolver("URL(http://a.b:1/c)"), url);
    assert_eq!(resolver("URL(\"http://a.b:1/c/\")"), url);
    let Resolver::Directory(full) =
        resolver("{ type: full, dir: x, allow_delete: true, interval: 5s, limit: 7 }")
    else {
        panic!("it is in a folder");
    };
    assert_eq!((full.path.as_path(), full.limit), (Path::new("x"), Some(7)));
    assert_eq!(
        full.kind,
        DirectoryKind::Full {
            interval: Duration::from_secs(5),
            deletion: Deletion::Renamed,
        }
    );
    let Resolver::Directory(cache) = resolver("{ type: cache, dir: x, ttl: 1h }") else {
        panic!("it is in a folder");
    };
    let ttl = Some(Duration::from_secs(3600));
    assert_eq!(
        (cache.kind, cache.limit),
        (DirectoryKind::Cache { ttl }, Some(1000))
    );
}

#[test]
fn what_an_operator_does_not_allow() {
    let Tokens {
        operator,
        account,
        account_key,
        user,
    } = tokens(|_| {});
    let memory = format!("operator: {operator}\nresolver: MEMORY\n");
    for (text, expected) in [
        (format!("operator: {operator}"), "require an account resolver"),
        ("operator: eyJ".to_owned(), "error parsing operator JWT"),
        (
            format!("operator: {user}\nresolver: MEMORY"),
            "not operator claim",
        ),
        (format!("{memory}accounts {{ A {{}} }}"), "do not allow Accounts"),
        (
            format!("{memory}authorization {{ users: [{{user: u, password: p}}] }}"),
            "do not allow users",
        ),
        (format!("{memory}resolver: elsewhere"), "should be MEM or"),
        (format!("{memory}resolver: {{ type: full }}"), "dir has no value"),
        (
            format!("{memory}resolver: {{ type: cache, dir: x, allow_delete: true }}"),
            "does not accept allow_delete",
        ),
        (
            format!("{memory}resolver: {{ type: full, dir: x }}"),
            "the system account needs to be specified",
        ),
        (
            format!("{memory}resolver_preload {{ A: x }}"),
            "invalid account JWT",
        ),
        (
            format!(
                "operator: {operator}\nresolver: URL(http://a/)\nresolver_preload {{ {account_key}: {account} }}"
            ),
            "resolver preloads only available",
        ),
        (
            format!("{memory}resolver_pinned_accounts: [x]"),
            "pinned account key",
        ),
        (
            format!("{memory}default_sentinel: {user}"),
            "must be a bearer token",
        ),
        (
            format!("default_sentinel: {user}"),
            "default sentinel requires operators",
        ),
        ("trusted_keys: [x]".to_owned(), "valid public operator nkey"),
    ] {
        let told = complaint(&text);
        assert!(told.contains(expected), "{expected}: {told}");
        // Nobody is let in by what is shown.
        assert!(!told.contains(&user) && !told.contains(&account), "{told}");
    }
    assert_eq!(complaint(&memory), "");
}

#[test]
fn an_operator_names_the_system_account() {
    let account = KeyPair::generate(Kind::Account).unwrap();
    let name = account.public().to_owned();
    let Tokens { operator, .. } = tokens(|claims| claims.nats.system_account.clone_from(&name));
    let text = format!("operator: {operator}\nresolver: MEMORY\n");
    let system = read(&text).unwrap().config.accounts.system;
    assert_eq!(system.as_deref(), Some(&*name));
    assert!(complaint(&format!("{text}system_account: A")).contains("must be identical"));
    let newer = tokens(|claims| claims.nats.assert_server_version = "3.0.0".to_owned());
    let text = format!("operator: {}\nresolver: MEMORY\n", newer.operator);
    assert!(complaint(&text).contains("expects a newer server"));
}

#[test]
fn services_that_say_who_may_come_in() {
    let (issuer, xkey) = (
        KeyPair::generate(Kind::Account).unwrap(),
        vagus_auth::nkey::CurveKey::generate().unwrap(),
    );
    let callout = |inner: &str| format!("authorization {{ auth_callout {{ {inner} }} }}");
    let good = format!(
        "issuer: {}, account: A, auth_users: [a], xkey: {}, allowed_accounts: [B]",
        issuer.public(),
        xkey.public()
    );
    let read_callout = read(&callout(&good)).unwrap().config.clients.callout.unwrap();
    assert_eq!(read_callout.account, "A");
    assert_eq!(read_callout.xkey.as_deref(), Some(xkey.public()));
    for (inner, expected) in [
        (String::new(), "require an issuer"),
        ("issuer: A".to_owned(), "valid public account nkey"),
        (format!("issuer: {}", issuer.public()), "require authorized users"),
        (format!("{good}, key: x"), "valid public xkey"),
        (format!("{good}, other: x"), "unknown field"),
    ] {
        let told = complaint(&callout(&inner));
        assert!(told.contains(expected), "{expected}: {told}");
    }
}
