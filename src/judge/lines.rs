//! Lines out of blocks of bytes, as they come.

/// Longest line that is looked at, in bytes.
pub const LINE_BYTES_MAX: usize = 1 << 20;

/// One line of the input.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Line<'b> {
    /// Its text, without its end.
    Text(&'b [u8]),
    /// It was too long; nothing of it was kept.
    TooLong,
}

/// Cuts blocks into lines. It keeps at most one block and one line.
#[derive(Default)]
pub struct Lines {
    buffer: Vec<u8>,
    /// Bytes of whole lines at the start of the buffer.
    whole: usize,
    /// The line that is being read is too long: the rest of it is thrown away.
    skipping: bool,
    /// Lines before the first of the buffer that were too long, and have ended: 0 or 1.
    too_long: bool,
}

impl Lines {
    /// Takes in a block. All whole lines of earlier blocks must have been taken.
    pub fn push(&mut self, mut block: &[u8]) {
        self.buffer.drain(..self.whole);
        self.whole = 0;
        self.too_long = false;
        if self.skipping {
            let Some(end) = memchr::memchr(b'\n', block) else { return };
            block = &block[end + 1..];
            self.skipping = false;
            self.too_long = true;
        }
        self.buffer.extend_from_slice(block);
        self.whole = memchr::memrchr(b'\n', &self.buffer).map_or(0, |end| end + 1);
        if self.buffer.len() - self.whole > LINE_BYTES_MAX {
            self.buffer.truncate(self.whole);
            self.skipping = true;
        }
    }

    /// The input has ended: what is left is a line.
    pub fn end(&mut self) {
        self.buffer.drain(..self.whole);
        self.too_long = std::mem::take(&mut self.skipping);
        self.whole = self.buffer.len();
    }

    /// The whole lines that are there, blank ones left out.
    pub fn whole(&self) -> Vec<Line<'_>> {
        let before = self.too_long.then_some(Line::TooLong);
        let text = &self.buffer[..self.whole];
        let text = text.strip_suffix(b"\n").unwrap_or(text);
        let lines = text.split(|byte| *byte == b'\n').filter_map(|line| {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let blank = line.iter().all(u8::is_ascii_whitespace);
            let too_long = line.len() > LINE_BYTES_MAX;
            (!blank).then_some(if too_long { Line::TooLong } else { Line::Text(line) })
        });
        before.into_iter().chain(lines).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All lines of a text that comes in blocks of this size.
    fn lines(text: &[u8], block: usize) -> Vec<String> {
        let mut lines = Lines::default();
        let mut all = Vec::new();
        let mut take = |lines: &Lines| {
            all.extend(lines.whole().iter().map(|line| match line {
                Line::Text(text) => String::from_utf8_lossy(text).into_owned(),
                Line::TooLong => "too long".to_owned(),
            }));
        };
        for block in text.chunks(block) {
            lines.push(block);
            take(&lines);
        }
        lines.end();
        take(&lines);
        all
    }

    #[test]
    fn lines_do_not_depend_on_blocks() {
        for block in 1..12 {
            assert_eq!(lines(b"ab\n\ncd\r\n  \ne", block), ["ab", "cd", "e"], "{block}");
            assert_eq!(lines(b"ab\n", block), ["ab"]);
            assert_eq!(lines(b"", block), [""; 0]);
        }
    }

    #[test]
    fn a_line_that_is_too_long_is_one_line_and_is_not_kept() {
        let mut text = b"a\n".to_vec();
        text.extend(std::iter::repeat_n(b'x', 3 * LINE_BYTES_MAX));
        text.extend_from_slice(b"\nb\n");
        for block in [1 << 16, 1 << 20, 5 << 20] {
            assert_eq!(lines(&text, block), ["a", "too long", "b"], "{block}");
        }
        assert_eq!(lines(&text[..text.len() - 3], 1 << 16), ["a", "too long"]);
    }
}
