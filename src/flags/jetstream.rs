//! The flags about streams.

use super::launch::LaunchError;
use super::syntax::Parsed;
use super::table::Setting;
use vagus_configs::Config;

/// Lays the flags over what the file says.
pub(super) fn lay_over(
    config: &mut Config,
    flags: &Parsed<Setting>,
    warnings: &mut Vec<String>,
) -> Result<(), LaunchError> {
    if flags.last(Setting::JetStream).is_some() {
        let is_wanted = flags.is_true(Setting::JetStream);
        config.jetstream = is_wanted.then(|| config.jetstream.take().unwrap_or_default());
    }
    if config.jetstream.is_some() {
        return check(config);
    }
    if let Some(folder) = flags.text(Setting::StoreDirectory) {
        warnings.push(format!(
            "No messages are stored in {folder}: JetStream is not enabled"
        ));
    }
    Ok(())
}

/// What streams need of the rest.
fn check(config: &Config) -> Result<(), LaunchError> {
    let accounts = &config.accounts;
    let system = accounts
        .system
        .as_ref()
        .and_then(|name| accounts.definitions.get(name));
    if system.is_some_and(|system| system.jetstream.is_some()) {
        return Err(LaunchError::JetStreamOfSystemAccount);
    }
    if let Some(cluster) = &config.cluster {
        if config.server_name.is_none() {
            return Err(LaunchError::JetStreamClusterWithout("server_name"));
        }
        if cluster.name.is_none() {
            return Err(LaunchError::JetStreamClusterWithout("cluster.name"));
        }
    }
    Ok(())
}
