//! Words done out of line: safe code on the machine. Depths were checked before the call; what is taken here is there.

use super::file_words;
use super::fuel;
use super::lexer;
use super::machine::Machine;
use super::memory::{self, BASE, HOLD_END, HOLD_START, PAD, VAR_BASE, VAR_STATE};
use super::string_words;
use super::trap::{TrapKind, throw};
use super::words::Word;
use crate::model::{Cell, TRUE, scalar};

type Result<T> = std::result::Result<T, TrapKind>;

const fn throwing(code: Cell) -> TrapKind {
    TrapKind::Throw(code)
}

const INVALID: TrapKind = throwing(throw::INVALID_ADDRESS);

/// Does `word`. Only words for which [`is_prim`] holds come here.
pub(super) fn run(word: Word, m: &mut Machine) -> Result<()> {
    use Word::*;
    match word {
        TwoRot | Roll => stack(word, m),
        StarSlash | StarSlashMod | SMSlashRem | FMSlashMod | MStarSlash => divide(word, m),
        DNegate | DAbs | DTwoStar | DTwoSlash | DLess | DULess | DEquals | DZeroEquals | DZeroLess | DMin
        | DMax | MPlus => doubles(word, m),
        Align | Here | Allot | Comma | CComma | Unused | Pad | Base | State => space(word, m),
        Fill | Erase | Blank | Move | CMove | CMoveUp => bulk(word, m),
        Compare | SlashString | MinusTrailing | Search => strings(word, m),
        Emit | Type | Cr | Space | Spaces | Bl | DotS => write(word, m),
        Dot | UDot | DotR | UDotR | DDot | DDotR => print_number(word, m),
        LessNumSign | NumSign | NumSignS | NumSignGreater | Hold | Holds | Sign => picture(word, m),
        ReadOnly | WriteOnly | ReadWrite | Bin => file_method(word, m),
        Unescape => string_words::unescape(m),
        XEmit | XcSize | XSize | XcFetchPlus | XcStorePlus | XcStorePlusQ | XcComma | XCharPlus
        | XCharMinus | PlusXString | XStringMinus | MinusTrailingGarbage | XHold | XWidth | XcWidth => {
            string_words::xchar(word, m)
        }
        EndStructure => {
            let (addr, size) = m.pop2()?;
            m.memory.store(addr, size).ok_or(INVALID)
        }
        Decimal => set_base(m, 10),
        Hex => set_base(m, 16),
        True => m.push(TRUE),
        False => m.push(0),
        Abort => Err(throwing(throw::ABORT)),
        ToNumber => to_number(m),
        _ => unreachable!("{} is not done out of line", word.name()),
    }
}

/// Whether `word` is done here.
pub(super) const fn is_prim(word: Word) -> bool {
    use Word::*;
    matches!(
        word,
        TwoRot
            | Roll
            | StarSlash
            | StarSlashMod
            | SMSlashRem
            | FMSlashMod
            | MStarSlash
            | DNegate
            | DAbs
            | DTwoStar
            | DTwoSlash
            | DLess
            | DULess
            | DEquals
            | DZeroEquals
            | DZeroLess
            | DMin
            | DMax
            | MPlus
            | Align
            | Here
            | Allot
            | Comma
            | CComma
            | Unused
            | Pad
            | Base
            | State
            | Fill
            | Erase
            | Move
            | CMove
            | CMoveUp
            | Compare
            | SlashString
            | MinusTrailing
            | Search
            | Emit
            | Type
            | Cr
            | Space
            | Spaces
            | Bl
            | DotS
            | Dot
            | UDot
            | DotR
            | UDotR
            | DDot
            | DDotR
            | LessNumSign
            | NumSign
            | NumSignS
            | NumSignGreater
            | Hold
            | Holds
            | Sign
            | Decimal
            | Hex
            | True
            | False
            | Abort
            | ToNumber
            | Blank
            | ReadOnly
            | WriteOnly
            | ReadWrite
            | Bin
            | Unescape
            | XEmit
            | XcSize
            | XSize
            | XcFetchPlus
            | XcStorePlus
            | XcStorePlusQ
            | XcComma
            | XCharPlus
            | XCharMinus
            | PlusXString
            | XStringMinus
            | MinusTrailingGarbage
            | XHold
            | XWidth
            | XcWidth
            | EndStructure
    )
}

/// File access methods.
fn file_method(word: Word, m: &mut Machine) -> Result<()> {
    match word {
        Word::ReadOnly => m.push(file_words::READ_ONLY),
        Word::WriteOnly => m.push(file_words::WRITE_ONLY),
        Word::ReadWrite => m.push(file_words::READ_WRITE),
        _ => {
            let method = m.pop()?;
            m.push(method | file_words::BINARY)
        }
    }
}

