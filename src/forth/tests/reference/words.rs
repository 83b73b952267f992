//! What the words of the system do.

use super::*;

/// The word is not one of those.
const NOT_HERE: Cell = Cell::MIN;

fn flag(truth: bool) -> Cell {
    if truth { -1 } else { 0 }
}

/// The quotient towards minus infinity, and its remainder.
fn floored(n: i128, d: i128) -> (i128, i128) {
    let (q, r) = (n / d, n % d);
    if r != 0 && (r < 0) != (d < 0) { (q - 1, r + d) } else { (q, r) }
}

fn wide(low: Cell, high: Cell) -> i128 {
    ((high as i128) << 64) + low as u64 as i128
}

pub(super) fn split(d: i128) -> Vec<Cell> {
    vec![d as Cell, (d >> 64) as Cell]
}

fn single(n: i128) -> Result<Cell, Cell> {
    Cell::try_from(n).map_err(|_| OUT_OF_RANGE)
}

fn nonzero(n: Cell) -> Result<i128, Cell> {
    if n == 0 { Err(DIVISION_BY_ZERO) } else { Ok(n as i128) }
}

fn digits(mut n: u128, base: u128) -> Vec<u8> {
    let mut text = Vec::new();
    loop {
        text.insert(0, b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[(n % base) as usize]);
        n /= base;
        if n == 0 {
            return text;
        }
    }
}

fn signed(n: i128, base: u128) -> Vec<u8> {
    let mut text = digits(n.unsigned_abs(), base);
    if n < 0 {
        text.insert(0, b'-');
    }
    text
}

impl Reference {
    /// Words that need nothing but their arguments and cells of memory; none where it is another word.
    pub(super) fn compute(
        &mut self,
        name: &str,
        a: &[Cell],
        depth: Cell,
        full: bool,
    ) -> Option<Result<Vec<Cell>, Cell>> {
        let found = self.computed(name, a, depth, full);
        match found {
            Err(NOT_HERE) => None,
            found => Some(found),
        }
    }

