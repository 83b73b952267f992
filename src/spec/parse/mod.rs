//! One record's text becomes a [`Spec`], or findings. The reader goes once over the text in its order; what needs the
//! whole record (arity, ranges by type) is checked at the end, with the byte positions that were kept on the way.

mod check;
mod meaning;
mod name;
mod object;
mod params;
mod tests;

use crate::model::{Diagnostic, Place, Severity, Spec};
use crate::spec::codes;
use crate::spec::fields::{ComplexityField, ImplementationField, MetadataField, SpecField};
use crate::spec::finding::{Finding, Log, Span};
use crate::spec::json::{Broken, Kind, Reader, Step};
use crate::spec::locate::Frame;

pub use check::{INPUTS_MAX, OUTPUTS_MAX};
pub use name::word_problem;

/// A record may have so many bytes.
pub const RECORD_BYTES_MAX: usize = 16 << 20;

/// What became of one record of a file.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its rank among the records of the file.
    pub index: u32,
    /// Where it starts.
    pub place: Place,
    /// The name of the word; `None` where the text is not JSON or has no such name.
    pub word: Option<String>,
    /// The specification; `None` when some diagnostic is an error, and only then.
    pub spec: Option<Spec>,
    /// What there is to say about it.
    pub diagnostics: Vec<Diagnostic>,
}

impl Entry {
    /// An entry that is nothing but an error.
    pub fn broken(index: u32, diagnostic: Diagnostic) -> Self {
        debug_assert_eq!(diagnostic.severity, Severity::Error);
        Self { index, place: diagnostic.place, word: None, spec: None, diagnostics: vec![diagnostic] }
    }
}

/// Byte positions that the checks at the end need; kept between records, so that reading allocates for the specification
/// only.
#[derive(Debug, Default)]
pub struct Scratch {
    tests: tests::Marks,
    heldout: tests::Marks,
    inputs: Vec<params::Mark>,
    outputs: Vec<params::Mark>,
    properties: Vec<Span>,
    arena: bumpalo::Bump,
}

impl Scratch {
    fn clear(&mut self) {
        self.tests.clear();
        self.heldout.clear();
        self.inputs.clear();
        self.outputs.clear();
        self.properties.clear();
    }
}

/// Reads one record.
pub fn parse_record(frame: &Frame<'_>, index: u32, scratch: &mut Scratch) -> Entry {
    if frame.text.len() > RECORD_BYTES_MAX {
        let place = Place { line: frame.line, column: frame.column, width: 1 };
        return Entry::broken(index, too_long(frame.name, place));
    }
    match std::str::from_utf8(frame.text) {
        Ok(text) => parse_text(frame, text, index, scratch),
        Err(error) => {
            let log = not_utf8(frame.text, error);
            Entry { index, place: frame.place(), word: None, spec: None, diagnostics: frame.diagnostics(log) }
        }
    }
}

/// The record that starts at a place is longer than the limit.
pub fn too_long(name: &str, place: Place) -> Diagnostic {
    let message = format!("the record is longer than {} MiB", RECORD_BYTES_MAX >> 20);
    Diagnostic::new(codes::TOO_LONG, Severity::Error, message)
        .at(Some(name), place)
        .suggest("split it; the rest of the file is read")
}

#[cold]
fn not_utf8(text: &[u8], error: std::str::Utf8Error) -> Log {
    let start = error.valid_up_to();
    let end = error.error_len().map_or(text.len(), |len| start + len);
    let byte = text[start];
    let mut log = Log { is_unparsable: true, ..Log::default() };
    log.add(|| {
        let finding = Finding::error(
            codes::NOT_UTF8,
            Span::new(start, end),
            format!("the byte {byte:02X} is not UTF-8 here"),
        );
        match byte {
            0xA0.. => finding.suggest(format!(
                "if the file is Latin-1, this is \"{}\": convert the file to UTF-8",
                byte as char
            )),
            _ => finding.suggest("convert the file to UTF-8"),
        }
    });
    log
}

fn parse_text(frame: &Frame<'_>, text: &str, index: u32, scratch: &mut Scratch) -> Entry {
    scratch.clear();
    let mut builder = Builder::new(text, scratch);
    let complete = builder.record().is_ok();
    if complete && !builder.reader.log.is_unparsable {
        builder.check();
    }
    let Builder { reader, spec, word_read, .. } = builder;
    let log = reader.log;
    if log.is_empty() {
        let place = quick_place(frame);
        return Entry {
            index,
            place,
            word: Some(spec.word.clone()),
            spec: Some(spec),
            diagnostics: Vec::new(),
        };
    }
    let word = (word_read && !log.is_unparsable).then(|| spec.word.clone());
    let spec = (!log.has_error).then_some(spec);
    Entry { index, place: frame.place(), word, spec, diagnostics: frame.diagnostics(log) }
}

/// The place of a record that begins with its bracket, as nearly all do.
fn quick_place(frame: &Frame<'_>) -> Place {
    match frame.text.first() {
        Some(b'{') => Place { line: frame.line, column: frame.column, width: 1 },
        _ => frame.place(),
    }
}

