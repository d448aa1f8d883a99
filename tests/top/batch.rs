//! One look that is written down.

use std::process::{Command, Output};
use vagus_test_support::{TestServer, server};

fn top(server: &TestServer, arguments: &[&str]) -> Output {
    let port = server.monitor_address().unwrap().port().to_string();
    Command::new(env!("CARGO_BIN_EXE_vagus"))
        .args(["top", "-m", &port])
        .args(arguments)
        .output()
        .unwrap()
}

fn written(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// A client that has published two messages of five bytes on a subject that it reads itself.
fn busy(server: &TestServer) -> vagus_test_support::Client {
    let mut client = server
        .client()
        .connect(r#"{"verbose":false,"name":"busy, \"very\"","lang":"test","version":"1.0"}"#);
    client.send("SUB a 1\r\nPUB a 5\r\nfirst\r\nPUB a 5\r\nother");
    client.expect("MSG a 1 5\r\nfirst\r\nMSG a 1 5\r\nother");
    client.sync_silent();
    client
}

#[test]
fn tells_the_truth() {
    let server = server().monitoring().start();
    let _client = busy(&server);
    let text = written(&top(&server, &["-o", "-", "-b"]));
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("NATS server version "), "{text}");
    assert_eq!(lines[2], format!("  ID:   {}", server.id()));
    assert_eq!(
        lines[4],
        "  In:   Msgs: 2  Bytes: 10  Msgs/Sec: 0.0  Bytes/Sec: 0"
    );
    assert_eq!(
        lines[5],
        "  Out:  Msgs: 2  Bytes: 10  Msgs/Sec: 0.0  Bytes/Sec: 0"
    );
    assert_eq!(lines[6..8], ["", "Connections Polled: 1"]);
    let row: Vec<&str> = lines[9].split_whitespace().collect();
    let connection = &server.connections()[0];
    let (address, id) = (connection.peer.to_string(), connection.id.to_string());
    assert_eq!(row[..2], [&*address, &*id]);
    assert_eq!(
        row[2..12],
        ["busy,", "\"very\"", "1", "0", "2", "2", "10", "10", "test", "1.0"]
    );
}

#[test]
fn separates_fields() {
    let server = server().monitoring().start();
    let _client = busy(&server);
    let text = written(&top(&server, &["-o", "-", "-l", ",", "-u"]));
    let titles = "HOST,CID,NAME,SUBS,PENDING,MSGS_TO,MSGS_FROM,BYTES_TO,BYTES_FROM,LANG,VERSION,UPTIME,LAST_ACTIVITY,SUBSCRIPTIONS";
    assert!(text.lines().any(|line| line == titles), "{text}");
    let row = text.lines().last().unwrap();
    assert!(
        row.contains(",\"busy, \"\"very\"\"\",1,0,2,2,10,10,test,1.0,"),
        "{row}"
    );
    assert!(row.ends_with(",a"), "{row}");
}

/// Rates are those of the time between two looks.
#[test]
fn has_rates() {
    let server = server().monitoring().start();
    let mut client = server.connected();
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let publisher = std::thread::spawn(move || {
        while stopped.try_recv().is_err() {
            client.send("PUB busy 4\r\nfour");
            client.sync_silent();
        }
    });
    let text = written(&top(&server, &["-o", "-", "-b"]));
    stop.send(()).unwrap();
    publisher.join().unwrap();
    let line = text.lines().nth(4).unwrap();
    let number = |title: &str| -> f64 {
        let (_, rest) = line.split_once(title).unwrap();
        rest.split_whitespace().next().unwrap().parse().unwrap()
    };
    assert!(number("Msgs/Sec:") > 0.0, "{line}");
    // A look may fall between the count of a message and that of its bytes.
    assert!(
        (number("Bytes/Sec:") - 4.0 * number("Msgs/Sec:")).abs() <= 16.0,
        "{line}"
    );
}

#[test]
fn writes_a_file() {
    let server = server().monitoring().start();
    let path = std::env::temp_dir().join(format!("vagus-top-{}", std::process::id()));
    let output = top(&server, &["-o", path.to_str().unwrap()]);
    assert_eq!(written(&output), "");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert!(text.contains(server.id()));
    let nowhere = top(&server, &["-o", "/nonexistent/file"]);
    assert_eq!(nowhere.status.code(), Some(1));
}

#[test]
fn says_what_is_wrong() {
    let server = server().monitoring().start();
    let port = server.monitor_address().unwrap().port().to_string();
    let no_terminal = top(&server, &[]);
    assert_eq!(no_terminal.status.code(), Some(1));
    assert_eq!(
        String::from_utf8_lossy(&no_terminal.stderr),
        "vagus: there is no terminal to show it on; -o - writes it down\n"
    );
    server.shutdown();
    let nobody = Command::new(env!("CARGO_BIN_EXE_vagus"))
        .args(["top", "-m", &port, "-o", "-"])
        .output()
        .unwrap();
    assert_eq!(nobody.status.code(), Some(1));
    let said = String::from_utf8_lossy(&nobody.stderr);
    assert!(
        said.starts_with("vagus: cannot ask the server for /varz: "),
        "{said}"
    );
}
