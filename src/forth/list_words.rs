//! Words about words: search order and word lists (Forth 2012, section 16), name tokens, FIND, WORDS, SEE, MARKER.

use super::code::TOKEN_BASE;
use super::dictionary::{HIDDEN, Kind};
use super::engine::Engine;
use super::error::Stop;
use super::image::{acts_always, is_immediate};
use super::interpreter::Found;
use super::lexer::folded;
use super::order::{self, SearchOrder};
use super::prims;
use super::system::Marker;
use super::translator::is_control;
use super::trap::throw;
use super::words::{self, WORDS, Word};
use crate::model::{Cell, FALSE, TRUE};

type Result<T> = std::result::Result<T, Stop>;

/// Name tokens are seen by programs as numbers from here on.
const NAME_BASE: Cell = 0x5000_0000_0000;

impl Engine {
    /// Finds a name along the search order, by the word that it names, without looking behind SYNONYM.
    pub(super) fn search_order(&self, key: words::NameKey, name: &[u8]) -> Option<Found> {
        self.system.order.lists().iter().rev().find_map(|list| self.search_list(key, name, *list))
    }

    /// Finds a name in one word list.
    pub(super) fn search_list(&self, key: words::NameKey, name: &[u8], list: u16) -> Option<Found> {
        if let Some(index) = self.dictionary.find(key, name, list) {
            return Some(Found::User(index));
        }
        let word = match list {
            order::FORTH => words::lookup(name),
            order::ROOT => words::lookup(name).filter(|word| order::is_root(*word)),
            _ => None,
        };
        word.map(Found::Word)
    }

    fn found_in_order(&self, name: &[u8]) -> Option<Found> {
        self.search_order(folded(name), name).map(|found| self.meant(found))
    }

    fn is_immediate(&self, found: Found) -> bool {
        match found {
            Found::Word(word) => is_immediate(word),
            Found::User(index) => self.dictionary.get(index).immediate,
        }
    }

    fn order_error<T>(&self, done: std::result::Result<T, Cell>) -> Result<T> {
        done.map_err(|code| self.thrown(code))
    }

    /// A word about word lists.
    pub(super) fn order_word(&mut self, word: Word) -> Result<()> {
        match word {
            Word::WordlistWord => {
                let list = self.system_mut().order.add();
                let list = self.order_error(list)?;
                self.push(SearchOrder::cell_of(list))
            }
            Word::ForthWordlist => self.push(SearchOrder::cell_of(order::FORTH)),
            Word::GetCurrent => self.push(SearchOrder::cell_of(self.system.order.current)),
            Word::SetCurrent => {
                let cell = self.pop()?;
                let list = self.order_error(self.system.order.list_of(cell))?;
                self.system_mut().order.current = list;
                Ok(())
            }
            Word::Definitions => {
                let list = self.order_error(self.system.order.first())?;
                self.system_mut().order.current = list;
                Ok(())
            }
            Word::GetOrder => {
                let order = self.system.order;
                for list in order.lists() {
                    self.push(SearchOrder::cell_of(*list))?;
                }
                self.push(order.lists().len() as Cell)
            }
            Word::SetOrder => self.set_order(),
            Word::Only => {
                self.system_mut().order.only();
                Ok(())
            }
            Word::Also => {
                let done = self.system_mut().order.also();
                self.order_error(done)
            }
            Word::Previous => {
                let done = self.system_mut().order.previous();
                self.order_error(done)
            }
            Word::Forth => {
                let done = self.system_mut().order.forth();
                self.order_error(done)
            }
            Word::Order => self.print_order(),
            Word::SearchWordlist => {
                let list = self.pop_list()?;
                let name = self.pop_string()?;
                let found = self.search_list(folded(&name), &name, list).map(|found| self.meant(found));
                self.push_found(found, None)
            }
            _ => self.name_word(word),
        }
    }

