//! Words that need the dictionary or the source: defining words, words that read on in the text, EVALUATE, DOES>.

use super::bytecode::{Instr, Op};
use super::code::TOKEN_BASE;
use super::dictionary::Kind;
use super::engine::{Engine, Undo};
use super::error::{CompileErrorKind, Stop};
use super::fuel;
use super::interpreter::{Found, text_error};
use super::lexer::Token;
use super::trap::{TrapKind, throw};
use super::words::{WORDS, Word};
use crate::model::Cell;

type Result<T> = std::result::Result<T, Stop>;

impl Engine {
    /// Does a word for the running program, or for the text interpreter.
    pub(super) fn host(&mut self, word: Word) -> Result<()> {
        let here = Token { start: self.input.at.saturating_sub(1), len: 0, key: 0 };
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
            Word::Defer => self.value(Kind::Deferred),
            Word::To | Word::Is => {
                let token = self.next_token()?;
                let entry = self.changeable(token)?;
                let value = self.pop()?;
                self.machine.memory.store(entry.body, value).ok_or(self.thrown(throw::INVALID_ADDRESS))
            }
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
                self.input.skip_line(&self.source);
                Ok(())
            }
            Word::SQuote => {
                let range = self.parse_string(here)?;
                self.keep_string(range)
            }
            Word::DotQuote | Word::DotParen => {
                let close = if word == Word::DotQuote { b'"' } else { b')' };
                match self.input.parse(&self.source, close) {
                    (range, true) => {
                        self.machine.write(&self.source[range]).map_err(|kind| self.trapped(kind))
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
                self.compiling = false;
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
            _ => Err(self.thrown(throw::COMPILE_ONLY)),
        }
    }

    /// Names are short, and must not be borrowed from the source while the dictionary grows.
    fn name_of(&self, token: Token) -> Vec<u8> {
        token.text(&self.source).to_vec()
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
        let place = self.code.places[enter];
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
        let token = self.parse_name()?;
        let value = if kind == Kind::Value { self.pop()? } else { TOKEN_BASE + Word::Abort as Cell };
        let memory = &mut self.machine.memory;
        let placed = memory.align().map(|()| memory.here).and_then(|body| memory.comma(value).map(|()| body));
        let body = placed.map_err(|kind| self.trapped(kind))?;
        let fetch = Instr::with(Op::FetchAt, body as i32);
        let instrs = [fetch, Instr::new(Op::Execute)];
        self.make(kind, body, token, if kind == Kind::Value { &instrs[..1] } else { &instrs }).map(|_| ())
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
        for at in [enter, enter + 1, enter + 3] {
            if (at as u32) < self.checkpoint_code_len() {
                self.undo.push(Undo::Instr(at as u32, self.code.instrs[at]));
            }
        }
        self.code.instrs[enter].b = super::bytecode::UNPROVEN;
        self.code.instrs[enter + 3] = Instr::with(Op::Call, does as i32);
        let room = self.room();
        self.translator.prove(&mut self.code, enter, enter + 5, room);
        Ok(())
    }

    /// Notes an entry that is about to change, when it is older than the checkpoint.
    fn keep_entry(&mut self, index: usize) {
        let entry = *self.dictionary.get(index);
        if entry.enter < self.checkpoint_code_len() {
            self.undo.push(Undo::Entry(index, entry));
        }
    }

    fn evaluate(&mut self) -> Result<()> {
        let (addr, len) = self.machine.pop2().map_err(|kind| self.trapped(kind))?;
        if self.nesting >= self.limits.nesting {
            return Err(self.thrown(throw::RETURN_OVERFLOW));
        }
        let text = self.machine.memory.string(addr, len).map(<[u8]>::to_vec);
        let text = text.and_then(|text| self.machine.burn(fuel::of_bytes(len as u64)).map(|()| text));
        let text = text.map_err(|kind| self.trapped(kind))?;
        let outer = (self.input, self.origin);
        let (n_source, n_code) = (self.source.len(), self.code.instrs.len());
        self.read_from(&text)?;
        self.nesting += 1;
        let done = self.interpret();
        self.nesting -= 1;
        (self.input, self.origin) = outer;
        if self.code.instrs.len() == n_code {
            self.source.truncate(n_source);
        }
        done
    }
}

fn literal(value: Cell) -> Instr {
    Instr::with(Op::Lit, value as i32)
}
