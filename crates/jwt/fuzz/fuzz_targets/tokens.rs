//! Any text as a token, and any JSON as what somebody who is trusted has signed: nothing panics, and what is understood can be
//! asked whether something is wrong with it.

#![no_main]

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;
use vagus_auth::nkey::{KeyPair, Kind};
use vagus_jwt::{Account, AuthorizationResponse, Claims, Operator, User};

static KEYS: LazyLock<[KeyPair; 2]> =
    LazyLock::new(|| [Kind::Operator, Kind::Account].map(|kind| KeyPair::generate(kind).unwrap()));

fn signed(payload: &str, key: &KeyPair) -> String {
    let header = URL_SAFE_NO_PAD.encode(r#"{"typ":"JWT","alg":"ed25519-nkey"}"#);
    let text = format!("{header}.{}", URL_SAFE_NO_PAD.encode(payload));
    let signature = key.sign(text.as_bytes()).unwrap();
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let _ = Claims::<User>::decode(text);
    let [operator, account] = &*KEYS;
    for key in [operator, account] {
        // Who has signed is named by whatever stands for it.
        let payload = text.replace("KEY", key.public());
        let token = signed(&payload, key);
        if let Ok(claims) = Claims::<User>::decode(&token) {
            let _ = claims.issues(1).first();
        }
        if let Ok(claims) = Claims::<Account>::decode(&token) {
            let _ = claims.issues(1).first();
            let _ = claims.definition();
        }
        if let Ok(claims) = Claims::<Operator>::decode(&token) {
            let _ = claims.issues(1).first();
        }
        let _ = Claims::<AuthorizationResponse>::decode(&token);
    }
});
