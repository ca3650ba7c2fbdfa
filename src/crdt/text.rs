//! An author's characters, in the order in which they were written, deleted ones included.
//!
//! Append-only UTF-8 with a table of byte offsets, so that a range of characters is found in O(1)
//! for ASCII and O([`STRIDE`]) otherwise.

/// Characters between two marks. A mark costs 8 bytes, a look-up walks at most this many.
const STRIDE: usize = 128;

/// Bytes whose characters are counted at once.
const BLOCK: usize = 16;

/// Text that only grows (or is cut at its end), addressed by character number.
#[derive(Default)]
pub(crate) struct AppendText {
    text: String,
    chars: usize,
    /// Byte offsets of the characters number 0, `STRIDE`, 2·`STRIDE`, …; empty while all is ASCII.
    marks: Vec<usize>,
}

impl AppendText {
    /// All of `text`, which has `chars` characters. O(text).
    pub(crate) fn new(text: String, chars: usize) -> Self {
        let mut marks = Vec::new();
        if text.len() != chars {
            let mut byte = 0;
            for _ in (0..chars).step_by(STRIDE) {
                marks.push(byte);
                let plain = text.as_bytes()[byte..].first_chunk::<STRIDE>();
                byte += if plain.is_some_and(|plain| plain.is_ascii()) {
                    STRIDE
                } else {
                    chars_len(&text[byte..], STRIDE)
                };
            }
        }
        Self { text, chars, marks }
    }

    /// How many characters there are. O(1).
    #[cfg(test)]
    const fn chars(&self) -> usize {
        self.chars
    }

    /// Appends `text`, which has `chars` characters. O(text).
    #[inline]
    pub(crate) fn push(&mut self, text: &str, chars: usize) {
        match text.as_bytes() {
            [byte] => self.push_ascii(*byte),
            _ => self.push_any(text, chars),
        }
    }

    /// Appends an ASCII character: a key, without calling for a copy.
    #[inline(always)]
    pub(crate) fn push_ascii(&mut self, byte: u8) {
        let char = char::from(byte);
        if self.text.len() < self.text.capacity()
            && (self.is_ascii() || !self.chars.is_multiple_of(STRIDE))
        {
            self.text.push(char);
            self.chars += 1;
            return;
        }
        self.push_any(char.encode_utf8(&mut [0; 4]), 1);
    }

    #[inline(never)]
    fn push_any(&mut self, text: &str, chars: usize) {
        debug_assert_eq!(text.chars().count(), chars);
        let (start, before, was_ascii) = (self.text.len(), self.chars, self.is_ascii());
        if self.text.capacity() - start < text.len() {
            // By a half, not by the double: texts stay in memory for long. (By an eighth, as much memory was moved in
            // total as eight times the text.)
            self.text.reserve_exact(text.len() + start / 2 + STRIDE);
        }
        self.text.push_str(text);
        self.chars += chars;
        if was_ascii && text.len() == chars {
            return;
        }
        if was_ascii {
            self.marks = (0..before).step_by(STRIDE).collect();
        }
        let mut byte = start;
        let mut at = before;
        let mut next = before.next_multiple_of(STRIDE);
        while next < self.chars {
            byte += chars_len(&self.text[byte..], next - at);
            self.marks.push(byte);
            (at, next) = (next, next + STRIDE);
        }
    }

    /// Drops everything from character number `chars` on. O(STRIDE).
    pub(crate) fn truncate(&mut self, chars: usize) {
        let byte = self.byte_of(chars);
        self.text.truncate(byte);
        self.chars = chars;
        self.marks.truncate(chars.div_ceil(STRIDE));
        if self.is_ascii() {
            self.marks.clear();
        }
    }

    /// The characters `from..to`.
    #[inline]
    pub(crate) fn slice(&self, from: usize, to: usize) -> &str {
        if self.is_ascii() {
            return &self.text[from..to];
        }
        self.slice_wide(from, to)
    }

    /// The last `chars` characters.
    #[inline]
    pub(crate) fn last(&self, chars: usize) -> &str {
        if chars == 1 && self.text.as_bytes().last().is_some_and(u8::is_ascii) {
            return &self.text[self.text.len() - 1..];
        }
        self.slice(self.chars - chars, self.chars)
    }

    #[inline(never)]
    fn slice_wide(&self, from: usize, to: usize) -> &str {
        let start = self.byte_of(from);
        let end = if to - from > STRIDE || to == self.chars {
            self.byte_of(to)
        } else {
            start + chars_len(&self.text[start..], to - from)
        };
        &self.text[start..end]
    }

    const fn is_ascii(&self) -> bool {
        self.text.len() == self.chars
    }

    fn byte_of(&self, char: usize) -> usize {
        if self.is_ascii() {
            return char;
        }
        // What was written last is what is asked for most.
        if let Some(last) = self.chars.checked_sub(char).filter(|last| *last < 8) {
            let mut ends = self.text.char_indices().rev().map(|(byte, _)| byte);
            return match last.checked_sub(1) {
                Some(nth) => ends.nth(nth).unwrap_or(0),
                None => self.text.len(),
            };
        }
        let mark = self.marks[char / STRIDE];
        mark + chars_len(&self.text[mark..], char % STRIDE)
    }
}

/// How many bytes the first `chars` characters of `text` take; all of it if it has fewer. O(chars), and
/// quick for ASCII.
pub(crate) fn chars_len(text: &str, chars: usize) -> usize {
    let (mut byte, mut rest) = (0, chars);
    // By blocks, as long as they end before the character sought.
    for block in text.as_bytes().chunks_exact(BLOCK) {
        let starts = block.iter().filter(|byte| is_start(**byte)).count();
        if starts > rest {
            break;
        }
        rest -= starts;
        byte += BLOCK;
    }
    // A block may end inside a character, whose rest is passed over.
    for (i, one) in text.as_bytes()[byte..].iter().enumerate() {
        if is_start(*one) {
            match rest.checked_sub(1) {
                Some(less) => rest = less,
                None => return byte + i,
            }
        }
    }
    text.len()
}

/// Whether a byte of UTF-8 is the first of its character.
pub(crate) const fn is_start(byte: u8) -> bool {
    byte & 0xc0 != 0x80
}

#[cfg(test)]
mod tests {
    use super::AppendText;

    #[test]
    fn slices_equal_a_plain_string() {
        let mut text = AppendText::default();
        let mut model = String::new();
        for (i, piece) in ["plain ", "é", "日本語", "x", "👩‍👩‍👧‍👦", "tail "]
            .iter()
            .cycle()
            .take(300)
            .enumerate()
        {
            text.push(piece, piece.chars().count());
            model.push_str(piece);
            if i % 41 == 40 {
                let keep = text.chars() - 3;
                text.truncate(keep);
                model = model.chars().take(keep).collect();
            }
        }
        let all: Vec<char> = model.chars().collect();
        assert_eq!(text.chars(), all.len());
        for from in (0..all.len()).step_by(7) {
            let to = (from + 150).min(all.len());
            assert_eq!(
                text.slice(from, to),
                all[from..to].iter().collect::<String>()
            );
        }
        for n in 0..20 {
            let last = &all[all.len() - n..];
            assert_eq!(text.last(n), last.iter().collect::<String>());
        }
    }

    #[test]
    fn becoming_ascii_again_by_truncation_keeps_offsets_right() {
        let mut text = AppendText::default();
        text.push("abc", 3);
        text.push("é", 1);
        text.truncate(3);
        text.push("日", 1);
        assert_eq!(text.slice(0, 4), "abc日");
        assert_eq!(text.slice(3, 4), "日");
    }
}