    pub(super) fn computed(
        &mut self,
        name: &str,
        a: &[Cell],
        depth: Cell,
        full: bool,
    ) -> Result<Vec<Cell>, Cell> {
        let memory = |value: Option<Cell>| value.ok_or(INVALID_ADDRESS);
        Ok(match name {
            "dup" => vec![a[0], a[0]],
            "drop" => vec![],
            "swap" => vec![a[1], a[0]],
            "over" => vec![a[0], a[1], a[0]],
            "rot" => vec![a[1], a[2], a[0]],
            "-rot" => vec![a[2], a[0], a[1]],
            "nip" => vec![a[1]],
            "tuck" => vec![a[1], a[0], a[1]],
            "2dup" => vec![a[0], a[1], a[0], a[1]],
            "2drop" => vec![],
            "2swap" => vec![a[2], a[3], a[0], a[1]],
            "2over" => vec![a[0], a[1], a[2], a[3], a[0], a[1]],
            "2rot" => vec![a[2], a[3], a[4], a[5], a[0], a[1]],
            "?dup" if a[0] == 0 => vec![0],
            "?dup" if full => return Err(STACK_OVERFLOW),
            "?dup" => vec![a[0], a[0]],
            "depth" => vec![depth],
            "+" => vec![(a[0] as i128 + a[1] as i128) as Cell],
            "-" => vec![(a[0] as i128 - a[1] as i128) as Cell],
            "*" => vec![(a[0] as i128 * a[1] as i128) as Cell],
            "/" => vec![floored(a[0] as i128, nonzero(a[1])?).0 as Cell],
            "mod" => vec![floored(a[0] as i128, nonzero(a[1])?).1 as Cell],
            "/mod" => {
                let (q, r) = floored(a[0] as i128, nonzero(a[1])?);
                vec![r as Cell, q as Cell]
            }
            "1+" => vec![(a[0] as i128 + 1) as Cell],
            "1-" => vec![(a[0] as i128 - 1) as Cell],
            "2*" => vec![(a[0] as i128 * 2) as Cell],
            "2/" => vec![floored(a[0] as i128, 2).0 as Cell],
            "negate" => vec![(-(a[0] as i128)) as Cell],
            "abs" => vec![(a[0] as i128).abs() as Cell],
            "min" => vec![if a[0] < a[1] { a[0] } else { a[1] }],
            "max" => vec![if a[0] > a[1] { a[0] } else { a[1] }],
            "lshift" if a[1] as u64 >= 64 => vec![0],
            "lshift" => vec![((a[0] as i128) << a[1]) as Cell],
            "rshift" if a[1] as u64 >= 64 => vec![0],
            "rshift" => vec![((a[0] as u64 as u128) >> a[1]) as Cell],
            "and" => vec![a[0] & a[1]],
            "or" => vec![a[0] | a[1]],
            "xor" => vec![a[0] ^ a[1]],
            "invert" => vec![-1 - a[0]],
            "=" => vec![flag(a[0] == a[1])],
            "<>" => vec![flag(a[0] != a[1])],
            "<" => vec![flag(a[0] < a[1])],
            ">" => vec![flag(a[0] > a[1])],
            "<=" => vec![flag(a[0] <= a[1])],
            ">=" => vec![flag(a[0] >= a[1])],
            "u<" => vec![flag((a[0] as u64) < a[1] as u64)],
            "u>" => vec![flag(a[0] as u64 > a[1] as u64)],
            "0=" => vec![flag(a[0] == 0)],
            "0<" => vec![flag(a[0] < 0)],
            "0>" => vec![flag(a[0] > 0)],
            "within" => vec![flag((a[0].wrapping_sub(a[1]) as u64) < a[2].wrapping_sub(a[1]) as u64)],
            "true" => vec![-1],
            "s>d" => split(a[0] as i128),
            "d+" => split(wide(a[0], a[1]).wrapping_add(wide(a[2], a[3]))),
            "d-" => split(wide(a[0], a[1]).wrapping_sub(wide(a[2], a[3]))),
            "m+" => split(wide(a[0], a[1]).wrapping_add(a[2] as i128)),
            "dnegate" => split(wide(a[0], a[1]).wrapping_neg()),
            "d<" => vec![flag(wide(a[0], a[1]) < wide(a[2], a[3]))],
            "m*" => split(a[0] as i128 * a[1] as i128),
            "um*" => split((a[0] as u64 as u128 * a[1] as u64 as u128) as i128),
            "um/mod" => {
                let (n, d) = (wide(a[0], a[1]) as u128, nonzero(a[2])? as u64 as u128);
                let q = u64::try_from(n / d).map_err(|_| OUT_OF_RANGE)?;
                vec![(n % d) as Cell, q as Cell]
            }
            "fm/mod" => {
                let n = wide(a[0], a[1]);
                let d = nonzero(a[2])?;
                if n == i128::MIN && d == -1 {
                    return Err(OUT_OF_RANGE);
                }
                let (q, r) = floored(n, d);
                vec![r as Cell, single(q)?]
            }
            "*/" => vec![single(floored(a[0] as i128 * a[1] as i128, nonzero(a[2])?).0)?],
            "*/mod" => {
                let (q, r) = floored(a[0] as i128 * a[1] as i128, nonzero(a[2])?);
                vec![r as Cell, single(q)?]
            }
            "0<>" => vec![flag(a[0] != 0)],
            "false" => vec![0],
            "bl" => vec![32],
            "d>s" => vec![a[0]],
            "dabs" => split(wide(a[0], a[1]).wrapping_abs()),
            "d2*" => split(wide(a[0], a[1]).wrapping_mul(2)),
            "d2/" => split(wide(a[0], a[1]) >> 1),
            "du<" => vec![flag((wide(a[0], a[1]) as u128) < wide(a[2], a[3]) as u128)],
            "d=" => vec![flag(a[0] == a[2] && a[1] == a[3])],
            "d0=" => vec![flag(a[0] == 0 && a[1] == 0)],
            "d0<" => vec![flag(a[1] < 0)],
            "dmin" => split(wide(a[0], a[1]).min(wide(a[2], a[3]))),
            "dmax" => split(wide(a[0], a[1]).max(wide(a[2], a[3]))),
            "sm/rem" => {
                let (n, d) = (wide(a[0], a[1]), nonzero(a[2])?);
                let (q, r) = (n.checked_div(d).ok_or(OUT_OF_RANGE)?, n.wrapping_rem(d));
                vec![r as Cell, single(q)?]
            }
            "m*/" => {
                let d = nonzero(a[3])?;
                // The generator keeps this product within 128 bits.
                let product = wide(a[0], a[1]).checked_mul(a[2] as i128).ok_or(OUT_OF_RANGE)?;
                split(floored(product, d).0)
            }
            "chars" => vec![a[0]],
            "char+" => vec![a[0].wrapping_add(1)],
            "aligned" => vec![a[0].wrapping_add(7) & -8],
            "/string" => vec![a[0].wrapping_add(a[2]), a[1].wrapping_sub(a[2])],
            "cells" => vec![(a[0] as i128 * 8) as Cell],
            "cell+" => vec![a[0].wrapping_add(8)],
            "@" => vec![memory(self.fetch(a[0]))?],
            "c@" => vec![memory(self.byte(a[0]).map(|at| self.memory[at] as Cell))?],
            "count" => vec![a[0].wrapping_add(1), memory(self.byte(a[0]).map(|at| self.memory[at] as Cell))?],
            "2@" => vec![memory(self.fetch(a[0].wrapping_add(8)))?, memory(self.fetch(a[0]))?],
            "!" => {
                self.store(a[1], a[0]).ok_or(INVALID_ADDRESS)?;
                vec![]
            }
            "c!" => {
                let at = self.byte(a[1]).ok_or(INVALID_ADDRESS)?;
                self.memory[at] = a[0] as u8;
                vec![]
            }
            "+!" => {
                let sum = memory(self.fetch(a[1]))? as i128 + a[0] as i128;
                self.store(a[1], sum as Cell);
                vec![]
            }
            "2!" => {
                memory(self.fetch(a[2]))?;
                self.store(a[2].wrapping_add(8), a[0]).ok_or(INVALID_ADDRESS)?;
                self.store(a[2], a[1]);
                vec![]
            }
            _ => return Err(NOT_HERE),
        })
    }

