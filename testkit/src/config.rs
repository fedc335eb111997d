//! How property tests run.

use proptest::test_runner::{Config, FileFailurePersistence};

/// `count` cases, or as many as `PROPTEST_CASES` says; failures are kept in `regressions` next to the test.
#[must_use]
pub fn cases(count: u32) -> Config {
    Config {
        cases: asked_for().unwrap_or(count),
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("regressions"))),
        // A case runs a simulated kernel: shrinking is worth a while, not an hour.
        max_shrink_iters: 256,
        ..Config::default()
    }
}

/// What `PROPTEST_CASES` says.
pub(crate) fn asked_for() -> Option<u32> {
    std::env::var("PROPTEST_CASES").ok()?.parse().ok()
}
