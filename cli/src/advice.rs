//! Errors in words that say what to do.

use std::{fmt, io};

use ranstream::{Error, Limit, format::MAGIC};

/// An error of a stream or a system call, with what can be done about it.
pub(crate) fn explain(error: io::Error) -> anyhow::Error {
    match Error::try_from(error) {
        Ok(error) => explain_stream(&error),
        Err(error) => anyhow::Error::msg(without_code(&error)),
    }
}

/// As [`explain`], without what can be done about it.
pub(crate) fn plain(error: io::Error) -> anyhow::Error {
    match Error::try_from(error) {
        Ok(error) => anyhow::anyhow!("{error}"),
        Err(error) => anyhow::Error::msg(without_code(&error)),
    }
}

/// Adds what was tried to an error.
pub(crate) fn because(what: impl fmt::Display) -> impl FnOnce(io::Error) -> anyhow::Error {
    move |error| explain(error).context(what.to_string())
}

const RECOVER: &str = "`rans recover` saves the complete blocks";

/// Whether these may be the first bytes of a stream, one of them damaged. A PNG image has two of
/// the four.
fn is_like_the_magic(found: &[u8]) -> bool {
    found.iter().zip(MAGIC).filter(|&(&byte, wanted)| byte == wanted).count() >= 3
}

fn explain_stream(error: &Error) -> anyhow::Error {
    let advice = match error {
        Error::Truncated { offset: 0 } => return anyhow::anyhow!("empty, not a ranstream stream"),
        Error::TrailingData { offset } => {
            return anyhow::anyhow!("a complete stream ends at byte {offset}, and something else follows");
        }
        Error::ContentLength { declared, actual } => {
            return anyhow::anyhow!(
                "changed while it was read: {declared} bytes long at first, {actual} later; compress a copy, or send it through a pipe"
            );
        }
        Error::Truncated { .. } | Error::Corrupt { .. } => RECOVER,
        Error::NotAStream { found } if is_like_the_magic(found) => RECOVER,
        Error::LimitExceeded { limit: Limit::Memory, .. } => "allow more with --memory",
        Error::LimitExceeded { limit: Limit::Output, .. } => "allow more with --max-output",
        Error::Unsupported { .. } => "a newer rans may know it",
        Error::NeedsBase { .. } => "name the file that it was made from with --base; `rans list` tells of it",
        Error::WrongBase { .. } => "--base has to be the file that it was made from; `rans list` tells of it",
        _ => return anyhow::anyhow!("{error}"),
    };
    anyhow::anyhow!("{error}; {advice}")
}

/// The system's own words, without the number that std puts behind them, and the path that others
/// put behind that.
fn without_code(error: &io::Error) -> String {
    let text = error.to_string();
    match text.split_once(" (os error ") {
        Some((words, _)) => words.to_owned(),
        None => text,
    }
}
