use openssl::pkey::{PKey, Private};
use openssl::sign::Signer;

use super::*;
use crate::nkey::{Kind, encode_public};
use crate::permission::Rights;

/// Hashes of "s3cret" and "tok3n", at cost 4.
pub(super) const HASHED: &str = "$2a$04$abcdefghijklmnopqrstuuLZYjhNQAOdpbzt4WxWlUHjv1wsyH5DG";
const HASHED_TOKEN: &str = "$2a$04$ABCDEFGHIJKLMNOPQRSTUu2KPF2UJz6PJaZgAuAlEkoYFqSiYpNpC";

pub(super) const NOTHING: Login<'_> = Login {
    user: "",
    password: "",
    token: "",
    nkey: "",
    signature: "",
    certificate: Certificate::NotAsked,
    connection: ConnectionType::Standard,
};

pub(super) fn login<'a>(user: &'a str, password: &'a str) -> Login<'a> {
    Login {
        user,
        password,
        ..NOTHING
    }
}

pub(super) fn user(name: &str, password: &str) -> User {
    User {
        proof: Proof::Password {
            name: name.to_owned(),
            password: password.to_owned(),
        },
        permissions: None,
        connection_types: ConnectionTypes::default(),
        account: None,
        requires_proxy: false,
    }
}

pub(super) fn nkey_user(key: &str) -> User {
    User {
        proof: Proof::Nkey(key.to_owned()),
        permissions: None,
        connection_types: ConnectionTypes::default(),
        account: None,
        requires_proxy: false,
    }
}

pub(super) fn users(users: &[User], no_auth_user: Option<&str>) -> Credentials {
    Credentials::Users {
        users: users.into(),
        no_auth_user: no_auth_user.map(str::to_owned),
        default_permissions: None,
    }
}

pub(super) fn gate(credentials: Credentials) -> Gate {
    Gate::new(credentials).unwrap()
}

pub(super) fn single(name: &str, password: &str) -> Gate {
    gate(Credentials::User {
        name: name.to_owned(),
        password: password.to_owned(),
    })
}

pub(super) fn token(token: &str) -> Gate {
    gate(Credentials::Token(token.to_owned()))
}

pub(super) fn enter_with(gate: &Gate, login: &Login<'_>, nonce: &str) -> Option<Identity> {
    match gate.begin(login, nonce.as_bytes()) {
        Decision::Admitted(identity) => Some(identity),
        Decision::Refused => None,
        Decision::Verify(task) => task.run(),
    }
}

pub(super) fn enter(gate: &Gate, login: &Login<'_>) -> Option<Identity> {
    enter_with(gate, login, "")
}

fn is_slow(gate: &Gate, login: &Login<'_>) -> bool {
    matches!(gate.begin(login, b""), Decision::Verify(_))
}

#[test]
fn logins_are_decided_as_by_nats_server() {
    let by_password = ["good", "token_and_user"];
    let by_token = ["token", "token_and_user"];
    for (setup, gate, admitted) in [
        ("user", single("derek", "s3cret"), by_password),
        ("token", token("tok3n"), by_token),
        (
            "users",
            gate(users(&[user("derek", "s3cret"), user("other", "x y")], None)),
            by_password,
        ),
        ("bcrypt", single("derek", HASHED), by_password),
        (
            "bcrypt_users",
            gate(users(&[user("derek", HASHED)], None)),
            by_password,
        ),
        ("bcrypt_token", token(HASHED_TOKEN), by_token),
    ] {
        assert!(gate.requires_login() && !gate.needs_nonce());
        let with_token = |token| Login { token, ..NOTHING };
        for (who, login) in [
            ("good", login("derek", "s3cret")),
            ("wrong_pass", login("derek", "wrong")),
            ("wrong_user", login("else", "s3cret")),
            ("user_case", login("Derek", "s3cret")),
            ("no_pass", login("derek", "")),
            ("only_pass", login("", "s3cret")),
            ("nothing", NOTHING),
            ("token", with_token("tok3n")),
            ("wrong_token", with_token("nope")),
            ("longer_token", with_token("tok3n3")),
            ("token_as_pass", login("", "tok3n")),
            ("token_as_user", login("tok3n", "")),
            (
                "token_and_user",
                Login {
                    token: "tok3n",
                    ..login("derek", "s3cret")
                },
            ),
        ] {
            assert_eq!(
                enter(&gate, &login).is_some(),
                admitted.contains(&who),
                "{setup} {who}"
            );
        }
    }
}

