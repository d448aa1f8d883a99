//! Clients are told where else in the cluster they can connect that speak WebSocket.

use crate::client::{WebSocketClient, text};
use vagus_test_support::{TestServer, eventually, server};

fn member(name: &str, routes: &[&TestServer], more: &str) -> TestServer {
    let routes: Vec<String> = routes
        .iter()
        .map(|server| format!("\"nats-route://{}\"", server.cluster_address().unwrap()))
        .collect();
    let cluster = format!(
        "server_name: {name}\ncluster {{ name: c, listen: \"127.0.0.1:-1\", routes: [{}] }}",
        routes.join(", ")
    );
    server().configured(&text(more, &cluster)).monitoring().start()
}

#[test]
fn by_their_own_addresses() {
    let first = member("a", &[], "");
    let (client, info) = WebSocketClient::informed(&first, &[]);
    assert!(!info.contains("connect_urls"), "{info}");
    let second = member("b", &[&first], "advertise: \"b.example:443\"");
    let told = |server: &TestServer| WebSocketClient::informed(server, &[]).1;
    let own = first.websocket_address().unwrap();
    let urls = format!(r#""connect_urls":["{own}","b.example:443"]"#);
    eventually(|| told(&first).contains(&urls));
    let urls = format!(r#""connect_urls":["b.example:443","{own}"]"#);
    eventually(|| told(&second).contains(&urls));
    // Others are told of other ports, and monitoring of both.
    let info = first.client();
    assert!(info.info().contains(&second.client_address().to_string()));
    assert!(!info.info().contains("b.example") && !info.info().contains("ws_connect_urls"));
    let varz = first.get("/varz").json();
    assert_eq!(
        varz["ws_connect_urls"],
        serde_json::json!([own.to_string(), "b.example:443"])
    );
    assert_eq!(varz["connect_urls"].as_array().unwrap().len(), 2);
    drop((client, second));
    let urls = format!(r#""connect_urls":["{own}"]"#);
    eventually(|| told(&first).contains(&urls));
}
