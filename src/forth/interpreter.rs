//! The text interpreter: reads tokens, executes or compiles them, and ends definitions.

use super::bytecode::{Instr, Op};
use super::code::TOKEN_BASE;
use super::dictionary::{Entry, Kind};
use super::engine::{Engine, Open, name_error};
use super::error::{CompileErrorKind, Stop};
use super::lexer::{self, Number, Token};
use super::memory::{TEXT_BASE, VAR_STATE};
use super::prims;
use super::trap::{Trap, TrapKind, throw};
use super::words::{self, WORDS, Word};
use crate::model::{Cell, TRUE};

type Result<T> = std::result::Result<T, Stop>;

/// What a token names.
#[derive(Clone, Copy, Debug)]
pub(super) enum Found {
    Word(Word),
    /// A word above the image, by its index in the dictionary.
    User(usize),
}

impl Engine {
    /// Reads the input to its end.
    pub(super) fn interpret(&mut self) -> Result<()> {
        loop {
            let line_ended = self.compiling && self.compile_plain()?;
            let next = if line_ended { None } else { self.input.next(&self.machine.memory.text) };
            match next {
                Some(token) => self.take(token)?,
                None if self.next_line() => {}
                None => return Ok(()),
            }
        }
    }

    /// Compiles or executes one token.
    #[inline]
    fn take(&mut self, token: Token) -> Result<()> {
        self.inner_token = token.start;
        if self.nesting == 0 {
            self.input_token = token.start;
        }
        let done = match self.compiling {
            true => self.compile(token),
            false => self.interpret_token(token),
        };
        if done.is_err() {
            self.drop_open();
        }
        done
    }

    /// Compiles tokens as long as they are words of the system that need nothing else, or small numbers: nearly all of
    /// them. The first that is neither comes next. True at the end of the line.
    #[inline(never)]
    pub(super) fn compile_plain(&mut self) -> Result<bool> {
        if self.translator.has_locals() || !self.system.order.is_plain() {
            return Ok(false);
        }
        // No token becomes more than two instructions.
        if self.code.instrs.len() + 2 * (self.input.end - self.input.at.min(self.input.end)) as usize
            > self.code_max()
        {
            return Ok(false);
        }
        let decimal = self.is_decimal();
        let Self { machine, code, translator, dictionary, .. } = self;
        let source = machine.memory.text.as_slice();
        let mut input = self.input;
        loop {
            let before = input;
            let Some(token) = input.next_in_line(source) else { break };
            if dictionary.may_have(token.key) || token.len > 8 {
                self.input = before;
                return Ok(false);
            }
            let done = match words::lookup_key(token.key) {
                Some(word) => translator.counted_word(code, word, token.start),
                None => match lexer::small_decimal(token.key, token.len).filter(|_| decimal) {
                    Some(value) => {
                        translator.token();
                        translator.literal(code, value, token.start);
                        Ok(true)
                    }
                    None => Ok(false),
                },
            };
            match done {
                Ok(true) => {}
                Ok(false) => {
                    self.input = before;
                    return Ok(false);
                }
                Err(kind) => {
                    self.input = input;
                    self.drop_open();
                    return Err(text_error(kind, token));
                }
            }
        }
        self.input = input;
        Ok(true)
    }

    /// Gives up the open definition. Whatever goes wrong while compiling comes here, since a definition with half of a
    /// control structure in it must never be finished.
    #[cold]
    pub(super) fn drop_open(&mut self) {
        if let Some(open) = self.open.take() {
            self.stop_compiling();
            self.quotations.clear();
            self.code.truncate(open.code);
            self.dictionary.truncate(open.index);
            self.labels.truncate(self.code.enters.len());
        }
    }

