use super::*;
use vagus_auth::credentials::Credentials;
use vagus_configs::{
    Cluster, Config, JetStream, Listen, ListenerSettings, LogFormat, LogTime, Port, RouteUrl, SyslogAddress,
};

fn parse_line(line: &str) -> Result<Command, FlagError> {
    let args: Vec<String> = line
        .split(' ')
        .filter(|word| !word.is_empty())
        .map(|word| word.replace('~', " "))
        .collect();
    parse(&args, &load)
}

/// The files that there are.
fn load(path: &Path) -> Result<Loaded, ConfigError> {
    let text = match path.to_str() {
        Some("plain.conf") => "server_name: east, port: 5000, host: '::1', log_file: a.log, logtime_utc: on",
        Some("loud.conf") => "trace_verbose: yes, debug: yes, logtime: no, log_size_limit: 1k",
        Some("user.conf") => "authorization { user: u, password: p }",
        Some("users.conf") => {
            "authorization { users: [{user: u, password: p}, {user: v, password: $2a$04$x}] }"
        }
        Some("hashed.conf") => {
            "authorization { users: [{user: u, password: $2a$04$abcdefghijklmnopqrstuuLZYjhNQAOdpbzt4WxWlUHjv1wsyH5DG}] }"
        }
        Some("token.conf") => "authorization { token: t }",
        Some("doubtful.conf") => "ping_interval: 20",
        Some("noted.conf") => "no_sublist_cache: true",
        Some("stuck.conf") => "port: 99999",
        Some("streams.conf") => "jetstream { domain: hub, max_mem: 5 }",
        Some("streams_of_system.conf") => "accounts { S { jetstream: on } }, system_account: S",
        Some("bad.conf") => "colour: blue\nmax_payload: many",
        _ => return vagus_configs::load(path),
    };
    vagus_configs::parse(text, path, &vagus_configs::Disk, &|_: &str| None)
}

fn launch(line: &str) -> Launch {
    match parse_line(line) {
        Ok(Command::Serve(launch)) => *launch,
        other => panic!("{line}: {other:?}"),
    }
}

/// Checks what `line` changes of the default configuration.
fn sets(line: &str, change: impl FnOnce(&mut Config)) {
    let mut expected = Config::default();
    change(&mut expected);
    let launch = launch(line);
    assert_eq!(launch.config, expected, "{line}");
    assert_eq!(launch.warnings, [] as [&str; 0], "{line}");
}

mod streams;

#[test]
fn flags_of_the_server() {
    sets("", |_| {});
    sets("serve", |_| {});
    for line in ["-a ::1", "--addr=::1", "-net ::1", "serve -a ::1"] {
        sets(line, |config| config.clients.listen.host = "::1".to_owned());
    }
    sets("-a=", |_| {});
    for line in ["-p 5000", "--port=5000", "-p 1 -port 5000"] {
        sets(line, |config| config.clients.listen.port = Port::Fixed(5000));
    }
    sets("-p -1", |config| config.clients.listen.port = Port::Free);
    sets("-p 0", |config| config.clients.listen.port = Port::Fixed(4222));
    for line in ["-n east", "--name east", "--server_name=east"] {
        sets(line, |config| config.server_name = Some("east".to_owned()));
    }
    sets("--name=", |_| {});
    for line in ["-P a.pid", "-pid a.pid"] {
        sets(line, |config| config.pid_file = Some("a.pid".into()));
    }
    sets("--ports_file_dir /run", |config| {
        config.ports_file_dir = Some("/run".into());
    });
    sets("--arbiters 3", |config| config.arbiters = 3);
    for address in ["example.org", "example.org:4000", "[::1]:4000", "[::1]"] {
        sets(&format!("--client_advertise {address}"), |config| {
            config.clients.advertise = Some(address.to_owned());
        });
    }
}

