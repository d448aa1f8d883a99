use super::*;

/// Reads a CONNECT and names what is not as by default, or the error.
fn read(json: impl AsRef<[u8]>) -> String {
    match ConnectOptions::parse(json.as_ref()) {
        Ok(options) => describe(&options),
        Err(error) => error.to_string(),
    }
}

fn describe(options: &ConnectOptions) -> String {
    let default = ConnectOptions::default();
    let mut parts = Vec::new();
    for (name, value, default) in [
        ("verbose", options.verbose, default.verbose),
        ("pedantic", options.pedantic, default.pedantic),
        ("echo", options.echo, default.echo),
        ("headers", options.headers, default.headers),
        ("no_responders", options.no_responders, default.no_responders),
        ("tls_required", options.tls_required, default.tls_required),
        ("new_account", options.new_account, default.new_account),
    ] {
        if value != default {
            parts.push(format!("{name}={value}"));
        }
    }
    if options.protocol != 0 {
        parts.push(format!("protocol={}", options.protocol));
    }
    let proofs = options.proofs.clone().unwrap_or_default();
    for (name, text) in [
        ("name", &options.name),
        ("lang", &options.lang),
        ("version", &options.version),
        ("user", &options.user),
        ("pass", &proofs.pass),
        ("auth_token", &proofs.auth_token),
        ("nkey", &options.nkey),
        ("sig", &proofs.sig),
        ("jwt", &proofs.jwt),
        ("proxy_sig", &proofs.proxy_sig),
        ("account", &options.account),
        ("remote_account", &options.remote_account),
    ] {
        if !text.is_empty() {
            parts.push(format!("{name}={text}"));
        }
    }
    parts.join(" ")
}

#[track_caller]
fn check(json: impl AsRef<[u8]>, expect: &str) {
    assert_eq!(read(json), expect);
}

#[test]
fn reads_what_clients_send() {
    check("{}", "");
    check("null", "");
    check(r#" {"verbose":false}  "#, "verbose=false");
    check(
        r#"{"verbose":false,"pedantic":false,"echo":false,"headers":true,"no_responders":true,"protocol":1,
            "name":"n","lang":"rust","version":"1.0","tls_required":true}"#,
        "verbose=false pedantic=false echo=false headers=true no_responders=true tls_required=true \
         protocol=1 name=n lang=rust version=1.0",
    );
    check(
        r#"{"user":"u","pass":"p","auth_token":"t","nkey":"UX","sig":"zzz","jwt":"a.b.c","proxy_sig":"y"}"#,
        "user=u pass=p auth_token=t nkey=UX sig=zzz jwt=a.b.c proxy_sig=y",
    );
    check(
        r#"{"account":"ACME","new_account":true,"remote_account":"R","import":{"allow":["a"]},"export":null}"#,
        "new_account=true account=ACME remote_account=R",
    );
}

