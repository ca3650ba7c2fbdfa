//! Handshakes and what follows them, honest and not.

use super::super::keys::{Crypto, Identity as Member};
use super::*;

const VERSION: u16 = 1;
const RIGHT: &str = "otter-lamp-river-moon";

fn code(text: &str) -> Access {
    Access::Code(Code::new(text).unwrap())
}

fn grant(number: u8) -> Grant {
    Grant {
        session: [number; 16],
        secret: Secret::new([number; 32]),
    }
}

fn door(access: Access) -> Door {
    Door {
        access,
        grant: grant(9),
    }
}

fn member(number: u8) -> Member {
    let secret = Secret::new([number; 32]);
    Member::new(secret.clone(), Entropy::new(&secret))
}

fn dialler(knock: Knock) -> Box<dyn Channel> {
    member(1).dialler(VERSION, knock)
}

fn acceptor(door: Door) -> Box<dyn Channel> {
    member(2).acceptor(VERSION, door)
}

fn newcomer(text: &str) -> Box<dyn Channel> {
    dialler(Knock::Newcomer(Some(code(text))))
}

/// One end of a connection, and everything it said.
struct End {
    channel: Box<dyn Channel>,
    unread: Vec<u8>,
    found: Progress,
    said: Vec<Vec<u8>>,
}

impl End {
    fn new(channel: Box<dyn Channel>) -> Self {
        let mut end = Self {
            channel,
            unread: Vec::new(),
            found: Progress::Waiting,
            said: Vec::new(),
        };
        end.hear(&[]);
        end
    }

    /// Takes in bytes; what it says to them.
    fn hear(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.unread.extend(bytes);
        let mut said = Vec::new();
        while matches!(self.found, Progress::Waiting | Progress::Guess) {
            let step = self.channel.step(&self.unread);
            self.unread.drain(..step.consumed);
            said.extend(&step.send);
            if !step.send.is_empty() {
                self.said.push(step.send.clone());
            }
            self.found = step.progress;
            if step.consumed == 0 && step.send.is_empty() {
                break;
            }
        }
        said
    }

    fn is_up(&self) -> bool {
        matches!(self.found, Progress::Done(_))
    }

    fn refused(&self) -> Option<Refusal> {
        match &self.found {
            Progress::Rejected(refusal) => Some(refusal.clone()),
            _ => None,
        }
    }
}

/// Runs a handshake, `piece` bytes at a time. `meddle` may change what goes over the wire, given
/// who says it (0 dials) and which of its utterances it is.
fn shake_meddled(
    ends: [Box<dyn Channel>; 2],
    piece: usize,
    mut meddle: impl FnMut(usize, usize, &mut Vec<u8>),
) -> [End; 2] {
    let mut ends = ends.map(End::new);
    let mut passed = [0, 0];
    let mut wires: [Vec<u8>; 2] = Default::default();
    loop {
        for me in 0..2 {
            while let Some(said) = ends[me].said.get(passed[me]) {
                let mut said = said.clone();
                meddle(me, passed[me], &mut said);
                wires[me].extend(said);
                passed[me] += 1;
            }
        }
        if wires.iter().all(Vec::is_empty) {
            return ends;
        }
        for me in 0..2 {
            let came = piece.min(wires[1 - me].len());
            let bytes: Vec<u8> = wires[1 - me].drain(..came).collect();
            ends[me].hear(&bytes);
        }
    }
}

fn shake(ends: [Box<dyn Channel>; 2], piece: usize) -> [End; 2] {
    shake_meddled(ends, piece, |_, _, _| {})
}

/// Payloads of all lengths pass in both directions.
fn assert_talk(ends: &mut [End; 2]) {
    for length in [1, 100, 65_519, 65_520, 200_000] {
        let payload = vec![length as u8; length];
        for from in 0..2 {
            let mut sealed = Vec::new();
            ends[from].channel.seal(&payload, &mut sealed);
            let opened = ends[1 - from].channel.open(&sealed);
            assert_eq!(opened.unwrap().as_ref(), payload);
        }
    }
}

#[test]
fn the_right_answer_lets_in_and_others_are_told_why() {
    for (access, answer, refusal) in [
        (code(RIGHT), Some(code(RIGHT)), None),
        (
            code(RIGHT),
            Some(code("otter-lamp-river-mood")),
            Some(Refusal::WrongCode),
        ),
        (Access::Open, Some(Access::Open), None),
        (code(RIGHT), None, Some(Refusal::CodeNeeded)),
        (code(RIGHT), Some(Access::Open), Some(Refusal::CodeNeeded)),
        (
            Access::Open,
            Some(code(RIGHT)),
            Some(Refusal::HasCodeButOpen),
        ),
        (Access::Open, None, Some(Refusal::SessionIsOpen)),
    ] {
        for piece in [1, 7, 1000] {
            let ends = [
                dialler(Knock::Newcomer(answer.clone())),
                acceptor(door(access.clone())),
            ];
            let mut ends = shake(ends, piece);
            assert_eq!(ends[0].refused(), refusal);
            if refusal.is_some() {
                assert!(!ends[1].is_up());
                continue;
            }
            let peer = |number: u8, granted| {
                Progress::Done(Peer {
                    key: member(number).member().link,
                    granted,
                })
            };
            assert_eq!(ends[0].found, peer(2, Some(grant(9))));
            assert_eq!(ends[1].found, peer(1, None));
            assert_talk(&mut ends);
        }
    }
}

