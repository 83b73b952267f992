//! The text interpreter and compiler.

use super::words::split;
use super::*;

/// A number as text has it, in one cell or two; an error where it has too many digits.
fn number(text: &str, base: u32) -> Option<Result<Vec<Cell>, ()>> {
    if let Some(inner) = text.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
        let mut chars = inner.chars();
        let first = chars.next()?;
        return chars.next().is_none().then_some(Ok(vec![first as Cell]));
    }
    let mut rest = text;
    let mut negative = false;
    let mut has_sign = false;
    let mut base = base;
    for _ in 0..2 {
        if let (false, Some(behind)) = (has_sign, rest.strip_prefix(['-', '+'])) {
            (negative, has_sign) = (rest.starts_with('-'), true);
            rest = behind;
        }
        if let Some((prefixed, behind)) = [("#", 10), ("$", 16), ("%", 2)]
            .iter()
            .find_map(|(prefix, base)| rest.strip_prefix(prefix).map(|behind| (*base, behind)))
            && rest.len() == text.len() - has_sign as usize
        {
            base = prefixed;
            rest = behind;
        }
    }
    let double = rest.len() > 1 && rest.ends_with('.');
    let rest = if double { &rest[..rest.len() - 1] } else { rest };
    if rest.is_empty() {
        return None;
    }
    let mut value: Option<u128> = Some(0);
    for c in rest.chars() {
        let digit = c.to_digit(36).filter(|digit| *digit < base)?;
        value = value.and_then(|v| v.checked_mul(base as u128)?.checked_add(digit as u128));
    }
    let max = match (double, negative) {
        (true, _) => u128::MAX,
        (false, false) => u64::MAX as u128,
        (false, true) => 1 << 63,
    };
    let Some(value) = value.filter(|value| *value <= max) else { return Some(Err(())) };
    let value = if negative { (value as i128).wrapping_neg() } else { value as i128 };
    Some(Ok(if double { split(value) } else { vec![value as Cell] }))
}

fn cost_of(tokens: i64) -> i64 {
    1 + tokens / 32
}

/// Texts that are wrong.
pub(super) const UNDEFINED: Cell = -13;
pub(super) const MISSING_NAME: Cell = -16;
pub(super) const TOO_LARGE: Cell = -24;

impl Reference {
    /// Reads the source to its end.
    pub(super) fn interpret(&mut self) -> Run {
        while let Some(token) = self.next_token() {
            let done = if self.compiling { self.compile(&token) } else { self.interpret_token(&token) };
            if let Err(stop) = done {
                self.drop_open();
                return Err(stop);
            }
        }
        Ok(())
    }

    /// Gives up the definition, and all that came after it.
    pub(super) fn drop_open(&mut self) {
        if let Some(outermost) = self.definitions.first() {
            self.entries.truncate(outermost.entry);
            self.definitions.clear();
        }
        self.compiling = false;
    }

    pub(super) fn next_token(&mut self) -> Option<String> {
        let Source { text, at, .. } = &mut self.source;
        while *at < text.len() && text[*at] <= b' ' {
            *at += 1;
        }
        let start = *at;
        while *at < text.len() && text[*at] > b' ' {
            *at += 1;
        }
        let token = &text[start..*at];
        // The space behind it goes with it.
        *at = (*at + 1).min(text.len());
        (!token.is_empty()).then(|| String::from_utf8_lossy(token).into_owned())
    }

    pub(super) fn parse(&mut self, delimiter: u8) -> (usize, usize, bool) {
        let Source { text, at, .. } = &mut self.source;
        let start = *at;
        let len = text[start..].iter().position(|byte| *byte == delimiter);
        let end = len.map_or(text.len(), |len| start + len);
        *at = (end + 1).min(text.len());
        (start, end, len.is_some())
    }

    pub(super) fn parse_to(&mut self, delimiter: u8) -> Run<Vec<u8>> {
        match self.parse(delimiter) {
            (start, end, true) => Ok(self.source.text[start..end].to_vec()),
            _ => self.throw(UNEXPECTED_END),
        }
    }