    /// Words that print, read memory in bulk, or need the dictionary.
    pub(super) fn system(&mut self, name: &'static str) -> Run {
        match name {
            "pick" | "roll" => {
                let n = self.pop()?;
                if n < 0 || n >= self.stack.len() as Cell {
                    return self.throw(STACK_UNDERFLOW);
                }
                let at = self.stack.len() - 1 - n as usize;
                if name == "pick" {
                    return self.push(self.stack[at]);
                }
                self.burn_bytes(n * 8)?;
                let moved = self.stack.remove(at);
                self.push(moved)
            }
            "throw" => match self.pop()? {
                0 => Ok(()),
                code => self.throw(code),
            },
            "execute" => {
                let token = self.token_of(*self.stack.last().unwrap());
                let token = self.or(token, INVALID_ADDRESS)?;
                self.stack.pop();
                self.call(token)
            }
            "catch" => self.catch(),
            "abort" => self.throw(ABORT),
            " abort" => {
                self.pop_string()?;
                self.throw(ABORT_QUOTE)
            }
            "base" => self.push(MEMORY),
            "state" => self.push(STATE),
            "pad" => self.push(PAD),
            "here" => self.push(self.here),
            "unused" => {
                let floor = self.heap.last().map_or(MEMORY + self.memory.len() as Cell, |block| block.0);
                self.push(floor - self.here)
            }
            "allot" => {
                let n = self.pop()?;
                self.allot(n)
            }
            "," => {
                let value = self.pop()?;
                self.comma(value)
            }
            "c," => {
                let value = self.pop()?;
                self.append(&[value as u8]).map(|_| ())
            }
            "align" => self.align(),
            "fill" | "erase" | "blank" => {
                let byte = match name {
                    "fill" => self.pop()? as u8,
                    "blank" => b' ',
                    _ => 0,
                };
                let (len, to) = (self.pop()?, self.pop()?);
                self.bytes(to, len)?;
                self.burn_bytes(len)?;
                self.set_bytes(to, &vec![byte; len as usize])
            }
            "move" | "cmove" | "cmove>" => self.copy(name),
            "compare" => {
                let b = self.pop_bytes()?;
                let a = self.pop_bytes()?;
                self.burn_bytes(a.len().min(b.len()) as i64)?;
                self.push(a.cmp(&b) as Cell)
            }
            "search" => {
                let needle = self.pop_bytes()?;
                let (len, addr) = (self.pop()?, self.pop()?);
                let hay = self.bytes(addr, len)?;
                self.burn_bytes(len * needle.len().max(1) as i64)?;
                let found = (0..=hay.len()).find(|at| hay[*at..].starts_with(&needle));
                let at = found.unwrap_or(0) as Cell;
                self.push_all(&[addr + at, len - at, flag(found.is_some())])
            }
            "-trailing" => {
                let (len, addr) = (self.pop()?, self.pop()?);
                let mut text = self.bytes(addr, len)?;
                self.burn_bytes(len)?;
                while text.last() == Some(&b' ') {
                    text.pop();
                }
                self.push_all(&[addr, text.len() as Cell])
            }
            ">number" => {
                let base = self.base()?;
                let (len, addr) = (self.pop()?, self.pop()?);
                let (high, low) = (self.pop()?, self.pop()?);
                let text = self.bytes(addr, len)?;
                self.burn_bytes(len)?;
                let mut value = wide(low, high) as u128;
                let mut used = 0;
                for byte in text {
                    let digit = (byte as char).to_digit(36).filter(|digit| (*digit as u128) < base);
                    let Some(digit) = digit else { break };
                    value = value.wrapping_mul(base).wrapping_add(digit as u128);
                    used += 1;
                }
                self.push_all(&split(value as i128))?;
                self.push_all(&[addr + used, len - used])
            }
            _ => self.output_word(name),
        }
    }

