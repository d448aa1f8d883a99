use super::*;

const SUBJECTS: [&str; 16] = [
    "a",
    "b",
    "a.b",
    "a.secret",
    "a.x.y",
    "a.x.y.z",
    "c.d",
    "c.d.e",
    "default.x",
    "_INBOX.x",
    "a.*",
    "a.>",
    ">",
    "*",
    "a.x.>",
    "$SYS.x",
];

fn list(text: &[&str]) -> Vec<String> {
    text.iter().map(|entry| (*entry).to_owned()).collect()
}

fn rules(allow: &[&str], deny: &[&str]) -> Rules {
    Rules {
        allow: list(allow),
        deny: list(deny),
    }
}

/// The same rules for publishing and for subscribing.
fn both(allow: &[&str], deny: &[&str]) -> Matcher {
    Permissions {
        publish: rules(allow, deny),
        subscribe: rules(allow, deny),
        allow_responses: None,
    }
    .compile()
    .unwrap()
}

fn subscriber(allow: &[&str], deny: &[&str]) -> Matcher {
    Permissions {
        subscribe: rules(allow, deny),
        ..Permissions::default()
    }
    .compile()
    .unwrap()
}

fn may_publish(matcher: &Matcher, subject: &str) -> bool {
    matcher.may_publish(subject.as_bytes())
}

fn may_subscribe(matcher: &Matcher, subject: &str, queue: &str) -> Subscribe {
    matcher.may_subscribe(subject.as_bytes(), Some(queue.as_bytes()))
}

fn is_denied(matcher: &Matcher, subject: &str, queue: &str) -> bool {
    matches!(may_subscribe(matcher, subject, queue), Subscribe::Denied)
}

/// Those of [`SUBJECTS`] that nats-server lets such a user publish on and, as the rules are the same, subscribe to.
#[track_caller]
fn check(allow: &[&str], deny: &[&str], expected: &[&str]) {
    let matcher = both(allow, deny);
    for subject in SUBJECTS {
        let wanted = expected.contains(&subject);
        assert_eq!(may_publish(&matcher, subject), wanted, "publish {subject}");
        assert_eq!(!is_denied(&matcher, subject, ""), wanted, "subscribe {subject}");
    }
}

#[test]
fn rules_decide_as_those_of_nats_server() {
    check(&[], &[], &SUBJECTS);
    check(&["a"], &[], &["a"]);
    check(
        &["a.>", "b", "c.*"],
        &[],
        &[
            "b", "a.b", "a.secret", "a.x.y", "a.x.y.z", "c.d", "a.*", "a.>", "a.x.>",
        ],
    );
    // A wildcard token is a token like any other.
    check(&["a.*"], &[], &["a.b", "a.secret", "a.*", "a.>"]);
    check(
        &["a.>"],
        &["a.secret", "a.x.*"],
        &["a.b", "a.x.y.z", "a.*", "a.>"],
    );
    check(&["$SYS.>"], &[], &["$SYS.x"]);
    check(&["default.>", "_INBOX.>"], &[], &["default.x", "_INBOX.x"]);
    let others: Vec<_> = SUBJECTS
        .into_iter()
        .filter(|subject| *subject != "a.secret")
        .collect();
    check(&[], &["a.secret"], &others);
    check(&[], &[">"], &[]);
    check(&[">"], &[">"], &[]);
}

#[test]
fn subjects_with_empty_tokens_are_named_by_no_rule() {
    let (allowing, denying) = (both(&[">"], &[]), both(&[], &[">"]));
    for subject in ["", ".", "a..b", "a.", ".a"] {
        assert!(!may_publish(&allowing, subject), "{subject}");
        assert!(may_publish(&denying, subject), "{subject}");
    }
}

