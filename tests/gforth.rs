//! Runs random programs on gforth and on the engine: the same stack, the same output, the same exception code.
//!
//! gforth 0.7.3 is older than Forth 2012; `PREAMBLE` gives it words that it lacks, as the standard defines them. Where the
//! standard leaves a choice, the two differ, and the generator avoids the matter:
//!
//! * `/` and its like with the smallest number and -1: here the number wraps, there it is exception -11;
//! * a quotient that does not fit (`um/mod`, `fm/mod`, `*/`): exception -11 here, what the processor does there;
//! * shifts by 64 and more: 0 here, what the processor does there;
//! * what fresh data space and PAD hold, where things lie, what tokens look like;
//! * the values of items that CATCH has to restore and the word had taken;
//! * stack underflow in a definition: at the word here, when the text interpreter next looks there; `-1 pick`;
//! * a third string that the text interpreter keeps: it takes the place of the first here, all are kept there;
//! * `,` while a definition is being compiled: its code lies at HERE there;
//! * control structures that do not match: -22 here, -2 there; LEAVE outside of a loop: -22 here, nothing there;
//! * text without its end (`s" abc`, `( abc`, `0 [if]`): -39 here, nothing there; `char` at the end: -16 here, 0 there;
//! * a number with too many digits: -24 here, its lowest bits there; `1e5`: -13 here, a floating-point number there;
//! * `>r`, `postpone` and `does>` while interpreting: -14 here, what comes of it there;
//! * `>body`, `defer@`, `defer!`, `action-of` of the wrong kind of word: -31 or -32 here, what lies there there;
//! * the ior of ALLOCATE and FREE: -59 and -60 here, those of the host there.
//!
//! Both have cells of 64 bits and floored division.
//!
//! `WORDMILL_GFORTH_PROGRAMS` says how many programs to run, `WORDMILL_GFORTH_SEED` the seed of the first.

#[path = "../src/forth/tests/generator/mod.rs"]
mod generator;

use generator::Dialect;
use std::fmt::Write as _;
use std::io::Read as _;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;
use wordmill::forth::{Engine, Image, Limits, TrapKind};