struct Builder<'t, 's> {
    reader: Reader<'t>,
    scratch: &'s mut Scratch,
    spec: Spec,
    word_read: bool,
    word_at: Span,
    effect_read: bool,
    record_at: Span,
}

impl<'t, 's> Builder<'t, 's> {
    fn new(text: &'t str, scratch: &'s mut Scratch) -> Self {
        Self {
            reader: Reader::new(text),
            scratch,
            spec: Spec::default(),
            word_read: false,
            word_at: Span::default(),
            effect_read: false,
            record_at: Span::default(),
        }
    }

    fn record(&mut self) -> Step<()> {
        self.reader.skip_space();
        self.record_at = Span::at(self.reader.pos());
        if self.reader.kind() != Kind::Object {
            return self.not_a_record();
        }
        self.object::<SpecField>(None, |this, field| this.field(field))?;
        self.reader.finish()
    }

    #[cold]
    fn not_a_record(&mut self) -> Step<()> {
        let (start, kind) = (self.reader.pos(), self.reader.kind());
        match kind {
            Kind::Other => return Err(self.reader.unexpected("a specification, an object in { },")),
            // Whatever it says, it is no JSON worth going through.
            Kind::Word => {}
            _ => self.reader.skip()?,
        }
        if self.reader.log.is_empty() {
            let span = Span::new(start, self.reader.pos().max(start + 1));
            self.reader.log.add(|| {
                let message = format!("a specification is an object, this is {}", kind.name());
                Finding::error(codes::NOT_A_RECORD, span, message).suggest(match kind {
                    Kind::Array => {
                        "a .jsonl file has one object a line, without brackets around; arrays belong in a .json file"
                    }
                    _ => "write {\"word\": …, \"stack_effect\": …}",
                })
            });
        }
        Err(Broken)
    }

    fn field(&mut self, field: SpecField) -> Step<()> {
        match field {
            SpecField::Word => {
                self.word_at = Span::at(self.reader.pos());
                if let Some(word) = self.text(field)? {
                    self.word_at.end = self.reader.pos() as u32;
                    self.word_read = true;
                    self.spec.word = word;
                }
            }
            SpecField::Description => self.spec.description = self.text(field)?,
            SpecField::StackEffect => self.stack_effect()?,
            SpecField::Properties => self.properties()?,
            SpecField::TestCases => self.spec.tests = self.tests(field, |scratch| &mut scratch.tests)?,
            SpecField::HeldoutCases => {
                self.spec.heldout = self.tests(field, |scratch| &mut scratch.heldout)?
            }
            SpecField::Complexity => self.complexity()?,
            SpecField::Implementation => self.implementation()?,
            SpecField::Uses => self.spec.uses = self.texts(field)?,
            SpecField::Metadata => self.metadata()?,
            SpecField::Schema => self.reader.skip()?,
        }
        Ok(())
    }

    fn properties(&mut self) -> Step<()> {
        if !self.enter(SpecField::Properties, Kind::Array)? {
            return Ok(());
        }
        let mut first = true;
        while self.reader.next_element(&mut first)? {
            let start = self.reader.pos();
            if let Some(property) = self.item_text(SpecField::Properties)? {
                self.scratch.properties.push(Span::new(start, self.reader.pos()));
                self.spec.properties.push(property);
            }
        }
        Ok(())
    }

    fn complexity(&mut self) -> Step<()> {
        if !self.expect(SpecField::Complexity, Kind::Object)? {
            return Ok(());
        }
        self.object::<ComplexityField>(Some(SpecField::Complexity), |this, field| {
            let text = this.any_text()?;
            match field {
                ComplexityField::Time => this.spec.complexity.time = text,
                ComplexityField::Space => this.spec.complexity.space = text,
            }
            Ok(())
        })
    }

    fn implementation(&mut self) -> Step<()> {
        if !self.expect(SpecField::Implementation, Kind::Object)? {
            return Ok(());
        }
        self.object::<ImplementationField>(Some(SpecField::Implementation), |this, field| {
            match field {
                ImplementationField::Code => this.spec.code = this.text(field)?,
                ImplementationField::Pattern => this.spec.pattern = this.text(field)?,
                ImplementationField::Hints => this.spec.hints = this.texts(field)?,
            }
            Ok(())
        })
    }

    fn metadata(&mut self) -> Step<()> {
        if !self.expect(SpecField::Metadata, Kind::Object)? {
            return Ok(());
        }
        self.object::<MetadataField>(Some(SpecField::Metadata), |this, field| {
            match field {
                MetadataField::Author => this.spec.metadata.author = this.any_text()?,
                MetadataField::Version => this.spec.metadata.version = this.any_text()?,
                MetadataField::Created => this.spec.metadata.created = this.any_text()?,
                MetadataField::Tags => this.spec.metadata.tags = this.texts(field)?,
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod cases;