#[test]
fn who_may_answer_may_publish_nothing_else_without_a_list() {
    let answering = |allow: &[&str], deny: &[&str]| {
        Permissions {
            publish: rules(allow, deny),
            subscribe: Rules::default(),
            allow_responses: Some(ResponsePermission::default()),
        }
        .compile()
        .unwrap()
    };
    for matcher in [
        answering(&[], &[]),
        answering(&[], &[">"]),
        answering(&[], &["x"]),
    ] {
        assert!(matcher.restricts_publish());
        assert!(SUBJECTS.iter().all(|subject| !may_publish(&matcher, subject)));
        assert!(!is_denied(&matcher, "a", ""));
        assert_eq!(matcher.response_permission(), Some(ResponsePermission::default()));
    }
    let mixed = answering(&["log.>"], &["log.x"]);
    assert!(may_publish(&mixed, "log.y") && !may_publish(&mixed, "log.x") && !may_publish(&mixed, "a"));
}

#[test]
fn without_rules_there_is_nothing_to_ask() {
    let free = Permissions::default().compile().unwrap();
    assert!(!free.restricts_publish());
    assert_eq!(free.response_permission(), None);
    assert!(both(&[], &["x"]).restricts_publish() && both(&["x"], &[]).restricts_publish());
    assert!(!subscriber(&["x"], &[]).restricts_publish());
}

#[test]
fn rules_with_queues_decide_as_those_of_nats_server() {
    let matcher = subscriber(
        &["q.any", "q.one workers", "q.wild v*", "q.full >"],
        &["q.any bad", "q.no *.dev"],
    );
    let queues = ["", "workers", "v1", "bad", "x.dev"];
    for (subject, allowed) in [
        ("q.any", &["", "workers", "v1", "x.dev"][..]),
        ("q.one", &["workers"]),
        // `*` within a token is no wildcard.
        ("q.wild", &[]),
        ("q.full", &["workers", "v1", "bad", "x.dev"]),
        ("q.no", &[]),
        ("other", &[]),
    ] {
        for queue in queues {
            assert_eq!(
                !is_denied(&matcher, subject, queue),
                allowed.contains(&queue),
                "{subject} {queue}"
            );
        }
        assert_eq!(
            matches!(matcher.may_subscribe(subject.as_bytes(), None), Subscribe::Denied),
            !allowed.contains(&"")
        );
    }
}

#[test]
fn where_rules_with_queues_allow_the_subject_they_alone_decide_about_queues() {
    let matcher = subscriber(&["a", "a v1.*", "a prod.>"], &[]);
    assert!(!is_denied(&matcher, "a", ""));
    for queue in ["v1.x", "prod.a.b", "v1.*"] {
        assert!(!is_denied(&matcher, "a", queue), "{queue}");
    }
    // One that looks wider than the pattern is not matched by it.
    for queue in ["v2.x", "v1", "v1.>", "v1.x.y", "prod", "*.x", ">"] {
        assert!(is_denied(&matcher, "a", queue), "{queue}");
    }
}

#[test]
fn denied_queues_are_denied_by_pattern() {
    let matcher = subscriber(&[], &["a *.dev", "b", "c.> literal"]);
    for (subject, queue, denied) in [
        ("a", "x.dev", true),
        ("a", "x.prod", false),
        ("a", "", false),
        ("b", "x", true),
        ("b", "", true),
        ("c.d", "literal", true),
        ("c.d", "other", false),
    ] {
        assert_eq!(is_denied(&matcher, subject, queue), denied, "{subject} {queue}");
    }
}

fn filter(matcher: &Matcher, subject: &str, queue: &str) -> Filter {
    match may_subscribe(matcher, subject, queue) {
        Subscribe::AllowedExcept(filter) => filter,
        other => panic!("{subject} {queue}: {other:?}"),
    }
}

#[test]
fn what_is_denied_is_filtered_from_wider_subscriptions() {
    let deny_only = subscriber(&[], &["a.secret"]);
    let allow_deny = subscriber(&["a.>"], &["a.secret", "a.x.*"]);
    for (matcher, subject, delivered) in [
        (&deny_only, "a.*", &["a.open", "a.x.y", "a.z"][..]),
        (&deny_only, ">", &["a.open", "a.x.y", "a.z"]),
        (&allow_deny, "a.>", &["a.open", "a.z"]),
        (&allow_deny, "a.*", &["a.open", "a.z"]),
    ] {
        let filter = filter(matcher, subject, "");
        for message in ["a.open", "a.secret", "a.x.y", "a.z"] {
            assert_eq!(
                !filter.denies(message.as_bytes()),
                delivered.contains(&message),
                "{subject} {message}"
            );
        }
    }
}