    fn set_order(&mut self) -> Result<()> {
        let n = self.pop()?;
        if n == -1 {
            self.system_mut().order.only();
            return Ok(());
        }
        let n = usize::try_from(n).map_err(|_| self.thrown(throw::ORDER_UNDERFLOW))?;
        if n > order::ORDER_MAX {
            return Err(self.thrown(throw::ORDER_OVERFLOW));
        }
        let mut lists = [0; order::ORDER_MAX];
        for at in (0..n).rev() {
            lists[at] = self.pop_list()?;
        }
        let done = self.system_mut().order.set(&lists[..n]);
        self.order_error(done)
    }

    fn pop_list(&mut self) -> Result<u16> {
        let cell = self.pop()?;
        self.order_error(self.system.order.list_of(cell))
    }

    fn print_order(&mut self) -> Result<()> {
        let order = self.system.order;
        let mut text = String::from("searched:");
        for list in order.lists().iter().rev() {
            text.push(' ');
            text.push_str(&list_name(*list));
        }
        text.push_str("  new words: ");
        text.push_str(&list_name(order.current));
        text.push('\n');
        self.print(&text)
    }

    /// FIND and the words on name tokens.
    fn name_word(&mut self, word: Word) -> Result<()> {
        match word {
            Word::Find => {
                let addr = self.pop()?;
                let len = self.machine.memory.fetch_byte(addr);
                let len = len.ok_or_else(|| self.thrown(throw::INVALID_ADDRESS))?;
                let name = self.machine.memory.string(addr + 1, len as Cell).map(<[u8]>::to_vec);
                let name = name.map_err(|kind| self.trapped(kind))?;
                let found = self.found_in_order(&name);
                self.push_found(found, Some(addr))
            }
            Word::TraverseWordlist => self.traverse(),
            Word::NameToString => {
                let found = self.pop_name()?;
                let name = self.raw_name(found).to_vec();
                self.keep_bytes(&name)
            }
            Word::NameToInterpret => {
                let found = self.pop_name()?;
                let found = self.meant(found);
                let xt = match found {
                    Found::Word(word) if is_control(word) || super::image::is_compile_only(word) => 0,
                    found => self.token_cell(found),
                };
                self.push(xt)
            }
            Word::NameToCompile => {
                let found = self.pop_name()?;
                let found = self.meant(found);
                self.push(self.token_cell(found))?;
                // COMPILE, does for a word of the system whatever it does while compiling.
                let by = match found {
                    Found::User(index) if self.dictionary.get(index).immediate => Word::Execute,
                    Found::Word(word) if acts_always(word) => Word::Execute,
                    _ => Word::CompileComma,
                };
                self.push(self.token_cell(Found::Word(by)))
            }
            Word::Words => self.print_words(),
            _ => self.see(),
        }
    }

    /// What FIND (with the address to give back) and SEARCH-WORDLIST leave.
    fn push_found(&mut self, found: Option<Found>, addr: Option<Cell>) -> Result<()> {
        match (found, addr) {
            (Some(found), _) => {
                self.push(self.token_cell(found))?;
                self.push(if self.is_immediate(found) { 1 } else { -1 })
            }
            (None, Some(addr)) => {
                self.push(addr)?;
                self.push(0)
            }
            (None, None) => self.push(0),
        }
    }

    fn name_cell(&self, found: Found) -> Cell {
        self.token_cell(found) - TOKEN_BASE + NAME_BASE
    }

    fn pop_name(&mut self) -> Result<Found> {
        let cell = self.pop()?;
        let number = usize::try_from(cell.wrapping_sub(NAME_BASE)).unwrap_or(usize::MAX);
        match number.checked_sub(WORDS.len()) {
            None => Ok(Found::Word(WORDS[number].word)),
            Some(index) if index < self.dictionary.len() => Ok(Found::User(index)),
            Some(_) => Err(self.thrown(throw::INVALID_NAME)),
        }
    }

