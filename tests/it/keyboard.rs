//! Keys as a terminal sends them.

/// What xterm sends for a key, modifiers in front: `Ctrl-Shift-Left`, `Ctrl-s`, `F2`.
pub(crate) fn key_bytes(key: &str) -> Vec<u8> {
    let mut modifiers = 0;
    let mut name = key;
    loop {
        let (rest, bit) = if let Some(rest) = name.strip_prefix("Shift-") {
            (rest, 1)
        } else if let Some(rest) = name.strip_prefix("Alt-") {
            (rest, 2)
        } else if let Some(rest) = name.strip_prefix("Ctrl-") {
            (rest, 4)
        } else {
            break;
        };
        name = rest;
        modifiers |= bit;
    }
    let plain = modifiers == 0;
    let letter = |letter: char| match plain {
        true => format!("\x1b[{letter}"),
        false => format!("\x1b[1;{}{letter}", modifiers + 1),
    };
    let function = |letter: char| match plain {
        true => format!("\x1bO{letter}"),
        false => format!("\x1b[1;{}{letter}", modifiers + 1),
    };
    let number = |number: u8| match plain {
        true => format!("\x1b[{number}~"),
        false => format!("\x1b[{number};{}~", modifiers + 1),
    };
    let sequence = match name {
        "Up" => letter('A'),
        "Down" => letter('B'),
        "Right" => letter('C'),
        "Left" => letter('D'),
        "End" => letter('F'),
        "Home" => letter('H'),
        "Delete" => number(3),
        "PageUp" => number(5),
        "PageDown" => number(6),
        "F1" => function('P'),
        "F2" => function('Q'),
        "F3" => function('R'),
        "F4" => function('S'),
        "F5" => number(15),
        "F6" => number(17),
        "F7" => number(18),
        "F8" => number(19),
        "Enter" if plain => "\r".to_owned(),
        "Tab" if plain => "\t".to_owned(),
        "Esc" if plain => "\x1b".to_owned(),
        "Backspace" if plain => "\x7f".to_owned(),
        _ if modifiers == 4 && name.len() == 1 => {
            return vec![name.as_bytes()[0].to_ascii_uppercase() & 0x1f];
        }
        _ if modifiers == 2 && name.len() == 1 => format!("\x1b{name}"),
        _ => panic!("no such key: {key}"),
    };
    sequence.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_what_xterm_sends() {
        for (key, bytes) in [
            ("Left", &b"\x1b[D"[..]),
            ("Shift-Right", b"\x1b[1;2C"),
            ("Ctrl-Home", b"\x1b[1;5H"),
            ("Ctrl-Shift-End", b"\x1b[1;6F"),
            ("Shift-PageDown", b"\x1b[6;2~"),
            ("Ctrl-s", b"\x13"),
            ("F2", b"\x1bOQ"),
            ("Shift-F2", b"\x1b[1;2Q"),
        ] {
            assert_eq!(key_bytes(key), bytes, "{key}");
        }
    }
}
