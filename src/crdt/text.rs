//! An author's characters, in the order in which they were written, deleted ones included.
//!
//! Append-only UTF-8 with a table of byte offsets, so that a range of characters is found in O(1)
//! for ASCII and O([`STRIDE`]) otherwise.

/// Characters between two marks. A mark costs 8 bytes, a look-up walks at most this many.
const STRIDE: usize = 128;

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
                byte += chars_len(&text[byte..], STRIDE);
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
    pub(crate) fn push(&mut self, text: &str, chars: usize) {
        debug_assert_eq!(text.chars().count(), chars);
        if let [byte] = text.as_bytes()
            && self.is_ascii()
            && self.text.len() < self.text.capacity()
        {
            self.text.push(char::from(*byte));
            self.chars += 1;
            return;
        }
        let was_ascii = self.is_ascii();
        let start = self.text.len();
        if self.text.capacity() - start < text.len() {
            // By an eighth, not to the double: texts stay in memory for long.
            self.text.reserve_exact(text.len() + start / 8 + STRIDE);
        }
        self.text.push_str(text);
        if was_ascii && text.len() == chars {
            self.chars += chars;
            return;
        }
        if was_ascii {
            self.marks = (0..self.chars).step_by(STRIDE).collect();
        }
        for (i, (byte, _)) in text.char_indices().enumerate() {
            if (self.chars + i).is_multiple_of(STRIDE) {
                self.marks.push(start + byte);
            }
        }
        self.chars += chars;
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
    pub(crate) fn slice(&self, from: usize, to: usize) -> &str {
        &self.text[self.byte_of(from)..self.byte_of(to)]
    }

    const fn is_ascii(&self) -> bool {
        self.text.len() == self.chars
    }

    fn byte_of(&self, char: usize) -> usize {
        if self.is_ascii() {
            return char;
        }
        if char == self.chars {
            return self.text.len();
        }
        let mark = self.marks[char / STRIDE];
        let rest = &self.text[mark..];
        rest.char_indices()
            .nth(char % STRIDE)
            .map_or(self.text.len(), |(byte, _)| mark + byte)
    }
}

/// How many bytes the first `chars` characters of `text` take; all of it if it has fewer. O(chars), and
/// quick for ASCII.
pub(crate) fn chars_len(text: &str, chars: usize) -> usize {
    if text.as_bytes().get(..chars).is_some_and(<[u8]>::is_ascii) {
        return chars;
    }
    let end = text.char_indices().nth(chars);
    end.map_or(text.len(), |(byte, _)| byte)
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
