use super::{GenericClaims, MAX_TOKEN, TokenError, looks_like_token, signed};
use crate::account::{Account, AccountLimits};
use crate::activation::Activation;
use crate::authorization::{AuthorizationRequest, AuthorizationResponse};
use crate::claims::Claims;
use crate::operator::Operator;
use crate::sharing::{Export, Import, ShareKind};
use crate::user::{User, UserLimits};
use base64::Engine;
use serde_json::json;
use vagus_auth::nkey::{KeyPair, Kind};

/// Of the tests of nats.py: version 1.
const OLD_OPERATOR: &str = "eyJ0eXAiOiJqd3QiLCJhbGciOiJlZDI1NTE5In0.eyJqdGkiOiIyTVhXQ0VaRFo2S0g3NU5ZU1NaUFBTTElET1NEVzdMVVE0RVRUSjJMWEhKQlFGWTRTMkZBIiwiaWF0IjoxNTUzODQwMzM3LCJpc3MiOiJPRFdJSUU3SjdOT1M3M1dWQk5WWTdIQ1dYVTRXWFdEQlNDVjRWSUtNNVk0TFhUT1Q1U1FQT0xXTCIsIm5hbWUiOiJ0ZXN0X29wZXJhdG9yIiwic3ViIjoiT0RXSUlFN0o3Tk9TNzNXVkJOVlk3SENXWFU0V1hXREJTQ1Y0VklLTTVZNExYVE9UNVNRUE9MV0wiLCJ0eXBlIjoib3BlcmF0b3IifQ.V_v6k3aMOpyau83RaqNHW_YmZw8X0ZnJWLOas3YvQYIyXrHF0bL9inBaQw6zXzbN_ViQnNskhB7tM40qguitAg";
const OLD_ACCOUNT: &str = "eyJ0eXAiOiJqd3QiLCJhbGciOiJlZDI1NTE5In0.eyJqdGkiOiIyUDNHU1BFSk9DNlVZNE5aM05DNzVQVFJIV1pVRFhPV1pLR0NLUDVPNjJYSlZESVEzQ0ZRIiwiaWF0IjoxNTUzODQwNjE1LCJpc3MiOiJPRFdJSUU3SjdOT1M3M1dWQk5WWTdIQ1dYVTRXWFdEQlNDVjRWSUtNNVk0TFhUT1Q1U1FQT0xXTCIsIm5hbWUiOiJmb28iLCJzdWIiOiJBRDdTRUFOUzZCQ0JGNkZISUI3U1EzVUdKVlBXNTNCWE9BTFA3NVlYSkJCWFFMN0VBRkI2TkpOQSIsInR5cGUiOiJhY2NvdW50IiwibmF0cyI6eyJsaW1pdHMiOnsic3VicyI6LTEsImNvbm4iOi0xLCJpbXBvcnRzIjotMSwiZXhwb3J0cyI6LTEsImRhdGEiOi0xLCJwYXlsb2FkIjotMSwid2lsZGNhcmRzIjp0cnVlfX19.COiKg5EFK4Gb2gA7vtKHQK7vjMEUx-RMWYuN-Bg-uVOFs9GLwW7Dxc4TcN-poBGBEkwKnleiA9SjYO3y4-AqBQ";
const OLD_USER: &str = "eyJ0eXAiOiJqd3QiLCJhbGciOiJlZDI1NTE5In0.eyJqdGkiOiJXTURGT1dHV1JGWkRGRFVSM0dPUkdESEtUTTdDUlZBVDQ1RkRFMllNRUY1N0VOQ0JBVFFRIiwiaWF0IjoxNTUzODQwOTQ0LCJpc3MiOiJBRDdTRUFOUzZCQ0JGNkZISUI3U1EzVUdKVlBXNTNCWE9BTFA3NVlYSkJCWFFMN0VBRkI2TkpOQSIsIm5hbWUiOiJmb28tdXNlciIsInN1YiI6IlVDSzVON042Nk9CT0lORlhBWUMyQUNKUVlGU09ENFZZTlU2QVBFSlRBVkZaQjJTVkhMS0dFVzdMIiwidHlwZSI6InVzZXIiLCJuYXRzIjp7InB1YiI6e30sInN1YiI6e319fQ.Vri09BN561m37GvuSWoGN9L9TSkwQbjC_jIv1BCJcoxZqNc_Pa7WbR12b3SAS4_Ip2D9-2HCwyYib1JUEIO8Bg";

