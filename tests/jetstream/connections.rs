//! Streams have a thread of their own, which carries no connections: who connects has a place on one of the others.

use crate::world::{Folder, asker};
use vagus_test_support::server;

/// More than are put on the first thread before the others get some.
const CLIENTS: usize = 150;

#[test]
fn all_clients_have_a_place() {
    let folder = Folder::new("jetstream");
    let folder = folder.path().display();
    let server = server()
        .configured(&format!("store_dir: '{folder}', jetstream: enabled"))
        .start();
    let clients: Vec<_> = (0..CLIENTS).map(|_| asker(server.client())).collect();
    for mut client in clients {
        client.sync();
    }
}
