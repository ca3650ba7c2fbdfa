//! Sockets: executes a session's commands and tells it what happens. Decides nothing.
//!
//! ```text
//! Session ─ Command ─► Net::execute ─► one task for each dial and each connection
//!    ▲                                        │
//!    └──────── Input ◄── Net::next ◄── one bounded queue
//! ```
//!
//! Invariants:
//! 1. What is received waits in one queue of [`QUEUE`] pieces of at most [`READ_BYTES`]; when it is
//!    full, sockets are not read.
//! 2. What is to be sent is bounded by the session, which knows what has been passed on.
//! 3. Of connections that are closed at most [`MAX_LINGERING`] still send their last words. With what the
//!    session allows in links, strangers and dials that bounds the sockets, below the 1,024 file
//!    descriptors that a process may have on many systems.
//! 4. A connection's inputs come in order: that it stands, what it brings, that it ended; and
//!    nothing comes after [`Command::Close`].
//!
//! The inside: `listen` and `dial` get connections from a `transport` (TCP, or a simulated network), `connection`
//! is the task of one that stands. [`nearby`] finds and announces sessions on the local network, apart from all
//! that.
//!
//! Deliberately not here: frames, members, when to dial again.

mod connection;
mod dial;
mod listen;
pub mod nearby;
#[cfg(test)]
mod tests;
mod transport;

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::{AbortHandle, JoinSet};

pub use listen::{Listen, ListenError};
pub use transport::{Tcp, Transport};

use crate::session::{Command, Input, LinkId};

/// The most pieces of news that wait to be taken.
pub const QUEUE: usize = 64;

/// The most bytes read from a socket at once.
pub const READ_BYTES: usize = 64 << 10;

/// Up to how many bytes pieces that wait for a socket are put together: many turns of keys, or one piece of a
/// history. (A guess.)
pub const WRITE_BYTES: usize = 16 << 10;

/// The most bytes read at once from a socket that has never brought so many: a stranger's room.
pub const FIRST_READ_BYTES: usize = 4 << 10;

/// How many closed connections may still be sending what they were given; the oldest goes when there is one
/// more. As many as a session has links, all of which are closed when it ends.
pub const MAX_LINGERING: usize = 64;

/// How long a closed connection may take to send what it was given.
pub const LINGER: Duration = Duration::from_secs(1);

/// All sockets of one member. Lives in a tokio runtime, of any flavour.
pub struct Net<T: Transport = Tcp> {
    news: mpsc::Receiver<News<T::Stream>>,
    /// Cloned into every task.
    tell: mpsc::Sender<News<T::Stream>>,
    dials: HashMap<LinkId, AbortHandle>,
    connections: HashMap<LinkId, Connection>,
    /// The tasks of those that were closed, the oldest first; many have ended.
    lingering: VecDeque<AbortHandle>,
    tasks: JoinSet<()>,
    accepted: u64,
    /// Tasks that accept.
    listening: Vec<AbortHandle>,
}

/// What tasks tell.
enum News<S> {
    Dialled(LinkId, Result<(S, SocketAddr), String>),
    Accepted(S, SocketAddr),
    Input(Input),
}

/// The way to the task of a connection. The connection closes when this is dropped.
struct Connection {
    outgoing: mpsc::UnboundedSender<Vec<u8>>,
    _open: oneshot::Sender<()>,
    task: AbortHandle,
    /// Whether the other end is on this machine.
    within: bool,
}

impl<T: Transport> Default for Net<T> {
    fn default() -> Self {
        let (tell, news) = mpsc::channel(QUEUE);
        Self {
            news,
            tell,
            dials: HashMap::new(),
            connections: HashMap::new(),
            lingering: VecDeque::new(),
            tasks: JoinSet::new(),
            accepted: 0,
            listening: Vec::new(),
        }
    }
}

impl<T: Transport> Net<T> {
    /// Accepts members from now on. Returns the addresses at which they can reach us, likeliest
    /// first, for [`Input::Listening`].
    ///
    /// # Errors
    ///
    /// If no socket can be had there.
    pub async fn listen(&mut self, at: &Listen) -> Result<Vec<SocketAddr>, ListenError> {
        let listeners = listen::bind::<T>(at).await?;
        let addrs = listen::reachable::<T>(&listeners);
        for listener in listeners {
            let accept = listen::accept::<T>(listener, self.tell.clone());
            self.listening.push(self.tasks.spawn(accept));
        }
        Ok(addrs)
    }