#[test]
fn is_lenient() {
    check(r#"{"VERBOSE":false,"Name":"n"}"#, "verbose=false name=n");
    check(r#"{"verbo\u0073e":false,"verbo\u017fe":false}"#, "verbose=false");
    check(
        "{\"verboſe\":false,\"n\u{212a}ey\":\"x\"}",
        "verbose=false nkey=x",
    );
    check(r#"{"verbose":true,"verbose":false}"#, "verbose=false");
    check(r#"{"verbose":false,"verbose":null}"#, "verbose=false");
    check(r#"{"verbose":null,"name":null,"protocol":null}"#, "");
    check(
        r#"{"colour":"blue","nested":{"verbose":false},"list":[1,{}],"name":"n"}"#,
        "name=n",
    );
    check(r#"{"name":"пример 例"}"#, "name=пример 例");
    check(b"{\"name\":\"\xff\xfe\"}", "name=\u{fffd}\u{fffd}");
    check(b"{\"\xff\":1,\"name\":\"n\"}", "name=n");
    check(r#"{"name":"\u0000\ud800"}"#, "name=\0\u{fffd}");
    check(format!(r#"{{"x":{}{}}}"#, "[".repeat(200), "]".repeat(200)), "");
    check(r#"{"protocol":2}"#, "protocol=2");
    check(r#"{"protocol":-1}"#, "protocol=-1");
    check(r#"{"protocol":-0}"#, "");
}

#[test]
fn refuses() {
    for json in [
        "",
        " ",
        "{",
        "nonsense",
        "{} x",
        "{}{}",
        "{'verbose':true}",
        r#"{"verbose":true,}"#,
        r#"{"verbose" true}"#,
        r#"{"verbose":True}"#,
        r#"{"name":"a"#,
        "{\"name\":\"a\nb\"}",
        r#"{"name":"\x"}"#,
        r#"{"name":"\u12"}"#,
        r#"{"protocol":01}"#,
        r#"{"protocol":+1}"#,
        "nul",
        "\u{feff}{}",
    ] {
        assert_eq!(
            ConnectOptions::parse(json.as_bytes()),
            Err(ConnectError::Syntax),
            "{json}"
        );
    }
    for json in ["[]", "\"x\"", "1", "true"] {
        assert_eq!(
            ConnectOptions::parse(json.as_bytes()),
            Err(ConnectError::NotAnObject),
            "{json}"
        );
    }
    check(r#"{"verbose":"true"}"#, "CONNECT has a wrong value for verbose");
    check(r#"{"verbose":1}"#, "CONNECT has a wrong value for verbose");
    check(r#"{"PROTOCOL":1.5}"#, "CONNECT has a wrong value for protocol");
    check(r#"{"protocol":1e0}"#, "CONNECT has a wrong value for protocol");
    check(
        r#"{"protocol":9223372036854775808}"#,
        "CONNECT has a wrong value for protocol",
    );
    check(r#"{"protocol":"1"}"#, "CONNECT has a wrong value for protocol");
    check(r#"{"name":1}"#, "CONNECT has a wrong value for name");
    check(r#"{"pass":["p"]}"#, "CONNECT has a wrong value for pass");
    check(r#"{"import":"x"}"#, "CONNECT has a wrong value for import");
}

#[test]
fn a_later_connect_keeps_what_it_does_not_mention() {
    let mut options =
        ConnectOptions::parse(br#"{"verbose":false,"echo":false,"name":"n","protocol":1}"#).unwrap();
    options
        .update(br#"{"echo":true,"name":null,"headers":true}"#)
        .unwrap();
    assert_eq!(describe(&options), "verbose=false headers=true protocol=1 name=n");
    options.update(b"null").unwrap();
    assert_eq!(describe(&options), "verbose=false headers=true protocol=1 name=n");
}

#[test]
fn proofs_are_forgotten_and_nothing_else() {
    let mut options = ConnectOptions::parse(
        br#"{"name":"n","user":"u","pass":"p","auth_token":"t","nkey":"UX","sig":"s"}"#,
    )
    .unwrap();
    options.forget_proofs();
    assert_eq!(describe(&options), "name=n user=u nkey=UX");
    assert!(options.proofs.is_none() && options.has_token);
    options.update(br#"{"auth_token":""}"#).unwrap();
    assert!(!options.has_token);
}

#[test]
fn complains_in_the_order_clients_know() {
    #[track_caller]
    fn check(json: &str, server_headers: bool, expect: Option<Complaint<'_>>) {
        let options = ConnectOptions::parse(json.as_bytes()).unwrap();
        assert_eq!(options.complaint(server_headers), expect);
    }
    check("{}", true, None);
    check(r#"{"protocol":1}"#, true, None);
    check(r#"{"protocol":2}"#, true, Some(Complaint::InvalidClientProtocol));
    check(r#"{"protocol":-1}"#, true, Some(Complaint::InvalidClientProtocol));
    check(r#"{"headers":true,"no_responders":true}"#, true, None);
    check(
        r#"{"headers":true,"no_responders":true}"#,
        false,
        Some(Complaint::NoRespondersRequiresHeaders),
    );
    check(
        r#"{"no_responders":true}"#,
        true,
        Some(Complaint::NoRespondersRequiresHeaders),
    );
    check(
        r#"{"no_responders":true,"protocol":2}"#,
        true,
        Some(Complaint::InvalidClientProtocol),
    );
    check(
        r#"{"account":"A","protocol":2}"#,
        true,
        Some(Complaint::AuthorizationViolation),
    );
    check(
        r#"{"new_account":true}"#,
        true,
        Some(Complaint::AuthorizationViolation),
    );
}

#[test]
fn secrets_are_not_shown() {
    let options = ConnectOptions::parse(
        br#"{"user":"u","pass":"hidden","auth_token":"hidden","jwt":"hidden","sig":"hidden","proxy_sig":"hidden"}"#,
    )
    .unwrap();
    let shown = format!("{options:?}");
    assert!(shown.contains("\"u\"") && !shown.contains("hidden"), "{shown}");
}

#[test]
fn only_what_is_no_secret_is_shown() {
    #[track_caller]
    fn check(json: &str, expect: &str) {
        assert_eq!(without_secrets(json.as_bytes()), expect);
    }
    check("{}", "{}");
    check(" null ", "null");
    check(
        r#"{"user":"ann","pass":"hush","verbose":true}"#,
        r#"{"user":"ann","pass":"[REDACTED]","verbose":true}"#,
    );
    check(
        r#"{ "auth_token" : "hu\"sh" , "name" : "a\"b" }"#,
        r#"{"auth_token":"[REDACTED]","name":"a\"b"}"#,
    );
    for key in [
        "pass",
        "PASS",
        "password",
        "auth_token",
        "jwt",
        "sig",
        "proxy_sig",
        "nkey",
        "n\u{212a}ey",
        "pa\u{17f}s",
        "other",
    ] {
        for value in [
            "\"hush\"",
            "7",
            "true",
            "[\"hush\"]",
            "{\"x\":\"hush\"}",
            "null",
            "\"h\\u0075sh\"",
            "-1.5e3",
        ] {
            check(
                &format!(r#"{{"{key}":{value},"lang":"go"}}"#),
                &format!(r#"{{"{key}":"[REDACTED]","lang":"go"}}"#),
            );
        }
    }
    check(r#"{"p\u0061ss":"hush"}"#, r#"{"p\u0061ss":"[REDACTED]"}"#);
    // What is no secret in itself may hold one.
    check(
        r#"{"name":{"pass":"hush"},"user":["hush"]}"#,
        r#"{"name":"[REDACTED]","user":"[REDACTED]"}"#,
    );
    check(r#"{"USER":1,"echo":null}"#, r#"{"USER":1,"echo":null}"#);
    for broken in [
        r#"{"user":"a","pass":"hush""#,
        r#"{"user":"a" "pass":"hush"}"#,
        "hush",
        r#"["hush"]"#,
        "",
        r#"{"user":"a"}x"#,
    ] {
        check(broken, "[REDACTED]");
    }
}
