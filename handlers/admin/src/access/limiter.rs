//! How often a peer may try to log in.
//!
//! Each address has a few attempts, which come back with time. An attempt counts from its beginning, so that many at
//! once do not get past the limit; one that succeeds is given back.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

/// How many attempts a peer has that has made none for long.
const ATTEMPTS: u32 = 5;

/// How long it takes until one more attempt is allowed.
const INTERVAL: Duration = Duration::from_secs(5);

/// How many peers are remembered. The one that has been silent for longest is forgotten for a new one.
const PEERS_AT_MOST: usize = 4096;

/// The attempts of all peers; time is that since any fixed moment.
#[derive(Debug, Default)]
pub(super) struct LoginLimiter {
    /// When a peer will have all its attempts back.
    recovered_at: HashMap<IpAddr, Duration>,
}

impl LoginLimiter {
    /// Counts an attempt of a peer.
    ///
    /// # Errors
    /// When it has none left: how long until it has one.
    pub(super) fn attempt(&mut self, peer: IpAddr, now: Duration) -> Result<(), Duration> {
        let peer = one_household(peer);
        let recovered_at = self.recovered_at.get(&peer).copied().unwrap_or(now).max(now) + INTERVAL;
        let most = now + INTERVAL * ATTEMPTS;
        if recovered_at > most {
            return Err(recovered_at - most);
        }
        if !self.recovered_at.contains_key(&peer) {
            self.make_room(now);
        }
        self.recovered_at.insert(peer, recovered_at);
        Ok(())
    }

    /// The last attempt of this peer succeeded.
    pub(super) fn succeeded(&mut self, peer: IpAddr, now: Duration) {
        let peer = one_household(peer);
        if let Some(recovered_at) = self.recovered_at.get_mut(&peer) {
            *recovered_at = recovered_at.saturating_sub(INTERVAL);
            if *recovered_at <= now {
                self.recovered_at.remove(&peer);
            }
        }
    }

    fn make_room(&mut self, now: Duration) {
        if self.recovered_at.len() < PEERS_AT_MOST {
            return;
        }
        self.recovered_at.retain(|_, recovered_at| *recovered_at > now);
        if self.recovered_at.len() < PEERS_AT_MOST {
            return;
        }
        let silent = self.recovered_at.iter().min_by_key(|(_, at)| **at);
        if let Some(silent) = silent.map(|(peer, _)| *peer) {
            self.recovered_at.remove(&silent);
        }
    }
}

/// A household has 2^64 addresses of IPv6 to try from: they count as one.
fn one_household(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(address) => {
            let network = address.to_bits() >> 64 << 64;
            IpAddr::V6(Ipv6Addr::from_bits(network))
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::{ATTEMPTS, INTERVAL, LoginLimiter, PEERS_AT_MOST};
    use std::net::{IpAddr, Ipv4Addr};
    use std::time::Duration;

    const START: Duration = Duration::from_secs(1_000);

    fn peer(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn attempts_run_out_and_come_back_one_by_one() {
        let mut limiter = LoginLimiter::default();
        let somebody = peer("10.0.0.1");
        for _ in 0..ATTEMPTS {
            assert_eq!(limiter.attempt(somebody, START), Ok(()));
        }
        assert_eq!(limiter.attempt(somebody, START), Err(INTERVAL));
        let soon = START + INTERVAL / 2;
        assert_eq!(limiter.attempt(somebody, soon), Err(INTERVAL / 2));
        assert_eq!(limiter.attempt(somebody, START + INTERVAL), Ok(()));
        assert_eq!(limiter.attempt(somebody, START + INTERVAL), Err(INTERVAL));
        assert_eq!(limiter.attempt(peer("10.0.0.2"), START), Ok(()));
    }

    #[test]
    fn whoever_succeeds_has_lost_nothing() {
        let mut limiter = LoginLimiter::default();
        let somebody = peer("10.0.0.1");
        for _ in 0..ATTEMPTS * 3 {
            assert_eq!(limiter.attempt(somebody, START), Ok(()));
            limiter.succeeded(somebody, START);
        }
        assert!(limiter.recovered_at.is_empty());
    }

    #[test]
    fn the_addresses_of_one_network_count_as_one() {
        let mut limiter = LoginLimiter::default();
        for number in 0..ATTEMPTS {
            let address = peer(&format!("2001:db8:0:7::{number}"));
            assert_eq!(limiter.attempt(address, START), Ok(()));
        }
        assert_eq!(limiter.attempt(peer("2001:db8:0:7:1::1"), START), Err(INTERVAL));
        assert_eq!(limiter.attempt(peer("2001:db8:0:8::1"), START), Ok(()));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut limiter = LoginLimiter::default();
        let first = peer("255.0.0.1");
        assert_eq!(limiter.attempt(first, START), Ok(()));
        for number in 0..2 * PEERS_AT_MOST as u32 {
            let address = IpAddr::V4(Ipv4Addr::from_bits(number));
            let now = START + Duration::from_nanos(u64::from(number) + 1);
            assert_eq!(limiter.attempt(address, now), Ok(()));
        }
        assert_eq!(limiter.recovered_at.len(), PEERS_AT_MOST);
        assert!(!limiter.recovered_at.contains_key(&first));
    }
}
