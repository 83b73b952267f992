//! Random programs that are well formed: the generator knows the type of every item of the stack, so that addresses, strings
//! and tokens go only where such things belong, and what a program leaves and prints is the same on every system.
//!
//! It needs nothing but the standard library: `tests/gforth.rs` includes this file, too.

mod phrases;

use phrases::*;

/// A source of numbers that depends on its seed alone.
pub struct Dice(pub u64);

impl Dice {
    /// A number below `n`.
    pub fn roll(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % n
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.roll(n) == 0
    }

    fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.roll(items.len() as u64) as usize]
    }
}

/// What an item of the stack is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Type {
    /// A number that is the same on every system.
    Number,
    /// An aligned address with so many bytes of the program's own behind it.
    Address(u32),
    /// Where the string with this number begins.
    Text(u32),
    /// How long the string with this number is: a number, too.
    Length(u32),
    /// A token of a word that takes and leaves so many numbers.
    Token(usize, usize),
}

use Type::{Address, Length, Number, Text, Token};

/// What lies on the return stack of the definition.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Return {
    Cell,
    /// A counted loop that is left with `n` numbers above `base`.
    Loop {
        base: usize,
        n: usize,
    },
}

/// A word of the program.
#[derive(Clone, Debug)]
struct Known {
    name: String,
    n_in: usize,
    n_out: usize,
    /// It may throw.
    risky: bool,
}

/// What the system at hand offers beyond what all have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Dialect {
    /// What gforth 0.7.3 has, with the few words that the preamble of the test gives it.
    Gforth,
    /// Forth 2012.
    Standard,
}

/// A program in the making.
pub struct Generator {
    dice: Dice,
    dialect: Dialect,
    text: String,
    stack: Vec<Type>,
    /// Items below are not to be touched.
    floor: usize,
    returns: Vec<Return>,
    words: Vec<Known>,
    deferred: Vec<Known>,
    /// Immediate words that compile a phrase.
    macros: Vec<(String, &'static str, &'static str)>,
    numbers: Vec<String>,
    values: Vec<String>,
    doubles: Vec<String>,
    double_values: Vec<String>,
    addresses: Vec<(String, u32)>,
    /// Fields: offset and the room that one needs.
    fields: Vec<(String, u32)>,
    if_word: String,
    locals: Vec<String>,
    compiling: bool,
    /// Inside `s" … " evaluate`, where no quote may stand.
    quoted: bool,
    risky: bool,
    /// How many numbers EXIT must leave; `None` where there is no EXIT.
    exit: Option<usize>,
    nesting: usize,
    n_names: usize,
    n_strings: u32,
    /// The newest string that the text interpreter keeps; it keeps two.
    newest: u32,
}

/// One random program, a single line.
pub fn program(seed: u64, dialect: Dialect) -> String {
    let mut generator = Generator {
        dice: Dice(seed),
        dialect,
        text: String::new(),
        stack: Vec::new(),
        floor: 0,
        returns: Vec::new(),
        words: Vec::new(),
        deferred: Vec::new(),
        macros: Vec::new(),
        numbers: Vec::new(),
        values: Vec::new(),
        doubles: Vec::new(),
        double_values: Vec::new(),
        addresses: vec![("buf".into(), 256)],
        fields: Vec::new(),
        if_word: "if".into(),
        locals: Vec::new(),
        compiling: false,
        quoted: false,
        risky: false,
        exit: None,
        nesting: 0,
        n_names: 0,
        n_strings: 0,
        newest: 0,
    };
    generator.whole();
    generator.text
}

impl Generator {
    fn whole(&mut self) {
        self.put("create buf 256 allot buf 256 erase : buf-sum 0 256 0 do 31 * buf i + c@ + loop ;");
        for _ in 0..2 + self.dice.roll(7) {
            self.define();
            if self.dice.one_in(2) {
                self.items(4);
            }
        }
        self.items(20);
        if self.dice.one_in(12) {
            self.underflow();
        }
        if self.stack.iter().all(|item| *item == Number) && self.stack.len() <= 9 && self.dice.one_in(3) {
            self.put(".s");
        }
        self.settle(0, self.stack.len().min(8));
        self.put("buf-sum");
    }

    fn put(&mut self, words: &str) {
        self.text.push_str(words);
        self.text.push(' ');
    }

    fn name(&mut self, prefix: &str) -> String {
        self.n_names += 1;
        format!("{prefix}{}", self.n_names)
    }