    /// Text with escapes.
    pub(super) fn parse_escaped(&mut self) -> Run<Vec<u8>> {
        let mut bytes = Vec::new();
        loop {
            let byte = self.next_byte()?;
            match byte {
                b'"' => return Ok(bytes),
                b'\\' => match self.next_byte()? {
                    b't' => bytes.push(9),
                    b'n' => bytes.push(10),
                    b'q' => bytes.push(b'"'),
                    b'x' => {
                        let digits = [self.next_byte()?, self.next_byte()?];
                        let digits = String::from_utf8_lossy(&digits).into_owned();
                        bytes.push(u8::from_str_radix(&digits, 16).expect("two digits"));
                    }
                    other => bytes.push(other),
                },
                other => bytes.push(other),
            }
        }
    }

    pub(super) fn next_byte(&mut self) -> Run<u8> {
        let byte = self.source.text.get(self.source.at).copied();
        self.source.at += 1;
        self.or(byte, UNEXPECTED_END)
    }

    pub(super) fn name_token(&mut self) -> Run<String> {
        let token = self.next_token();
        self.or(token, MISSING_NAME)
    }

    pub(super) fn named_word(&mut self) -> Run<Token> {
        let name = self.name_token()?;
        let found = self.find(&name);
        self.or(found, UNDEFINED)
    }

    /// The word that a name means, along the search order.
    pub(super) fn find(&self, name: &str) -> Option<Token> {
        self.order.iter().rev().find_map(|list| self.find_in(name, *list))
    }

    pub(super) fn find_in(&self, name: &str, list: usize) -> Option<Token> {
        let is_it = |entry: &Entry| {
            !entry.hidden && entry.list == list && entry.name.eq_ignore_ascii_case(name) && !name.is_empty()
        };
        match self.entries.iter().rposition(is_it) {
            Some(index) => match self.entries[index].kind {
                Kind::Synonym(token) => Some(token),
                _ => Some(Token::Program(index)),
            },
            None if list == 0 => lookup(name.as_bytes()).map(Token::System),
            None => None,
        }
    }

    pub(super) fn is_immediate(&self, token: Token) -> bool {
        match token {
            Token::System(word) => is_immediate(word),
            Token::Program(index) => self.entries[index].immediate,
        }
    }

    pub(super) fn interpret_token(&mut self, name: &str) -> Run {
        match self.find(name) {
            Some(Token::System(Word::Paren)) => self.parse_to(b')').map(|_| ()),
            Some(Token::System(Word::Backslash)) => {
                self.parse(b'\n');
                Ok(())
            }
            Some(token) => self.run(token),
            None => {
                let values = self.number(name)?;
                self.push_all(&values)
            }
        }
    }

    /// Runs a word that may look at STATE and >IN, and change the latter.
    pub(super) fn run(&mut self, token: Token) -> Run {
        self.show_source();
        let done = self.call(token);
        self.take_source();
        done
    }

    pub(super) fn show_source(&mut self) {
        self.store(STATE, if self.compiling { -1 } else { 0 });
        self.store(TO_IN, self.source.at as Cell);
    }

    pub(super) fn take_source(&mut self) {
        let at = self.fetch(TO_IN).unwrap();
        self.source.at = at.clamp(0, self.source.text.len() as Cell) as usize;
    }

    pub(super) fn number(&mut self, name: &str) -> Run<Vec<Cell>> {
        let base = self.base()? as u32;
        match number(name, base) {
            Some(Ok(values)) => Ok(values),
            Some(Err(())) => self.throw(TOO_LARGE),
            None => self.throw(UNDEFINED),
        }
    }

    // Compiling

    pub(super) fn definition(&mut self) -> &mut Definition {
        self.definitions.last_mut().expect("a definition is open")
    }

