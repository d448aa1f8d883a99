//! What is asked is answered, by the server that is meant.

use crate::world::{ask, ask_json, asker, client, json, says_nobody, start};

/// One server by its id, and all of them; each answer says who gives it, and which of its answers it is.
#[test]
fn servers_are_asked_by_id_or_all() {
    let server = start();
    let mut sys = asker(&server);
    let id = server.id().to_owned();
    let mut sequence = 0;
    for what in [
        "VARZ",
        "SUBSZ",
        "CONNZ",
        "ROUTEZ",
        "GATEWAYZ",
        "LEAFZ",
        "ACCOUNTZ",
        "JSZ",
        "HEALTHZ",
        "PROFILEZ",
        "EXPVARZ",
        "IPQUEUESZ",
        "RAFTZ",
    ] {
        for subject in [
            format!("$SYS.REQ.SERVER.PING.{what}"),
            format!("$SYS.REQ.SERVER.{id}.{what}"),
        ] {
            let answer = ask_json(&mut sys, &subject, "");
            assert_eq!(answer["server"]["id"], id.as_str(), "{subject}");
            assert_eq!(answer["server"]["name"], "solo");
            assert_eq!(answer["server"]["tags"][0], "region:eu");
            assert!(answer["data"].is_object(), "{subject}: {answer}");
            let next = answer["server"]["seq"].as_u64().unwrap();
            assert!(next > sequence, "{sequence}, then {next}");
            sequence = next;
        }
    }
    for subject in [
        "$SYS.REQ.SERVER.PING".to_owned(),
        format!("$SYS.REQ.SERVER.{id}.STATSZ"),
    ] {
        let answer = ask_json(&mut sys, &subject, "");
        assert_eq!(answer["statsz"]["connections"], 1, "{answer}");
    }
    let identity = ask(&mut sys, "$SYS.REQ.SERVER.PING.IDZ", "");
    assert_eq!(
        identity.text(),
        format!(r#"{{"name":"solo","host":"127.0.0.1","id":"{id}"}}"#)
    );
    for subject in ["$SYS.REQ.SERVER.PING.NONSENSE", "$SYS.REQ.SERVER.OTHER.VARZ"] {
        assert!(says_nobody(&ask(&mut sys, subject, "")), "{subject}");
    }
}

/// A server that is not meant says nothing.
#[test]
fn filters_choose_servers() {
    let server = start();
    let mut sys = asker(&server);
    for (filter, is_meant) in [
        (r#"{"server_name":"sol"}"#, true),
        (r#"{"server_name":"sol","exact_match":true}"#, false),
        (r#"{"tags":["region:eu"]}"#, true),
        (r#"{"tags":["region:us"]}"#, false),
        (r#"{"host":"10.0.0.1"}"#, false),
        (r#"{"cluster":"C"}"#, false),
        (r#"{"domain":"hub"}"#, false),
    ] {
        let mut listener = client(&server, "sys");
        listener.subscribe("filtered", "1");
        for what in ["VARZ", "STATSZ", "HEALTHZ"] {
            let subject = format!("$SYS.REQ.SERVER.PING.{what}");
            sys.send(&format!("PUB {subject} filtered {}\r\n{filter}", filter.len()));
            if is_meant {
                assert!(json(&listener.message())["server"].is_object(), "{filter}");
            }
        }
        // Who is not meant has taken the requests by now, and answers nobody.
        ask(&mut sys, "$SYS.REQ.SERVER.PING.VARZ", "");
        assert_eq!(listener.sync_messages(), [], "{filter}");
    }
}

#[test]
fn what_is_no_request_is_refused_in_the_words_of_go() {
    let server = start();
    let mut sys = asker(&server);
    for what in ["CONNZ", "STATSZ", "PROFILEZ"] {
        let answer = ask_json(&mut sys, &format!("$SYS.REQ.SERVER.PING.{what}"), "{nonsense");
        assert_eq!(answer["error"]["code"], 400, "{what}: {answer}");
        assert_eq!(
            answer["error"]["description"],
            "invalid character 'n' looking for beginning of object key string"
        );
        assert!(answer.get("data").is_none());
    }
    let answer = ask_json(&mut sys, "$SYS.REQ.SERVER.PING.ACCOUNTZ", r#"{"account":"NONE"}"#);
    assert_eq!(answer["error"]["code"], 500);
    assert_eq!(answer["error"]["description"], "Account NONE does not exist");
}

#[test]
fn accounts_are_asked_about_by_name() {
    let server = start();
    let mut sys = asker(&server);
    let mut a = client(&server, "a");
    a.subscribe("foo.*", "5");
    a.sync_silent();
    let mut about = |what: &str| ask_json(&mut sys, &format!("$SYS.REQ.ACCOUNT.A.{what}"), "");
    let connections = about("CONNZ");
    assert_eq!(connections["data"]["total"], 1);
    assert_eq!(connections["data"]["connections"][0]["name"], "a");
    let subscriptions = about("SUBSZ");
    assert_eq!(subscriptions["data"]["subscriptions_list"][0]["subject"], "foo.*");
    assert_eq!(subscriptions["data"]["subscriptions_list"][0]["account"], "A");
    assert_eq!(about("LEAFZ")["data"]["leafnodes"], 0);
    assert_eq!(about("JSZ")["error"]["description"], "jetstream not enabled");
    let account = about("INFO");
    assert_eq!(account["data"]["account_name"], "A");
    assert_eq!(account["data"]["client_connections"], 1);
    let traffic = about("STATZ");
    assert_eq!(traffic["data"]["account_statz"][0]["conns"], 1);
    let count = about("CONNS");
    assert_eq!(count["type"], "io.nats.server.advisory.v1.account_connections");
    assert_eq!((&count["acc"], &count["conns"]), (&"A".into(), &1.into()));
    let all = ask_json(
        &mut sys,
        "$SYS.REQ.ACCOUNT.PING.STATZ",
        r#"{"include_unused":true}"#,
    );
    let names: Vec<&str> = all["data"]["account_statz"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|account| account["acc"].as_str())
        .collect();
    assert_eq!(names, ["$G", "A", "SYS"]);
}

#[test]
fn subscribers_are_counted() {
    let server = start();
    let mut sys = asker(&server);
    let mut a = client(&server, "a");
    a.subscribe("foo.bar", "1");
    a.subscribe("foo.*", "2");
    a.join("foo.bar", "q", "3");
    a.sync_silent();
    for (request, count) in [
        (r#"{"acc":"A","subject":"foo.bar"}"#, "3"),
        (r#"{"acc":"A","subject":"foo.bar","queue":"cQ=="}"#, "1"),
        (r#"{"acc":"A","subject":"foo.baz"}"#, "1"),
        (r#"{"acc":"A","subject":"foo.>"}"#, "3"),
        (r#"{"acc":"A","subject":"*.bar"}"#, "2"),
        (r#"{"acc":"A","subject":"bar.>"}"#, "0"),
    ] {
        assert_eq!(
            ask(&mut sys, "$SYS.REQ.ACCOUNT.NSUBS", request).text(),
            count,
            "{request}"
        );
    }
    // A person asks about the account it is in.
    assert_eq!(ask(&mut sys, "$SYS.DEBUG.SUBSCRIBERS", "inbox").text(), "1");
    assert_eq!(ask(&mut sys, "$SYS.DEBUG.SUBSCRIBERS", "foo.bar").text(), "0");
}

#[test]
fn answers_are_compressed_for_those_who_like_it() {
    let server = start();
    let mut sys = asker(&server);
    let header = "NATS/1.0\r\nAccept-Encoding: gzip\r\n\r\n";
    sys.send(&format!(
        "HPUB $SYS.REQ.SERVER.PING.VARZ inbox {0} {0}\r\n{header}",
        header.len()
    ));
    let answer = sys.message();
    assert_eq!(
        answer.headers.as_deref(),
        Some("NATS/1.0\r\nContent-Encoding: gzip\r\n\r\n")
    );
    assert_eq!(answer.payload.get(..2), Some(&[0x1f, 0x8b][..]));
}

/// Everybody may ask about the account that it is in.
#[test]
fn accounts_ask_about_themselves() {
    let server = start();
    let _other = asker(&server);
    let mut a = client(&server, "a");
    a.subscribe("inbox", "9");
    for subject in ["$SYS.REQ.ACCOUNT.PING.CONNZ", "$SYS.REQ.SERVER.PING.CONNZ"] {
        let answer = ask_json(&mut a, subject, r#"{"acc":"SYS"}"#);
        assert_eq!(answer["data"]["total"], 1, "{answer}");
        assert_eq!(answer["data"]["connections"][0]["name"], "a");
    }
    // Not even by a number does it learn who else is connected.
    let number = crate::world::number(&server, "sys");
    let question = format!(r#"{{"cid":{number},"auth":true,"acc":"SYS"}}"#);
    let answer = ask_json(&mut a, "$SYS.REQ.ACCOUNT.PING.CONNZ", &question);
    assert_eq!(answer["data"]["connections"], serde_json::json!([]), "{answer}");
    let answer = ask_json(&mut a, "$SYS.REQ.ACCOUNT.PING.STATZ", r#"{"accounts":["SYS"]}"#);
    let accounts = answer["data"]["account_statz"].as_array().unwrap();
    assert_eq!(accounts.len(), 1);
    assert_eq!(accounts[0]["acc"], "A");
}

/// So may those who belong to no account.
#[test]
fn the_global_account_asks_about_itself() {
    let server = vagus_test_support::server().start();
    let mut client = server.connected();
    client.subscribe("inbox", "9");
    let answer = ask_json(&mut client, "$SYS.REQ.ACCOUNT.PING.STATZ", "");
    assert_eq!(answer["data"]["account_statz"][0]["acc"], "$G");
}

/// Other accounts neither ask there nor hear what is told there.
#[test]
fn nobody_else_is_answered() {
    let server = start();
    let mut a = client(&server, "a");
    a.subscribe("inbox", "9");
    a.subscribe("$SYS.>", "1");
    a.sync_silent();
    for subject in ["$SYS.REQ.SERVER.PING.VARZ", "$SYS.REQ.ACCOUNT.A.CONNZ"] {
        a.send(&format!("PUB {subject} inbox 0\r\n"));
        let heard = a.sync_messages();
        assert_eq!(heard.len(), 1, "{heard:?}");
        assert_eq!(heard[0].subject, subject);
    }
    client(&server, "a").end();
    let mut sys = asker(&server);
    ask(&mut sys, "$SYS.REQ.SERVER.PING.VARZ", "");
    assert_eq!(a.sync_messages(), []);
}

#[test]
fn without_a_system_account_nobody_answers() {
    let server = vagus_test_support::server()
        .configured("no_system_account: true")
        .start();
    let mut client = server.connected();
    client.subscribe("inbox", "9");
    client.sync_silent();
    client.send("PUB $SYS.REQ.SERVER.PING.VARZ inbox 0\r\n");
    assert!(says_nobody(&client.message()));
}