    fn number(&mut self) -> String {
        let n = self.dice.roll(u64::MAX) as i64;
        match self.dice.roll(24) {
            _ if self.dice.one_in(40) => format!("$-{:X}", n & 0xFFF),
            _ if self.dice.one_in(60) => format!("%-{:b}", n & 0xFF),
            0 => "9223372036854775807".into(),
            1 => "-9223372036854775808".into(),
            2 => format!("{n}"),
            3 => format!("${:X}", n & 0xFFFF),
            4 => format!("%{:b}", n & 0xFF),
            5 => format!("'{}'", (b'a' + (n & 15) as u8) as char),
            6 => format!("{}", n >> 32),
            7 => format!("#{}", n & 0xFF),
            _ => format!("{}", self.dice.roll(14) as i64 - 4),
        }
    }

    /// Fills the holes of a phrase.
    fn filled(&mut self, phrase: &str) -> String {
        let mut text = phrase.to_owned();
        while let Some(at) = text.find('{') {
            let sign = if self.dice.one_in(2) { -1 } else { 1 };
            if text[at..].starts_with("{:") {
                // Locals are no hole.
                text.replace_range(at..at + 1, "\u{1}");
                continue;
            }
            let value = match &text[at..at + 3] {
                "{k}" => sign * (2 + self.dice.roll(49) as i64),
                "{m}" => sign * (51 + self.dice.roll(900) as i64),
                _ => self.dice.roll(20) as i64,
            };
            text.replace_range(at..at + 3, &value.to_string());
        }
        text.replace('\u{1}', "{")
    }

    fn top(&self, n: usize) -> Option<Type> {
        let at = self.stack.len().checked_sub(n)?;
        (at >= self.floor && n > 0).then(|| self.stack[at])
    }

    /// How many items at the top are numbers, up to `max`.
    fn n_numbers(&self, max: usize) -> usize {
        (1..=max).take_while(|n| matches!(self.top(*n), Some(Number | Length(_)))).count()
    }

    fn cut(&mut self, n: usize) {
        self.stack.truncate(self.stack.len() - n);
    }

    fn push_numbers(&mut self, n: usize) {
        self.stack.extend(std::iter::repeat_n(Number, n));
    }

    /// How many cells match a pattern at the top.
    fn matching(&self, pattern: &str) -> Option<usize> {
        let mut n = 0;
        for kind in pattern.bytes().rev() {
            n += 1;
            let room = |bytes| matches!(self.top(n), Some(Address(room)) if room >= bytes);
            let good = match kind {
                b'n' => matches!(self.top(n), Some(Number | Length(_))),
                b'a' => room(8),
                b'b' => room(16),
                b'w' => room(64),
                _ => {
                    n += 1;
                    matches!((self.top(n), self.top(n - 1)), (Some(Text(a)), Some(Length(b))) if a == b)
                }
            };
            if !good {
                return None;
            }
        }
        Some(n)
    }

    /// Makes the top of the stack match a pattern.
    fn supply(&mut self, pattern: &str) -> usize {
        if let Some(n) = self.matching(pattern) {
            return n;
        }
        // What is there may do for the beginning.
        let keep = (1..pattern.len()).rev().find(|n| self.matching(&pattern[..*n]).is_some()).unwrap_or(0);
        for kind in pattern[keep..].chars() {
            match kind {
                'n' => self.push_number(),
                'a' => self.push_address(8),
                'b' => self.push_address(16),
                'w' => self.push_address(64),
                _ => self.push_string(),
            }
        }
        self.matching(pattern).expect("it was just pushed")
    }

    fn push_number(&mut self) {
        let name = match self.dice.roll(10) {
            0 if !self.values.is_empty() => self.dice.pick(&self.values).clone(),
            1 if !self.numbers.is_empty() => self.dice.pick(&self.numbers).clone(),
            2 | 3 if !self.locals.is_empty() => self.dice.pick(&self.locals).clone(),
            4 if matches!(self.returns.last(), Some(Return::Loop { .. })) => "i".into(),
            5 if matches!(self.returns[..], [.., Return::Loop { .. }, Return::Loop { .. }]) => "j".into(),
            6 if self.returns.last() == Some(&Return::Cell) => "r@".into(),
            _ => self.number(),
        };
        self.put(&name);
        self.push_numbers(1);
    }

