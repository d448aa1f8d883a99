//! A message that is refused reaches nobody, whatever stands beside it in one read, and is counted as received.

use vagus_auth::credentials::{ConnectionTypes, Credentials, Proof, User};
use vagus_auth::permission::{Permissions, Rules};
use vagus_test_support::{Frame, TestServer, server};

fn permitted() -> TestServer {
    let user = |name: &str, permissions| User {
        proof: Proof::Password {
            name: name.to_owned(),
            password: "p".to_owned(),
        },
        permissions,
        connection_types: ConnectionTypes::default(),
        account: None,
        requires_proxy: false,
    };
    let only = Rules {
        allow: ["foo", "bar", "$NRG.>"].map(str::to_owned).to_vec(),
        deny: Vec::new(),
    };
    let permissions = Permissions {
        publish: only,
        ..Permissions::default()
    };
    let users = vec![user("all", None), user("some", Some(permissions.into()))];
    server()
        .credentials(Credentials::Users {
            users: users.into(),
            no_auth_user: None,
            default_permissions: None,
        })
        .start()
}

#[test]
fn reaches_nobody() {
    let server = permitted();
    let mut listener = server
        .client()
        .connect(r#"{"verbose":false,"user":"all","pass":"p"}"#);
    listener.subscribe(">", "1");
    for (name, asked) in [
        ("all", ""),
        ("some", ""),
        ("some", r#","verbose":true"#),
        ("all", r#","pedantic":true"#),
    ] {
        for refused in [
            "PUB $NRG.x 1\r\n-\r\n",
            "PUB _GR_.x 1\r\n-\r\n",
            "PUB foo _R_.x 1\r\n-\r\n",
            "PUB foo $JS.ACK.x 1\r\n-\r\n",
            "HPUB $NRG.x 12 13\r\nNATS/1.0\r\n\r\n-\r\n",
            "PUB no 1\r\n-\r\n",
            "PUB foo.* 1\r\n-\r\n",
        ] {
            let everything = name == "all";
            if everything && (refused.starts_with("PUB no") || refused.starts_with("PUB foo.*")) {
                continue;
            }
            let options = format!(
                r#"{{"verbose":false,"pedantic":false,"headers":true,"user":"{name}","pass":"p"{asked}}}"#
            );
            let mut publisher = server.client().connect(&options);
            publisher.sync();
            let before = server.traffic();
            let refused = refused.repeat(3);
            publisher.send(&format!(
                "PUB foo 1\r\na\r\n{refused}PUB foo 1\r\nb\r\n{refused}PUB bar 1\r\nc"
            ));
            let errors = publisher
                .sync()
                .iter()
                .filter(
                    |frame| matches!(frame, Frame::Error(error) if error.contains("Permissions Violation")),
                )
                .count();
            assert_eq!(errors, 6, "{refused:?}");
            let heard = listener.sync_messages();
            let heard: Vec<_> = heard
                .iter()
                .map(|message| (&*message.subject, &*message.payload))
                .collect();
            let expected: [(&str, &[u8]); 3] = [("foo", b"a"), ("foo", b"b"), ("bar", b"c")];
            assert_eq!(heard, expected, "{refused:?}");
            let after = server.traffic();
            assert_eq!(after.messages_in - before.messages_in, 9);
            assert!(after.payload_in - before.payload_in >= 9);
        }
    }
}
