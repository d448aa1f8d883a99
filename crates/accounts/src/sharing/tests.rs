use super::*;
use crate::{LocalSubject, ResponseType, ServiceExport, StreamExport};

fn account(name: &str) -> AccountDefinition {
    AccountDefinition {
        name: name.into(),
        ..AccountDefinition::default()
    }
}

fn stream(subject: &str, access: Access) -> StreamExport {
    StreamExport {
        subject: subject.into(),
        access,
    }
}

fn service(subject: &str, access: Access) -> ServiceExport {
    ServiceExport {
        subject: subject.into(),
        access,
        response_type: ResponseType::default(),
        response_threshold: crate::DEFAULT_RESPONSE_THRESHOLD,
        latency: None,
        allow_trace: false,
    }
}

fn import(account: &str, subject: &str, local: LocalSubject) -> StreamImport {
    StreamImport {
        account: account.into(),
        subject: subject.into(),
        local,
        allow_trace: false,
        activation: None,
    }
}

fn ask(account: &str, subject: &str, local: &str) -> ServiceImport {
    ServiceImport {
        account: account.into(),
        subject: subject.into(),
        local: (!local.is_empty()).then(|| local.into()),
        share: false,
        activation: None,
    }
}

/// The accounts A to D, and what each does with the streams and services of others: `B:A.s` is an import of `s` of A in B,
/// `B:A.s=t` one that is called `t` there.
struct Scene(Vec<AccountDefinition>);

impl Scene {
    fn new() -> Self {
        Self(["A", "B", "C", "D"].into_iter().map(account).collect())
    }

    fn of(&mut self, name: &str) -> &mut AccountDefinition {
        self.0.iter_mut().find(|account| *account.name == *name).unwrap()
    }

    fn exports_stream(mut self, name: &str, subject: &str) -> Self {
        let export = stream(subject, Access::Public);
        self.of(name).stream_exports.push(export);
        self
    }

    fn exports_service(mut self, name: &str, subject: &str) -> Self {
        let export = service(subject, Access::Public);
        self.of(name).service_exports.push(export);
        self
    }

    fn imports(&self, services: bool, imports: &[&str]) -> Vec<Result<String, String>> {
        let mut definitions = Vec::new();
        for text in imports {
            let (importer, rest) = text.split_once(':').unwrap();
            let (exporter, rest) = rest.split_once('.').unwrap();
            let (subject, local) = rest.split_once('=').unwrap_or((rest, ""));
            let mapped = match local {
                "" => LocalSubject::Same,
                local => LocalSubject::Mapped(local.into()),
            };
            definitions.push((
                importer,
                import(exporter, subject, mapped),
                ask(exporter, subject, local),
            ));
        }
        let mut sharing = Sharing::new(&self.0, 0);
        let mut results = Vec::new();
        for (importer, stream, service) in &definitions {
            let importer = self.0.iter().find(|account| *account.name == **importer).unwrap();
            results.push(if services {
                let imported = sharing.add_service(importer, service);
                imported
                    .map(|it| it.local().to_owned())
                    .map_err(|error| error.to_string())
            } else {
                let imported = sharing.add_stream(importer, stream);
                imported
                    .map(|it| it.local().to_owned())
                    .map_err(|error| error.to_string())
            });
        }
        results
    }
}

#[track_caller]
fn last_is(results: Vec<Result<String, String>>, expected: Result<&str, &str>) {
    let (last, others) = results.split_last().unwrap();
    assert!(others.iter().all(Result::is_ok), "{results:?}");
    assert_eq!(last.as_deref().map_err(String::as_str), expected);
}

const CYCLE: Result<&str, &str> = Err("import forms a cycle");

#[test]
fn services_that_ask_each_other_are_a_cycle() {
    let scene = Scene::new()
        .exports_service("A", "help")
        .exports_service("B", "help")
        .exports_service("C", "help");
    last_is(scene.imports(true, &["B:A.help", "A:B.help"]), CYCLE);
    last_is(scene.imports(true, &["B:A.help", "C:B.help", "A:C.help"]), CYCLE);
    last_is(scene.imports(true, &["B:A.help", "C:B.help"]), Ok("help"));
    let scene = scene.exports_service("A", "other");
    last_is(scene.imports(true, &["B:A.other", "A:B.help"]), Ok("help"));
}

#[test]
fn services_with_wildcards_are_a_cycle_where_they_overlap() {
    let scene = Scene::new()
        .exports_service("A", ">")
        .exports_service("B", ">")
        .exports_service("C", "foo.*");
    last_is(scene.imports(true, &["B:A.*", "A:B.foo"]), CYCLE);
    last_is(scene.imports(true, &["B:A.foo.bar", "A:B.foo.*"]), CYCLE);
    last_is(scene.imports(true, &["B:A.foo.bar", "A:B.bar.*"]), Ok("bar.*"));
}

