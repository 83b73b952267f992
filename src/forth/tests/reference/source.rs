//! Words that define others, or read on in the source.

use super::*;

impl Reference {
    /// Words that read on in the source, or define.
    pub(super) fn source_word(&mut self, name: &'static str) -> Run {
        self.take_source();
        let done = self.read_on(name);
        self.show_source();
        done
    }

    pub(super) fn read_on(&mut self, name: &'static str) -> Run {
        match name {
            ":" => {
                self.check_room()?;
                let name = self.name_token()?;
                self.open(&name, false);
                Ok(())
            }
            ":noname" => {
                self.check_room()?;
                let entry = self.open("", false);
                self.push(Self::cell_of(Token::Program(entry)))
            }
            "create" => self.create(0),
            "variable" => self.create(8),
            "2variable" => self.create(16),
            "buffer:" => {
                let n = self.pop()?;
                self.create(n)
            }
            "constant" => {
                self.check_room()?;
                let name = self.name_token()?;
                let value = self.pop()?;
                self.make(&name, Kind::Constant(vec![value])).map(|_| ())
            }
            "2constant" => {
                self.check_room()?;
                let name = self.name_token()?;
                let (high, low) = (self.pop()?, self.pop()?);
                self.make(&name, Kind::Constant(vec![low, high])).map(|_| ())
            }
            "value" | "defer" | "begin-structure" => {
                self.check_room()?;
                let value = match name {
                    "value" => self.pop()?,
                    "defer" => Self::cell_of(Token::System(Word::Abort)),
                    _ => 0,
                };
                let word = self.name_token()?;
                let addr = self.place_cells(&[value])?;
                let kind = if name == "defer" { Kind::Deferred(addr) } else { Kind::Value(addr) };
                self.make(&word, kind)?;
                if name == "begin-structure" {
                    self.push_all(&[addr, 0])?;
                }
                Ok(())
            }
            "2value" => {
                self.check_room()?;
                let name = self.name_token()?;
                let (high, low) = (self.pop()?, self.pop()?);
                let addr = self.place_cells(&[high, low])?;
                self.make(&name, Kind::TwoValue(addr)).map(|_| ())
            }
            "end-structure" => {
                let (size, addr) = (self.pop()?, self.pop()?);
                let done = self.store(addr, size);
                self.or(done, INVALID_ADDRESS)
            }
            "+field" | "field:" | "cfield:" => {
                self.check_room()?;
                let word = self.name_token()?;
                let size = match name {
                    "+field" => self.pop()?,
                    "field:" => 8,
                    _ => 1,
                };
                let offset = self.pop()?;
                let offset = if name == "field:" { (offset + 7) & !7 } else { offset };
                self.make(&word, Kind::Field(offset))?;
                self.push(offset + size)
            }
            "marker" => {
                self.check_room()?;
                let n_entries = self.entries.len();
                let here = self.here;
                let name = self.name_token()?;
                let (order, current) = (self.order.clone(), self.current);
                self.make(&name, Kind::Marker { n_entries, here, order, current }).map(|_| ())
            }
            "synonym" => {
                self.check_room()?;
                let name = self.name_token()?;
                let token = self.named_word()?;
                let immediate = self.is_immediate(token);
                let entry = self.make(&name, Kind::Synonym(token))?;
                self.entries[entry].immediate = immediate;
                Ok(())
            }
            "immediate" => {
                let latest = self.latest.filter(|latest| *latest < self.entries.len());
                let latest = self.or(latest, INVALID_NAME)?;
                self.entries[latest].immediate = true;
                Ok(())
            }
            "'" => {
                let token = self.named_word()?;
                self.push(Self::cell_of(token))
            }
            ">body" => {
                let cell = self.pop()?;
                match self.token_of(cell) {
                    Some(Token::Program(index)) => match self.entries[index].kind {
                        Kind::Created { addr, .. } => self.push(addr),
                        _ => self.throw(BODY_OF_NON_CREATED),
                    },
                    _ => self.throw(BODY_OF_NON_CREATED),
                }
            }
            "to" | "is" => match self.changeable()? {
                Kind::TwoValue(addr) => {
                    let (high, low) = (self.pop()?, self.pop()?);
                    self.set_bytes(addr, &high.to_le_bytes())?;
                    self.set_bytes(addr + 8, &low.to_le_bytes())
                }
                Kind::Value(addr) | Kind::Deferred(addr) => {
                    let value = self.pop()?;
                    self.set_bytes(addr, &value.to_le_bytes())
                }
                _ => unreachable!("it can be changed"),
            },
            "action-of" => match self.changeable()? {
                Kind::Deferred(addr) => self.push(self.fetch(addr).unwrap()),
                _ => self.throw(INVALID_NAME),
            },
            "defer@" | "defer!" => {
                let cell = self.pop()?;
                let addr = match self.token_of(cell) {
                    Some(Token::Program(index)) => match self.entries[index].kind {
                        Kind::Deferred(addr) => addr,
                        _ => return self.throw(INVALID_NAME),
                    },
                    _ => return self.throw(INVALID_NAME),
                };
                if name == "defer@" {
                    return self.push(self.fetch(addr).unwrap());
                }
                let value = self.pop()?;
                self.set_bytes(addr, &value.to_le_bytes())
            }
            "compile," => {
                let cell = self.pop()?;
                let done = self.compile_cell(cell);
                if done.is_err() {
                    self.drop_open();
                }
                done
            }
            "evaluate" => self.evaluate(),
            _ => self.read_text(name),
        }
    }

