//! What nsc has made: an operator that wants signing keys, an account with one that has a template, and users.

use crate::world::present;
use vagus_auth::nkey::KeyPair;
use vagus_jwt::undecorated;
use vagus_test_support::{Client, TestServer, server};

const CONFIGURATION: &str = include_str!("nsc/server.conf");
const ALICE: &str = include_str!("nsc/alice.creds");
const BOB: &str = include_str!("nsc/bob.creds");

#[track_caller]
fn enter(server: &TestServer, credentials: &str) -> Client {
    let (_, seed) = credentials.split_once("BEGIN USER NKEY SEED-----").unwrap();
    let key = KeyPair::from_seed(seed.trim().lines().next().unwrap()).unwrap();
    let mut client = present(server, undecorated(credentials), &key);
    client.sync_silent();
    client
}

#[test]
fn its_users_come_in_with_their_permissions() {
    let server = server().configured(CONFIGURATION).start();
    let mut alice = enter(&server, ALICE);
    alice.subscribe("orders.1", "1");
    alice.send("PUB orders.1 2\r\nhi");
    alice.expect("MSG orders.1 1 2\r\nhi");
    alice.send("PUB invoices.1 2\r\nhi");
    alice.expect("-ERR 'Permissions Violation for Publish to \"invoices.1\"'");
}

#[test]
fn its_templates_are_filled_in() {
    let server = server().configured(CONFIGURATION).start();
    let mut bob = enter(&server, BOB);
    bob.subscribe("team.red.x", "1");
    bob.send("PUB team.red.x 2\r\nhi");
    bob.expect("MSG team.red.x 1 2\r\nhi");
    bob.send("PUB team.blue.x 2\r\nhi");
    bob.expect("-ERR 'Permissions Violation for Publish to \"team.blue.x\"'");
}