    pub(super) fn compile(&mut self, name: &str) -> Run {
        name.clone_into(&mut self.token);
        let locals = &self.definition().locals;
        if let Some(k) = locals.iter().rposition(|local| local.eq_ignore_ascii_case(name)) {
            self.definition().tokens += 1;
            self.add(Step::Local(k));
            return Ok(());
        }
        match self.find(name) {
            Some(Token::System(word)) => self.compile_word(word),
            Some(Token::Program(index)) if self.entries[index].immediate => self.run(Token::Program(index)),
            Some(Token::Program(index)) => {
                self.definition().tokens += 1;
                self.compile_program(index);
                Ok(())
            }
            None => {
                let values = self.number(name)?;
                self.definition().tokens += 1;
                values.iter().for_each(|value| self.add(Step::Push(*value)));
                Ok(())
            }
        }
    }

    pub(super) fn add(&mut self, step: Step) {
        let token = self.token.clone();
        self.definition().steps.push((step, token));
    }

    pub(super) fn at(&mut self) -> usize {
        self.definition().steps.len()
    }

    pub(super) fn compile_program(&mut self, index: usize) {
        let entry = self.entries[index].clone();
        match entry.kind {
            Kind::Colon => self.add(Step::Call(entry.body)),
            Kind::Created { addr, does } => {
                self.add(Step::Push(addr));
                if let Some(does) = does {
                    self.add(Step::Call(does));
                }
            }
            Kind::Constant(values) => values.iter().for_each(|value| self.add(Step::Push(*value))),
            Kind::Value(addr) => {
                self.add(Step::Push(addr));
                self.add(Step::Do("@"));
            }
            Kind::TwoValue(addr) => {
                self.add(Step::Push(addr));
                self.add(Step::Do("2@"));
            }
            Kind::Field(offset) => {
                self.add(Step::Push(offset));
                self.add(Step::Do("+"));
            }
            Kind::Deferred(_) | Kind::Synonym(_) | Kind::Marker { .. } => {
                self.add(Step::Push(Self::cell_of(Token::Program(index))));
                self.add(Step::Do("execute"));
            }
        }
    }

    /// A word of the system in a definition.
    pub(super) fn compile_word(&mut self, word: Word) -> Run {
        self.definition().tokens += 1;
        let name = word.name();
        if !is_immediate(word) {
            self.add(Step::Do(name));
            return Ok(());
        }
        match name {
            ";" if self.definition().bare => self.throw(COMPILER_NESTING),
            ";" => self.close(),
            "s\"" => {
                let text = self.parse_to(b'"')?;
                self.compile_text(&text)
            }
            "s\\\"" => {
                let text = self.parse_escaped()?;
                self.compile_text(&text)
            }
            "c\"" => {
                let mut text = self.parse_to(b'"')?;
                text.insert(0, text.len() as u8);
                let addr = self.append(&text)?;
                self.add(Step::Push(addr));
                Ok(())
            }
            ".\"" => {
                let text = self.parse_to(b'"')?;
                self.compile_text(&text)?;
                self.definition().tokens += 1;
                self.add(Step::Do("type"));
                Ok(())
            }
            "sliteral" => {
                let text = self.pop_string()?;
                self.compile_text(&text)
            }
            "abort\"" => {
                let text = self.parse_to(b'"')?;
                let at = self.at();
                self.add(Step::JumpIfZero(at + 3));
                // The message costs what it is long; nobody sees where it lies.
                self.add(Step::Push(MEMORY));
                self.add(Step::Push(text.len() as Cell));
                self.add(Step::Do(" abort"));
                let at = self.at();
                self.mend(at - 4);
                Ok(())
            }
            "[char]" => {
                let c = self.parse_char()?;
                self.add(Step::Push(c));
                Ok(())
            }
            "[']" => {
                let token = self.named_word()?;
                self.add(Step::Push(Self::cell_of(token)));
                Ok(())
            }
            "literal" => {
                let value = self.pop()?;
                self.add(Step::Push(value));
                Ok(())
            }
            "2literal" => {
                let (high, low) = (self.pop()?, self.pop()?);
                self.add(Step::Push(low));
                self.add(Step::Push(high));
                Ok(())
            }
            "to" | "is" => self.compile_to(),
            "action-of" => {
                let addr = match self.changeable()? {
                    Kind::Deferred(addr) => addr,
                    _ => return self.throw(INVALID_NAME),
                };
                self.add(Step::Push(addr));
                self.add(Step::Do("@"));
                Ok(())
            }
            "postpone" => {
                let token = self.named_word()?;
                match token {
                    Token::Program(index) if self.entries[index].immediate => {
                        let body = self.entries[index].body;
                        self.add(Step::Call(body));
                    }
                    Token::System(word) if acts_always(word) => self.add(Step::Do(word.name())),
                    token => {
                        self.add(Step::Push(Self::cell_of(token)));
                        self.add(Step::Do("compile,"));
                    }
                }
                Ok(())
            }
            "[compile]" => match self.named_word()? {
                Token::Program(index) => {
                    self.definition().tokens += 1;
                    self.compile_program(index);
                    Ok(())
                }
                Token::System(word) if is_immediate(word) => {
                    self.add(Step::Push(Self::cell_of(Token::System(word))));
                    self.add(Step::Do("compile,"));
                    Ok(())
                }
                Token::System(word) => self.compile_word(word),
            },
            "{:" => self.compile_locals(),
            "locals|" => {
                let mut names = Vec::new();
                loop {
                    let Some(name) = self.next_token() else { return self.throw(UNEXPECTED_END) };
                    match &*name {
                        "|" => break,
                        _ => names.insert(0, name),
                    }
                }
                self.declare_locals(names, 0);
                Ok(())
            }
            "does>" => self.compile_does(),
            "[:" => {
                let entry = self.add_entry("", Kind::Colon);
                self.begin(entry, false);
                Ok(())
            }
            ";]" => {
                if self.definitions.len() < 2 {
                    return self.throw(CONTROL_MISMATCH);
                }
                let entry = self.finish()?;
                self.add(Step::Push(Self::cell_of(Token::Program(entry))));
                Ok(())
            }
            _ if acts_always(word) => self.read_on(name),
            _ => self.control(name),
        }
    }

