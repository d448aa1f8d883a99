use super::*;
use vagus_accounts::{AccountDefinition, MappedDestination, MappingDefinition};

/// The global account, in which these sources are mapped.
fn account(mapped: &[(&str, &str, u8)]) -> Arc<Account> {
    let account = Account::new(AccountId::default(), GLOBAL_ACCOUNT);
    map(&account, mapped);
    Arc::new(account)
}

/// From now on these sources are mapped.
fn map(account: &Account, mapped: &[(&str, &str, u8)]) {
    let mapping = |(source, destination, weight): &(&str, &str, u8)| MappingDefinition {
        source: (*source).into(),
        destinations: vec![MappedDestination {
            weight: *weight,
            ..MappedDestination::only(destination)
        }],
    };
    account.define(&Arc::new(AccountDefinition {
        mappings: mapped.iter().map(mapping).collect(),
        ..AccountDefinition::default()
    }));
}

/// A client of such an account.
fn client(mapped: &[(&str, &str, u8)]) -> Peer {
    of(&account(mapped), Credentials::Open)
}

fn of(account: &Arc<Account>, credentials: Credentials) -> Peer {
    Peer::of(ClientSettings {
        accounts: Arc::new(AccountDirectory::new(account.clone())),
        ..settings(Limits::default(), credentials)
    })
}

#[test]
fn a_message_is_published_on_the_subject_that_its_own_is_mapped_to() {
    let mut peer = client(&[("a.*", "b.$1", 100)]);
    peer.say(QUIET).did("");
    peer.say("PUB a.x 1\r\n1\r\nPUB a 1\r\n2\r\nPUB a.x.y 1\r\n3\r\nPUB b.x 1\r\n4\r\n")
        .did(
            "publish b.x 1
             publish a 2
             publish a.x.y 3
             publish b.x 4",
        );
}

#[test]
fn control_lines_that_repeat_are_mapped_alike() {
    let mut peer = client(&[("a.*", "b.$1", 100)]);
    peer.say(QUIET).did("");
    peer.say("PUB a.x 1\r\n1\r\nPUB a.x 1\r\n2\r\nPUB a.x 1\r\n3\r\nPUB a.y 1\r\n4\r\n")
        .did(
            "publish b.x 1
             again 1\\r\\n2\\r\\n 1
             again 1\\r\\n3\\r\\n 1
             publish b.y 4",
        );
}

#[test]
fn what_is_drawn_is_drawn_for_each_message() {
    let mut peer = client(&[("a", "b", 50)]);
    peer.say(QUIET).did("");
    peer.say(&"PUB a 1\r\nx\r\n".repeat(1_000));
    let text = std::mem::take(&mut peer.recorder.text);
    let on = |subject| text.matches(&format!("publish {subject} x")).count();
    assert_eq!(on("a") + on("b"), 1_000, "none is repeated unseen");
    // That it is further off happens once in some 10^9 runs.
    assert!(on("a").abs_diff(500) < 100, "{}", on("a"));
}

#[test]
fn a_message_that_is_lost_reaches_nobody() {
    let mut peer = client(&[("a", "a", 0)]);
    peer.say("CONNECT {\"verbose\":true,\"headers\":true,\"no_responders\":true}\r\n")
        .did("headers\n< +OK");
    peer.recorder.taken = false;
    peer.say("SUB answers 9\r\n").did("subscribe 9 to answers\n< +OK");
    peer.say("PUB a answers 1\r\nx\r\n").did(
        "< +OK
         publish  x
         < HMSG answers 9 32 32\\r\\nNATS/1.0 503\\r\\nNats-Subject: ",
    );
}

#[test]
fn a_message_has_to_be_permitted_where_it_is_published() {
    let account = account(&[("x", "hidden", 100), ("y", "open", 100)]);
    let permissions = Permissions {
        publish: Rules {
            allow: list(&["x", "open"]),
            ..Rules::default()
        },
        ..Permissions::default()
    };
    let mut peer = of(&account, user_with(permissions));
    peer.say(AS_USER).did("");
    peer.say("PUB x 1\r\n1\r\n")
        .did("< -ERR 'Permissions Violation for Publish to \"hidden\"'\nwithhold 1");
    peer.say("PUB y 1\r\n1\r\nPUB y 1\r\n2\r\n")
        .did("publish open 1\nagain 1\\r\\n2\\r\\n 1");
}

#[test]
fn the_form_of_a_subject_is_that_which_it_came_with() {
    let mut peer = client(&[("a.*", "b.$1", 100), ("c", "d", 100)]);
    peer.say("CONNECT {\"verbose\":false,\"pedantic\":true}\r\n")
        .did("");
    peer.say("PUB a.* 1\r\nx\r\nPUB c 1\r\ny\r\n")
        .did("< -ERR 'Invalid Publish Subject'\npublish b.* x\npublish d y");
}

#[test]
fn a_message_whose_subject_takes_several_turns_is_drawn_once() {
    for _ in 0..20 {
        let mut peer = client(&[("a", "wide.{{random(1000000)}}", 100)]);
        peer.say(QUIET).did("");
        peer.say("PUB a 1\r\nx\r\n");
        let text = std::mem::take(&mut peer.recorder.text);
        let mut looked_at: Vec<_> = text
            .lines()
            .filter_map(|line| line.strip_prefix("resolve "))
            .collect();
        assert_eq!(looked_at.len(), 3);
        looked_at.dedup();
        assert_eq!(looked_at.len(), 1);
        assert!(text.ends_with(&format!("publish {} x\n", looked_at[0])));
    }
}

#[test]
fn mappings_that_change_count_from_then_on() {
    let account = account(&[("a", "b", 100)]);
    let mut peer = of(&account, Credentials::Open);
    peer.say(QUIET).did("");
    peer.say("PUB a 1\r\n1\r\n").did("publish b 1");
    map(&account, &[("a", "c", 100)]);
    peer.session.settings_changed(&mut peer.recorder);
    peer.say("PUB a 1\r\n2\r\n").did("publish c 2");
    map(&account, &[]);
    peer.session.settings_changed(&mut peer.recorder);
    peer.say("PUB a 1\r\n3\r\n").did("publish a 3");
}
