//! What signing and sealing cost: bytes and microseconds a key, coming in, catching up.
//!
//! ```text
//! cargo build --release --example signing
//! target/release/examples/signing
//! ```
//!
//! Two members on a line without delay, in one thread, with the program's own cryptography, and
//! again with author's signatures that are neither made nor checked. What is printed are medians,
//! taken in turns.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use collab_edit::app::core::Core;
use collab_edit::document::{CharPos, EditKind};
use collab_edit::security::{
    Access, Channel, Code, Crypto, Door, Entropy, Grant, Identity, Knock, MemberKeys, Secret,
    Signature,
};
use collab_edit::session::limits::HISTORY_OPS;
use collab_edit::session::{Command, Config, Event, Input, Inside, LinkId, Time};
use collab_edit::wire::{Name, Properties};

const ROUNDS: usize = 15;
const KEYS: usize = 2_000;
const EDITS: usize = 200_000;

/// The program's cryptography, with or without signatures of authors.
struct Signing {
    inner: Identity,
    signs: bool,
}

impl Crypto for Signing {
    fn member(&self) -> MemberKeys {
        self.inner.member()
    }
    fn author(&self) -> [u8; 32] {
        self.inner.author()
    }
    fn member_secret(&self) -> Secret {
        self.inner.member_secret()
    }
    fn make_code(&mut self) -> Code {
        self.inner.make_code()
    }
    fn dialler(&mut self, version: u16, knock: Knock) -> Box<dyn Channel> {
        self.inner.dialler(version, knock)
    }
    fn acceptor(&mut self, version: u16, door: Door) -> Box<dyn Channel> {
        self.inner.acceptor(version, door)
    }
    fn sign_as_member(&self, bytes: &[u8]) -> Signature {
        self.inner.sign_as_member(bytes)
    }
    fn sign_as_author(&self, bytes: &[u8]) -> Signature {
        if self.signs {
            self.inner.sign_as_author(bytes)
        } else {
            [0; 64]
        }
    }
    fn verify(&self, key: &[u8; 32], bytes: &[u8], signature: &Signature) -> bool {
        !self.signs || self.inner.verify(key, bytes, signature)
    }
}

/// Two members, and how long each end has thought.
struct Pair {
    cores: [Core; 2],
    links: [Option<LinkId>; 2],
    thought: [Duration; 2],
    bytes: usize,
    joined: bool,
}

impl Pair {
    fn new(signs: bool, code: &Access) -> Self {
        let core = |n: u8, founded: bool| {
            let secret = Secret::new([n; 32]);
            let inner = Identity::new(secret.clone(), Entropy::new(&secret));
            let inside = Inside {
                grant: Grant {
                    session: [1; 16],
                    secret,
                },
                access: code.clone(),
                stamp: 0,
                properties: Properties::default(),
            };
            let config = Config {
                name: Name::new("m"),
                crypto: Box::new(Signing { inner, signs }),
                inside: founded.then_some(inside),
                kept: Vec::new(),
                seed: n.into(),
                history_ops: HISTORY_OPS,
            };
            Core::new(config, Time(0))
        };
        let mut pair = Self {
            cores: [core(1, true), core(2, false)],
            links: [None; 2],
            thought: [Duration::ZERO; 2],
            bytes: 0,
            joined: false,
        };
        for n in 0..2 {
            let addrs = vec![([127, 0, 0, 1], 4700 + n as u16).into()];
            pair.give(n, Input::Listening { addrs });
        }
        pair
    }

    fn join(&mut self, access: Access) {
        let target = "127.0.0.1:4700".to_owned();
        let access = Some(access);
        self.give(1, Input::Join { target, access });
        self.settle();
        assert!(self.joined, "the joiner is in");
    }

    fn give(&mut self, n: usize, input: Input) {
        let start = Instant::now();
        self.cores[n].handle(input, Time(0));
        self.thought[n] += start.elapsed();
    }

    fn key(&mut self, n: usize) {
        let at = CharPos(self.cores[n].document().len());
        let start = Instant::now();
        self.cores[n].edit(at..at, "x", EditKind::Type, Time(0));
        self.cores[n].flush(None, Time(0), 0);
        self.thought[n] += start.elapsed();
    }

    /// Carries everything over until nobody has anything to say.
    fn settle(&mut self) {
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
        let addr = |n: usize| ([127, 0, 0, 1], 4700 + n as u16).into();
        match command {
            Command::Dial { link, .. } => {
                let accepted = LinkId::Accepted(0);
                (self.links[n], self.links[1 - n]) = (Some(link), Some(accepted));
                let from = addr(n);
                let link = accepted;
                inputs.push_back((1 - n, Input::Accepted { link, from }));
                let (link, addr) = (self.links[n].expect("dialled"), addr(1 - n));
                inputs.push_back((n, Input::Dialled { link, addr }));
            }
            Command::Transmit { link, bytes } => {
                self.bytes += bytes.len();
                let flushed = bytes.len();
                inputs.push_back((
                    n,
                    Input::Flushed {
                        link,
                        bytes: flushed,
                    },
                ));
                let link = self.links[1 - n].expect("a line");
                inputs.push_back((1 - n, Input::Received { link, bytes }));
            }
            Command::Close { .. } => panic!("nobody closes"),
        }
    }

    /// What has been thought and sent since this was last asked.
    fn bill(&mut self) -> ([Duration; 2], usize) {
        (
            std::mem::take(&mut self.thought),
            std::mem::take(&mut self.bytes),
        )
    }
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

fn main() {
    let code = Access::Code(Code::new("otter-lamp-river-moon").expect("a code"));
    // Per way: coming in; author, receiver and bytes of a key; sender and receiver of catching up.
    let mut all: [[Vec<f64>; 6]; 2] = Default::default();
    for round in 0..ROUNDS {
        for (way, signs) in [true, false].into_iter().enumerate() {
            let mut pair = Pair::new(signs, &code);
            pair.join(code.clone());
            let ([host, joiner], _) = pair.bill();
            let ms = |time: Duration| time.as_secs_f64() * 1e3;
            all[way][0].push(ms(host + joiner));
            for _ in 0..KEYS {
                pair.key(0);
                pair.settle();
            }
            let ([author, receiver], bytes) = pair.bill();
            let us = |time: Duration| time.as_secs_f64() * 1e6 / KEYS as f64;
            all[way][1].push(us(author));
            all[way][2].push(us(receiver));
            all[way][3].push(bytes as f64 / KEYS as f64);
            if round < 5 {
                let mut pair = Pair::new(signs, &code);
                for _ in 0..EDITS {
                    pair.key(0);
                }
                pair.bill();
                pair.join(code.clone());
                let ([host, joiner], _) = pair.bill();
                all[way][4].push(ms(host));
                all[way][5].push(ms(joiner));
            }
        }
    }
    let [with, without] = all.map(|way| way.map(median));
    println!("| | signed | not signed |");
    println!("|---|--:|--:|");
    let what = [
        "coming in with a code, both ends, ms".to_owned(),
        "a key, its author's end, µs".to_owned(),
        "a key, the other end, µs".to_owned(),
        "a key, sealed, bytes".to_owned(),
        format!("a newcomer to {EDITS} edits, the member's end, ms"),
        format!("a newcomer to {EDITS} edits, its own end, ms"),
    ];
    for (what, (with, without)) in what.iter().zip(with.iter().zip(without)) {
        println!("| {what} | {with:.1} | {without:.1} |");
    }
}
