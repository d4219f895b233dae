//! Why a journal cannot be opened, written or read.

use std::fmt;
use std::path::Path;

use rusqlite::ErrorCode;

/// What went wrong, by whose fault it is. Nothing in the folder was destroyed, whichever it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// The folder holds other files and no journal.
    #[error("`{dir}` is not empty and holds no journal")]
    NotAJournal {
        /// The folder.
        dir: String,
    },
    /// There is no journal to look at.
    #[error("`{dir}` holds no journal")]
    NoJournal {
        /// The folder.
        dir: String,
    },
    /// Another process has the journal open.
    #[error("the journal in `{dir}` is in use{}", by(*.pid))]
    Locked {
        /// The folder.
        dir: String,
        /// The process, where it could be read.
        pid: Option<u32>,
    },
    /// A later version of this program wrote the journal.
    #[error("the journal has format {version}, and this program knows up to {known}")]
    WrittenByNewer {
        /// The journal's format.
        version: i64,
        /// The latest that is known here.
        known: i64,
    },
    /// The file is not what a journal is, or no longer.
    #[error("the journal is damaged: {what}")]
    Damaged {
        /// What was found.
        what: String,
    },
    /// No room is left on the disk, or in what the journal may take of it.
    #[error("no room is left for the journal: {what}")]
    DiskFull {
        /// What SQLite said.
        what: String,
    },
    /// The operating system refused.
    #[error("the journal cannot be used: {what}")]
    Io {
        /// What, of which file.
        what: String,
    },
    /// A change does not fit the rows: a fault of the caller.
    #[error("a change does not follow what the journal holds: {what}")]
    OutOfStep {
        /// Which.
        what: String,
    },
    /// The journal was closed.
    #[error("the journal is closed")]
    Closed,
}

fn by(pid: Option<u32>) -> impl fmt::Display {
    pid.map_or_else(String::new, |pid| format!(" by process {pid}"))
}

impl JournalError {
    /// What to do about it, if it is known.
    #[must_use]
    pub fn help(&self) -> Option<&'static str> {
        match self {
            Self::NoJournal { .. } => Some("name the folder that `pns serve` was given as `--data`"),
            Self::NotAJournal { .. } => Some("give an empty folder, or one that does not exist yet"),
            Self::Locked { .. } => Some("stop the other process, or give this one a folder of its own"),
            Self::WrittenByNewer { .. } => Some("use the version of `pns` that wrote it, or a later one"),
            Self::Damaged { .. } => Some("`pns store check` tells what is wrong; keep a copy of the folder"),
            Self::DiskFull { .. } => Some("make room; what waits is written as soon as there is some"),
            Self::Io { .. } | Self::OutOfStep { .. } | Self::Closed => None,
        }
    }

    /// Whether it may pass, so that trying again makes sense.
    pub(super) fn may_pass(&self) -> bool {
        matches!(self, Self::DiskFull { .. } | Self::Io { .. })
    }

    pub(super) fn io(doing: &str, path: &Path, error: &std::io::Error) -> Self {
        let what = format!("{doing} `{}`: {error}", path.display());
        if error.kind() == std::io::ErrorKind::StorageFull {
            return Self::DiskFull { what };
        }
        Self::Io { what }
    }
}

impl From<rusqlite::Error> for JournalError {
    fn from(error: rusqlite::Error) -> Self {
        let what = error.to_string();
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::DiskFull { what },
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged { what },
            Some(ErrorCode::ConstraintViolation) => Self::OutOfStep { what },
            Some(_) => Self::Io { what },
            // A row that does not read back as what was written.
            None => Self::Damaged { what },
        }
    }
}