    fn push_address(&mut self, room: u32) {
        let fitting: Vec<_> = self.addresses.iter().filter(|(_, has)| *has >= room).cloned().collect();
        let (name, has) = self.dice.pick(&fitting).clone();
        self.put(&name);
        let steps = (has - room) / 8;
        let step = 8 * self.dice.roll(steps.min(20) as u64 + 1) as u32;
        if step > 0 {
            self.put(&format!("{step} +"));
        }
        self.stack.push(Address(has - step));
    }

    fn new_string(&mut self) {
        self.n_strings += 1;
        self.stack.push(Text(self.n_strings));
        self.stack.push(Length(self.n_strings));
    }

    fn push_string(&mut self) {
        if self.quoted || self.dice.one_in(4) || !self.can_keep() {
            self.push_address(64);
            let n = self.dice.roll(40);
            self.put(&n.to_string());
            self.cut(1);
            self.new_string();
        } else {
            let text = *self.dice.pick(TEXTS);
            match self.dice.roll(8) {
                0 => self.put("s\\\" a\\tb\\x41\\q\\\\\""),
                _ => self.put(&format!("s\" {text}\"")),
            }
            self.new_string();
            self.newest = self.n_strings;
        }
    }

    /// Whether another string fits without one that the stack has being overwritten.
    fn can_keep(&self) -> bool {
        self.compiling || self.stack.iter().all(|item| !matches!(item, Text(id) if *id != self.newest))
    }

    fn apply(&mut self, (phrase, takes, leaves): (&str, &str, &str)) {
        let n = self.supply(takes);
        let from = self.stack.len() - n;
        // SEARCH and the like leave a string where there was one.
        let mut text = self.filled(phrase);
        if self.dice.one_in(16)
            && !["char", "parse", "word"].iter().any(|word| phrase.contains(word))
            && !phrase.contains('"')
        {
            text.make_ascii_uppercase();
        }
        self.put(&text);
        self.stack.truncate(from);
        for kind in leaves.bytes() {
            match kind {
                b's' => self.new_string(),
                _ => self.push_numbers(1),
            }
        }
    }

    /// Drops what is above `base + n`, or is no number, and adds numbers up to there.
    fn settle(&mut self, base: usize, n: usize) {
        let good =
            self.stack[base..].iter().take(n).take_while(|it| matches!(it, Number | Length(_))).count();
        while self.stack.len() > base + good {
            self.put("drop");
            self.stack.pop();
        }
        while self.stack.len() < base + n {
            let number = self.number();
            self.put(&number);
            self.push_numbers(1);
        }
        self.stack[base..].fill(Number);
    }

    /// A piece that takes the `n_in` numbers at the top and leaves `n_out`.
    fn block(&mut self, n_in: usize, n_out: usize) {
        let floor = std::mem::replace(&mut self.floor, self.stack.len() - n_in);
        let base = self.floor;
        self.nesting += 1;
        self.items(5);
        self.settle(base, n_out);
        self.nesting -= 1;
        self.floor = floor;
    }

    fn items(&mut self, n_max: u64) {
        for _ in 0..self.dice.roll(n_max + 1) {
            self.item();
            if self.stack.len() > self.floor + 9 {
                self.put("2drop");
                self.cut(2);
            }
        }
    }

    fn item(&mut self) {
        match self.dice.roll(30) {
            0..3 => self.push_number(),
            3..9 => self.move_items(),
            9..16 => {
                let phrase = *self.dice.pick(PHRASES);
                self.apply(phrase);
            }
            16 | 17 => {
                let phrase = *self.dice.pick(WRITES);
                self.apply(phrase);
            }
            18 if self.compiling && !self.quoted => {
                let phrase = *self.dice.pick(COMPILED);
                self.apply(phrase);
            }
            18 if !self.quoted => {
                let phrase = *self.dice.pick(INTERPRETED);
                // The last of them reads a word that the text must have.
                match phrase.0 {
                    "bl word swap find nip" => {
                        self.put("bl word swap find nip");
                        self.push_numbers(1);
                    }
                    _ => self.apply(phrase),
                }
            }
            19 | 20 if self.risky && self.compiling && !self.quoted => {
                let phrase = *self.dice.pick(RISKY);
                self.apply(phrase);
            }
            19 | 20 => self.call(),
            21 => self.change_name(),
            22 if self.nesting < 3 && !self.quoted && self.can_keep() => self.evaluate(),
            23 => self.catch(),
            24 => self.push_data(),
            25.. if self.compiling && self.nesting < 4 => self.control(),
            _ => self.push_string(),
        }
    }

