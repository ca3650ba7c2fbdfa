//! Connections as TCP gives them: ordered bytes with latency and bandwidth, that wait while the path is
//! cut and go on when it is back; and that may end with a word, or without one.

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
}

/// A piece on its way: which connection, towards which side.
pub(crate) type Way = (usize, usize);

impl Network {
    pub(crate) fn new(latency: Duration, jitter: Duration, bandwidth: u64) -> Self {
        Self {
            connections: Vec::new(),
            by_end: BTreeMap::new(),
            cut: BTreeSet::new(),
            latency,
            jitter,
            bandwidth,
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
        let delay = self.delay(rng);
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
        if connection.silent || self.cut.contains(&(from, to)) || !runs(to) {
            return Vec::new();
        }
        connection.held[side].drain(..).collect()
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

    /// A random open connection goes silent for ever, as when a router forgets it.
    pub(crate) fn silence_one(&mut self, rng: &mut fastrand::Rng) {
        let open: Vec<usize> = (0..self.connections.len())
            .filter(|index| self.connections[*index].open == [true; 2])
            .collect();
        if let Some(index) = rng.choice(&open) {
            self.connections[*index].silent = true;
        }
    }
}