fn stack(word: Word, m: &mut Machine) -> Result<()> {
    let n = match word {
        Word::TwoRot => {
            let sp = m.sp;
            m.stack.as_mut_slice()[sp - 5..=sp].rotate_left(2);
            return Ok(());
        }
        _ => m.pop()?,
    };
    if n < 0 || n >= m.sp as Cell {
        return Err(throwing(throw::STACK_UNDERFLOW));
    }
    m.burn(fuel::of_bytes(8 * n as u64))?;
    let sp = m.sp;
    m.stack.as_mut_slice()[sp - n as usize..=sp].rotate_left(1);
    Ok(())
}

fn divide(word: Word, m: &mut Machine) -> Result<()> {
    if word == Word::MStarSlash {
        let divisor = m.pop()?;
        let factor = m.pop()?;
        let number = m.pop_double()?;
        let result = scalar::m_star_slash(number, factor, divisor).map_err(division)?;
        return m.push_double(result);
    }
    let divisor = m.pop()?;
    let dividend = match word {
        Word::StarSlash | Word::StarSlashMod => {
            let (a, b) = m.pop2()?;
            a as i128 * b as i128
        }
        _ => m.pop_double()?,
    };
    let (quotient, remainder) = match word {
        Word::SMSlashRem => scalar::sm_slash_rem(dividend, divisor),
        _ => scalar::fm_slash_mod(dividend, divisor),
    }
    .map_err(division)?;
    if word != Word::StarSlash {
        m.push(remainder)?;
    }
    m.push(quotient)
}

/// The exception of a division that has no answer.
pub(super) fn division(error: scalar::DivisionError) -> TrapKind {
    throwing(match error {
        scalar::DivisionError::ByZero => throw::DIVISION_BY_ZERO,
        scalar::DivisionError::OutOfRange => throw::OUT_OF_RANGE,
    })
}

fn doubles(word: Word, m: &mut Machine) -> Result<()> {
    use Word::*;
    if word == MPlus {
        let n = m.pop()?;
        let d = m.pop_double()?;
        return m.push_double(d.wrapping_add(n as i128));
    }
    let b = m.pop_double()?;
    match word {
        DNegate => m.push_double(b.wrapping_neg()),
        DAbs => m.push_double(b.wrapping_abs()),
        DTwoStar => m.push_double(b << 1),
        DTwoSlash => m.push_double(b >> 1),
        DZeroEquals => m.push(scalar::flag(b == 0)),
        DZeroLess => m.push(scalar::flag(b < 0)),
        _ => {
            let a = m.pop_double()?;
            match word {
                DLess => m.push(scalar::flag(a < b)),
                DULess => m.push(scalar::flag((a as u128) < b as u128)),
                DEquals => m.push(scalar::flag(a == b)),
                DMin => m.push_double(a.min(b)),
                _ => m.push_double(a.max(b)),
            }
        }
    }
}

fn space(word: Word, m: &mut Machine) -> Result<()> {
    match word {
        Word::Align => m.memory.align(),
        Word::Here => m.push(m.memory.here),
        Word::Allot => {
            let n = m.pop()?;
            m.memory.allot(n)
        }
        Word::Comma => {
            let value = m.pop()?;
            m.memory.comma(value)
        }
        Word::CComma => {
            let value = m.pop()?;
            m.memory.append(&[value as u8]).map(|_| ())
        }
        Word::Unused => m.push(m.memory.unused()),
        Word::Pad => m.push(PAD),
        Word::State => m.push(VAR_STATE),
        _ => m.push(VAR_BASE),
    }
}

fn bulk(word: Word, m: &mut Machine) -> Result<()> {
    let byte = match word {
        Word::Fill => m.pop()? as u8,
        Word::Blank => b' ',
        _ => 0,
    };
    let len = m.pop()?;
    let to = m.pop()?;
    m.memory.string(to, len)?;
    m.burn(fuel::of_bytes(len as u64))?;
    if matches!(word, Word::Fill | Word::Erase | Word::Blank) {
        m.memory.string_mut(to, len)?.fill(byte);
        return Ok(());
    }
    let from = m.pop()?;
    m.memory.string(from, len)?;
    // The two lie in data space, or are empty and may be anywhere.
    let distance = to.wrapping_sub(from);
    match word {
        // CMOVE goes byte by byte from low addresses, so a target inside the source repeats its beginning.
        Word::CMove if (1..len).contains(&distance) => {
            repeat(m.memory.string_mut(from, len + distance)?, distance as usize);
            Ok(())
        }
        Word::CMoveUp if (1 - len..0).contains(&distance) => {
            repeat_down(m.memory.string_mut(to, len - distance)?, -distance as usize);
            Ok(())
        }
        _ => m.memory.copy(from, to, len),
    }
}

