//! The small encodings of the cold pool: variable-length numbers, strings, lists with O(1) access.
//!
//! One decoder serves two masters: with [`Checked`] it proves every slice and is run over a whole segment by `check`, with
//! `mmap::Proven` it reads what was proven and trusts its UTF-8. Whatever the first accepts the second reads to the same values.

/// Appends a number in groups of seven bits, the lowest first.
pub(super) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a signed number, zigzag: small magnitudes stay short.
pub(super) fn put_signed(out: &mut Vec<u8>, value: i64) {
    put_varint(out, ((value << 1) ^ (value >> 63)) as u64);
}

/// Appends a string with its length before it.
pub(super) fn put_str(out: &mut Vec<u8>, text: &str) {
    put_varint(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

/// Appends a string that may be absent: the length plus one before it, or 0.
pub(super) fn put_opt_str(out: &mut Vec<u8>, text: Option<&str>) {
    match text {
        None => out.push(0),
        Some(text) => {
            put_varint(out, text.len() as u64 + 1);
            out.extend_from_slice(text.as_bytes());
        }
    }
}

/// Room for the items of a list while their ends are not known yet; kept between lists.
#[derive(Default)]
pub(super) struct ListScratch {
    body: Vec<u8>,
    ends: Vec<u32>,
}

/// Appends a list: count, width of an offset in bytes (1, 2 or 4), the end of each item, the items.
pub(super) fn put_list(
    out: &mut Vec<u8>,
    scratch: &mut ListScratch,
    count: usize,
    mut item: impl FnMut(usize, &mut Vec<u8>),
) {
    scratch.body.clear();
    scratch.ends.clear();
    for i in 0..count {
        item(i, &mut scratch.body);
        scratch.ends.push(scratch.body.len() as u32);
    }
    put_varint(out, count as u64);
    let width = width_for(scratch.body.len());
    out.push(width as u8);
    for end in &scratch.ends {
        out.extend_from_slice(&end.to_le_bytes()[..width]);
    }
    out.extend_from_slice(&scratch.body);
}

/// How many bytes an offset up to `len` needs.
pub(super) fn width_for(len: usize) -> usize {
    match len {
        0..=0xFF => 1,
        0x100..=0xFFFF => 2,
        _ => 4,
    }
}

/// The little-endian number of `width` bytes (1, 2 or 4) at row `i` of a table.
#[inline]
pub(super) fn row(table: &[u8], width: usize, i: usize) -> Option<u32> {
    let at = i.checked_mul(width)?;
    Some(match width {
        1 => *table.get(at)? as u32,
        2 => u16::from_le_bytes(table.get(at..at + 2)?.try_into().ok()?) as u32,
        _ => u32::from_le_bytes(table.get(at..at + 4)?.try_into().ok()?),
    })
}

/// How far the bytes are trusted: a token that goes with them.
pub(super) trait Proof: Copy {
    /// The bytes as text, if they are.
    fn text(self, bytes: &[u8]) -> Option<&str>;
}

/// Nothing is known about the bytes: UTF-8 is checked.
#[derive(Clone, Copy)]
pub(super) struct Checked;

impl Proof for Checked {
    #[inline]
    fn text(self, bytes: &[u8]) -> Option<&str> {
        std::str::from_utf8(bytes).ok()
    }
}

/// Reads one encoded piece after the other from a slice; `None` when the bytes do not hold what is asked for.
#[derive(Clone, Copy)]
pub(super) struct Reader<'c, P> {
    bytes: &'c [u8],
    proof: P,
}

impl<'c> Reader<'c, Checked> {
    /// A reader that trusts nothing.
    pub(super) fn checked(bytes: &'c [u8]) -> Self {
        Reader { bytes, proof: Checked }
    }
}

impl<'c, P: Proof> Reader<'c, P> {
    /// A reader of bytes that `proof` vouches for.
    #[inline]
    pub(super) fn new(bytes: &'c [u8], proof: P) -> Self {
        Reader { bytes, proof }
    }

    /// How far the bytes are trusted.
    #[inline]
    pub(super) fn proof(&self) -> P {
        self.proof
    }

    /// What is left.
    #[inline]
    pub(super) fn rest(&self) -> &'c [u8] {
        self.bytes
    }

    /// Whether everything was read.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// A reader of part of what is left, with the same trust.
    #[inline]
    pub(super) fn part(&self, from: usize, to: usize) -> Option<Self> {
        Some(Reader { bytes: self.bytes.get(from..to)?, proof: self.proof })
    }

    /// The next byte.
    #[inline]
    pub(super) fn u8(&mut self) -> Option<u8> {
        let (&first, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        Some(first)
    }

    /// The next variable-length number.
    #[inline]
    pub(super) fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.u8()?;
            let bits = (byte & 0x7F) as u64;
            if shift == 63 && bits > 1 {
                return None;
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    /// The next number, which must fit 32 bits.
    #[inline]
    pub(super) fn u32(&mut self) -> Option<u32> {
        self.varint()?.try_into().ok()
    }

    /// The next signed number.
    #[inline]
    pub(super) fn signed(&mut self) -> Option<i64> {
        let value = self.varint()?;
        Some((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    /// The next `len` bytes.
    #[inline]
    pub(super) fn bytes(&mut self, len: u64) -> Option<&'c [u8]> {
        let (head, rest) = self.bytes.split_at_checked(usize::try_from(len).ok()?)?;
        self.bytes = rest;
        Some(head)
    }

    /// The next string.
    #[inline]
    pub(super) fn str(&mut self) -> Option<&'c str> {
        let len = self.varint()?;
        let bytes = self.bytes(len)?;
        self.proof.text(bytes)
    }

    /// The next string that may be absent.
    #[inline]
    pub(super) fn opt_str(&mut self) -> Option<Option<&'c str>> {
        match self.varint()? {
            0 => Some(None),
            len => {
                let bytes = self.bytes(len - 1)?;
                Some(Some(self.proof.text(bytes)?))
            }
        }
    }

    /// Everything that is left, as text.
    #[inline]
    pub(super) fn text(&self) -> Option<&'c str> {
        self.proof.text(self.bytes)
    }

    /// Everything that is left, as a list.
    #[inline]
    pub(super) fn list(mut self) -> Option<List<'c, P>> {
        let count = self.u32()?;
        let width = self.u8()?;
        if !matches!(width, 1 | 2 | 4) {
            return None;
        }
        let ends = self.bytes(count as u64 * width as u64)?;
        Some(List { count, width, ends, body: self })
    }
}