#[test]
fn filters_know_the_queue() {
    let matcher = subscriber(&[], &["a.x *.dev", "a.y"]);
    let denied = |queue| {
        let filter = filter(&matcher, "a.*", queue);
        ["a.x", "a.y", "a.z"].map(|message| filter.denies(message.as_bytes()))
    };
    assert_eq!(denied("app.dev"), [true, true, false]);
    assert_eq!(denied("app.prod"), [false, true, false]);
    assert_eq!(denied(""), [false, true, false]);
}

#[test]
fn there_is_no_filter_without_need() {
    let matcher = subscriber(&[], &["a.secret", "b.*", "c.x bad"]);
    for (subject, queue) in [
        ("a.open", ""),
        ("a.open", "bad"),
        ("b.*.>", ""),
        ("d.>", ""),
        ("*", ""),
        ("c.*", ""),
        ("c.*", "good"),
    ] {
        assert!(
            matches!(may_subscribe(&matcher, subject, queue), Subscribe::Allowed),
            "{subject} {queue}"
        );
    }
}

/// Every pattern of up to three tokens against every rule: what is denied is never delivered, and nothing else is
/// filtered.
#[test]
fn no_subscription_is_delivered_what_is_denied() {
    let tokens = ["a", "b", "*", ">"];
    let mut patterns: Vec<String> = Vec::new();
    let mut literals: Vec<String> = Vec::new();
    for length in 1..=3u32 {
        for number in 0..4usize.pow(length) {
            let chosen: Vec<_> = (0..length)
                .map(|place| tokens[number / 4usize.pow(place) % 4])
                .collect();
            let text = chosen.join(".");
            if subject::is_valid_literal(text.as_bytes()) {
                literals.push(text.clone());
            }
            if subject::is_valid_subscription(text.as_bytes()) {
                patterns.push(text);
            }
        }
    }
    assert_eq!((patterns.len(), literals.len()), (52, 14));
    let mut filtered = 0;
    for deny in &patterns {
        let matcher = subscriber(&[], &[deny]);
        for pattern in &patterns {
            let answer = may_subscribe(&matcher, pattern, "");
            for message in &literals {
                let is_match = subject::matches(pattern.as_bytes(), message.as_bytes());
                let is_secret = subject::matches(deny.as_bytes(), message.as_bytes());
                match &answer {
                    Subscribe::Denied => {}
                    Subscribe::Allowed => assert!(!(is_match && is_secret), "{deny} {pattern} {message}"),
                    Subscribe::AllowedExcept(filter) => {
                        filtered += 1;
                        assert_eq!(
                            filter.denies(message.as_bytes()),
                            is_secret,
                            "{deny} {pattern} {message}"
                        );
                    }
                }
            }
        }
    }
    assert!(filtered > 1000, "{filtered}");
}

#[test]
fn many_rules_decide_like_few() {
    let names = |kind: &str| -> Vec<String> { (0..50).map(|number| format!("{kind}.{number}.*")).collect() };
    let matcher = Permissions {
        publish: Rules {
            allow: names("open"),
            deny: (0..50).map(|number| format!("open.{number}.secret")).collect(),
        },
        ..Permissions::default()
    }
    .compile()
    .unwrap();
    for number in 0..50 {
        assert!(may_publish(&matcher, &format!("open.{number}.x")));
        assert!(!may_publish(&matcher, &format!("open.{number}.secret")));
        assert!(!may_publish(&matcher, &format!("open.{number}")));
    }
    assert!(!may_publish(&matcher, "open.50.x"));
}