    fn interpret_token(&mut self, token: Token) -> Result<()> {
        match self.search(token) {
            Some(Found::Word(Word::Paren)) => self.skip_comment(token),
            Some(Found::Word(Word::Backslash)) => {
                self.input.skip_line(&self.machine.memory.text);
                Ok(())
            }
            Some(Found::Word(word)) => self.run(self.code.enters[word as usize] as usize),
            Some(Found::User(index)) => self.run(self.dictionary.get(index).enter as usize),
            None => match self.number(token)? {
                Number::Single(value) => self.machine.push(value),
                Number::Double(value) => self.machine.push_double(value),
                Number::TooLarge => return Err(text_error(CompileErrorKind::NumberTooLarge, token)),
            }
            .map_err(|kind| self.trapped(kind)),
        }
    }

    /// Runs a word for the text interpreter.
    fn run(&mut self, enter: usize) -> Result<()> {
        self.machine.fuel -= self.dictionary.take_walked();
        self.show_to_in();
        let done = self.call(enter);
        self.take_to_in();
        done
    }

    #[inline]
    fn compile(&mut self, token: Token) -> Result<()> {
        if self.code.instrs.len() >= self.code_max() {
            return Err(text_error(CompileErrorKind::TooLarge, token));
        }
        if let Some(local) = self.local(token)? {
            self.translator.token();
            self.translator.use_local(&mut self.code, Op::LocalGet, local, token.start);
            return Ok(());
        }
        match self.search(token) {
            Some(Found::Word(word)) => self.compile_word(word, token),
            Some(Found::User(index)) => self.compile_user(index, token),
            None => {
                if let Some(value) = lexer::small_decimal(token.key, token.len).filter(|_| self.is_decimal())
                {
                    self.translator.token();
                    self.translator.literal(&mut self.code, value, token.start);
                    return Ok(());
                }
                let number = self.number(token)?;
                self.compile_number(number, token)
            }
        }
    }

    /// The local that a token names.
    #[inline(always)]
    fn local(&self, token: Token) -> Result<Option<i32>> {
        let source = &self.machine.memory.text;
        self.translator.local(source, token.key, token.text(source)).map_err(|kind| text_error(kind, token))
    }

    fn compile_number(&mut self, number: Number, token: Token) -> Result<()> {
        self.translator.token();
        match number {
            Number::Single(value) => self.translator.literal(&mut self.code, value, token.start),
            Number::Double(value) => {
                self.translator.literal(&mut self.code, value as Cell, token.start);
                self.translator.literal(&mut self.code, (value >> 64) as Cell, token.start);
            }
            Number::TooLarge => return Err(text_error(CompileErrorKind::NumberTooLarge, token)),
        }
        Ok(())
    }

    /// Finds the word that a token means.
    #[inline(always)]
    pub(super) fn search(&self, token: Token) -> Option<Found> {
        self.search_name(token).map(|found| self.meant(found))
    }

    /// What SYNONYM made a second name for.
    #[inline(always)]
    pub(super) fn meant(&self, found: Found) -> Found {
        match found {
            Found::User(index) if self.dictionary.get(index).kind == Kind::Synonym => {
                match (self.dictionary.get(index).body as usize).checked_sub(WORDS.len()) {
                    None => Found::Word(WORDS[self.dictionary.get(index).body as usize].word),
                    Some(index) => Found::User(index),
                }
            }
            found => found,
        }
    }

    /// Finds a word: along the search order, in each word list the newest one of the program, else the system's.
    #[inline(always)]
    fn search_name(&self, token: Token) -> Option<Found> {
        if !self.system.order.is_plain() {
            return self.search_order(token.key, token.text(&self.machine.memory.text));
        }
        let text = token.text(&self.machine.memory.text);
        if let Some(index) = self.dictionary.find(token.key, text, super::order::FORTH) {
            return Some(Found::User(index));
        }
        let word = if token.len <= 8 {
            words::lookup_key(token.key)
        } else {
            words::lookup(token.text(&self.machine.memory.text))
        };
        word.map(Found::Word)
    }

    fn is_decimal(&self) -> bool {
        self.machine.memory.fetch(super::memory::VAR_BASE) == Some(10)
    }

    fn number(&self, token: Token) -> Result<Number> {
        let base = prims::base(&self.machine).map_err(|kind| self.trapped(kind))?;
        lexer::number(token.text(&self.machine.memory.text), base)
            .ok_or(text_error(CompileErrorKind::UndefinedWord, token))
    }

