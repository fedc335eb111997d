//! How property tests run.

use proptest::test_runner::{Config, FileFailurePersistence};

/// `count` cases, or as many as `PROPTEST_CASES` says; failures are kept in `regressions` next to the test.
#[must_use]
pub fn cases(count: u32) -> Config {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|asked| asked.parse().ok());
    Config {
        cases: asked.unwrap_or(count),
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("regressions"))),
        // A case runs a simulated kernel: shrinking is worth a while, not an hour.
        max_shrink_iters: 256,
        ..Config::default()
    }
}
