//! The flags about the cluster.

use super::launch::LaunchError;
use super::syntax::Parsed;
use super::table::Setting;
use vagus_auth::credentials::Credentials;
use vagus_configs::{Cluster, Config, Port, RouteUrl, is_advertisable};

/// Lays the flags over what the file says. Without a listener there is no cluster, and the others mean nothing.
pub(super) fn lay_over(
    config: &mut Config,
    flags: &Parsed<Setting>,
    warnings: &mut Vec<String>,
) -> Result<(), LaunchError> {
    if flags.last(Setting::ClusterListen).is_some() {
        config.cluster = match flags.text(Setting::ClusterListen) {
            None => None,
            Some(url) => Some(listening(config.cluster.take().unwrap_or_default(), url)?),
        };
    }
    let name = flags.text(Setting::ClusterName);
    if let Some(name) = name.filter(|name| name.contains(' ')) {
        return Err(LaunchError::NameWithSpace("cluster", name.to_owned()));
    }
    let Some(cluster) = &mut config.cluster else {
        if flags.text(Setting::Routes).is_some() {
            return Err(LaunchError::RoutesWithoutCluster);
        }
        return warn_of_idle(flags, warnings);
    };
    if let Some(name) = name {
        cluster.name = Some(name.to_owned());
    }
    if let Some(urls) = flags.text(Setting::Routes) {
        cluster.routes = urls
            .split(',')
            .map(|url| RouteUrl::parse(url).ok_or(LaunchError::BadRoute))
            .collect::<Result<_, _>>()?;
    }
    if let Some(address) = flags.text(Setting::ClusterAdvertise) {
        if !is_advertisable(address) {
            return Err(LaunchError::BadAdvertise(address.to_owned()));
        }
        cluster.listener.advertise = Some(address.to_owned());
    }
    if flags.last(Setting::NoAdvertise).is_some() {
        cluster.advertises = !flags.is_true(Setting::NoAdvertise);
    }
    if flags.last(Setting::ConnectRetries).is_some() {
        cluster.connect_retries = u64::try_from(flags.integer(Setting::ConnectRetries)).unwrap_or(0);
    }
    Ok(())
}

/// The cluster of a file, with the listener of a URL. As in nats-server, those who connect have to present what the URL says,
/// and nothing if it says nothing.
fn listening(mut cluster: Cluster, url: &str) -> Result<Cluster, LaunchError> {
    let any_port = url.trim_end_matches('/').strip_suffix(":-1");
    let fixed = any_port.map(|url| format!("{url}:1"));
    let parsed = RouteUrl::parse(fixed.as_deref().unwrap_or(url)).ok_or(LaunchError::BadClusterListen)?;
    cluster.listener.listen.host = parsed.host;
    cluster.listener.listen.port = match any_port {
        Some(_) => Port::Free,
        None => Port::Fixed(parsed.port),
    };
    cluster.listener.credentials = match parsed.user.is_empty() {
        true => Credentials::Open,
        false => Credentials::User {
            name: parsed.user,
            password: parsed.password,
        },
    };
    Ok(cluster)
}

/// They are about a cluster that there is not.
fn warn_of_idle(flags: &Parsed<Setting>, warnings: &mut Vec<String>) -> Result<(), LaunchError> {
    for given in &flags.given {
        let is_about_clusters = matches!(
            given.id,
            Setting::ClusterName | Setting::ClusterAdvertise | Setting::NoAdvertise | Setting::ConnectRetries
        );
        if is_about_clusters && !given.value.is_off() {
            warnings.push(format!(
                "-{} changes nothing: there is no cluster without --cluster",
                given.name
            ));
        }
    }
    Ok(())
}
