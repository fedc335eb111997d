//! What can be wrong with a text.

use std::fmt;

/// Everything wrong with a text, in line order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseErrors {
    errors: Vec<ParseError>,
}

impl ParseErrors {
    pub(super) fn new(mut errors: Vec<ParseError>) -> Self {
        if errors.is_empty() {
            errors.push(ParseError {
                line: 1,
                problem: Problem::Expected { wanted: ".version and .target", found: "neither".to_owned() },
            });
        }
        errors.sort_by_key(|error| error.line);
        Self { errors }
    }

    /// The errors, at least one.
    #[must_use]
    pub fn errors(&self) -> &[ParseError] {
        &self.errors
    }

    /// Whether everything is unsupported rather than malformed, or an instruction is: then the rest may well follow from it.
    #[must_use]
    pub fn is_unsupported(&self) -> bool {
        let is_unsupported = |error: &ParseError| matches!(error.problem, Problem::Unsupported { .. });
        let is_instruction =
            |error: &ParseError| matches!(error.problem, Problem::Unsupported { what: "instruction", .. });
        self.errors.iter().all(is_unsupported) || self.errors.iter().any(is_instruction)
    }
}

impl fmt::Display for ParseErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.errors.iter().enumerate() {
            write!(f, "{}{error}", if index == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

impl std::error::Error for ParseErrors {}

/// One thing wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct ParseError {
    /// 1-based line.
    pub line: u32,
    /// What is wrong.
    pub problem: Problem,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The grammar wants something else here.
    #[error("expected {wanted}, found `{found}`")]
    Expected {
        /// What it wants.
        wanted: &'static str,
        /// What stands there.
        found: String,
    },
    /// An instruction, modifier or directive that this crate does not know.
    #[error("unsupported {what} `{text}`")]
    Unsupported {
        /// Which kind of thing.
        what: &'static str,
        /// The text.
        text: String,
    },
    /// A register, label, parameter or array that is not declared.
    #[error("`{name}` is not declared")]
    Undeclared {
        /// Its name.
        name: String,
    },
    /// A name that is declared twice.
    #[error("`{name}` is declared twice")]
    Redeclared {
        /// Its name.
        name: String,
    },
    /// A character that no token starts with.
    #[error("stray character {character:?}")]
    Stray {
        /// The character.
        character: char,
    },
    /// A number that does not fit.
    #[error("number `{text}` does not fit")]
    Number {
        /// The text.
        text: String,
    },
}
