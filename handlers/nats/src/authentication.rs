//! Who may come in: the one place that decides it.

use openssl::memcmp;
use vagus_auth::credentials::Credentials;
use vagus_protocol::connect::ConnectOptions;

/// Whether a CONNECT presents what the server asks for.
pub(crate) fn admits(credentials: &Credentials, options: &ConnectOptions) -> bool {
    match credentials {
        Credentials::Open => true,
        Credentials::Token(token) => same_secret(token, &options.auth_token),
        Credentials::User { name, password } => {
            // Both are compared, whatever the first says: the time taken tells nothing.
            let user = same_secret(name, &options.user);
            let password = same_secret(password, &options.pass);
            user & password
        }
        Credentials::Users { .. } => false,
    }
}

/// Compares in a time that depends on the length of what was presented alone.
fn same_secret(secret: &str, presented: &str) -> bool {
    let mut padded = vec![0; presented.len()];
    let common = secret.len().min(presented.len());
    padded[..common].copy_from_slice(&secret.as_bytes()[..common]);
    memcmp::eq(&padded, presented.as_bytes()) & (secret.len() == presented.len())
}

#[cfg(test)]
mod tests {
    use super::admits;
    use vagus_auth::credentials::Credentials;
    use vagus_protocol::connect::ConnectOptions;

    #[track_caller]
    fn check(credentials: &Credentials, connect: &str, admitted: bool) {
        let options = ConnectOptions::parse(connect.as_bytes()).unwrap();
        assert_eq!(admits(credentials, &options), admitted, "{connect}");
    }

    #[test]
    fn a_token_has_to_be_the_same() {
        let token = Credentials::Token("s3cret".to_owned());
        check(&token, r#"{"auth_token":"s3cret"}"#, true);
        check(&token, r#"{"auth_token":"s3cre"}"#, false);
        check(&token, r#"{"auth_token":"s3cret2"}"#, false);
        check(&token, r#"{"auth_token":""}"#, false);
        check(&token, r#"{"user":"s3cret"}"#, false);
    }

    #[test]
    fn user_and_password_have_to_be_the_same() {
        let user = Credentials::User {
            name: "ann".to_owned(),
            password: "pw".to_owned(),
        };
        check(&user, r#"{"user":"ann","pass":"pw"}"#, true);
        check(&user, r#"{"user":"ann","pass":"PW"}"#, false);
        check(&user, r#"{"user":"Ann","pass":"pw"}"#, false);
        check(&user, r#"{"user":"ann"}"#, false);
        check(&user, "{}", false);
    }

    #[test]
    fn without_authorization_everybody_is_admitted() {
        assert!(admits(&Credentials::Open, &ConnectOptions::default()));
    }
}
