//! Brackets and their partners, by counting: what is in strings or comments counts too.

use ropey::Rope;

use super::position::CharPos;

const PAIRS: [(char, char); 3] = [('(', ')'), ('[', ']'), ('{', '}')];

/// The bracket behind `at`, else the one before it, and its partner, if that is at most `reach`
/// characters away. O(reach).
pub fn matching(rope: &Rope, at: CharPos, reach: usize) -> Option<(CharPos, CharPos)> {
    let before = at.0.checked_sub(1).map(CharPos);
    let places = [Some(at), before].into_iter().flatten();
    places
        .filter_map(|at| Some((at, partner(rope, at, reach)?)))
        .next()
}

fn partner(rope: &Rope, at: CharPos, reach: usize) -> Option<CharPos> {
    let bracket = rope.get_char(at.0)?;
    let &(open, close) = PAIRS
        .iter()
        .find(|&&(open, close)| bracket == open || bracket == close)?;
    let forward = bracket == open;
    let mut chars = rope.chars_at(at.0 + usize::from(!forward));
    if !forward {
        chars.reverse();
    }
    let mut depth = 0;
    for (distance, c) in chars.take(reach).enumerate() {
        if c == open {
            depth += if forward { 1 } else { -1 };
        } else if c == close {
            depth += if forward { -1 } else { 1 };
        }
        if depth == 0 {
            let partner = if forward {
                at.0 + distance
            } else {
                at.0 - distance
            };
            return Some(CharPos(partner));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partners_are_found_in_both_directions() {
        let rope = Rope::from_str("f(a[0], {b}) )");
        let found = |at| matching(&rope, CharPos(at), 100).map(|(at, other)| (at.0, other.0));
        assert_eq!(found(1), Some((1, 11)));
        assert_eq!(found(2), Some((1, 11)), "the bracket before");
        assert_eq!(found(11), Some((11, 1)));
        assert_eq!(found(3), Some((3, 5)));
        assert_eq!(found(8), Some((8, 10)));
        assert_eq!(found(13), None, "no partner");
        assert_eq!(found(0), None);
        assert_eq!(found(99), None);
        assert_eq!(matching(&rope, CharPos(1), 5), None, "too far");
    }
}