    pub(super) fn copy(&mut self, name: &str) -> Run {
        let (len, to, from) = (self.pop()?, self.pop()?, self.pop()?);
        self.bytes(to, len)?;
        self.burn_bytes(len)?;
        let all = self.bytes(from, len)?;
        match name {
            "move" => self.set_bytes(to, &all)?,
            "cmove" => {
                for k in 0..len {
                    let byte = self.bytes(from + k, 1)?;
                    self.set_bytes(to + k, &byte)?;
                }
            }
            _ => {
                for k in (0..len).rev() {
                    let byte = self.bytes(from + k, 1)?;
                    self.set_bytes(to + k, &byte)?;
                }
            }
        }
        Ok(())
    }

    pub(super) fn hold(&mut self, byte: u8) -> Run {
        if self.hold <= HOLD_START {
            return self.throw(PICTURED_OVERFLOW);
        }
        self.hold -= 1;
        self.set_bytes(self.hold, &[byte])
    }

    pub(super) fn output_word(&mut self, name: &'static str) -> Run {
        match name {
            "decimal" => self.set_bytes(MEMORY, &10i64.to_le_bytes()),
            "hex" => self.set_bytes(MEMORY, &16i64.to_le_bytes()),
            "cr" => self.write(b"\n"),
            "space" => self.write(b" "),
            "spaces" => {
                let n = self.pop()?;
                self.write_spaces(n)
            }
            "emit" => {
                let c = self.pop()?;
                match u32::try_from(c).ok().and_then(char::from_u32) {
                    Some(c) => self.write(c.to_string().as_bytes()),
                    None => self.write(&[c as u8]),
                }
            }
            "type" => {
                let text = self.pop_string()?;
                self.write(&text)
            }
            "xemit" => {
                let c = self.pop()?;
                self.write(char::from_u32(c as u32).unwrap().to_string().as_bytes())
            }
            "." | "u." | "d." | ".r" | "u.r" | "d.r" => {
                let base = self.base()?;
                let width = if name.ends_with('r') { self.pop()? } else { 0 };
                let n = match name {
                    "d." | "d.r" => {
                        let high = self.pop()?;
                        wide(self.pop()?, high)
                    }
                    "u." | "u.r" => self.pop()? as u64 as i128,
                    _ => self.pop()? as i128,
                };
                let text = signed(n, base);
                if name.ends_with('r') {
                    self.write_spaces(width.saturating_sub(text.len() as Cell))?;
                }
                self.write(&text)?;
                self.write(if name.ends_with('r') { b"" } else { b" " })
            }
            "?" => {
                let addr = self.pop()?;
                let value = self.or(self.fetch(addr), INVALID_ADDRESS)?;
                self.push(value)?;
                self.output_word(".")
            }
            ".s" => {
                let base = self.base()?;
                let mut text = format!("<{}> ", self.stack.len()).into_bytes();
                for item in &self.stack {
                    text.extend(signed(*item as i128, base));
                    text.push(b' ');
                }
                self.write(&text)
            }
            "<#" => {
                self.hold = HOLD_END;
                Ok(())
            }
            "#" | "#s" => {
                let base = self.base()?;
                let (high, low) = (self.pop()?, self.pop()?);
                let mut n = wide(low, high) as u128;
                loop {
                    self.burn(1)?;
                    self.hold(digits(n % base, base)[0])?;
                    n /= base;
                    if name == "#" || n == 0 {
                        return self.push_all(&split(n as i128));
                    }
                }
            }
            "#>" => {
                self.pop()?;
                self.pop()?;
                self.push_all(&[self.hold, HOLD_END - self.hold])
            }
            "hold" => {
                let c = self.pop()?;
                self.hold(c as u8)
            }
            "holds" => {
                let text = self.pop_bytes()?;
                text.iter().rev().try_for_each(|byte| self.hold(*byte))
            }
            "sign" => match self.pop()? {
                0.. => Ok(()),
                _ => self.hold(b'-'),
            },
            _ => self.dictionary_word(name),
        }
    }