    /// Values, constants, addresses, fields, macros: whatever the program has named.
    fn push_data(&mut self) {
        match self.dice.roll(6) {
            0 if !self.doubles.is_empty() => {
                let name = self.dice.pick(&self.doubles).clone();
                self.put(&name);
                self.push_numbers(2);
            }
            1 if self.compiling && !self.quoted && !self.macros.is_empty() => {
                let (name, takes, leaves) = self.dice.pick(&self.macros).clone();
                self.supply(takes);
                self.cut(takes.len());
                self.put(&name);
                self.push_numbers(leaves.len());
            }
            2 if !self.fields.is_empty() => {
                self.supply("w");
                let (name, offset) = self.dice.pick(&self.fields).clone();
                let Some(Address(room)) = self.stack.pop() else { unreachable!("it was supplied") };
                self.put(&name);
                self.stack.push(Address(room - offset));
            }
            3 => {
                self.push_address(64);
                self.put("20");
                self.cut(1);
                self.new_string();
            }
            4 => {
                self.put("align here 64 allot dup 64 erase");
                self.stack.push(Address(64));
            }
            _ => self.push_address(8),
        }
    }

    fn move_items(&mut self) {
        let word = *self.dice.pick(MOVES);
        let n = match word {
            "dup" | "drop" => 1,
            "swap" | "over" | "nip" | "tuck" | "2dup" | "2drop" => 2,
            "rot" | "-rot" => 3,
            "2swap" | "2over" => 4,
            "2rot" => 6,
            _ => 1 + self.dice.roll(4) as usize,
        };
        while self.stack.len() - self.floor < n {
            self.push_number();
        }
        let at = self.stack.len() - n;
        let s = &mut self.stack;
        match word {
            "dup" => s.push(s[at]),
            "drop" => drop(s.pop()),
            "swap" => s.swap(at, at + 1),
            "over" => s.push(s[at]),
            "nip" => drop(s.remove(at)),
            "tuck" => s.insert(at, s[at + 1]),
            "2dup" => s.extend_from_within(at..),
            "2drop" => s.truncate(at),
            "rot" => s[at..].rotate_left(1),
            "-rot" => s[at..].rotate_right(1),
            "2swap" => s[at..].rotate_left(2),
            "2over" => s.extend_from_within(at..at + 2),
            "2rot" => s[at..].rotate_left(2),
            "pick" => s.push(s[at]),
            _ => s[at..].rotate_left(1),
        }
        match word {
            "pick" | "roll" => self.put(&format!("{} {word}", n - 1)),
            _ => self.put(word),
        }
    }

    /// Calls a word, or executes its token.
    fn call(&mut self) {
        if let Some(Token(n_in, n_out)) = self.top(1) {
            // What is below it may be too little.
            let token = self.stack.pop();
            let enough = self.n_numbers(n_in) == n_in;
            self.stack.extend(token);
            if enough {
                self.put("execute");
                self.cut(n_in + 1);
                self.push_numbers(n_out);
            } else {
                self.put("drop");
                self.cut(1);
            }
            return;
        }
        let known: Vec<Known> = self.words.iter().chain(&self.deferred).cloned().collect();
        let Some(word) = (!known.is_empty()).then(|| self.dice.pick(&known).clone()) else {
            return self.push_number();
        };
        if word.risky && !self.risky && !self.dice.one_in(20) {
            return;
        }
        self.supply(&"n".repeat(word.n_in));
        self.cut(word.n_in);
        match self.dice.roll(4) {
            0 => {
                let tick = self.tick(&word.name);
                self.put(&tick);
                self.put("execute");
            }
            _ => self.put(&word.name),
        }
        self.push_numbers(word.n_out);
    }

    fn tick(&self, name: &str) -> String {
        if self.compiling && !self.quoted { format!("['] {name}") } else { format!("' {name}") }
    }

