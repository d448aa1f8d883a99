//! What those sign who prove that they have a key.
//!
//! A nonce is not remembered when it is given: its time is in it, and a code that only this gateway makes, for one address. So to
//! ask for many costs nothing. Those that were used are remembered until they do not hold any more. When they are too many the
//! oldest is forgotten, and nothing that is as old holds from then on: who has such a one asks for another.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::memcmp;
use openssl::pkey::{PKey, Private};
use openssl::sign::Signer;
use parking_lot::Mutex;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

/// How long one may be used.
pub(super) const HOLDS: Duration = Duration::from_secs(60);

/// How many used ones are remembered.
const USED_AT_MOST: usize = 8192;

/// Bytes of a time, and of a code.
const TIME: usize = 8;
const CODE: usize = 16;

/// The nonces of a gateway. Time is that since any fixed moment.
pub(super) struct Nonces {
    key: PKey<Private>,
    times: Mutex<Times>,
}

/// Each nonce has a time of its own, in microseconds.
#[derive(Default)]
struct Times {
    newest: u64,
    used: BTreeSet<u64>,
    /// What is not newer does not hold.
    floor: u64,
}

impl Nonces {
    pub(super) fn new() -> Result<Self, ErrorStack> {
        let mut secret = [0; 32];
        openssl::rand::rand_bytes(&mut secret)?;
        Ok(Self {
            key: PKey::hmac(&secret)?,
            times: Mutex::default(),
        })
    }

    /// A new one for who calls from this address.
    pub(super) fn give(&self, peer: IpAddr, now: Duration) -> Result<String, ErrorStack> {
        let time = {
            let mut times = self.times.lock();
            times.newest = microseconds(now).max(times.newest + 1);
            times.newest
        };
        let mut bytes = time.to_be_bytes().to_vec();
        bytes.extend(self.code(time, peer)?);
        Ok(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Whether it was given to this address and holds; it does not any more.
    pub(super) fn use_up(&self, nonce: &str, peer: IpAddr, now: Duration) -> bool {
        let Some(time) = self.time_of(nonce, peer) else {
            return false;
        };
        let oldest = microseconds(now.saturating_sub(HOLDS));
        let mut times = self.times.lock();
        times.floor = times.floor.max(oldest);
        if time <= times.floor || !times.used.insert(time) {
            return false;
        }
        times.used = times.used.split_off(&oldest);
        if times.used.len() > USED_AT_MOST
            && let Some(forgotten) = times.used.pop_first()
        {
            times.floor = forgotten;
        }
        true
    }

    /// The time of a nonce that was given to this address.
    fn time_of(&self, nonce: &str, peer: IpAddr) -> Option<u64> {
        let bytes: [u8; TIME + CODE] = URL_SAFE_NO_PAD.decode(nonce).ok()?.try_into().ok()?;
        let (time, code) = bytes.split_first_chunk()?;
        let time = u64::from_be_bytes(*time);
        memcmp::eq(code, &self.code(time, peer).ok()?).then_some(time)
    }

    fn code(&self, time: u64, peer: IpAddr) -> Result<[u8; CODE], ErrorStack> {
        let mut signer = Signer::new(MessageDigest::sha256(), &self.key)?;
        signer.update(&time.to_be_bytes())?;
        let address = match peer.to_canonical() {
            IpAddr::V4(address) => address.to_ipv6_mapped(),
            IpAddr::V6(address) => address,
        };
        signer.update(&address.octets())?;
        let whole = signer.sign_to_vec()?;
        let mut code = [0; CODE];
        code.iter_mut()
            .zip(whole)
            .for_each(|(byte, of_whole)| *byte = of_whole);
        Ok(code)
    }
}

fn microseconds(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::{HOLDS, Nonces, USED_AT_MOST};
    use std::net::IpAddr;
    use std::time::Duration;

    const NOW: Duration = Duration::from_secs(1000);

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_nonce_holds_once_for_one_address_and_not_for_long() {
        let (nonces, home) = (Nonces::new().unwrap(), address("10.0.0.1"));
        let nonce = nonces.give(home, NOW).unwrap();
        assert!(!nonces.use_up(&nonce, address("10.0.0.2"), NOW));
        assert!(nonces.use_up(&nonce, address("::ffff:10.0.0.1"), NOW));
        assert!(!nonces.use_up(&nonce, home, NOW));
        let late = nonces.give(home, NOW).unwrap();
        assert_ne!(late, nonce);
        assert!(!nonces.use_up(&late, home, NOW + HOLDS + Duration::from_secs(1)));
    }

    #[test]
    fn what_nobody_has_given_does_not_hold() {
        let (nonces, home) = (Nonces::new().unwrap(), address("::1"));
        let nonce = nonces.give(home, NOW).unwrap();
        let of_another = Nonces::new().unwrap().give(home, NOW).unwrap();
        let mut changed = nonce.clone();
        changed.replace_range(9..10, if &nonce[9..10] == "A" { "B" } else { "A" });
        for wrong in ["", "x", &nonce[1..], &of_another, &changed] {
            assert!(!nonces.use_up(wrong, home, NOW), "{wrong:?}");
        }
        assert!(nonces.use_up(&nonce, home, NOW));
    }

    #[test]
    fn what_is_remembered_is_bounded_and_none_holds_twice() {
        let (nonces, home) = (Nonces::new().unwrap(), address("::1"));
        let given: Vec<String> = (0..2 * USED_AT_MOST)
            .map(|_| nonces.give(home, NOW).unwrap())
            .collect();
        assert!(nonces.times.lock().used.is_empty());
        for nonce in &given[1..] {
            assert!(nonces.use_up(nonce, home, NOW));
        }
        assert_eq!(nonces.times.lock().used.len(), USED_AT_MOST);
        // Neither those that were forgotten, nor one that is older and was not used.
        for nonce in &given {
            assert!(!nonces.use_up(nonce, home, NOW));
        }
        let next = nonces.give(home, NOW).unwrap();
        assert!(nonces.use_up(&next, home, NOW));
    }
}
