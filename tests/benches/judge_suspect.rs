//! What it costs to judge a name that no rule knows: by kind of name, beside the matcher's own miss and the public
//! suffix list's share. `cargo bench -p umbrascope-e2e --bench judge_suspect`. The budget is 300 ns a name.

#![expect(unsafe_code, reason = "an allocator that counts is one that forwards to the system's")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use umbrascope_rules::{Matcher, Suspects, registrable};

const ROUNDS: usize = 30;
const NAMES: usize = 2_000;
const BUDGET_NS: f64 = 300.0;

fn main() {
    let (matcher, suspects) = (Matcher::embedded(), Suspects::embedded());
    let plain =
        names(&["www.{}-shop.de", "cdn{}.assets.example-media.net", "{}.cloudfront.net", "mail.{}.co.uk"]);
    let near = names(&["dubai-{}.com", "{}hyundai.kr", "www.{}.ai", "air{}.it", "prompt{}.org"]);
    let hits = names(&["{}chatbot.com", "ai{}-video.com", "api.{}.ai"]);
    println!("{:<34}{:>10}{:>14}", "a name", "ns", "allocations");
    let mut worst = 0.0_f64;
    for (what, list) in
        [("of every day", &plain), ("with a sign that is not enough", &near), ("that is a suspect", &hits)]
    {
        let (ns, allocations) = measure(list, |name| _ = black_box(suspects.judge(name)));
        println!("{what:<34}{ns:>10.1}{allocations:>14.2}");
        if !std::ptr::eq(list, &hits) {
            assert!(allocations == 0.0, "a name that is no suspect must cost no allocation");
            worst = worst.max(ns);
        }
    }
    let (ns, _) = measure(&plain, |name| _ = black_box(matcher.name(name)));
    println!("{:<34}{ns:>10.1}", "  the matcher's miss, for comparison");
    let (ns, _) = measure(&near, |name| _ = black_box(registrable(name)));
    println!("{:<34}{ns:>10.1}", "  the public suffix list's share");
    println!("worst without a suspect: {worst:.1} ns of {BUDGET_NS} ns");
}

fn names(patterns: &[&str]) -> Vec<String> {
    let word = |number: usize| -> String {
        (0..3 + number % 7).map(|at| char::from(b'b' + ((number * 7 + at * 11) % 24) as u8)).collect()
    };
    (0..NAMES).map(|number| patterns[number % patterns.len()].replace("{}", &word(number))).collect()
}

/// Nanoseconds of the fastest round, and allocations, a name.
fn measure(names: &[String], work: impl Fn(&str)) -> (f64, f64) {
    let mut best = u128::MAX;
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    for _ in 0..ROUNDS {
        let started = Instant::now();
        names.iter().for_each(|name| work(name));
        best = best.min(started.elapsed().as_nanos());
    }
    let allocations = ALLOCATIONS.load(Ordering::Relaxed) - before;
    (best as f64 / names.len() as f64, allocations as f64 / (names.len() * ROUNDS) as f64)
}

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

struct Counting;

// SAFETY: everything is handed to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the pointer came from `alloc` above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;