#[test]
fn a_hash_is_not_a_password() {
    assert!(enter(&single("derek", HASHED), &login("derek", HASHED)).is_none());
    assert!(
        enter(
            &token(HASHED_TOKEN),
            &Login {
                token: HASHED_TOKEN,
                ..NOTHING
            }
        )
        .is_none()
    );
}

#[test]
fn an_open_gate_asks_nothing() {
    let gate = gate(Credentials::Open);
    assert!(!gate.requires_login() && !gate.needs_nonce());
    for login in [NOTHING, login("anybody", "anything")] {
        let identity = enter(&gate, &login).unwrap();
        assert!(identity.user().is_none() && identity.rights() == Rights::Everything);
    }
}

#[test]
fn unusual_names_and_passwords_are_taken_as_they_are() {
    let gate = gate(users(&[user("sp ace", "pa:ss/w@rd\"#{}")], None));
    let identity = enter(&gate, &login("sp ace", "pa:ss/w@rd\"#{}")).unwrap();
    assert_eq!(identity.user(), Some("sp ace"));
}

#[test]
fn nobody_may_enter_where_there_are_no_users() {
    let gate = gate(users(&[], None));
    assert!(gate.requires_login());
    for login in [NOTHING, login("a", "p"), login("", "p")] {
        assert!(enter(&gate, &login).is_none());
    }
}

#[test]
fn who_gives_no_credentials_is_the_no_auth_user() {
    // With a hash there is nothing that could be compared with it.
    for (password, nobody) in [("p", Some("b")), (HASHED, None), ("$2a$99$no hash", None)] {
        let gate = gate(users(&[user("a", "p"), user("b", password)], Some("b")));
        assert!(!gate.requires_login());
        for (login, expected) in [
            (NOTHING, nobody),
            (login("a", "p"), Some("a")),
            (login("a", "x"), None),
            (login("z", "p"), None),
            (login("", "p"), None),
            (
                Login {
                    token: "x",
                    ..NOTHING
                },
                None,
            ),
            // Nobody has a key, so that it says nothing.
            (Login { nkey: "x", ..NOTHING }, nobody),
        ] {
            let identity = enter(&gate, &login);
            assert_eq!(identity.as_ref().and_then(Identity::user), expected, "{login:?}");
        }
    }
}

#[test]
fn refusals_do_not_tell_who_exists() {
    let logins = [
        login("plain", "wrong"),
        login("hashed", "wrong"),
        login("nobody", "wrong"),
        login("websocket", "right"),
        login("broken", "wrong"),
    ];
    let mut websocket = user("websocket", "right");
    websocket.connection_types = [ConnectionType::WebSocket].into_iter().collect();
    let all = [
        user("plain", "right"),
        user("hashed", HASHED),
        websocket,
        user("broken", "$2a$10$broken"),
    ];
    let mixed = gate(users(&all, None));
    for login in &logins {
        assert!(is_slow(&mixed, login), "{login:?}");
        assert!(enter(&mixed, login).is_none());
    }
    // Nothing to be told by: no name, or a right password.
    assert!(!is_slow(&mixed, &NOTHING) && !is_slow(&mixed, &login("", "x")));
    assert!(!is_slow(&mixed, &login("plain", "right")));
    assert!(is_slow(&single("derek", HASHED), &login("else", "s3cret")));

    let plain = gate(users(&[all[0].clone(), all[2].clone(), all[3].clone()], None));
    for login in &logins {
        assert!(!is_slow(&plain, login) && enter(&plain, login).is_none());
    }
}

#[test]
fn a_decoy_fits_no_password() {
    let gate = single("derek", HASHED);
    for password in ["", "s3cret", "\0", HASHED] {
        assert!(enter(&gate, &login("else", password)).is_none());
    }
}