    pub(super) fn write_spaces(&mut self, n: Cell) -> Run {
        let n = n.max(0);
        self.burn_bytes(n)?;
        self.write(&vec![b' '; n as usize])
    }

    /// Heap, substitutions, word lists.
    pub(super) fn dictionary_word(&mut self, name: &'static str) -> Run {
        match name {
            "allocate" | "free" | "resize" => self.heap_word(name),
            "replaces" => {
                let name = self.pop_string()?;
                let text = self.pop_string()?;
                let name = String::from_utf8_lossy(&name).to_lowercase();
                self.substitutions.retain(|(known, _)| *known != name);
                self.substitutions.push((name, text));
                Ok(())
            }
            "substitute" => {
                let (room, addr) = (self.pop()?, self.pop()?);
                let text = self.pop_string()?;
                let (mut result, mut n) = (Vec::new(), 0);
                let mut pieces = text.split(|byte| *byte == b'%');
                result.extend_from_slice(pieces.next().unwrap_or(b""));
                while let Some(name) = pieces.next() {
                    let name = String::from_utf8_lossy(name).to_lowercase();
                    let Some(behind) = pieces.next() else { panic!("texts have their signs in pairs") };
                    match self.substitutions.iter().find(|(known, _)| *known == name) {
                        Some((_, text)) => {
                            result.extend_from_slice(text);
                            n += 1;
                        }
                        None => result.extend_from_slice(format!("%{name}%").as_bytes()),
                    }
                    result.extend_from_slice(behind);
                }
                self.burn_bytes(result.len() as i64)?;
                assert!(result.len() as Cell <= room, "texts have room");
                self.set_bytes(addr, &result)?;
                self.push_all(&[addr, result.len() as Cell, n])
            }
            "unescape" => {
                let to = self.pop()?;
                let text = self.pop_bytes()?;
                self.burn_bytes(2 * text.len() as i64)?;
                let result = String::from_utf8_lossy(&text).replace('%', "%%");
                self.set_bytes(to, result.as_bytes())?;
                self.push_all(&[to, result.len() as Cell])
            }
            "xc!+" => {
                let (addr, c) = (self.pop()?, self.pop()?);
                let text = char::from_u32(c as u32).unwrap().to_string();
                self.set_bytes(addr, text.as_bytes())?;
                self.push(addr + text.len() as Cell)
            }
            "xc@+" => {
                let addr = self.pop()?;
                let byte = self.bytes(addr, 1)?[0];
                assert!(byte < 0x80, "the generator puts nothing else there");
                self.push_all(&[addr + 1, byte as Cell])
            }
            "xchar+" | "xchar-" => {
                let addr = self.pop()?;
                let next = if name == "xchar+" { addr + 1 } else { addr - 1 };
                let first = self.bytes(addr.min(next), 1)?[0];
                assert!(first < 0x80, "the generator puts nothing else there");
                self.push(next)
            }
            "xc-size" => {
                let c = self.pop()?;
                self.push(char::from_u32(c as u32).unwrap().len_utf8() as Cell)
            }
            "+x/string" => {
                let (len, addr) = (self.pop()?, self.pop()?);
                self.push_all(&[addr + 1, len - 1])
            }
            "x\\string-" => {
                let len = self.pop()?;
                self.push(len - 1)
            }
            "wordlist" => {
                self.n_lists += 1;
                self.push(LISTS + self.n_lists as Cell - 1)
            }
            "forth-wordlist" => self.push(LISTS),
            "get-current" => self.push(LISTS + self.current as Cell),
            "set-current" => {
                self.current = self.pop_list()?;
                Ok(())
            }
            "get-order" => {
                let order = self.order.clone();
                for list in &order {
                    self.push(LISTS + *list as Cell)?;
                }
                self.push(order.len() as Cell)
            }
            "set-order" => {
                let n = self.pop()?;
                if !(0..=16).contains(&n) {
                    return self.throw(if n < 0 { ORDER_UNDERFLOW } else { ORDER_OVERFLOW });
                }
                let mut order = Vec::new();
                for _ in 0..n {
                    order.insert(0, self.pop_list()?);
                }
                self.order = order;
                Ok(())
            }
            "also" => {
                let first = self.or(self.order.last().copied(), ORDER_UNDERFLOW)?;
                self.order.push(first);
                Ok(())
            }
            "previous" => {
                let gone = self.order.pop();
                self.or(gone, ORDER_UNDERFLOW).map(|_| ())
            }
            "search-wordlist" => {
                let list = self.pop_list()?;
                let name = self.pop_string()?;
                match self.find_in(&String::from_utf8_lossy(&name), list) {
                    Some(token) => {
                        let immediate = self.is_immediate(token);
                        self.push_all(&[Self::cell_of(token), if immediate { 1 } else { -1 }])
                    }
                    None => self.push(0),
                }
            }
            "traverse-wordlist" => {
                let list = self.pop_list()?;
                let cell = self.pop()?;
                let token = self.or(self.token_of(cell), INVALID_ADDRESS)?;
                if self.nesting >= self.limits.nesting {
                    return self.throw(RETURN_OVERFLOW);
                }
                let is_there = |index: &usize| {
                    let entry = &self.entries[*index];
                    !entry.hidden && entry.list == list && !entry.name.is_empty()
                };
                let found: Vec<usize> = (0..self.entries.len()).rev().filter(is_there).collect();
                self.burn_bytes(found.len() as i64)?;
                for index in found {
                    self.push(NAMES + (WORDS.len() + index) as Cell)?;
                    self.nesting += 1;
                    let done = self.call(token);
                    self.nesting -= 1;
                    done?;
                    if self.pop()? == 0 {
                        break;
                    }
                }
                Ok(())
            }
            _ => self.source_word(name),
        }
    }