#[test]
fn members_need_no_code_and_those_of_another_session_come_not_in() {
    for piece in [1, 1000] {
        let mut ends = shake(
            [
                dialler(Knock::Member(grant(9))),
                acceptor(door(code(RIGHT))),
            ],
            piece,
        );
        assert!(ends[0].is_up() && ends[1].is_up());
        assert_talk(&mut ends);
        // Another session, or another secret under its name.
        for wrong in [
            grant(8),
            Grant {
                secret: Secret::new([7; 32]),
                ..grant(9)
            },
        ] {
            let ends = shake(
                [dialler(Knock::Member(wrong)), acceptor(door(code(RIGHT)))],
                piece,
            );
            assert_eq!(ends[0].refused(), Some(Refusal::OtherSession));
            assert_eq!(ends[1].refused(), Some(Refusal::OtherSession));
        }
    }
}

#[test]
fn versions_name_each_other() {
    for knock in [Knock::Newcomer(Some(Access::Open)), Knock::Member(grant(9))] {
        let ends = [
            member(1).dialler(2, knock),
            member(2).acceptor(1, door(Access::Open)),
        ];
        let mismatch = |theirs, ours| Some(Refusal::VersionMismatch { theirs, ours });
        let ends = shake(ends, 1);
        assert_eq!(ends[0].refused(), mismatch(1, 2));
        assert_eq!(ends[1].refused(), mismatch(2, 1));
    }
}

#[test]
fn other_protocols_are_known_by_their_first_bytes() {
    for greeting in [
        &b"SSH-2.0-"[..],
        b"HTTP/1.1 400",
        b"collabex",
        b"c0",
        b"\x16\x03\x01",
    ] {
        let ends = [dialler(Knock::Newcomer(None)), acceptor(door(Access::Open))];
        for mut end in ends.map(End::new) {
            assert!(end.hear(greeting).is_empty());
            assert_eq!(end.refused(), Some(Refusal::NotOurProtocol));
        }
    }
}

/// Right code, wrong role: what one end says is no answer to itself.
#[test]
fn an_end_is_not_answered_with_its_own_words() {
    for knock in [
        Knock::Newcomer(Some(code(RIGHT))),
        Knock::Newcomer(Some(Access::Open)),
        Knock::Member(grant(9)),
    ] {
        let mut end = End::new(dialler(knock));
        for _ in 0..10 {
            let said: Vec<u8> = std::mem::take(&mut end.said).concat();
            end.hear(&said);
        }
        assert!(!end.is_up());
    }
    // With the acceptor's greeting, so that it comes to SPAKE2.
    let mut end = End::new(newcomer(RIGHT));
    let greeting = [&MAGIC[..], &VERSION.to_be_bytes(), &[CODE]].concat();
    let half = end.hear(&greeting);
    end.hear(&half);
    assert_eq!(end.refused(), Some(Refusal::Malformed));
}

fn kinds() -> Vec<(Knock, Access)> {
    vec![
        (Knock::Newcomer(Some(code(RIGHT))), code(RIGHT)),
        (Knock::Newcomer(Some(Access::Open)), Access::Open),
        (Knock::Member(grant(9)), code(RIGHT)),
    ]
}

/// Goes through every utterance of every kind of handshake: `change` is given its length and a way to try what comes
/// of a handshake in which it is changed; nothing may.
fn for_each_utterance(change: impl Fn(usize, &dyn Fn(&dyn Fn(&mut Vec<u8>)))) {
    for (knock, access) in kinds() {
        let ends = || [dialler(knock.clone()), acceptor(door(access.clone()))];
        for (who, end) in shake(ends(), 1000).iter().enumerate() {
            for (which, said) in end.said.iter().enumerate() {
                let comes_to_nothing = |meddle: &dyn Fn(&mut Vec<u8>)| {
                    let ends = shake_meddled(ends(), 1000, |from, number, said| {
                        if (from, number) == (who, which) {
                            meddle(said);
                        }
                    });
                    assert!(
                        !(ends[0].is_up() && ends[1].is_up()),
                        "utterance {which} of {who}"
                    );
                };
                change(said.len(), &comes_to_nothing);
            }
        }
    }
}