    /// CATCH, which leaves what the word would leave and the code.
    fn catch(&mut self) {
        let Some(word) = (!self.words.is_empty()).then(|| self.dice.pick(&self.words).clone()) else {
            return self.push_number();
        };
        let can_branch = self.compiling && !self.quoted;
        if !can_branch && (word.risky || word.n_in + word.n_out > 0) {
            return;
        }
        self.supply(&"n".repeat(word.n_in));
        self.cut(word.n_in);
        let tick = self.tick(&word.name);
        self.put(&tick);
        self.put("catch");
        if can_branch && word.n_in + word.n_out > 0 {
            let (nips, zeros) = ("nip ".repeat(word.n_in), "0 swap ".repeat(word.n_out));
            self.put(&format!("dup if {nips}{zeros}then"));
        }
        self.push_numbers(word.n_out + 1);
    }

    /// TO and IS.
    fn change_name(&mut self) {
        match self.dice.roll(4) {
            0 if !self.deferred.is_empty() => {
                let deferred = self.dice.pick(&self.deferred).clone();
                let fits = |word: &&Known| {
                    (word.n_in, word.n_out, word.risky) == (deferred.n_in, deferred.n_out, false)
                };
                let fitting: Vec<Known> = self.words.iter().filter(fits).cloned().collect();
                // A word that calls the deferred one would never end.
                if let Some(word) = fitting.first().filter(|word| word.name.starts_with('l')) {
                    let tick = self.tick(&word.name);
                    let to = match self.dice.roll(2) {
                        0 => format!("{tick} is {}", deferred.name),
                        _ => format!("{tick} {} defer!", self.tick(&deferred.name)),
                    };
                    self.put(&to);
                }
            }
            1 if !self.locals.is_empty() => {
                self.supply("n");
                self.cut(1);
                let name = self.dice.pick(&self.locals).clone();
                self.put(&format!("to {name}"));
            }
            2 if !self.double_values.is_empty() => {
                self.supply("nn");
                self.cut(2);
                let name = self.dice.pick(&self.double_values).clone();
                self.put(&format!("to {name}"));
            }
            _ if !self.values.is_empty() => {
                self.supply("n");
                self.cut(1);
                let name = self.dice.pick(&self.values).clone();
                self.put(&format!("to {name}"));
            }
            _ => {}
        }
    }

    /// A piece of text that is interpreted when the program comes by.
    fn evaluate(&mut self) {
        let n_in = self.n_numbers(2);
        let n_out = self.dice.roll(3) as usize;
        let returns = std::mem::take(&mut self.returns);
        let locals = std::mem::take(&mut self.locals);
        let exit = self.exit.take();
        let compiling = std::mem::replace(&mut self.compiling, false);
        self.quoted = true;
        self.put("s\"");
        self.block(n_in, n_out);
        self.text.pop();
        self.put("\"");
        self.quoted = false;
        self.put("evaluate");
        if !compiling {
            self.newest = 0;
        }
        self.compiling = compiling;
        (self.returns, self.locals, self.exit) = (returns, locals, exit);
    }

    fn control(&mut self) {
        match self.dice.roll(14) {
            0..3 => self.branch(),
            3 => self.case(),
            4..7 => self.counted(),
            7 => {
                let n = 1 + self.dice.roll(4);
                self.put(&format!("{n} begin"));
                self.push_numbers(1);
                self.block(0, 0);
                match self.dice.roll(2) {
                    0 => self.put("1- dup 0= until drop"),
                    _ => {
                        self.put("1- dup while");
                        self.block(0, 0);
                        self.put("repeat drop");
                    }
                }
                self.cut(1);
            }
            8 => {
                self.supply("n");
                self.cut(1);
                self.put(">r");
                self.returns.push(Return::Cell);
                let n = self.n_numbers(2);
                self.block(n, n);
                self.returns.pop();
                self.put("r>");
                self.push_numbers(1);
            }
            9 | 10 => self.leave(),
            11 => self.exit(),
            12 if self.dialect == Dialect::Standard => self.quotation(),
            _ => self.branch(),
        }
    }

    fn branch(&mut self) {
        self.supply("n");
        self.cut(1);
        let word = if self.dice.one_in(2) { self.if_word.clone() } else { "if".into() };
        self.put(&word);
        let n_in = self.n_numbers(2);
        let before = self.stack.clone();
        if self.dice.one_in(3) {
            self.block(n_in, n_in);
        } else {
            let n_out = self.dice.roll(3) as usize;
            self.block(n_in, n_out);
            self.put("else");
            self.stack = before;
            self.block(n_in, n_out);
        }
        self.put("then");
    }

