//! How a verb fails: the sentences for standard error and the exit status.

use std::io;
use std::path::PathBuf;

use crate::api::client;
use crate::domain::{Refusal, RefusalKind};

/// Why a verb did not do what it was asked to.
#[derive(Debug)]
pub enum Failure {
    /// The input was refused; exit status 2. One sentence a problem.
    Refused(Vec<String>),
    /// Something went wrong, or some of several things were not done; exit status 1. One sentence a problem.
    Failed(Vec<String>),
    /// There is no engine and none was to be started; exit status 3.
    NoEngine {
        /// The data directory.
        data_dir: PathBuf,
    },
    /// Whoever read our output has gone. That is no failure: exit status 0.
    ClosedPipe,
}

/// What a verb gives: its exit status, or why it has none of its own.
pub type Outcome = Result<i32, Failure>;

impl Failure {
    /// One sentence with exit status 2.
    pub fn refused(sentence: impl Into<String>) -> Self {
        Self::Refused(vec![sentence.into()])
    }

    /// One sentence with exit status 1.
    pub fn failed(sentence: impl Into<String>) -> Self {
        Self::Failed(vec![sentence.into()])
    }

    /// A file or folder that cannot be used; exit status 2, because the user named it.
    pub fn file(action: &str, path: &std::path::Path, error: &io::Error) -> Self {
        Self::refused(format!("cannot {action} {}: {error}", path.display()))
    }

    /// The exit status.
    pub const fn status(&self) -> i32 {
        match self {
            Self::Refused(_) => 2,
            Self::Failed(_) => 1,
            Self::NoEngine { .. } => 3,
            Self::ClosedPipe => 0,
        }
    }

    /// The sentences for standard error.
    pub fn sentences(&self) -> Vec<String> {
        match self {
            Self::Refused(sentences) | Self::Failed(sentences) => sentences.clone(),
            Self::NoEngine { data_dir } => {
                let dir = data_dir.display();
                vec![format!("no engine runs on {dir}. Start one with: menagerie engine --data-dir {dir}")]
            }
            Self::ClosedPipe => vec![],
        }
    }
}

/// What the engine refuses to change because its data directory cannot be written, as its refusals name it.
const NOT_STORED: [&str; 2] = ["nothing was changed, because it could not be stored", "the engine is read-only"];

/// Whether a refusal is about the request (exit status 2) or about the present condition of the engine (1). A change
/// that a full or unwritable data directory cannot take is refused like any other: nothing of it was done, and the user
/// can mend it.
fn is_about_request(refusal: &Refusal) -> bool {
    match refusal.kind {
        RefusalKind::Unavailable => NOT_STORED.contains(&refusal.field.as_str()),
        RefusalKind::Forbidden => false,
        _ => true,
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let sentence = refusal.to_string();
        if is_about_request(&refusal) { Self::refused(sentence) } else { Self::failed(sentence) }
    }
}

impl From<client::Error> for Failure {
    fn from(error: client::Error) -> Self {
        match error {
            client::Error::NoEngine { data_dir } => Self::NoEngine { data_dir },
            client::Error::Refused(refusal) => refusal.into(),
            // The user named the directory; that it cannot be used is about the request.
            error @ client::Error::Unreachable { .. } => {
                Self::refused(format!("{}. Name a folder that you may use with --data-dir", chain(&error)))
            }
            other => Self::failed(chain(&other)),
        }
    }
}

/// For errors of writing to standard output only.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Self::ClosedPipe
        } else {
            Self::failed(format!("cannot write the output: {error}"))
        }
    }
}

/// An error and what caused it, in one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        // Some errors have said themselves what caused them.
        let said = cause.to_string();
        let last = said.rsplit(": ").next().unwrap_or(&said);
        if !text.contains(last) {
            text.push_str(": ");
            text.push_str(&said);
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_told_once() {
        #[derive(Debug, thiserror::Error)]
        #[error("{0}")]
        struct Says(&'static str, #[source] io::Error);
        let cause = || io::Error::other("no such device");
        assert_eq!(chain(&Says("making it", cause())), "making it: no such device");
        assert_eq!(
            chain(&Says("making it: no such device. Choose another", cause())),
            "making it: no such device. Choose another"
        );
    }

    #[test]
    fn status_follows_the_kind() {
        for kind in RefusalKind::ALL {
            let expected = if matches!(kind, RefusalKind::Forbidden | RefusalKind::Unavailable) { 1 } else { 2 };
            assert_eq!(Failure::from(Refusal::new(*kind, "x", "y")).status(), expected, "{kind}");
        }
        for field in NOT_STORED {
            assert_eq!(Failure::from(Refusal::new(RefusalKind::Unavailable, field, "")).status(), 2, "{field}");
        }
        assert_eq!(Failure::from(io::Error::from(io::ErrorKind::BrokenPipe)).status(), 0);
        assert_eq!(Failure::from(client::Error::NoEngine { data_dir: "d".into() }).status(), 3);
    }
}
