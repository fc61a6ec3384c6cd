//! What a film in parts can fail at.

use std::path::PathBuf;

use crate::error::{Cause, Difference, Error};

/// What can go wrong with a plan, or with the parts it is about.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PartsError {
    /// A plan cannot be understood, or was changed after it was written.
    #[error("the plan {} cannot be used", path.display())]
    PlanInvalid {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: Cause,
    },
    /// A plan was made for something else.
    #[error("the plan {} is for {what}", path.display())]
    PlanMismatch {
        /// The file.
        path: PathBuf,
        /// Another film, look, version, other networks.
        what: &'static str,
        /// What was planned, and what was found.
        source: Difference,
    },
    /// No part was named.
    #[error("no part of the {parts} is named")]
    NoPart {
        /// Parts of the plan.
        parts: usize,
    },
    /// Parts are not there yet.
    #[error("{} of {parts} parts are missing from {}: {}", missing.len(), folder.display(), numbers(missing))]
    Missing {
        /// Where they should be.
        folder: PathBuf,
        /// Their numbers.
        missing: Vec<usize>,
        /// Parts of the plan.
        parts: usize,
    },
}

impl From<PartsError> for Error {
    fn from(error: PartsError) -> Self {
        Self::Other(Box::new(error))
    }
}

/// Numbers as schedulers take them: `3,7-12`.
fn numbers(of: &[usize]) -> String {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for &number in of {
        match runs.last_mut() {
            Some((_, end)) if *end + 1 == number => *end = number,
            _ => runs.push((number, number)),
        }
    }
    let run =
        |&(from, to): &(usize, usize)| if from == to { from.to_string() } else { format!("{from}-{to}") };
    runs.iter().map(run).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_said_as_schedulers_take_them() {
        assert_eq!(numbers(&[3, 7, 8, 9, 12]), "3,7-9,12");
        assert_eq!((numbers(&[0]), numbers(&[])), ("0".into(), String::new()));
    }
}
