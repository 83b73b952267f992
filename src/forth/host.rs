//! Words that need the dictionary or the source: defining words, words that read on in the text, EVALUATE, DOES>.

use super::bytecode::{Instr, Op};
use super::code::TOKEN_BASE;
use super::dictionary::Kind;
use super::engine::{Engine, Undo};
use super::error::{CompileErrorKind, Stop};
use super::fuel;
use super::image::is_immediate;
use super::interpreter::{Found, text_error};
use super::lexer::Token;
use super::trap::{TrapKind, throw};
use super::words::{WORDS, Word};
use crate::model::{Cell, scalar};

type Result<T> = std::result::Result<T, Stop>;

impl Engine {
    /// Does a word for the running program.
    pub(super) fn host(&mut self, word: Word) -> Result<()> {
        self.machine.burn(fuel::HOST).map_err(|kind| self.trapped(kind))?;
        self.take_to_in();
        let here = Token { start: self.input.at.saturating_sub(1), len: 0, key: 0 };
        let done = if self.compiling && is_immediate(word) {
            let done = self.compile_word(word, here);
            if done.is_err() {
                self.drop_open();
            }
            done
        } else {
            self.do_word(word, here)
        };
        if self.compiling {
            self.show_state();
        }
        self.machine.fuel -= self.dictionary.take_walked();
        self.show_to_in();
        done
    }