/// Of the tests of nats.rs: version 2, made by nsc.
const ACCOUNT: &str = "eyJ0eXAiOiJKV1QiLCJhbGciOiJlZDI1NTE5LW5rZXkifQ.eyJqdGkiOiI1RDMzSVBJRFJCTUg1VTdWTFlOMlk0VEpTV09aUzJaSTNPMlBMR1dORDdWN0MyQjJDNjZRIiwiaWF0IjoxNjUxNzkwOTcwLCJpc3MiOiJPQjVYQ0U0NVdFVkYyRjVWWUZOM1Q3NEpJRVpFT1JaVzYzSEJFSVdVWEpHWU9HS0VBSVVLM0FMTSIsIm5hbWUiOiJTWVMiLCJzdWIiOiJBQlJFSk5ZQVNXR1MyQTVFVlhQVlhHR0NPSzJMSlhUN0taTllCQlpBWFVUVUJJMlZTTUFWN0RITiIsIm5hdHMiOnsiZXhwb3J0cyI6W3sibmFtZSI6ImFjY291bnQtbW9uaXRvcmluZy1zdHJlYW1zIiwic3ViamVjdCI6IiRTWVMuQUNDT1VOVC4qLlx1MDAzZSIsInR5cGUiOiJzdHJlYW0iLCJhY2NvdW50X3Rva2VuX3Bvc2l0aW9uIjozLCJkZXNjcmlwdGlvbiI6IkFjY291bnQgc3BlY2lmaWMgbW9uaXRvcmluZyBzdHJlYW0iLCJpbmZvX3VybCI6Imh0dHBzOi8vZG9jcy5uYXRzLmlvL25hdHMtc2VydmVyL2NvbmZpZ3VyYXRpb24vc3lzX2FjY291bnRzIn0seyJuYW1lIjoiYWNjb3VudC1tb25pdG9yaW5nLXNlcnZpY2VzIiwic3ViamVjdCI6IiRTWVMuUkVRLkFDQ09VTlQuKi4qIiwidHlwZSI6InNlcnZpY2UiLCJyZXNwb25zZV90eXBlIjoiU3RyZWFtIiwiYWNjb3VudF90b2tlbl9wb3NpdGlvbiI6NCwiZGVzY3JpcHRpb24iOiJSZXF1ZXN0IGFjY291bnQgc3BlY2lmaWMgbW9uaXRvcmluZyBzZXJ2aWNlcyBmb3I6IFNVQlNaLCBDT05OWiwgTEVBRlosIEpTWiBhbmQgSU5GTyIsImluZm9fdXJsIjoiaHR0cHM6Ly9kb2NzLm5hdHMuaW8vbmF0cy1zZXJ2ZXIvY29uZmlndXJhdGlvbi9zeXNfYWNjb3VudHMifV0sImxpbWl0cyI6eyJzdWJzIjotMSwiZGF0YSI6LTEsInBheWxvYWQiOi0xLCJpbXBvcnRzIjotMSwiZXhwb3J0cyI6LTEsIndpbGRjYXJkcyI6dHJ1ZSwiY29ubiI6LTEsImxlYWYiOi0xfSwic2lnbmluZ19rZXlzIjpbIkFDUEpPQ0xZTTJHQzU0Nk1EMzRGVzVPMkRVQTYzTERIV0ZHU0JJSVpTSUZJQjJUWlVGREQ0TlBVIl0sImRlZmF1bHRfcGVybWlzc2lvbnMiOnsicHViIjp7fSwic3ViIjp7fX0sInR5cGUiOiJhY2NvdW50IiwidmVyc2lvbiI6Mn19.I_ybyL7Gm9gTH1IVrulNB596y-YmdYQ9QoyGEez3SviPJNFFD1vkmtl2wpzesUB1zaVYVyAhhN_jsEWElmUnBQ";