/// Makes each byte from `distance` on the one `distance` before it, going up.
fn repeat(bytes: &mut [u8], distance: usize) {
    for i in distance..bytes.len() {
        bytes[i] = bytes[i - distance];
    }
}

/// Makes each byte the one `distance` behind it, going down.
fn repeat_down(bytes: &mut [u8], distance: usize) {
    for i in (0..bytes.len() - distance).rev() {
        bytes[i] = bytes[i + distance];
    }
}

fn strings(word: Word, m: &mut Machine) -> Result<()> {
    match word {
        Word::SlashString => {
            let n = m.pop()?;
            let (addr, len) = m.pop2()?;
            m.push(addr.wrapping_add(n))?;
            m.push(len.wrapping_sub(n))
        }
        Word::MinusTrailing => {
            let (addr, len) = m.pop2()?;
            m.memory.string(addr, len)?;
            m.burn(fuel::of_bytes(len as u64))?;
            let text = m.memory.string(addr, len)?;
            let kept = text.iter().rposition(|byte| *byte != b' ').map_or(0, |last| last + 1);
            m.push(addr)?;
            m.push(kept as Cell)
        }
        Word::Compare => {
            let (b_addr, b_len) = m.pop2()?;
            let (a_addr, a_len) = m.pop2()?;
            let order = m.memory.string(a_addr, a_len)?.cmp(m.memory.string(b_addr, b_len)?);
            m.burn(fuel::of_bytes(a_len.min(b_len) as u64))?;
            m.push(order as Cell)
        }
        _ => {
            let (needle_addr, needle_len) = m.pop2()?;
            let (addr, len) = m.pop2()?;
            m.memory.string(addr, len)?;
            m.memory.string(needle_addr, needle_len)?;
            m.burn(fuel::of_search(len, needle_len))?;
            let hay = m.memory.string(addr, len)?;
            let needle = m.memory.string(needle_addr, needle_len)?;
            let found = match needle.len() {
                0 => Some(0),
                n => hay.windows(n).position(|window| window == needle),
            };
            let skip = found.unwrap_or(0) as Cell;
            m.push(addr + skip)?;
            m.push(len - skip)?;
            m.push(scalar::flag(found.is_some()))
        }
    }
}

fn write(word: Word, m: &mut Machine) -> Result<()> {
    match word {
        Word::Emit => {
            let c = m.pop()?;
            emit(m, c)
        }
        Word::Type => {
            let (addr, len) = m.pop2()?;
            m.memory.string(addr, len)?;
            m.burn(fuel::of_bytes(len as u64))?;
            m.write_from_memory(addr, len)
        }
        Word::Cr => m.write(b"\n"),
        Word::Space => m.write(b" "),
        Word::Spaces => {
            let n = m.pop()?;
            m.write_repeated(b' ', n)
        }
        Word::Bl => m.push(b' ' as Cell),
        _ => dot_s(m),
    }
}

/// Characters above 0x7F are written as UTF-8; what is no character is written as its lowest byte.
pub(super) fn emit(m: &mut Machine, c: Cell) -> Result<()> {
    match u32::try_from(c).ok().and_then(char::from_u32) {
        Some(c) if !c.is_ascii() => m.write(c.encode_utf8(&mut [0; 4]).as_bytes()),
        _ => m.write(&[c as u8]),
    }
}

fn dot_s(m: &mut Machine) -> Result<()> {
    let base = base(m)?;
    let mut text = [0; DIGITS];
    let depth = m.sp;
    let n = digits(depth as u128, 10, &mut text);
    m.write(b"<")?;
    m.write(&text[n..])?;
    m.write(b"> ")?;
    for k in 1..=depth {
        let item = m.stack.as_slice()[k];
        let n = signed_digits(item as i128, base, &mut text);
        m.write(&text[n..])?;
        m.write(b" ")?;
    }
    Ok(())
}

/// Digits of 128 bits in base 2, and a sign.
const DIGITS: usize = 129;

/// Writes digits to the end of `text` and says where they begin.
fn digits(mut value: u128, base: u32, text: &mut [u8; DIGITS]) -> usize {
    let mut at = DIGITS;
    loop {
        at -= 1;
        text[at] = digit_char((value % base as u128) as u32);
        value /= base as u128;
        if value == 0 {
            return at;
        }
    }
}

