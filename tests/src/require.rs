//! Parts that a machine may lack: a program, root, network namespaces.

use std::process::{Command, Stdio};

/// Whether the test can run: `present` says whether its part is there. Where it is not, the test is
/// skipped with a line on stderr.
///
/// # Panics
/// When the part is missing and `UMBRASCOPE_TEST_REQUIRE=all` is set.
#[must_use]
pub fn require(part: &str, present: bool) -> bool {
    if present {
        return true;
    }
    let all = std::env::var("UMBRASCOPE_TEST_REQUIRE").is_ok_and(|value| value == "all");
    assert!(!all, "this machine lacks {part}, and UMBRASCOPE_TEST_REQUIRE=all forbids to skip");
    let name = std::thread::current().name().unwrap_or("a test").to_owned();
    eprintln!("SKIPPED {name}: needs {part}");
    false
}

/// Whether the test may install packages from registries, which takes minutes and a network: where
/// `UMBRASCOPE_TEST_INSTALL=1` or `UMBRASCOPE_TEST_REQUIRE=all` says so.
#[must_use]
pub fn may_install() -> bool {
    let set = |name: &str, value: &str| std::env::var(name).is_ok_and(|set| set == value);
    let leave = set("UMBRASCOPE_TEST_INSTALL", "1") || set("UMBRASCOPE_TEST_REQUIRE", "all");
    require("leave to install packages (UMBRASCOPE_TEST_INSTALL=1)", leave)
}

/// Whether a program of this name can be started from PATH.
pub fn have_command(name: &str) -> bool {
    Command::new("sh")
        .args(["-c", "command -v \"$0\"", name])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Whether the tests run as root.
pub fn is_root() -> bool {
    std::fs::read_to_string("/proc/self/status").is_ok_and(|status| {
        status
            .lines()
            .find_map(|line| line.strip_prefix("Uid:"))
            .and_then(|ids| ids.split_whitespace().nth(1))
            == Some("0")
    })
}
