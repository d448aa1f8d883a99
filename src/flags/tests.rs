use super::*;
use vagus_configs::{Authorization, Config, LogTime, Port};

fn parse_line(line: &str) -> Result<Command, FlagError> {
    let args: Vec<String> = line
        .split(' ')
        .filter(|word| !word.is_empty())
        .map(|word| word.replace('~', " "))
        .collect();
    parse(&args)
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

#[test]
fn flags_of_the_server() {
    sets("", |_| {});
    sets("serve", |_| {});
    for line in ["-a ::1", "--addr=::1", "-net ::1", "serve -a ::1"] {
        sets(line, |config| config.listen.host = "::1".to_owned());
    }
    sets("-a=", |_| {});
    for line in ["-p 5000", "--port=5000", "-p 1 -port 5000"] {
        sets(line, |config| config.listen.port = Port::Fixed(5000));
    }
    sets("-p -1", |config| config.listen.port = Port::Free);
    sets("-p 0", |config| config.listen.port = Port::Fixed(4222));
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
            config.client_advertise = Some(address.to_owned());
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
    sets("--log_size_limit -5", |_| {});
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
    let user = |password: &str| {
        Some(Authorization::User {
            user: "u".to_owned(),
            password: password.to_owned(),
        })
    };
    let token = Some(Authorization::Token("t".to_owned()));
    let plain = vec!["Plaintext passwords detected, use nkeys or bcrypt".to_owned()];
    for (line, expected, warnings) in [
        ("--user u", user(""), vec![]),
        ("--user u --pass p", user("p"), plain.clone()),
        ("--pass p", None, plain.clone()),
        ("--auth t", token.clone(), vec![]),
        ("--user u --pass p --auth t", token, plain),
    ] {
        let launch = launch(line);
        assert_eq!(launch.config.authorization, expected, "{line}");
        assert_eq!(launch.warnings, warnings, "{line}");
    }
}

#[test]
fn a_store_folder_without_jetstream_is_mentioned() {
    for line in ["-sd /data", "--store_dir=/data", "-js=false -sd /data"] {
        let launch = launch(line);
        assert_eq!(launch.config, Config::default());
        assert_eq!(
            launch.warnings,
            ["Nothing is stored in /data: JetStream is not enabled"]
        );
    }
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
            "--user u --pass $2a$11$abc",
            "bcrypt hashes as passwords are not in this version of vagus yet",
        ),
        (
            "-c a.conf",
            "Configuration files are not in this version of vagus yet: leave out -c",
        ),
        (
            "-t",
            "Configuration files are not in this version of vagus yet: leave out -t",
        ),
        (
            "-m 8222",
            "Monitoring over HTTP is not in this version of vagus yet: leave out -m",
        ),
        (
            "--https_port 1",
            "Monitoring over HTTP is not in this version of vagus yet: leave out -https_port",
        ),
        (
            "-s",
            "Logging to syslog is not in this version of vagus yet: leave out -s",
        ),
        (
            "-r udp://localhost:514",
            "Logging to syslog is not in this version of vagus yet: leave out -r",
        ),
        (
            "--profile 1",
            "Profiling is not in this version of vagus yet: leave out -profile",
        ),
        (
            "-js -sd /data",
            "JetStream is not in this version of vagus yet: leave out -js",
        ),
        ("--tls", "TLS needs a certificate and its private key"),
        (
            "--tlsverify --tlscert a",
            "TLS needs a certificate and its private key",
        ),
        (
            "--tls --tlscert a --tlskey b",
            "TLS is not in this version of vagus yet",
        ),
        (
            "--cluster nats://127.0.0.1:1",
            "Clustering is not in this version of vagus yet",
        ),
        (
            "--cluster_name c",
            "Clustering is not in this version of vagus yet: leave out -cluster_name",
        ),
        (
            "--routes nats://127.0.0.1:1",
            "routes need a cluster listener: set --cluster too",
        ),
        (
            "--signal nonsense=999999",
            r#"signal "nonsense" is unknown: the signals are term, quit, stop and reopen"#,
        ),
        (
            "-sl reload=1",
            "signal reload is not in this version of vagus yet",
        ),
        ("-sl ldm", "signal ldm is not in this version of vagus yet"),
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
        assert_eq!(parse_line(line), Ok(Command::Show(expected)), "{line}");
    }
}

#[test]
fn signals_and_tools() {
    for (line, signal, process) in [
        ("-sl stop", Signal::Stop, None),
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
        assert_eq!(parse_line(line), Ok(Command::Signal(expected)), "{line}");
    }
    let expected = Command::Tool(Tool::Pub, vec!["-s".to_owned(), "a".to_owned()]);
    assert_eq!(parse_line("pub -s a"), Ok(expected));
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
    let ours: std::collections::BTreeSet<String> = ["arbiters", "logtime_utc"].map(str::to_owned).into();
    assert_eq!(shown, &known - &ours);
    assert!(extra.is_superset(&ours), "{extra:?}");
    assert!(extra.is_subset(&(&known | &ours)));
}
