//! How often a peer may try to log in.
//!
//! Each address has a few attempts, which come back with time. An attempt counts from its beginning, so that many at
//! once do not get past the limit; one that succeeds is given back.

use governor::clock::{Clock, DefaultClock};
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::StateStore;
use governor::{Quota, RateLimiter};
use lru::LruCache;
use parking_lot::Mutex;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;

/// How many attempts a peer has that has made none for long.
const ATTEMPTS: NonZero<u32> = NonZero::new(5).unwrap();

/// One attempt comes back every five seconds.
const QUOTA: Quota = Quota::per_minute(NonZero::new(12).unwrap()).allow_burst(ATTEMPTS);

/// How many peers are remembered. The one that has been silent for longest is forgotten for a new one.
const PEERS_AT_MOST: NonZero<usize> = NonZero::new(4096).unwrap();

/// The attempts of all peers.
#[derive(Debug)]
pub(super) struct LoginLimiter<C: Clock = DefaultClock> {
    peers: Peers,
    limiter: RateLimiter<IpAddr, Peers, C, NoOpMiddleware<C::Instant>>,
}

/// When each peer will have all its attempts back, in the time of the limiter.
#[derive(Debug, Clone)]
struct Peers(Arc<Mutex<LruCache<IpAddr, Nanos>>>);

impl StateStore for Peers {
    type Key = IpAddr;

    fn measure_and_replace<T, F, E>(&self, peer: &IpAddr, measure: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut peers = self.0.lock();
        let (outcome, recovered_at) = measure(peers.get(peer).copied())?;
        peers.put(*peer, recovered_at);
        Ok(outcome)
    }
}

impl LoginLimiter {
    pub(super) fn new() -> Self {
        Self::with_clock(DefaultClock::default())
    }
}

impl<C: Clock> LoginLimiter<C> {
    fn with_clock(clock: C) -> Self {
        let peers = Peers(Arc::new(Mutex::new(LruCache::new(PEERS_AT_MOST))));
        Self {
            limiter: RateLimiter::new(QUOTA, peers.clone(), clock),
            peers,
        }
    }

    /// Counts an attempt of a peer.
    ///
    /// # Errors
    /// When it has none left: how long until it has one.
    pub(super) fn attempt(&self, peer: IpAddr) -> Result<(), Duration> {
        let attempt = self.limiter.check_key(&one_household(peer));
        attempt.map_err(|not_until| not_until.wait_time_from(self.limiter.clock().now()))
    }

    /// The last attempt of this peer succeeded.
    pub(super) fn succeeded(&self, peer: IpAddr) {
        if let Some(recovered_at) = self.peers.0.lock().get_mut(&one_household(peer)) {
            *recovered_at = recovered_at.saturating_sub(QUOTA.replenish_interval().into());
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
    use super::{ATTEMPTS, LoginLimiter, PEERS_AT_MOST, QUOTA};
    use governor::clock::FakeRelativeClock;
    use std::net::{IpAddr, Ipv4Addr};
    use std::time::Duration;

    const INTERVAL: Duration = QUOTA.replenish_interval();

    fn peer(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn attempts_run_out_and_come_back_one_by_one() {
        let clock = FakeRelativeClock::default();
        let limiter = LoginLimiter::with_clock(clock.clone());
        let somebody = peer("10.0.0.1");
        for _ in 0..ATTEMPTS.get() {
            assert_eq!(limiter.attempt(somebody), Ok(()));
        }
        assert_eq!(limiter.attempt(somebody), Err(INTERVAL));
        clock.advance(INTERVAL / 2);
        assert_eq!(limiter.attempt(somebody), Err(INTERVAL / 2));
        clock.advance(INTERVAL / 2);
        assert_eq!(limiter.attempt(somebody), Ok(()));
        assert_eq!(limiter.attempt(somebody), Err(INTERVAL));
        assert_eq!(limiter.attempt(peer("10.0.0.2")), Ok(()));
    }

    #[test]
    fn a_login_that_succeeds_costs_no_attempt() {
        let limiter = LoginLimiter::with_clock(FakeRelativeClock::default());
        let somebody = peer("10.0.0.1");
        for _ in 0..ATTEMPTS.get() * 3 {
            assert_eq!(limiter.attempt(somebody), Ok(()));
            limiter.succeeded(somebody);
        }
        // Nor has it won anything.
        for _ in 0..ATTEMPTS.get() {
            assert_eq!(limiter.attempt(somebody), Ok(()));
        }
        assert_eq!(limiter.attempt(somebody), Err(INTERVAL));
    }

    #[test]
    fn the_addresses_of_one_network_count_as_one() {
        let limiter = LoginLimiter::with_clock(FakeRelativeClock::default());
        for number in 0..ATTEMPTS.get() {
            let address = peer(&format!("2001:db8:0:7::{number}"));
            assert_eq!(limiter.attempt(address), Ok(()));
        }
        assert_eq!(limiter.attempt(peer("2001:db8:0:7:1::1")), Err(INTERVAL));
        assert_eq!(limiter.attempt(peer("2001:db8:0:8::1")), Ok(()));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let limiter = LoginLimiter::with_clock(FakeRelativeClock::default());
        let (first, second) = (peer("255.0.0.1"), peer("255.0.0.2"));
        for _ in 0..ATTEMPTS.get() {
            assert_eq!(limiter.attempt(first), Ok(()));
        }
        assert_eq!(limiter.attempt(second), Ok(()));
        for number in 2..PEERS_AT_MOST.get() as u32 {
            let address = IpAddr::V4(Ipv4Addr::from_bits(number));
            assert_eq!(limiter.attempt(address), Ok(()));
        }
        // It is not forgotten as long as it tries.
        assert_eq!(limiter.attempt(first), Err(INTERVAL));
        assert_eq!(limiter.attempt(peer("255.0.0.3")), Ok(()));
        let peers = limiter.peers.0.lock();
        assert_eq!(peers.len(), PEERS_AT_MOST.get());
        assert!(peers.contains(&first) && !peers.contains(&second));
    }
}