#[test]
fn tokens_of_version_1_are_read() {
    let operator = Claims::<Operator>::decode(OLD_OPERATOR).unwrap();
    assert_eq!(
        (&*operator.name, operator.issuer == operator.subject),
        ("test_operator", true)
    );
    let account = Claims::<Account>::decode(OLD_ACCOUNT).unwrap();
    assert_eq!(account.issuer, operator.subject);
    let limits = &account.nats.limits;
    assert_eq!(
        (limits.connections, limits.leaf_nodes, limits.wildcard_exports),
        (-1, 0, true)
    );
    let user = Claims::<User>::decode(OLD_USER).unwrap();
    assert_eq!(
        (user.account(), user.issued_at),
        (&*account.subject, 1_553_840_944)
    );
    assert_eq!(user.nats.limits, UserLimits::unlimited());
}

#[test]
fn tokens_of_nsc_are_read() {
    let account = Claims::<Account>::decode(ACCOUNT).unwrap();
    assert_eq!(account.name, "SYS");
    assert_eq!(account.nats.exports.len(), 2);
    assert_eq!(account.nats.exports[0].subject, "$SYS.ACCOUNT.*.>");
    assert_eq!(account.nats.exports[1].kind, ShareKind::Service);
    assert_eq!(account.nats.signing_keys.0.len(), 1);
    assert_eq!(account.issues(0).first(), None);
}

#[test]
fn what_was_changed_does_not_verify() {
    let changed = |from: &str, to: &str| Claims::<Account>::decode(&ACCOUNT.replace(from, to)).unwrap_err();
    assert_eq!(changed("I_yb", "I_yc"), TokenError::Signature(2));
    let parts: Vec<&str> = ACCOUNT.split('.').collect();
    let (start, end) = (format!("{}.{}", parts[0], parts[1]), parts[2]);
    assert_eq!(changed(end, ""), TokenError::Signature(2));
    assert_eq!(changed(&start, "a"), TokenError::Parts);
    assert_eq!(changed(&start, "a.b"), TokenError::Base64);
    let (first, rest) = parts[1].split_at(100);
    let other = if rest.starts_with('A') { "B" } else { "A" };
    let payload = format!("{first}{other}{}", &rest[1..]);
    let error = changed(parts[1], &payload);
    assert!(
        matches!(error, TokenError::Signature(2) | TokenError::Json(_)),
        "{error}"
    );
    let old_user = Claims::<User>::decode(&OLD_USER.replace("Vri0", "Vri1"));
    assert_eq!(old_user.unwrap_err(), TokenError::Signature(1));
}

#[test]
fn the_kind_and_the_issuer_count() {
    assert_eq!(
        Claims::<User>::decode(ACCOUNT).unwrap_err().to_string(),
        "not user claim"
    );
    let user = KeyPair::generate(Kind::User).unwrap();
    let claims = |nats| json!({ "iss": user.public(), "sub": user.public(), "nats": nats });
    let text = signed(&claims(json!({ "type": "user", "version": 2 })), &user).unwrap();
    assert_eq!(Claims::<User>::decode(&text).unwrap_err(), TokenError::Issuer);
    for (version, error) in [(3, TokenError::Version), (0, TokenError::Signature(1))] {
        let text = signed(&claims(json!({ "type": "user", "version": version })), &user).unwrap();
        assert_eq!(Claims::<User>::decode(&text).unwrap_err(), error);
    }
    assert_eq!(
        Claims::<User>::about("x").encode(&user, 0).unwrap_err(),
        TokenError::Issuer
    );
}

