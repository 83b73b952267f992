//! Answers for programs: what the commands, the HTTP interface and the tools of trajectories say, as JSON.

use crate::effect::codes;
use crate::effect::env::{WordEffect, WordEnv};
use crate::effect::error::place;
use crate::effect::infer::{Effect, infer};
use crate::effect::machine::Scratch;
use crate::effect::mend::{diagnose, similar};
use crate::effect::notation::NotationError;
use crate::effect::verify::{Verdict, Verification, verify};
use crate::forth::words::{self, Kind};
use crate::model::{Diagnostic, Severity};
use serde_json::{Value, json};

/// An inferred effect.
pub fn effect_json(effect: &Effect<'_>) -> Value {
    json!({
        "name": effect.name(), "effect": effect.render(), "inputs": effect.n_in(), "outputs": effect.n_out(),
        "pure": effect.is_pure(), "diverges": effect.diverges(),
    })
}

/// The verdict on a claim.
pub fn verification_json(verification: &Verification<'_>, claim: &str) -> Value {
    let differences = verification.differences.iter().map(|difference| {
        json!({
            "output": difference.output, "expected": difference.expected, "got": difference.got,
            "example": difference.example.as_ref().map(|(inputs, claimed, real)| {
                json!({ "inputs": inputs, "claimed": claimed, "got": real })
            }),
        })
    });
    let verdict = match verification.verdict {
        Verdict::Agrees => "agrees",
        Verdict::CountsDiffer => "counts differ",
        Verdict::OutputsDiffer => "outputs differ",
    };
    json!({
        "verdict": verdict, "claimed": claim, "effect": verification.effect.render(),
        "differences": differences.collect::<Vec<_>>(),
    })
}

/// A claim that cannot be read, as a finding.
pub fn notation_diagnostic(claim: &str, error: &NotationError) -> Diagnostic {
    let mut diagnostic = Diagnostic::new(codes::NOTATION, Severity::Error, error.to_string());
    diagnostic.place = place(claim, error.position(), 1);
    diagnostic.source = Some((claim.to_owned(), diagnostic.place.column));
    diagnostic
}

/// What `wordmill infer` says of code, a line for each definition, or for bare code; before them what is probably not meant
/// so. Instead of all that, what is in the way.
pub fn inferred(code: &str, env: &dyn WordEnv, scratch: &mut Scratch) -> Vec<Value> {
    match infer(code, env, scratch) {
        Ok(effect) => {
            let warnings = effect.warnings(env).into_iter().map(|warning| json!(warning.to_diagnostic(code)));
            let mut lines: Vec<Value> = warnings.collect();
            let n_warnings = lines.len();
            lines.extend(effect.definitions().map(|effect| effect_json(&effect)));
            if lines.len() == n_warnings {
                lines.push(effect_json(&effect));
            }
            lines
        }
        Err(error) => vec![json!(diagnose(code, env, &error).0)],
    }
}

/// What `wordmill verify` says of code and a claim, with the verdict, where there is one. Nothing where the claim cannot be
/// read.
pub fn verified(
    code: &str,
    claim: &str,
    env: &dyn WordEnv,
    scratch: &mut Scratch,
) -> Option<(Option<Verdict>, Value)> {
    match verify(code, claim, env, scratch).ok()? {
        Ok(verification) => Some((Some(verification.verdict), verification_json(&verification, claim))),
        Err(error) => Some((None, json!(diagnose(code, env, &error).0))),
    }
}

/// What a kind of word does, in a few words.
fn in_words(kind: Kind) -> &'static str {
    match kind {
        Kind::Stack => "moves cells about",
        Kind::Op => "a function of its inputs",
        Kind::Flag => "a function of its inputs that leaves a flag, -1 for true and 0 for false",
        Kind::Memory => "reads or writes memory",
        Kind::Io => "writes output, or has to do with writing numbers",
        Kind::Return => "has to do with the return stack or with the index of a loop",
        Kind::Control => "directs control flow; acts while a definition is compiled",
        Kind::Dynamic => "what it does to the stack depends on values",
        Kind::Defining => "makes or ends a definition",
        Kind::Parsing => "reads on in the source",
    }
}

/// What `wordmill words NAME` says of a word: its effect, where it has one by itself, and what it does; of a word that is
/// unknown, which ones are written alike.
pub fn word_json(name: &str, env: &dyn WordEnv, scratch: &mut Scratch) -> Value {
    if let Some(word) = words::lookup(name.as_bytes()) {
        let effect = match word.def().kind {
            Kind::Control | Kind::Defining | Kind::Parsing => None,
            _ => infer(word.name(), env, scratch).ok().map(|effect| effect.render()),
        };
        let what = in_words(word.def().kind);
        return json!({ "word": word.name(), "known": true, "effect": effect, "what": what });
    }
    if let Some(WordEffect { n_in, n_out, .. }) = env.word(name) {
        let cells = |n: u8| (0..n).map(|at| format!("{} ", (b'a' + at % 26) as char)).collect::<String>();
        let effect = format!("( {}-- {})", cells(n_in), cells(n_out));
        return json!({ "word": name, "known": true, "effect": effect, "what": "a word of the corpus" });
    }
    json!({ "word": name, "known": false, "similar": similar(name, env) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effect::NoWords;

    #[test]
    fn words_are_told() {
        fn check(name: &str, expect: &str) {
            let told = word_json(name, &NoWords, &mut Scratch::new()).to_string();
            assert!(told.contains(expect), "{name}: {told}");
        }
        check("ROT", r#""word":"rot","known":true,"effect":"( a b c -- b c a )""#);
        check("mod", r#""effect":"( a b -- (a mod b) )","what":"a function"#);
        check("if", r#""effect":null,"what":"directs"#);
        check("swpa", r#""known":false,"similar":["#);
        let known = crate::effect::Words { words: vec![("twice", WordEffect::pure(1, 1))], declared: None };
        let told = word_json("twice", &known, &mut Scratch::new()).to_string();
        assert!(told.contains(r#""effect":"( a -- a )""#), "{told}");
    }

    #[test]
    fn inference_tells_warnings_definitions_or_what_is_in_the_way() {
        fn check(code: &str, n_lines: usize, expect: &str) {
            let lines = inferred(code, &NoWords, &mut Scratch::new());
            assert_eq!(lines.len(), n_lines, "{code}: {lines:?}");
            assert!(lines.last().is_some_and(|line| line.to_string().contains(expect)), "{code}: {lines:?}");
        }
        check("dup *", 1, r#""name":null,"effect":"( a -- a*a )""#);
        check(": a 1 ; : b 2 3 ;", 2, r#""name":"b""#);
        check("dup if drop then", 1, r#""code":"WM043""#);
        check("dup squre", 1, r#""code":"WM040""#);
    }
}
