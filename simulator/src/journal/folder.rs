//! The folder of a journal, held by this process alone.
//!
//! Folder and files are for their owner only: settings hold the API keys of endpoints.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

use super::error::JournalError;

pub(super) const DATABASE: &str = "journal.sqlite3";
const LOCK: &str = "lock";
/// How often a lock that somebody holds is tried again, and after which time: half a second in all.
const LOCK_TRIES: u32 = 25;
const LOCK_PAUSE: Duration = Duration::from_millis(20);
/// What a journal may find beside it: of its own, or of the file system.
const OWN: [&str; 5] = [DATABASE, "journal.sqlite3-wal", "journal.sqlite3-shm", LOCK, "lost+found"];

/// A folder that this process has to itself for as long as this lives.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    /// Locked; the operating system lets go of it however the process ends.
    _lock: File,
    /// Removed last.
    _temporary: Option<TempDir>,
}

impl Folder {
    /// Makes the folder if it is not there, and takes it.
    pub(super) fn lock(dir: &Path) -> Result<Self, JournalError> {
        let failed = |doing, path: &Path, error| JournalError::io(doing, path, &error);
        make(dir).map_err(|error| failed("cannot make", dir, error))?;
        let database = dir.join(DATABASE);
        if !database.exists() {
            for entry in fs::read_dir(dir).map_err(|error| failed("cannot read", dir, error))? {
                let entry = entry.map_err(|error| failed("cannot read", dir, error))?;
                if !OWN.iter().any(|own| entry.file_name() == *own) {
                    return Err(JournalError::NotAJournal { dir: dir.display().to_string() });
                }
            }
        }
        let path = dir.join(LOCK);
        let mut lock = open(&path).map_err(|error| failed("cannot open", &path, error))?;
        match locked(&lock) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(JournalError::Locked { dir: dir.display().to_string(), pid: holder(dir) });
            }
            Err(TryLockError::Error(error)) => return Err(failed("cannot lock", &path, error)),
        }
        let signed = lock.set_len(0).and_then(|()| writeln!(lock, "{}", std::process::id()));
        signed.map_err(|error| failed("cannot write", &path, error))?;
        // SQLite gives its further files the mode of this one.
        open(&database).map_err(|error| failed("cannot open", &database, error))?;
        Ok(Self { path: dir.to_owned(), _lock: lock, _temporary: None })
    }

    /// A private folder that is removed in the end.
    pub(super) fn temporary() -> Result<Self, JournalError> {
        let dir = tempfile::Builder::new().prefix("pns-").tempdir();
        let dir = dir.map_err(|error| JournalError::io("cannot make", &std::env::temp_dir(), &error))?;
        let folder = Self::lock(dir.path())?;
        Ok(Self { _temporary: Some(dir), ..folder })
    }

    pub(super) fn database(&self) -> PathBuf {
        self.path.join(DATABASE)
    }

    /// Refuses a database that is shorter than its head says. Pages that are still in the write-ahead log only
    /// may be missing, so nothing is said while there is one.
    pub(super) fn check_length(&self) -> Result<(), JournalError> {
        check_length(&self.path)
    }
}

/// As [`Folder::check_length`], for a folder that is not held.
pub(super) fn check_length(dir: &Path) -> Result<(), JournalError> {
    let path = dir.join(DATABASE);
    let length = |path: &Path| fs::metadata(path).map_or(0, |file| file.len());
    if length(&path.with_extension("sqlite3-wal")) > 0 {
        return Ok(());
    }
    let mut head = [0; 100];
    let read = File::open(&path).and_then(|mut file| std::io::Read::read_exact(&mut file, &mut head));
    if read.is_err() {
        // Empty, or no database at all: the tables will tell.
        return Ok(());
    }
    let page = match u16::from_be_bytes([head[16], head[17]]) {
        1 => 65_536,
        size => u64::from(size),
    };
    let pages = u64::from(u32::from_be_bytes([head[28], head[29], head[30], head[31]]));
    let (wanted, found) = (page * pages, length(&path));
    if head.starts_with(b"SQLite format 3\0") && found < wanted {
        let what = format!("`{}` has {found} bytes where {wanted} are wanted", path.display());
        return Err(JournalError::Damaged { what });
    }
    Ok(())
}

/// The process that holds the folder, if it could be read.
pub(super) fn holder(dir: &Path) -> Option<u32> {
    fs::read_to_string(dir.join(LOCK)).ok()?.trim().parse().ok()
}

/// Locks the file, and does not take a moment's hold for another process: one that is being started has copies of its
/// parent's open files until its own program is loaded, and [`is_held`] holds the lock while it looks.
fn locked(lock: &File) -> Result<(), TryLockError> {
    for _ in 0..LOCK_TRIES {
        match lock.try_lock() {
            Err(TryLockError::WouldBlock) => std::thread::park_timeout(LOCK_PAUSE),
            other => return other,
        }
    }
    lock.try_lock()
}

/// Whether some process holds the folder.
pub(super) fn is_held(dir: &Path) -> bool {
    let lock = OpenOptions::new().read(true).open(dir.join(LOCK));
    lock.is_ok_and(|lock| matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

#[cfg(unix)]
fn make(dir: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

#[cfg(not(unix))]
fn make(dir: &Path) -> std::io::Result<()> {
    fs::create_dir_all(dir)
}

fn open(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