    fn case(&mut self) {
        self.supply("n");
        self.cut(1);
        self.put("case");
        let n_in = self.n_numbers(2);
        let n_out = self.dice.roll(3) as usize;
        let before = self.stack.clone();
        for _ in 0..1 + self.dice.roll(3) {
            let choice = self.number();
            self.put(&format!("{choice} of"));
            self.stack = before.clone();
            self.block(n_in, n_out);
            self.put("endof");
        }
        self.stack = before;
        self.push_numbers(1);
        self.block(n_in + 1, n_out + 1);
        self.put("endcase");
        self.cut(1);
    }

    fn counted(&mut self) {
        let (bounds, end) = *self.dice.pick(&[
            ("3 0 do", "loop"),
            ("5 2 do", "loop"),
            ("-2 -5 ?do", "loop"),
            ("4 4 ?do", "loop"),
            ("10 0 do", "3 +loop"),
            ("0 5 do", "-2 +loop"),
            ("-1 2 ?do", "-1 +loop"),
            ("2 -2 do", "2 +loop"),
            ("0 0 do", "-1 +loop"),
        ]);
        self.put(bounds);
        let n = self.n_numbers(2);
        self.returns.push(Return::Loop { base: self.stack.len() - n, n });
        self.block(n, n);
        self.returns.pop();
        self.put(end);
    }

    fn leave(&mut self) {
        let Some(Return::Loop { base, n }) = self.returns.last().copied() else { return self.branch() };
        self.supply("n");
        self.cut(1);
        self.put("if");
        let before = self.stack.clone();
        self.settle(base, n);
        self.put("leave then");
        self.stack = before;
    }

    fn exit(&mut self) {
        let Some(n) = self.exit else { return self.branch() };
        self.supply("n");
        self.cut(1);
        self.put("if");
        let before = self.stack.clone();
        self.settle(0, n);
        for item in self.returns.clone().iter().rev() {
            self.put(if *item == Return::Cell { "r> drop" } else { "unloop" });
        }
        self.put("exit then");
        self.stack = before;
    }

    fn quotation(&mut self) {
        let (n_in, n_out) = (self.dice.roll(3) as usize, self.dice.roll(3) as usize);
        self.put("[:");
        self.body(n_in, n_out);
        self.put(";]");
        self.stack.push(Token(n_in, n_out));
    }

    /// A body on a stack of its own, put in the place of what the generator is at.
    fn body(&mut self, n_in: usize, n_out: usize) {
        let stack = std::mem::replace(&mut self.stack, vec![Number; n_in]);
        let floor = std::mem::take(&mut self.floor);
        let returns = std::mem::take(&mut self.returns);
        let locals = std::mem::take(&mut self.locals);
        let exit = self.exit.replace(n_out);
        let compiling = std::mem::replace(&mut self.compiling, true);
        self.declare_locals();
        self.nesting += 1;
        self.items(14);
        self.settle(0, n_out);
        self.nesting -= 1;
        (self.stack, self.floor, self.returns, self.locals) = (stack, floor, returns, locals);
        (self.exit, self.compiling) = (exit, compiling);
    }

    fn declare_locals(&mut self) {
        if !self.dice.one_in(4) {
            return;
        }
        let n = self.n_numbers(2);
        let names: Vec<String> = (0..n).map(|_| self.name("x")).collect();
        let zero = self.dice.one_in(2).then(|| self.name("x"));
        match (self.dice.roll(3), &zero) {
            (0, _) if n > 0 => {
                // The first is the top here.
                let reversed: Vec<_> = names.iter().rev().cloned().collect();
                self.put(&format!("locals| {} |", reversed.join(" ")));
                self.locals = names;
            }
            (1, Some(zero)) => {
                self.put(&format!("{{: {} | {zero} -- nothing :}}", names.join(" ")));
                let number = self.dice.roll(9);
                self.put(&format!("{number} to {zero}"));
                self.locals = names;
                self.locals.push(zero.clone());
            }
            _ if n > 0 => {
                self.put(&format!("{{: {} :}}", names.join(" ")));
                self.locals = names;
            }
            _ => return,
        }
        self.cut(n);
    }

