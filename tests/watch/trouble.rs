//! Signals, locks, mistakes and broken surroundings.

use super::*;

#[track_caller]
fn sentence(watched: &Watched, part: &str) {
    watched.wait_for(part, |status| status["sentence"].as_str().is_some_and(|text| text.contains(part)));
}

#[track_caller]
fn mended(watched: &Watched) {
    watched.wait_for("mended", |status| {
        status["problems"].as_object().is_some_and(|problems| problems.is_empty())
    });
}

#[test]
fn one_daemon_keeps_a_folder_and_others_hear_who() {
    let mut watched = Watched::started(&[], &[("specs/a.json", times("a", 2))]);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let shard = ["shard", "--index", "0", "--of", "1", "specs", "--out"];
    assert!(watched.wordmill(&[&shard[..], &["part"]].concat()).status.success());
    let commands = [
        &["run", "specs"][..],
        &["watch", "specs"],
        &[&shard[..], &["wordmill-out"]].concat(),
        &["merge", "part", "--out", "wordmill-out"],
    ];
    for command in commands {
        let refused = watched.wordmill(command);
        assert_eq!(refused.status.code(), Some(2));
        let told = text(&refused.stderr);
        assert!(told.contains(&format!("`wordmill watch` (process {})", watched.pid())), "{told}");
    }
    let status = watched.wordmill(&["daemon", "status"]);
    assert_eq!(text(&status.stdout), "idle; 1 specification, 1 verified, 0 failing\n");
    assert_eq!(status.status.code(), Some(0));
    assert!(watched.wordmill(&["daemon", "stop"]).status.success());
    assert_eq!(watched.ended().code(), Some(0));
    assert_eq!(watched.wordmill(&["daemon", "status"]).status.code(), Some(4));
    let ran = watched.wordmill(&["run", "specs"]);
    assert!(ran.status.success(), "{}", text(&ran.stderr));
}

#[test]
fn a_signal_finishes_and_publishes_and_the_second_leaves() {
    let mut watched = Watched::started(&[], &[("specs/a.json", times("a", 2))]);
    watched.write("specs/b.json", &times("b", 3));
    watched.verdict("b");
    watched.signal("TERM");
    assert_eq!(watched.ended().code(), Some(0), "{}", watched.log());
    let outcomes = std::fs::read_to_string(watched.path("wordmill-out/outcomes.jsonl")).unwrap();
    assert_eq!(outcomes.lines().count(), 2, "published before it ended");

    // Hours of work: the second signal does not wait for them.
    let mut watched = Watched::new(&["--budget", "1000000000000", "--drain", "600"]);
    watched.write("specs/hard.json", &spec("hard", [71, 977, 3], "", ""));
    watched.write("config.toml", "[wordmill]\n[search]\nlength-max = 12\n");
    watched.start();
    watched.wait_for("working", |status| status["phase"] == "working");
    std::thread::sleep(Duration::from_millis(200));
    watched.signal("TERM");
    sentence(&watched, "stopping");
    watched.signal("TERM");
    assert_eq!(watched.ended().code(), Some(143));

    // Nor does the deadline, whoever asks for the end.
    for is_signal in [true, false] {
        let mut watched = Watched::new(&["--budget", "1000000000000", "--drain", "1"]);
        watched.write("specs/hard.json", &spec("hard", [71, 977, 3], "", ""));
        watched.write("config.toml", "[wordmill]\n[search]\nlength-max = 12\n");
        watched.start();
        watched.wait_for("working", |status| status["phase"] == "working");
        let began = Instant::now();
        match is_signal {
            true => watched.signal("TERM"),
            false => assert_eq!(watched.wordmill(&["daemon", "stop"]).status.code(), Some(0)),
        }
        assert_eq!(watched.ended().code(), Some(0));
        assert!(began.elapsed() < Duration::from_secs(20));
    }
}

#[test]
fn results_that_are_removed_come_back_with_their_lock() {
    let watched = Watched::started(&["--reconcile", "1"], &[("specs/a.json", times("a", 2))]);
    for _ in 0..2 {
        std::fs::remove_dir_all(watched.path("wordmill-out")).unwrap();
        let began = Instant::now();
        while !watched.path("wordmill-out/outcomes.jsonl").exists() {
            assert!(began.elapsed() < PATIENCE, "{}", watched.log());
            std::thread::sleep(Duration::from_millis(20));
        }
        watched.settled();
        let told = watched.wordmill(&["daemon", "status"]);
        assert_eq!(told.status.code(), Some(0), "{}", String::from_utf8_lossy(&told.stderr));
        watched.equals_fresh_run();
    }
    // Nobody else gets in.
    assert_eq!(watched.wordmill(&["run", "specs"]).status.code(), Some(2));
}

