//! How often somebody may try to sign in. A bucket for each address (an IPv6 network of 64 bits counts
//! as one) and for each name; the table is bounded.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

/// Attempts that may follow each other without a pause.
const BURST: f64 = 10.0;
/// Milliseconds after which another attempt is given back.
const REFILL_MS: f64 = 15_000.0;
/// Most buckets at a time. Each takes under 200 bytes; when all are in use, those who come later share one.
const MAX_BUCKETS: usize = 10_000;

/// Whose attempts are counted together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Who {
    /// An address, cut to its network.
    Address(IpAddr),
    /// A name that somebody tries to sign in as, at most 64 characters of it.
    Name(String),
    /// Everybody for whom there is no bucket left, or no address known.
    Others,
}

impl Who {
    /// The bucket of an address.
    pub(crate) fn address(address: Option<IpAddr>) -> Self {
        match address {
            Some(IpAddr::V6(address)) => match address.to_ipv4_mapped() {
                Some(mapped) => Self::Address(IpAddr::V4(mapped)),
                None => Self::Address(IpAddr::V6((u128::from(address) >> 64 << 64).into())),
            },
            Some(address) => Self::Address(address),
            None => Self::Others,
        }
    }

    /// The bucket of a name.
    pub(crate) fn name(name: &str) -> Self {
        Self::Name(name.trim().to_lowercase().chars().take(64).collect())
    }
}

/// Attempts left, per bucket.
#[derive(Debug, Default)]
pub(crate) struct Limiter {
    buckets: Mutex<HashMap<Who, Bucket>>,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    left: f64,
    at_ms: i64,
}

impl Bucket {
    fn refilled(self, now_ms: i64) -> f64 {
        (self.left + (now_ms - self.at_ms).max(0) as f64 / REFILL_MS).min(BURST)
    }
}

impl Limiter {
    /// Takes one attempt of `who`; `Err` holds the seconds after which there is one again.
    pub(crate) fn attempt(&self, who: Who, now_ms: i64) -> Result<(), u64> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MAX_BUCKETS && !buckets.contains_key(&who) {
            buckets.retain(|_, bucket| bucket.refilled(now_ms) < BURST);
        }
        let who = if buckets.len() >= MAX_BUCKETS && !buckets.contains_key(&who) { Who::Others } else { who };
        let bucket = buckets.entry(who).or_insert(Bucket { left: BURST, at_ms: now_ms });
        let left = bucket.refilled(now_ms);
        if left < 1.0 {
            return Err(((1.0 - left) * REFILL_MS / 1_000.0).ceil() as u64);
        }
        *bucket = Bucket { left: left - 1.0, at_ms: now_ms };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_eleventh_attempt_waits_and_another_address_does_not() {
        let limiter = Limiter::default();
        let one = || Who::address(Some("192.0.2.1".parse().unwrap()));
        for _ in 0..10 {
            assert_eq!(limiter.attempt(one(), 0), Ok(()));
        }
        assert_eq!(limiter.attempt(one(), 0), Err(15));
        assert_eq!(limiter.attempt(Who::address(Some("192.0.2.2".parse().unwrap())), 0), Ok(()));
        assert_eq!(limiter.attempt(one(), 15_000), Ok(()));
        assert_eq!(limiter.attempt(one(), 15_000), Err(15));
    }

    #[test]
    fn an_ipv6_network_is_one_address() {
        let who = |text: &str| Who::address(Some(text.parse().unwrap()));
        assert_eq!(who("2001:db8::1"), who("2001:db8::ffff:ffff:ffff:1"));
        assert_ne!(who("2001:db8:0:1::1"), who("2001:db8:0:2::1"));
        assert_eq!(who("::ffff:192.0.2.1"), who("192.0.2.1"));
    }

    #[test]
    fn the_table_is_bounded() {
        let limiter = Limiter::default();
        for number in 0..MAX_BUCKETS as u32 + 500 {
            let _ = limiter.attempt(Who::address(Some(IpAddr::V4(number.into()))), 0);
        }
        assert!(limiter.buckets.lock().unwrap().len() <= MAX_BUCKETS + 1);
    }
}
