//! The pages about accounts, other servers, what is stored, and the inside.

use vagus_test_support::server;

#[test]
fn accounts() {
    let server = server().monitoring().start();
    let mut client = server.connected();
    client.send("SUB x 1\r\nPUB x 5\r\nhello");
    client.expect("MSG x 1 5\r\nhello");
    client.sync_silent();
    let accountz = server.get("/accountz").json();
    assert_eq!(accountz["accounts"].to_string(), r#"["$G","$SYS"]"#);
    let detail = &server.get("/accountz?acc=$G").json()["account_detail"];
    assert_eq!(
        (&detail["client_connections"], &detail["subscriptions"]),
        (&1.into(), &1.into())
    );
    assert_eq!(detail["sublist_stats"]["num_inserts"], 1);
    let system = &server.get("/accountz?acc=$SYS").json()["account_detail"];
    assert_eq!(
        (&system["is_system"], &system["client_connections"]),
        (&true.into(), &0.into())
    );
    let nobody = server.get("/accountz?acc=NONE");
    assert_eq!(
        (nobody.status, &*nobody.body),
        (400, "Account NONE does not exist")
    );
    let traffic = server.get("/accstatz").json();
    assert_eq!(traffic["account_statz"].as_array().unwrap().len(), 1);
    let global = &traffic["account_statz"][0];
    assert_eq!((&global["acc"], &global["conns"]), (&"$G".into(), &1.into()));
    assert_eq!(
        (&global["sent"]["bytes"], &global["received"]["msgs"]),
        (&5.into(), &1.into())
    );
    assert_eq!(
        server.get("/accstatz?unused=1").json()["account_statz"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

#[test]
fn what_there_is_not() {
    let server = server().monitoring().start();
    for (path, field, value) in [
        ("/routez", "routes", "[]"),
        ("/routez?subs=detail", "num_routes", "0"),
        ("/clusterz", "dialled", "[]"),
        ("/gatewayz?accs=1", "outbound_gateways", "{}"),
        ("/leafz?subs=1", "leafs", "[]"),
        ("/jsz?streams=true", "disabled", "true"),
        ("/ipqueuesz", "nothing", "null"),
    ] {
        let shown = server.get(path).json();
        assert_eq!(shown[field].to_string(), value, "{path}");
    }
    let raftz = server.get("/raftz");
    assert_eq!((raftz.status, &*raftz.body), (404, "No Raft nodes registered"));
    for path in [
        "/routez?subs=x",
        "/gatewayz?accs=x",
        "/leafz?subs=x",
        "/jsz?limit=x",
        "/accstatz?unused=x",
    ] {
        assert_eq!(server.get(path).status, 400, "{path}");
    }
}

#[test]
fn the_inside() {
    let server = server().arbiters(2).monitoring().start();
    let _client = server.connected();
    let stacks = server.get("/stacksz");
    assert_eq!(stacks.header("content-type"), "text/plain; charset=utf-8");
    for line in [
        "thread ",
        "actor Router: 0 subscriptions",
        "arbiter 0: 1 actors Connection",
        "actor Monitor: 1 ",
    ] {
        assert!(stacks.body.contains(line), "{line:?} is not in\n{}", stacks.body);
    }
    let queues = server.get("/ipqueuesz?all=1&queues=changes").json();
    assert_eq!(queues.to_string(), r#"{"Router changes":{"pending":0}}"#);
    let variables = server.get("/debug/vars").json();
    assert_eq!(
        variables["cmdline"].as_array().unwrap().len(),
        1,
        "arguments may be secrets"
    );
    assert!(variables["memstats"]["Sys"].as_u64().unwrap() > 0);
    assert_eq!(server.get("/expvarz").status, 200, "the other name");
}

#[test]
fn the_index_links_to_all() {
    let server = server().monitoring().http_base_path("/nats").start();
    let index = server.get("/nats");
    assert_eq!(index.header("content-type"), "text/html; charset=utf-8");
    let links: Vec<&str> = index
        .body
        .split("href=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect();
    assert!(links.len() > 10, "{links:?}");
    for link in links {
        let status = server.get(link).status;
        assert!(status == 200 || link.ends_with("/raftz"), "{link}: {status}");
    }
}
