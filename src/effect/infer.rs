//! The entry points of inference, and what they answer.

use crate::effect::define::{Definition, Ended, Span};
use crate::effect::env::{NoWords, WordEffect, WordEnv};
use crate::effect::error::{EffectError, ErrorKind};
use crate::effect::machine::{BASE, Machine, Regs, Scratch, Token};
use crate::effect::node::Id;
use crate::forth::words::Word;
use crate::model::Cell;

/// What code does to the stack, as values over its inputs. It borrows the memory that it was inferred in; text is made
/// only by [`Effect::render`] and its kin.
#[derive(Clone, Copy)]
pub struct Effect<'s> {
    pub(crate) scratch: &'s Scratch,
    pub(crate) code: &'s str,
    /// The results, deepest first.
    pub(crate) outs: &'s [Id],
    pub(crate) n_in: u8,
    pub(crate) pure: bool,
    pub(crate) diverges: bool,
    /// The name of the definition, in the code.
    pub(crate) name: Span,
    /// Its stack comment, without parentheses.
    pub(crate) comment: Span,
}

impl<'s> Effect<'s> {
    /// Cells that the code takes.
    pub fn n_in(&self) -> usize {
        self.n_in as usize
    }

    /// Cells that it leaves.
    pub fn n_out(&self) -> usize {
        self.outs.len()
    }

    /// Its results depend on its inputs alone, and it does nothing else: no memory, no output, no call of an unknown kind.
    pub fn is_pure(&self) -> bool {
        self.pure
    }

    /// It never comes to its end: every way loops for ever, aborts or throws.
    pub fn diverges(&self) -> bool {
        self.diverges
    }

    /// Whether an output, counted from the deepest, is certainly a flag.
    pub fn is_flag(&self, output: usize) -> bool {
        self.scratch.graph.is_flag(self.outs[output])
    }

    /// The input, counted from the deepest, that an output is a copy of.
    pub fn is_copy_of(&self, output: usize) -> Option<usize> {
        let from_top = self.scratch.graph.resolve(self.outs[output]).input()?;
        (self.n_in as usize).checked_sub(from_top + 1)
    }

    /// The number that an output always is.
    pub fn is_constant(&self, output: usize) -> Option<Cell> {
        self.scratch.graph.literal_of(self.outs[output])
    }

    /// The name of the definition; `None` for bare code.
    pub fn name(&self) -> Option<&'s str> {
        (self.name != (0, 0)).then(|| &self.code[self.name.0 as usize..self.name.1 as usize])
    }

    /// The first stack comment of the definition, without parentheses, where it could be counted.
    pub fn comment(&self) -> Option<&'s str> {
        (self.comment != (0, 0)).then(|| &self.code[self.comment.0 as usize..self.comment.1 as usize])
    }

    /// All definitions of the text in order, the answer itself last; variables and constants count as definitions.
    /// Straight bare code has none.
    pub fn definitions(&self) -> impl ExactSizeIterator<Item = Effect<'s>> + use<'s> {
        let (scratch, code) = (self.scratch, self.code);
        scratch.control.definitions.iter().map(move |definition| of_definition(definition, scratch, code))
    }

    /// The effect for those who call the word.
    pub fn to_word(&self) -> WordEffect {
        let mut flags = 0;
        for k in 0..self.n_out().min(32) {
            flags |= (self.is_flag(k) as u32) << k;
        }
        WordEffect { n_in: self.n_in, n_out: self.n_out() as u8, flags, pure: self.pure }
    }
}

impl std::fmt::Debug for Effect<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.render())
    }
}

/// The effect of code: of bare words, or of the last definition of a text.
///
/// ```
/// use wordmill::effect::{NoWords, Scratch, infer};
/// let mut scratch = Scratch::new();
/// let effect = infer("dup * swap +", &NoWords, &mut scratch).unwrap();
/// assert_eq!(effect.render(), "( a b -- b*b+a )");
/// ```
pub fn infer<'s>(
    code: &'s str,
    env: &dyn WordEnv,
    scratch: &'s mut Scratch,
) -> Result<Effect<'s>, EffectError> {
    match answer(code, env, scratch)? {
        Some(r) => Ok(bare(scratch, code, r)),
        None => Ok(last(scratch, code)),
    }
}