    /// Compiles a word of the system, or does what it does while compiling.
    #[inline(always)]
    pub(super) fn compile_word(&mut self, word: Word, token: Token) -> Result<()> {
        match self.translator.counted_word(&mut self.code, word, token.start) {
            Ok(true) => Ok(()),
            Ok(false) => {
                self.translator.token();
                self.compile_special(word, token)
            }
            Err(kind) => Err(text_error(kind, token)),
        }
    }

    fn compile_special(&mut self, word: Word, token: Token) -> Result<()> {
        let place = token.start;
        match word {
            Word::Semicolon => match self.open {
                Some(Open { bare: true, .. }) => Err(text_error(CompileErrorKind::NotInDefinition, token)),
                _ => self.close_definition(place),
            },
            Word::SQuote => self.compile_string(token),
            Word::SBackslashQuote => {
                let text = self.parse_escaped(token)?;
                self.compile_bytes(&text, place)
            }
            Word::CQuote => {
                let range = self.parse_string(token)?;
                let Ok(len) = u8::try_from(range.len()) else {
                    return Err(self.thrown(throw::STRING_OVERFLOW));
                };
                let mut text = vec![len];
                text.extend_from_slice(&self.machine.memory.text[range]);
                let addr = self.machine.memory.append(&text).map_err(|kind| self.trapped(kind))?;
                self.translator.literal(&mut self.code, addr, place);
                Ok(())
            }
            Word::SLiteral => {
                let text = self.pop_string()?;
                self.compile_bytes(&text, place)
            }
            Word::DotQuote => {
                self.compile_string(token)?;
                self.compile_word(Word::Type, token)
            }
            Word::AbortQuote => {
                let range = self.parse_string(token)?;
                let text = (TEXT_BASE + range.start as Cell, range.len() as Cell);
                self.translator.abort_quote(&mut self.code, text, place);
                Ok(())
            }
            _ if super::image::acts_always(word) => self.do_word(word, token),
            Word::QuotationOpen => self.open_quotation(token),
            Word::QuotationClose => self.close_quotation(token),
            Word::BracketCompile => self.bracket_compile(token),
            Word::ActionOf => {
                let token = self.next_token()?;
                match self.changeable(token)? {
                    entry if entry.kind == Kind::Deferred => {
                        self.translator.use_local(&mut self.code, Op::FetchAt, entry.body as i32, place);
                        Ok(())
                    }
                    _ => Err(text_error(CompileErrorKind::InvalidName, token)),
                }
            }
            Word::BracketChar => {
                let c = self.parse_char()?;
                self.translator.literal(&mut self.code, c, place);
                Ok(())
            }
            Word::BracketTick => {
                let (found, _) = self.parse_word()?;
                let cell = self.token_cell(found);
                self.translator.literal(&mut self.code, cell, place);
                Ok(())
            }
            Word::Literal => {
                let value = self.pop()?;
                self.translator.literal(&mut self.code, value, place);
                Ok(())
            }
            Word::TwoLiteral => {
                let (low, high) = self.machine.pop2().map_err(|kind| self.trapped(kind))?;
                self.translator.literal(&mut self.code, low, place);
                self.translator.literal(&mut self.code, high, place);
                Ok(())
            }
            Word::To | Word::Is => self.compile_to(place),
            Word::Postpone => self.compile_postpone(place),
            Word::LocalsOpen => self.compile_locals(token),
            Word::LocalsBar => self.compile_locals_bar(token),
            Word::Does => self.compile_does(token),
            _ => {
                self.translator.host(&mut self.code, word, place);
                Ok(())
            }
        }
    }

    fn compile_user(&mut self, index: usize, token: Token) -> Result<()> {
        let entry = *self.dictionary.get(index);
        if entry.immediate {
            return self.execute_while_compiling(index);
        }
        self.translator.token();
        self.compile_entry(entry, token.start);
        Ok(())
    }