#[test]
fn streams_that_come_back_are_a_cycle() {
    let scene = Scene::new()
        .exports_stream("A", "strm.>")
        .exports_stream("B", "strm.>")
        .exports_stream("C", "strm.>");
    last_is(scene.imports(false, &["B:A.strm.>", "A:B.strm.>"]), CYCLE);
    last_is(
        scene.imports(false, &["B:A.strm.>", "C:B.strm.>", "A:C.strm.>"]),
        CYCLE,
    );
    last_is(scene.imports(false, &["B:A.strm.>", "A:B.strm.x"]), CYCLE);
    // What is called something that B does not export goes no further.
    last_is(
        scene.imports(false, &["B:A.strm.>=other.>", "A:B.strm.>"]),
        Ok("strm.>"),
    );
}

#[test]
fn a_way_that_is_too_long_is_refused() {
    let mut accounts: Vec<_> = (0..1_100).map(|number| account(&format!("A{number}"))).collect();
    for account in &mut accounts {
        account.service_exports.push(service("s", Access::Public));
    }
    let imports: Vec<_> = (0..1_100)
        .map(|number| ask(&format!("A{number}"), "s", ""))
        .collect();
    // Each of the next, so that the way ends there while it is added.
    let mut sharing = Sharing::new(&accounts, 0);
    for number in 2..1_100 {
        sharing
            .add_service(&accounts[number - 1], &imports[number])
            .unwrap();
    }
    let error = sharing.add_service(&accounts[0], &imports[1]).unwrap_err();
    assert_eq!(error, ImportError::CycleSearchDepth);
}

#[test]
fn what_is_not_exported_is_not_imported() {
    let scene = Scene::new()
        .exports_stream("A", "s.*")
        .exports_service("A", "s.*");
    for services in [false, true] {
        let refused = format!(
            "{} import not authorized",
            if services { "service" } else { "stream" }
        );
        for import in ["B:A.s.>", "B:A.t", "B:A.>"] {
            last_is(scene.imports(services, &[import]), Err(&refused));
        }
        last_is(scene.imports(services, &["B:A.s.x"]), Ok("s.x"));
        last_is(scene.imports(services, &["B:E.s.x"]), Err("account missing"));
    }
    last_is(
        scene.imports(false, &["B:A.s..x"]),
        Err("stream import not authorized"),
    );
    last_is(scene.imports(true, &["B:A.s..x"]), Err("invalid subject"));
}

#[test]
fn the_same_twice_is_refused() {
    let scene = Scene::new()
        .exports_stream("A", ">")
        .exports_service("A", ">")
        .exports_service("C", ">");
    last_is(
        scene.imports(false, &["B:A.s", "B:A.s=t"]),
        Err("stream import already exists"),
    );
    last_is(
        scene.imports(true, &["B:A.x=z", "B:A.y=z"]),
        Err(
            r#"duplicate service import subject "z", previously used in import for account "A", subject "x""#,
        ),
    );
    last_is(scene.imports(true, &["B:A.x=z", "B:C.y=z"]), Ok("z"));
}

#[test]
fn who_may_import() {
    let activation = Activation {
        account: "B".into(),
        issuer: "A".into(),
        issuer_account: None,
        subject: "s.>".into(),
        is_service: false,
        not_before: 50,
        issued_at: 40,
        expires: 200,
    };
    let signed = |issuer: &str| Activation {
        issuer: issuer.into(),
        issuer_account: Some("A".into()),
        ..activation.clone()
    };
    let named = |names: &[&str]| Access::Accounts(names.iter().map(|name| Box::from(*name)).collect());
    let revoked = |account: &str, until| Access::Activated([(account.into(), until)].into());
    let cases = [
        (Access::Public, "s.x", None, true),
        (named(&["C", "B"]), "s.x", None, true),
        (named(&["C"]), "s.x", None, false),
        (named(&[]), "s.x", None, false),
        (Access::AccountToken(2), "s.B", None, true),
        (Access::AccountToken(2), "s.C", None, false),
        (Access::AccountToken(9), "s.B", None, false),
        (Access::AccountToken(2), "s.*", None, false),
        (Access::Activated(HashMap::new()), "s.x", None, false),
        (
            Access::Activated(HashMap::new()),
            "s.x",
            Some(activation.clone()),
            true,
        ),
        (Access::Activated(HashMap::new()), "s.x", Some(signed("K")), true),
        (Access::Activated(HashMap::new()), "s.x", Some(signed("L")), false),
        (revoked("B", 40), "s.x", Some(activation.clone()), false),
        (revoked("B", 39), "s.x", Some(activation.clone()), true),
        (revoked("*", 40), "s.x", Some(activation.clone()), false),
    ];
    for (access, subject, activation, allowed) in cases {
        let mut exporter = account("A");
        exporter.signing_keys.push("K".into());
        exporter.stream_exports.push(stream("s.*", access.clone()));
        let accounts = [exporter, account("B")];
        let imported = StreamImport {
            activation,
            ..import("A", subject, LocalSubject::Same)
        };
        let added = Sharing::new(&accounts, 100).add_stream(&accounts[1], &imported);
        assert_eq!(added.is_ok(), allowed, "{access:?} {imported:?}");
        let times = [49, 200].map(|now| {
            Sharing::new(&accounts, now)
                .add_stream(&accounts[1], &imported)
                .is_ok()
        });
        let always = allowed && imported.activation.is_none();
        assert_eq!(times, [always; 2], "before and after {imported:?}");
    }
}