    /// Does a word that needs the dictionary or the source, whether the program runs it or its text is being compiled.
    pub(super) fn do_word(&mut self, word: Word, here: Token) -> Result<()> {
        match word {
            Word::Colon => {
                let token = self.parse_name()?;
                let name = self.name_of(token);
                self.open_definition(name.as_slice(), false).map(|_| ())
            }
            Word::NoName => {
                let index = self.open_definition(b"", false)?;
                let cell = self.token_cell(Found::User(index));
                self.push(cell)
            }
            Word::Variable => self.create_with(8),
            Word::TwoVariable => self.create_with(16),
            Word::BufferColon => {
                let n = self.pop()?;
                self.create_with(n)
            }
            Word::Create => self.create_with(0),
            Word::Constant => self.constant(),
            Word::TwoConstant => self.two_constant(),
            Word::Value => self.value(Kind::Value),
            Word::TwoValue => self.two_value(),
            Word::Defer => self.value(Kind::Deferred),
            Word::To | Word::Is => self.set_value(),
            Word::ActionOf => {
                let token = self.next_token()?;
                match self.changeable(token)? {
                    entry if entry.kind == Kind::Deferred => {
                        let xt = self.machine.memory.fetch(entry.body).unwrap_or(0);
                        self.push(xt)
                    }
                    _ => Err(text_error(CompileErrorKind::InvalidName, token)),
                }
            }
            Word::BeginStructure => {
                let body = self.value_of(Kind::Structure, 0)?;
                self.push(body)?;
                self.push(0)
            }
            Word::PlusField | Word::FieldColon | Word::CFieldColon => self.field(word),
            Word::Marker => self.marker(),
            Word::ForgetTo => self.forget_to(),
            Word::Synonym => self.synonym(),
            Word::DeferStore | Word::DeferFetch => self.deferred(word),
            Word::ToBody => {
                let cell = self.pop()?;
                match self.entry_of_cell(cell) {
                    Some(index) if self.dictionary.get(index).kind == Kind::Created => {
                        self.push(self.dictionary.get(index).body)
                    }
                    _ => Err(self.thrown(throw::BODY_OF_NON_CREATED)),
                }
            }
            Word::Immediate => match self.latest {
                Some(latest) if latest < self.dictionary.len() => {
                    self.keep_entry(latest);
                    self.dictionary.get_mut(latest).immediate = true;
                    Ok(())
                }
                _ => Err(self.thrown(throw::INVALID_NAME)),
            },
            Word::Paren => self.skip_comment(here),
            Word::Backslash => {
                self.input.skip_line(&self.machine.memory.text);
                Ok(())
            }
            Word::SQuote => {
                let range = self.parse_string(here)?;
                let text = self.machine.memory.text[range].to_vec();
                self.keep_bytes(&text)
            }
            Word::SBackslashQuote => {
                let text = self.parse_escaped(here)?;
                self.keep_bytes(&text)
            }
            Word::DotQuote | Word::DotParen => {
                let close = if word == Word::DotQuote { b'"' } else { b')' };
                match self.input.parse(&self.machine.memory.text, close) {
                    (range, true) => {
                        let text = self.machine.memory.text[range].to_vec();
                        self.machine.write(&text).map_err(|kind| self.trapped(kind))
                    }
                    _ => Err(text_error(CompileErrorKind::Unterminated, here)),
                }
            }
            Word::CharWord => {
                let c = self.parse_char()?;
                self.push(c)
            }
            Word::Tick => {
                let (found, _) = self.parse_word()?;
                self.push(self.token_cell(found))
            }
            Word::LeftBracket => {
                self.stop_compiling();
                Ok(())
            }
            Word::RightBracket => match self.open {
                Some(_) => {
                    self.compiling = true;
                    Ok(())
                }
                None => Err(self.thrown(throw::COMPILE_ONLY)),
            },
            Word::CompileComma => {
                let cell = self.pop()?;
                self.compile_token(cell)
            }
            Word::Evaluate => self.evaluate(),
            Word::ParenLocal => self.paren_local(),
            Word::CsPick | Word::CsRoll => {
                let n = self.pop()?;
                if self.open.is_none() {
                    return Err(self.thrown(throw::COMPILE_ONLY));
                }
                let done = match word {
                    Word::CsPick => self.translator.control_pick(n),
                    _ => self.translator.control_roll(n),
                };
                done.map_err(|kind| text_error(kind, here))
            }
            Word::BracketIf => match self.pop()? {
                0 => self.skip_conditional(here, true),
                _ => Ok(()),
            },
            Word::BracketElse => self.skip_conditional(here, false),
            Word::BracketThen => Ok(()),
            Word::BracketDefined | Word::BracketUndefined => {
                let token = self.next_token()?;
                let defined = self.search(token).is_some();
                self.push(scalar::flag(defined == (word == Word::BracketDefined)))
            }
            Word::AbortWith => {
                let message = self.pop_string()?;
                self.abort_message = Some(String::from_utf8_lossy(&message).into_owned());
                Err(self.thrown(throw::ABORT_QUOTE))
            }
            Word::Quit => Err(self.trapped(TrapKind::Quit)),
            Word::Bye => Err(self.trapped(TrapKind::Bye)),
            Word::ToIn
            | Word::Source
            | Word::SourceId
            | Word::Parse
            | Word::ParseName
            | Word::WordWord
            | Word::Refill
            | Word::SaveInput
            | Word::RestoreInput
            | Word::Accept
            | Word::Key => self.input_word(word),
            Word::XKey => self.xkey(),
            Word::Allocate | Word::Free | Word::Resize => self.heap_word(word),
            Word::Replaces => self.replaces(),
            Word::Substitute => self.substitute(),
            Word::EnvironmentQ => self.environment(),
            Word::Dump => self.dump(),
            Word::Question => self.question(),
            Word::WordlistWord
            | Word::ForthWordlist
            | Word::GetCurrent
            | Word::SetCurrent
            | Word::Definitions
            | Word::GetOrder
            | Word::SetOrder
            | Word::SearchWordlist
            | Word::Only
            | Word::Also
            | Word::Previous
            | Word::Forth
            | Word::Order
            | Word::Find
            | Word::TraverseWordlist
            | Word::NameToString
            | Word::NameToInterpret
            | Word::NameToCompile
            | Word::Words
            | Word::See => self.order_word(word),
            Word::CreateFile
            | Word::OpenFile
            | Word::CloseFile
            | Word::DeleteFile
            | Word::RenameFile
            | Word::FileStatus
            | Word::FilePosition
            | Word::RepositionFile
            | Word::FileSize
            | Word::ResizeFile
            | Word::FlushFile
            | Word::ReadFile
            | Word::ReadLine
            | Word::WriteFile
            | Word::WriteLine
            | Word::IncludeFile
            | Word::Included
            | Word::Include
            | Word::Required
            | Word::Require => self.file_word(word),
            _ => Err(self.thrown(throw::COMPILE_ONLY)),
        }
    }

    /// Names are short, and must not be borrowed from the source while the dictionary grows.
    fn name_of(&self, token: Token) -> Vec<u8> {
        token.text(&self.machine.memory.text).to_vec()
    }

    /// Makes a data word and its code: up to two literals, or whatever `instrs` are.
    fn make(&mut self, kind: Kind, body: Cell, token: Token, instrs: &[Instr]) -> Result<usize> {
        self.check_room_for_word()?;
        let name = self.name_of(token);
        let index = self.add_word(&name, kind, body);
        for instr in instrs {
            self.code.push(*instr, token.start);
        }
        self.finish_data(index);
        Ok(index)
    }

    /// Ends a data word's code, proves it and lets the word be found.
    fn finish_data(&mut self, index: usize) {
        let enter = self.dictionary.get(index).enter as usize;
        let place = self.code.place(enter);
        self.code.push(Instr::new(Op::Return), place);
        let (room, end) = (self.room(), self.code.instrs.len());
        self.translator.prove(&mut self.code, enter, end, room);
        self.dictionary.reveal(index);
        self.latest = Some(index);
    }

