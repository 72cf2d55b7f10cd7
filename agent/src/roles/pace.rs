//! When packets are read: at once while there are few, some at a time while there are many.
//!
//! To be woken costs more than a packet does. On a quiet machine each packet is read when it comes, for the process behind
//! it may live for some milliseconds only; under a flood packets gather in the socket, which has room for far more.

/// Span over which packets are counted, in microseconds.
const SPAN_US: u64 = 100_000;
/// Packets in a span from which on they gather.
const MANY: usize = 100;
/// How long they gather, in microseconds.
const GATHER_US: u64 = 20_000;
/// Packets in a span from which on they gather for [`SHORT_US`] only: the socket must not fill in the meantime.
const VERY_MANY: usize = 1_000;
/// See [`VERY_MANY`].
const SHORT_US: u64 = 5_000;

/// Counts packets and says how long to wait for more.
#[derive(Debug, Default)]
pub struct Pace {
    span_began_us: u64,
    packets: usize,
    gather_us: u64,
    emptied_at_us: u64,
}

impl Pace {
    /// Packets were read; `emptied`: all there were.
    pub fn read(&mut self, packets: usize, emptied: bool, now_us: u64) {
        self.packets += packets;
        if now_us.abs_diff(self.span_began_us) >= SPAN_US {
            // A span that ended long ago was a quiet one.
            let over = now_us.abs_diff(self.span_began_us) >= 2 * SPAN_US;
            self.gather_us = match self.packets {
                VERY_MANY.. => SHORT_US,
                MANY.. if !over => GATHER_US,
                _ => 0,
            };
            (self.span_began_us, self.packets) = (now_us, 0);
        }
        self.emptied_at_us = if emptied { now_us } else { 0 };
    }

    /// How long to let packets gather before the next are read, in microseconds.
    pub fn rest_us(&self, now_us: u64) -> u64 {
        self.gather_us.saturating_sub(now_us.abs_diff(self.emptied_at_us))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: u64 = 1_000_000_000;

    #[test]
    fn a_packet_of_a_quiet_machine_is_read_when_it_comes() {
        let mut pace = Pace::default();
        for number in 0..1000 {
            let now = START + number * 2_000;
            assert_eq!(pace.rest_us(now), 0, "packet {number}");
            pace.read(1, true, now);
        }
    }

    /// Passes over the socket in a second in which so many packets come.
    fn passes(pace: &mut Pace, rate: u64) -> u64 {
        let mut now = START;
        let mut passes = 0;
        while now < START + 1_000_000 {
            let waited = pace.rest_us(now).max(200);
            now += waited;
            pace.read((waited * rate / 1_000_000) as usize, true, now);
            passes += 1;
        }
        passes
    }

    #[test]
    fn packets_of_a_flood_gather_for_as_long_as_the_socket_holds_them() {
        // The first tenth of a second is not known for a flood yet.
        let some = passes(&mut Pace::default(), 6_000);
        assert!((500..560).contains(&some), "{some} passes");
        let many = passes(&mut Pace::default(), 200_000);
        assert!((650..720).contains(&many), "{many} passes");
    }

    #[test]
    fn a_flood_has_an_end() {
        let mut pace = Pace::default();
        passes(&mut pace, 6_000);
        let mut now = START + 1_000_000;
        // What was left in the socket is read on at once.
        pace.read(5, false, now);
        assert_eq!(pace.rest_us(now), 0);
        // Seconds later a packet is read when it comes, and so is the one behind it.
        now += 5_000_000;
        assert_eq!(pace.rest_us(now), 0);
        pace.read(1, true, now);
        assert_eq!(pace.rest_us(now + 1_000), 0);
    }
}