#[test]
fn what_is_no_token_is_none() {
    let failed = |text: &str| Claims::<User>::decode(text).unwrap_err();
    for text in [
        "",
        ".",
        "a.b.c.d",
        "..",
        "\u{0}.\u{0}.\u{0}",
        "e30.e30.e30",
        "bnVsbA.bnVsbA.",
    ] {
        failed(text);
    }
    assert_eq!(failed("not.a.jwt"), TokenError::Json("not JSON".to_owned()));
    assert_eq!(
        failed(&"a".repeat(MAX_TOKEN + 1)),
        TokenError::TooLarge(MAX_TOKEN + 1)
    );
    let header = super::BASE64.encode(r#"{"typ":"JWT","alg":"none"}"#);
    assert_eq!(failed(&format!("{header}.e30.")), TokenError::Header);
    let deep = super::BASE64.encode("[".repeat(100_000));
    let header = super::BASE64.encode(r#"{"typ":"JWT","alg":"ed25519-nkey"}"#);
    assert_eq!(
        failed(&format!("{header}.{deep}.")),
        TokenError::Json("not JSON".to_owned())
    );
    assert!(looks_like_token(ACCOUNT.as_bytes()) && !looks_like_token(b"xkv1"));
}

/// What is read of what was written is the same.
#[test]
fn claims_of_all_kinds_go_through_text() {
    let key = |kind| KeyPair::generate(kind).unwrap();
    let (operator, account, other, server, user) = (
        key(Kind::Operator),
        key(Kind::Account),
        key(Kind::Account),
        key(Kind::Server),
        key(Kind::User),
    );
    let mut activation = Claims::<Activation>::about(account.public());
    activation.nats.subject = "a.>".to_owned();
    activation.nats.share = Some(ShareKind::Service);
    let token = activation.encode(&other, 5).unwrap();

    let mut claims = Claims::<Account>::about(account.public());
    claims.nats.limits = AccountLimits::unlimited();
    claims.nats.exports = vec![Export {
        name: String::new(),
        subject: "x.*".to_owned(),
        kind: ShareKind::Stream,
        token_required: true,
        revocations: Default::default(),
        response_type: None,
        response_threshold: 0,
        latency: None,
        account_token_position: 2,
        allow_trace: false,
    }];
    claims.nats.imports = vec![Import {
        name: String::new(),
        subject: "a.b".to_owned(),
        account: other.public().to_owned(),
        token,
        to: String::new(),
        local_subject: "c".to_owned(),
        kind: ShareKind::Service,
        share: true,
        allow_trace: false,
    }];
    let read = Claims::<Account>::decode(&claims.clone().encode(&operator, 7).unwrap()).unwrap();
    assert_eq!((read.issued_at, &*read.issuer), (7, operator.public()));
    assert_eq!(read.nats.imports, claims.nats.imports);
    assert_eq!(read.nats.exports, claims.nats.exports);
    assert_eq!(read.nats.limits, claims.nats.limits);
    assert_eq!(read.issues(10).first(), None);
    assert_ne!(read.id, "");

    let imported = &mut claims.nats.imports[0];
    imported.subject = "b".to_owned();
    let issues = claims.issues(10);
    assert!(
        issues
            .first_error()
            .unwrap()
            .text
            .contains("doesn't match import"),
        "{issues}"
    );

    let mut request = Claims::<AuthorizationRequest>::about(account.public());
    request.nats.user_nkey = user.public().to_owned();
    request.nats.connect_opts.pass = "secret".to_owned();
    assert!(!format!("{request:?}").contains("secret"));
    let read = Claims::<AuthorizationRequest>::decode(&request.encode(&server, 0).unwrap()).unwrap();
    assert_eq!(
        (&*read.nats.connect_opts.pass, read.issues(0).first()),
        ("secret", None)
    );

    let mut response = Claims::<AuthorizationResponse>::about(user.public());
    response.audience = server.public().to_owned();
    assert_eq!(
        response.issues(0).first().unwrap().text,
        "Error or Jwt is required"
    );
    response.nats.error = "no".to_owned();
    let read = Claims::<AuthorizationResponse>::decode(&response.encode(&account, 0).unwrap()).unwrap();
    assert_eq!(read.issues(0).first(), None);
}

#[test]
fn orders_of_an_operator_are_read() {
    let operator = KeyPair::generate(Kind::Operator).unwrap();
    let order = json!({ "iss": operator.public(), "sub": operator.public(), "nats": { "accounts": ["A"] } });
    let claims = GenericClaims::decode(&signed(&order, &operator).unwrap()).unwrap();
    assert_eq!(
        (claims.issuer, claims.subject),
        (operator.public().to_owned(), operator.public().to_owned())
    );
    assert_eq!(claims.data["accounts"], json!(["A"]));
    let forged = json!({ "iss": OLD_OPERATOR, "sub": "" });
    assert!(GenericClaims::decode(&signed(&forged, &operator).unwrap()).is_err());
}

/// Whatever becomes of a token on its way, it is read or not, and never more than that.
#[test]
fn changed_tokens_do_not_panic() {
    let mut random = fastrand::Rng::with_seed(7);
    for _ in 0..3000 {
        let whole = random.choice([OLD_USER, ACCOUNT, OLD_OPERATOR]).unwrap();
        let parts: Vec<&str> = whole.split('.').collect();
        let mut payload = super::BASE64.decode(parts[1]).unwrap();
        for _ in 0..random.usize(1..4) {
            let place = random.usize(..payload.len().max(1));
            if payload.is_empty() {
                break;
            }
            match random.u8(..3) {
                0 => payload[place] = payload[place].wrapping_add(random.u8(1..)),
                1 => drop(payload.remove(place)),
                _ => payload.truncate(place.max(1)),
            }
        }
        if payload == super::BASE64.decode(parts[1]).unwrap() {
            continue;
        }
        let text = format!("{}.{}.{}", parts[0], super::BASE64.encode(&payload), parts[2]);
        assert!(Claims::<Account>::decode(&text).is_err());
        assert!(Claims::<User>::decode(&text).is_err());
        assert!(GenericClaims::decode(&text).is_err());
        // The same, signed: what it says may be anything.
        let operator = KeyPair::generate(Kind::Operator).unwrap();
        let Ok(mut value) = serde_json::from_slice::<serde_json::Value>(&payload) else {
            continue;
        };
        if let Some(claims) = value.as_object_mut() {
            claims.insert("iss".to_owned(), operator.public().into());
        }
        if let Ok(claims) = Claims::<Account>::decode(&signed(&value, &operator).unwrap()) {
            let _ = (claims.issues(0), claims.definition());
        }
    }
}

/// As Go reads them: what says until when a token holds, or what it may not do, holds in any case.
#[test]
fn claims_are_read_by_names_in_any_case() {
    let account = KeyPair::generate(Kind::Account).unwrap();
    let user = KeyPair::generate(Kind::User).unwrap();
    let claims = json!({
        "ISS": account.public(), "Sub": user.public(), "iat": 1, "Exp": 50, "NBF": 40,
        "nats": {"Type": "user", "Version": 2, "PUB": {"Deny": ["a"]}, "Src": ["10.0.0.0/8"], "Subs": 7},
    });
    let read = Claims::<User>::decode(&signed(&claims, &account).unwrap()).unwrap();
    assert_eq!((read.expires, read.not_before), (50, 40));
    assert_eq!(read.nats.limits.permissions.publish.deny, ["a"]);
    assert_eq!(read.nats.limits.subscriptions, 7);
    assert!(!read.nats.limits.source_networks.have("11.0.0.1".parse().unwrap()));

    let operator = KeyPair::generate(Kind::Operator).unwrap();
    let claims = json!({
        "iss": operator.public(), "sub": account.public(), "iat": 1,
        "nats": {
            "type": "account", "version": 2, "Revocations": {user.public(): 5},
            "LIMITS": {"CONN": 3, "Tiered_Limits": {"R1": {"Streams": 2}}},
            "Mappings": {"From.Here": [{"Subject": "To.There"}]},
        },
    });
    let read = Claims::<Account>::decode(&signed(&claims, &operator).unwrap()).unwrap();
    assert!(read.nats.revocations.revoke(user.public(), 5));
    assert_eq!(read.nats.limits.connections, 3);
    assert_eq!(read.nats.limits.tiers["R1"].streams, 2);
    assert_eq!(read.nats.mappings["From.Here"][0].subject, "To.There");
}

/// Which of two holds is not guessed.
#[test]
fn claims_that_are_made_twice_are_refused() {
    let account = KeyPair::generate(Kind::Account).unwrap();
    let user = KeyPair::generate(Kind::User).unwrap();
    let claims = json!({
        "iss": account.public(), "sub": user.public(), "iat": 1, "exp": 50, "Exp": 0,
        "nats": {"type": "user", "version": 2},
    });
    let refused = Claims::<User>::decode(&signed(&claims, &account).unwrap());
    assert!(matches!(refused, Err(TokenError::Json(_))), "{refused:?}");
}