#[test]
fn flags_of_the_log() {
    for line in ["-l a.log", "--log=a.log"] {
        sets(line, |config| config.logging.file = Some("a.log".into()));
    }
    sets("-T=true", |_| {});
    sets("-T=false", |config| config.logging.time = LogTime::None);
    sets("-logtime=0 --logtime_utc", |config| {
        config.logging.time = LogTime::None;
    });
    sets("--logtime_utc", |config| config.logging.time = LogTime::Utc);
    sets("--log_size_limit 100 --max_traced_msg_len 20", |config| {
        config.logging.file_size_limit = 100;
        config.logging.max_traced_payload = 20;
    });
    sets(
        "--log_size_limit -5 --log_max_num -1 -s=false -r= --log_format text",
        |_| {},
    );
    sets("--log_max_num 4 --log_format json", |config| {
        config.logging.max_files = 4;
        config.logging.format = LogFormat::Json;
    });
    sets("-s -r udp://localhost", |config| {
        config.logging.syslog = true;
        config.logging.remote_syslog = Some(SyslogAddress::Udp("localhost:514".to_owned()));
    });
    for (line, debug, trace, system) in [
        ("-D", true, false, false),
        ("--debug=false", false, false, false),
        ("--trace", false, true, false),
        ("-D -V", true, true, false),
        ("-VV", false, true, true),
        ("-DV", true, true, false),
        ("-DVV", true, true, true),
        ("-D -V -DV=false", false, false, false),
        ("-DV=false -D", false, false, false),
        ("-DVV -VV=false", true, false, false),
    ] {
        sets(line, |config| {
            config.logging.debug = debug;
            config.logging.trace = trace;
            config.logging.trace_system_account = system;
        });
    }
}

#[test]
fn who_may_connect() {
    let user = |password: &str| Credentials::User {
        name: "u".to_owned(),
        password: password.to_owned(),
    };
    let token = Credentials::Token("t".to_owned());
    let plain = vec!["Plaintext passwords detected, use nkeys or bcrypt".to_owned()];
    for (line, expected, warnings) in [
        ("--user u", user(""), vec![]),
        ("--user u --pass p", user("p"), plain.clone()),
        ("--pass p", Credentials::Open, plain.clone()),
        ("--auth t", token.clone(), vec![]),
        ("--user u --pass p --auth t", token, plain),
    ] {
        let launch = launch(line);
        assert_eq!(launch.config.clients.credentials, expected, "{line}");
        assert_eq!(launch.warnings, warnings, "{line}");
    }
}

#[test]
fn flags_lie_over_the_file() {
    let plain = || {
        let mut config = Config {
            server_name: Some("east".to_owned()),
            ..Config::default()
        };
        config.clients.listen.host = "::1".to_owned();
        config.clients.listen.port = Port::Fixed(5000);
        config.logging.file = Some("a.log".into());
        config.logging.time = LogTime::Utc;
        config
    };
    let check = |line: &str, change: &dyn Fn(&mut Config)| {
        let mut expected = plain();
        change(&mut expected);
        let launch = launch(&format!("-c plain.conf {line}"));
        let file = launch.file.unwrap();
        expected.digest.clone_from(&file.digest);
        assert_eq!(launch.config, expected, "{line}");
        assert_eq!(file.path, Path::new("plain.conf"));
        assert!(file.digest.starts_with("sha256:"));
    };
    check("", &|_| {});
    check("-D=false -T", &|_| {});
    check("-p -1", &|config| config.clients.listen.port = Port::Free);
    check("-p 0", &|config| config.clients.listen.port = Port::Fixed(4222));
    check("-a 127.0.0.1", &|config| {
        config.clients.listen.host = "127.0.0.1".to_owned()
    });
    check("-a=", &|config| config.clients.listen.host = "0.0.0.0".to_owned());
    check("--name west", &|config| {
        config.server_name = Some("west".to_owned())
    });
    check("--name=", &|config| config.server_name = None);
    check("-l b.log -P b.pid", &|config| {
        config.logging.file = Some("b.log".into());
        config.pid_file = Some("b.pid".into());
    });
    check("-T=false", &|config| config.logging.time = LogTime::None);
    check("--logtime_utc=false", &|config| {
        config.logging.time = LogTime::Local
    });
}

#[test]
fn flags_of_the_log_lie_over_the_file() {
    for (line, debug, trace, system, time, limit) in [
        ("", true, true, true, LogTime::None, 1000),
        ("-D=false -V=false", false, false, true, LogTime::None, 1000),
        ("-DVV=false -T", false, false, false, LogTime::Local, 1000),
        ("-log_size_limit 0", true, true, true, LogTime::None, 0),
    ] {
        let logging = launch(&format!("-c loud.conf {line}")).config.logging;
        let seen = (
            logging.debug,
            logging.trace,
            logging.trace_system_account,
            logging.time,
            logging.file_size_limit,
        );
        assert_eq!(seen, (debug, trace, system, time, limit), "{line}");
    }
}