#[test]
fn a_stream_is_called_as_the_importer_says() {
    let scene = Scene::new().exports_stream("A", ">");
    let cases = [
        (LocalSubject::Same, "s.*", "s.*", "s.x", "s.x"),
        (
            LocalSubject::Prefixed("from.a".into()),
            "s.>",
            "from.a.s.>",
            "s.x.y",
            "from.a.s.x.y",
        ),
        (LocalSubject::Prefixed("p.".into()), "s", "p.s", "s", "p.s"),
        (LocalSubject::Mapped("mine".into()), "s.x", "mine", "s.x", "mine"),
        (
            LocalSubject::Mapped("mine.$2.$1".into()),
            "s.*.*",
            "mine.*.*",
            "s.x.y",
            "mine.y.x",
        ),
        (
            LocalSubject::Mapped("mine.*.>".into()),
            "s.*.>",
            "mine.*.>",
            "s.x.y.z",
            "mine.x.y.z",
        ),
    ];
    for (local, subject, pattern, published, called) in cases {
        let imported = import("A", subject, local);
        let stream = Sharing::new(&scene.0, 0)
            .add_stream(&scene.0[1], &imported)
            .unwrap();
        let mut out = Vec::new();
        stream.append_local_subject(published.as_bytes(), &mut out);
        assert_eq!(stream.local(), pattern);
        assert_eq!(String::from_utf8(out).unwrap(), called);
    }
    let refused = |local| {
        let imported = import("A", "s.*", local);
        Sharing::new(&scene.0, 0)
            .add_stream(&scene.0[1], &imported)
            .unwrap_err()
    };
    assert_eq!(
        refused(LocalSubject::Prefixed("p.*".into())),
        ImportError::PrefixWithWildcards
    );
    assert!(matches!(
        refused(LocalSubject::Mapped("x".into())),
        ImportError::StreamTransform { .. }
    ));
}

#[test]
fn what_is_subscribed_to_for_a_subscription() {
    let scene = Scene::new().exports_stream("A", ">");
    let exported = |subject: &str, local: LocalSubject, subscribed: &str| {
        let imported = import("A", subject, local);
        let stream = Sharing::new(&scene.0, 0)
            .add_stream(&scene.0[1], &imported)
            .unwrap();
        let exported = stream.exported_subject(subscribed.as_bytes());
        exported.map(|subject| String::from_utf8(subject).unwrap())
    };
    let prefix = || LocalSubject::Prefixed("p".into());
    let turned = || LocalSubject::Mapped("m.$2.$1".into());
    for (subject, local, subscribed, expected) in [
        ("s.>", LocalSubject::Same, ">", Some("s.>")),
        ("s.>", LocalSubject::Same, "s.x.*", Some("s.x.*")),
        ("s.*", LocalSubject::Same, "*.x", Some("s.x")),
        ("s.>", LocalSubject::Same, "t.>", None),
        ("s.>", prefix(), "p.s.x", Some("s.x")),
        ("s.>", prefix(), "p.*.x.>", Some("s.x.>")),
        ("s.>", prefix(), "s.x", None),
        ("s.*.*", turned(), "m.b.a", Some("s.a.b")),
        ("s.*.*", turned(), "m.b.*", Some("s.*.b")),
        ("s.*.*", turned(), "m.>", Some("s.*.*")),
        ("s.x", LocalSubject::Mapped("mine".into()), "*", Some("s.x")),
        ("s.x", LocalSubject::Mapped("mine".into()), "other", None),
    ] {
        assert_eq!(
            exported(subject, local.clone(), subscribed).as_deref(),
            expected,
            "{subject} {local:?} {subscribed}"
        );
    }
}

#[test]
fn a_request_goes_on_where_the_service_is() {
    let scene = Scene::new().exports_service("A", ">");
    for (subject, local, pattern, published, expected) in [
        ("svc", "", "svc", "svc", "svc"),
        ("svc", "local.svc", "local.svc", "local.svc", "svc"),
        ("svc.*", "", "svc.*", "svc.x", "svc.x"),
        ("svc.*.*", "l.$2.$1", "l.*.*", "l.p.q", "svc.q.p"),
        ("svc.*.*", "l.*.*", "l.*.*", "l.p.q", "svc.p.q"),
        ("svc.>", "l.>", "l.>", "l.x.y", "svc.x.y"),
        ("svc", "any.*", "any.*", "any.x", "svc"),
    ] {
        let import = ask("A", subject, local);
        let service = Sharing::new(&scene.0, 0)
            .add_service(&scene.0[1], &import)
            .unwrap();
        let mut out = Vec::new();
        service.append_exported_subject(published.as_bytes(), &mut out);
        assert_eq!(service.local(), pattern);
        assert_eq!(String::from_utf8(out).unwrap(), expected, "{subject} {local}");
    }
    let import = ask("A", "svc.*", "x");
    let error = Sharing::new(&scene.0, 0)
        .add_service(&scene.0[1], &import)
        .unwrap_err();
    assert!(matches!(error, ImportError::ServiceTransform { .. }));
}
