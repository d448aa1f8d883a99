//! The log of the program: where its lines go, what they look like, and what they say of clients.

use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::net::{TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use vagus_test_support::{Client, PATIENCE, Process, eventually, spawn_binary};

/// A folder of a test; it is gone with this.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("vagus-log-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Where clients connect, of a server that logs to `server.log` and has a ports file here.
    fn client(&self) -> Client {
        let mut address = None;
        eventually(|| {
            address = fs::read_dir(&self.0)
                .unwrap()
                .map(|entry| entry.unwrap().path())
                .find(|path| path.extension().is_some_and(|extension| extension == "ports"))
                .and_then(|path| fs::read_to_string(path).ok())
                .and_then(|ports| {
                    let rest = ports.split_once("nats://")?.1;
                    rest.split_once('"')?.0.parse().ok()
                });
            address.is_some()
        });
        Client::to(address.unwrap())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

fn send(signal: Signal, process: &Process) {
    let pid = Pid::from_raw(process.id().try_into().unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

/// When the file is moved aside and the server told so, there is a new one, and nothing is lost.
#[test]
fn is_opened_anew_by_a_signal() {
    let folder = Folder::new("reopen");
    let (log, moved) = (folder.path("server.log"), folder.path("moved.log"));
    let log_flag = log.to_str().unwrap();
    let mut process = spawn_binary!("-a", "127.0.0.1", "-p", "-1", "-l", log_flag);
    eventually(|| text(&log).contains("[INF] Server is ready"));
    fs::rename(&log, &moved).unwrap();
    send(Signal::USR1, &process);
    eventually(|| text(&log).contains("[INF] File log re-opened"));
    send(Signal::TERM, &process);
    assert_eq!(process.wait().code(), Some(0));
    assert!(text(&moved).contains("[INF] Server is ready"), "{}", text(&moved));
    assert!(text(&log).contains("[INF] Server Exiting.."), "{}", text(&log));
}

/// A file that has grown is moved aside, and only so many are kept.
#[test]
fn is_moved_aside_when_it_has_grown() {
    let folder = Folder::new("rotate");
    let config = folder.path("server.conf");
    let log = folder.path("server.log");
    let settings = format!(
        "listen: \"127.0.0.1:-1\"\ntrace: true\nlog_file: {log:?}\nlogfile_size_limit: 1KB\nlogfile_max_num: 3\n\
         ports_file_dir: {:?}\n",
        folder.0
    );
    fs::write(&config, settings).unwrap();
    let mut process = spawn_binary!("-c", config.to_str().unwrap());
    let mut client = folder.client().connect(r#"{"verbose":false}"#);
    for number in 0..200 {
        client.send(&format!("PUB a.{number} 0\r\n"));
    }
    client.sync_silent();
    send(Signal::TERM, &process);
    assert_eq!(process.wait().code(), Some(0));
    let files: Vec<PathBuf> = fs::read_dir(&folder.0)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_str().unwrap().contains("server.log"))
        .collect();
    assert_eq!(files.len(), 3, "{files:?}");
    assert!(text(&log).contains("Purged log file"), "{}", text(&log));
    let kept: String = files.iter().map(|path| text(path)).collect();
    assert!(kept.contains("Server Exiting.."), "{kept}");
}

/// Messages of RFC 3164, one a datagram, with a priority and the program's name.
#[test]
fn goes_to_a_syslog_elsewhere() {
    let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
    receiver.set_read_timeout(Some(PATIENCE)).unwrap();
    let address = format!("udp://{}", receiver.local_addr().unwrap());
    let process = spawn_binary!("-a", "127.0.0.1", "-p", "-1", "-r", &address, "-s");
    let mut buffer = [0; 9000];
    let mut next = || {
        let length = receiver.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    };
    let first = next();
    assert!(first.starts_with("<29>2"), "{first}");
    let end = format!(" vagus[{}]: Starting nats-server\n", process.id());
    assert!(first.ends_with(&end), "{first}");
    while !next().ends_with(": Server is ready\n") {}
}

/// A syslog that is not there keeps nobody from anything; the terminal is told.
#[test]
fn misses_no_syslog() {
    let mut process = spawn_binary!("-a", "127.0.0.1", "-p", "-1", "-r", "unix:///nonexistent/syslog");
    process.log_line("Cannot log to unix:///nonexistent/syslog");
    send(Signal::TERM, &process);
    assert_eq!(process.wait().code(), Some(0));
}

/// A syslog that takes nothing stops the log, and nobody else.
#[test]
fn waits_for_no_syslog() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let folder = Folder::new("stuck");
    let address = format!("tcp://{}", listener.local_addr().unwrap());
    let ports = folder.0.to_str().unwrap();
    let mut process = spawn_binary!(
        "-a",
        "127.0.0.1",
        "-p",
        "-1",
        "-V",
        "-r",
        &address,
        "--ports_file_dir",
        ports
    );
    let (_taken, _) = listener.accept().unwrap();
    let mut client = folder.client().connect(r#"{"verbose":false}"#);
    let payload = "x".repeat(1000);
    // Far more than fits into all buffers on the way.
    for _ in 0..20_000 {
        client.send(&format!("PUB a 1000\r\n{payload}"));
    }
    client.sync_silent();
    send(Signal::TERM, &process);
    assert_eq!(process.wait().code(), Some(0));
}

#[test]
fn fails_where_there_is_no_file_to_be() {
    let mut process = spawn_binary!("-l", "/nonexistent/server.log");
    assert_eq!(process.wait().code(), Some(1));
    process.log_line("cannot open the log file");
}

#[test]
fn is_json_for_those_who_like_it() {
    let mut process = spawn_binary!(
        "-a",
        "127.0.0.1",
        "-p",
        "-1",
        "-D",
        "--log_format",
        "json",
        "--logtime_utc"
    );
    let line = process.log_line("Listening for client connections on ");
    assert!(line.starts_with("{\"time\":\"2") && line.ends_with('}'), "{line}");
    let (_, port) = line.rsplit_once(':').unwrap();
    let port: u16 = port.trim_end_matches("\"}").parse().unwrap();
    let _client = Client::to(([127, 0, 0, 1], port).into());
    let line = process.log_line("Client connection created");
    let pid = process.id();
    let expected = format!("\"level\":\"debug\",\"pid\":{pid},\"client\":\"127.0.0.1:");
    assert!(line.contains(&expected) && line.contains("\"cid\":1,"), "{line}");
}

/// A client is called by its address and number, and by its name and user once it is in.
#[test]
fn names_clients() {
    let mut process = spawn_binary!(
        "-a",
        "127.0.0.1",
        "-p",
        "-1",
        "-D",
        "--user",
        "ann",
        "--pass",
        "hush"
    );
    let mut client = process.client().connect(
        r#"{"verbose":false,"user":"ann","pass":"hush","version":"1.2","lang":"rust","name":"meter"}"#,
    );
    client.sync_silent();
    client.send("SUB a..b 1");
    assert_eq!(client.sync().len(), 1);
    client.send("nonsense");
    client.closed();
    let who = " - cid:1 - \"v1.2:rust:meter\" - \"$G/user:ann\" - ";
    let line = process.log_line("[DBG] 127.0.0.1:");
    assert!(line.ends_with(" - cid:1 - Client connection created"), "{line}");
    process.log_line(&format!("{who}Invalid Subject"));
    process.log_line(&format!(
        "{who}Client parser ERROR, state=0, i=0: proto='\"nonsense\\r\\n\"...'"
    ));
    process.log_line(&format!("{who}Client connection closed: Protocol Violation"));
    let mut stranger = process.client().connect(r#"{"user":"eve","pass":"hush"}"#);
    stranger.closed();
    let line = process.log_line("authentication error");
    assert!(
        line.contains("[ERR] 127.0.0.1:") && line.ends_with(" - authentication error - User \"eve\""),
        "{line}"
    );
}

/// A client that does the same wrong again and again fills no log.
#[test]
fn says_the_same_once_in_a_while() {
    let folder = Folder::new("repeated");
    let config = folder.path("server.conf");
    let settings = "listen: \"127.0.0.1:-1\"\nauthorization { users: [{user: u, password: p, permissions: {publish: \"ok\"}}] }";
    fs::write(&config, settings).unwrap();
    let mut process = spawn_binary!("-c", config.to_str().unwrap());
    let mut client = process
        .client()
        .connect(r#"{"verbose":false,"pedantic":false,"user":"u","pass":"p"}"#);
    for _ in 0..500 {
        client.send("PUB no 0\r\n");
    }
    client.send("PUB never 0\r\n");
    assert_eq!(client.sync().len(), 501);
    process.log_line("[ERR] 127.0.0.1:");
    process.log_line("Publish Violation - Subject \"never\"");
    send(Signal::TERM, &process);
    process.wait();
    process.log_line("Server Exiting..");
    let repeated = process.lines_with("Publish Violation - Subject \"no\"");
    assert!((1..20).contains(&repeated), "{repeated}");
}

/// A reload changes where lines go, what they look like and which there are, also for clients that are connected.
#[test]
fn is_set_otherwise_by_a_reload() {
    let folder = Folder::new("reload");
    let config = folder.path("server.conf");
    let (before, after) = (folder.path("before.log"), folder.path("after.log"));
    let set = |more: &str| {
        let settings = format!(
            "listen: \"127.0.0.1:-1\"\nports_file_dir: {:?}\n{more}\n",
            folder.0
        );
        fs::write(&config, settings).unwrap();
    };
    set(&format!("log_file: {before:?}"));
    let mut process = spawn_binary!("-c", config.to_str().unwrap());
    let mut client = folder.client().connect(r#"{"verbose":false}"#);
    client.sync_silent();
    set(&format!("log_file: {after:?}\nlog_format: json\ntrace: true"));
    send(Signal::HUP, &process);
    eventually(|| text(&after).contains("\"message\":\"Reloaded server configuration"));
    client.send("PUB a 2\r\nhi");
    client.sync_silent();
    eventually(|| text(&after).contains("\"message\":\"<<- [PUB a 2]\""));
    assert!(
        text(&before).contains("[INF] Trapped \"hangup\" signal"),
        "{}",
        text(&before)
    );
    assert!(!text(&before).contains("PUB a 2"));
    send(Signal::TERM, &process);
    assert_eq!(process.wait().code(), Some(0));
}

/// With -V each delivery has a line with the control line that its receiver gets, and nothing of what is in the message.
#[test]
fn tells_what_is_delivered_and_to_whom() {
    let mut process = spawn_binary!("-a", "127.0.0.1", "-p", "-1", "-V");
    let id = |client: &Client| {
        let rest = client.info().split_once("\"client_id\":").unwrap().1;
        let end = rest.find(|letter: char| !letter.is_ascii_digit()).unwrap();
        rest[..end].to_owned()
    };
    let headers = r#"{"verbose":false,"headers":true}"#;
    let mut publisher = process.client().connect(headers);
    let mut knows_headers = process
        .client()
        .connect(r#"{"verbose":false,"headers":true,"name":"meter"}"#);
    let mut plain = process.client().connect(r#"{"verbose":false}"#);
    let mut member = process.client().connect(headers);
    knows_headers.subscribe("a", "1");
    plain.subscribe(">", "1");
    member.join("b", "g", "7");
    publisher
        .send("PUB a r 6\r\nhidden\r\nHPUB a 23 29\r\nNATS/1.0\r\nkey: hush\r\n\r\nhidden\r\nPUB  b 0\r\n");
    knows_headers.expect("MSG a 1 r 6\r\nhidden");
    plain.expect("MSG a 1 r 6\r\nhidden");
    let (knows_headers, plain, member) = (id(&knows_headers), id(&plain), id(&member));
    for line in [
        format!(" - cid:{knows_headers} - \"meter\" - ->> [MSG a 1 r 6]"),
        format!(" - cid:{knows_headers} - \"meter\" - ->> MSG_PAYLOAD: [\"hidden\"]"),
        format!(" - cid:{plain} - ->> [MSG a 1 r 6]"),
        format!(" - cid:{knows_headers} - \"meter\" - ->> [HMSG a 1 23 29]"),
        format!(
            " - cid:{knows_headers} - \"meter\" - ->> MSG_PAYLOAD: [\"NATS/1.0\\r\\nkey: hush\\r\\n\\r\\nhidden\"]"
        ),
        format!(" - cid:{plain} - ->> [MSG a 1 6]"),
        format!(" - cid:{plain} - ->> [MSG b 1 0]"),
        format!(" - cid:{member} - ->> [MSG b 7 0]"),
    ] {
        process.log_line(&line);
    }
    // Of what passed: the lines of those who sent it, and of those who got it.
    for (text, times) in [("->> [MSG", 5), ("->> [HMSG", 1), ("hidden", 6)] {
        assert_eq!(process.lines_with(text), times, "{text}");
    }
}

/// What any peer can have written, as often as it likes, is written some times a second; the rest is counted.
#[test]
fn peers_do_not_fill_it() {
    const PEERS: usize = 200;
    let mut process = spawn_binary!("-a", "127.0.0.1", "-p", "-1");
    for _ in 0..PEERS {
        let mut client = process.client();
        client.send("what?");
        client.closed();
    }
    process.log_line(" more protocol violations in the last second");
    send(Signal::INT, &process);
    process.log_line("Server Exiting..");
    let written = process.lines_with(" - cid:");
    assert!((1..PEERS / 2).contains(&written), "{written}");
}
