//! What accounts share, put in force.

use vagus_actors::Accounts;
use vagus_actors::sharing::SharingSettled;

/// Has accounts share what they are defined to. Where a configuration says so, that it is allowed was seen to when it was
/// read.
pub(crate) fn share(accounts: &Accounts) -> SharingSettled {
    let (settled, refused) = accounts.share(jiff::Timestamp::now().as_second());
    for import in refused {
        log::error!(
            "Error adding import {:?} of account {:?}: {}",
            import.subject,
            import.account,
            import.error
        );
    }
    settled
}