#[test]
fn entries_must_be_subjects_and_queues() {
    let error = |list: List, entry: &str| {
        let mut permissions = Permissions::default();
        let place = match list {
            List::PublishAllow => &mut permissions.publish.allow,
            List::PublishDeny => &mut permissions.publish.deny,
            List::SubscribeAllow => &mut permissions.subscribe.allow,
            List::SubscribeDeny => &mut permissions.subscribe.deny,
        };
        place.push("fine".to_owned());
        place.push(entry.to_owned());
        permissions
            .compile()
            .map_or_else(|error| error.to_string(), |_| "valid".to_owned())
    };
    for (list, entry, expected) in [
        (
            List::PublishAllow,
            "a..b",
            "publish allow: \"a..b\" is not a valid subject",
        ),
        (
            List::PublishDeny,
            "a q",
            "publish deny: \"a q\" is not a valid subject",
        ),
        (List::PublishDeny, "", "publish deny: \"\" is not a valid subject"),
        (
            List::SubscribeAllow,
            "a b c",
            "subscribe allow: \"a b c\" is not a valid subject",
        ),
        (
            List::SubscribeAllow,
            "a. q",
            "subscribe allow: \"a. q\" is not a valid subject",
        ),
        (
            List::SubscribeDeny,
            "a q.",
            "subscribe deny: \"q.\" is not a valid queue",
        ),
        (
            List::SubscribeDeny,
            ">.a",
            "subscribe deny: \">.a\" is not a valid subject",
        ),
        (List::SubscribeDeny, "a  q", "valid"),
        (List::SubscribeAllow, "a.*.> v*", "valid"),
        (List::PublishAllow, "f*o.>", "valid"),
    ] {
        assert_eq!(error(list, entry), expected);
    }
}

#[test]
fn a_configured_response_permission_has_defaults_and_no_bounds() {
    let default = ResponsePermission::default();
    assert_eq!(
        (default.max, default.expires),
        (Some(1), Some(Duration::from_secs(120)))
    );
    assert_eq!(ResponsePermission::from_config(0, 0), default);
    for (max, expires, expected) in [
        (3, 10_000_000_000, (Some(3), Some(Duration::from_secs(10)))),
        (-1, -1, (None, None)),
        (
            i64::MIN,
            i64::MAX,
            (None, Some(Duration::from_nanos(i64::MAX as u64))),
        ),
    ] {
        let permission = ResponsePermission::from_config(max, expires);
        assert_eq!((permission.max, permission.expires), expected);
    }
}

#[test]
fn a_matcher_tells_what_it_was_made_of() {
    let permissions = Permissions {
        publish: rules(&["a"], &["b"]),
        ..Permissions::default()
    };
    assert_eq!(permissions.clone().compile().unwrap().permissions(), &permissions);
}

#[test]
fn another_server_is_given_so_much_of_a_subject_as_is_allowed() {
    let matcher = |allow: &[&str], deny: &[&str]| {
        let permissions = Permissions {
            subscribe: rules(allow, deny),
            ..Permissions::default()
        };
        permissions.compile().unwrap()
    };
    // What is given of ">", "a.*" and "a.b", by the messages of these subjects.
    let given = |allow: &[&str], deny: &[&str], asked: &str| -> String {
        let subjects = ["a.b", "a.c", "b"];
        match matcher(allow, deny).may_be_given(asked.as_bytes()) {
            Subscribe::Denied => "denied".to_owned(),
            Subscribe::Allowed => "all".to_owned(),
            Subscribe::AllowedExcept(filter) => {
                let given = subjects
                    .iter()
                    .filter(|subject| !filter.denies(subject.as_bytes()));
                given.copied().collect::<Vec<_>>().join(" ")
            }
        }
    };
    for (allow, deny, asked, expected) in [
        (&[][..], &[][..], ">", "all"),
        (&["a.b"], &[], ">", "a.b"),
        (&["a.*"], &[], ">", "a.b a.c"),
        (&["a.*"], &[], "a.*", "all"),
        (&["a.>"], &["a.c"], ">", "a.b"),
        (&["a.>"], &["a.c"], "a.*", "a.b b"),
        (&["a.>"], &["a.c"], "a.b", "all"),
        (&["a.>"], &[], "b", "denied"),
        (&["a.>"], &[], "b.*", "denied"),
        (&[], &["a.>"], "a.*", "denied"),
    ] {
        assert_eq!(given(allow, deny, asked), expected, "{allow:?} {deny:?} {asked}");
    }
}
