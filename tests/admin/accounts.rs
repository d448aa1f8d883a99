//! Accounts are shown as they are, and users without their secrets.

use crate::{ANN, BOB, protected, with};
use serde_json::{Value, json};
use vagus_test_support::{TestServer, eventually, http, server};

const CONFIGURATION: &str = r#"
    accounts {
        MAKERS {
            users: [{user: maker, password: hush, permissions: {publish: {deny: [secret]}}}, {user: idle, password: hush}]
            exports: [{stream: "made.>"}, {service: order, accounts: [BUYERS]}]
            mappings { old: new, canary: [{destination: tried, weight: 10%}] }
            limits { max_connections: 7 }
        }
        BUYERS {
            users: [{user: buyer, password: hush}]
            imports: [{stream: {account: MAKERS, subject: "made.>"}, prefix: bought}, {service: {account: MAKERS, subject: order}}]
        }
    }
"#;

fn started() -> TestServer {
    server().configured(CONFIGURATION).set(with(protected())).start()
}

fn get(server: &TestServer, path: &str) -> Value {
    let answer = http(server.admin_address().unwrap(), "GET", path, &[BOB]);
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(!answer.body.contains("hush"), "{}", answer.body);
    answer.json()
}

#[test]
fn are_listed_with_who_is_in_them_and_what_passes() {
    let server = started();
    let login = r#"{"verbose":false,"user":"maker","pass":"hush"}"#;
    let mut maker = server.client().connect(login);
    maker.subscribe("made.*", "1");
    maker.send("PUB made.x 5\r\nhello");
    maker.expect("MSG made.x 1 5\r\nhello");
    let list = get(&server, "/v1/accounts");
    assert_eq!(list["total"], 4);
    let names: Vec<_> = list["accounts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["name"])
        .collect();
    // Those in which most are come first, then by name.
    assert_eq!(names, ["MAKERS", "$G", "$SYS", "BUYERS"]);
    let makers = &list["accounts"][0];
    for (key, value) in [
        ("connections", json!(1)),
        ("total_connections", json!(1)),
        ("subscriptions", json!(1)),
        ("received", json!({"messages": 1, "bytes": 5})),
        ("sent", json!({"messages": 1, "bytes": 5})),
        ("exports", json!(2)),
        ("imports", json!(0)),
        ("mappings", json!(2)),
        ("users", json!(2)),
        ("is_system", json!(false)),
    ] {
        assert_eq!(makers[key], value, "{key}");
    }
    let some = get(&server, "/v1/accounts?sort=name&offset=1&limit=1&find=S");
    assert_eq!(
        (&some["total"], &some["accounts"][0]["name"]),
        (&json!(3), &json!("BUYERS"))
    );
    drop(maker);
    eventually(|| get(&server, "/v1/accounts/MAKERS")["connections"] == 0);
    assert_eq!(get(&server, "/v1/accounts/MAKERS")["received"]["messages"], 1);
}

#[test]
fn are_shown_with_what_they_share_and_their_users() {
    let server = started();
    let makers = get(&server, "/v1/accounts/MAKERS");
    assert_eq!(
        makers["export_list"],
        json!([
            {"kind": "stream", "subject": "made.>", "access": "public", "accounts": []},
            {"kind": "service", "subject": "order", "access": "accounts", "accounts": ["BUYERS"], "response": "singleton"},
        ])
    );
    assert_eq!(makers["limits"]["connections"], 7);
    let canary =
        json!({"source": "canary", "destinations": [{"subject": "tried", "weight": 10, "cluster": null}]});
    assert!(makers["mapping_list"].as_array().unwrap().contains(&canary));
    let user = &makers["user_list"][0];
    assert_eq!(
        (&user["name"], &user["proof"]),
        (&json!("maker"), &json!("password"))
    );
    assert_eq!(
        user["permissions"]["publish"],
        json!({"allow": [], "deny": ["secret"]})
    );
    assert_eq!(makers["truncated"], false);
    let buyers = get(&server, "/v1/accounts/BUYERS");
    assert_eq!(
        buyers["import_list"],
        json!([
            {"kind": "stream", "account": "MAKERS", "subject": "made.>", "local": "bought.made.>"},
            {"kind": "service", "account": "MAKERS", "subject": "order", "local": "order"},
        ])
    );
    assert_eq!(get(&server, "/v1/accounts/$SYS")["is_system"], true);
    let address = server.admin_address().unwrap();
    assert_eq!(http(address, "GET", "/v1/accounts/NOBODY", &[ANN]).status, 404);
    assert_eq!(http(address, "GET", "/v1/accounts?sort=luck", &[ANN]).status, 400);
    assert_eq!(http(address, "GET", "/v1/accounts", &[]).status, 401);
}

/// Who looks at the port of monitoring is not told who the users are.
#[test]
fn are_for_the_admin_service_alone() {
    let server = server().configured(CONFIGURATION).monitoring().start();
    assert_eq!(server.get("/v1/accounts").status, 404);
    assert_eq!(server.get("/v1/accounts/MAKERS").status, 404);
}
