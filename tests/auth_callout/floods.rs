//! Somebody who has a service asked without end, which does not answer, is the only one who waits for that.

use crate::world::{Service, key};
use vagus_auth::nkey::Kind;
use vagus_test_support::{Client, eventually, server};

/// The service is asked by `AUTH`; `known` is not asked about.
fn configuration(issuer: &str) -> String {
    format!(
        "accounts {{
            AUTH {{ users: [{{user: auth, password: p}}, {{user: known, password: p}}] }}
            APP {{}}
        }}
        authorization {{
            timeout: 30
            auth_callout {{ issuer: {issuer}, account: AUTH, auth_users: [auth, known] }}
        }}"
    )
}

fn say(client: Client, user: &str) -> Client {
    client.connect(&format!(
        r#"{{"verbose":false,"user":"{user}","pass":"p","headers":true,"no_responders":true}}"#
    ))
}

/// How many questions of one address may be under way: a ninth of 2,048.
const OF_AN_ADDRESS: usize = 228;

/// How many more somebody wants asked.
const TOO_MANY: usize = 40;

#[test]
fn others_come_in_and_exchange_messages_as_before() {
    let issuer = key(Kind::Account);
    let server = server()
        .configured(&configuration(issuer.public()))
        .arbiters(2)
        .start();
    let mut service = Service::new(say(server.client(), "auth"), issuer);
    let mut beside = say(server.client(), "known");
    beside.subscribe("x", "1");
    beside.sync_silent();
    let flood: Vec<Client> = (0..OF_AN_ADDRESS + TOO_MANY)
        .map(|number| say(server.client_from(2), &format!("flood{number}")))
        .collect();
    // Who is beyond the share of the address is refused at once; the service is asked about each of the others, once.
    eventually(|| server.connections().len() == OF_AN_ADDRESS + 2);
    let mut asked = Vec::new();
    while asked.len() < OF_AN_ADDRESS {
        asked.push(service.asked());
    }
    service.client.sync_silent();
    // Others are not in its way.
    beside.publish("x", b"hi");
    assert_eq!(beside.message().payload, b"hi");
    say(server.client_from(2), "known").sync_silent();
    let mut newcomer = say(server.client_from(3), "newcomer");
    let question = service.asked();
    let token = service.user(&question, "APP", |_| {});
    service.grant(&question, &token);
    newcomer.sync_silent();
    // With the next answer there is a place for one more of that address.
    let token = service.user(&asked[0], "APP", |_| {});
    service.grant(&asked[0], &token);
    eventually(|| {
        server
            .connections()
            .iter()
            .any(|connection| connection.client.user.starts_with("flood"))
    });
    let mut late = say(server.client_from(2), "late");
    let question = service.asked();
    let token = service.user(&question, "APP", |_| {});
    service.grant(&question, &token);
    late.sync_silent();
    drop(flood);
}
