//! Two members on a line without delay, in one thread: how long each thinks, and what goes over.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use collab_edit::app::core::Core;
use collab_edit::security::Access;
use collab_edit::session::{Command, Config, Event, Input, LinkId, Time};

/// Two members and the line between them.
pub(crate) struct Pair {
    pub(crate) cores: [Core; 2],
    pub(crate) links: [Option<LinkId>; 2],
    pub(crate) now: Time,
    accepted: u64,
    /// Whether dials come through.
    pub(crate) plugged: bool,
    messages: usize,
    bytes: usize,
    thought: [Thought; 2],
    /// Whether the second has joined the first.
    pub(crate) joined: bool,
}

/// How long an end thought, in all and at once.
pub(crate) type Thought = (Duration, Duration);

fn address(n: usize) -> SocketAddr {
    ([127, 0, 0, 1], 4700 + n as u16).into()
}

impl Pair {
    /// Both listen; the first is to be in a session.
    pub(crate) fn new(configs: [Config; 2]) -> Self {
        let mut pair = Self {
            cores: configs.map(|config| Core::new(config, Time(0))),
            links: [None; 2],
            now: Time(0),
            accepted: 0,
            plugged: true,
            messages: 0,
            bytes: 0,
            thought: Default::default(),
            joined: false,
        };
        for n in 0..2 {
            let addrs = vec![address(n)];
            pair.give(n, Input::Listening { addrs });
        }
        pair
    }

    /// The second asks the first to be let in.
    pub(crate) fn join(&mut self, access: Access) {
        let target = address(0).to_string();
        let access = Some(access);
        self.give(1, Input::Join { target, access });
    }

    /// Has a member do something, and counts how long that takes.
    pub(crate) fn think<R>(&mut self, n: usize, act: impl FnOnce(&mut Core, Time) -> R) -> R {
        let start = Instant::now();
        let result = act(&mut self.cores[n], self.now);
        let took = start.elapsed();
        let (all, most) = &mut self.thought[n];
        *all += took;
        *most = took.max(*most);
        result
    }

    pub(crate) fn give(&mut self, n: usize, input: Input) {
        self.think(n, |core, now| core.handle(input, now));
    }

    /// Carries everything over until nobody has anything to say.
    pub(crate) fn settle(&mut self) {
        let mut inputs: VecDeque<(usize, Input)> = VecDeque::new();
        loop {
            for n in 0..2 {
                while let Some(command) = self.cores[n].next_command() {
                    self.carry(n, command, &mut inputs);
                }
                while let Some(event) = self.cores[n].next_event() {
                    self.joined |= event == Event::Joined;
                }
            }
            let Some((n, input)) = inputs.pop_front() else {
                return;
            };
            self.give(n, input);
        }
    }

    fn carry(&mut self, n: usize, command: Command, inputs: &mut VecDeque<(usize, Input)>) {
        match command {
            Command::Dial { link, .. } if self.plugged => {
                let accepted = LinkId::Accepted(self.accepted);
                self.accepted += 1;
                self.links[n] = Some(link);
                self.links[1 - n] = Some(accepted);
                let (from, addr) = (address(n), address(1 - n));
                let input = Input::Accepted {
                    link: accepted,
                    from,
                };
                inputs.push_back((1 - n, input));
                inputs.push_back((n, Input::Dialled { link, addr }));
            }
            Command::Dial { link, .. } => {
                let why = "unplugged".to_owned();
                inputs.push_back((n, Input::DialFailed { link, why }));
            }
            Command::Transmit { link, bytes } => {
                self.messages += 1;
                self.bytes += bytes.len();
                let flushed = Input::Flushed {
                    link,
                    bytes: bytes.len(),
                };
                inputs.push_back((n, flushed));
                if let Some(link) = self.links[1 - n].filter(|_| self.links[n] == Some(link)) {
                    inputs.push_back((1 - n, Input::Received { link, bytes }));
                }
            }
            Command::Close { link } => {
                if self.links[n] == Some(link)
                    && let Some(link) = self.links[1 - n]
                {
                    let why = "closed".to_owned();
                    inputs.push_back((1 - n, Input::Closed { link, why }));
                    self.links = [None; 2];
                }
            }
        }
    }

    /// Messages, bytes and thoughts since this was last asked.
    pub(crate) fn bill(&mut self) -> (usize, usize, [Thought; 2]) {
        let Self {
            messages,
            bytes,
            thought,
            ..
        } = self;
        (
            std::mem::take(messages),
            std::mem::take(bytes),
            std::mem::take(thought),
        )
    }
}
