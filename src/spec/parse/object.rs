//! Objects by the table of fields, and the plain values in them, with what there is to say about the wrong ones.

use super::Builder;
use crate::spec::codes;
use crate::spec::fields::{Field, FieldSet, SpecField, Weight};
use crate::spec::finding::{FINDINGS_MAX, Finding, Span};
use crate::spec::json::{Kind, Literal, Step, shown};
use std::borrow::Cow;

/// Names this close are taken for a slip.
const SIMILARITY_MIN: f64 = 0.75;
/// Longer names are not compared: that takes time and memory by the product of the lengths.
pub(super) const SLIP_BYTES_MAX: usize = 64;

impl<'t, 's> Builder<'t, 's> {
    /// Reads the object that begins here, one field after the other. `inside` names it for messages; `None` is the
    /// specification itself.
    #[inline(always)]
    pub fn object<F: FieldSet>(
        &mut self,
        inside: Option<SpecField>,
        mut each: impl FnMut(&mut Self, F) -> Step<()>,
    ) -> Step<()> {
        let start = self.reader.pos();
        self.reader.open()?;
        let mut first = true;
        let mut seen = 0u32;
        let mut strange: Vec<(Cow<'t, str>, Span)> = Vec::new();
        while let Some(key) = self.reader.next_key(&mut first)? {
            match F::of(&key) {
                Some(field) if seen & 1 << field.index() == 0 => {
                    seen |= 1 << field.index();
                    each(self, field)?;
                }
                Some(_) => self.duplicate(&key)?,
                None => self.strange_field(key, &mut strange)?,
            }
        }
        let required = const { required_bits(F::ROWS) };
        if seen & required != required || !strange.is_empty() {
            self.tell_fields::<F>(start, inside, seen, &strange);
        }
        Ok(())
    }

    #[cold]
    fn duplicate(&mut self, key: &str) -> Step<()> {
        let span = self.reader.key_span();
        self.reader.log.add(|| {
            Finding::error(
                codes::DUPLICATE_KEY,
                span,
                format!("\"{}\" stands twice in this object", shown(key)),
            )
            .suggest("take one of the two out")
        });
        self.reader.skip()
    }

    #[cold]
    fn strange_field(&mut self, key: Cow<'t, str>, strange: &mut Vec<(Cow<'t, str>, Span)>) -> Step<()> {
        if strange.iter().any(|(other, _)| *other == key) {
            return self.duplicate(&key);
        }
        // Bounded, so that a hostile object costs no more than its length; the log would drop the rest anyway.
        if strange.len() <= 2 * FINDINGS_MAX {
            strange.push((key, self.reader.key_span()));
        }
        self.reader.skip()
    }

