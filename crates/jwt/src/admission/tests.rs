use super::{Grant, Presented, Refusal, TimeZone, admit, renew};
use crate::account::{Account, AccountLimits};
use crate::claims::Claims;
use crate::operator::Operator;
use crate::permissions::Permission;
use crate::signing_keys::Scope;
use crate::trust::Trust;
use crate::user::{User, UserLimits};
use crate::window::TimeRange;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use vagus_auth::credentials::ConnectionType;
use vagus_auth::nkey::{KeyPair, Kind};

const NOW: i64 = 1_800_000_000;
const NONCE: &[u8] = b"PXoWU7zWAMt75FY";

/// An operator with an account with a user, all of whose tokens go through their texts.
struct Chain {
    operator: KeyPair,
    account: KeyPair,
    signing: KeyPair,
    user: KeyPair,
    trust: Trust,
    account_claims: Claims<Account>,
    user_claims: Claims<User>,
    signer: KeyPair,
}

impl Chain {
    fn new() -> Self {
        let key = |kind| KeyPair::generate(kind).unwrap();
        let (operator, account, signing, user) = (
            key(Kind::Operator),
            key(Kind::Account),
            key(Kind::Account),
            key(Kind::User),
        );
        let mut account_claims = Claims::<Account>::about(account.public());
        account_claims.name = "acme".to_owned();
        account_claims.nats.limits = AccountLimits::unlimited();
        account_claims
            .nats
            .signing_keys
            .0
            .insert(signing.public().to_owned(), None);
        let mut user_claims = Claims::<User>::about(user.public());
        user_claims.nats.limits = UserLimits::unlimited();
        Self {
            trust: Trust::new([operator.public()], []),
            signer: account.clone(),
            operator,
            account,
            signing,
            user,
            account_claims,
            user_claims,
        }
    }

    /// By the other key of the account.
    fn signed_by_another(mut self) -> Self {
        self.signer = self.signing.clone();
        self.user_claims.nats.issuer_account = self.account.public().to_owned();
        self
    }

    fn user_claims(&self) -> Claims<User> {
        let text = self.user_claims.clone().encode(&self.signer, NOW - 10).unwrap();
        Claims::decode(&text).unwrap()
    }

    fn account_claims(&self) -> Claims<Account> {
        let text = self
            .account_claims
            .clone()
            .encode(&self.operator, NOW - 20)
            .unwrap();
        Claims::decode(&text).unwrap()
    }

    fn admit_signed(&self, signature: &str) -> Result<Grant, Refusal> {
        let presented = Presented {
            signature,
            nonce: NONCE,
            connection: ConnectionType::Standard,
            address: [127, 0, 0, 1].into(),
        };
        let now = Timestamp::from_second(NOW).unwrap();
        let zones = |name: &str| (name != "Nowhere").then_some(TimeZone::UTC);
        admit(
            &self.user_claims(),
            &self.account_claims(),
            &self.trust,
            &presented,
            now,
            &zones,
        )
    }

    fn admit(&self) -> Result<Grant, Refusal> {
        let signature = URL_SAFE_NO_PAD.encode(self.user.sign(NONCE).unwrap());
        self.admit_signed(&signature)
    }
}

#[test]
fn who_is_signed_by_its_account_is_let_in() {
    let grant = Chain::new().admit().unwrap();
    assert_eq!((grant.limits, grant.until), (UserLimits::unlimited(), None));
    assert!(Chain::new().signed_by_another().admit().is_ok());
}

#[test]
fn the_key_has_to_be_proven() {
    let mut chain = Chain::new();
    assert_eq!(chain.admit_signed(""), Err(Refusal::Signature));
    let other = URL_SAFE_NO_PAD.encode(chain.account.sign(NONCE).unwrap());
    assert_eq!(chain.admit_signed(&other), Err(Refusal::Signature));
    chain.user_claims.nats.limits.bearer = true;
    assert!(chain.admit_signed("").is_ok());
    chain.account_claims.nats.limits.disallow_bearer = true;
    assert_eq!(chain.admit_signed(""), Err(Refusal::Bearer));
}

#[test]
fn the_whole_chain_counts() {
    let mut chain = Chain::new();
    chain.trust = Trust::new([chain.account.public()], []);
    assert_eq!(chain.admit(), Err(Refusal::Untrusted));

    let mut chain = Chain::new().signed_by_another();
    chain.account_claims.nats.signing_keys.0.clear();
    assert_eq!(chain.admit(), Err(Refusal::Issuer));

    let mut chain = Chain::new();
    chain.signer = chain.signing.clone();
    assert!(
        matches!(chain.admit(), Err(Refusal::NotPinned(_))),
        "it names no account"
    );

    let mut chain = Chain::new();
    chain.trust = chain.trust.pinned(["AB".to_owned()]);
    assert!(matches!(chain.admit(), Err(Refusal::NotPinned(_))));

    let mut chain = Chain::new();
    chain.account_claims.expires = NOW;
    assert_eq!(chain.admit(), Err(Refusal::AccountExpired));
}

