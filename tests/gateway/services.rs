//! Services of one account that another imports, where who asks and who answers are in different clusters.

use crate::world::{await_gateways, gateway, port};
use vagus_configs::Config;
use vagus_test_support::{Client, TestServer, eventually};

const ACCOUNTS: &str = "accounts {
    PROVIDER { users: [{ user: provider, password: p }], exports: [{ service: 'help.*' }] }
    CONSUMER { users: [{ user: consumer, password: c }], imports: [{ service: { account: PROVIDER, subject: 'help.me' }, to: ask }] }
}";

fn with_accounts(config: &mut Config) {
    let path = std::path::Path::new("accounts.conf");
    let loaded = vagus_configs::parse(ACCOUNTS, path, &vagus_configs::Disk, &|_: &str| None).unwrap();
    config.accounts = loaded.config.accounts;
    config.clients.credentials = loaded.config.clients.credentials;
}

fn client(server: &TestServer, user: &str, password: &str) -> Client {
    Client::to(server.client_address()).connect(&format!(
        r#"{{"user":"{user}","pass":"{password}","headers":true,"no_responders":true,"verbose":false}}"#
    ))
}

#[test]
fn answers_of_imported_services_find_back() {
    let a = gateway("a", "A", &[]).set(with_accounts).start();
    let b = gateway("b", "B", &[("A", port(&a))]).set(with_accounts).start();
    await_gateways(&a, 1, 1);
    await_gateways(&b, 1, 1);
    for (asked, answering) in [(&a, &b), (&b, &a)] {
        let mut service = client(answering, "provider", "p");
        service.subscribe("help.me", "1");
        service.sync_silent();
        let mut probe = client(asked, "consumer", "c");
        // Until the other cluster knows of the service nobody answers.
        eventually(|| {
            probe.send("SUB probe 1\r\nPUB ask probe 0\r\n");
            let status = probe.sync_messages();
            status.is_empty()
        });
        assert_eq!(service.message().subject, "help.me");
        for number in 0..100 {
            let mut consumer = client(asked, "consumer", "c");
            consumer.send(&format!("SUB inbox.{number} 1\r\nPUB ask inbox.{number} 2\r\nhi"));
            let request = service.message();
            assert_eq!(request.payload, b"hi");
            service.send(&format!("PUB {} 2\r\nho", request.reply.unwrap()));
            let answer = consumer.message();
            assert_eq!(
                (answer.subject, answer.payload),
                (format!("inbox.{number}"), b"ho".to_vec())
            );
        }
    }
}
