//! The thread that writes: it joins what waits into one transaction, commits it, and tells everybody.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::apply::{Application, Progress};
use super::change::Change;
use super::error::JournalError;
use super::folder::Folder;
use super::recovered::Recovered;
use super::retention::{Retained, Retention};
use super::schema::{self, Found};
use super::{Durability, Options, Shared, retention};

/// How many changes are joined into one transaction: one that is much larger makes its writers wait for each
/// other, and one that is much smaller pays for its commit.
const CHANGES_MAX: usize = 8_192;
/// How long to wait before a commit that failed is tried again.
const AGAIN_AFTER: Duration = Duration::from_millis(250);
/// Pages in the write-ahead log before it is carried over into the database: 64 MiB, so that pages which change
/// again and again are carried over once.
const CHECKPOINT_PAGES: i64 = 16_384;
/// What stays of the write-ahead log on disk after that.
const LOG_BYTES: i64 = 64 << 20;
/// The largest database that is read as a whole before it is continued: a second's work.
const LOOKED_OVER_BYTES: u64 = 256 << 20;
const CACHE_KIB: i64 = 32 << 10;
const STATEMENTS: usize = 64;

/// The changes of one write.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) changes: Vec<Change>,
    pub(super) done: oneshot::Sender<Result<(), JournalError>>,
    /// Given back with the job.
    #[expect(dead_code, reason = "held, not read")]
    pub(super) room: OwnedSemaphorePermit,
}

/// What the writer is asked.
#[derive(Debug)]
pub(super) enum Message {
    Write(Job),
    Retain(Retention, oneshot::Sender<Result<Retained, JournalError>>),
    Close(oneshot::Sender<Result<(), JournalError>>),
}

/// The writer's state. Fields are dropped in order: the database closes before the folder is free.
pub(super) struct Writer {
    connection: Connection,
    progress: Progress,
    receiver: mpsc::Receiver<Message>,
    waiting: VecDeque<Job>,
    retaining: Option<(Retention, oneshot::Sender<Result<Retained, JournalError>>)>,
    closing: Option<oneshot::Sender<Result<(), JournalError>>>,
    /// How many changes are joined at present: few after a commit that failed, since all that wait may be more
    /// than there is room for.
    changes_max: usize,
    /// Nobody can ask for anything any more.
    deserted: bool,
    shared: Arc<Shared>,
    _folder: Folder,
}

/// Refuses a damaged database before anything is written into it. Of a large one only what recovery reads is seen.
fn look_over(connection: &Connection) -> Result<(), JournalError> {
    let number = |name| connection.pragma_query_value(None, name, |row| row.get::<_, u64>(0));
    if number("page_size")? * number("page_count")? > LOOKED_OVER_BYTES {
        return Ok(());
    }
    let found: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if found == "ok" { Ok(()) } else { Err(JournalError::Damaged { what: found }) }
}

