//! Every message there and back, changed and cut.

use super::*;
use crate::crdt::{Bias, OpId};

#[test]
fn what_says_nothing_or_too_much_is_refused() {
    type Change = fn(&mut Message);
    let changes: [Change; 8] = [
        |message| match message {
            Message::Hello(Hello { me, .. }) => me.authors.clear(),
            Message::Members(members) => members.entries[0].authors.clear(),
            _ => {}
        },
        |message| match message {
            Message::Hello(Hello { me, .. }) => me.revision = MAX_REVISION,
            Message::Members(members) => members.entries[0].revision = MAX_REVISION,
            _ => {}
        },
        |message| {
            if let Message::Access(access) = message {
                access.stamp = MAX_REVISION;
            }
        },
        |message| {
            if let Message::Want(want) = message {
                want.ranges[0].to = want.ranges[0].from;
            }
        },
        |message| match message {
            Message::Ops(ops) => ops.batches.clear(),
            Message::Fork(fork) => fork.batches.clear(),
            _ => {}
        },
        |message| {
            if let Message::History(piece) = message {
                piece.total = MAX_HISTORY_BYTES as u32 + 1;
            }
        },
        |message| {
            if let Message::History(piece) = message {
                piece.at = piece.total;
            }
        },
        |message| {
            if let Message::History(piece) = message {
                piece.bytes.clear();
            }
        },
    ];
    for change in changes {
        let mut changed = 0;
        for sample in samples() {
            let mut message = sample.clone();
            change(&mut message);
            if message == sample {
                continue;
            }
            changed += 1;
            let mut bytes = Vec::new();
            message.encode(&mut bytes);
            let decoded = Message::decode(&bytes);
            let refused = matches!(decoded, Err(DecodeError::Malformed { .. }));
            assert!(refused, "{message:?}");
        }
        assert!(changed > 0);
    }
}

/// One message of each kind, with every field in use.
pub(crate) fn samples() -> Vec<Message> {
    let author = AuthorId([0xa1; 16]);
    let anchor = |seq| Anchor {
        at: Some(OpId { author, seq }),
        bias: Bias::After,
    };
    let entry = MemberEntry {
        member: MemberId([7; 16]),
        link_key: [4; 32],
        signing_key: [6; 32],
        name: Name::new("Ada"),
        addrs: vec![
            "10.0.0.7:4700".parse().unwrap(),
            "[2001:db8::1]:4701".parse().unwrap(),
        ],
        authors: vec![
            AuthorKey {
                key: [1; 32],
                signature: [2; 64],
            },
            AuthorKey {
                key: [3; 32],
                signature: [5; 64],
            },
        ],
        left: false,
        revision: 3,
        signature: [8; 64],
    };
    let session = SessionId([9; 16]);
    let properties = Properties {
        file_name: "notes.md".to_owned(),
        format: vec![1, 0, 0],
    };
    vec![
        Message::Hello(Hello {
            session: Some(session),
            me: entry.clone(),
            you: "192.168.1.5".parse().unwrap(),
        }),
        Message::Welcome(Welcome {
            session,
            properties,
        }),
        Message::Members(Members {
            entries: vec![entry],
        }),
        Message::Heads(Heads {
            whole: true,
            entries: vec![Head {
                author,
                next: 70_000,
                chain: [0xc1; 16],
            }],
        }),
        Message::Want(Want {
            ranges: vec![Range {
                author,
                from: 3,
                to: 300,
                chain: [0xc2; 16],
            }],
        }),
        Message::Ops(Ops {
            author,
            seq: 5,
            batches: vec![
                Batch {
                    width: 2,
                    bytes: vec![1, 2],
                },
                Batch {
                    width: 1,
                    bytes: vec![3],
                },
            ],
            signature: [0x51; 64],
        }),
        Message::Presence(Presence {
            clock: 8,
            cursor: Some(Anchor {
                at: None,
                bias: Bias::Before,
            }),
            selection: Some((anchor(1), anchor(400))),
            calls: 2,
        }),
        Message::Ping(Ping {
            time: 123_456,
            digest: [5; 32],
        }),
        Message::Pong(Pong { time: 123_456 }),
        Message::Bye(Bye {
            reason: Reason::Leaving,
        }),
        Message::Fetch(Fetch {}),
        Message::History(History {
            total: 70_000,
            at: 16_384,
            bytes: vec![1, 2, 3],
        }),
        Message::Access(Access {
            stamp: 2,
            code: Some("otter-lamp-river-moon".to_owned()),
        }),
        Message::Guesses(Guesses { wrong: 3 }),
        Message::Saved(Saved {
            hash: [6; 32],
            heads: vec![(author, 70_000)],
        }),
        Message::Proof(Proof {
            heads: [5; 32],
            hash: [6; 32],
        }),
        Message::Fork(Fork {
            author,
            seq: 5,
            chain: [0xc3; 32],
            before: [0x52; 64],
            batches: vec![Batch {
                width: 2,
                bytes: vec![1, 2],
            }],
            signature: [0x53; 64],
        }),
    ]
}