/// The registers at the end of straight bare code; `None` where the answer is the last recorded definition.
#[inline(always)]
pub(crate) fn answer(
    code: &str,
    env: &dyn WordEnv,
    scratch: &mut Scratch,
) -> Result<Option<Regs>, EffectError> {
    if code.len() >= u32::MAX as usize {
        return Err(EffectError { kind: ErrorKind::TooLarge, position: 0, len: 0 });
    }
    let mut machine = Machine::new(scratch, env, code.as_bytes());
    let r = machine.run(Regs::start(0))?;
    if machine.s.control.used || machine.declared.is_some() {
        finish(&mut machine, r)?;
        return Ok(None);
    }
    Ok(Some(r))
}

/// The answer as it is shown.
#[inline(always)]
pub(crate) fn view<'s>(scratch: &'s Scratch, code: &'s str, answer: Option<Regs>) -> Effect<'s> {
    match answer {
        Some(r) => bare(scratch, code, r),
        None => last(scratch, code),
    }
}

/// The effect of words of the table; [`Word::Literal`] takes the next of `literals`. Positions in errors are indices.
pub fn infer_words<'s>(
    words: &[Word],
    literals: &[Cell],
    scratch: &'s mut Scratch,
) -> Result<Effect<'s>, EffectError> {
    let mut machine = Machine::new(scratch, &NoWords, b"");
    let r = machine.run_words(words, literals)?;
    if machine.s.control.used {
        finish_list(&mut machine, r, words.len())?;
        return Ok(last(scratch, ""));
    }
    Ok(bare(scratch, "", r))
}

/// The effect of words that follow each other: of the standard, numbers, and what `env` knows. Positions in errors are
/// indices.
pub fn compose<'s>(
    words: &[&str],
    env: &dyn WordEnv,
    scratch: &'s mut Scratch,
) -> Result<Effect<'s>, EffectError> {
    let mut machine = Machine::new(scratch, env, b"");
    let r = machine.run_names(words)?;
    if machine.s.control.used || machine.declared.is_some() {
        finish_list(&mut machine, r, words.len())?;
        return Ok(last(scratch, ""));
    }
    Ok(bare(scratch, "", r))
}

#[inline(always)]
fn bare<'s>(scratch: &'s Scratch, code: &'s str, r: Regs) -> Effect<'s> {
    Effect {
        scratch,
        code,
        outs: scratch.stack.slice(r.low, r.sp),
        n_in: (BASE - r.low) as u8,
        pure: true,
        diverges: false,
        name: (0, 0),
        comment: (0, 0),
    }
}

#[cold]
fn finish(machine: &mut Machine<'_, '_>, mut r: Regs) -> Result<(), EffectError> {
    while let Some(again) = machine.finish(r)? {
        r = machine.run(again)?;
    }
    Ok(())
}

#[cold]
fn finish_list(machine: &mut Machine<'_, '_>, r: Regs, len: usize) -> Result<(), EffectError> {
    let end = Token { bytes: &[], position: len as u32 };
    machine.expect_bare()?;
    match machine.end_body(end, r)? {
        // A list cannot be read again from the middle of nowhere: recursion without declaration has no effect here.
        Ended::Again(_) => Err(end.error(ErrorKind::NoBaseCase)),
        Ended::Done { r, diverges } => {
            machine.record(r, diverges);
            Ok(())
        }
    }
}

#[cold]
fn last<'s>(scratch: &'s Scratch, code: &'s str) -> Effect<'s> {
    match scratch.control.definitions.last() {
        Some(definition) => of_definition(definition, scratch, code),
        None => bare(scratch, code, Regs::start(0)),
    }
}