    fn create_with(&mut self, n_bytes: Cell) -> Result<()> {
        self.check_room_for_word()?;
        let token = self.parse_name()?;
        self.machine.memory.align().map_err(|kind| self.trapped(kind))?;
        let body = self.machine.memory.here;
        self.machine.memory.allot(n_bytes).map_err(|kind| self.trapped(kind))?;
        // The second instruction becomes a call when DOES> comes.
        self.make(Kind::Created, body, token, &[literal(body), Instr::new(Op::Return)]).map(|_| ())
    }

    fn constant(&mut self) -> Result<()> {
        self.check_room_for_word()?;
        let token = self.parse_name()?;
        let value = self.pop()?;
        self.constants(token, value, None)
    }

    fn two_constant(&mut self) -> Result<()> {
        self.check_room_for_word()?;
        let token = self.parse_name()?;
        let (low, high) = self.machine.pop2().map_err(|kind| self.trapped(kind))?;
        self.constants(token, low, Some(high))
    }

    fn constants(&mut self, token: Token, first: Cell, second: Option<Cell>) -> Result<()> {
        let name = self.name_of(token);
        let index = self.add_word(&name, Kind::Constant, first);
        self.code.push_literal(first, token.start);
        if let Some(second) = second {
            self.code.push_literal(second, token.start);
        }
        self.dictionary.get_mut(index).second = second;
        self.finish_data(index);
        Ok(())
    }

    fn value(&mut self, kind: Kind) -> Result<()> {
        self.check_room_for_word()?;
        let value = if kind == Kind::Value { self.pop()? } else { TOKEN_BASE + Word::Abort as Cell };
        self.value_of(kind, value).map(|_| ())
    }

    /// Makes a word with a cell in its body; returns where that is.
    fn value_of(&mut self, kind: Kind, value: Cell) -> Result<Cell> {
        self.check_room_for_word()?;
        let token = self.parse_name()?;
        let body = self.place_cells_here(&[value])?;
        let fetch = Instr::with(Op::FetchAt, body as i32);
        let instrs = [fetch, Instr::new(Op::Execute)];
        self.make(kind, body, token, if kind == Kind::Deferred { &instrs } else { &instrs[..1] })?;
        Ok(body)
    }

    fn two_value(&mut self) -> Result<()> {
        self.check_room_for_word()?;
        let token = self.parse_name()?;
        let (first, second) = self.machine.pop2().map_err(|kind| self.trapped(kind))?;
        let body = self.place_cells_here(&[second, first])?;
        self.make(Kind::TwoValue, body, token, &[literal(body), Instr::new(Op::TwoFetch)]).map(|_| ())
    }

    /// Cells at HERE, aligned.
    fn place_cells_here(&mut self, cells: &[Cell]) -> Result<Cell> {
        let memory = &mut self.machine.memory;
        let mut placed = memory.align().map(|()| memory.here);
        for cell in cells {
            placed = placed.and_then(|body| memory.comma(*cell).map(|()| body));
        }
        placed.map_err(|kind| self.trapped(kind))
    }

    /// TO and IS while interpreting.
    fn set_value(&mut self) -> Result<()> {
        let token = self.next_token()?;
        let entry = self.changeable(token)?;
        let value = self.pop()?;
        self.machine.memory.store(entry.body, value).ok_or(self.thrown(throw::INVALID_ADDRESS))?;
        if entry.kind == Kind::TwoValue {
            let first = self.pop()?;
            self.machine.memory.store(entry.body + 8, first).ok_or(self.thrown(throw::INVALID_ADDRESS))?;
        }
        Ok(())
    }

    /// +FIELD and its like.
    fn field(&mut self, word: Word) -> Result<()> {
        self.check_room_for_word()?;
        let token = self.parse_name()?;
        let size = match word {
            Word::PlusField => self.pop()?,
            Word::FieldColon => 8,
            _ => 1,
        };
        let offset = self.pop()?;
        let offset = if word == Word::FieldColon { super::memory::aligned(offset) } else { offset };
        let name = self.name_of(token);
        let index = self.add_word(&name, Kind::Field, offset);
        self.code.push_literal(offset, token.start);
        self.code.push(Instr::new(Op::Add), token.start);
        self.finish_data(index);
        self.push(offset.wrapping_add(size))
    }

    /// SYNONYM.
    fn synonym(&mut self) -> Result<()> {
        self.check_room_for_word()?;
        let token = self.parse_name()?;
        let (found, _) = self.parse_word()?;
        let xt = self.token_cell(found) - TOKEN_BASE;
        let enter = self.code.enters[xt as usize];
        let is_immediate = match found {
            Found::Word(word) => is_immediate(word),
            Found::User(index) => self.dictionary.get(index).immediate,
        };
        // Found by name, it is the other word; its own code is there for whoever has its token.
        let index = self.make(Kind::Synonym, xt, token, &[Instr::with(Op::Call, enter as i32)])?;
        self.dictionary.get_mut(index).immediate = is_immediate;
        Ok(())
    }