#[test]
fn a_task_may_be_run_elsewhere() {
    let gate = single("derek", HASHED);
    let Decision::Verify(task) = gate.begin(&login("derek", "s3cret"), b"") else {
        panic!("not to be verified")
    };
    drop(gate);
    let identity = std::thread::spawn(|| task.run()).join().unwrap().unwrap();
    assert_eq!(identity.user(), Some("derek"));
}

/// A login that was found right costs nothing any more, until there are other credentials; wrong ones cost what they did.
#[test]
fn what_was_compared_is_not_compared_again() {
    let gate = single("derek", HASHED);
    let right = login("derek", "s3cret");
    assert!(is_slow(&gate, &right));
    assert!(enter(&gate, &right).is_some());
    assert!(!is_slow(&gate, &right) && enter(&gate, &right).is_some());
    for (name, password) in [("derek", "s3cret2"), ("derek", ""), ("other", "s3cret")] {
        for _ in 0..2 {
            assert!(is_slow(&gate, &login(name, password)), "{name} {password}");
            assert!(enter(&gate, &login(name, password)).is_none());
        }
    }
    assert!(is_slow(&single("derek", HASHED), &right));
}

#[test]
fn users_connect_as_they_may() {
    for (named, connection, allowed) in [
        (&["STANDARD"][..], ConnectionType::Standard, true),
        (&["WEBSOCKET"], ConnectionType::Standard, false),
        (&["WEBSOCKET"], ConnectionType::WebSocket, true),
        (&["MQTT", "STANDARD"], ConnectionType::Standard, true),
        (&["standard"], ConnectionType::Standard, true),
        (&["MQTT_WS"], ConnectionType::Mqtt, false),
        (&["Leafnode_Ws"], ConnectionType::LeafNodeWebSocket, true),
        (&[], ConnectionType::InProcess, true),
    ] {
        let mut only = user("a", "p");
        only.connection_types = named
            .iter()
            .map(|name| name.parse::<ConnectionType>().unwrap())
            .collect();
        for no_auth_user in [None, Some("a")] {
            let gate = gate(users(&[only.clone()], no_auth_user));
            let login = Login {
                connection,
                ..login("a", "p")
            };
            assert_eq!(
                enter(&gate, &login).is_some(),
                allowed,
                "{named:?} {connection:?}"
            );
        }
        let gate = gate(users(&[only], Some("a")));
        assert_eq!(
            enter(
                &gate,
                &Login {
                    connection,
                    ..NOTHING
                }
            )
            .is_some(),
            allowed
        );
    }
    let error = "TELNET".parse::<ConnectionType>().unwrap_err();
    assert_eq!(error.to_string(), "unknown connection type \"TELNET\"");
}

pub(super) struct Holder {
    private: PKey<Private>,
    pub(super) public: String,
}

impl Holder {
    pub(super) fn new() -> Self {
        let private = PKey::generate_ed25519().unwrap();
        let raw = private.raw_public_key().unwrap().try_into().unwrap();
        Self {
            private,
            public: encode_public(Kind::User, &raw),
        }
    }

    fn sign(&self, text: &str) -> Vec<u8> {
        let mut signer = Signer::new_without_digest(&self.private).unwrap();
        signer.sign_oneshot_to_vec(text.as_bytes()).unwrap()
    }

    pub(super) fn sign_text(&self, text: &str) -> String {
        use base64::Engine as _;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(self.sign(text))
    }
}