/// Words that gforth 0.7.3 lacks, and `go`, which runs the rest of its line as a program and says how it ended.
const PREAMBLE: &str = r#"
warnings off
: buffer: create allot ;
: holds begin dup while 1- 2dup + c@ hold repeat 2drop ;
: synonym >in @ >r parse-name 2drop ' >in @ r> >in ! swap alias >in ! ;
: n>r dup begin dup while rot r> swap >r >r 1- repeat drop r> swap >r >r ;
: nr> r> r> swap >r dup begin dup while r> r> swap >r -rot 1- repeat drop ;
create local-names 32 cells allot  variable n-locals
variable uninitialized
: {: 0 n-locals !  0 uninitialized !
  begin parse-name 2dup s" :}" compare 0= >r 2dup s" --" compare 0= r> or 0= while
    2dup s" |" compare 0= if 2drop 1 uninitialized ! else
      local-names n-locals @ 2* cells + 2! 1 n-locals +!
      uninitialized @ if 0 postpone literal then
    then
  repeat
  s" --" compare 0= if begin parse-name s" :}" compare 0= until then
  n-locals @ begin dup while 1- dup 2* cells local-names + 2@ (local) repeat drop 0 0 (local) ; immediate
create program-text 65536 allot  variable program-len  variable program-number
: report ( code -- ) decimal
  cr ." @@" program-number @ .  dup .  if 2drop then
  depth . depth 0 ?do depth i - 1- pick . loop ." @@" cr
  begin depth while drop repeat ;
: go
  source >in @ /string dup program-len ! program-text swap move  source nip >in !
  decimal program-text program-len @ ['] evaluate catch
  postpone [ only forth also definitions report 1 program-number +! ;
"#;

/// Programs that one process of gforth runs.
const BATCH: u64 = 2_000;

/// What the last line of gforth's output says.
const DONE: &str = "\n@@done@@\n";

/// How long one process of gforth may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// How a program ended: the code that was caught, the stack where that is 0, and what was printed.
#[derive(PartialEq, Eq, Debug)]
struct Ending {
    code: i64,
    stack: Vec<i64>,
    output: String,
}

/// Runs a program here; `None` where it takes too long or prints too much.
fn run_here(engine: &mut Engine, program: &str) -> Option<Ending> {
    engine.reset();
    let go = engine.define("go", "['] evaluate catch").expect("go");
    let addr = engine.place(program.as_bytes()).expect("room");
    match engine.execute(go, &[addr, program.len() as i64]) {
        Ok(()) => {}
        Err(trap) if matches!(trap.kind, TrapKind::Fuel | TrapKind::Output) => return None,
        Err(trap) => panic!("{} past CATCH: {program}", engine.describe(trap)),
    }
    let (code, below) = engine.stack().split_last().expect("the code");
    let stack = if *code == 0 { below.to_vec() } else { Vec::new() };
    Some(Ending { code: *code, stack, output: String::from_utf8_lossy(engine.output()).into_owned() })
}

fn has_gforth() -> bool {
    let version = Command::new("gforth").arg("--version").stdin(Stdio::null()).output();
    version.is_ok_and(|output| output.status.success())
}

/// Runs programs in one process of gforth, in another one where that hangs.
fn run_there(programs: &[&str]) -> Vec<Ending> {
    let mut text = output_there(programs);
    for _ in 0..2 {
        if !text.ends_with(DONE) {
            text = output_there(programs);
        }
    }
    endings(&text, programs)
}

/// What gforth prints.
fn output_there(programs: &[&str]) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("programs.fs");
    let mut text = PREAMBLE.to_owned();
    for program in programs {
        writeln!(text, "go {program}").expect("a string");
    }
    writeln!(text, "cr .\" {}\" cr outfile-id flush-file bye", DONE.trim()).expect("a string");
    std::fs::write(&file, text).expect("written");
    let mut gforth = Command::new("gforth")
        .args(["-m", "256M"])
        .arg(&file)
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("gforth runs");
    // It hangs now and then where it should stop, so it is stopped when its last word is there, or takes too long.
    let mut output = gforth.stdout.take().expect("a pipe");
    let (sender, receiver) = mpsc::channel();
    let reader = std::thread::spawn(move || {
        let (mut text, mut piece) = (Vec::new(), [0; 65_536]);
        while let Ok(n @ 1..) = output.read(&mut piece) {
            text.extend_from_slice(&piece[..n]);
            if text.ends_with(DONE.as_bytes()) {
                break;
            }
        }
        let _ = sender.send(());
        text
    });
    let _ = receiver.recv_timeout(PATIENCE);
    let _ = gforth.kill();
    let _ = gforth.wait();
    String::from_utf8_lossy(&reader.join().expect("the reader")).into_owned()
}

/// How the programs ended, by what gforth printed.
fn endings(text: &str, programs: &[&str]) -> Vec<Ending> {
    let mut endings = Vec::new();
    let mut rest = text;
    for number in 0..programs.len() {
        let mark = format!("\n@@{number} ");
        let Some((output, behind)) = rest.split_once(&mark) else { break };
        let Some((report, behind)) = behind.split_once("@@\n") else { break };
        let mut numbers = report.split_whitespace().map(|number| number.parse::<i64>().expect("a number"));
        let code = numbers.next().expect("the code");
        let stack: Vec<i64> = numbers.skip(1).collect();
        endings.push(Ending {
            code,
            stack: if code == 0 { stack } else { Vec::new() },
            output: output.to_owned(),
        });
        rest = behind;
    }
    assert!(
        endings.len() == programs.len(),
        "gforth ended at program {} of {} or soon after: {}\n{}",
        endings.len(),
        programs.len(),
        programs[endings.len()],
        rest.chars().take(2000).collect::<String>()
    );
    endings
}

fn from_environment(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().map_or(otherwise, |text| text.parse().expect("a number"))
}

#[test]
fn random_programs_end_as_on_gforth() {
    if !has_gforth() {
        println!("skipped: there is no gforth");
        return;
    }
    let n_programs = from_environment("WORDMILL_GFORTH_PROGRAMS", 15_000);
    let first = from_environment("WORDMILL_GFORTH_SEED", 0);
    let limits = Limits { fuel: 400_000, ..Limits::default() };
    let mut engine = Engine::new(Image::shared(), limits);
    let (mut n_run, mut n_skipped, mut n_thrown) = (0, 0, 0);
    let mut differences = Vec::new();
    let mut at = first;
    while at < first + n_programs {
        let end = (at + BATCH).min(first + n_programs);
        let mut programs = Vec::new();
        let mut expected = Vec::new();
        for seed in at..end {
            let program = generator::program(seed, Dialect::Gforth);
            match run_here(&mut engine, &program) {
                Some(ending) => {
                    expected.push((seed, ending));
                    programs.push(program);
                }
                None => n_skipped += 1,
            }
        }
        let texts: Vec<&str> = programs.iter().map(String::as_str).collect();
        for (k, there) in run_there(&texts).into_iter().enumerate() {
            let (seed, ending) = &expected[k];
            n_run += 1;
            n_thrown += (ending.code != 0) as u32;
            if *ending != there {
                differences.push(format!("seed {seed}: {}\n  here  {ending:?}\n  there {there:?}", texts[k]));
            }
        }
        at = end;
    }
    println!(
        "{n_run} programs, {n_thrown} with an exception, {n_skipped} too long, {} differences",
        differences.len()
    );
    assert!(
        differences.is_empty(),
        "{} of {n_run} programs differ:\n{}",
        differences.len(),
        differences[..differences.len().min(8)].join("\n")
    );
    // Most of them run to their end, and some do not.
    assert!(
        n_skipped * 20 < n_programs && n_thrown * 3 < n_run && n_thrown > 0,
        "{n_skipped} {n_thrown} {n_run}"
    );
}