    /// Tells about unknown fields and missing ones; an unknown field that is likely a missing one is told once.
    #[cold]
    fn tell_fields<F: FieldSet>(
        &mut self,
        start: usize,
        inside: Option<SpecField>,
        seen: u32,
        strange: &[(Cow<'t, str>, Span)],
    ) {
        let place = inside.map_or(String::new(), |field| format!(" in \"{}\"", field_name(field)));
        let mut explained = 0u32;
        if !F::IS_FREE {
            for (key, span) in strange {
                let likely = nearest::<F>(key, seen | explained);
                explained |= likely.map_or(0, |field| 1 << field.index());
                self.unknown_field(key, *span, likely.map(|field| &F::ROWS[field.index()]), &place);
            }
        }
        for (index, row) in F::ROWS.iter().enumerate() {
            if row.weight == Weight::Required && (seen | explained) & 1 << index == 0 {
                self.reader.log.add(|| {
                    Finding::error(
                        codes::MISSING_FIELD,
                        Span::at(start),
                        format!("\"{}\" is missing{place}", row.name),
                    )
                    .suggest(format!("add \"{}\": {}", row.name, row.example))
                });
            }
        }
    }

    fn unknown_field(&mut self, key: &str, span: Span, likely: Option<&Field>, place: &str) {
        let message = format!("unknown field \"{}\"{place}", shown(key));
        self.reader.log.add(|| match likely {
            Some(row) if row.weight == Weight::Tells => Finding::warning(codes::UNKNOWN_FIELD, span, message)
                .suggest(format!("did you mean \"{}\"?", row.name)),
            Some(row) => Finding::error(codes::UNKNOWN_FIELD, span, message)
                .suggest(format!("did you mean \"{}\"?", row.name)),
            None => match home_of(key) {
                Some(home) => Finding::warning(codes::UNKNOWN_FIELD, span, message).suggest(home),
                None => Finding::warning(codes::UNKNOWN_FIELD, span, message)
                    .suggest("it is not looked at; remarks of your own go into \"metadata\""),
            },
        });
    }

    /// Whether a value of the wanted kind begins here; if not, it is told (unless it is null) and passed over.
    #[inline(always)]
    pub fn expect<F: FieldSet>(&mut self, field: F, wanted: Kind) -> Step<bool> {
        if self.reader.kind() == wanted && self.reader.byte() != b'\'' {
            return Ok(true);
        }
        self.unwanted(&F::ROWS[field.index()], wanted)?;
        Ok(false)
    }

    /// The same, and enters it: for arrays.
    #[inline(always)]
    pub fn enter<F: FieldSet>(&mut self, field: F, wanted: Kind) -> Step<bool> {
        let is_wanted = self.expect(field, wanted)?;
        if is_wanted {
            self.reader.open()?;
        }
        Ok(is_wanted)
    }

    #[cold]
    fn unwanted(&mut self, row: &Field, wanted: Kind) -> Step<()> {
        let (start, kind) = (self.reader.pos(), self.reader.kind());
        let n_before = self.reader.log.findings.len();
        self.reader.skip()?;
        let span = Span::new(start, self.reader.pos());
        let token = &self.reader.text()[start..self.reader.pos()];
        let is_null = token == "null" && row.weight != Weight::Required;
        // Something that is not even JSON has been told already.
        if is_null || self.reader.log.findings.len() > n_before {
            return Ok(());
        }
        self.reader.log.add(|| {
            let found = if kind == Kind::Word { token } else { kind.name() };
            let message = format!("\"{}\" is {}, here is {found}", row.name, wanted.name());
            let finding = Finding::error(codes::WRONG_TYPE, span, message);
            match (wanted, kind) {
                (Kind::Array, Kind::Number | Kind::String | Kind::Word | Kind::Object)
                    if token.len() <= 60 =>
                {
                    finding.suggest(format!("write [{token}]"))
                }
                (Kind::String, Kind::Number | Kind::Word) => {
                    finding.suggest(format!("write \"{}\"", shown(token)))
                }
                _ => finding.suggest(format!("for example {}", row.example)),
            }
        });
        Ok(())
    }

    /// A string, or `None` for null and for what is not a string.
    #[inline(always)]
    pub fn text<F: FieldSet>(&mut self, field: F) -> Step<Option<String>> {
        if self.reader.byte() == b'"' {
            return self.reader.string().map(|text| Some(text.into_owned()));
        }
        self.text_slow(&F::ROWS[field.index()])
    }

    #[cold]
    fn text_slow(&mut self, row: &Field) -> Step<Option<String>> {
        if self.reader.byte() == b'\'' {
            return self.reader.single_quoted().map(|text| Some(text.into_owned()));
        }
        self.unwanted(row, Kind::String)?;
        Ok(None)
    }

    /// An array of strings.
    pub fn texts<F: FieldSet>(&mut self, field: F) -> Step<Vec<String>> {
        let mut out = Vec::new();
        if self.enter(field, Kind::Array)? {
            let mut first = true;
            while self.reader.next_element(&mut first)? {
                out.extend(self.item_text(field)?);
            }
        }
        Ok(out)
    }

    /// One string of an array of strings.
    #[inline(always)]
    pub fn item_text<F: FieldSet>(&mut self, field: F) -> Step<Option<String>> {
        if self.reader.byte() == b'"' {
            return self.reader.string().map(|text| Some(text.into_owned()));
        }
        self.item_text_slow(&F::ROWS[field.index()])
    }

    #[cold]
    fn item_text_slow(&mut self, row: &Field) -> Step<Option<String>> {
        let (start, kind) = (self.reader.pos(), self.reader.kind());
        if self.reader.byte() == b'\'' {
            return self.reader.single_quoted().map(|text| Some(text.into_owned()));
        }
        let n_before = self.reader.log.findings.len();
        self.reader.skip()?;
        let span = Span::new(start, self.reader.pos());
        if self.reader.log.findings.len() == n_before {
            self.reader.log.add(|| {
                Finding::error(
                    codes::WRONG_TYPE,
                    span,
                    format!("\"{}\" holds strings, here is {}", row.name, kind.name()),
                )
                .suggest(format!("for example {}", row.example))
            });
        }
        Ok(None)
    }

    /// A string, or the text of another plain value: for fields that nobody computes with.
    #[inline(always)]
    pub fn any_text(&mut self) -> Step<Option<String>> {
        if self.reader.byte() == b'"' {
            return self.reader.string().map(|text| Some(text.into_owned()));
        }
        self.any_text_slow()
    }

    #[cold]
    fn any_text_slow(&mut self) -> Step<Option<String>> {
        let start = self.reader.pos();
        match self.reader.kind() {
            Kind::Word => match self.reader.literal() {
                Literal::Null | Literal::Bad => return Ok(None),
                Literal::True | Literal::False => {}
            },
            Kind::Object | Kind::Array => {
                self.reader.skip()?;
                return Ok(None);
            }
            _ => self.reader.skip()?,
        }
        Ok(Some(self.reader.text()[start..self.reader.pos()].to_owned()))
    }
}

fn field_name(field: SpecField) -> &'static str {
    SpecField::ROWS[field.index()].name
}

const fn required_bits(rows: &[Field]) -> u32 {
    let mut bits = 0;
    let mut index = 0;
    while index < rows.len() {
        if matches!(rows[index].weight, Weight::Required) {
            bits |= 1 << index;
        }
        index += 1;
    }
    bits
}

/// The field that is not there yet and that `key` likely means.
fn nearest<F: FieldSet>(key: &str, seen: u32) -> Option<F> {
    if key.len() > SLIP_BYTES_MAX {
        return None;
    }
    let lower = key.to_lowercase().replace(['-', ' '], "_");
    let scored = F::ROWS.iter().enumerate().filter(|(index, _)| seen & 1 << index == 0).map(|(_, row)| {
        let is_alias = row.aliases.iter().any(|alias| alias.eq_ignore_ascii_case(&lower));
        let score = if is_alias || row.name == lower {
            2.0
        } else {
            strsim::normalized_damerau_levenshtein(&lower, row.name)
        };
        (score, row.name)
    });
    let (score, name) = scored.max_by(|a, b| a.0.total_cmp(&b.0))?;
    if score >= SIMILARITY_MIN { F::of(name) } else { None }
}

/// Where a field that stands in the wrong object belongs.
fn home_of(key: &str) -> Option<String> {
    use crate::spec::fields::Set;
    if let Some(row) = SpecField::ROWS.iter().find(|row| row.name == key) {
        return Some(format!("\"{}\" stands in the specification itself", row.name));
    }
    let homes = [
        (Set::Effect, "stack_effect"),
        (Set::Implementation, "implementation"),
        (Set::Metadata, "metadata"),
        (Set::Complexity, "complexity"),
        (Set::Test, "test_cases"),
    ];
    homes
        .iter()
        .find(|(set, _)| set.rows().iter().any(|row| row.name == key))
        .map(|(_, home)| format!("it belongs into \"{home}\""))
}
