//! The answers to programs over HTTP: the JSON that the commands write.

use super::judging::Judging;
use super::words::{CorpusWords, is_unknown_word};
use crate::corpus::{Corpus, Record};
use crate::effect::{self, NoWords, Scratch, WordEnv, told};
use crate::model::{Outcome, SpecId};
use crate::pipeline::{self, Options};
use crate::report::{Row, write_line};
use crate::server::{Answers, Misunderstood, Question};
use crate::spec;
use serde_json::{Value, json};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

/// The specifications and settings of the daemon, as far as answers depend on them.
struct World {
    corpus: Arc<Corpus>,
    options: Arc<Options>,
    /// Made when a question first names a word that is not in the standard.
    words: OnceLock<CorpusWords>,
    /// Made when the first candidate comes; `None` where no thread could be started.
    judging: OnceLock<Option<Judging>>,
}

/// Answers with what the daemon knows.
#[derive(Default)]
pub struct Api {
    world: RwLock<Option<Arc<World>>>,
}

impl Api {
    /// From now on these are the specifications and settings.
    pub fn set_world(&self, corpus: &Arc<Corpus>, options: &Arc<Options>) {
        let (corpus, options) = (Arc::clone(corpus), Arc::clone(options));
        let world = Arc::new(World { corpus, options, words: OnceLock::new(), judging: OnceLock::new() });
        *self.world.write().unwrap_or_else(PoisonError::into_inner) = Some(world);
    }

    fn world(&self) -> Option<Arc<World>> {
        self.world.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Answers with the words of the standard, and if that is not enough with those of the corpus.
    fn with_words<T>(&self, ask: impl Fn(&dyn WordEnv) -> T, is_unknown: impl Fn(&T) -> bool) -> T {
        let answer = ask(&NoWords);
        match self.world().filter(|_| is_unknown(&answer)) {
            None => answer,
            Some(world) => ask(world.words.get_or_init(|| CorpusWords::of_corpus(&world.corpus))),
        }
    }

    fn infer(&self, question: &Value) -> Result<Value, Misunderstood> {
        let code = text(question, "code")?;
        let ask = |env: &dyn WordEnv| {
            let mut scratch = Scratch::new();
            match effect::infer(code, env, &mut scratch) {
                Ok(effect) => {
                    let warnings: Vec<_> =
                        effect.warnings(env).into_iter().map(|warning| warning.to_diagnostic(code)).collect();
                    let mut effects: Vec<Value> =
                        effect.definitions().map(|effect| told::effect_json(&effect)).collect();
                    if effects.is_empty() {
                        effects.push(told::effect_json(&effect));
                    }
                    (json!({ "effects": effects, "diagnostics": warnings }), false)
                }
                Err(error) => {
                    let (diagnostic, _) = effect::diagnose(code, env, &error);
                    (json!({ "effects": [], "diagnostics": [diagnostic] }), is_unknown_word(&error))
                }
            }
        };
        Ok(self.with_words(ask, |(_, is_unknown)| *is_unknown).0)
    }

    fn verify(&self, question: &Value) -> Result<Value, Misunderstood> {
        let (code, claim) = (text(question, "code")?, text(question, "effect")?);
        let ask = |env: &dyn WordEnv| {
            let mut scratch = Scratch::new();
            match effect::verify(code, claim, env, &mut scratch) {
                Err(error) => (json!({ "diagnostics": [told::notation_diagnostic(claim, &error)] }), false),
                Ok(Err(error)) => {
                    let (diagnostic, _) = effect::diagnose(code, env, &error);
                    (json!({ "diagnostics": [diagnostic] }), is_unknown_word(&error))
                }
                Ok(Ok(verification)) => (told::verification_json(&verification, claim), false),
            }
        };
        Ok(self.with_words(ask, |(_, is_unknown)| *is_unknown).0)
    }

    /// Candidates in, the lines of `wordmill judge` out.
    fn judge(&self, asked: &Value, stop: &AtomicBool) -> Result<String, Misunderstood> {
        let world = self.world().ok_or_else(|| Misunderstood("the daemon is not ready yet".to_owned()))?;
        let all = match asked {
            Value::Array(all) => all.as_slice(),
            one => std::slice::from_ref(one),
        };
        let candidates = all.iter().map(|candidate| candidate.to_string().into_bytes()).collect();
        let start = || Judging::start(Arc::clone(&world.corpus), &world.options).ok();
        let verdicts = world.judging.get_or_init(start).as_ref().and_then(|it| it.verdicts(candidates, stop));
        let text = verdicts.and_then(|text| String::from_utf8(text).ok());
        let text = text.ok_or_else(|| Misunderstood("interrupted".to_owned()))?;
        let lines: Vec<&str> = text.lines().collect();
        Ok(match asked {
            Value::Array(_) => format!("[{}]", lines.join(",")),
            _ => lines.concat(),
        })
    }

    /// Specifications in, lines of outcomes.jsonl out. They form a corpus of their own: `uses` names words among them.
    fn synthesize(&self, body: &[u8], stop: &AtomicBool) -> Result<String, Misunderstood> {
        let world = self.world().ok_or_else(|| Misunderstood("the daemon is not ready yet".to_owned()))?;
        let is_array = body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[');
        let entries: Vec<_> = spec::parse_entries(body, "request", false)
            .into_iter()
            .map(|entry| ("request".to_owned(), entry))
            .collect();
        let corpus = Corpus::from_entries(&entries);
        let mut options = Options { jobs: 1, heldout: None, ..(*world.options).clone() };
        options.note_used(&corpus);
        let selected: Vec<SpecId> = (0..corpus.len() as u32).map(SpecId).collect();
        let mut lines = Lines(Vec::new());
        let ran = pipeline::run(&corpus, &selected, &options, None, &mut lines, &pipeline::Silent, stop);
        match ran {
            Err(error) => Err(Misunderstood(error.to_string())),
            Ok(summary) if summary.interrupted => Err(Misunderstood("interrupted".to_owned())),
            Ok(_) if is_array => Ok(format!("[{}]", lines.0.join(","))),
            Ok(_) => lines.0.pop().ok_or_else(|| Misunderstood("send a specification".to_owned())),
        }
    }
}

impl Answers for Api {
    fn answer(&self, question: Question, body: &[u8], stop: &AtomicBool) -> Result<String, Misunderstood> {
        if question == Question::Synthesize {
            return self.synthesize(body, stop);
        }
        let parsed: Value = serde_json::from_slice(body)
            .map_err(|error| Misunderstood(format!("the body is not JSON: {error}")))?;
        if question == Question::Judge {
            return self.judge(&parsed, stop);
        }
        let one = |asked: &Value| match question {
            Question::Infer => self.infer(asked),
            _ => self.verify(asked),
        };
        match &parsed {
            Value::Array(all) => {
                let answers: Vec<Value> = all.iter().map(one).collect::<Result<_, _>>()?;
                Ok(Value::Array(answers).to_string())
            }
            asked => one(asked).map(|answer| answer.to_string()),
        }
    }
}

fn text<'v>(question: &'v Value, name: &str) -> Result<&'v str, Misunderstood> {
    question
        .get(name)
        .and_then(Value::as_str)
        .ok_or_else(|| Misunderstood(format!("a question is an object with a string `{name}`")))
}

