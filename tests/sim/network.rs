//! Connections as TCP gives them: ordered bytes with latency and bandwidth, that wait while the path is
//! cut and go on when it is back; and that may end with a word, without one, or with the loss of what was
//! on its way.
//!
//! A packet that is lost comes late, and holds up what follows. A piece may also come twice, as nothing
//! but a broken program between two members would do.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use collab_edit::session::{LinkId, Time};

/// A member's place in the world. Restarted members have new ones.
pub(crate) type Node = usize;

/// What comes out of a connection at one end.
#[derive(Debug)]
pub(crate) enum Piece {
    Bytes(Vec<u8>),
    /// The other end has closed.
    End,
}

/// One connection; side 0 dialled.
struct Connection {
    ends: [(Node, LinkId); 2],
    open: [bool; 2],
    /// Until when each side's bytes keep the path busy, and when its last piece arrives.
    busy: [Time; 2],
    arrives: [Time; 2],
    /// When something came to each side last.
    heard: [Time; 2],
    /// What each side sends next arrives twice.
    twice: [bool; 2],
    /// Pieces towards each side that could not be given yet, since the path is cut or the node does not run.
    held: [VecDeque<Piece>; 2],
    /// Bytes of each side that have not been reported as flushed, since the path is cut.
    unflushed: [usize; 2],
    /// Nothing passes any more, and nobody is told.
    silent: bool,
    /// How many times slower than others it is.
    slowness: u64,
}

/// See the module.
pub(crate) struct Network {
    connections: Vec<Connection>,
    by_end: BTreeMap<(Node, LinkId), (usize, usize)>,
    /// Directions in which nothing passes.
    cut: BTreeSet<(Node, Node)>,
    pub(crate) latency: Duration,
    pub(crate) jitter: Duration,
    /// Bytes a second in each direction of each connection.
    pub(crate) bandwidth: u64,
    /// How many packets in a thousand are lost.
    pub(crate) loss: u32,
}

/// When a packet that was lost is sent again, for the first time.
const SENT_AGAIN: Duration = Duration::from_millis(200);

/// A piece on its way: which connection, towards which side.
pub(crate) type Way = (usize, usize);

impl Network {
    pub(crate) fn new(latency: Duration, jitter: Duration, bandwidth: u64, loss: u32) -> Self {
        Self {
            connections: Vec::new(),
            by_end: BTreeMap::new(),
            cut: BTreeSet::new(),
            latency,
            jitter,
            bandwidth,
            loss,
        }
    }

    pub(crate) fn is_cut(&self, from: Node, to: Node) -> bool {
        self.cut.contains(&(from, to))
    }

    pub(crate) fn cut(&mut self, from: Node, to: Node) {
        self.cut.insert((from, to));
    }

    pub(crate) fn heal(&mut self) {
        self.cut.clear();
    }

    /// Some time on the way.
    pub(crate) fn delay(&self, rng: &mut fastrand::Rng) -> Duration {
        self.latency + Duration::from_millis(rng.u64(0..=self.jitter.as_millis() as u64))
    }

    /// Two ends are joined.
    pub(crate) fn connect(
        &mut self,
        dialler: (Node, LinkId),
        acceptor: (Node, LinkId),
        slowness: u64,
        now: Time,
    ) {
        let index = self.connections.len();
        self.connections.push(Connection {
            ends: [dialler, acceptor],
            open: [true; 2],
            busy: [now; 2],
            arrives: [now; 2],
            heard: [now; 2],
            twice: [false; 2],
            held: [VecDeque::new(), VecDeque::new()],
            unflushed: [0; 2],
            silent: false,
            slowness,
        });
        self.by_end.insert(dialler, (index, 0));
        self.by_end.insert(acceptor, (index, 1));
    }

    /// The connection of an end that is open.
    pub(crate) fn of(&self, end: (Node, LinkId)) -> Option<Way> {
        let (index, side) = *self.by_end.get(&end)?;
        self.connections[index].open[side].then_some((index, side))
    }

    /// The end that pieces on this way come out of, if it is open.
    pub(crate) fn end(&self, (index, side): Way) -> Option<(Node, LinkId)> {
        let connection = &self.connections[index];
        (connection.open[side] && !connection.silent).then_some(connection.ends[side])
    }

