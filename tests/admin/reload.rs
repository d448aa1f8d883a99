//! Who may use the service changes while it runs; where it is does not.

use crate::{ANN, BOB, TOKEN, protected, with};
use vagus::Server;
use vagus_configs::{Admin, AdminRole, AdminUser, Config};
use vagus_test_support::{Events, http, send, server};

/// What `change` makes of how the server is set.
fn changed(server: &Server, change: impl FnOnce(&mut Admin)) -> Config {
    let mut config = server.reloads().unwrap().current.config.clone();
    change(config.admin.as_mut().unwrap());
    config
}

fn set(server: &Server, change: impl FnOnce(&mut Admin)) {
    server.reload(changed(server, change)).unwrap();
}

#[test]
fn users_and_tokens_come_and_go() {
    let server = server().set(with(protected())).start();
    let address = server.admin_address().unwrap();
    let status = |who| http(address, "GET", "/v1/session", &[who]).status;
    for who in [ANN, BOB, TOKEN] {
        assert_eq!(status(who), 200, "{who:?}");
    }
    // `cat:purr`
    let cat = ("Authorization", "Basic Y2F0OnB1cnI=");
    assert_eq!(status(cat), 401);
    set(&server, |admin| {
        admin.tokens.clear();
        admin.users.retain(|user| user.name == "ann");
        admin.users.push(AdminUser {
            name: "cat".to_owned(),
            password: "purr".to_owned(),
            role: AdminRole::Admin,
        });
    });
    for (who, expected) in [(ANN, 200), (cat, 200), (BOB, 401), (TOKEN, 401)] {
        assert_eq!(status(who), expected, "{who:?}");
    }
    set(&server, |admin| {
        admin.users[0].role = AdminRole::Read;
        admin.users[1].password = "growl".to_owned();
    });
    assert_eq!(status(cat), 401);
    assert_eq!(http(address, "GET", "/v1/session", &[ANN]).json()["role"], "read");
    let marked = [ANN, ("X-Vagus", "1")];
    assert_eq!(send(address, "POST", "/v1/lame-duck", &marked, "").status, 403);
}

#[test]
fn what_a_user_reads_ends_with_the_user_and_not_before() {
    let server = server().set(with(protected())).start();
    let address = server.admin_address().unwrap();
    let mut messages = Events::with(address, "/v1/subscribe?subject=a", &[ANN]);
    assert_eq!(messages.next_event().0, "subscribed");
    let mut rates = Events::with(address, "/v1/events", &[BOB]);
    assert_eq!(rates.next_event().0, "history");

    let mut config = changed(&server, |_| {});
    config.limits.max_payload = 1000;
    server.reload(config).unwrap();
    let mut publisher = server.connected();
    publisher.send("PUB a 1\r\nx");
    assert_eq!(messages.next_event().0, "message");
    assert_eq!(rates.next_event().0, "sample");

    set(&server, |admin| admin.users.clear());
    messages.expect_end();
    rates.expect_end();
    vagus_test_support::eventually(|| {
        publisher.send("PUB a 1\r\nx");
        publisher.sync_silent();
        server.router().unwrap().subscriptions == 0
    });
}

#[test]
fn monitoring_begins_and_ceases_to_ask_for_a_login() {
    let server = server().monitoring().set(with(protected())).start();
    let address = server.monitor_address().unwrap();
    let statuses = || [vec![], vec![BOB]].map(|headers| http(address, "GET", "/varz", &headers).status);
    assert_eq!(statuses(), [200, 200]);
    let mut rates = Events::of(address, "/v1/events");
    assert_eq!(rates.next_event().0, "history");
    set(&server, |admin| admin.protect_monitoring = true);
    assert_eq!(statuses(), [401, 200]);
    rates.expect_end();
    set(&server, |admin| admin.protect_monitoring = false);
    assert_eq!(statuses(), [200, 200]);
}

#[test]
fn where_it_is_does_not_change_and_nothing_else_with_it() {
    let server = server().set(with(protected())).start();
    let address = server.admin_address().unwrap();
    let refused = |config: Config| server.reload(config).unwrap_err().to_string();
    let elsewhere = changed(&server, |admin| {
        admin.listen.host = "::1".to_owned();
        admin.users.clear();
    });
    let told = refused(elsewhere);
    assert!(told.contains("not supported for admin.listen"), "{told}");
    let mut off = changed(&server, |_| {});
    off.admin = None;
    let told = refused(off);
    assert!(
        told.contains("not supported for admin: old=enabled, new=disabled"),
        "{told}"
    );
    let secured = changed(&server, |admin| admin.tls = Some(vagus_tls::Settings::default()));
    let told = refused(secured);
    assert!(told.contains("not supported for admin.tls:"), "{told}");
    assert_eq!(http(address, "GET", "/v1/session", &[BOB]).status, 200);
}

#[test]
fn it_does_not_become_a_service_that_everybody_could_use() {
    let mut admin = protected();
    admin.listen.host = "0.0.0.0".to_owned();
    let server = server().set(with(admin)).start();
    let open = changed(&server, |admin| {
        admin.users.clear();
        admin.tokens.clear();
    });
    let told = server.reload(open).unwrap_err().to_string();
    assert!(told.contains("The admin service has no users"), "{told}");
    let address = ([127, 0, 0, 1], server.admin_address().unwrap().port()).into();
    assert_eq!(http(address, "GET", "/v1/session", &[]).status, 401);
    assert_eq!(http(address, "GET", "/v1/session", &[BOB]).status, 200);
}
