//! Reading the cold bytes of a record, generic over how far they are trusted: `check` proves a segment with the same code
//! by which `view` reads it.

use super::layout::{KNOWN_TAGS, Section};
use super::pack::{answer_bits, file_tag, value_tag};
use super::wire::{Proof, Reader, row};
use crate::model::{Cell, CellType, Code, Diagnostic, Lane, Place, Severity};

/// The cold bytes of a record.
#[derive(Clone, Copy)]
pub(super) struct Cold<'c, P> {
    reader: Reader<'c, P>,
    present: u16,
}

impl<'c, P: Proof> Cold<'c, P> {
    /// Cold bytes with the sections `present`.
    #[inline]
    pub(super) fn new(reader: Reader<'c, P>, present: u16) -> Self {
        Self { reader, present }
    }

    /// How far the record is trusted.
    #[inline]
    pub(super) fn proof(&self) -> P {
        self.reader.proof()
    }

    /// Whether the record has the section.
    #[inline]
    pub(super) fn has(&self, section: Section) -> bool {
        self.present >> section as u16 & 1 != 0
    }

    /// The bytes of a section; `None` when the record does not have it, `Some(None)` when the bytes do not hold together.
    #[inline]
    pub(super) fn section(&self, section: Section) -> Option<Option<Reader<'c, P>>> {
        if !self.has(section) {
            return None;
        }
        let before = self.present & ((1 << section as u16) - 1);
        Some(self.part(before.count_ones() as usize))
    }

    /// The `i`th of the sections that are present.
    #[inline]
    fn part(&self, i: usize) -> Option<Reader<'c, P>> {
        let bytes = self.reader.rest();
        let width = if bytes.len() < 1 << 16 { 2 } else { 4 };
        let table_len = self.present.count_ones() as usize * width;
        let table = bytes.get(..table_len)?;
        let start = if i == 0 { 0 } else { row(table, width, i - 1)? as usize };
        let end = row(table, width, i)? as usize;
        self.reader.part(table_len.checked_add(start)?, table_len.checked_add(end)?)
    }

    /// Whether the sections end where the bytes end.
    pub(super) fn is_tight(&self) -> bool {
        match self.present.count_ones() as usize {
            0 => self.reader.is_empty(),
            n => self.part(n - 1).is_some_and(|last| {
                let bytes = self.reader.rest().as_ptr_range();
                last.rest().as_ptr_range().end == bytes.end
            }),
        }
    }
}

/// One parameter of a declared effect, borrowed from the archive.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ParamView<'c> {
    /// Its name, for people and for expressions.
    pub name: &'c str,
    /// Its type.
    pub ty: CellType,
    /// On an input: an expression that every input value satisfies.
    pub constraint: Option<&'c str>,
    /// On an output: an expression over the inputs that gives the right answer.
    pub value: Option<&'c str>,
}

/// Reads a parameter.
pub(super) fn param<'c, P: Proof>(reader: &mut Reader<'c, P>) -> Option<ParamView<'c>> {
    let ty = *CellType::ALL.get(reader.u8()? as usize)?;
    Some(ParamView { ty, name: reader.str()?, constraint: reader.opt_str()?, value: reader.opt_str()? })
}

/// A value of a test, borrowed from the archive.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ValueView<'c> {
    /// One cell.
    Cell(Cell),
    /// A string in memory: two cells, `c-addr u`.
    Str(&'c str),
    /// An array of cells in memory: two cells, `addr n`.
    Cells(&'c [Cell]),
}

/// Reads a value; `lanes` are those of the record.
pub(super) fn value<'c, P: Proof>(reader: &mut Reader<'c, P>, lanes: &'c [Lane]) -> Option<ValueView<'c>> {
    Some(match reader.u8()? {
        value_tag::CELL => ValueView::Cell(reader.signed()?),
        value_tag::STR => ValueView::Str(reader.str()?),
        value_tag::CELLS => {
            let (from, len) = (reader.u32()? as usize, reader.u32()? as usize);
            ValueView::Cells(lanes.get(from..)?.as_flattened().get(..len)?)
        }
        _ => return None,
    })
}

/// What a case demands beside its outputs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Answer<'c> {
    /// The exception code that must be thrown.
    pub throws: Option<Cell>,
    /// The text that must be printed.
    pub prints: Option<&'c str>,
}

/// Reads what a case demands beside its outputs.
pub(super) fn answer<'c, P: Proof>(reader: &mut Reader<'c, P>) -> Option<Answer<'c>> {
    let bits = reader.u8()?;
    if bits & !answer_bits::ALL != 0 {
        return None;
    }
    let throws = if bits & answer_bits::THROWS != 0 { Some(reader.signed()?) } else { None };
    let prints = if bits & answer_bits::PRINTS != 0 { Some(reader.str()?) } else { None };
    Some(Answer { throws, prints })
}

/// Reads a tag of a test.
pub(super) fn tag<'c, P: Proof>(reader: &mut Reader<'c, P>) -> Option<&'c str> {
    match reader.u8()? {
        0 => reader.str(),
        known => KNOWN_TAGS.get(known as usize - 1).copied(),
    }
}

/// Reads a diagnostic; `own` and `heldout` are the names of the source and its held-out file.
pub(super) fn diagnostic<P: Proof>(
    reader: &mut Reader<'_, P>,
    own: &str,
    heldout: Option<&str>,
) -> Option<Diagnostic> {
    let code = Code(reader.varint()?.try_into().ok()?);
    let severity = match reader.u8()? {
        0 => Severity::Note,
        1 => Severity::Warning,
        2 => Severity::Error,
        _ => return None,
    };
    let message = reader.str()?.to_owned();
    let file = match reader.u8()? {
        file_tag::NONE => None,
        file_tag::OWN => Some(own.to_owned()),
        file_tag::HELDOUT => Some(heldout.unwrap_or(own).to_owned()),
        file_tag::OTHER => Some(reader.str()?.to_owned()),
        _ => return None,
    };
    let place = Place { line: reader.u32()?, column: reader.u32()?, width: reader.u32()? };
    let suggestion = reader.opt_str()?.map(str::to_owned);
    let source = reader.opt_str()?.map(str::to_owned);
    let column = reader.u32()?;
    let source = source.map(|text| (text, column));
    Some(Diagnostic { code, severity, message, file, place, suggestion, source })
}