    /// At the top level: something new by name.
    fn define(&mut self) {
        // The definition may have the interpreter keep strings of its own.
        if self.stack.iter().any(|item| matches!(item, Text(_))) {
            self.settle(0, self.stack.len().min(8));
        }
        match self.dice.roll(34) {
            0..9 => {
                let risky = self.dice.one_in(3);
                let name = self.name(if risky { "r" } else { "w" });
                let (n_in, n_out) = (self.dice.roll(4) as usize, self.dice.roll(3) as usize);
                self.put(&format!(": {name}"));
                self.risky = risky;
                self.body(n_in, n_out);
                self.risky = false;
                self.put(";");
                self.words.push(Known { name, n_in, n_out, risky });
            }
            9 => {
                let name = self.name("w");
                let operator = *self.dice.pick(&["+", "-", "xor", "max", "*", "swap -"]);
                let text = format!(
                    ": {name} 7 and dup 0> if dup 1- recurse {operator} else {} + then ;",
                    self.dice.roll(99)
                );
                self.put(&text);
                self.words.push(Known { name, n_in: 1, n_out: 1, risky: false });
            }
            10 => {
                let (maker, name) = (self.name("m"), self.name("w"));
                let n_out = self.dice.roll(3) as usize;
                self.put(&format!(": {maker} create , , does>"));
                let stack = std::mem::replace(&mut self.stack, vec![Address(16)]);
                self.compiling = true;
                self.exit = Some(n_out);
                self.items(8);
                self.settle(0, n_out);
                self.exit = None;
                self.compiling = false;
                self.stack = stack;
                self.put(";");
                let numbers = format!("{} {}", self.number(), self.number());
                self.put(&format!("{numbers} {maker} {name}"));
                self.words.push(Known { name, n_in: 0, n_out, risky: false });
            }
            11 => {
                let name = self.name("v");
                let number = self.number();
                self.put(&format!("{number} value {name}"));
                self.values.push(name);
            }
            12 => {
                let name = self.name("k");
                let number = self.number();
                self.put(&format!("{number} constant {name}"));
                self.numbers.push(name);
            }
            13 => {
                let name = self.name("d");
                let numbers = format!("{} {}", self.number(), self.number());
                match self.dialect {
                    Dialect::Standard if self.dice.one_in(2) => {
                        self.put(&format!("{numbers} 2value {name}"));
                        self.double_values.push(name.clone());
                    }
                    _ => self.put(&format!("{numbers} 2constant {name}")),
                }
                self.doubles.push(name);
            }
            14 => {
                let name = self.name("a");
                let (text, room) = match self.dice.roll(5) {
                    0 => (format!("variable {name} 0 {name} !"), 8),
                    1 => (format!("2variable {name} 0. {name} 2!"), 16),
                    2 => (format!("create {name} 1 , 2 , 3 , 'x' c, align"), 24),
                    3 => (format!("128 buffer: {name} {name} 128 erase"), 128),
                    _ => (format!("create {name} 100 cells allot {name} 100 cells erase"), 800),
                };
                self.put(&text);
                self.addresses.push((name, room));
            }
            15 => self.define_deferred(),
            16 | 17 => self.define_macro(),
            18 => {
                let name = self.name("s");
                self.put(&format!(
                    "begin-structure {name} field: {name}.a cfield: {name}.b field: {name}.c 12 +field {name}.d end-structure"
                ));
                self.fields.extend([(format!("{name}.a"), 0), (format!("{name}.c"), 16)]);
                self.fields.push((format!("{name}.d"), 24));
                self.numbers.push(name);
            }
            19 => self.define_in_wordlist(),
            24..32 => self.define_from_template(),
            32 | 33 => self.broken(),
            20 => {
                self.put(":noname");
                let (n_in, n_out) = (self.dice.roll(3) as usize, self.dice.roll(3) as usize);
                self.body(n_in, n_out);
                self.put(";");
                self.stack.push(Token(n_in, n_out));
            }
            21 => {
                self.supply("n");
                self.cut(1);
                self.put("[if]");
                let n_in = self.n_numbers(2);
                let n_out = self.dice.roll(3) as usize;
                let before = self.stack.clone();
                self.block(n_in, n_out);
                self.put("[else]");
                self.stack = before;
                self.block(n_in, n_out);
                self.put("[then]");
            }
            22 if !self.words.is_empty() => {
                let old = self.dice.pick(&self.words).clone();
                let name = self.name(if old.risky { "r" } else { "w" });
                self.put(&format!("synonym {name} {}", old.name));
                self.words.push(Known { name, ..old });
            }
            _ => {
                let risky = true;
                let name = self.name("r");
                let phrase = *self.dice.pick(RISKY);
                let text = self.filled(phrase.0);
                self.put(&format!(": {name} {text} ;"));
                self.words.push(Known { name, n_in: 1, n_out: phrase.2.len(), risky });
            }
        }
    }