    pub(super) fn compile_text(&mut self, text: &[u8]) -> Run {
        let addr = self.append(text)?;
        self.add(Step::Push(addr));
        self.add(Step::Push(text.len() as Cell));
        Ok(())
    }

    pub(super) fn parse_char(&mut self) -> Run<Cell> {
        let name = self.name_token()?;
        Ok(name.chars().next().unwrap() as Cell)
    }

    /// What TO and IS change.
    pub(super) fn changeable(&mut self) -> Run<Kind> {
        match self.named_word()? {
            Token::Program(index) => match self.entries[index].kind.clone() {
                kind @ (Kind::Value(_) | Kind::TwoValue(_) | Kind::Deferred(_)) => Ok(kind),
                _ => self.throw(INVALID_NAME),
            },
            Token::System(_) => self.throw(INVALID_NAME),
        }
    }

    pub(super) fn compile_to(&mut self) -> Run {
        let before = self.source.at;
        let name = self.name_token()?;
        let locals = &self.definition().locals;
        if let Some(k) = locals.iter().rposition(|local| local.eq_ignore_ascii_case(&name)) {
            self.add(Step::ToLocal(k));
            return Ok(());
        }
        self.source.at = before;
        match self.changeable()? {
            Kind::TwoValue(addr) => {
                self.add(Step::Push(addr));
                self.add(Step::Do("2!"));
            }
            Kind::Value(addr) | Kind::Deferred(addr) => {
                self.add(Step::Push(addr));
                self.add(Step::Do("!"));
            }
            _ => unreachable!("it can be changed"),
        }
        Ok(())
    }

    pub(super) fn compile_locals(&mut self) -> Run {
        let (mut names, mut n_zero, mut part) = (Vec::new(), 0, 0);
        loop {
            let Some(name) = self.next_token() else { return self.throw(UNEXPECTED_END) };
            match &*name {
                ":}" => break,
                _ if part == 2 => {}
                "--" => part = 2,
                "|" => part = 1,
                _ => {
                    names.push(name);
                    n_zero += part;
                }
            }
        }
        self.declare_locals(names, n_zero);
        Ok(())
    }