#[test]
fn every_flipped_bit_of_a_handshake_is_noticed() {
    for_each_utterance(|length, comes_to_nothing| {
        for at in 0..length {
            comes_to_nothing(&|said| said[at] ^= 1 << (at % 8));
        }
    });
}

#[test]
fn a_truncated_or_reordered_handshake_comes_to_nothing() {
    for_each_utterance(|length, comes_to_nothing| {
        for rest in [0, 1, length / 2, length - 1] {
            comes_to_nothing(&|said| said.truncate(rest));
        }
        // Two parts change places, wherever one ends and the other begins.
        for at in 1..length {
            comes_to_nothing(&|said| said.rotate_left(at));
        }
    });
}

/// Two ends that have one key, and have not heard each other say the same, do not come together.
#[test]
fn everything_that_was_said_is_bound_to_what_follows() {
    let end = |number: u8, said: &[u8]| {
        let secret = Secret::new([number; 32]);
        let entropy = Entropy::new(&secret);
        let mut end = SealedChannel::acceptor(VERSION, door(Access::Open), secret, entropy);
        end.said.extend(said);
        end
    };
    let key = Secret::new([5; 32]);
    for (said, heard) in [
        (&b"as it was"[..], &b"as it was"[..]),
        (b"as it was", b"as it is"),
    ] {
        let first = write(&mut end(1, said).noise(&key, true), &[], FIRST_BYTES);
        let taken = read(&mut end(2, heard).noise(&key, false), &first);
        assert_eq!(taken.is_some(), said == heard);
    }
}

#[test]
fn a_replayed_handshake_comes_to_nothing() {
    for (knock, access) in kinds() {
        let honest = shake(
            [dialler(knock.clone()), acceptor(door(access.clone()))],
            1000,
        );
        // The same member, another connection: its randomness has gone on.
        let mut host = member(2);
        host.acceptor(VERSION, door(access.clone()));
        let mut end = End::new(host.acceptor(VERSION, door(access.clone())));
        end.hear(&honest[0].said.concat());
        assert!(!end.is_up());
        let mut guest = member(1);
        guest.dialler(VERSION, knock.clone());
        let mut end = End::new(guest.dialler(VERSION, knock.clone()));
        end.hear(&honest[1].said.concat());
        assert!(!end.is_up());
    }
}

#[test]
fn what_is_sealed_opens_once_in_its_place_and_unchanged() {
    let ends = [
        dialler(Knock::Member(grant(9))),
        acceptor(door(code(RIGHT))),
    ];
    let [mut one, mut other] = shake(ends, 1000);
    let mut sealed = Vec::new();
    for text in [&b"first"[..], b"second"] {
        let mut body = Vec::new();
        one.channel.seal(text, &mut body);
        assert!(!body.windows(5).any(|part| text.starts_with(part)));
        sealed.push(body);
    }
    assert!(other.channel.open(&sealed[1]).is_err(), "not in its place");
    for at in 0..sealed[0].len() {
        let mut flipped = sealed[0].clone();
        flipped[at] ^= 1;
        assert!(other.channel.open(&flipped).is_err());
        assert!(other.channel.open(&sealed[0][..at]).is_err());
    }
    assert_eq!(other.channel.open(&sealed[0]).unwrap().as_ref(), b"first");
    assert!(other.channel.open(&sealed[0]).is_err(), "a second time");
    assert!(one.channel.open(&sealed[1]).is_err(), "by who sealed it");
    assert_eq!(other.channel.open(&sealed[1]).unwrap().as_ref(), b"second");
}

/// Somebody who does not have the code answers to the newcomer as a member, and knocks at the member as
/// a newcomer, and passes on what it likes.
#[test]
fn one_in_the_middle_with_handshakes_of_its_own_fails_always() {
    for guess in 0..100 {
        let guess = format!("a-guess-number-{guess}");
        let mut fake_host = member(3);
        let ends = [
            newcomer(RIGHT),
            fake_host.acceptor(VERSION, door(code(&guess))),
        ];
        let [victim, fake] = shake(ends, 1000);
        assert!(!victim.is_up() && !fake.is_up());
        assert_eq!(fake.refused(), Some(Refusal::WrongCode));
        let ends = [
            member(3).dialler(VERSION, Knock::Newcomer(Some(code(&guess)))),
            acceptor(door(code(RIGHT))),
        ];
        let [fake, victim] = shake(ends, 1000);
        assert!(!victim.is_up() && !fake.is_up());
    }
    // One that says "come in" to everybody all the same.
    let mut victim = End::new(newcomer(RIGHT));
    let mut fake = End::new(member(3).acceptor(VERSION, door(code("another-code"))));
    let greeting = fake.hear(&victim.said.concat());
    let half = victim.hear(&greeting);
    let answer = fake.hear(&half);
    victim.hear(&answer);
    victim.hear(&[&[COME_IN][..], &[7; SECOND_BYTES + GRANT_BYTES]].concat());
    assert_eq!(victim.refused(), Some(Refusal::Impostor));
    // One that passes on SPAKE2 as it is, and then speaks for itself.
    for (knock, access) in kinds()
        .into_iter()
        .filter(|(_, access)| *access != Access::Open)
    {
        let ends = [dialler(knock), acceptor(door(access))];
        let own = member(3).member().link;
        let ends = shake_meddled(ends, 1000, |_, _, said| {
            if said.len() >= SECOND_BYTES {
                let end = said.len() - 20;
                said[end - 32..end].copy_from_slice(&own);
            }
        });
        assert!(!(ends[0].is_up() && ends[1].is_up()));
    }
}