    pub(super) fn compile_cell(&mut self, cell: Cell) -> Run {
        if self.definitions.is_empty() {
            return self.throw(COMPILE_ONLY);
        }
        match self.token_of(cell) {
            Some(Token::System(word)) => self.compile_word(word),
            Some(Token::Program(index)) => {
                self.compile_program(index);
                Ok(())
            }
            None => self.throw(INVALID_ADDRESS),
        }
    }

    pub(super) fn evaluate(&mut self) -> Run {
        let (len, addr) = (self.pop()?, self.pop()?);
        let text = self.bytes(addr, len)?;
        self.burn_bytes(len)?;
        if self.nesting >= self.limits.nesting {
            return self.throw(RETURN_OVERFLOW);
        }
        let outer = std::mem::replace(&mut self.source, Source { text, at: 0, addr, id: -1 });
        self.nesting += 1;
        let done = self.interpret();
        self.nesting -= 1;
        self.source = outer;
        done
    }

    pub(super) fn read_text(&mut self, name: &'static str) -> Run {
        match name {
            ">in" => self.push(TO_IN),
            "source" => self.push_all(&[self.source.addr, self.source.text.len() as Cell]),
            "source-id" => self.push(self.source.id),
            "refill" => {
                assert_eq!(self.source.id, -1, "programs are strings");
                self.push(0)
            }
            "environment?" => {
                let name = self.pop_string()?;
                match &*String::from_utf8_lossy(&name) {
                    "max-n" => self.push_all(&[Cell::MAX, -1]),
                    "address-unit-bits" => self.push_all(&[8, -1]),
                    "floored" => self.push_all(&[-1, -1]),
                    _ => self.push(0),
                }
            }
            "parse" => {
                let delimiter = self.pop()? as u8;
                let (start, end, _) = self.parse(delimiter);
                self.push_all(&[self.source.addr + start as Cell, (end - start) as Cell])
            }
            "parse-name" => {
                let len = self.next_token().map_or(0, |token| token.len());
                let mut start = self.source.at - len;
                // The space behind it was taken, unless the text ended.
                if len > 0 && self.source.text[self.source.at - 1] <= b' ' {
                    start -= 1;
                }
                self.push_all(&[self.source.addr + start as Cell, len as Cell])
            }
            "word" => {
                let delimiter = self.pop()? as u8;
                let is_one = |byte: u8| byte == delimiter || (delimiter == b' ' && byte < b' ');
                while self.source.text.get(self.source.at).is_some_and(|byte| is_one(*byte)) {
                    self.source.at += 1;
                }
                let mut text = vec![0];
                while let Some(byte) = self.source.text.get(self.source.at).filter(|byte| !is_one(**byte)) {
                    text.push(*byte);
                    self.source.at += 1;
                }
                self.source.at = (self.source.at + 1).min(self.source.text.len());
                text[0] = text.len() as u8 - 1;
                text.push(b' ');
                self.set_bytes(WORD_BUFFER, &text)?;
                self.push(WORD_BUFFER)
            }
            "find" => {
                let addr = self.pop()?;
                let len = self.bytes(addr, 1)?[0];
                let name = self.bytes(addr + 1, len as Cell)?;
                match self.find(&String::from_utf8_lossy(&name)) {
                    Some(token) => {
                        let immediate = self.is_immediate(token);
                        self.push_all(&[Self::cell_of(token), if immediate { 1 } else { -1 }])
                    }
                    None => self.push_all(&[addr, 0]),
                }
            }
            "char" => {
                let c = self.parse_char()?;
                self.push(c)
            }
            "s\"" => {
                let text = self.parse_to(b'"')?;
                self.keep(&text)
            }
            "s\\\"" => {
                let text = self.parse_escaped()?;
                self.keep(&text)
            }
            ".\"" => {
                let text = self.parse_to(b'"')?;
                self.write(&text)
            }
            ".(" => {
                let text = self.parse_to(b')')?;
                self.write(&text)
            }
            "(" => self.parse_to(b')').map(|_| ()),
            "\\" => {
                self.parse(b'\n');
                Ok(())
            }
            "[" => {
                self.compiling = false;
                Ok(())
            }
            "]" if self.definitions.is_empty() => self.throw(COMPILE_ONLY),
            "]" => {
                self.compiling = true;
                Ok(())
            }
            "[defined]" | "[undefined]" => {
                let name_token = self.name_token()?;
                let defined = self.find(&name_token).is_some();
                self.push(if defined == (name == "[defined]") { -1 } else { 0 })
            }
            "[if]" => match self.pop()? {
                0 => self.skip(true),
                _ => Ok(()),
            },
            "[else]" => self.skip(false),
            "[then]" => Ok(()),
            "cs-pick" | "cs-roll" => {
                let n = self.pop()?;
                if self.definitions.is_empty() {
                    return self.throw(COMPILE_ONLY);
                }
                let control = &mut self.definition().control;
                let at = usize::try_from(n).ok().and_then(|n| control.len().checked_sub(n + 1));
                let at = self.or(at, CONTROL_MISMATCH)?;
                let control = &mut self.definition().control;
                if name == "cs-roll" {
                    let item = control.remove(at);
                    control.push(item);
                    return Ok(());
                }
                match control[at].clone() {
                    item @ Control::Dest { .. } => control.push(item),
                    _ => return self.throw(CONTROL_MISMATCH),
                }
                Ok(())
            }
            _ if is_immediate(lookup(name.as_bytes()).unwrap()) => self.throw(COMPILE_ONLY),
            _ => panic!("{name} is not in the reference"),
        }
    }

    /// Passes over text up to the end of a branch that is not taken.
    pub(super) fn skip(&mut self, stop_at_else: bool) -> Run {
        let mut depth = 0;
        loop {
            let Some(token) = self.next_token() else { return self.throw(UNEXPECTED_END) };
            match &*token.to_lowercase() {
                "[if]" => depth += 1,
                "[then]" if depth == 0 => return Ok(()),
                "[then]" => depth -= 1,
                "[else]" if stop_at_else && depth == 0 => return Ok(()),
                _ => {}
            }
        }
    }

    /// Puts a string into one of two buffers, by turns.
    pub(super) fn keep(&mut self, text: &[u8]) -> Run {
        self.string_turn = !self.string_turn;
        let addr = STRINGS + if self.string_turn { 0x400 } else { 0 };
        self.set_bytes(addr, text)?;
        self.push_all(&[addr, text.len() as Cell])
    }
}