    fn raw_name(&self, found: Found) -> &[u8] {
        match found {
            Found::Word(word) => word.name().as_bytes(),
            Found::User(index) => self.dictionary.name(index),
        }
    }

    /// The words of a list, newest first.
    fn words_of(&self, list: u16) -> Vec<Found> {
        let mut found: Vec<Found> = (0..self.dictionary.len())
            .rev()
            .filter(|index| {
                self.dictionary.get(*index).wordlist == list && !self.dictionary.name(*index).is_empty()
            })
            .map(Found::User)
            .collect();
        let of_system = WORDS.iter().filter(|row| !row.name.starts_with(' '));
        match list {
            order::FORTH => found.extend(of_system.rev().map(|row| Found::Word(row.word))),
            order::ROOT => {
                found.extend(
                    of_system.filter(|row| order::is_root(row.word)).map(|row| Found::Word(row.word)),
                );
            }
            _ => {}
        }
        found
    }

    fn traverse(&mut self) -> Result<()> {
        let list = self.pop_list()?;
        let xt = self.pop()?;
        let Some(enter) = self.code.enter_of_cell(xt) else {
            return Err(self.thrown(throw::INVALID_ADDRESS));
        };
        if self.nesting >= self.limits.nesting {
            return Err(self.thrown(throw::RETURN_OVERFLOW));
        }
        let words = self.words_of(list);
        self.burn_bytes(words.len())?;
        for found in words {
            self.push(self.name_cell(found))?;
            self.nesting += 1;
            let done = self.call(enter);
            self.nesting -= 1;
            done?;
            if self.pop()? == FALSE {
                break;
            }
        }
        Ok(())
    }

    fn print_words(&mut self) -> Result<()> {
        let list = self.order_error(self.system.order.first())?;
        let mut text = Vec::new();
        let mut column = 0;
        for found in self.words_of(list) {
            let name = self.raw_name(found);
            if column > 0 && column + 1 + name.len() > LINE {
                text.push(b'\n');
                column = 0;
            }
            if column > 0 {
                text.push(b' ');
                column += 1;
            }
            text.extend_from_slice(name);
            column += name.len();
        }
        text.push(b'\n');
        self.print_bytes(&text)
    }

    /// SEE: the text that a word was compiled from, or what kind of word it is.
    fn see(&mut self) -> Result<()> {
        let (found, _) = self.parse_word()?;
        let index = match found {
            Found::User(index) => index,
            Found::Word(word) => {
                let row = word.def();
                let immediate = if is_immediate(word) { ", acts while compiling" } else { "" };
                let counts = match row.kind {
                    words::Kind::Dynamic => String::new(),
                    _ => format!(" ( {} in, {} out )", row.n_in, row.n_out),
                };
                return self.print(&format!("{} is a word of the system{counts}{immediate}\n", row.name));
            }
        };
        let entry = *self.dictionary.get(index);
        let name = String::from_utf8_lossy(self.dictionary.name(index)).into_owned();
        let value = |at: Cell| self.machine.memory.fetch(at).unwrap_or(0);
        let text = match entry.kind {
            Kind::Constant => match entry.second {
                Some(second) => format!("{} {second} 2constant {name}", entry.body),
                None => format!("{} constant {name}", entry.body),
            },
            Kind::Value => format!("{} value {name}", value(entry.body)),
            Kind::TwoValue => {
                format!("{} {} 2value {name}", value(entry.body + 8), value(entry.body))
            }
            Kind::Structure => format!("{} constant {name} \\ size of a structure", value(entry.body)),
            Kind::Field => format!(": {name} {} + ; \\ field of a structure", entry.body),
            Kind::Marker => format!("marker {name}"),
            Kind::Deferred => {
                let xt = value(entry.body).wrapping_sub(TOKEN_BASE);
                let xt = u32::try_from(xt).ok().filter(|xt| (*xt as usize) < self.code.enters.len());
                let does =
                    xt.map_or_else(|| "nothing".to_owned(), |xt| self.name(super::engine::Xt(xt)).to_owned());
                format!("defer {name}  ' {does} is {name}")
            }
            Kind::Created => {
                let does = if entry.does.is_some() { ", with DOES>" } else { "" };
                format!("create {name} \\ at {}{does}", entry.body)
            }
            Kind::Synonym | Kind::Colon => {
                let (start, end) = (entry.text.0 as usize, entry.text.1 as usize);
                let body = self.machine.memory.text.get(start..end).unwrap_or(b"");
                let immediate = if entry.immediate { " immediate" } else { "" };
                format!(": {name} {} ;{immediate}", String::from_utf8_lossy(body).trim())
            }
        };
        self.print(&(text + "\n"))
    }