    /// A word that MARKER makes.
    pub(super) fn make_marker(&mut self, number: Cell, token: Token) -> Result<()> {
        let instrs = [literal(number), Instr::with(Op::Host, Word::ForgetTo as i32)];
        self.make(Kind::Marker, number, token, &instrs).map(|_| ())
    }

    /// The Memory-Allocation words.
    fn heap_word(&mut self, word: Word) -> Result<()> {
        self.burn_bytes(self.machine.memory.heap.len() * 8)?;
        match word {
            Word::Allocate => {
                let n_bytes = self.pop()?;
                let addr = self.machine.memory.allocate(n_bytes);
                self.push(addr.unwrap_or(0))?;
                self.push(if addr.is_some() { 0 } else { -59 })
            }
            Word::Free => {
                let addr = self.pop()?;
                let freed = self.machine.memory.free(addr);
                self.push(if freed { 0 } else { -60 })
            }
            _ => {
                let (addr, n_bytes) = self.machine.pop2().map_err(|kind| self.trapped(kind))?;
                self.burn_bytes(n_bytes.clamp(0, self.limits.memory_bytes as Cell) as usize)?;
                let moved = self.machine.memory.resize(addr, n_bytes);
                self.push(moved.unwrap_or(addr))?;
                self.push(if moved.is_some() { 0 } else { -61 })
            }
        }
    }

    /// XKEY: a character of UTF-8 from the host's input.
    fn xkey(&mut self) -> Result<()> {
        let mut bytes = Vec::new();
        loop {
            let Some(byte) = self.input_byte() else { return Err(self.thrown(throw::UNEXPECTED_END)) };
            bytes.push(byte);
            match std::str::from_utf8(&bytes) {
                Ok(text) => return self.push(text.chars().next().map_or(0, |c| c as Cell)),
                Err(error) if error.error_len().is_none() => {}
                Err(_) => return Err(self.thrown(throw::MALFORMED_XCHAR)),
            }
        }
    }

    fn deferred(&mut self, word: Word) -> Result<()> {
        let cell = self.pop()?;
        let body = match self.entry_of_cell(cell) {
            Some(index) if self.dictionary.get(index).kind == Kind::Deferred => {
                self.dictionary.get(index).body
            }
            _ => return Err(self.thrown(throw::INVALID_NAME)),
        };
        if word == Word::DeferFetch {
            let value = self.machine.memory.fetch(body).unwrap_or(0);
            return self.push(value);
        }
        let value = self.pop()?;
        self.machine.memory.store(body, value).ok_or(self.thrown(throw::INVALID_ADDRESS))
    }

    /// The word above the image that a program's token names, by its index in the dictionary.
    fn entry_of_cell(&self, cell: Cell) -> Option<usize> {
        let xt = usize::try_from(cell.wrapping_sub(TOKEN_BASE)).ok()?;
        xt.checked_sub(WORDS.len()).filter(|index| *index < self.dictionary.len())
    }

    /// Gives the newest word the code of a DOES>.
    pub(super) fn set_does(&mut self, does: u32) -> std::result::Result<(), TrapKind> {
        self.hosted = true;
        let Some(latest) = self.latest.filter(|latest| *latest < self.dictionary.len()) else {
            return Err(TrapKind::Throw(throw::INVALID_NAME));
        };
        if self.dictionary.get(latest).kind != Kind::Created {
            return Err(TrapKind::Throw(throw::BODY_OF_NON_CREATED));
        }
        self.keep_entry(latest);
        let entry = self.dictionary.get_mut(latest);
        entry.does = Some(does);
        let enter = entry.enter as usize;
        if self.natives.reaches(enter) {
            self.forget_natives();
        }
        for at in [enter, enter + 1, enter + 3] {
            if (at as u32) < self.checkpoint_code_len() {
                self.undo.push(Undo::Instr(at as u32, self.code.instrs[at]));
            }
        }
        self.code.instrs[enter].b = super::bytecode::UNPROVEN;
        self.code.instrs[enter + 1].a = 0;
        self.code.instrs[enter + 3] = Instr::with(Op::Call, does as i32);
        let room = self.room();
        self.translator.prove(&mut self.code, enter, enter + 5, room);
        Ok(())
    }

    /// Notes an entry that is about to change, when it is older than the checkpoint.
    pub(super) fn keep_entry(&mut self, index: usize) {
        let entry = *self.dictionary.get(index);
        if entry.enter < self.checkpoint_code_len() {
            self.undo.push(Undo::Entry(index, entry));
        }
    }
}

fn literal(value: Cell) -> Instr {
    Instr::with(Op::Lit, value as i32)
}