    fn compile_entry(&mut self, entry: Entry, place: u32) {
        let (translator, code) = (&mut self.translator, &mut self.code);
        match (entry.kind, entry.does) {
            (Kind::Colon | Kind::Deferred | Kind::Marker | Kind::Synonym, _) => {
                translator.call(code, entry.enter, place);
            }
            (Kind::Created, None) => translator.literal(code, entry.body, place),
            (Kind::Created, Some(does)) => {
                translator.literal(code, entry.body, place);
                translator.call(code, does, place);
            }
            (Kind::Constant, _) => {
                translator.literal(code, entry.body, place);
                if let Some(second) = entry.second {
                    translator.literal(code, second, place);
                }
            }
            (Kind::Value | Kind::Structure, _) => {
                translator.use_local(code, Op::FetchAt, entry.body as i32, place);
            }
            (Kind::TwoValue, _) => {
                translator.literal(code, entry.body, place);
                code.push(Instr::new(Op::TwoFetch), place);
            }
            (Kind::Field, _) => {
                translator.literal(code, entry.body, place);
                translator.emit(code, Op::Add, place);
            }
        }
    }

    /// Runs an immediate word in the midst of a definition.
    fn execute_while_compiling(&mut self, index: usize) -> Result<()> {
        self.show_state();
        let enter = self.dictionary.get(index).enter as usize;
        self.run(enter)
    }

    /// Makes STATE true where a program can see it. While definitions are compiled without a word of the program running,
    /// nobody looks.
    pub(super) fn show_state(&mut self) {
        if !self.state_shown {
            self.state_shown = true;
            self.machine.memory.store(VAR_STATE, TRUE);
        }
    }

    /// Words are executed from now on.
    #[inline(always)]
    pub(super) fn stop_compiling(&mut self) {
        self.compiling = false;
        if self.state_shown {
            self.state_shown = false;
            self.machine.memory.store(VAR_STATE, 0);
        }
    }

    fn open_quotation(&mut self, token: Token) -> Result<()> {
        if self.dictionary.len() >= self.limits.dictionary_words as usize {
            return Err(text_error(CompileErrorKind::TooLarge, token));
        }
        let opened = self.translator.open_quotation(&mut self.code, token.start);
        opened.map_err(|kind| text_error(kind, token))?;
        let (_, enter) = self.add_unfinished(b"");
        self.code.instrs[enter as usize - 1].a = 1;
        self.translator.begin(&self.code, enter);
        Ok(())
    }

    fn close_quotation(&mut self, token: Token) -> Result<()> {
        let room = self.room();
        let closed = self.translator.close_quotation(&mut self.code, token.start, room);
        let enter = closed.map_err(|kind| text_error(kind, token))?;
        let xt = self.code.xt_of_enter(enter as usize);
        // It must not run before the definition around it is whole: that one may yet be given up, code and all.
        self.quotations.push((xt, enter));
        self.translator.literal(&mut self.code, TOKEN_BASE + xt as Cell, token.start);
        Ok(())
    }

    /// `[compile] name`: compiles a word that would otherwise act now.
    fn bracket_compile(&mut self, token: Token) -> Result<()> {
        let (found, named) = self.parse_word()?;
        match found {
            Found::User(index) => {
                let entry = *self.dictionary.get(index);
                self.translator.token();
                self.compile_entry(entry, token.start);
                Ok(())
            }
            Found::Word(word) if super::image::is_immediate(word) => {
                let cell = self.token_cell(found);
                self.translator.literal(&mut self.code, cell, token.start);
                self.translator.host(&mut self.code, Word::CompileComma, token.start);
                Ok(())
            }
            Found::Word(word) => self.compile_word(word, named),
        }
    }

    /// `compile,` as POSTPONE uses it: words that act while compiling act now.
    pub(super) fn compile_token(&mut self, cell: Cell) -> Result<()> {
        let done = self.compile_token_of(cell);
        if done.is_err() {
            self.drop_open();
        }
        done
    }