#[test]
fn a_save_overtakes_work_that_takes_long() {
    let mut watched = Watched::new(&["--budget", "1000000000000", "--jobs", "1", "--drain", "0"]);
    watched.write("specs/a.json", &times("a", 2));
    watched.write("config.toml", "[wordmill]\n[search]\nlength-max = 12\n");
    watched.start();
    watched.settled();
    watched.verdict("a");
    watched.write("specs/hard.json", &spec("hard", [71, 977, 3], "", ""));
    watched.wait_for("working", |status| status["phase"] == "working");
    watched.write("specs/a.json", &times("a", 3));
    assert_eq!(watched.verdict("a")["code"], ": a ( n -- r ) 3 * ;");
    // The hard one itself is changed: the version that was overwritten is never told.
    watched.write("specs/hard.json", &times("hard", 5));
    assert_eq!(watched.verdict("hard")["code"], ": hard ( n -- r ) 5 * ;");
    watched.settled();
    assert_eq!(watched.told(), Vec::<String>::new());
}

#[test]
fn mistakes_in_settings_and_templates_are_refused_and_mended() {
    let mut watched = Watched::new(&["--templates", "mine"]);
    watched.write("config.toml", "[wordmill]\n");
    watched.write("mine/t.toml", "");
    watched.write("specs/a.json", &times("a", 2));
    watched.start();
    watched.settled();
    watched.verdict("a");
    watched.write("config.toml", "[wordmill]\n[run]\nbudgett = 5\n");
    sentence(&watched, "the new settings are refused, the old ones stay: config.toml:3");
    watched.write("specs/a.json", &times("a", 3));
    watched.verdict("a");
    watched.write("config.toml", "[wordmill]\n");
    mended(&watched);
    watched.write("mine/t.toml", "[[template]]\nid = 5\n");
    sentence(&watched, "mine/t.toml");
    watched.write("mine/t.toml", "");
    mended(&watched);
    // SIGHUP asks for the same.
    std::fs::write(watched.path("mine/t.toml"), "broken").unwrap();
    watched.signal("HUP");
    sentence(&watched, "the new settings are refused");
    std::fs::write(watched.path("mine/t.toml"), "").unwrap();
    watched.signal("HUP");
    mended(&watched);
    watched.settled();
}

