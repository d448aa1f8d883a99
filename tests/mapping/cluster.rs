//! What is mapped for one cluster alone, by the name that it has.

use crate::CONNECT;
use vagus_test_support::{Client, TestServer, server};

/// A server in the cluster of this name, if it is in one, with these mappings.
fn start(cluster: Option<&str>, mappings: &str) -> TestServer {
    server().configured(&configuration(cluster, mappings)).start()
}

fn configuration(cluster: Option<&str>, mappings: &str) -> String {
    let cluster = cluster.map_or_else(String::new, |name| {
        format!("cluster {{ name: {name}, listen: \"127.0.0.1:-1\" }}\n")
    });
    format!("{cluster}mappings = {{ {mappings} }}\n")
}

const HERE_AND_ELSEWHERE: &str = "a: [
    {destination: here, weight: 100%, cluster: east}
    {destination: there, weight: 100%, cluster: west}
    {destination: anywhere, weight: 100%}
]";

fn subscriber(server: &TestServer) -> Client {
    let mut client = server.client().connect(CONNECT);
    client.subscribe(">", "1");
    client.sync_silent();
    client
}

fn goes_to(client: &mut Client, destination: &str) {
    client.send("PUB a 2\r\nhi");
    client.expect(&format!("MSG {destination} 1 2\r\nhi"));
}

#[test]
fn each_cluster_has_its_own_destinations() {
    for (cluster, destination) in [
        (Some("east"), "here"),
        (Some("west"), "there"),
        (Some("north"), "anywhere"),
        (None, "anywhere"),
    ] {
        goes_to(&mut subscriber(&start(cluster, HERE_AND_ELSEWHERE)), destination);
    }
}

#[test]
fn what_a_reload_says_is_for_the_same_cluster() {
    let server = start(Some("east"), "b: c");
    let mut client = subscriber(&server);
    goes_to(&mut client, "a");
    server.reconfigure(&configuration(Some("east"), HERE_AND_ELSEWHERE));
    goes_to(&mut client, "here");
    let only_there = "a: [{destination: there, weight: 100%, cluster: west}]";
    server.reconfigure(&configuration(Some("east"), only_there));
    goes_to(&mut client, "a");
    // An account that is opened by a reload is in the cluster, too.
    server.reconfigure(&format!(
        "{}accounts {{ NEW {{ users: [{{user: new, password: p}}], mappings: {{ {HERE_AND_ELSEWHERE} }} }} }}",
        configuration(Some("east"), only_there)
    ));
    let mut new = server
        .client()
        .connect(r#"{"verbose":false,"headers":true,"no_responders":true,"user":"new","pass":"p"}"#);
    new.subscribe(">", "1");
    new.sync_silent();
    goes_to(&mut new, "here");
}

/// A server whose cluster has a name that was made up is in that of another as soon as the two agree.
#[test]
fn a_cluster_that_gets_its_name_from_another() {
    let named = start(Some("east"), "b: c");
    let address = named.cluster_address().expect("it is in a cluster");
    let server = server()
        .configured(&format!(
            "cluster {{ listen: \"127.0.0.1:-1\", routes: [\"nats://{address}\"] }}
            mappings = {{ {HERE_AND_ELSEWHERE} }}"
        ))
        .start();
    let mut client = subscriber(&server);
    vagus_test_support::eventually(|| server.cluster().is_some_and(|cluster| cluster.members.len() == 1));
    goes_to(&mut client, "here");
}