#[test]
fn who_may_connect_of_file_and_flags() {
    let user = |user: &str, password: &str| Credentials::User {
        name: user.to_owned(),
        password: password.to_owned(),
    };
    let token = |token: &str| Credentials::Token(token.to_owned());
    for (line, expected) in [
        ("-c user.conf", user("u", "p")),
        ("-c user.conf --pass q", user("u", "q")),
        ("-c user.conf --user v", user("v", "p")),
        ("-c user.conf --user=", Credentials::Open),
        ("-c user.conf --auth s", token("s")),
        ("-c token.conf", token("t")),
        ("-c token.conf --auth s", token("s")),
        ("-c token.conf --auth= --user v", user("v", "")),
    ] {
        assert_eq!(launch(line).config.clients.credentials, expected, "{line}");
    }
    assert_eq!(
        launch("-c user.conf").warnings,
        ["Plaintext passwords detected, use nkeys or bcrypt"]
    );
}

#[test]
fn the_users_of_a_file_stay() {
    let hash = "Nobody can log in with the password of \"v\": it looks like a bcrypt hash and is none";
    let plain = "Plaintext passwords detected, use nkeys or bcrypt";
    let idle = "--user and --pass change nothing: the configuration file has users";
    for (line, warnings) in [
        ("-c users.conf", vec![plain, hash]),
        ("-c users.conf --user= --auth=", vec![plain, hash]),
        ("-c users.conf --user w --pass p", vec![idle, plain, hash]),
        ("-c hashed.conf", vec![]),
    ] {
        let launch = launch(line);
        assert!(
            matches!(launch.config.clients.credentials, Credentials::Users { .. }),
            "{line}"
        );
        assert_eq!(launch.warnings, warnings, "{line}");
    }
    assert_eq!(
        parse_line("-c users.conf --auth t").unwrap_err().to_string(),
        "a token beside the users of a configuration file is not in this version of vagus yet"
    );
}

#[test]
fn hashes_as_flags() {
    let hash = "$2a$04$abcdefghijklmnopqrstuuLZYjhNQAOdpbzt4WxWlUHjv1wsyH5DG";
    let hashed = launch(&format!("--user u --pass {hash}"));
    let expected = Credentials::User {
        name: "u".to_owned(),
        password: hash.to_owned(),
    };
    assert_eq!(
        (hashed.config.clients.credentials, hashed.warnings),
        (expected, vec![])
    );
    let hashed = launch(&format!("--auth {hash}"));
    assert_eq!(
        hashed.config.clients.credentials,
        Credentials::Token(hash.to_owned())
    );
    assert_eq!(
        launch("--auth $2a$04$x").warnings,
        ["Nobody can log in with the token: it looks like a bcrypt hash and is none"]
    );
}