/// Keeps the lines of outcomes.
struct Lines(Vec<String>);

impl pipeline::Sink for Lines {
    fn accept(&mut self, record: Record<'_>, outcome: &Outcome, _: Option<Duration>) -> std::io::Result<()> {
        let mut line = Vec::new();
        write_line(&mut line, &Row::from_record(record), outcome);
        let line = String::from_utf8(line).map_err(std::io::Error::other)?;
        self.0.push(line.trim_end().to_owned());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::Library;

    fn check(question: Question, body: &str, expect: &str) {
        let api = Api::default();
        let word = r#"{"word":"twice","stack_effect":{"inputs":[{"name":"n","type":"int"}],"outputs":[{"name":"r","type":"int"}]},"test_cases":[{"input":[2],"output":[4]}]}"#;
        let entries: Vec<_> = spec::parse_entries(word.as_bytes(), "f", false)
            .into_iter()
            .map(|entry| ("f".to_owned(), entry))
            .collect();
        let options = Options::new(Arc::new(Library::load(&[]).unwrap()));
        api.set_world(&Arc::new(Corpus::from_entries(&entries)), &Arc::new(options));
        let answer = match api.answer(question, body.as_bytes(), &AtomicBool::new(false)) {
            Ok(answer) => {
                serde_json::from_str::<Value>(&answer).expect("JSON");
                answer
            }
            Err(Misunderstood(why)) => why,
        };
        assert!(answer.contains(expect), "{body} => {answer}");
    }

    #[test]
    fn questions_are_answered_with_the_json_of_the_commands() {
        use Question::*;
        check(
            Verify,
            r#"{"code":"dup *","effect":"( n -- n*n )"}"#,
            r#"{"verdict":"agrees","claimed":"( n -- n*n )""#,
        );
        check(Verify, r#"{"code":"swap","effect":"( a b -- a b )"}"#, r#""verdict":"outputs differ""#);
        check(Verify, r#"{"code":"frob","effect":"( -- )"}"#, r#""diagnostics":[{"code":"WM"#);
        check(Verify, r#"{"code":"dup","effect":"( a b"}"#, r#""diagnostics":[{"code":"WM"#);
        check(Verify, r#"{"code":"twice","effect":"( n -- n )"}"#, r#""verdict""#);
        check(
            Verify,
            r#"[{"code":"dup","effect":"( a -- a a )"},{"code":"drop","effect":"( a -- )"}]"#,
            r#"},{"verdict":"agrees","claimed":"( a -- )""#,
        );
        check(Verify, r#"{"code":"dup"}"#, "an object with a string `effect`");
        check(Verify, "{", "the body is not JSON");
        check(Infer, r#"{"code":"dup *"}"#, r#""effect":"( a -- a*a )""#);
        check(Infer, r#"{"code":": a 1 ; : b 2 3 ;"}"#, r#""name":"b""#);
        check(Judge, r#"{"word":"twice","code":"2*","id":7}"#, r#"{"id":7,"word":"twice","status":"passed""#);
        check(
            Judge,
            r#"[{"word":"twice","code":"dup *"},{"word":"twice","code":"1+"}]"#,
            r#"},{"word":"twice","status":"failed""#,
        );
        check(Judge, r#"{"word":"nope","code":"1"}"#, "there is no specification of `nope`");
        check(Judge, r#"{"code":7}"#, r#""status":"invalid""#);
        check(Judge, "[]", "[]");
        check(Judge, "{", "the body is not JSON");
        let spec = r#"{"word":"square","stack_effect":{"inputs":[{"name":"n","type":"int"}],"outputs":[{"name":"r","type":"int"}]},"test_cases":[{"input":[3],"output":[9]},{"input":[5],"output":[25]}],"implementation":{"code":"dup *"}}"#;
        check(
            Synthesize,
            spec,
            r#"{"word":"square","status":"verified","code":": square ( n -- r ) dup * ;""#,
        );
        check(Synthesize, &format!("[{spec}]"), r#"[{"word":"square","status":"verified""#);
        check(Synthesize, "{", r#""status":"invalid""#);
    }
}
