//! The journal: what a simulator must still know after it was killed, in an SQLite database in one folder.
//!
//! It knows rows, not policies: the caller says what changed ([`Change`]), and gets back what there is
//! ([`Recovered`] at the start, [`Reader`] later). What it keeps:
//! * A [`Ticket`] is resolved after the commit of all changes of its write. Changes are committed in the order
//!   of writing, those of one write together, and those of many writes that wait in one transaction.
//! * What is committed survives the end of the process at any instant, and with [`Durability::Power`] that of
//!   the machine.
//! * Writing does not fail because a disk is full: what waits stays, is tried again, and takes up its room in
//!   the queue, so that writers wait. [`Journal::health`] tells it meanwhile.
//! * After any other failure nothing more is written: what follows might build on what is missing.
//! * No error destroys anything.
//!
//! One thread writes. Readers have connections of their own and never wait for it.

mod apply;
mod change;
mod check;
mod column;
mod error;
mod folder;
mod read;
mod recovered;
mod retention;
mod schema;
mod writer;

use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::task::{Context, Poll};
use std::thread::JoinHandle;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use self::folder::Folder;
use self::writer::{Job, Message, Writer};

pub use change::{Change, KeptExchange, KeptWindow, Published, WindowPurpose};
pub use check::{CheckReport, check};
pub use error::JournalError;
pub use read::{
    AttemptEnd, Counts, DeliveryFilter, DeliveryState, KeptAnswer, KeptAttempt, KeptDelivery, Listing, Order,
    PAGE_MAX, Page, Reader,
};
pub use recovered::{KeptFault, KeptNotification, KeptSubscription, Recovered};
pub use retention::{Retained, Retention};

/// How much may wait to be written, in rows or kibibytes: bounds the memory that writers take.
const ROOM: u32 = 65_536;

/// What a commit survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Durability {
    /// Nothing is promised: for a journal that goes with its process.
    None,
    /// The end of the process, also by `kill -9`.
    #[default]
    Process,
    /// The end of the machine, as by loss of power.
    Power,
}

/// How a journal is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Options {
    /// What a commit survives.
    pub durability: Durability,
    /// The database never grows beyond so many bytes: a full one is like a full disk.
    pub size_limit: Option<u64>,
}

/// A journal that is open for writing. Clones are the same journal; it closes with the last of them.
#[derive(Clone, Debug)]
pub struct Journal {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    room: Arc<Semaphore>,
    sender: Option<mpsc::Sender<Message>>,
    thread: Option<JoinHandle<()>>,
    reader: Reader,
    shared: Arc<Shared>,
}

/// What the writer tells everybody.
#[derive(Debug, Default)]
struct Shared {
    trouble: Mutex<Option<JournalError>>,
    commits: AtomicU64,
    changes: AtomicU64,
}

/// How much was written since the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Written {
    /// Transactions.
    pub commits: u64,
    /// Changes in them.
    pub changes: u64,
}

/// Resolves when the changes of one write are committed. Dropped, they are written all the same.
#[derive(Debug)]
pub struct Ticket(oneshot::Receiver<Result<(), JournalError>>);

impl Journal {
    /// Opens the journal in `dir`, or makes one there. Reads all that is pending, so it may take seconds.
    ///
    /// # Errors
    /// When the folder holds something else, another process has it open, a later version wrote it, it is
    /// damaged, or the operating system refuses. Nothing in the folder is changed then.
    pub fn open(dir: &Path, options: Options) -> Result<(Self, Recovered), JournalError> {
        Self::start(Folder::lock(dir)?, options)
    }