#[test]
fn keys_are_proved_by_signatures_as_to_nats_server() {
    use base64::Engine as _;
    let (derek, mallory) = (Holder::new(), Holder::new());
    let gate = gate(users(&[nkey_user(&derek.public), user("plain", "p")], None));
    assert!(gate.requires_login() && gate.needs_nonce());
    let good = derek.sign_text("nonce");
    let padded = base64::engine::general_purpose::STANDARD.encode(derek.sign("nonce"));
    let account = format!("A{}", &derek.public[1..]);
    let lower = derek.public.to_lowercase();
    for (what, nkey, signature, admitted) in [
        ("good", &*derek.public, &*good, true),
        ("standard base64", &derek.public, &padded, true),
        ("other signer", &derek.public, &mallory.sign_text("nonce"), false),
        (
            "unknown user",
            &mallory.public,
            &mallory.sign_text("nonce"),
            false,
        ),
        ("other text", &derek.public, &derek.sign_text("text"), false),
        ("no signature", &derek.public, "", false),
        ("garbage", &derek.public, "%%%", false),
        ("short", &derek.public, "AAAA", false),
        ("lower case", &lower, &good, false),
        ("cut", &derek.public[..55], &good, false),
        ("account", &account, &good, false),
    ] {
        let login = Login {
            nkey,
            signature,
            ..NOTHING
        };
        let identity = enter_with(&gate, &login, "nonce");
        assert_eq!(identity.is_some(), admitted, "{what}");
        assert!(identity.is_none_or(|identity| identity.user() == Some(&derek.public)));
    }
    // The key goes before the name, and a name is enough beside keys.
    let both = Login {
        nkey: &derek.public,
        signature: "AAAA",
        ..login("plain", "p")
    };
    assert!(enter_with(&gate, &both, "nonce").is_none());
    assert_eq!(enter(&gate, &login("plain", "p")).unwrap().user(), Some("plain"));
    // Neither does a key serve as a name.
    assert!(enter(&gate, &login(&derek.public, "")).is_none());
}

#[test]
fn a_signature_of_nothing_proves_nothing() {
    let derek = Holder::new();
    let gate = gate(users(&[nkey_user(&derek.public)], None));
    let signature = derek.sign_text("");
    let login = Login {
        nkey: &derek.public,
        signature: &signature,
        ..NOTHING
    };
    assert!(enter_with(&gate, &login, "").is_none());
}

#[test]
fn only_a_name_that_may_connect_so_needs_no_connect() {
    let standard = ConnectionType::Standard;
    let web_only = User {
        connection_types: [ConnectionType::WebSocket].into_iter().collect(),
        ..user("a", "p")
    };
    let derek = Holder::new();
    for (credentials, expected, anybody) in [
        (Credentials::Open, true, true),
        (Credentials::Token("t".to_owned()), false, false),
        (users(&[user("a", "p")], None), false, false),
        (users(&[user("a", "p")], Some("a")), true, false),
        (users(&[web_only], Some("a")), false, false),
        (
            users(&[nkey_user(&derek.public)], Some(&derek.public)),
            false,
            false,
        ),
    ] {
        let gate = gate(credentials);
        assert_eq!(gate.may_skip_connect(standard), expected, "{gate:?}");
        assert_eq!(gate.anybody(standard).is_some(), anybody, "{gate:?}");
    }
}

#[test]
fn a_certificate_or_a_key_comes_before_the_no_auth_user() {
    let derek = Holder::new();
    let with_certificate = Login {
        certificate: Certificate::Missing,
        ..NOTHING
    };
    let by_name = gate(users(&[user("a", "p"), nkey_user(&derek.public)], Some("a")));
    assert!(enter(&by_name, &with_certificate).is_none());
    let nobody = enter(&by_name, &NOTHING).unwrap();
    assert!(by_name.renew(&nobody, Certificate::NotAsked).is_some());
    assert!(by_name.renew(&nobody, Certificate::Missing).is_none());
    let by_key = gate(users(
        &[user("a", "p"), nkey_user(&derek.public)],
        Some(&derek.public),
    ));
    let nobody = enter(&by_key, &with_certificate).unwrap();
    assert_eq!(nobody.user(), Some(&*derek.public));
    assert!(by_key.renew(&nobody, Certificate::Missing).is_some());
}

#[test]
fn a_key_may_be_the_no_auth_user() {
    let derek = Holder::new();
    let gate = gate(users(&[nkey_user(&derek.public)], Some(&derek.public)));
    assert!(!gate.requires_login() && gate.needs_nonce());
    assert_eq!(enter(&gate, &NOTHING).unwrap().user(), Some(&*derek.public));
    let unsigned = Login {
        nkey: &derek.public,
        ..NOTHING
    };
    assert!(enter_with(&gate, &unsigned, "nonce").is_none());
}