    /// MARKER.
    pub(super) fn marker(&mut self) -> Result<()> {
        self.check_room_for_word()?;
        let token = self.parse_name()?;
        let marker = Marker {
            n_words: self.dictionary.len(),
            here: self.machine.memory.here,
            order: self.system.order,
            n_included: self.system().included.len(),
        };
        let markers = &mut self.system_mut().markers;
        markers.push(marker);
        let number = markers.len() as Cell - 1;
        self.make_marker(number, token)
    }

    /// What the word does that MARKER made: the words since are not found any more. Their code stays until the engine goes
    /// back to its checkpoint, since some of it may be running.
    pub(super) fn forget_to(&mut self) -> Result<()> {
        let number = self.pop()?;
        let markers = &self.system().markers;
        let Some(marker) = usize::try_from(number).ok().and_then(|number| markers.get(number)).copied()
        else {
            return Err(self.thrown(throw::INVALID_ARGUMENT));
        };
        self.burn_bytes((self.dictionary.len() - marker.n_words.min(self.dictionary.len())) * 8)?;
        for index in marker.n_words..self.dictionary.len() {
            // The definition that is being compiled goes on.
            if self.open.is_some_and(|open| open.index <= index) {
                break;
            }
            self.keep_entry(index);
            self.dictionary.get_mut(index).wordlist = HIDDEN;
        }
        self.system_mut().order = marker.order;
        self.latest = None;
        self.system_mut().included.truncate(marker.n_included);
        // Memory only goes back as far as the heap lets it.
        self.machine.memory.here = marker.here.min(self.machine.memory.heap.floor());
        Ok(())
    }

    /// DUMP: 16 bytes a line, in hexadecimal and as characters.
    pub(super) fn dump(&mut self) -> Result<()> {
        use std::fmt::Write;
        let (addr, len) = self.machine.pop2().map_err(|kind| self.trapped(kind))?;
        self.machine.memory.string(addr, len).map_err(|kind| self.trapped(kind))?;
        self.burn_bytes(4 * len.max(0) as usize)?;
        let bytes = self.machine.memory.string(addr, len).map_err(|kind| self.trapped(kind))?;
        let mut text = String::new();
        for (row, bytes) in bytes.chunks(16).enumerate() {
            let mut hex = String::new();
            for byte in bytes {
                write!(hex, " {byte:02X}").ok();
            }
            let shown: String =
                bytes.iter().map(|byte| if (32..127).contains(byte) { *byte as char } else { '.' }).collect();
            writeln!(text, "{:8X}:{hex:48}  {shown}", addr + 16 * row as Cell).ok();
        }
        self.print(&text)
    }

    /// `?`.
    pub(super) fn question(&mut self) -> Result<()> {
        let addr = self.pop()?;
        let value = self.machine.memory.fetch(addr).ok_or_else(|| self.thrown(throw::INVALID_ADDRESS))?;
        self.push(value)?;
        prims::run(Word::Dot, &mut self.machine).map_err(|kind| self.trapped(kind))
    }