#[test]
fn a_strict_operator_wants_signing_keys() {
    let strict = |chain: &Chain| {
        let own = KeyPair::generate(Kind::Operator).unwrap();
        let mut claims = Claims::<Operator>::about(own.public());
        claims.nats.strict_signing_key_usage = true;
        claims.nats.signing_keys = vec![chain.operator.public().to_owned()];
        let trust = Trust::new([], [&claims]);
        assert!(!trust.trusts(own.public()));
        trust
    };
    let mut chain = Chain::new();
    chain.trust = strict(&chain);
    assert_eq!(chain.admit(), Err(Refusal::Issuer));
    let mut chain = chain.signed_by_another();
    chain.trust = strict(&chain);
    assert!(chain.admit().is_ok());
}

#[test]
fn times_count() {
    let mut chain = Chain::new();
    chain.user_claims.expires = NOW + 60;
    assert_eq!(chain.admit().unwrap().until, Some(NOW + 60));
    chain.user_claims.expires = NOW - 1;
    assert_eq!(chain.admit(), Err(Refusal::User("claim is expired".to_owned())));
    chain.user_claims.expires = 0;
    chain.user_claims.not_before = NOW + 1;
    assert_eq!(
        chain.admit(),
        Err(Refusal::User("claim is not yet valid".to_owned()))
    );

    // It is 08:00:00.
    let range = |start: &str, end: &str| TimeRange {
        start: start.to_owned(),
        end: end.to_owned(),
    };
    let mut chain = Chain::new();
    chain.user_claims.nats.limits.times = vec![range("07:00:00", "09:00:00")];
    assert_eq!(chain.admit().unwrap().until, Some(NOW + 3600));
    chain.user_claims.expires = NOW + 60;
    assert_eq!(chain.admit().unwrap().until, Some(NOW + 60));
    chain.user_claims.nats.limits.times = vec![range("09:00:00", "10:00:00")];
    assert_eq!(chain.admit(), Err(Refusal::Times));
    chain.user_claims.nats.limits.times.clear();
    chain.user_claims.nats.limits.location = "Nowhere".to_owned();
    assert_eq!(chain.admit(), Err(Refusal::Times));
}

#[test]
fn places_and_ways_count() {
    let mut chain = Chain::new();
    let limits = &mut chain.user_claims.nats.limits;
    limits.source_networks.0 = vec!["10.0.0.0/8".to_owned()];
    assert!(matches!(chain.admit(), Err(Refusal::Source(_))));

    let mut chain = Chain::new();
    for (types, is_let_in) in [
        (vec!["WEBSOCKET"], false),
        (vec!["pigeon"], false),
        (vec!["pigeon", "standard"], true),
    ] {
        let types: Vec<String> = types.into_iter().map(str::to_owned).collect();
        chain.user_claims.nats.limits.connection_types = types;
        assert_eq!(chain.admit().is_ok(), is_let_in);
    }
}

#[test]
fn who_is_revoked_is_out_even_if_it_has_come_before() {
    let mut chain = Chain::new();
    let revocations = &mut chain.account_claims.nats.revocations.0;
    revocations.insert(chain.user.public().to_owned(), NOW - 10);
    assert_eq!(chain.admit(), Err(Refusal::Revoked));
    let presented = Presented {
        signature: "",
        nonce: b"",
        connection: ConnectionType::Standard,
        address: [127, 0, 0, 1].into(),
    };
    let now = Timestamp::from_second(NOW).unwrap();
    let renewed = |chain: &Chain| {
        let (user, account) = (chain.user_claims(), chain.account_claims());
        renew(&user, &account, &chain.trust, &presented, now, &|_| {
            Some(TimeZone::UTC)
        })
    };
    assert_eq!(renewed(&chain), Err(Refusal::Revoked));
    chain.account_claims.nats.revocations.0.clear();
    assert!(renewed(&chain).is_ok(), "it has proven its key");
}

#[test]
fn a_scope_says_what_its_users_may_do() {
    let mut chain = Chain::new().signed_by_another();
    let mut template = UserLimits::unlimited();
    template.permissions.publish.allow = vec!["{{name()}}.>".to_owned()];
    let scope = Scope::new(chain.signing.public(), template);
    chain
        .account_claims
        .nats
        .signing_keys
        .0
        .insert(chain.signing.public().to_owned(), Some(scope));
    assert_eq!(chain.admit(), Err(Refusal::Scoped));
    chain.user_claims.nats.limits = UserLimits::default();
    chain.user_claims.name = "joe".to_owned();
    let limits = chain.admit().unwrap().limits;
    assert_eq!(
        limits.permissions.publish,
        Permission {
            allow: vec!["joe.>".to_owned()],
            deny: vec![],
        }
    );
    assert_eq!(limits.subscriptions, crate::NO_LIMIT);
}
