//! What the environment says.

use tilewright_ptx_sim::{Check, Converge, Profile};

/// A variable whose value means nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{variable} is `{got}`, wanted {wanted}")]
pub(crate) struct EnvironmentError {
    /// The variable.
    variable: &'static str,
    /// Its value.
    got: String,
    /// The values that it can have.
    wanted: &'static str,
}

type Found<T> = Result<Option<T>, EnvironmentError>;

/// `TILEWRIGHT_SIM_ARCH`.
pub(crate) fn profile() -> Found<Profile> {
    look("TILEWRIGHT_SIM_ARCH", "sm_80, sm_86, sm_89, sm_90 or sm_90a", Profile::from_name)
}

/// `TILEWRIGHT_SIM_CHECK`.
pub(crate) fn check() -> Found<Check> {
    look("TILEWRIGHT_SIM_CHECK", "off, errors or all", Check::from_name)
}

/// `TILEWRIGHT_SIM_SEED`.
pub(crate) fn seed() -> Found<u64> {
    look("TILEWRIGHT_SIM_SEED", "a number of 64 bits", |seed| seed.parse().ok())
}

/// `TILEWRIGHT_SIM_CONVERGE`.
pub(crate) fn converge() -> Found<Converge> {
    look("TILEWRIGHT_SIM_CONVERGE", "early or adversarial", |word| match word {
        "early" => Some(Converge::Early),
        "adversarial" => Some(Converge::Adversarial),
        _ => None,
    })
}

/// The first variable whose value means nothing.
pub(crate) fn verify() -> Result<(), EnvironmentError> {
    profile()?;
    check()?;
    seed()?;
    converge()?;
    Ok(())
}

fn look<T>(variable: &'static str, wanted: &'static str, meaning: impl Fn(&str) -> Option<T>) -> Found<T> {
    let Some(value) = std::env::var_os(variable) else { return Ok(None) };
    match value.to_str().and_then(meaning) {
        Some(value) => Ok(Some(value)),
        None => Err(EnvironmentError { variable, got: value.to_string_lossy().into_owned(), wanted }),
    }
}
