//! Interest is told where a server imports a subject, and taken where it exports it.

use crate::peer::Route;
use crate::world::{NAME, await_interest, clustered, in_cluster};
use vagus_auth::permission::{Permissions, Rules};
use vagus_test_support::TestServer;

fn rules(allow: &[&str], deny: &[&str]) -> Rules {
    let list = |subjects: &[&str]| subjects.iter().map(|subject| (*subject).to_owned()).collect();
    Rules {
        allow: list(allow),
        deny: list(deny),
    }
}

fn server(import: Rules, export: Rules) -> TestServer {
    let mut cluster = clustered(Some(NAME), &[]);
    cluster.permissions = Some(Permissions {
        publish: import,
        subscribe: export,
        allow_responses: None,
    });
    in_cluster("a", cluster).start()
}

#[test]
fn interest_is_told_in_what_is_imported() {
    let server = server(rules(&["in.>", "both"], &["in.not"]), rules(&[], &[]));
    let mut client = server.connected();
    client.send("SUB in.not 1\r\nSUB other 2\r\nSUB in.* 3\r\nSUB both q 4\r\nSUB $MQTT.x 5");
    client.sync_silent();
    let mut route = Route::joined(&server);
    assert!(
        route
            .info()
            .contains(r#""import":{"allow":["in.>","both"],"deny":["in.not"]},"export":{}"#),
        "{}",
        route.info()
    );
    let mut told: Vec<String> = (0..3).map(|_| route.line()).collect();
    told.sort();
    assert_eq!(told, ["RS+ $G $MQTT.x", "RS+ $G both q 1", "RS+ $G in.*"]);
    client.send("SUB other.too 5\r\nUNSUB 2\r\nUNSUB 4");
    client.sync_silent();
    route.expect(&["RS- $G both q"]);
}

#[test]
fn interest_is_taken_in_what_is_exported() {
    let server = server(
        rules(&[], &[]),
        rules(&["out.*", "all.>"], &["out.not", "all.secret"]),
    );
    let mut route = Route::joined(&server);
    route.say(
        "RS+ $G out.not\r\nRS+ $G other\r\nRS+ $G out.a\r\nRS+ $G out.b q 2\r\nRS+ $G all.*\r\nRS+ $G >",
    );
    route.say("RS+ $G $MQTT.x");
    await_interest(&server, 5);
    let mut client = server.connected();
    client.send("PUB out.not 1\r\n1\r\nPUB other 1\r\n2\r\nPUB all.secret 1\r\n3\r\nPUB out.a 1\r\n4\r\nPUB all.x 1\r\n5");
    client.sync_silent();
    route.expect(&["RMSG $G out.a 1", "4", "RMSG $G all.x 1", "5"]);
}
