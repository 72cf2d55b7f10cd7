//! Parts that a machine may lack. The tests within the library use this file too.
#![allow(unreachable_pub, reason = "in the library nobody can reach it")]

/// Whether the test can run; where it cannot it says so, and fails where nothing may be left out.
pub fn require(part: &str, present: bool) -> bool {
    if !present {
        let all = std::env::var("UMBRASCOPE_TEST_REQUIRE").is_ok_and(|value| value == "all");
        assert!(!all, "this machine lacks {part}, and UMBRASCOPE_TEST_REQUIRE=all forbids to skip");
        eprintln!("SKIPPED {}: needs {part}", std::thread::current().name().unwrap_or("a test"));
    }
    present
}
