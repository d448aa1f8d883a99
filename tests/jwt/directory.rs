//! Tokens in a folder.

use crate::folder::Folder;
use crate::world::{TestAccount, TestOperator};
use std::fs;
use std::time::Duration;
use vagus_claims::{DirectoryError, DirectoryStore};
use vagus_configs::{Deletion, DirectoryKind};
use vagus_test_support::server;

const FULL: DirectoryKind = DirectoryKind::Full {
    interval: Duration::from_secs(60),
    deletion: Deletion::Renamed,
};

/// Accounts with their tokens.
fn tokens(count: usize) -> Vec<(String, String)> {
    let operator = TestOperator::new();
    let token = |_| {
        let account = TestAccount::new();
        (account.key.public().to_owned(), operator.token(&account))
    };
    (0..count).map(token).collect()
}

#[test]
fn accounts_are_found_there() {
    let (folder, operator, account) = (Folder::new(), TestOperator::new(), TestAccount::new());
    let resolver = format!("{{ type: full, dir: \"{}\" }}", folder.0.display());
    let text = format!(
        "{}system_account: {}\nresolver_preload {{ {}: {} }}\n",
        operator.with_resolver(&resolver),
        account.key.public(),
        account.key.public(),
        operator.token(&account)
    );
    let user = account.user(|_| {});
    let server = server().configured(&text).start();
    user.enter(&server);
    let other = TestAccount::new();
    let newcomer = other.user(|_| {});
    newcomer.is_refused(&server);
    // Somebody puts it there.
    let file = folder.0.join(format!("{}.jwt", other.key.public()));
    fs::write(&file, operator.token(&other)).unwrap();
    newcomer.enter(&server);
    // What nobody trusts is not believed, wherever it is.
    let stranger = TestAccount::new();
    let file = folder.0.join(format!("{}.jwt", stranger.key.public()));
    fs::write(&file, TestOperator::new().token(&stranger)).unwrap();
    stranger.user(|_| {}).is_refused(&server);
}

#[test]
fn what_was_saved_is_there_after_a_restart() {
    let folder = Folder::new();
    let tokens = tokens(3);
    let sum = {
        let store = folder.store(FULL, None);
        for (account, token) in &tokens {
            assert!(store.save(account, token).unwrap());
            assert!(!store.save(account, token).unwrap(), "it is there already");
        }
        store.sum()
    };
    let store = folder.store(FULL, None);
    assert_eq!(store.sum(), sum);
    assert_eq!(store.accounts().len(), 3);
    for (account, token) in &tokens {
        assert_eq!(store.load(account).unwrap().as_deref(), Some(&**token));
    }
    assert!(store.delete(&tokens[0].0).unwrap());
    assert!(!store.delete(&tokens[0].0).unwrap());
    assert_eq!(store.load(&tokens[0].0).unwrap(), None);
    assert_ne!(store.sum(), sum);
}

#[test]
fn a_folder_has_room_for_so_many() {
    let folder = Folder::new();
    let tokens = tokens(3);
    let save = |store: &DirectoryStore, number: usize| store.save(&tokens[number].0, &tokens[number].1);
    let store = folder.store(FULL, Some(2));
    save(&store, 0).unwrap();
    save(&store, 1).unwrap();
    assert!(matches!(save(&store, 2), Err(DirectoryError::Full)));
    // A cache forgets what was not used for longest.
    let cache = folder.store(DirectoryKind::Cache { ttl: None }, Some(2));
    cache.load(&tokens[0].0).unwrap().unwrap();
    save(&cache, 2).unwrap();
    assert_eq!(cache.load(&tokens[1].0).unwrap(), None);
    assert!(cache.load(&tokens[0].0).unwrap().is_some());
}

#[test]
fn names_of_files_are_keys_of_accounts_and_nothing_else() {
    let folder = Folder::new();
    let store = folder.store(FULL, None);
    let (account, token) = &tokens(1)[0];
    for name in ["", "../x", "/etc/passwd", "A", &account.replace('A', "B")] {
        assert!(
            matches!(store.save(name, token), Err(DirectoryError::Key)),
            "{name:?}"
        );
        assert!(matches!(store.load(name), Err(DirectoryError::Key)), "{name:?}");
    }
    let (_, of_another) = &tokens(1)[0];
    assert!(matches!(
        store.save_if_newer(account, of_another),
        Err(DirectoryError::Subject)
    ));
    assert!(store.save_if_newer(account, token).unwrap());
}
