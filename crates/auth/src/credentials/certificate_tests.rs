use vagus_tls::CertificateNames;

use super::tests::{NOTHING, user};
use super::*;

const SUBJECT: &str = "CN=derek,OU=sales,O=acme";

fn names() -> CertificateNames {
    CertificateNames {
        emails: vec!["nobody@acme.test".to_owned(), "derek@acme.test".to_owned()],
        dns_names: vec!["derek.acme.test".to_owned()],
        uris: vec!["spiffe://acme.test/derek".to_owned()],
        distinguished_name: SUBJECT.parse().ok(),
        subject_with_domain: Some(format!("{SUBJECT},DC=acme,DC=test")),
        subject: SUBJECT.to_owned(),
    }
}

fn gate(users: Vec<User>) -> Gate {
    let credentials = Credentials::Users {
        users: users.into(),
        no_auth_user: None,
        default_permissions: None,
    };
    Gate::new(credentials).unwrap()
}

/// Who somebody with this certificate is among users without passwords.
#[track_caller]
fn check(users: &[&str], names: &CertificateNames, expect: Option<&str>) {
    let gate = gate(users.iter().map(|name| user(name, "")).collect());
    let login = Login {
        certificate: Certificate::Shown(names),
        ..NOTHING
    };
    match (gate.begin(&login, b""), expect) {
        (Decision::Admitted(identity), Some(expected)) => assert_eq!(identity.user(), Some(expected)),
        (Decision::Refused, None) => {}
        (other, _) => panic!("{other:?} for {users:?}"),
    }
}

#[test]
fn names_are_tried_in_order() {
    let by_precedence = [
        "derek@acme.test",
        "derek.acme.test",
        "spiffe://acme.test/derek",
        SUBJECT,
    ];
    for (count, first) in by_precedence.iter().enumerate() {
        check(&by_precedence[count..], &names(), Some(first));
    }
    check(
        &["O=acme,OU=sales,CN=derek"],
        &names(),
        Some("O=acme,OU=sales,CN=derek"),
    );
    check(&["O=acme,OU=sales,CN=derek", SUBJECT], &names(), Some(SUBJECT));
    let with_domain = format!("{SUBJECT},DC=acme,DC=test");
    check(&[&with_domain], &names(), Some(&with_domain));
    let without = CertificateNames {
        distinguished_name: None,
        ..names()
    };
    check(&[SUBJECT], &without, Some(SUBJECT));
    check(&["CN=derek", "derek", "acme.test"], &names(), None);
}

#[test]
fn a_certificate_is_needed() {
    let gate = gate(vec![user("derek@acme.test", "secret")]);
    let decide = |certificate, password| {
        let login = Login {
            user: "derek@acme.test",
            password,
            certificate,
            ..NOTHING
        };
        matches!(gate.begin(&login, b""), Decision::Admitted(_))
    };
    let names = names();
    assert!(!decide(Certificate::Missing, "secret"));
    assert!(decide(Certificate::Shown(&names), "secret"));
    assert!(
        !decide(Certificate::Shown(&names), ""),
        "a password is not waived"
    );
    assert!(decide(Certificate::NotAsked, "secret"));
}

#[test]
fn who_may_not_connect_so_is_not_found() {
    let mut of_websockets = user("derek@acme.test", "");
    of_websockets.connection_types = [ConnectionType::WebSocket].into_iter().collect();
    let gate = gate(vec![of_websockets, user(SUBJECT, "")]);
    let names = names();
    let login = Login {
        certificate: Certificate::Shown(&names),
        ..NOTHING
    };
    match gate.begin(&login, b"") {
        Decision::Admitted(identity) => assert_eq!(identity.user(), Some(SUBJECT)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn keys_mean_nothing_where_nobody_has_one() {
    let key = "UBXHTBGAYVTWRZ2HQ4NEVEHVDLZCDTQH37KFYPMNVHMK2ZLA5NSALCJH";
    let gate = gate(vec![user("derek@acme.test", "")]);
    let names = names();
    let login = Login {
        nkey: key,
        certificate: Certificate::Shown(&names),
        ..NOTHING
    };
    assert!(matches!(gate.begin(&login, b""), Decision::Admitted(_)));
}