    /// ENVIRONMENT? (Forth 2012, table 3.4 and the word sets' own queries).
    pub(super) fn environment(&mut self) -> Result<()> {
        let name = self.pop_string()?.to_ascii_uppercase();
        let values: &[Cell] = match name.as_slice() {
            b"/COUNTED-STRING" => &[255],
            b"/HOLD" => &[(super::memory::HOLD_END - super::memory::HOLD_START) as Cell],
            b"/PAD" => &[super::memory::USER - super::memory::PAD],
            b"ADDRESS-UNIT-BITS" => &[8],
            b"FLOORED" => &[TRUE],
            b"MAX-CHAR" => &[255],
            b"MAX-D" => &[-1, Cell::MAX],
            b"MAX-N" => &[Cell::MAX],
            b"MAX-U" => &[-1],
            b"MAX-UD" => &[-1, -1],
            b"RETURN-STACK-CELLS" => &[self.limits.return_cells as Cell],
            b"STACK-CELLS" => &[self.limits.stack_cells as Cell],
            b"#LOCALS" => &[super::translator::LOCALS_MAX as Cell],
            b"WORDLISTS" => &[order::ORDER_MAX as Cell],
            b"XCHAR-ENCODING" => {
                self.keep_bytes(b"UTF-8")?;
                return self.push(TRUE);
            }
            b"MAX-XCHAR" => &[0x10FFFF],
            b"XCHAR-MAXMEM" => &[4],
            b"CORE" | b"CORE-EXT" | b"DOUBLE" | b"DOUBLE-EXT" | b"EXCEPTION" | b"EXCEPTION-EXT" | b"FILE"
            | b"FILE-EXT" | b"LOCALS" | b"LOCALS-EXT" | b"MEMORY-ALLOC" | b"MEMORY-ALLOC-EXT" | b"TOOLS"
            | b"SEARCH-ORDER" | b"SEARCH-ORDER-EXT" | b"STRING" | b"STRING-EXT" | b"XCHAR" => &[TRUE],
            b"FLOATING" | b"FLOATING-EXT" | b"BLOCK" | b"BLOCK-EXT" | b"FACILITY" | b"FACILITY-EXT" => {
                &[FALSE]
            }
            b"X:DEFERRED"
            | b"X:DEFINED"
            | b"X:EXTENDED-LOCALS"
            | b"X:NUMBER-PREFIXES"
            | b"X:PARSE-NAME"
            | b"X:QUOTATIONS"
            | b"X:REQUIRED"
            | b"X:S-ESCAPE-QUOTE"
            | b"X:SUBSTITUTE"
            | b"X:STRUCTURES"
            | b"X:SYNONYM"
            | b"X:TRAVERSE-WORDLIST"
            | b"X:UNESCAPE"
            | b"X:XCHAR"
            | b"X:2VALUE"
            | b"X:BUFFER" => &[],
            _ => return self.push(FALSE),
        };
        for value in values {
            self.push(*value)?;
        }
        self.push(TRUE)
    }

    /// Prints text that the engine made, and pays for it.
    fn print(&mut self, text: &str) -> Result<()> {
        self.print_bytes(text.as_bytes())
    }

    fn print_bytes(&mut self, text: &[u8]) -> Result<()> {
        self.burn_bytes(text.len())?;
        self.machine.write(text).map_err(|kind| self.trapped(kind))
    }

    /// Names that text can be completed to: all that the search order leads to.
    pub fn known_words(&self) -> Vec<String> {
        let lists = self.system.order.lists().iter().rev();
        let found = lists.flat_map(|list| self.words_of(*list));
        let mut names: Vec<String> =
            found.map(|found| String::from_utf8_lossy(self.raw_name(found)).into_owned()).collect();
        names.sort();
        names.dedup();
        names
    }
}

/// Columns of WORDS.
const LINE: usize = 78;

fn list_name(list: u16) -> String {
    match list {
        order::FORTH => "forth".to_owned(),
        order::ROOT => "root".to_owned(),
        list => format!("wordlist-{list}"),
    }
}