impl Writer {
    pub(super) fn open(
        folder: Folder,
        options: Options,
        receiver: mpsc::Receiver<Message>,
        shared: Arc<Shared>,
    ) -> Result<(Self, Recovered), JournalError> {
        folder.check_length()?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(folder.database(), flags)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        connection.busy_timeout(Duration::from_secs(5))?;
        let found = schema::prepare(&mut connection)?;
        if let Found::Version(version) = found {
            look_over(&connection)?;
            schema::migrate(&mut connection, version)?;
        }
        let fresh = found == Found::Nothing;
        let synchronous = match options.durability {
            Durability::None => "OFF",
            Durability::Process => "NORMAL",
            Durability::Power => "FULL",
        };
        connection.pragma_update(None, "synchronous", synchronous)?;
        connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
        connection.pragma_update(None, "journal_size_limit", LOG_BYTES)?;
        connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
        if let Some(bytes) = options.size_limit {
            let page: u64 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
            let pages = i64::try_from(bytes / page).unwrap_or(i64::MAX).max(1);
            // Answers with a row, unlike the others.
            connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))?;
        }
        let progress = Progress::load(&connection)?;
        let recovered = Recovered::load(&connection, fresh, progress)?;
        let writer = Self {
            connection,
            progress,
            receiver,
            waiting: VecDeque::new(),
            retaining: None,
            closing: None,
            changes_max: CHANGES_MAX,
            deserted: false,
            shared,
            _folder: folder,
        };
        Ok((writer, recovered))
    }

    /// Writes until nobody can write any more, or the journal is closed.
    pub(super) fn run(mut self) {
        let ended = loop {
            self.gather();
            let committed = self.commit();
            // Also when the disk is full: this may make room.
            self.retain();
            match committed {
                Ok(()) if self.waiting.is_empty() && self.is_ending() => break Ok(()),
                Ok(()) => {}
                Err(error) if error.may_pass() && !self.is_ending() => {
                    *self.shared.trouble() = Some(error);
                    self.pause();
                }
                Err(error) => break Err(error),
            }
        };
        if let Err(error) = &ended {
            *self.shared.trouble() = Some(error.clone());
        }
        self.refuse(ended.as_ref().err().unwrap_or(&JournalError::Closed));
        if let Some(error) = ended.clone().err().filter(|_| !self.is_ending()) {
            self.refuse_all(&error);
        }
        let Self { connection, closing, _folder: folder, .. } = self;
        // The log is carried over as the last connection closes; what fails here is carried over next time.
        drop(connection);
        drop(folder);
        if let Some(closing) = closing {
            let _ = closing.send(ended);
        }
    }

    fn is_ending(&self) -> bool {
        self.deserted || self.closing.is_some()
    }

    /// Waits for something to write, and takes what else is there, up to the size of a transaction.
    fn gather(&mut self) {
        if self.waiting.is_empty() && self.retaining.is_none() && !self.is_ending() {
            match self.receiver.recv() {
                Ok(message) => self.take(message),
                Err(_) => self.deserted = true,
            }
        }
        let mut changes: usize = self.waiting.iter().map(|job| job.changes.len()).sum();
        while changes < CHANGES_MAX && self.retaining.is_none() && self.closing.is_none() {
            match self.receiver.try_recv() {
                Ok(message) => {
                    self.take(message);
                    changes += self.waiting.back().map_or(0, |job| job.changes.len());
                }
                Err(mpsc::TryRecvError::Empty) => break,
                Err(mpsc::TryRecvError::Disconnected) => {
                    self.deserted = true;
                    break;
                }
            }
        }
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Write(job) => self.waiting.push_back(job),
            // One that nobody has come to yet gives way: its asker learns that there is no answer.
            Message::Retain(retention, done) => self.retaining = Some((retention, done)),
            Message::Close(done) => self.closing = Some(done),
        }
    }

    /// Waits until a commit that failed may be tried again.
    fn pause(&mut self) {
        match self.receiver.recv_timeout(AGAIN_AFTER) {
            Ok(message) => self.take(message),
            Err(mpsc::RecvTimeoutError::Timeout) => {}
            Err(mpsc::RecvTimeoutError::Disconnected) => self.deserted = true,
        }
    }

    /// Commits what waits, in order, and resolves its tickets. What fails is rolled back and waits on.
    fn commit(&mut self) -> Result<(), JournalError> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let changes_max = std::mem::replace(&mut self.changes_max, 1);
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut application = Application::new(&transaction, self.progress);
        let (mut jobs, mut changes) = (0, 0);
        for job in &self.waiting {
            if changes >= changes_max {
                break;
            }
            for (place, change) in job.changes.iter().enumerate() {
                application.apply(change, job.changes.get(place + 1))?;
            }
            jobs += 1;
            changes += job.changes.len();
        }
        let progress = application.finish(self.progress)?;
        transaction.commit()?;
        self.progress = progress;
        self.changes_max = (changes_max * 4).min(CHANGES_MAX);
        self.shared.commits.fetch_add(1, Ordering::Relaxed);
        self.shared.changes.fetch_add(changes as u64, Ordering::Relaxed);
        *self.shared.trouble() = None;
        for job in self.waiting.drain(..jobs) {
            // Whoever wrote it need not wait for it.
            let _ = job.done.send(Ok(()));
        }
        Ok(())
    }

    /// Makes one step of retention, if it is asked for.
    fn retain(&mut self) {
        if let Some((retention, done)) = self.retaining.take() {
            let _ = done.send(retention::step(&mut self.connection, &retention));
        }
    }

    /// Fails what still waits.
    fn refuse(&mut self, error: &JournalError) {
        for job in self.waiting.drain(..) {
            let _ = job.done.send(Err(error.clone()));
        }
    }

    /// The journal is of no more use: whatever is still asked fails, until nobody asks any more.
    fn refuse_all(&mut self, error: &JournalError) {
        while let Ok(message) = self.receiver.recv() {
            match message {
                Message::Write(job) => {
                    let _ = job.done.send(Err(error.clone()));
                }
                Message::Retain(_, done) => {
                    let _ = done.send(Err(error.clone()));
                }
                Message::Close(done) => {
                    self.closing = Some(done);
                    return;
                }
            }
        }
    }
}