#[test]
fn files_are_checked() {
    for path in ["plain.conf", "noted.conf", "stuck.conf"] {
        match parse_line(&format!("-t --config={path} -m 8222")).unwrap() {
            Command::Approve(file) => assert_eq!(file.path, Path::new(path)),
            other => panic!("{other:?}"),
        }
    }
    let warnings = launch("-c doubtful.conf").warnings;
    assert_eq!(
        warnings,
        [r#"doubtful.conf:1:0: ping_interval should be a duration such as "20s""#]
    );
}

#[test]
fn flags_of_later_versions_may_be_off() {
    for line in [
        "-js=false -t=false -s=false -c= -r= -m 0 -ms 0 -profile 0",
        "--tls=false --tlscert a --tlskey b --tlsverify",
        "--cluster= --routes= --no_advertise=false --connect_retries 0",
    ] {
        sets(line, |_| {});
    }
}

/// They are about what there is not, and ask for nothing by themselves.
#[test]
fn flags_without_effect_are_mentioned() {
    let launch = launch("--profile 1");
    assert_eq!(launch.config, Config::default());
    assert_eq!(
        launch.warnings,
        ["-profile changes nothing: Profiling is not in this version of vagus yet"]
    );
}

#[test]
fn a_cluster_has_a_listener_and_routes() {
    let cluster = |line: &str| launch(line).config.cluster;
    let all = cluster(
        "--cluster nats://u:p@127.0.0.1:7000 --routes nats://a:1,nats-route://x:y@b:2 --cluster_name c \
         --cluster_advertise h:1 --no_advertise --connect_retries 3",
    )
    .unwrap();
    let expected = Cluster {
        name: Some("c".into()),
        listener: ListenerSettings {
            advertise: Some("h:1".into()),
            credentials: Credentials::User {
                name: "u".into(),
                password: "p".into(),
            },
            ..ListenerSettings::at(Listen {
                host: "127.0.0.1".into(),
                port: Port::Fixed(7000),
            })
        },
        routes: ["nats://a:1", "nats://x:y@b:2"]
            .map(|url| RouteUrl::parse(url).unwrap())
            .into(),
        advertises: false,
        connect_retries: 3,
        ..Cluster::default()
    };
    assert_eq!(all, expected);
    let free = cluster("-cluster_listen nats://0.0.0.0:-1").unwrap();
    assert_eq!(free.listener.listen.port, Port::Free);
    assert_eq!(cluster("--cluster="), None);
    let launch = launch("--cluster_name c --no_advertise=false");
    assert_eq!(launch.config.cluster, None);
    assert_eq!(
        launch.warnings,
        ["-cluster_name changes nothing: there is no cluster without --cluster"]
    );
}

#[test]
fn monitoring_has_ports() {
    sets("-m 8222", |config| {
        config.monitoring.http = Some(Port::Fixed(8222))
    });
    sets("--http_port=-1", |config| {
        config.monitoring.http = Some(Port::Free)
    });
    sets("-ms 8223", |config| {
        config.monitoring.https = Some(Port::Fixed(8223))
    });
}

#[test]
fn refusals() {
    for (line, expected) in [
        (
            "stray",
            r#"there is no command "stray"; `vagus help` lists what there is"#,
        ),
        (
            "-D stray",
            r#"there is no command "stray"; `vagus help` lists what there is"#,
        ),
        ("--name a~b", r#"the server name must not hold a space: "a b""#),
        (
            "-p 99999",
            "port 99999 is out of range: 0 to 65535, or -1 for any that is free",
        ),
        (
            "-p -2",
            "port -2 is out of range: 0 to 65535, or -1 for any that is free",
        ),
        (
            "--arbiters -1",
            "the number of arbiters must be 0 (one a core) to 1024, not -1",
        ),
        (
            "--client_advertise a:b",
            r#"the address to advertise must be <host> or <host>:<port>, not "a:b""#,
        ),
        (
            "--client_advertise :4222",
            r#"the address to advertise must be <host> or <host>:<port>, not ":4222""#,
        ),
        (
            "-t",
            "-t checks the configuration file that -c names, and there is none",
        ),
        (
            "-c bad.conf",
            "bad.conf:1:0: unknown field \"colour\"\nbad.conf:2:1: max_payload must be a whole number, not this text",
        ),
        (
            "-t -c /nonexistent/x.conf",
            "cannot read the configuration file /nonexistent/x.conf: No such file or directory (os error 2)",
        ),
        (
            "-t -c doubtful.conf",
            r#"doubtful.conf:1:0: ping_interval should be a duration such as "20s""#,
        ),
        (
            "-c stuck.conf",
            "stuck.conf at 1:0: port 99999 is out of range: 0 to 65535, or -1 for any that is free",
        ),
        (
            "-m 70000",
            "port 70000 is out of range: 0 to 65535, or -1 for any that is free",
        ),
        (
            "-r localhost:514",
            r#"a syslog is udp://<host>:<port>, tcp://<host>:<port> or unix://<path>, not "localhost:514""#,
        ),
        ("--log_format xml", r#"a log is text or json, not "xml""#),
        (
            "-js -c streams_of_system.conf",
            "Not allowed to enable JetStream on the system account",
        ),
        (
            "-js --cluster nats://127.0.0.1:-1 --cluster_name c",
            "jetstream cluster requires `server_name` to be set",
        ),
        (
            "-js --cluster nats://127.0.0.1:-1 -n s",
            "jetstream cluster requires `cluster.name` to be set",
        ),
        ("--tls", "TLS needs a certificate and its private key"),
        (
            "--tlsverify --tlscert a",
            "TLS needs a certificate and its private key",
        ),
        (
            "--cluster localhost",
            "--cluster must be a URL such as nats://host:6222",
        ),
        (
            "--cluster nats://127.0.0.1:1 --routes a:1",
            "a route must be a URL such as nats-route://host:6222",
        ),
        (
            "--cluster_name a~b",
            r#"the cluster name must not hold a space: "a b""#,
        ),
        (
            "--routes nats://127.0.0.1:1",
            "routes need a cluster listener: set --cluster too",
        ),
        (
            "--signal nonsense=999999",
            r#"signal "nonsense" is unknown: the signals are term, quit, stop, reopen, reload and ldm"#,
        ),
        (
            "-sl stop=1=2",
            r#"a signal is given as <signal> or <signal>=<process>, not "stop=1=2""#,
        ),
    ] {
        let error = parse_line(line).unwrap_err();
        assert_eq!(error.to_string(), expected, "{line}");
        assert!(!error.shows_help(), "{line}");
    }
}

#[test]
fn bad_syntax_is_answered_with_help() {
    for line in [
        "--colour",
        "--colour blue",
        "-Z",
        "-p abc",
        "-p",
        "-m abc",
        "-c",
        "-D=perhaps",
        "serve -Z",
    ] {
        assert!(parse_line(line).unwrap_err().shows_help(), "{line}");
    }
}

#[test]
fn words_and_help() {
    for (line, expected) in [
        ("version", Text::Version),
        ("VERSION", Text::Version),
        ("-D version", Text::Version),
        ("-v", Text::Version),
        ("--version -h", Text::Version),
        ("serve --version", Text::Version),
        ("help", Text::Server),
        ("-D Help", Text::Server),
        ("-h -p 1", Text::Server),
        ("-help", Text::Server),
        ("--help stray", Text::Server),
        ("--help_tls", Text::Tls),
        ("serve -h", Text::Serve),
        ("serve help", Text::Serve),
        ("help serve", Text::Serve),
        ("help bench", Text::Tool(Tool::Bench)),
        ("help stray", Text::Server),
        ("pub --help", Text::Tool(Tool::Pub)),
        ("sub foo -h", Text::Tool(Tool::Sub)),
    ] {
        assert_eq!(parse_line(line).unwrap(), Command::Show(expected), "{line}");
    }
}

#[test]
fn signals_and_tools() {
    for (line, signal, process) in [
        ("-sl stop", Signal::Stop, None),
        ("-sl ldm=/run/a.pid", Signal::LameDuck, Some("/run/a.pid")),
        ("--signal quit=12", Signal::Quit, Some("12")),
        ("--signal=term=1*", Signal::Term, Some("1*")),
        (
            "--signal reopen=/run/a.pid -c ignored",
            Signal::Reopen,
            Some("/run/a.pid"),
        ),
    ] {
        let expected = Order {
            signal,
            process: process.map(str::to_owned),
        };
        assert_eq!(parse_line(line).unwrap(), Command::Signal(expected), "{line}");
    }
    let expected = Command::Tool(Tool::Pub, vec!["-s".to_owned(), "a".to_owned()]);
    assert_eq!(parse_line("pub -s a").unwrap(), expected);
}

/// The names that `text` mentions with dashes before them.
fn flags_in(text: &str) -> std::collections::BTreeSet<String> {
    text.split(|sign: char| !(sign.is_ascii_alphanumeric() || sign == '_' || sign == '-'))
        .filter(|word| word.starts_with('-'))
        .map(|word| word.trim_start_matches('-').to_owned())
        .filter(|name| name.starts_with(|sign: char| sign.is_ascii_alphabetic()))
        .collect()
}

#[test]
fn help_shows_every_flag_and_no_other() {
    let shown = flags_in(&format!("{COMMANDS}{SERVER}"));
    let extra = flags_in(SERVE);
    let known: std::collections::BTreeSet<String> = SERVER_FLAGS
        .iter()
        .flat_map(|flag| flag.names)
        .map(|name| (*name).to_owned())
        .collect();
    let ours: std::collections::BTreeSet<String> = ["arbiters", "log_format", "log_max_num", "logtime_utc"]
        .map(str::to_owned)
        .into();
    assert_eq!(shown, &known - &ours);
    assert!(extra.is_superset(&ours), "{extra:?}");
    assert!(extra.is_subset(&(&known | &ours)));
}