    fn compile_token_of(&mut self, cell: Cell) -> Result<()> {
        if self.open.is_none() {
            return Err(self.thrown(throw::COMPILE_ONLY));
        }
        let xt = cell.wrapping_sub(TOKEN_BASE);
        let place = self.input.at.saturating_sub(1);
        let token = Token { start: place, len: 0, key: 0 };
        if self.code.instrs.len() >= self.code_max() {
            return Err(text_error(CompileErrorKind::TooLarge, token));
        }
        match usize::try_from(xt).ok().filter(|xt| *xt < self.code.enters.len()) {
            Some(xt) if xt < WORDS.len() => self.compile_word(WORDS[xt].word, token),
            Some(xt) => {
                let entry = *self.dictionary.get(xt - WORDS.len());
                self.compile_entry(entry, place);
                Ok(())
            }
            None => Err(self.thrown(throw::INVALID_ADDRESS)),
        }
    }

    fn compile_postpone(&mut self, place: u32) -> Result<()> {
        let (found, _) = self.parse_word()?;
        match found {
            Found::User(index) if self.dictionary.get(index).immediate => {
                let enter = self.dictionary.get(index).enter;
                self.translator.call(&mut self.code, enter, place);
                return Ok(());
            }
            Found::Word(word) if super::image::acts_always(word) => {
                self.translator.host(&mut self.code, word, place);
                return Ok(());
            }
            _ => {}
        }
        let cell = self.token_cell(found);
        self.translator.literal(&mut self.code, cell, place);
        self.translator.host(&mut self.code, Word::CompileComma, place);
        Ok(())
    }

    fn compile_to(&mut self, place: u32) -> Result<()> {
        let token = self.next_token()?;
        if let Some(local) = self.local(token)? {
            self.translator.use_local(&mut self.code, Op::LocalSet, local, place);
            return Ok(());
        }
        let entry = self.changeable(token)?;
        if entry.kind == Kind::TwoValue {
            self.translator.literal(&mut self.code, entry.body, place);
            self.translator.emit(&mut self.code, Op::TwoStore, place);
        } else {
            self.translator.use_local(&mut self.code, Op::StoreAt, entry.body as i32, place);
        }
        Ok(())
    }

    /// The word that TO or IS is to change.
    pub(super) fn changeable(&self, token: Token) -> Result<Entry> {
        match self.search(token) {
            Some(Found::User(index)) => match self.dictionary.get(index) {
                entry if matches!(entry.kind, Kind::Value | Kind::TwoValue | Kind::Deferred) => Ok(*entry),
                _ => Err(text_error(CompileErrorKind::InvalidName, token)),
            },
            Some(Found::Word(_)) => Err(text_error(CompileErrorKind::InvalidName, token)),
            None => Err(text_error(CompileErrorKind::UndefinedWord, token)),
        }
    }

    /// `{: a b | c -- d :}`.
    fn compile_locals(&mut self, opening: Token) -> Result<()> {
        let mut names = Vec::new();
        let mut n_args = None;
        let mut in_comment = false;
        loop {
            let Some(token) = self.token_over_lines()? else {
                return Err(text_error(CompileErrorKind::Unterminated, opening));
            };
            match token.text(&self.machine.memory.text) {
                b":}" => break,
                _ if in_comment => {}
                b"--" => in_comment = true,
                b"|" => n_args = Some(names.len()),
                _ => names.push((token.key, token.start, token.len)),
            }
        }
        let n_zero = names.len() - n_args.unwrap_or(names.len());
        let declared = self.translator.declare_locals(&mut self.code, &names, n_zero, opening.start);
        declared.map_err(|kind| text_error(kind, opening))
    }

    /// `locals| a b |`: the first is the top of the stack.
    fn compile_locals_bar(&mut self, opening: Token) -> Result<()> {
        loop {
            let Some(token) = self.token_over_lines()? else {
                return Err(text_error(CompileErrorKind::Unterminated, opening));
            };
            if token.text(&self.machine.memory.text) == b"|" {
                let declared = self.translator.declare_pending(&mut self.code, opening.start);
                return declared.map_err(|kind| text_error(kind, opening));
            }
            let pended = self.translator.pend_local(token.key, token.start, token.len);
            pended.map_err(|kind| text_error(kind, token))?;
        }
    }

