//! Permissions that are lost end subscriptions, and those that are kept go on without a gap.

use std::sync::Arc;
use vagus_auth::credentials::{ConnectionTypes, Credentials, Proof, User};
use vagus_auth::permission::{Permissions, Rules};
use vagus_test_support::{TestServer, server};

fn users(allow: &[&str], deny: &[&str]) -> Credentials {
    let own = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    Credentials::Users {
        users: vec![User {
            proof: Proof::Password {
                name: "u".to_owned(),
                password: "p".to_owned(),
            },
            permissions: Some(Arc::new(Permissions {
                subscribe: Rules {
                    allow: own(allow),
                    deny: own(deny),
                },
                ..Permissions::default()
            })),
            connection_types: ConnectionTypes::default(),
            account: None,
            requires_proxy: false,
        }]
        .into(),
        no_auth_user: None,
        default_permissions: None,
    }
}

fn permit(server: &TestServer, allow: &[&str], deny: &[&str]) {
    let mut config = server.reloads().unwrap().current.config.clone();
    config.clients.credentials = users(allow, deny);
    server.reload(config).unwrap();
}

const LOGIN: &str = r#"{"verbose":false,"user":"u","pass":"p"}"#;

#[test]
fn that_are_lost_end_subscriptions() {
    let server = server().credentials(users(&[">"], &[])).start();
    let mut client = server.client().connect(LOGIN);
    client.subscribe("a", "1");
    client.subscribe("b", "2");
    client.join("c", "workers", "3");
    permit(&server, &["a"], &[]);
    client.expect(r#"-ERR 'Permissions Violation for Subscription to "b" (sid "2")'"#);
    client.expect(r#"-ERR 'Permissions Violation for Subscription to "c" using queue "workers" (sid "3")'"#);
    client.send("PUB b 0\r\n\r\nPUB c 0\r\n\r\nPUB a 2\r\nhi");
    client.expect("MSG a 1 2\r\nhi");
    client.sync_silent();
    assert_eq!(server.router().unwrap().subscriptions, 1);
    permit(&server, &[">"], &[]);
    client.subscribe("b", "2");
}

#[test]
fn what_is_denied_of_a_wildcard_is_not_delivered_any_more() {
    let server = server().credentials(users(&[">"], &[])).start();
    let mut client = server.client().connect(LOGIN);
    client.send("SUB a.* 1\r\nUNSUB 1 3");
    client.sync_silent();
    let mut publisher = server.client().connect(LOGIN);
    publisher.send("PUB a.secret 1\r\n1");
    client.expect("MSG a.secret 1 1\r\n1");
    permit(&server, &[">"], &["a.secret"]);
    client.sync_silent();
    publisher.sync_silent();
    publisher.send("PUB a.secret 1\r\n2\r\nPUB a.b 1\r\n3");
    client.expect("MSG a.b 1 1\r\n3");
    permit(&server, &[">"], &[]);
    client.sync_silent();
    publisher.sync_silent();
    // The third is the last: what was counted before counts.
    publisher.send("PUB a.secret 1\r\n4\r\nPUB a.secret 1\r\n5");
    client.expect("MSG a.secret 1 1\r\n4");
    client.sync_silent();
}