/// A list with O(1) access to its items.
#[derive(Clone, Copy)]
pub(super) struct List<'c, P> {
    count: u32,
    width: u8,
    ends: &'c [u8],
    body: Reader<'c, P>,
}

impl<'c, P: Proof> List<'c, P> {
    /// How many items.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.count as usize
    }

    /// Item `i`.
    #[inline]
    pub(super) fn get(&self, i: usize) -> Option<Reader<'c, P>> {
        if i >= self.len() {
            return None;
        }
        let start = if i == 0 { 0 } else { row(self.ends, self.width as usize, i - 1)? };
        let end = row(self.ends, self.width as usize, i)?;
        self.body.part(start as usize, end as usize)
    }

    /// Whether the items fill the body to its end, in the narrowest width.
    pub(super) fn is_tight(&self) -> bool {
        let end = match self.count {
            0 => 0,
            n => row(self.ends, self.width as usize, n as usize - 1).unwrap_or(u32::MAX) as usize,
        };
        end == self.body.rest().len() && self.width as usize == width_for(end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back() {
        let values = [0, 1, -1, 63, 64, -64, -65, 127, 128, 300, i64::MAX, i64::MIN, 1 << 62, -(1 << 35)];
        for value in values {
            let mut out = Vec::new();
            put_signed(&mut out, value);
            put_varint(&mut out, value as u64);
            let mut reader = Reader::checked(&out);
            assert_eq!(reader.signed(), Some(value));
            assert_eq!(reader.varint(), Some(value as u64));
            assert!(reader.is_empty());
        }
    }

    #[test]
    fn overlong_and_cut_numbers_are_refused() {
        assert_eq!(Reader::checked(&[0x80; 10]).varint(), None);
        assert_eq!(
            Reader::checked(&[0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x02]).varint(),
            None
        );
        assert_eq!(Reader::checked(&[0x80]).varint(), None);
        assert_eq!(Reader::checked(&[]).varint(), None);
        assert_eq!(Reader::checked(&[5, b'a']).str(), None);
        assert_eq!(Reader::checked(&[1, 0xFF]).str(), None);
    }

    #[test]
    fn lists_of_every_width_come_back() {
        for len in [0usize, 1, 20, 300, 70_000] {
            let items = ["".to_owned(), "x".repeat(len), "é".to_owned()];
            let mut out = Vec::new();
            put_list(&mut out, &mut ListScratch::default(), items.len(), |i, out| {
                out.extend_from_slice(items[i].as_bytes())
            });
            let list = Reader::checked(&out).list().unwrap();
            assert!(list.is_tight());
            let back: Vec<_> = (0..list.len()).map(|i| list.get(i).unwrap().text().unwrap()).collect();
            assert_eq!(back, items);
            assert!(list.get(3).is_none());
        }
    }

    #[test]
    fn optional_strings_differ_from_empty_ones() {
        let mut out = Vec::new();
        put_opt_str(&mut out, None);
        put_opt_str(&mut out, Some(""));
        put_opt_str(&mut out, Some("ab"));
        let mut reader = Reader::checked(&out);
        assert_eq!(reader.opt_str(), Some(None));
        assert_eq!(reader.opt_str(), Some(Some("")));
        assert_eq!(reader.opt_str(), Some(Some("ab")));
        assert_eq!(reader.opt_str(), None);
    }
}