    /// `(local)`: what a word of the program that declares locals calls for each of them, and at the end.
    pub(super) fn paren_local(&mut self) -> Result<()> {
        let name = self.pop_string()?;
        if self.open.is_none() {
            return Err(self.thrown(throw::COMPILE_ONLY));
        }
        let place = self.input.at.saturating_sub(1);
        let here = Token { start: place, len: 0, key: 0 };
        let done = if name.is_empty() {
            self.translator.declare_pending(&mut self.code, place)
        } else {
            let source = &mut self.machine.memory.text;
            let start = source.len();
            if start + name.len() + lexer::PADDING > self.limits.source_bytes as usize {
                return Err(text_error(CompileErrorKind::TooLarge, here));
            }
            source.extend_from_slice(&name);
            source.extend_from_slice(&[b' '; lexer::PADDING]);
            self.translator.pend_local(lexer::folded(&name), start as u32, name.len() as u32)
        };
        done.map_err(|kind| text_error(kind, here))
    }

    fn compile_does(&mut self, token: Token) -> Result<()> {
        let room = self.room();
        let ended = self.translator.end_before_does(&mut self.code, token.start, room);
        ended.map_err(|kind| text_error(kind, token))?;
        // The code behind DOES> is found under the token of the word that has it.
        let xt = self.open.map_or(0, |open| (WORDS.len() + open.index) as u32);
        let enter = self.code.begin(xt, token.start);
        self.translator.hide_locals();
        self.translator.begin(&self.code, enter);
        Ok(())
    }

    fn compile_string(&mut self, token: Token) -> Result<()> {
        let range = self.parse_string(token)?;
        let text = self.machine.memory.text[range].to_vec();
        self.compile_bytes(&text, token.start)
    }

    fn compile_bytes(&mut self, text: &[u8], place: u32) -> Result<()> {
        let addr = self.machine.memory.append(text).map_err(|kind| self.trapped(kind))?;
        self.translator.literal(&mut self.code, addr, place);
        self.translator.literal(&mut self.code, text.len() as Cell, place);
        Ok(())
    }

    /// Opens a definition: header, and words are compiled from now on.
    #[inline(always)]
    pub(super) fn open_definition(&mut self, name: &[u8], bare: bool) -> Result<usize> {
        self.check_room_for_word()?;
        let code = self.code.mark();
        let (index, enter) = self.add_unfinished(name);
        self.translator.begin_outermost(&self.code, enter);
        self.open = Some(Open { index, code, bare });
        self.compiling = true;
        Ok(index)
    }

    /// Ends the definition and lets it be found.
    #[inline(always)]
    pub(super) fn close_definition(&mut self, place: u32) -> Result<()> {
        let Some(open) = self.open else { return Err(self.thrown(throw::CONTROL_MISMATCH)) };
        if self.translator.in_quotation() {
            return Err(Stop::Text {
                kind: CompileErrorKind::UnclosedControl,
                place,
                len: (!open.bare) as u32,
            });
        }
        let room = self.room();
        self.translator.finish(&mut self.code, place, room).map_err(|kind| Stop::Text {
            kind,
            place,
            len: (!open.bare) as u32,
        })?;
        self.code.enters[WORDS.len() + open.index] = self.dictionary.reveal_to(open.index, place);
        if !self.quotations.is_empty() {
            for (xt, enter) in self.quotations.drain(..) {
                self.code.enters[xt as usize] = enter;
            }
        }
        self.latest = Some(open.index);
        self.open = None;
        self.stop_compiling();
        Ok(())
    }

    /// Adds a word whose code begins here. It has a token at once, and a name when it is revealed.
    #[inline(always)]
    pub(super) fn add_word(&mut self, name: &[u8], kind: Kind, body: Cell) -> usize {
        let (index, enter) = self.begin_word(name, kind, body);
        self.code.enters.push(enter);
        index
    }

    /// The same for a word whose token must not be executed yet, as its code is not whole. Says where its `Enter` is, too.
    #[inline(always)]
    fn add_unfinished(&mut self, name: &[u8]) -> (usize, u32) {
        let (index, enter) = self.begin_word(name, Kind::Colon, 0);
        self.code.enters.push(self.unfinished);
        (index, enter)
    }

