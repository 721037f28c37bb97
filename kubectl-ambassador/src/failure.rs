//! How a command ends when it does not do what was asked: a message, a hint, an exit code.

use std::fmt;
use std::process::ExitCode;

use crate::output::{is_coloured, say};

/// What an exit code promises; the same in every output format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It failed; nothing was changed.
    Unchanged = 1,
    /// The command line or a file is wrong; nothing was tried.
    Usage = 2,
    /// It failed and what had been changed was put back.
    RolledBack = 3,
    /// It failed midway and needs a person.
    LeftHalfDone = 4,
}

/// Why a command did not do what was asked.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    message: String,
    hint: Option<String>,
    may_pass: bool,
}

/// What every command gives.
pub(crate) type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    /// Lower case, one line, no final dot.
    pub(crate) fn new(exit: Exit, message: impl fmt::Display) -> Self {
        Self { exit, message: message.to_string(), hint: None, may_pass: false }
    }

    /// An exit code alone: all has been said.
    pub(crate) fn silent(exit: Exit) -> Self {
        Self::new(exit, "")
    }

    /// For commands whose exit code 1 is an answer: this is none.
    pub(crate) fn could_not_tell(self) -> Self {
        Self { exit: Exit::Usage, ..self }
    }

    /// It failed; nothing was changed.
    pub(crate) fn unchanged(message: impl fmt::Display) -> Self {
        Self::new(Exit::Unchanged, message)
    }

    /// The command line or a file is wrong.
    pub(crate) fn usage(message: impl fmt::Display) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// With what to do about it.
    pub(crate) fn hint(self, hint: impl fmt::Display) -> Self {
        Self { hint: Some(hint.to_string()), ..self }
    }

    /// The same, as part of something larger that failed.
    pub(crate) fn within(self, exit: Exit, context: impl fmt::Display) -> Self {
        Self { exit, message: format!("{context}: {}", self.message), ..self }
    }

    /// One of several objects was changed before this one failed: not all is as it was, whatever became of this one.
    pub(crate) fn after_others(self) -> Self {
        let hint = self.hint.or_else(|| Some("the same command again goes on with the rest".to_owned()));
        Self { exit: Exit::LeftHalfDone, hint, ..self }
    }

    /// The cluster's moment was bad: the same may go well later.
    pub(crate) fn passing(self, may_pass: bool) -> Self {
        Self { may_pass, ..self }
    }

    /// Whether the same may go well later.
    pub(crate) fn may_pass(&self) -> bool {
        self.may_pass
    }

    /// Whether it needs a person.
    pub(crate) fn is_half_done(&self) -> bool {
        self.exit == Exit::LeftHalfDone
    }

    /// The same, with what else went wrong.
    pub(crate) fn and(self, exit: Exit, what: &str) -> Self {
        Self { exit, message: format!("{}; and {what}", self.message), ..self }
    }

    /// Whether everything is as it was before.
    pub(crate) fn is_rolled_back(&self) -> bool {
        self.exit == Exit::RolledBack
    }

    /// The same, said of something.
    pub(crate) fn about(self, what: impl fmt::Display) -> Self {
        Self { message: format!("{what}: {}", self.message), ..self }
    }

    /// The message, without hint.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// What to do about it.
    pub(crate) fn hint_text(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// Tells the user.
    pub(crate) fn say(&self) {
        // As clap colours its own.
        let (red, green, plain) =
            if is_coloured() { ("\x1b[1;31m", "\x1b[1;32m", "\x1b[0m") } else { ("", "", "") };
        if !self.message.is_empty() {
            say(&format!("{red}error:{plain} {}", self.message));
        }
        if let Some(hint) = &self.hint {
            say(&format!("{green}hint:{plain} {hint}"));
        }
    }

    /// Tells the user, and gives the exit code.
    pub(crate) fn report(&self) -> ExitCode {
        self.say();
        ExitCode::from(self.exit as u8)
    }
}
