//! A server with two accounts: that of everybody, and another.

use vagus_actors::router::RouterState;
use vagus_delivery::arbiter::Traffic;
use vagus_test_support::{Client, TestServer, server};

const TWO_ACCOUNTS: &str = "
    authorization { users: [{user: one, password: p}] }
    accounts { OTHER { users: [{user: other, password: p}] } }
";

pub(crate) struct World(TestServer);

/// Runs a test beside such a server.
pub(crate) fn check(test: impl FnOnce(&World)) {
    test(&World(server().configured(TWO_ACCOUNTS).arbiters(2).start()));
}

impl World {
    /// A server that is configured so.
    pub(crate) fn configured(text: &str) -> Self {
        Self(server().configured(text).arbiters(2).start())
    }

    /// What the Router of an account shows.
    pub(crate) fn router(&self, account: &str) -> RouterState {
        self.0.router_of(account).expect("there is such an account")
    }

    /// A client of a user, `one` or `other`, which belongs to the account of that user.
    pub(crate) fn client(&self, user: &str) -> Client {
        client(&self.0, user)
    }

    /// What passed through the server.
    pub(crate) fn traffic(&self) -> Traffic {
        self.0.traffic()
    }
}

/// A client of this user, who has the password p.
#[track_caller]
pub(crate) fn client(server: &TestServer, user: &str) -> Client {
    let mut client = server.client().connect(&options(user));
    client.sync();
    // Its own, as it asked for INFO at any time.
    client.read_info();
    client
}

/// What a user says in CONNECT.
pub(crate) fn options(user: &str) -> String {
    format!(
        r#"{{"verbose":false,"user":"{user}","pass":"p","headers":true,"no_responders":true,"protocol":1}}"#
    )
}

/// A exports, B imports as it says.
pub(crate) fn exporter_and_importer(exported: &str, imported: &str) -> String {
    format!(
        "accounts {{
            A {{ users: [{{user: a, password: p}}], exports: [{exported}] }}
            B {{ users: [{{user: b, password: p}}], imports: [{imported}] }}
            C {{ users: [{{user: c, password: p}}] }}
        }}"
    )
}

/// A server with these accounts.
pub(crate) fn start_sharing(exported: &str, imported: &str) -> TestServer {
    server()
        .configured(&exporter_and_importer(exported, imported))
        .arbiters(2)
        .start()
}