fn signed_digits(value: i128, base: u32, text: &mut [u8; DIGITS]) -> usize {
    let mut at = digits(value.unsigned_abs(), base, text);
    if value < 0 {
        at -= 1;
        text[at] = b'-';
    }
    at
}

fn digit_char(digit: u32) -> u8 {
    char::from_digit(digit, 36).unwrap_or('?').to_ascii_uppercase() as u8
}

/// BASE, when it is one that numbers can have.
pub(super) fn base(m: &Machine) -> Result<u32> {
    let base = m.memory.fetch(VAR_BASE).ok_or(INVALID)?;
    if (2..=36).contains(&base) { Ok(base as u32) } else { Err(throwing(throw::INVALID_ARGUMENT)) }
}

fn set_base(m: &mut Machine, base: Cell) -> Result<()> {
    m.memory.store(VAR_BASE, base).ok_or(INVALID)
}

fn print_number(word: Word, m: &mut Machine) -> Result<()> {
    let base = base(m)?;
    let width = match word {
        Word::DotR | Word::UDotR | Word::DDotR => Some(m.pop()?),
        _ => None,
    };
    let value = match word {
        Word::DDot | Word::DDotR => m.pop_double()?,
        Word::UDot | Word::UDotR => m.pop()? as u64 as i128,
        _ => m.pop()? as i128,
    };
    let mut text = [0; DIGITS];
    let at = signed_digits(value, base, &mut text);
    let len = (DIGITS - at) as Cell;
    match width {
        None => {
            m.write(&text[at..])?;
            m.write(b" ")
        }
        Some(width) => {
            m.write_repeated(b' ', width.saturating_sub(len))?;
            m.write(&text[at..])
        }
    }
}

fn picture(word: Word, m: &mut Machine) -> Result<()> {
    match word {
        Word::LessNumSign => {
            m.hold = HOLD_END;
            Ok(())
        }
        Word::NumSign | Word::NumSignS => {
            let base = base(m)? as u128;
            let mut value = m.pop_double()? as u128;
            loop {
                m.burn(fuel::DIGIT)?;
                hold(m, digit_char((value % base) as u32))?;
                value /= base;
                if word == Word::NumSign || value == 0 {
                    return m.push_double(value as i128);
                }
            }
        }
        Word::NumSignGreater => {
            m.pop2()?;
            m.push(m.hold)?;
            m.push(HOLD_END - m.hold)
        }
        Word::Hold => {
            let c = m.pop()?;
            hold(m, c as u8)
        }
        Word::Holds => {
            let (addr, len) = m.pop2()?;
            m.memory.string(addr, len)?;
            for at in (addr..addr + len).rev() {
                let byte = m.memory.fetch_byte(at).ok_or(INVALID)?;
                hold(m, byte)?;
            }
            Ok(())
        }
        _ => match m.pop()? {
            0.. => Ok(()),
            _ => hold(m, b'-'),
        },
    }
}

pub(super) fn hold(m: &mut Machine, byte: u8) -> Result<()> {
    if m.hold <= HOLD_START {
        return Err(throwing(throw::PICTURED_OVERFLOW));
    }
    m.hold -= 1;
    m.memory.store_byte(m.hold, byte).ok_or(INVALID)
}

fn to_number(m: &mut Machine) -> Result<()> {
    let base = base(m)?;
    let (addr, len) = m.pop2()?;
    let mut value = m.pop_double()? as u128;
    m.memory.string(addr, len)?;
    m.burn(fuel::of_bytes(len as u64))?;
    let text = m.memory.string(addr, len)?;
    let mut used = 0;
    for byte in text {
        let Some(digit) = lexer::digit(*byte).filter(|digit| *digit < base) else { break };
        value = value.wrapping_mul(base as u128).wrapping_add(digit as u128);
        used += 1;
    }
    m.push_double(value as i128)?;
    m.push(addr + used)?;
    m.push(len - used)
}

/// Where the first byte of data space lies, and how the buffers of the system lie behind each other.
const _: () = assert!(
    VAR_BASE == BASE
        && HOLD_START > VAR_STATE
        && HOLD_END <= memory::STRINGS
        && PAD < memory::USER
        && memory::STRINGS + 2 * memory::STRING_BYTES as Cell <= memory::WORD_BUFFER
        && memory::WORD_BUFFER + (memory::WORD_BYTES as Cell) <= PAD
);
