//! What the API server's errors mean to a person.

use crate::failure::Failure;

/// Turns an error of a call into a failure that names what was attempted.
pub(super) fn attempting(what: impl Into<String>) -> impl FnOnce(kube::Error) -> Failure {
    let what = what.into();
    move |error| match &error {
        kube::Error::Api(status) => {
            let failure =
                Failure::unchanged(format!("{what}: {}", status.message)).passing(is_passing(status.code));
            match status.code {
                401 => failure.hint("your credentials were not accepted; log in again"),
                403 => failure.hint(
                    "ask for the rights that the message names; `kubectl auth can-i --list` shows yours",
                ),
                _ => failure,
            }
        }
        error => Failure::unchanged(format!("{what}: {}", root_cause(error)))
            .passing(true)
            .hint("is the cluster up? `kubectl cluster-info` asks it; --context NAME chooses another one"),
    }
}

/// The innermost reason: the outer ones of a failed call only say that it failed.
pub(super) fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

pub(super) fn is_not_found(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 404)
}

/// Why an object was not created.
#[derive(Debug)]
pub(crate) enum NotCreated {
    /// Only because the name is in use: all that comes before, admission and validation, has passed.
    NameInUse,
    /// The server does not want it.
    Refused(String),
    /// There was no clear answer; it may even have been created.
    Unclear(String),
}

impl From<kube::Error> for NotCreated {
    fn from(error: kube::Error) -> Self {
        match error {
            kube::Error::Api(status) if status.code == 409 && status.reason == "AlreadyExists" => {
                Self::NameInUse
            }
            // 409 is a quota that somebody else was counted in at the same time, 429 a budget that has room again later.
            kube::Error::Api(status)
                if (400..500).contains(&status.code) && !matches!(status.code, 409 | 429) =>
            {
                Self::Refused(status.message)
            }
            kube::Error::Api(status) => Self::Unclear(status.message),
            error => Self::Unclear(root_cause(&error)),
        }
    }
}

/// Why a pod was not deleted.
#[derive(Debug)]
pub(crate) enum NotDeleted {
    /// It is another one of the name, or not as it was when it was read.
    Changed,
    /// The server does not let it be deleted.
    Refused(String),
    /// There was no clear answer; it may even have been deleted.
    Unclear(String),
}

impl std::fmt::Display for NotDeleted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Changed => f.write_str("it has changed meanwhile"),
            Self::Refused(why) | Self::Unclear(why) => f.write_str(why),
        }
    }
}

impl From<kube::Error> for NotDeleted {
    fn from(error: kube::Error) -> Self {
        match error {
            kube::Error::Api(status) if status.code == 409 => Self::Changed,
            kube::Error::Api(status) if (400..500).contains(&status.code) && status.code != 429 => {
                Self::Refused(status.message)
            }
            kube::Error::Api(status) => Self::Unclear(status.message),
            error => Self::Unclear(root_cause(&error)),
        }
    }
}

/// Whether asking again may help: the server was busy, or could not be reached.
pub(super) fn may_pass(error: &kube::Error) -> bool {
    match error {
        kube::Error::Api(status) => is_passing(status.code),
        _ => true,
    }
}

/// Whether a status says more about the server's moment than about the request.
pub(super) fn is_passing(status: u16) -> bool {
    matches!(status, 429 | 500 | 502..=504)
}