fn of_definition<'s>(definition: &Definition, scratch: &'s Scratch, code: &'s str) -> Effect<'s> {
    let (from, to) = definition.outs;
    Effect {
        scratch,
        code,
        outs: &scratch.control.outs[from as usize..to as usize],
        n_in: definition.n_in,
        pure: definition.pure,
        diverges: definition.diverges,
        name: definition.name,
        comment: definition.comment.map_or((0, 0), |comment| comment.span),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effect::Words;

    fn with(declared: Option<(u8, u8)>) -> Words<'static> {
        Words {
            words: vec![
                ("gcd", WordEffect::pure(2, 1)),
                ("square", WordEffect::pure(1, 1)),
                ("even?", WordEffect { flags: 1, ..WordEffect::pure(1, 1) }),
                ("tick", WordEffect::default()),
            ],
            declared,
        }
    }

    fn show(result: Result<Effect<'_>, EffectError>) -> String {
        match result {
            Ok(effect) => effect.render(),
            Err(EffectError { kind, position, .. }) => format!("{kind:?} at {position}"),
        }
    }

    fn check(code: &str, expect: &str) {
        let mut scratch = Scratch::new();
        assert_eq!(show(infer(code, &with(None), &mut scratch)), expect, "{code}");
    }

    fn check_declared(declared: (u8, u8), code: &str, expect: &str) {
        let mut scratch = Scratch::new();
        assert_eq!(show(infer(code, &with(Some(declared)), &mut scratch)), expect, "{code}");
    }

    #[test]
    fn stack_words() {
        check("drop", "( a -- )");
        check("swap", "( a b -- b a )");
        check("over", "( a b -- a b a )");
        check("rot", "( a b c -- b c a )");
        check("-rot", "( a b c -- c a b )");
        check("nip", "( a b -- b )");
        check("tuck", "( a b -- b a b )");
        check("2dup", "( a b -- a b a b )");
        check("2drop", "( a b -- )");
        check("2swap", "( a b c d -- c d a b )");
        check("2over", "( a b c d -- a b c d a b )");
        check("2rot", "( a b c d e f -- c d e f a b )");
        check("2 pick", "( a b c -- a b c a )");
        check("0 pick", "( a -- a a )");
        check("2 roll", "( a b c -- b c a )");
        check("0 roll", "( a -- a )");
        check("1 2 3 2 roll", "( -- 2 3 1 )");
        check(">r 1+ r>", "( a b -- a+1 b )");
        check(">r r@ r> +", "( a -- a+a )");
        check("2>r 2r@ 2r>", "( a b -- a b a b )");
    }

    #[test]
    fn tokens() {
        check("DUP * Swap +", "( a b -- b*b+a )");
        check("  dup\t*\nswap\r\n+  ", "( a b -- b*b+a )");
        check("-7 $Ff %101 'x' #9", "( -- -7 255 5 120 9 )");
        check("123456789012", "( -- 123456789012 )");
        check("-1.", "( -- -1 -1 )");
        check("[char] A bl", "( -- 65 32 )");
        check("[ 2 3 * ] literal +", "( a -- a+2*3 )");
        check("[ 2 3 ] literal literal", "( -- 3 2 )");
        check("[ 2 3 ] 2literal", "( -- 2 3 )");
        check("literal", "Misplaced at 0");
        check("1 [ + ] literal", "Misplaced at 6");
        check("[ 1 ] 2", "Misplaced at 7");
        check("\\ nothing\ndup", "( a -- a a )");
        check("dup \\ the rest", "( a -- a a )");
        check("dup \\", "( a -- a a )");
        check("\\\ndup", "( a -- a a )");
        check("( x ) dup ( y) *", "( a -- a*a )");
        check("s\" abc\" nip", "( -- 3 )");
        check("s\" abc\"", "( -- addr 3 )");
        check(".\" hello\" 1", "( -- 1 )");
        check("dup . cr", "( a -- a )");
        check("variable v v @", "( -- mem[v] )");
        check("+5 -$f", "( -- 5 -15 )");
        check(">number", "( a b c d -- >number(a,b,c,d).1 >number(a,b,c,d).2 >number(a,b,c,d).3 x )");
        check("dup 0= abort\" zero\" 1+", "( a -- a+1 )");
        check("2drop .( hi) 1", "( a b -- 1 )");
        check("99999999999999999999", "UnknownWord at 0");
        check("-trailing", "( a b -- addr u )");
        check("', 1", "UnknownWord at 0");
    }

    #[test]
    fn errors_of_tokens() {
        check("dup foo +", "UnknownWord at 4");
        check("foo", "UnknownWord at 0");
        check("dup unknownword", "UnknownWord at 4");
        check("1 2 3a", "UnknownWord at 4");
        check("( a b -- gcd(a,b) ) dup", "CommentEndsEarly at 18");
        check(": f ( a -- g(a) b ) dup ;", "CommentEndsEarly at 16");
        check("( open", "Unterminated { closer: \")\" } at 0");
        check("s\" open", "Unterminated { closer: \"\\\"\" } at 0");
        check("dup [char]", "NameMissing at 4");
        check(": f dup", "Unterminated { closer: \";\" } at 2");
        check("dup ;", "Misplaced at 4");
        check(": f : g ;", "Misplaced at 4");
        check("?dup +", "NotStatic at 0");
        check("pick", "NotStatic at 0");
        check("1+ pick", "NotStatic at 3");
        check("execute", "NotStatic at 0");
        check(&"+ ".repeat(40), "TooManyInputs at 62");
        check(&"dup ".repeat(300), "TooDeep at 800");
        check(&"1+ ".repeat(70_000), "TooLarge at 180000");
    }

    #[test]
    fn branches() {
        check("if 1 else 2 then", "( a -- (a ? 1 : 2) )");
        check("dup 0< if negate then", "( a -- (a<0 ? -a : a) )");
        check("2dup < if swap then drop", "( a b -- (a<b ? b : a) )");
        check("if 1+ else 1+ then", "( a b -- a+1 )");
        check("?dup if 1+ else 7 then", "( a -- (a ? a+1 : 7) )");
        check("?dup 0= if 7 else 1+ then", "( a -- (a=0 ? 7 : a+1) )");
        check("?dup if . then", "( a -- )");
        check("dup if drop then", "Branches { taken: -1, other: 0 } at 12");
        check("if 1 2 else 3 then", "Branches { taken: 2, other: 1 } at 14");
        check("if >r then", "Branches { taken: -1, other: 0 } at 6");
        check("dup if dup >r then", "ReturnBranches { taken: 1, other: 0 } at 14");
        check("then", "Unmatched { open: None } at 0");
        check("else", "Unmatched { open: None } at 0");
        check("begin then", "Unmatched { open: Some(Begin) } at 6");
        check("dup if 1+", "Unclosed { closer: Then } at 4");
        check("case 1 of 10 endof 2 of 20 endof 30 swap endcase", "( a -- (a=1 ? 10 : a=2 ? 20 : 30) )");
        check("case 1 of endof endcase", "( a -- )");
        check("case 1 of 5 endof endcase", "Branches { taken: 1, other: 0 } at 18");
        check("if 1 throw then 5", "( a -- 5 )");
        check("dup 0= if abort then", "( a -- a )");
        check("ahead 1 2 3 then", "( -- )");
    }

    #[test]
    fn loops() {
        check("begin dup while 1- repeat", "( a -- x )");
        check("begin 1- dup 0= until drop", "( a -- )");
        check("begin 2dup > while swap repeat", "( a b -- x y )");
        check("0 swap begin dup while tuck + swap 1- repeat drop", "( a -- x )");
        check("begin ?dup while 2/ repeat", "( a -- )");
        check("begin dup 1 > while dup 2/ swap drop repeat", "( a -- x )");
        check("begin swap 1+ swap dup until", "( a b -- x+1 b )");
        check("0 do i . loop", "( a -- )");
        check("0 swap 0 ?do i + loop", "( a -- x )");
        check("over 0 do dup . loop", "( a b -- a b )");
        check("0 do i loop", "Loop { change: 1 } at 7");
        check("begin dup again", "Loop { change: 1 } at 10");
        check("begin 1+ again", "( a -- x+1 )");
        check("begin dup while repeat", "( a -- a )");
        check("do i j + drop loop", "NoLoop at 5");
        check("do 10 0 do i j + drop loop loop", "( a b -- )");
        check("do dup 5 = if leave then 1+ loop", "( a b c -- x )");
        check("do 1 leave loop", "Leave { change: 1 } at 5");
        check("leave", "NoLoop at 0");
        check("do r> loop", "UnderLoop at 3");
        check("r>", "ReturnEmpty at 0");
        check(">r", "ReturnLeft { n: 1 } at 2");
        check("begin dup dup >r until", "ReturnLoop { change: 1 } at 17");
        check("i", "NoLoop at 0");
        check("do exit loop", "NeedsUnloop at 3");
        check("do dup if unloop exit then loop", "( a b c -- a )");
        check("dup begin dup 9 < while over + dup 5 = if 2drop 1 exit then repeat nip", "( a -- x )");
        check("do 2 +loop", "( a b -- )");
        check("begin dup 3 > while dup 5 < while 1+ repeat then", "( a -- x )");
        check("begin dup while dup 5 = until else 1+ then", "( a -- x )");
        check("repeat", "Unmatched { open: None } at 0");
        check("begin repeat", "Unmatched { open: Some(Begin) } at 6");
        check("begin dup if again then", "Unmatched { open: Some(If) } at 13");
    }

    #[test]
    fn exits() {
        check("dup 0= if exit then 1+", "( a -- (a=0 ? a : a+1) )");
        check("dup 0= if drop 0 exit then 1 swap /", "( a -- (a=0 ? 0 : 1/a) )");
        check(
            "dup 0< if dup -5 < if exit then negate else exit then",
            "( a -- (a<0 ? (a<-5 ? a : -a) : a) )",
        );
        check("dup 0= if exit then drop", "Exits { here: 0, end: -1 } at 10");
        check("1 exit 2 3", "( -- 1 )");
        check("dup if drop 1 exit else drop 2 exit then + +", "( a -- (a ? 1 : 2) )");
        check("exit + + + +", "( -- )");
        check(">r exit", "ReturnLeft { n: 1 } at 3");
    }

    #[test]
    fn definitions() {
        check(": square dup * ;", "( a -- a*a )");
        check(": square ( n -- n² ) dup * ;", "( n -- n*n )");
        check(": sq dup * ; : sumsq sq swap sq + ;", "( a b -- sq(b)+sq(a) )");
        check(": sq dup * ; sq sq", "( a -- sq(sq(a)) )");
        check(": SQ dup * ; : f sq ; immediate \\ done\n", "( a -- sq(a) )");
        check(": max drop ; : f max ;", "( a -- )");
        check("5 constant five : f five + ;", "( a -- a+five )");
        check(": f ( n -- ) g ;", "UnknownWord at 13");
        check("gcd square", "( a b -- square(gcd(a,b)) )");
        check("GCD", "( a b -- GCD(a,b) )");
        check("['] square execute", "( a -- square(a) )");
        check("tick", "( -- )");
        check("", "( -- )");
        check(": f ;", "( -- )");
        check(": f {: a b | t :} a b + to t t a * ;", "( a b -- (a+b)*a )");
        check(": f {: a b -- c :} b a - ;", "( a b -- b-a )");
        check(": f {: n :} 0 n 0 ?do i + loop n * ;", "( a -- x*a )");
        check(": f {: n :} n 0< if 0 to n then n ;", "( a -- (a<0 ? 0 : a) )");
        check(": f {: n ;", "Unterminated { closer: \":}\" } at 4");
    }

    #[test]
    fn recursion() {
        check(": fact dup 2 < if drop 1 else dup 1- recurse * then ;", "( a -- (a<2 ? 1 : a*fact(a-1)) )");
        check(
            ": fact ( n -- n! ) dup 2 < if drop 1 exit then dup 1- recurse * ;",
            "( n -- (n<2 ? 1 : n*fact(n-1)) )",
        );
        check(": gcd ( a b -- c ) ?dup if tuck mod recurse then ;", "( a b -- (b ? gcd(b,a mod b) : a) )");
        check(": gcd ?dup if tuck mod recurse then ;", "( a b -- (b ? gcd(b,a mod b) : a) )");
        check(": f recurse ;", "NoBaseCase at 4");
        check(": f ( a -- b ) dup if recurse recurse + then ;", "Branches { taken: -1, other: 0 } at 40");
        check(
            ": f ( a -- b ) dup if recurse 1 else 1 then ;",
            "RecurseDisagrees { n_in: 1, n_out: 1 } at 22",
        );
        check(": f dup if recurse swap 1+ swap then ;", "( a b -- (b ? f(a,b).1+1 : a) (b ? f(a,b).2 : b) )");
        check("dup 1 > if 1- recurse then", "( a -- (a>1 ? recurse(a-1) : a) )");
        check_declared((1, 1), "dup 1 > if dup 1- recurse * then", "( a -- (a>1 ? a*recurse(a-1) : a) )");
    }

    #[test]
    fn declarations() {
        check_declared((2, 1), "+", "( a b -- a+b )");
        check_declared((2, 2), "1+", "( a b -- a b+1 )");
        check_declared((1, 1), "dup +", "( a -- a+a )");
        check_declared((1, 1), "+", "Underflow { declared: 1 } at 0");
        check_declared((1, 1), "dup * swap -", "Underflow { declared: 1 } at 6");
        check_declared((0, 0), "1 drop drop", "Underflow { declared: 0 } at 7");
        check_declared(
            (1, 1),
            "dup",
            "NotDeclared { n_in: 1, n_out: 1, inferred_in: 1, inferred_out: 2 } at 3",
        );
        check_declared((1, 1), ": g + ; : f dup g ;", "( a -- g(a,a) )");
        check_declared((1, 1), ": g + ; : f g ;", "Underflow { declared: 1 } at 12");
        check_declared((1, 1), ": g + ; dup g", "( a -- g(a,a) )");
        check_declared((1, 1), "gcd", "Underflow { declared: 1 } at 0");
        check_declared((1, 1), "1 pick +", "Underflow { declared: 1 } at 2");
        check_declared((1, 1), "dup 0< if exit then drop drop", "Underflow { declared: 1 } at 25");
    }

    #[test]
    fn lists() {
        let mut scratch = Scratch::new();
        let words = [Word::Dup, Word::Star, Word::Literal, Word::Plus];
        assert_eq!(show(infer_words(&words, &[7], &mut scratch)), "( a -- a*a+7 )");
        let words = [Word::QDup, Word::If, Word::OnePlus, Word::Else, Word::True, Word::Then];
        assert_eq!(show(infer_words(&words, &[], &mut scratch)), "( a -- (a ? a+1 : true) )");
        assert_eq!(show(infer_words(&[Word::Then], &[], &mut scratch)), "Unmatched { open: None } at 0");
        let compose = |words: &[&str], scratch: &mut Scratch| show(compose(words, &with(None), scratch));
        assert_eq!(compose(&["dup", "*"], &mut scratch), "( a -- a*a )");
        assert_eq!(compose(&["2dup", "+", "rot", "+"], &mut scratch), "( a b -- b a+b+a )");
        assert_eq!(compose(&["gcd", "SQUARE", "1", "+"], &mut scratch), "( a b -- SQUARE(gcd(a,b))+1 )");
        assert_eq!(
            compose(&["?dup", "if", "1+", "else", "0", "then"], &mut scratch),
            "( a -- (a ? a+1 : 0) )"
        );
        assert_eq!(compose(&["[:", "dup", "*", ";]", "execute", "1+"], &mut scratch), "( a -- a*a+1 )");
        assert_eq!(compose(&["[:", "dup"], &mut scratch), "Unterminated { closer: \";]\" } at 0");
        let words = [Word::QuotationOpen, Word::Star, Word::QuotationClose, Word::Execute];
        assert_eq!(show(infer_words(&words, &[], &mut scratch)), "( a b -- a*b )");
        assert_eq!(compose(&["dup", "nope"], &mut scratch), "UnknownWord at 1");
        assert_eq!(compose(&["if", "dup"], &mut scratch), "Unclosed { closer: Then } at 0");
    }

    #[test]
    fn all_definitions_are_listed() {
        let mut scratch = Scratch::new();
        let effect = infer(": a ( x -- ) drop ; variable v : b a a ;", &with(None), &mut scratch).unwrap();
        let all: Vec<_> =
            effect.definitions().map(|d| format!("{} {}", d.name().unwrap_or(""), d.render())).collect();
        assert_eq!(all, ["a ( x -- )", "v ( -- addr )", "b ( a b -- )"]);
        assert_eq!(effect.name(), Some("b"));
        assert!(effect.is_pure());
        assert!(!infer("dup .", &with(None), &mut scratch).unwrap().is_pure());
        assert!(!infer("tick", &with(None), &mut scratch).unwrap().is_pure());
        assert!(infer("begin again", &with(None), &mut scratch).unwrap().diverges());
    }

    #[test]
    fn a_scratch_forgets() {
        let mut scratch = Scratch::new();
        for _ in 0..3 {
            let _ = infer(": f {: a :} do if dup exit begin", &with(Some((3, 3))), &mut scratch);
            assert_eq!(show(infer("dup * swap +", &with(None), &mut scratch)), "( a b -- b*b+a )");
            let _ = infer("drop drop drop 1 2 3 + foo", &with(None), &mut scratch);
            assert_eq!(show(infer("swap", &with(None), &mut scratch)), "( a b -- b a )");
        }
    }
}