    /// Accepts no more members. Connections stay.
    pub fn stop_listening(&mut self) {
        for listener in self.listening.drain(..) {
            listener.abort();
        }
    }

    /// Does what a session wants done. Never waits.
    pub fn execute(&mut self, command: Command) {
        match command {
            Command::Dial { link, target } => {
                let tell = self.tell.clone();
                let dial = self.tasks.spawn(async move {
                    let dialled = dial::dial::<T>(&target).await;
                    // Nobody listens any more once the program ends.
                    let _ = tell.send(News::Dialled(link, dialled)).await;
                });
                self.dials.insert(link, dial);
            }
            Command::Transmit { link, bytes } => {
                if let Some(connection) = self.connections.get(&link) {
                    // A connection that has just ended says so itself.
                    let _ = connection.outgoing.send(bytes);
                }
            }
            Command::Close { link } => {
                if let Some(Connection { task, .. }) = self.connections.remove(&link) {
                    self.linger(task);
                }
                if let Some(dial) = self.dials.remove(&link) {
                    dial.abort();
                }
            }
        }
    }

    /// Whether anybody is connected who is on this machine, and has to share its processors with us.
    pub fn has_neighbours(&self) -> bool {
        self.connections
            .values()
            .any(|connection| connection.within)
    }

    /// The next thing that happens. Waits for it; may be cancelled at any time.
    pub async fn next(&mut self) -> Input {
        loop {
            // `tell` is ours too, so the queue never ends.
            let Some(news) = self.news.recv().await else {
                std::future::pending().await
            };
            while self.tasks.try_join_next().is_some() {}
            if let Some(input) = self.sort(news) {
                return input;
            }
        }
    }

    /// Books what tasks tell. `None` if it is about a connection that has been closed.
    fn sort(&mut self, news: News<T::Stream>) -> Option<Input> {
        match news {
            News::Dialled(link, dialled) => {
                self.dials.remove(&link)?;
                match dialled {
                    Ok((stream, addr)) => {
                        self.open(link, stream);
                        Some(Input::Dialled { link, addr })
                    }
                    Err(why) => Some(Input::DialFailed { link, why }),
                }
            }
            News::Accepted(stream, from) => {
                let link = LinkId::Accepted(self.accepted);
                self.accepted += 1;
                self.open(link, stream);
                Some(Input::Accepted { link, from })
            }
            News::Input(input) => {
                let (Input::Received { link, .. }
                | Input::Flushed { link, .. }
                | Input::Closed { link, .. }) = &input
                else {
                    return Some(input);
                };
                let known = self.connections.contains_key(link);
                if let Input::Closed { link, .. } = &input {
                    self.connections.remove(link);
                }
                known.then_some(input)
            }
        }
    }

    fn open(&mut self, link: LinkId, stream: T::Stream) {
        let (outgoing, to_send) = mpsc::unbounded_channel();
        let (open, closing) = oneshot::channel();
        let (tell, within) = (self.tell.clone(), T::is_within(&stream));
        let task = self
            .tasks
            .spawn(connection::run(stream, link, to_send, closing, tell));
        self.connections.insert(
            link,
            Connection {
                outgoing,
                _open: open,
                task,
                within,
            },
        );
    }

    /// Lets a closed connection's task come to its end, and not too many of them at once.
    fn linger(&mut self, task: AbortHandle) {
        self.lingering.push_back(task);
        if self.lingering.len() > MAX_LINGERING
            && let Some(oldest) = self.lingering.pop_front()
        {
            oldest.abort();
        }
    }

    /// Closes everything, after at most [`LINGER`] for what is still to be sent.
    pub async fn finish(mut self) {
        self.news.close();
        self.connections.clear();
        for dial in self.dials.values() {
            dial.abort();
        }
        // Listening tasks end since nobody takes their news; those that wait are dropped.
        let all = async { while self.tasks.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(LINGER, all).await;
    }
}
