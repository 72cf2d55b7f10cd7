//! Whether the days of a product are told by clocks that were right.

use super::governance::{only, with_people};
use super::*;
use crate::model::ClockTrust::{Doubtful, Trusted};
use crate::model::Clocks;
use crate::store::Governance;

const HOUR_MS: i64 = 3_600_000;

impl Fixture {
    /// A machine whose clock is so far from ours tells of a day.
    fn tells(&self, number: u8, back: u32, skew_ms: i64) {
        let rows = vec![row("acme.chat.web", Channel::Tls, back, 1)];
        let batch = Batch { activity: rows, ..batch(number, 1, NOW_MS + skew_ms) };
        self.send(number, batch, NOW_MS);
    }

    fn clocks(&self) -> Clocks {
        self.store.product("acme.chat", today()).unwrap().unwrap().clocks
    }
}

#[test]
fn a_day_is_in_doubt_where_nobody_tells_it_whose_clock_was_right() {
    let fixture = fleet();
    fixture.tells(1, 0, 4 * 60_000);
    assert_eq!(
        fixture.clocks(),
        Clocks { first: Some(Trusted), last: Some(Trusted) },
        "five minutes are allowed"
    );
    fixture.tells(2, 5, -2 * HOUR_MS);
    assert_eq!(fixture.clocks(), Clocks { first: Some(Doubtful), last: Some(Trusted) });
    fixture.tells(3, 5, 0);
    assert_eq!(
        fixture.clocks(),
        Clocks { first: Some(Trusted), last: Some(Trusted) },
        "another one tells it too"
    );
}

#[test]
fn the_days_of_a_clock_that_was_right_again_are_not_in_doubt() {
    let fixture = fleet();
    fixture.tells(1, 0, 0);
    fixture.tells(2, 9, 30 * HOUR_MS);
    assert_eq!(fixture.clocks().first, Some(Doubtful));
    // From its next report on it is right: what it told then stays in doubt, what it tells of earlier days does not become so.
    fixture.tells(2, 20, 0);
    assert_eq!(fixture.clocks(), Clocks { first: Some(Trusted), last: Some(Trusted) });
}

#[test]
fn what_a_gateway_tells_of_a_machine_is_of_the_clock_of_the_gateway() {
    let fixture = fleet();
    for (skew_ms, trust) in [(0, Trusted), (HOUR_MS, Doubtful)] {
        let of = "3c:52:82:00:00:01".parse().unwrap();
        let sighted = ActivityRow { subject: Some(of), ..row("acme.chat.web", Channel::Tls, 3, 1) };
        let batch = Batch { activity: vec![sighted], ..batch(1, 1, NOW_MS + skew_ms) };
        fixture.send(1, batch, NOW_MS);
        assert_eq!(fixture.clocks().first, Some(trust));
    }
}

#[test]
fn a_record_is_told_with_the_clocks_of_its_products() {
    let (fixture, ..) = with_people();
    let of = || fixture.store.system(&only(&fixture)).unwrap().unwrap().clocks;
    assert_eq!(of(), Clocks { first: Some(Trusted), last: Some(Trusted) });
    fixture.tells(2, 30, HOUR_MS);
    assert_eq!(of(), Clocks { first: Some(Doubtful), last: Some(Trusted) });
}