/// The first message of Noise opens under its key alone. So if that were made of the code, whoever has heard
/// everything could try all codes.
#[test]
fn what_was_recorded_gives_nothing_to_try_codes_against() {
    let made_of_code = |code: &Code| {
        let password = code.password();
        let bytes = password.as_bytes();
        let hashed = Secret::new(*blake3::hash(bytes).as_bytes());
        [code_key(bytes.to_vec()), hashed, open_key()]
    };
    for (access, tells) in [(code(RIGHT), false), (Access::Open, true)] {
        let mut recorded = Vec::new();
        let knock = Knock::Newcomer(Some(access.clone()));
        let ends = [dialler(knock), acceptor(door(access))];
        let ends = shake_meddled(ends, 1000, |who, _, said| {
            recorded.push((who, said.clone()));
        });
        assert!(ends.iter().all(End::is_up));
        let Access::Code(right) = code(RIGHT) else {
            unreachable!()
        };
        let first = recorded
            .iter()
            .position(|(_, said)| said.len() == FIRST_BYTES);
        let (before, first) = recorded.split_at(first.unwrap());
        let opens = |key: Secret| {
            let (link, entropy) = (Secret::new([9; 32]), Entropy::new(&Secret::new([9; 32])));
            let mut end = SealedChannel::acceptor(VERSION, door(Access::Open), link, entropy);
            end.said = before.iter().flat_map(|(_, said)| said.clone()).collect();
            read(&mut end.noise(&key, false), &first[0].1).is_some()
        };
        assert_eq!(made_of_code(&right).into_iter().any(opens), tells);
    }
}

/// A fake open session: whoever has a code does not enter, whoever has none is asked first.
#[test]
fn a_fake_open_session_is_not_entered() {
    let ends = [newcomer(RIGHT), acceptor(door(Access::Open))];
    assert_eq!(
        shake(ends, 1000)[0].refused(),
        Some(Refusal::HasCodeButOpen)
    );
    let ends = [dialler(Knock::Newcomer(None)), acceptor(door(Access::Open))];
    assert_eq!(shake(ends, 1000)[0].refused(), Some(Refusal::SessionIsOpen));
    // Neither has said anything of its code or its keys.
    let mut end = End::new(newcomer(RIGHT));
    end.hear(&[&MAGIC[..], &VERSION.to_be_bytes(), &[OPEN]].concat());
    assert_eq!(end.said.concat().len(), GREETING_BYTES + 1);
}

#[test]
fn a_stranger_learns_no_more_than_that_a_session_is_there() {
    // Whatever a stranger says, it hears a greeting, half of SPAKE2 and a refusal at the most.
    let mut random = Entropy::new(&Secret::new([5; 32]));
    for round in 0..200u8 {
        let mut end = End::new(acceptor(door(code(RIGHT))));
        let mut heard = Vec::new();
        let greeting = [&MAGIC[..], &VERSION.to_be_bytes(), &[round % 2]].concat();
        heard.extend(end.hear(&greeting));
        let noise: [u8; 300] = random.bytes();
        heard.extend(end.hear(&noise));
        assert!(
            heard.len() <= GREETING_BYTES + 1 + PAKE_BYTES + 1,
            "{}",
            heard.len()
        );
        assert!(!end.is_up());
        let key = member(2).member().link;
        assert!(!heard.windows(32).any(|bytes| bytes == key));
    }
    // Nor more than that if it keeps to the protocol.
    let ends = [newcomer("another-code"), acceptor(door(code(RIGHT)))];
    let said = shake(ends, 1000)[1].said.concat();
    assert_eq!(said.len(), GREETING_BYTES + 1 + PAKE_BYTES + 1);
    let ends = [
        dialler(Knock::Member(grant(7))),
        acceptor(door(code(RIGHT))),
    ];
    let said = shake(ends, 1000)[1].said.concat();
    assert_eq!(said.len(), GREETING_BYTES + 1);
}