    /// Makes a journal in a private folder that is removed when the journal closes.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub fn ephemeral(options: Options) -> Result<(Self, Recovered), JournalError> {
        Self::start(Folder::temporary()?, Options { durability: Durability::None, ..options })
    }

    fn start(folder: Folder, options: Options) -> Result<(Self, Recovered), JournalError> {
        let (sender, receiver) = mpsc::channel();
        let reader = Reader::new(folder.database());
        let shared = Arc::new(Shared::default());
        let (writer, recovered) = Writer::open(folder, options, receiver, Arc::clone(&shared))?;
        let thread = std::thread::Builder::new().name("pns-journal".to_owned());
        let thread = thread.spawn(move || writer.run());
        let thread = thread.map_err(|error| JournalError::Io { what: format!("no thread: {error}") })?;
        let room = Arc::new(Semaphore::new(ROOM as usize));
        let inner = Inner { room, sender: Some(sender), thread: Some(thread), reader, shared };
        Ok((Self { inner: Arc::new(inner) }, recovered))
    }

    /// Hands over changes to be committed together. Waits while the queue is full.
    ///
    /// Writes are committed in the order in which this is first polled: a writer that awaits each before the
    /// next keeps its order.
    pub async fn write(&self, changes: Vec<Change>) -> Ticket {
        let room = Arc::clone(&self.inner.room).acquire_many_owned(weight(&changes)).await;
        self.hand_over(changes, room.expect("the room is never closed"))
    }

    /// As [`Journal::write`], but does not wait.
    ///
    /// # Errors
    /// The changes, when the queue is full.
    pub fn try_write(&self, changes: Vec<Change>) -> Result<Ticket, Vec<Change>> {
        match Arc::clone(&self.inner.room).try_acquire_many_owned(weight(&changes)) {
            Ok(room) => Ok(self.hand_over(changes, room)),
            Err(_) => Err(changes),
        }
    }

    fn hand_over(&self, changes: Vec<Change>, room: OwnedSemaphorePermit) -> Ticket {
        let (done, ticket) = oneshot::channel();
        self.send(Message::Write(Job { changes, done, room }));
        Ticket(ticket)
    }

    /// A message that nobody takes any more is dropped, and whoever waits for its answer learns that.
    fn send(&self, message: Message) {
        let _ = self.inner.sender.as_ref().map(|sender| sender.send(message));
    }

    /// Whether writing works at present, for a check of readiness.
    ///
    /// # Errors
    /// Why not.
    pub fn health(&self) -> Result<(), JournalError> {
        let ended = self.inner.thread.as_ref().is_none_or(JoinHandle::is_finished);
        match self.inner.shared.trouble().clone() {
            Some(trouble) => Err(trouble),
            None if ended => Err(JournalError::Closed),
            None => Ok(()),
        }
    }

    /// How much was written since the start.
    #[must_use]
    pub fn written(&self) -> Written {
        let Shared { commits, changes, .. } = &*self.inner.shared;
        Written { commits: commits.load(Ordering::Relaxed), changes: changes.load(Ordering::Relaxed) }
    }

    /// Reads what is committed.
    #[must_use]
    pub fn reader(&self) -> Reader {
        self.inner.reader.clone()
    }

    /// Makes one step of removing what has ended; between two steps others write. One call at a time: a later
    /// one may make an earlier one fail with [`JournalError::Closed`].
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn retain(&self, retention: Retention) -> Result<Retained, JournalError> {
        let (done, retained) = oneshot::channel();
        self.send(Message::Retain(retention, done));
        retained.await.unwrap_or(Err(JournalError::Closed))
    }

    /// Commits what waits and closes the database, so that it can be opened elsewhere. Later writes fail.
    ///
    /// # Errors
    /// When what waits cannot be committed.
    pub async fn close(&self) -> Result<(), JournalError> {
        let (done, closed) = oneshot::channel();
        self.inner.reader.close_idle();
        self.send(Message::Close(done));
        // Closed before by somebody else: that is what was asked for.
        closed.await.unwrap_or(Ok(()))
    }
}

impl Drop for Inner {
    /// The writer ends when nobody can write any more. It is awaited, so that the folder is free afterwards.
    fn drop(&mut self) {
        self.reader.close_idle();
        drop(self.sender.take());
        if let Some(thread) = self.thread.take() {
            // A panic there has failed every ticket; there is nobody left to tell.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn trouble(&self) -> MutexGuard<'_, Option<JournalError>> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Future for Ticket {
    type Output = Result<(), JournalError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context).map(|result| result.unwrap_or(Err(JournalError::Closed)))
    }
}

/// More than there is room for at all counts as all of it: it is written alone.
fn weight(changes: &[Change]) -> u32 {
    let weight: usize = changes.iter().map(Change::weight).sum();
    u32::try_from(weight).map_or(ROOM, |weight| weight.clamp(1, ROOM))
}