#[test]
fn changed_settings_and_templates_change_verdicts() {
    let mut watched = Watched::new(&["--templates", "mine"]);
    watched.write("config.toml", "[wordmill]\n");
    watched.write("mine/t.toml", "");
    let body = |code: &str| {
        format!(
            "family = \"mine\"\n[[template]]\nid = \"MINE_001\"\ndescription = \"mine\"\neffect = \"( n -- r )\"\ncode = \"{code}\"\n\
             tests = [{{ in = [1], out = [2] }}]\n"
        )
    };
    let named = times("a", 2).replace(r#""code": "2 *""#, r#""pattern": "MINE_001""#);
    watched.write("specs/a.json", &named);
    watched.write("specs/b.json", &times("b", 3));
    watched.start();
    watched.settled();
    let code = |watched: &Watched| {
        let told = watched.verdict("a");
        (told["strategy"].as_str().unwrap_or("").to_owned(), told["code"].as_str().unwrap_or("").to_owned())
    };
    assert_ne!(code(&watched).0, "pattern");
    for text in ["dup +", "2 *"] {
        watched.told();
        watched.write("mine/t.toml", &body(text));
        assert_eq!(code(&watched), ("pattern".to_owned(), format!(": a ( n -- r ) {text} ;")));
    }
    watched.told();
    watched.write("config.toml", "[wordmill]\n[run]\nignore-given = true\n");
    assert_ne!(code(&watched).0, "pattern");
}

#[test]
fn a_folder_that_vanishes_comes_back() {
    let watched = Watched::started(&[], &[("specs/a.json", times("a", 2)), ("specs/b.json", times("b", 2))]);
    std::fs::rename(watched.path("specs"), watched.path("gone")).unwrap();
    sentence(&watched, "specs does not exist");
    let status = watched.status().unwrap();
    assert_eq!(
        (status["specs"].clone(), status["phase"].clone()),
        (2.into(), "idle".into()),
        "what was known stays"
    );
    watched.write("gone/a.json", &times("a", 4));
    std::fs::rename(watched.path("gone"), watched.path("specs")).unwrap();
    while watched.verdict("a")["code"] != ": a ( n -- r ) 4 * ;" {}
    mended(&watched);
    watched.equals_fresh_run();
    watched.write("specs/b.json", &times("b", 5));
    while watched.verdict("b")["code"] != ": b ( n -- r ) 5 * ;" {}
}

#[test]
fn results_that_cannot_be_written_stop_no_verdict_and_are_written_later() {
    let watched = Watched::started(&[], &[("specs/a.json", times("a", 2))]);
    // A folder where a file must be renamed to: no user may do that, not even root.
    std::fs::remove_file(watched.path("wordmill-out/report.md")).unwrap();
    watched.write("wordmill-out/report.md/in-the-way", "");
    watched.write("specs/a.json", &times("a", 3));
    watched.verdict("a");
    sentence(&watched, "cannot write the results, trying again");
    watched.write("specs/a.json", &times("a", 4));
    watched.verdict("a");
    std::fs::remove_dir_all(watched.path("wordmill-out/report.md")).unwrap();
    mended(&watched);
    watched.equals_fresh_run();
}

#[test]
fn a_full_disk_and_a_read_only_one() {
    let mut watched = Watched::new(&["--out", "small"]);
    std::fs::create_dir(watched.path("small")).unwrap();
    let mount = |options: &str| {
        let mut command = Command::new("mount");
        command.args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(watched.path("small"));
        command.stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    };
    if !mount("size=1m") {
        println!("left out: no file system can be mounted here");
        return;
    }
    let small = watched.path("small");
    struct Unmount(PathBuf);
    impl Drop for Unmount {
        fn drop(&mut self) {
            let _ = Command::new("umount").arg("-l").arg(&self.0).status();
        }
    }
    let _unmount = Unmount(small.clone());
    watched.write("specs/a.json", &times("a", 2));
    watched.start();
    let status = |watched: &Watched| -> Value {
        let output = watched.wordmill(&["daemon", "status", "--out", "small", "--message-format", "json"]);
        serde_json::from_slice(&output.stdout).unwrap_or_default()
    };
    let wait = |watched: &Watched, what: &str, is_so: &dyn Fn(&Value) -> bool| {
        let began = Instant::now();
        while !is_so(&status(watched)) {
            assert!(began.elapsed() < PATIENCE, "{what}: {}\n{}", status(watched), watched.log());
            std::thread::sleep(Duration::from_millis(50));
        }
    };
    watched.verdict("a");
    wait(&watched, "published", &|status| status["published"] == true);
    let fill = small.join("fill");
    let _ = std::fs::write(&fill, vec![1; 2 << 20]);
    watched.write("specs/a.json", &times("a", 3));
    watched.verdict("a");
    wait(&watched, "full", &|status| {
        status["sentence"].as_str().is_some_and(|text| text.contains("No space left"))
    });
    std::fs::remove_file(&fill).unwrap();
    wait(&watched, "mended", &|status| status["published"] == true);
    let remount = |how: &str| {
        let mut command = Command::new("mount");
        assert!(command.args(["-o", &format!("remount,{how}")]).arg(&small).status().unwrap().success());
    };
    remount("ro");
    watched.write("specs/a.json", &times("a", 4));
    watched.verdict("a");
    wait(&watched, "read-only", &|status| {
        status["sentence"].as_str().is_some_and(|text| text.contains("Read-only file system"))
    });
    remount("rw");
    wait(&watched, "writable", &|status| status["published"] == true);
    let outcomes = std::fs::read_to_string(small.join("outcomes.jsonl")).unwrap();
    assert!(outcomes.contains(": a ( n -- r ) 4 * ;"), "{outcomes}");
    watched.kill();
}

#[test]
fn logs_are_json_where_that_is_asked_for() {
    let mut watched = Watched::new(&["--log-format", "json"]);
    watched.write("config.toml", "[wordmill]\n");
    watched.write("specs/a.json", &times("a", 2));
    watched.start();
    watched.settled();
    watched.write("config.toml", "[wordmill]\n[run]\nbudgett = 5\n");
    sentence(&watched, "refused");
    watched.write("config.toml", "[wordmill]\n");
    mended(&watched);
    watched.signal("TERM");
    assert!(watched.ended().success());
    let log = watched.log();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert!(
        lines.iter().any(|line| line["level"] == "WARN" && line.to_string().contains("refused")),
        "{log}"
    );
}

#[test]
fn a_service_manager_hears_that_it_is_ready_lives_and_stops() {
    let mut watched = Watched::new(&[]);
    let socket = std::os::unix::net::UnixDatagram::bind(watched.path("notify")).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let path = watched.path("notify").to_string_lossy().into_owned();
    watched.envs =
        vec![("NOTIFY_SOCKET".to_owned(), path), ("WATCHDOG_USEC".to_owned(), "900000".to_owned())];
    watched.write("specs/a.json", &times("a", 2));
    watched.start();
    let hear = |part: &str| {
        let mut buffer = [0; 4096];
        loop {
            let n = socket.recv(&mut buffer).unwrap_or_else(|error| panic!("{part}: {error}"));
            let told = String::from_utf8_lossy(&buffer[..n]).into_owned();
            if told.contains(part) {
                return;
            }
        }
    };
    hear("READY=1");
    // Idle, it still comes round.
    let began = Instant::now();
    (0..3).for_each(|_| hear("WATCHDOG=1"));
    assert!(began.elapsed() < Duration::from_secs(30));
    watched.write("specs/b.json", &spec("b", [71, 977, 3], "", ""));
    hear("STATUS=idle; 2 specifications, 1 verified, 1 failing");
    watched.signal("TERM");
    hear("STOPPING=1");
    assert!(watched.ended().success());
}

/// The daemon at a terminal of its own, whose keys and screen are pipes.
fn at_a_terminal(watched: &Watched) -> Option<std::process::Child> {
    let base = watched.command(&[]);
    let mut command = Command::new("script");
    command.current_dir(watched.folder.path()).env_clear().env("TERM", "xterm");
    command.envs(base.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.args([
        "-qefc",
        &format!("stty cols 100 rows 30; exec {} watch specs", env!("CARGO_BIN_EXE_wordmill")),
        "/dev/null",
    ]);
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    if child.is_err() {
        println!("left out: there is no `script` to make a terminal");
    }
    child.ok()
}

#[test]
fn a_terminal_that_goes_away_ends_it() {
    let watched = Watched::new(&[]);
    watched.write("specs/a.json", &times("a", 2));
    let Some(mut child) = at_a_terminal(&watched) else { return };
    let mut stdout = child.stdout.take().unwrap();
    std::thread::spawn(move || std::io::copy(&mut stdout, &mut std::io::sink()));
    let pid = watched.settled()["pid"].as_u64().unwrap();
    // It keeps the other end of the terminal.
    child.kill().unwrap();
    child.wait().unwrap();
    let began = Instant::now();
    while Path::new(&format!("/proc/{pid}")).exists() {
        assert!(began.elapsed() < Duration::from_secs(30), "process {pid} is still there");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(watched.path("wordmill-out/outcomes.jsonl").exists());
}

#[test]
fn keys_at_the_terminal_are_orders() {
    let watched = Watched::new(&[]);
    watched.write("specs/a.json", &times("a", 2));
    watched.write("specs/b.json", &spec("b", [71, 977, 3], "", ""));
    let Some(mut child) = at_a_terminal(&watched) else { return };
    let mut stdout = child.stdout.take().unwrap();
    let screen = std::thread::spawn(move || {
        let mut text = Vec::new();
        let _ = stdout.read_to_end(&mut text);
        String::from_utf8_lossy(&text).into_owned()
    });
    let mut keys = child.stdin.take().unwrap();
    let mut press = |key: &str| std::io::Write::write_all(&mut keys, key.as_bytes()).unwrap();
    watched.settled();
    let told = |n: u64| {
        watched.wait_for("told", |status| status["told"] == n && status["waiting"] == 0);
    };
    told(2);
    press("f");
    told(3);
    press("a");
    told(5);
    press("q");
    let began = Instant::now();
    while child.try_wait().unwrap().is_none() {
        assert!(began.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let screen = screen.join().unwrap();
    for part in ["1 failing", "verdicts", "specs/b.json:1", "rerun failing", "\u{1b}[?1049l"] {
        assert!(screen.contains(part), "{part} is not in {screen}");
    }
}
