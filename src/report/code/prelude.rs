//! What stands in front of the definitions, so that they load and mean the same in other Forths: only what a file needs.

/// A word that our code may use and that a standard Forth lacks or defines otherwise, with the lines that mend it.
struct Shim {
    word: &'static str,
    lines: &'static str,
}

/// Words outside the standard, and words whose meaning the standard leaves open and wordmill fixes (`model::scalar`).
const SHIMS: &[Shim] = &[
    Shim { word: "-rot", lines: "[UNDEFINED] -rot [IF] : -rot ( a b c -- c a b ) rot rot ; [THEN]" },
    Shim { word: "<=", lines: "[UNDEFINED] <= [IF] : <= ( n1 n2 -- flag ) > 0= ; [THEN]" },
    Shim { word: ">=", lines: "[UNDEFINED] >= [IF] : >= ( n1 n2 -- flag ) < 0= ; [THEN]" },
    Shim {
        word: "lshift",
        lines: "1 64 lshift [IF] : lshift ( x u -- x ) dup 64 u< if lshift else 2drop 0 then ; [THEN]",
    },
    Shim {
        word: "rshift",
        lines: "-1 64 rshift [IF] : rshift ( x u -- x ) dup 64 u< if rshift else 2drop 0 then ; [THEN]",
    },
    // Locals as the standard before wrote them: the last name is told first.
    Shim {
        word: "{:",
        lines: "[UNDEFINED] {: [IF] VARIABLE wm-blank\n\
                : wm-locals ( \"names\" -- ) parse-name\n\
                \x20 2dup s\" :}\" compare 0= if 2drop exit then\n\
                \x20 2dup s\" --\" compare 0= if 2drop begin parse-name s\" :}\" compare 0= until exit then\n\
                \x20 2dup s\" |\" compare 0= if 2drop true wm-blank ! recurse exit then\n\
                \x20 wm-blank @ >r 2>r recurse 2r> r> if 0 postpone literal then (local) ;\n\
                : {: false wm-blank ! wm-locals 0 0 (local) ; immediate [THEN]",
    },
    // Floored, and the smallest number by -1 wraps; some Forths divide towards zero, some throw.
    Shim {
        word: "/",
        lines: ": wm/? -7 2 / -4 <> -9223372036854775808 -1 ['] / catch if 2drop true else drop false then or ;\n\
                wm/? [IF] : / ( n1 n2 -- n ) dup -1 = if drop negate else >r s>d r> fm/mod nip then ; [THEN]",
    },
    Shim {
        word: "mod",
        lines: ": wm/? -7 2 mod 1 <> -9223372036854775808 -1 ['] mod catch if 2drop true else drop false then or ;\n\
                wm/? [IF] : mod ( n1 n2 -- n ) dup -1 = if 2drop 0 else >r s>d r> fm/mod drop then ; [THEN]",
    },
    Shim {
        word: "/mod",
        lines: ": wm/? -7 2 /mod nip -4 <> -9223372036854775808 -1 ['] /mod catch if 2drop true else 2drop false then or ;\n\
                wm/? [IF] : /mod ( n1 n2 -- r q ) dup -1 = if drop negate 0 swap else >r s>d r> fm/mod then ; [THEN]",
    },
    Shim { word: "*/", lines: "-7 1 2 */ -4 <> [IF] : */ ( n1 n2 n3 -- n ) >r m* r> fm/mod nip ; [THEN]" },
    Shim {
        word: "*/mod",
        lines: "-7 1 2 */mod nip -4 <> [IF] : */mod ( n1 n2 n3 -- r q ) >r m* r> fm/mod ; [THEN]",
    },
];

/// Which shims a file needs.
#[derive(Clone, Copy, Default)]
pub struct Needed(u32);

impl Needed {
    /// Notes what one definition uses.
    pub fn add(&mut self, code: &str) {
        for token in super::tokens(code) {
            let is_shimmed = |shim: &Shim| token.eq_ignore_ascii_case(shim.word);
            if let Some(i) = SHIMS.iter().position(is_shimmed) {
                self.0 |= 1 << i;
            }
        }
    }

    /// The lines for them.
    pub fn write(self, out: &mut String) {
        for (i, shim) in SHIMS.iter().enumerate() {
            if self.0 & 1 << i != 0 {
                out.push_str(shim.lines);
                out.push('\n');
            }
        }
    }
}

/// A minimal tester with the words of ttester.fs, for Forths that have none loaded: a failing line is printed and counted.
pub const TESTER: &str = r#"DECIMAL
[UNDEFINED] T{ [IF]
VARIABLE wm-depth  VARIABLE wm-n  VARIABLE wm-same
VARIABLE wm-tests  0 wm-tests !
VARIABLE wm-failed  0 wm-failed !
CREATE wm-actual 1024 CELLS ALLOT
: wm-drop ( ... -- ) BEGIN DEPTH wm-depth @ > WHILE DROP REPEAT BEGIN DEPTH wm-depth @ < WHILE 0 REPEAT ;
: wm-fail ( ... c-addr u -- ) 1 wm-failed +! CR TYPE SOURCE TYPE wm-drop ;
: wm-compare ( ... -- ) TRUE wm-same ! wm-n @ 0 ?DO wm-actual I CELLS + @ = wm-same @ AND wm-same ! LOOP ;
: T{ ( -- ) DEPTH wm-depth ! ;
: -> ( ... -- ) DEPTH wm-depth @ - wm-n ! wm-n @ 0 > IF wm-n @ 0 DO wm-actual I CELLS + ! LOOP THEN wm-drop ;
: }T ( ... -- ) 1 wm-tests +!
  DEPTH wm-depth @ - wm-n @ <> IF S" WRONG NUMBER OF RESULTS: " wm-fail EXIT THEN
  wm-compare wm-same @ 0= IF S" INCORRECT RESULT: " wm-fail THEN ;
: wm-report ( -- ) CR wm-tests @ . ." tests, " wm-failed @ . ." failed" CR ;
[THEN]
[UNDEFINED] wm-report [IF] : wm-report ; [THEN]
"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_used_is_written() {
        let check = |code: &str, words: &[&str]| {
            let (mut needed, mut text) = (Needed::default(), String::new());
            needed.add(code);
            needed.write(&mut text);
            let names: Vec<_> =
                SHIMS.iter().filter(|shim| text.contains(shim.lines)).map(|shim| shim.word).collect();
            assert_eq!(names, words, "{code}");
        };
        check(": square dup * ;", &[]);
        check(": f -ROT <= ;", &["-rot", "<="]);
        check(": f ( a / b ) \\ mod\n lshift ;", &["lshift"]);
        check(": f / mod /mod */ */mod rshift >= ;", &[">=", "rshift", "/", "mod", "/mod", "*/", "*/mod"]);
    }
}
