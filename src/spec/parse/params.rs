//! The stack effect: inputs and outputs.

use super::Builder;
use super::object::SLIP_BYTES_MAX;
use crate::model::{CellType, Param};
use crate::spec::codes;
use crate::spec::fields::{EffectField, FieldSet, InputField, OutputField, SpecField};
use crate::spec::finding::{Finding, Span};
use crate::spec::json::{Kind, Step, shown};

/// Where the parts of an input or output stand.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mark {
    /// The object.
    pub span: Span,
    /// The text of its name.
    pub name: Span,
    /// The text of its constraint or value.
    pub expression: Span,
}

impl Builder<'_, '_> {
    pub(super) fn stack_effect(&mut self) -> Step<()> {
        if !self.expect(SpecField::StackEffect, Kind::Object)? {
            return Ok(());
        }
        self.effect_read = true;
        self.object::<EffectField>(Some(SpecField::StackEffect), |this, field| {
            if !this.enter(field, Kind::Array)? {
                this.effect_read = false;
                return Ok(());
            }
            let mut first = true;
            while this.reader.next_element(&mut first)? {
                match field {
                    EffectField::Inputs => this.input()?,
                    EffectField::Outputs => this.output()?,
                }
            }
            Ok(())
        })
    }

    fn input(&mut self) -> Step<()> {
        let mut param = blank();
        let mut mark = Mark { span: Span::at(self.reader.pos()), ..Mark::default() };
        if self.expect_param(EffectField::Inputs)? {
            self.object::<InputField>(Some(SpecField::StackEffect), |this, field| {
                let start = this.reader.pos();
                match field {
                    InputField::Name => param.name = this.text(field)?.unwrap_or_default(),
                    InputField::Type => param.ty = this.cell_type()?,
                    InputField::Constraint => param.constraint = this.text(field)?,
                    InputField::Description => this.reader.skip()?,
                }
                match field {
                    InputField::Name => mark.name = Span::new(start, this.reader.pos()),
                    InputField::Constraint => mark.expression = Span::new(start, this.reader.pos()),
                    _ => {}
                }
                Ok(())
            })?;
        }
        mark.span.end = self.reader.pos() as u32;
        if param.name.is_empty() {
            param.name = format!("in{}", self.spec.inputs.len() + 1);
        }
        self.spec.inputs.push(param);
        self.scratch.inputs.push(mark);
        Ok(())
    }

    fn output(&mut self) -> Step<()> {
        let mut param = blank();
        let mut mark = Mark { span: Span::at(self.reader.pos()), ..Mark::default() };
        if self.expect_param(EffectField::Outputs)? {
            self.object::<OutputField>(Some(SpecField::StackEffect), |this, field| {
                let start = this.reader.pos();
                match field {
                    OutputField::Name => param.name = this.text(field)?.unwrap_or_default(),
                    OutputField::Type => param.ty = this.cell_type()?,
                    OutputField::Value => param.value = this.text(field)?,
                    OutputField::Description => this.reader.skip()?,
                }
                match field {
                    OutputField::Name => mark.name = Span::new(start, this.reader.pos()),
                    OutputField::Value => mark.expression = Span::new(start, this.reader.pos()),
                    _ => {}
                }
                Ok(())
            })?;
        }
        mark.span.end = self.reader.pos() as u32;
        if param.name.is_empty() {
            param.name = format!("out{}", self.spec.outputs.len() + 1);
        }
        self.spec.outputs.push(param);
        self.scratch.outputs.push(mark);
        Ok(())
    }

    #[inline(always)]
    fn expect_param(&mut self, list: EffectField) -> Step<bool> {
        if self.reader.kind() == Kind::Object {
            return Ok(true);
        }
        self.not_a_param(list)?;
        Ok(false)
    }

    #[cold]
    fn not_a_param(&mut self, list: EffectField) -> Step<()> {
        let (start, kind) = (self.reader.pos(), self.reader.kind());
        self.reader.skip()?;
        let token = &self.reader.text()[start..self.reader.pos()];
        let span = Span::new(start, self.reader.pos());
        self.reader.log.add(|| {
            let list = EffectField::ROWS[list.index()].name;
            let message = format!("\"{list}\" holds objects with name and type, here is {}", kind.name());
            let inside = token.trim_matches('"');
            let (name, ty) = match CellType::ALL.iter().find(|ty| ty.name() == inside) {
                Some(ty) => ("n", ty.name()),
                None if kind == Kind::String && token.len() <= 40 => (inside, "int"),
                None => ("n", "int"),
            };
            Finding::error(codes::WRONG_TYPE, span, message)
                .suggest(format!("write {{\"name\": \"{}\", \"type\": \"{ty}\"}}", shown(name)))
        });
        Ok(())
    }

    #[inline(always)]
    fn cell_type(&mut self) -> Step<CellType> {
        let start = self.reader.pos();
        let Some(name) = self.text(InputField::Type)? else {
            return Ok(CellType::Any);
        };
        match CellType::ALL.iter().find(|ty| ty.name() == name) {
            Some(&ty) => Ok(ty),
            None => {
                self.unknown_type(&name, Span::new(start, self.reader.pos()));
                Ok(CellType::Any)
            }
        }
    }

    #[cold]
    fn unknown_type(&mut self, name: &str, span: Span) {
        self.reader.log.add(|| {
            let finding =
                Finding::error(codes::UNKNOWN_TYPE, span, format!("there is no type \"{}\"", shown(name)));
            match likely_type(name) {
                Some(ty) => finding.suggest(format!("did you mean \"{}\"?", ty.name())),
                None => finding.suggest("the types are int, uint, bool, char, addr and any"),
            }
        });
    }
}

fn blank() -> Param {
    Param { name: String::new(), ty: CellType::Any, constraint: None, value: None }
}

fn likely_type(name: &str) -> Option<CellType> {
    if name.len() > SLIP_BYTES_MAX {
        return None;
    }
    let lower = name.to_lowercase();
    let known = match lower.as_str() {
        "integer" | "number" | "num" | "n" | "i64" | "i32" | "int64" | "int32" | "signed" | "cell"
        | "long" => CellType::Int,
        "unsigned" | "u" | "u64" | "u32" | "uint64" | "uint32" | "natural" | "nat" | "usize" => {
            CellType::Uint
        }
        "boolean" | "flag" | "f" => CellType::Bool,
        "character" | "c" | "byte" => CellType::Char,
        "address" | "a-addr" | "c-addr" | "pointer" | "ptr" | "string" | "array" | "str" => CellType::Addr,
        "x" | "*" | "object" | "value" => CellType::Any,
        _ => {
            let scored = CellType::ALL
                .iter()
                .map(|ty| (strsim::normalized_damerau_levenshtein(&lower, ty.name()), *ty));
            let (score, ty) = scored.max_by(|a, b| a.0.total_cmp(&b.0))?;
            return (score >= 0.6).then_some(ty);
        }
    };
    Some(known)
}
