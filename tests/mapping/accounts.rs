//! Each account has mappings of its own.

use vagus_test_support::server;

#[test]
fn have_mappings_of_their_own() {
    let server = server()
        .configured(
            "
            mappings { x: of-everybody }
            accounts {
                A { users: [{user: a, password: p}], mappings { x: of-a } }
                B { users: [{user: b, password: p}], mappings { x: of-b } }
                C { users: [{user: c, password: p}] }
            }
            authorization { users: [{user: g, password: p}] }
            ",
        )
        .start();
    for (user, delivered) in [("a", "of-a"), ("b", "of-b"), ("c", "x"), ("g", "of-everybody")] {
        let connect = format!(r#"{{"verbose":false,"user":"{user}","pass":"p"}}"#);
        let mut client = server.client().connect(&connect);
        client.subscribe(">", "1");
        client.publish("x", b"1");
        client.expect(&format!("MSG {delivered} 1 1\r\n1"));
    }
}