    #[inline(always)]
    fn begin_word(&mut self, name: &[u8], kind: Kind, body: Cell) -> (usize, u32) {
        let xt = (WORDS.len() + self.dictionary.len()) as u32;
        let place = self.input.at.min(self.input.end);
        let enter = self.code.begin(xt, place);
        if !self.labels.is_empty() {
            self.labels.push(super::shadow::label(name));
        }
        let (wordlist, origin) = (self.system.order.current, self.origin);
        let mut entry = Entry::of(kind);
        (entry.wordlist, entry.origin, entry.text) = (wordlist, origin, (place, place));
        (entry.enter, entry.body) = (enter, body);
        (self.dictionary.add(name, entry), enter)
    }

    #[inline(always)]
    pub(super) fn check_room_for_word(&self) -> Result<()> {
        if self.open.is_some() {
            return Err(self.thrown(throw::COMPILER_NESTING));
        }
        if self.dictionary.len() >= self.limits.dictionary_words as usize
            || self.code.instrs.len() >= self.code_max()
        {
            return Err(self.thrown(throw::DICTIONARY_OVERFLOW));
        }
        Ok(())
    }

    #[inline(always)]
    fn code_max(&self) -> usize {
        self.limits.code_ops as usize + self.image_code_len()
    }

    /// The name that a defining word reads.
    pub(super) fn parse_name(&mut self) -> Result<Token> {
        let token = self.next_token()?;
        match name_error(token.text(&self.machine.memory.text)) {
            Some(kind) => Err(text_error(kind, token)),
            None => Ok(token),
        }
    }

    pub(super) fn next_token(&mut self) -> Result<Token> {
        let end = self.input.end;
        self.input.next(&self.machine.memory.text).ok_or(Stop::Text {
            kind: CompileErrorKind::MissingName,
            place: end,
            len: 0,
        })
    }

    /// The word that the next token names.
    pub(super) fn parse_word(&mut self) -> Result<(Found, Token)> {
        let token = self.next_token()?;
        match self.search(token) {
            Some(found) => Ok((found, token)),
            None => Err(text_error(CompileErrorKind::UndefinedWord, token)),
        }
    }

    pub(super) fn parse_char(&mut self) -> Result<Cell> {
        let token = self.next_token()?;
        let text = token.text(&self.machine.memory.text);
        let first = text.utf8_chunks().next().and_then(|chunk| chunk.valid().chars().next());
        // A byte that begins no character stands for itself.
        Ok(first.map_or_else(|| text.first().map_or(0, |byte| *byte as Cell), |c| c as Cell))
    }

    /// The text up to a quote.
    pub(super) fn parse_string(&mut self, opening: Token) -> Result<std::ops::Range<usize>> {
        match self.input.parse(&self.machine.memory.text, b'"') {
            (range, true) => Ok(range),
            (_, false) => Err(text_error(CompileErrorKind::Unterminated, opening)),
        }
    }

    /// What a program sees as the execution token.
    pub(super) fn token_cell(&self, found: Found) -> Cell {
        TOKEN_BASE
            + match found {
                Found::Word(word) => word as Cell,
                Found::User(index) => (WORDS.len() + index) as Cell,
            }
    }

    pub(super) fn pop(&mut self) -> Result<Cell> {
        self.machine.pop().map_err(|kind| self.trapped(kind))
    }

    pub(super) fn push(&mut self, value: Cell) -> Result<()> {
        self.machine.push(value).map_err(|kind| self.trapped(kind))
    }

    /// A trap of a word that the host does, at the instruction that asked for it.
    pub(super) fn trapped(&self, kind: TrapKind) -> Stop {
        Stop::Trap(Trap { kind, at: (self.machine.ip as u32).saturating_sub(1) })
    }

    pub(super) fn thrown(&self, code: Cell) -> Stop {
        self.trapped(TrapKind::Throw(code))
    }
}

/// An error at a token.
pub(super) fn text_error(kind: CompileErrorKind, token: Token) -> Stop {
    Stop::Text { kind, place: token.start, len: token.len }
}