    pub(super) fn declare_locals(&mut self, names: Vec<String>, n_zero: usize) {
        let before = self.definition().locals.len();
        (0..n_zero).for_each(|_| self.add(Step::Push(0)));
        self.add(Step::Locals { n: names.len(), before });
        self.definition().locals.extend(names);
    }

    // Control flow

    pub(super) fn mend(&mut self, jump: usize) {
        let here = self.at();
        match &mut self.definition().steps[jump].0 {
            Step::Jump(to) | Step::JumpIfZero(to) | Step::Of(to) | Step::Begin(Some(to)) => *to = here,
            step => unreachable!("{step:?} jumps nowhere"),
        }
    }

    pub(super) fn pop_control(&mut self) -> Run<Control> {
        let item = self.definition().control.pop();
        self.or(item, CONTROL_MISMATCH)
    }

    pub(super) fn pop_orig(&mut self) -> Run<usize> {
        match self.pop_control()? {
            Control::Orig(jump) => Ok(jump),
            _ => self.throw(CONTROL_MISMATCH),
        }
    }

    pub(super) fn pop_dest(&mut self) -> Run<(usize, i64)> {
        match self.pop_control()? {
            Control::Dest { at, tokens } => Ok((at, cost_of(self.definition().tokens - tokens))),
            _ => self.throw(CONTROL_MISMATCH),
        }
    }

    pub(super) fn push_control(&mut self, item: Control) {
        self.definition().control.push(item);
    }

    pub(super) fn control(&mut self, name: &'static str) -> Run {
        let at = self.at();
        let tokens = self.definition().tokens;
        match name {
            "if" | "of" => {
                self.add(if name == "if" { Step::JumpIfZero(0) } else { Step::Of(0) });
                self.push_control(Control::Orig(at));
            }
            "ahead" => {
                self.add(Step::Jump(0));
                self.push_control(Control::Orig(at));
            }
            "then" => {
                let jump = self.pop_orig()?;
                self.mend(jump);
            }
            "else" | "endof" => {
                let before = self.pop_orig()?;
                self.add(Step::Jump(0));
                self.mend(before);
                self.push_control(if name == "else" { Control::Orig(at) } else { Control::EndOf(at) });
            }
            "begin" => self.push_control(Control::Dest { at, tokens }),
            "while" => {
                let below = self.pop_control()?;
                self.add(Step::JumpIfZero(0));
                self.push_control(Control::Orig(at));
                self.push_control(below);
            }
            "repeat" => {
                let (to, cost) = self.pop_dest()?;
                let jump = self.pop_orig()?;
                self.add(Step::JumpBack(to, cost));
                self.mend(jump);
            }
            "until" => {
                let (to, cost) = self.pop_dest()?;
                self.add(Step::JumpBackIfZero(to, cost));
            }
            "again" => {
                let (to, cost) = self.pop_dest()?;
                self.add(Step::JumpBack(to, cost));
            }
            "do" | "?do" => {
                let question = name == "?do";
                self.add(Step::Begin(question.then_some(0)));
                self.push_control(Control::Loop { at: at + 1, tokens, question });
                self.definition().leaves.push(Vec::new());
            }
            "loop" | "+loop" => {
                let Control::Loop { at: to, tokens: before, question } = self.pop_control()? else {
                    return self.throw(CONTROL_MISMATCH);
                };
                self.add(Step::Again { plus: name == "+loop", to, cost: cost_of(tokens - before) });
                if question {
                    self.mend(to - 1);
                }
                let leaves = self.definition().leaves.pop().unwrap();
                leaves.into_iter().for_each(|jump| self.mend(jump));
            }
            "leave" => {
                if self.definition().leaves.is_empty() {
                    return self.throw(CONTROL_MISMATCH);
                }
                self.add(Step::Unloop);
                self.add(Step::Jump(0));
                self.definition().leaves.last_mut().unwrap().push(at + 1);
            }
            "exit" => self.add_return("exit"),
            "recurse" => {
                let body = self.definition().body;
                self.add(Step::Call(body));
            }
            "case" => self.push_control(Control::Case),
            "endcase" => {
                self.add(Step::Do("drop"));
                loop {
                    match self.pop_control()? {
                        Control::EndOf(jump) => self.mend(jump),
                        Control::Case => return Ok(()),
                        _ => return self.throw(CONTROL_MISMATCH),
                    }
                }
            }
            _ => return self.throw(COMPILE_ONLY),
        }
        Ok(())
    }