    pub(super) fn pop_list(&mut self) -> Run<usize> {
        let list = self.pop()?.wrapping_sub(LISTS);
        let list = usize::try_from(list).ok().filter(|list| *list < self.n_lists);
        self.or(list, INVALID_ARGUMENT)
    }

    pub(super) fn heap_word(&mut self, name: &str) -> Run {
        self.burn_bytes(self.heap.len() as i64 * 8)?;
        let size_of = |n: Cell| (0..1 << 40).contains(&n).then(|| (n.max(1) + 7) & !7);
        match name {
            "allocate" => {
                let n = self.pop()?;
                let addr = size_of(n).and_then(|size| self.allocate(size));
                self.push(addr.unwrap_or(0))?;
                self.push(if addr.is_some() { 0 } else { -59 })
            }
            "free" => {
                let addr = self.pop()?;
                let before = self.heap.len();
                self.heap.retain(|block| block.0 != addr);
                self.push(if self.heap.len() < before { 0 } else { -60 })
            }
            _ => {
                let (n, addr) = (self.pop()?, self.pop()?);
                self.burn_bytes(n.clamp(0, self.memory.len() as Cell))?;
                let end = MEMORY + self.memory.len() as Cell;
                let Some(at) = self.heap.iter().position(|block| block.0 == addr) else {
                    return self.push_all(&[addr, -61]);
                };
                let Some(size) = size_of(n) else { return self.push_all(&[addr, -61]) };
                let next = if at == 0 { end } else { self.heap[at - 1].0 };
                if next - addr >= size {
                    self.heap[at].1 = size;
                    return self.push_all(&[addr, 0]);
                }
                let old = self.bytes(addr, self.heap[at].1.min(n))?;
                let Some(moved) = self.allocate(size) else { return self.push_all(&[addr, -61]) };
                self.set_bytes(moved, &old)?;
                self.heap.retain(|block| block.0 != addr);
                self.push_all(&[moved, 0])
            }
        }
    }

    /// The highest gap that is large enough.
    pub(super) fn allocate(&mut self, size: Cell) -> Option<Cell> {
        let mut top = MEMORY + self.memory.len() as Cell;
        for at in 0..=self.heap.len() {
            let bottom = self.heap.get(at).map_or(self.here, |block| block.0 + block.1);
            if top - bottom >= size {
                self.heap.insert(at, (top - size, size));
                return Some(top - size);
            }
            top = self.heap.get(at)?.0;
        }
        None
    }
}