    /// Sends from one side: when it has left, and when it arrives at the other.
    pub(crate) fn send(
        &mut self,
        (index, side): Way,
        bytes: usize,
        now: Time,
        rng: &mut fastrand::Rng,
    ) -> (Time, Time) {
        let mut delay = self.delay(rng);
        let mut again = SENT_AGAIN;
        while self.loss > 0 && rng.u32(0..1000) < self.loss {
            delay += again;
            again *= 2;
        }
        let connection = &mut self.connections[index];
        let lasts = bytes as u64 * 1000 * connection.slowness / self.bandwidth;
        let lasts = Duration::from_millis(lasts);
        let left = connection.busy[side].max(now) + lasts;
        connection.busy[side] = left;
        let arrives = (left + delay).max(connection.arrives[side]);
        connection.arrives[side] = arrives;
        (left, arrives)
    }

    /// One side closes; it hears nothing more. When the other side would hear of it.
    pub(crate) fn close(&mut self, way: Way, now: Time, rng: &mut fastrand::Rng) -> Time {
        let (_, arrives) = self.send(way, 0, now, rng);
        self.connections[way.0].open[way.1] = false;
        arrives
    }

    /// A piece has come to one side: it is given now, or held.
    pub(crate) fn arrive(
        &mut self,
        (index, side): Way,
        piece: Piece,
        runs: impl Fn(Node) -> bool,
    ) -> Vec<Piece> {
        self.connections[index].held[side].push_back(piece);
        self.release((index, side), runs)
    }

    /// What can be given to one side now.
    pub(crate) fn release(
        &mut self,
        (index, side): Way,
        runs: impl Fn(Node) -> bool,
    ) -> Vec<Piece> {
        let connection = &mut self.connections[index];
        let (to, from) = (connection.ends[side].0, connection.ends[1 - side].0);
        let held = &mut connection.held[side];
        if held.is_empty() || connection.silent || self.cut.contains(&(from, to)) || !runs(to) {
            return Vec::new();
        }
        held.drain(..).collect()
    }

    /// Something came out at one side.
    pub(crate) fn heard(&mut self, (index, side): Way, now: Time) {
        self.connections[index].heard[side] = now;
    }

    /// The sides that are open, whose they are, and when something came out of them last.
    pub(crate) fn open_ends(&self) -> impl Iterator<Item = ((Node, LinkId), Time)> {
        self.connections.iter().flat_map(|connection| {
            let open = (0..2).filter(|side| connection.open[*side]);
            open.map(|side| (connection.ends[side], connection.heard[side]))
        })
    }

    /// What is sent from here next arrives twice.
    pub(crate) fn double(&mut self, (index, side): Way) {
        self.connections[index].twice[side] = true;
    }

    /// Whether what is sent from here now is to arrive twice.
    pub(crate) fn take_double(&mut self, (index, side): Way) -> bool {
        std::mem::take(&mut self.connections[index].twice[side])
    }

    /// Bytes of one side have left, or wait while the path is cut; how many may be reported.
    pub(crate) fn flushed(&mut self, (index, side): Way, bytes: usize) -> usize {
        let connection = &mut self.connections[index];
        connection.unflushed[side] += bytes;
        let (from, to) = (connection.ends[side].0, connection.ends[1 - side].0);
        if connection.silent || self.cut.contains(&(from, to)) {
            return 0;
        }
        std::mem::take(&mut connection.unflushed[side])
    }

    /// All connections' sides.
    pub(crate) fn ways(&self) -> Vec<Way> {
        (0..self.connections.len())
            .flat_map(|index| [(index, 0), (index, 1)])
            .collect()
    }

    /// A node is gone: its ends are closed. With a word, the others hear of it; gives those ways.
    pub(crate) fn drop_node(&mut self, node: Node, with_a_word: bool) -> Vec<Way> {
        let mut told = Vec::new();
        for (index, connection) in self.connections.iter_mut().enumerate() {
            for side in 0..2 {
                if connection.ends[side].0 == node && connection.open[side] {
                    connection.open[side] = false;
                    if with_a_word {
                        told.push((index, 1 - side));
                    }
                }
            }
        }
        told
    }

    /// A random connection that is open at both ends.
    pub(crate) fn anyone_open(&self, rng: &mut fastrand::Rng) -> Option<usize> {
        let open = (0..self.connections.len())
            .filter(|index| self.connections[*index].open == [true; 2])
            .filter(|index| !self.connections[*index].silent);
        rng.choice(open.collect::<Vec<_>>())
    }

    /// A connection goes silent for ever, as when a router forgets it.
    pub(crate) fn silence(&mut self, index: usize) {
        self.connections[index].silent = true;
    }

    /// A connection ends, and what is on its way is lost. Its ends.
    pub(crate) fn reset(&mut self, index: usize) -> [(Node, LinkId); 2] {
        let connection = &mut self.connections[index];
        connection.silent = true;
        connection.open = [false; 2];
        connection.ends
    }
}