    pub(super) fn add_return(&mut self, word: &'static str) {
        let n_locals = self.definition().locals.len();
        self.add(Step::Return { n_locals, word });
    }

    pub(super) fn compile_does(&mut self) -> Run {
        if self.definitions.len() > 1 {
            return self.throw(CONTROL_MISMATCH);
        }
        let entry = self.definition().entry;
        let does = self.bodies.len();
        self.add(Step::SetDoes(does));
        self.finish_body()?;
        self.bodies.push(Rc::default());
        *self.definition() = Definition { entry, body: does, ..Definition::default() };
        Ok(())
    }

    // Definitions

    pub(super) fn check_room(&mut self) -> Run {
        if self.definitions.is_empty() { Ok(()) } else { self.throw(COMPILER_NESTING) }
    }

    pub(super) fn add_entry(&mut self, name: &str, kind: Kind) -> usize {
        let body = self.bodies.len();
        if let Kind::Colon = kind {
            self.bodies.push(Rc::default());
        }
        let entry = Entry {
            name: name.into(),
            list: self.current,
            hidden: matches!(kind, Kind::Colon),
            immediate: false,
            kind,
            body,
        };
        self.entries.push(entry);
        self.entries.len() - 1
    }

    pub(super) fn begin(&mut self, entry: usize, bare: bool) {
        let body = self.entries[entry].body;
        self.definitions.push(Definition { entry, body, bare, ..Definition::default() });
        self.compiling = true;
    }

    pub(super) fn open(&mut self, name: &str, bare: bool) -> usize {
        let entry = self.add_entry(name, Kind::Colon);
        self.begin(entry, bare);
        entry
    }

    /// Ends the outermost definition and lets it be found.
    pub(super) fn close(&mut self) -> Run {
        if self.definitions.len() > 1 {
            return self.throw(CONTROL_MISMATCH);
        }
        let entry = self.finish()?;
        self.entries[entry].hidden = false;
        self.latest = Some(entry);
        self.compiling = false;
        Ok(())
    }

    /// Ends the body of the innermost definition; where it lies.
    pub(super) fn finish_body(&mut self) -> Run<usize> {
        if !self.definition().control.is_empty() {
            return self.throw(CONTROL_MISMATCH);
        }
        self.add_return("return");
        let definition = self.definition();
        let (body, cost) = (definition.body, cost_of(definition.tokens));
        let steps = std::mem::take(&mut definition.steps);
        self.bodies[body] = Rc::new(Body { steps, cost });
        Ok(body)
    }

    pub(super) fn finish(&mut self) -> Run<usize> {
        self.finish_body()?;
        Ok(self.definitions.pop().unwrap().entry)
    }

    /// Makes a word that is no colon definition.
    pub(super) fn make(&mut self, name: &str, kind: Kind) -> Run<usize> {
        let entry = self.add_entry(name, kind);
        self.latest = Some(entry);
        Ok(entry)
    }

    pub(super) fn create(&mut self, n_bytes: Cell) -> Run {
        self.check_room()?;
        let name = self.name_token()?;
        self.align()?;
        let addr = self.here;
        self.allot(n_bytes)?;
        self.make(&name, Kind::Created { addr, does: None }).map(|_| ())
    }

    /// Cells at HERE, aligned.
    pub(super) fn place_cells(&mut self, cells: &[Cell]) -> Run<Cell> {
        self.align()?;
        let addr = self.here;
        cells.iter().try_for_each(|cell| self.comma(*cell))?;
        Ok(addr)
    }

    /// A step of compiled code that is a word which acts while compiling.
    pub(super) fn do_immediate(&mut self, word: Word) -> Run {
        if !self.compiling {
            return self.system(word.name());
        }
        self.take_source();
        let done = self.compile_word(word);
        if done.is_err() {
            self.drop_open();
        }
        self.show_source();
        done
    }
}
