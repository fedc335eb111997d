//! Processes whose driver is the library of this package.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

/// Set in the child.
const CHILD: &str = "TILEWRIGHT_TEST_CHILD";

/// In the child runs `program` and gives nothing; in the parent runs the test called `name` alone in a child, with these variables, and gives what it wrote.
pub(crate) fn run(name: &str, variables: &[(&str, &str)], program: impl FnOnce()) -> Option<Outcome> {
    if std::env::var_os(CHILD).is_some_and(|child| child == name) {
        program();
        return None;
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    for variable in ["TILEWRIGHT_SIM_ARCH", "TILEWRIGHT_SIM_CHECK", "TILEWRIGHT_SIM_SEED", "TILEWRIGHT_SIM_CONVERGE"] {
        command.env_remove(variable);
    }
    let output = command
        .args(["--exact", name, "--nocapture", "--test-threads", "1"])
        .env("LD_LIBRARY_PATH", folder())
        .env(CHILD, name)
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("1 passed") || !output.status.success(), "there is no test `{name}`");
    Some(Outcome { output })
}

/// What a child did.
pub(crate) struct Outcome {
    output: Output,
}

impl Outcome {
    /// The child found everything as it should be.
    pub(crate) fn succeeded(&self) -> &Self {
        assert!(self.output.status.success(), "{}{}", self.out(), self.error());
        self
    }

    /// It wrote this to standard error.
    pub(crate) fn said(&self, wanted: &str) -> &Self {
        assert!(self.error().contains(wanted), "wanted `{wanted}` in: {}{}", self.out(), self.error());
        self
    }

    /// It wrote nothing from the simulator to standard error.
    pub(crate) fn kept_quiet(&self) {
        assert_eq!(self.error(), "");
    }

    fn out(&self) -> String {
        String::from_utf8_lossy(&self.output.stdout).into_owned()
    }

    fn error(&self) -> String {
        String::from_utf8_lossy(&self.output.stderr).into_owned()
    }
}

/// A folder with the library under the driver's two names.
pub(crate) fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("driver");
        let output = Command::new(env!("CARGO_BIN_EXE_libcuda-sim")).arg("folder").arg(&folder).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        folder
    })
}
