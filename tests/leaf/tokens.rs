//! Leaf nodes prove who they are by tokens of accounts that operators have signed, or by keys.

use crate::peer::Peer;
use crate::world::{await_links, hub_by, leaf_by, url};
use std::path::Path;
use vagus_auth::credentials::{ConnectionTypes, Credentials, Proof, User};
use vagus_auth::nkey::{KeyPair, Kind};
use vagus_configs::{LeafListener, LeafRemote, Port, UserKey};
use vagus_test_support::{eventually, server};

const OPERATOR: &str = include_str!("../jwt/nsc/server.conf");

fn credentials() -> LeafRemote {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/jwt/nsc/alice.creds");
    LeafRemote {
        credentials: Some(path),
        ..LeafRemote::default()
    }
}

#[test]
fn a_file_of_credentials_lets_a_leaf_node_in() {
    let mut listener = LeafListener::default();
    listener.settings.listen.host = "127.0.0.1".to_owned();
    listener.settings.listen.port = Port::Free;
    let hub = server().configured(OPERATOR);
    let hub = hub
        .set(|config| config.leafnodes.listener = Some(listener))
        .monitoring();
    let hub = hub.start();
    let address = hub.leafnode_address().unwrap();
    let leaf = leaf_by("edge", &[address], |remote| {
        *remote = LeafRemote {
            urls: vec![url(address)],
            ..credentials()
        };
    });
    let leaf = leaf.start();
    await_links(&hub, 1);
    await_links(&leaf, 1);
    let leafz = hub.get("/leafz").json();
    let account = leafz["leafs"][0]["account"].as_str().unwrap().to_owned();
    assert!(account.starts_with("AB3FFQF2"), "{account}");
    // A token without the key that it is of is no proof.
    let mut peer = Peer::to(&hub);
    let text = std::fs::read_to_string(credentials().credentials.unwrap()).unwrap();
    let token = vagus_jwt::undecorated(&text);
    peer.say(&format!(r#"CONNECT {{"jwt":"{token}","sig":"AAAA"}}"#));
    assert_eq!(peer.rest(), ["-ERR 'Authorization Violation'"]);
}

#[test]
fn a_key_lets_a_leaf_node_in() {
    let key = KeyPair::generate(Kind::User).unwrap();
    let user = User {
        proof: Proof::Nkey(key.public().to_owned()),
        permissions: None,
        connection_types: ConnectionTypes::default(),
        account: None,
        requires_proxy: false,
    };
    let hub = hub_by("hub", |listener| {
        listener.settings.credentials = Credentials::Users {
            users: [user].into(),
            no_auth_user: None,
            default_permissions: None,
        };
    });
    let hub = hub.start();
    let address = hub.leafnode_address().unwrap();
    let keyed = |key: &KeyPair| {
        let key = key.clone();
        leaf_by("edge", &[address], move |remote| {
            remote.key = Some(UserKey(key.clone()))
        })
        .start()
    };
    let leaf = keyed(&key);
    await_links(&hub, 1);
    drop(leaf);
    let stranger = keyed(&KeyPair::generate(Kind::User).unwrap());
    eventually(|| {
        let hubs = stranger.hubs().unwrap();
        hubs[0].dialling.as_ref().unwrap().failed > 0
    });
    assert_eq!(stranger.links(), 0);
}
