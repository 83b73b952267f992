//! `wordmill forth`.

use super::*;
use std::io::{Read, Write};
use std::process::Child;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// Runs it with what comes on standard input.
fn fed(folder: &Path, arguments: &[&str], input: &str) -> Ran {
    let mut command = command(folder, &[&["forth"], arguments].concat());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    child.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("written");
    let output = child.wait_with_output().expect("it ends");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    Ran { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

#[track_caller]
fn check(arguments: &[&str], input: &str, code: i32, stdout: &str) -> Ran {
    let folder = folder();
    let ran = fed(folder.path(), arguments, input).expect(code);
    assert_eq!(ran.stdout, stdout, "{}", ran.stderr);
    ran
}

#[test]
fn code_is_run_in_order_in_one_session() {
    check(&["-e", "7 dup * ."], "", 0, "49 ");
    check(&["-e", ": sq dup * ;", "-e", "3 sq", "-e", "."], "", 0, "9 ");
    check(&["-e", "-1 ."], "", 0, "-1 ");
    check(&["-e", "1 . bye 2 .", "-e", "3 ."], "", 0, "1 ");
    check(&["-e", "1 . quit 2 .", "-e", "3 ."], "", 0, "1 ");
    // QUIT is exception -56, which a program can catch.
    check(&["-e", "1 . -56 throw 2 .", "-e", "3 ."], "", 0, "1 ");
    check(&["-e", ": f -56 throw ; ' f catch .", "-e", "3 ."], "", 0, "-56 3 ");
    let folder = folder();
    write(folder.path(), "a.fs", ": sq dup * ;\n5 sq .");
    write(folder.path(), "b.fs", "6 sq .");
    let ran = wordmill(folder.path(), &["forth", "a.fs", "b.fs", "-e", "7 sq ."]).expect(0);
    assert_eq!(ran.stdout, "25 36 49 ");
}

#[test]
fn a_pipe_is_a_session() {
    check(&[], "1 2 + .\n", 0, "3 ");
    check(&[], "1 2 + .", 0, "3 ");
    check(&[], "", 0, "");
    check(&[], ": sq dup *\r\n;\r\n3 sq .\n", 0, "9 ");
    // The stack of a failing line is gone, words stay, the session goes on, and its end tells.
    let ran = check(&[], ": sq dup * ;\n1 2 nope\n.s 4 sq .\n", 1, "<0> 16 ");
    assert!(ran.stderr.contains("--> -:2:5\n") && ran.stderr.contains("2 | 1 2 nope\n"), "{}", ran.stderr);
    check(&[], "1 .\nbye\n2 .\n", 0, "1 ");
    check(&[], ": open dup\n", 1, "");
    check(&[], "pad 80 accept .\nhello\npad 5 type\n", 0, "5 hello");
    check(&[], ": r refill . source type source nip >in ! ; r\nnext line\n", 0, "-1 next line");
    check(&["-e", "key emit key emit pad 9 accept . pad 3 type"], "abcde\nxyz\n", 0, "ab3 cde");
}

#[test]
fn errors_show_place_word_code_and_stack() {
    let folder = folder();
    write(folder.path(), "add.fs", ": add ( a b -- c )\n  + ;\n7 1 2 add .\ndrop 1 add .\n2 .");
    let ran = wordmill(folder.path(), &["forth", "add.fs", "-e", "3 ."]).expect(1);
    assert_eq!(ran.stdout, "3 ");
    for needle in [
        "error: stack underflow (exception -4) at `+` in `add`\n",
        "--> add.fs:4:8\n",
        "4 | drop 1 add .\n",
        "  |        ^^^\n",
        "note: stack: <1> 1\n",
        "note: `+` stands at add.fs:2:3\n",
    ] {
        assert!(ran.stderr.contains(needle), "{needle}\n{}", ran.stderr);
    }
    let told = |code: &str, needle: &str| {
        let ran = fed(folder.path(), &["-e", code], "").expect(1);
        assert!(ran.stderr.contains(needle), "{needle}\n{}", ran.stderr);
    };
    told("1 2 dupp", "error: undefined word (exception -13) at `dupp`\n --> -e:1:5\n");
    told("dupp", "help: did you mean `dup`?");
    told("1 2 dupp", "note: stack: <2> 1 2\n");
    told(": f abort\" no way\" ; 1 f", "error: no way (exception -2) at `abort\"` in `f`");
    told("12 throw", "error: exception 12 at `throw`");
    told(": f", "error: the definition is not finished (exception -39)");
    told("1e", "the floating-point words are not provided");
    let json = wordmill(folder.path(), &["forth", "add.fs", "--message-format", "json"]).expect(1).stderr;
    let found: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!((&found["file"], &found["line"], &found["column"]), (&"add.fs".into(), &4.into(), &8.into()));
    assert_eq!(
        (&found["exception"], &found["word"], &found["definition"]),
        (&(-4).into(), &"+".into(), &"add".into())
    );
    assert_eq!(found["word_at"], serde_json::json!({ "file": "add.fs", "line": 2, "column": 3 }));
    let github = wordmill(folder.path(), &["forth", "add.fs", "--message-format=github"]).expect(1).stderr;
    assert!(github.starts_with("::error file=add.fs,line=4,title=exception -4::stack underflow"), "{github}");
    // What is not of the program ends with 2.
    assert!(wordmill(folder.path(), &["forth", "none.fs"]).expect(2).stderr.contains("cannot read none.fs"));
    // Source is bytes: old programs have comments and strings in other encodings.
    std::fs::write(
        folder.path().join("latin.fs"),
        b"( \xe4 ) : \xe4 [char] \xe4 . s\" \xe4\" nip . ; \xe4\nnonsense\xff",
    )
    .expect("written");
    let latin = wordmill(folder.path(), &["forth", "latin.fs"]).expect(1);
    assert!(latin.stdout.starts_with("228 1 "), "{}", latin.stdout);
    assert!(
        latin.stderr.contains("undefined word (exception -13) at `nonsense\u{fffd}`"),
        "{}",
        latin.stderr
    );
}

#[test]
fn fuel_is_bounded_where_somebody_says_so() {
    let endless = ": f begin again ; f";
    let ran = check(&["--fuel", "10000", "-e", endless], "", 1, "");
    assert!(
        ran.stderr.contains("error: out of fuel (--fuel gives more) at `again` in `f`"),
        "{}",
        ran.stderr
    );
    // Each piece has its own, and a session goes on.
    let count = ": f 500 0 do loop ; f";
    check(&["--fuel", "1_000", "-e", count, "-e", count, "-e", "1 ."], "", 0, "1 ");
    check(&["--fuel", "1000"], ": f begin again ;\nf\n2 .\n", 1, "2 ");
    check(&["--fuel", "unlimited", "-e", ": f 2000000 0 do loop ; f 1 ."], "", 0, "1 ");
    check(&["-e", ": f 2000000 0 do loop ; f 1 ."], "", 0, "1 ");
    for bad in ["0", "-1", "x", "", "99999999999999999999"] {
        check(&["--fuel", bad, "-e", "1"], "", 2, "");
    }
}

#[test]
fn a_folder_is_seen_as_a_copy() {
    let folder = folder();
    write(
        folder.path(),
        "lib/main.fs",
        "include parts/twice.fs\ns\" parts/twice.fs\" included\nrequire parts/twice.fs\n: quad twice twice ;",
    );
    write(folder.path(), "lib/parts/twice.fs", ": twice 2* ; .( loaded )");
    write(folder.path(), "lib/data.txt", "one\ntwo\n");
    write(folder.path(), "outside.fs", "1 .");
    let run = |code: &str, exit: i32| {
        wordmill(folder.path(), &["forth", "--files", "lib", "-e", code]).expect(exit)
    };
    assert_eq!(run("include main.fs 3 quad .", 0).stdout, "loaded loaded 12 ");
    let lines = "s\" data.txt\" r/o open-file throw constant fd pad 80 fd read-line throw . pad swap type pad 80 fd read-line throw . .";
    assert_eq!(run(lines, 0).stdout, "-1 one-1 3 ");
    // Nothing outside of it, and nothing comes back.
    for name in ["outside.fs", "../outside.fs", "lib/main.fs", "/etc/passwd"] {
        assert_eq!(run(&format!("s\" {name}\" r/o open-file . drop"), 0).stdout, "-38 ", "{name}");
    }
    let written = "s\" data.txt\" w/o create-file throw dup s\" new\" rot write-file throw close-file throw s\" data.txt\" delete-file .";
    assert_eq!(run(written, 0).stdout, "0 ");
    assert_eq!(std::fs::read_to_string(folder.path().join("lib/data.txt")).expect("there"), "one\ntwo\n");
    // Without the flag there are no files, not even beside the one that is loaded.
    let ran = wordmill(folder.path(), &["forth", "lib/main.fs"]).expect(1);
    assert!(ran.stderr.contains("non-existent file (exception -38)"), "{}", ran.stderr);
    // An error in a file that another includes names that file.
    write(folder.path(), "lib/parts/twice.fs", ": twice\n  2* nope ;");
    let ran = run("include main.fs", 1);
    assert!(ran.stderr.contains("--> parts/twice.fs:2:6\n"), "{}", ran.stderr);
    let trail: Vec<&str> =
        ran.stderr.lines().filter_map(|line| line.split_once("read from ")).map(|it| it.1).collect();
    assert_eq!(trail, ["main.fs:1:1", "-e:1:1"], "{}", ran.stderr);
    // What was caught on the way is not where a later error came from.
    let ran = run(": try s\" main.fs\" included ; ' try catch . nope", 1);
    assert!(ran.stderr.contains("nope") && !ran.stderr.contains("read from"), "{}", ran.stderr);
    for bad in ["none", "outside.fs"] {
        wordmill(folder.path(), &["forth", "--files", bad, "-e", "1"]).expect(2);
    }
    for i in 0..4_097 {
        std::fs::File::create(folder.path().join(format!("lib/parts/{i}"))).expect("created");
    }
    assert!(run("1 .", 2).stderr.contains("more than 4096 files"));
}

#[test]
fn what_nobody_reads_ends_the_program() {
    let folder = folder();
    let mut command = command(folder.path(), &["forth", "-e", ": f begin .\" yes \" again ; f"]);
    command.stdout(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    let mut head = [0; 8];
    child.stdout.take().expect("a pipe").read_exact(&mut head).expect("output");
    assert_eq!(&head, b"yes yes ");
    assert_eq!(ended(&mut child), Some(141));
}

/// The exit code, or none when it has to be killed.
fn ended(child: &mut Child) -> Option<i32> {
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(30) {
        if let Some(status) = child.try_wait().expect("a child") {
            return status.code();
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let _ = child.kill();
    let _ = child.wait();
    None
}

/// A session at a pseudo-terminal, by `script` of util-linux.
struct Terminal {
    child: Child,
    output: Receiver<Vec<u8>>,
    seen: String,
}

impl Terminal {
    fn start(folder: &Path) -> Option<Self> {
        let mut command = Command::new("script");
        let run = format!("{} forth", env!("CARGO_BIN_EXE_wordmill"));
        command.args(["-qec", &run, "/dev/null"]).current_dir(folder);
        command.env_clear().env("HOME", folder).env("PATH", "/usr/bin:/bin").env("TERM", "xterm");
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().ok()?;
        let mut stdout = child.stdout.take()?;
        let (sender, output) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(n @ 1..) = stdout.read(&mut buffer) {
                if sender.send(buffer[..n].to_vec()).is_err() {
                    break;
                }
            }
        });
        Some(Self { child, output, seen: String::new() })
    }

    /// Waits until something is shown, and forgets what was shown before its end.
    #[track_caller]
    fn wait_for(&mut self, needle: &str) -> String {
        let start = Instant::now();
        loop {
            if let Some(at) = self.seen.find(needle) {
                let rest = self.seen.split_off(at + needle.len());
                return std::mem::replace(&mut self.seen, rest);
            }
            assert!(start.elapsed() < Duration::from_secs(30), "no {needle:?} in {:?}", self.seen);
            if let Ok(bytes) = self.output.recv_timeout(Duration::from_millis(100)) {
                self.seen += &String::from_utf8_lossy(&bytes);
            }
        }
    }

    /// Types something once the prompt is there.
    #[track_caller]
    fn type_at(&mut self, prompt: &str, keys: &str) {
        self.wait_for(prompt);
        self.child.stdin.as_mut().expect("a pipe").write_all(keys.as_bytes()).expect("typed");
    }
}

#[test]
fn a_terminal_has_editing_completion_and_a_history() {
    let folder = folder();
    let Some(mut terminal) = Terminal::start(folder.path()) else {
        eprintln!("no script: the session at a terminal is not tried");
        return;
    };
    terminal.wait_for("Forth 2012");
    terminal.type_at("> ", "1 2 + .\r");
    terminal.wait_for("3  ");
    terminal.wait_for("ok");
    terminal.type_at("> ", ": square-it dup *\r");
    terminal.wait_for("compiled");
    terminal.type_at("… ", ";\r");
    terminal.wait_for("ok");
    // The word is completed, with the blank that follows typed.
    terminal.type_at("> ", "7 squ\t .\r");
    terminal.wait_for("49 ");
    terminal.type_at("> ", "1 nope\r");
    let shown = terminal.wait_for("stack: <1> 1");
    assert!(shown.contains("\u{1b}[") && shown.contains("undefined word"), "{shown:?}");
    // An interrupt drops the line, and the definition that is open.
    terminal.type_at("> ", ": lost\r");
    terminal.type_at("… ", "1 \x03");
    terminal.type_at("> ", "lost\r");
    terminal.wait_for("undefined word");
    terminal.type_at("> ", "pad 20 accept pad swap type\r");
    std::thread::sleep(Duration::from_millis(300));
    terminal.child.stdin.as_mut().expect("a pipe").write_all(b"typed\r").expect("typed");
    terminal.wait_for("typed");
    terminal.wait_for("ok");
    terminal.type_at("> ", "\x04");
    assert_eq!(ended(&mut terminal.child), Some(0));
    let history = std::fs::read_to_string(folder.path().join(".local/state/wordmill/forth-history"))
        .expect("a history");
    assert!(history.contains("1 2 + .\n: square-it dup *\n;\n7 square-it .\n1 nope\n"), "{history}");
    // The next session knows it: two lines up is the one before the last.
    let mut terminal = Terminal::start(folder.path()).expect("a session");
    terminal.type_at("> ", "\x1b[A\x1b[A\r");
    terminal.wait_for("undefined word");
    terminal.type_at("> ", "bye\r");
    assert_eq!(ended(&mut terminal.child), Some(0));
}
