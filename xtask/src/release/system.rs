//! The systems that archives are made for, in the words of Go, and so of kubectl and krew.

use std::path::PathBuf;

use clap::ValueEnum as _;

/// Reads `darwin-arm64=FILE`.
pub(super) fn with_program(text: &str) -> Result<(System, PathBuf), String> {
    let (system, file) = text.split_once('=').ok_or("it is SYSTEM=FILE, such as darwin-arm64=FILE")?;
    Ok((System::from_str(system, false)?, file.into()))
}

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum System {
    LinuxAmd64,
    LinuxArm64,
    DarwinAmd64,
    DarwinArm64,
    WindowsAmd64,
}

impl System {
    pub(crate) const ALL: [Self; 5] =
        [Self::LinuxAmd64, Self::LinuxArm64, Self::DarwinAmd64, Self::DarwinArm64, Self::WindowsAmd64];

    /// The one that this program runs on.
    pub(crate) fn this() -> Option<Self> {
        match (std::env::consts::OS, std::env::consts::ARCH) {
            ("linux", "x86_64") => Some(Self::LinuxAmd64),
            ("linux", "aarch64") => Some(Self::LinuxArm64),
            _ => None,
        }
    }

    /// `linux` and `amd64`
    pub(super) fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::LinuxAmd64 => ("linux", "amd64"),
            Self::LinuxArm64 => ("linux", "arm64"),
            Self::DarwinAmd64 => ("darwin", "amd64"),
            Self::DarwinArm64 => ("darwin", "arm64"),
            Self::WindowsAmd64 => ("windows", "amd64"),
        }
    }

    /// What rustc calls it. For Linux all of the C library is inside, so that no distribution is too old, or has another.
    pub(super) fn triple(self) -> &'static str {
        match self {
            Self::LinuxAmd64 => "x86_64-unknown-linux-musl",
            Self::LinuxArm64 => "aarch64-unknown-linux-musl",
            Self::DarwinAmd64 => "x86_64-apple-darwin",
            Self::DarwinArm64 => "aarch64-apple-darwin",
            Self::WindowsAmd64 => "x86_64-pc-windows-gnu",
        }
    }

    pub(super) fn is_windows(self) -> bool {
        self == Self::WindowsAmd64
    }

    pub(super) fn is_darwin(self) -> bool {
        matches!(self, Self::DarwinAmd64 | Self::DarwinArm64)
    }

    /// The file that is the program.
    pub(super) fn program(self) -> &'static str {
        if self.is_windows() { "kubectl-ambassador.exe" } else { "kubectl-ambassador" }
    }

    /// `linux-amd64`
    pub(super) fn name(self) -> String {
        let (os, arch) = self.names();
        format!("{os}-{arch}")
    }

    /// How the name of its archive ends.
    pub(super) fn archive(self) -> String {
        format!("{}.{}", self.name(), if self.is_windows() { "zip" } else { "tar.gz" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_given_for_a_system() {
        assert_eq!(with_program("darwin-arm64=a=b"), Ok((System::DarwinArm64, "a=b".into())));
        assert!(with_program("darwin-arm64").is_err() && with_program("beos-mips=x").is_err());
    }
}