    /// Plain words for deferred ones to do, then a deferred word.
    fn define_deferred(&mut self) {
        let (plain, name) = (self.name("l"), self.name("e"));
        let phrase = *self.dice.pick(&["1+", "2*", "dup *", "7 xor", "negate", "100 mod"]);
        self.put(&format!(": {plain} {phrase} ; defer {name} ' {plain} is {name}"));
        self.words.insert(0, Known { name: plain, n_in: 1, n_out: 1, risky: false });
        self.deferred.push(Known { name: name.clone(), n_in: 1, n_out: 1, risky: false });
        match self.dice.roll(3) {
            0 => {
                self.put(&format!("' {name} defer@"));
                self.stack.push(Token(1, 1));
            }
            1 => {
                self.put(&format!("action-of {name}"));
                self.stack.push(Token(1, 1));
            }
            _ => {}
        }
    }

    /// Immediate words.
    fn define_macro(&mut self) {
        let name = self.name("p");
        match self.dice.roll(4) {
            0 => {
                self.put(&format!(": {name} postpone if ; immediate"));
                self.if_word = name;
            }
            1 => {
                let number = self.number();
                self.put(&format!(": {name} {number} postpone literal ; immediate"));
                self.macros.push((name, "", "n"));
            }
            2 => {
                self.put(&format!(": {name} postpone 2dup postpone + postpone -rot ; immediate"));
                self.macros.push((name, "nn", "nnn"));
            }
            _ => {
                let single = |(word, takes, _): &&(&'static str, &str, &str)| {
                    !word.contains(' ') && !takes.contains(['a', 'b', 'w', 's'])
                };
                let fitting: Vec<_> = PHRASES.iter().filter(single).collect();
                let (word, takes, leaves) = **self.dice.pick(&fitting);
                self.put(&format!(": {name} postpone {word} ; immediate"));
                self.macros.push((name, takes, leaves));
            }
        }
    }

    fn define_from_template(&mut self) {
        let (text, n_in, n_out) = match self.dialect {
            Dialect::Standard if self.dice.one_in(6) => *self.dice.pick(TEMPLATES_2012),
            _ => *self.dice.pick(TEMPLATES),
        };
        let (name, a, b) = (self.name("w"), self.name("y"), self.name("z"));
        let named = text.replace("{W}", &name).replace("{A}", &a).replace("{B}", &b);
        let filled = self.filled(&named);
        self.put(&filled);
        self.words.push(Known { name, n_in, n_out, risky: false });
    }

    /// A text that does not run to its end, and its code.
    fn broken(&mut self) {
        if !self.can_keep() {
            return;
        }
        let text = match self.dialect {
            Dialect::Standard if self.dice.one_in(3) => *self.dice.pick(BROKEN_2012),
            _ => *self.dice.pick(BROKEN),
        };
        self.newest = 0;
        self.put(&format!("s\" {text}\" ' evaluate catch [ decimal nip nip"));
        self.push_numbers(1);
    }

    /// A word in a list of its own, found in three ways.
    fn define_in_wordlist(&mut self) {
        let (list, hidden, name) = (self.name("l"), self.name("h"), self.name("w"));
        let number = self.number();
        self.put(&format!(
            "wordlist constant {list} get-current {list} set-current : {hidden} {number} ; set-current"
        ));
        match self.dice.roll(3) {
            0 => {
                self.put(&format!(": {name} s\" {hidden}\" {list} search-wordlist if execute else 77 then ;"))
            }
            1 => self.put(&format!("get-order {list} swap 1+ set-order : {name} {hidden} 1+ ; previous")),
            _ => self.put(&format!(
                ": {name} get-order {list} swap 1+ set-order s\" {hidden}\" evaluate previous ;"
            )),
        }
        self.words.push(Known { name, n_in: 0, n_out: 1, risky: false });
    }

    /// Drops more than there is.
    fn underflow(&mut self) {
        let depth = self.stack.len();
        let drops = "drop ".repeat(depth + 1);
        // What an exception finds below the code is nobody's business.
        let rest = "drop ".repeat(depth + 2);
        self.put(&format!("s\" {drops}\" ' evaluate catch buf 240 + ! {rest}buf 240 + @"));
        self.stack = vec![Number];
    }
}