fn encoded(message: &Message) -> Vec<u8> {
    let mut out = Vec::new();
    message.encode(&mut out);
    out
}

#[test]
fn every_message_comes_back() {
    for message in samples() {
        assert_eq!(Message::decode(&encoded(&message)), Ok(message));
    }
}

/// `assets/messages.txt` holds the payload of each sample: a change of the format is seen, and
/// other implementations have something to read. `COLLAB_EDIT_GOLDEN=write` writes it anew.
#[test]
fn messages_look_as_they_always_did() {
    let line = |message: &Message| {
        let kind = format!("{message:?}");
        let kind = kind.split(['(', ' ']).next().unwrap_or_default().to_owned();
        let bytes = encoded(message)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>();
        format!("{kind} {bytes}\n")
    };
    let now: String = samples().iter().map(line).collect();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/messages.txt");
    if std::env::var("COLLAB_EDIT_GOLDEN").as_deref() == Ok("write") {
        std::fs::write(path, &now).unwrap();
    }
    assert_eq!(std::fs::read_to_string(path).unwrap(), now);
}

#[test]
fn a_cut_message_is_none() {
    for message in samples() {
        let payload = encoded(&message);
        for end in 0..payload.len() {
            assert!(
                Message::decode(&payload[..end]).is_err(),
                "{message:?} cut at {end}"
            );
        }
    }
}

#[test]
fn a_longer_message_is_none() {
    for message in samples() {
        let mut payload = encoded(&message);
        payload.push(0xc0);
        let kind = payload[0];
        assert_eq!(
            Message::decode(&payload),
            Err(DecodeError::Trailing { kind, bytes: 1 })
        );
    }
}

#[test]
fn a_flipped_message_is_none_or_another_one_within_the_limits() {
    for message in samples() {
        let payload = encoded(&message);
        for at in 0..payload.len() {
            for bit in 0..8 {
                let mut flipped = payload.clone();
                flipped[at] ^= 1 << bit;
                if let Ok(other) = Message::decode(&flipped) {
                    assert_eq!(Message::decode(&encoded(&other)), Ok(other));
                }
            }
        }
    }
}

#[test]
fn announced_lengths_are_not_believed() {
    // Heads with 2³²−1 entries, Ops with a batch of 2³²−1 bytes, a nest of 1,000 arrays.
    let heads = [4, 0x92, 0xc3, 0xdd, 0xff, 0xff, 0xff, 0xff];
    let mut ops = vec![6, 0x93, 0xc4, 16];
    ops.extend([0; 16]);
    ops.extend([0, 0x91, 0xc6, 0xff, 0xff, 0xff, 0xff]);
    let nest = [&[4][..], &[0x91; 1000]].concat();
    for payload in [&heads[..], &ops, &nest] {
        assert!(Message::decode(payload).is_err());
    }
}

#[test]
fn lists_have_ends() {
    let author = AuthorId([1; 16]);
    let heads = |count| Heads {
        whole: false,
        entries: vec![
            Head {
                author,
                next: 1,
                chain: [1; 16],
            };
            count
        ],
    };
    assert!(Message::decode(&encoded(&Message::Heads(heads(MAX_HEADS)))).is_ok());
    assert!(Message::decode(&encoded(&Message::Heads(heads(MAX_HEADS + 1)))).is_err());
}

#[test]
fn mapped_addresses_become_plain_ones() {
    let Message::Hello(mut hello) = samples().remove(0) else {
        unreachable!()
    };
    hello.you = "::ffff:10.0.0.1".parse().unwrap();
    hello.me.addrs = vec!["[::ffff:10.0.0.1]:4700".parse().unwrap()];
    let Ok(Message::Hello(read)) = Message::decode(&encoded(&Message::Hello(hello))) else {
        panic!("not a hello")
    };
    assert_eq!(read.you, "10.0.0.1".parse::<IpAddr>().unwrap());
    assert_eq!(read.me.addrs, ["10.0.0.1:4700".parse().unwrap()]);
}
