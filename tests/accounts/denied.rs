//! What was once let through elsewhere, and is not here.

use crate::world::client;
use vagus_test_support::server;

/// A permission that is denied for a queue group is denied to who joins it.
#[test]
fn a_queue_group_that_is_denied() {
    let server = server()
        .configured(
            "accounts { A { users: [{user: a, password: p, permissions: {
                subscribe: {allow: ['>'], deny: ['jobs workers', 'jobs v2.*']}
            }}] } }",
        )
        .start();
    let mut a = client(&server, "a");
    for queue in ["workers", "v2.x"] {
        a.send(&format!("SUB jobs {queue} 1"));
        a.expect(&format!(
            r#"-ERR 'Permissions Violation for Subscription to "jobs" using queue "{queue}"'"#
        ));
    }
    a.join("jobs", "others", "2");
    a.subscribe("jobs", "3");
    a.send("PUB jobs 2\r\nhi");
    let came: Vec<_> = a.sync_messages().into_iter().map(|message| message.sid).collect();
    assert_eq!(came.len(), 2, "{came:?}");
}

/// Who gives no credentials may do and use what the user may that it becomes, and no more.
#[test]
fn nobody_comes_in_as_somebody_who_may_not_connect_so() {
    for no_auth_user in ["web", "key"] {
        let configuration = format!(
            "accounts {{ A {{ users: [
                {{user: web, password: p, allowed_connection_types: [WEBSOCKET]}}
                {{nkey: UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4, connection_types: [MQTT]}}
            ] }} }}
            no_auth_user: {}",
            match no_auth_user {
                "web" => "web",
                _ => "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4",
            }
        );
        let server = server().configured(&configuration).start();
        let mut nobody = server.client().connect(r#"{"verbose":false}"#);
        nobody.expect("-ERR 'Authorization Violation'");
        let mut silent = server.client();
        silent.send("PUB x 0\r\n");
        silent.expect("-ERR 'Authorization Violation'");
    }
}

/// A page that begins behind the last connection is empty, however large its numbers are.
#[test]
fn pages_that_no_number_can_end() {
    let server = server()
        .configured("accounts { A { users: [{user: a, password: p}] } }")
        .monitoring()
        .start();
    let mut a = client(&server, "a");
    a.subscribe("x", "1");
    const LARGE: &str = "offset=9223372036854775807&limit=9223372036854775807";
    for (page, field) in [
        ("/connz?", "connections"),
        ("/connz?acc=A&", "connections"),
        ("/connz?state=any&", "connections"),
        ("/subsz?subs=1&", "subscriptions_list"),
        ("/subsz?subs=1&test=x&", "subscriptions_list"),
    ] {
        let answer = server.get(&format!("{page}{LARGE}"));
        assert_eq!(answer.status, 200, "{page}");
        let listed = answer.json()[field].as_array().map_or(0, Vec::len);
        assert_eq!(listed, 0, "{page}");
        let first = server
            .get(&format!("{page}offset=0&limit=9223372036854775807"))
            .json();
        assert_eq!(first[field].as_array().map_or(0, Vec::len), 1, "{page}");
    }
}
