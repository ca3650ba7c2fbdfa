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

#[path = "../sim/pair.rs"]
mod pair;

use std::time::Duration;

use collab_edit::document::{CharPos, EditKind};
use collab_edit::security::{
    Access, Channel, Code, Crypto, Door, Entropy, Grant, Identity, Knock, MemberKeys, Secret,
    Signature,
};
use collab_edit::session::limits::HISTORY_OPS;
use collab_edit::session::{Config, Inside};
use collab_edit::wire::{Name, Properties};

use pair::Pair;

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

/// A session with this code, and somebody who is to come in.
fn members(signs: bool, code: &Access) -> Pair {
    let config = |n: u8, founded: bool| {
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
        Config {
            name: Name::new("m"),
            crypto: Box::new(Signing { inner, signs }),
            inside: founded.then_some(inside),
            kept: Vec::new(),
            seed: n.into(),
            history_ops: HISTORY_OPS,
        }
    };
    Pair::new([config(1, true), config(2, false)])
}

impl Pair {
    fn come_in(&mut self, access: Access) {
        self.join(access);
        self.settle();
        assert!(self.joined, "the joiner is in");
    }

    fn key(&mut self, n: usize) {
        let at = CharPos(self.cores[n].document().len());
        self.think(n, |core, now| {
            core.edit(at..at, "x", EditKind::Type, now);
            core.flush(None, now, 0);
        });
    }

    /// How long each end thought since this was last asked, and the bytes that went over.
    fn cost(&mut self) -> ([Duration; 2], usize) {
        let (_, bytes, thought) = self.bill();
        (thought.map(|(all, _)| all), bytes)
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
            let mut pair = members(signs, &code);
            pair.come_in(code.clone());
            let ([host, joiner], _) = pair.cost();
            let ms = |time: Duration| time.as_secs_f64() * 1e3;
            all[way][0].push(ms(host + joiner));
            for _ in 0..KEYS {
                pair.key(0);
                pair.settle();
            }
            let ([author, receiver], bytes) = pair.cost();
            let us = |time: Duration| time.as_secs_f64() * 1e6 / KEYS as f64;
            all[way][1].push(us(author));
            all[way][2].push(us(receiver));
            all[way][3].push(bytes as f64 / KEYS as f64);
            if round < 5 {
                let mut pair = members(signs, &code);
                for _ in 0..EDITS {
                    pair.key(0);
                }
                pair.cost();
                pair.come_in(code.clone());
                let ([host, joiner], _) = pair.cost();
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
