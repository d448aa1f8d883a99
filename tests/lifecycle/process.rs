//! The program: it says when it is ready, serves, and ends by a signal, with its connections.

use rustix::process::{Pid, Signal, kill_process};
use std::net::TcpStream;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Stdio};
use vagus_test_support::{Frame, HeldPort, PATIENCE, Process, spawn_binary};

#[test]
fn ends_by_a_signal() {
    for (signal, code) in [(Signal::INT, 0), (Signal::TERM, 0), (Signal::QUIT, 2)] {
        let mut process = spawn_binary!("-a", "127.0.0.1", "-p", "-1");
        let mut client = process.client().connect(r#"{"verbose":false}"#);
        client.send("SUB a 1\r\nPUB a 2\r\nhi");
        client.expect("MSG a 1 2\r\nhi");
        let pid = Pid::from_raw(process.id().try_into().unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
        assert_eq!(client.closed(), "");
        assert_eq!(process.wait().code(), Some(code), "{signal:?}");
        process.log_line("Server Exiting..");
    }
}

/// It has all the descriptors that the system lets it have, and when these are used up it says so once and serves those
/// it has.
#[test]
fn holds_out_without_descriptors() {
    const LIMIT: u64 = 60;
    let program = env!("CARGO_BIN_EXE_vagus");
    let command =
        format!("ulimit -Sn 50 && ulimit -Hn {LIMIT} && exec {program} -a 127.0.0.1 -p -1 -D --arbiters 1");
    let mut process = Process::spawn("sh", &["-c", &command]);
    process.log_line("May have 60 files open instead of 50");
    let mut first = process.client().connect(r#"{"verbose":false}"#);
    let address = process.client_address();
    let others: Vec<TcpStream> = (0..LIMIT).map(|_| TcpStream::connect(address).unwrap()).collect();
    process.log_line("Temporary Client Accept Error(");
    first.sync_silent();
    drop(others);
    // Those that waited had gone before they were accepted; another comes after them.
    process.client().connect(r#"{"verbose":false}"#).sync_silent();
    first.sync_silent();
    send(Signal::INT, &process);
    process.log_line("Server Exiting..");
    assert_eq!(process.lines_with("Accept Error"), 1);
}

fn send(signal: Signal, process: &Process) {
    let pid = Pid::from_raw(process.id().try_into().unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

/// A server in lame duck mode passes over SIGTERM and another SIGUSR2, and ends by SIGINT at once.
#[test]
fn takes_leave_of_its_clients() {
    let mut process = spawn_binary!("-a", "127.0.0.1", "-p", "-1");
    let mut client = process.client().connect(r#"{"verbose":false,"protocol":1}"#);
    client.send("PING");
    client.expect("PONG");
    assert!(matches!(client.next_frame(), Frame::Info(_)));
    send(Signal::USR2, &process);
    process.log_line("Entering lame duck mode, stop accepting new clients");
    assert!(matches!(client.next_frame(), Frame::Info(info) if info.contains(r#""ldm":true"#)));
    for signal in [Signal::TERM, Signal::USR2] {
        send(signal, &process);
    }
    process.log_line("Trapped \"terminated\" signal");
    client.sync_silent();
    send(Signal::INT, &process);
    assert_eq!(client.closed(), "");
    assert_eq!(process.wait().code(), Some(0));
}

#[test]
fn ends_when_nobody_is_left() {
    let mut process = spawn_binary!("-a", "127.0.0.1", "-p", "-1");
    process.client_address();
    send(Signal::USR2, &process);
    assert_eq!(process.wait().code(), Some(0));
    process.log_line("Server Exiting..");
}

/// The port is taken: it says so and fails.
#[test]
fn fails_where_it_cannot_listen() {
    let mut first = spawn_binary!("-a", "127.0.0.1", "-p", "-1");
    let port = first.client_address().port().to_string();
    let mut second = spawn_binary!("-a", "127.0.0.1", "-p", &port);
    assert_eq!(second.wait().code(), Some(1));
    second.log_line("address already in use");
    let mut client = first.client().connect(r#"{"verbose":false}"#);
    client.sync_silent();
}

/// What is asked of a server that is well, and of one that is not there.
#[test]
fn is_asked_whether_it_is_well() {
    let mut process = spawn_binary!("-a", "127.0.0.1", "-p", "-1", "-m", "-1");
    let line = process.log_line("Starting http monitor on ");
    let port = line.rsplit_once(':').unwrap().1.to_owned();
    process.client_address();
    let healthcheck = |arguments: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_vagus"))
            .arg("healthcheck")
            .args(arguments)
            .output()
            .unwrap()
    };
    let url = format!("http://127.0.0.1:{port}");
    for arguments in [["-m", &*port], ["--url", &*url]] {
        let output = healthcheck(&arguments);
        assert!(output.status.success(), "{output:?}");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "{\"status\":\"ok\"}\n");
    }
    let missing = healthcheck(&["--url", &format!("{url}/nothing/of/that/name")]);
    assert_eq!(missing.status.code(), Some(1), "{missing:?}");
    send(Signal::INT, &process);
    process.wait();
    let nobody = HeldPort::new();
    let gone = healthcheck(&["-m", &nobody.address().port().to_string()]);
    assert_eq!(gone.status.code(), Some(1), "{gone:?}");
    assert!(!gone.stderr.is_empty());
    assert_eq!(healthcheck(&["-m", "none"]).status.code(), Some(2));
}

/// Its starter is told when it is ready, and when it ends.
#[test]
fn tells_its_supervisor() {
    let path = std::env::temp_dir().join(format!("vagus-{}-supervisor", std::process::id()));
    let supervisor = UnixDatagram::bind(&path).unwrap();
    supervisor.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_vagus"))
        .args(["-a", "127.0.0.1", "-p", "-1"])
        .env("NOTIFY_SOCKET", &path)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut buffer = [0; 200];
    let mut told = || {
        let length = supervisor.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    };
    assert!(told().starts_with("READY=1\n"));
    let pid = Pid::from_raw(child.id().try_into().unwrap()).unwrap();
    kill_process(pid, Signal::TERM).unwrap();
    assert!(told().starts_with("STOPPING=1\n"));
    std::fs::remove_file(&path).unwrap();
    assert!(child.wait().unwrap().success());
}

/// The signals that another run of the program sends, to a process id or to what is in a file.
#[test]
fn is_sent_signals_by_another() {
    let path = std::env::temp_dir().join(format!("vagus-{}-signalled.pid", std::process::id()));
    let file = path.to_str().unwrap();
    let order = |order: &str| {
        Command::new(env!("CARGO_BIN_EXE_vagus"))
            .args(["--signal", order])
            .output()
            .unwrap()
    };
    for (word, code) in [
        ("term", Some(0)),
        ("quit", Some(0)),
        ("ldm", Some(0)),
        ("stop", None),
    ] {
        let mut process = spawn_binary!("-a", "127.0.0.1", "-p", "-1", "-P", file);
        process.client_address();
        let output = order(&format!("{word}={file}"));
        assert!(output.status.success(), "{output:?}");
        assert_eq!(process.wait().code(), code, "{word}");
    }
    assert_eq!(order(&format!("term={file}.missing")).status.code(), Some(1));
    std::fs::remove_file(&path).unwrap();
}

/// Without a process id the one server of that name is meant; with an asterisk, all whose ids begin so.
#[test]
fn is_found_by_its_name() {
    // By a name that no other process has, or others would be sent signals, too.
    let name = format!("vagus{}", std::process::id());
    let program = std::env::temp_dir().join(&name);
    symlink(env!("CARGO_BIN_EXE_vagus"), &program).unwrap();
    let program = program.to_str().unwrap();
    let order = |order: &str| {
        let output = Command::new(program).args(["--signal", order]).output().unwrap();
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    let arguments = ["-a", "127.0.0.1", "-p", "-1"];
    let (status, said) = order("term");
    assert_eq!(status, Some(1));
    assert!(said.contains(&format!("no {name} process is running")), "{said}");
    let mut servers = [(); 2].map(|()| Process::spawn(program, &arguments));
    for server in &mut servers {
        server.client_address();
    }
    let (status, said) = order("reopen");
    assert_eq!(status, Some(1));
    assert!(said.contains("more than one"), "{said}");
    let [first, second] = &mut servers;
    assert_eq!(
        order(&format!("reopen={}*", first.id())),
        (Some(0), String::new())
    );
    first.log_line("File log re-open ignored, not a file logger");
    assert_eq!(order(&format!("term={}", first.id())), (Some(0), String::new()));
    assert_eq!(first.wait().code(), Some(0));
    assert_eq!(order("quit"), (Some(0), String::new()));
    assert_eq!(second.wait().code(), Some(0));
    std::fs::remove_file(program).unwrap();
}
