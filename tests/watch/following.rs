//! Every way in which files change.

use super::*;

#[test]
fn a_save_gives_one_verdict_in_every_way_that_editors_save() {
    let lines = [times("double", 2), times("triple", 3), times("ten", 10)].join("\n");
    let watched =
        Watched::started(&[], &[("specs/a.jsonl", lines), ("specs/deep/er/b.json", times("nine", 9))]);
    assert_eq!(watched.told(), ["double", "triple", "ten", "nine"]);

    // In place: of three words on three lines one was touched.
    let lines = [times("double", 2), spec("triple", [3, 9, 13], "3 *", ""), times("ten", 10)].join("\n");
    watched.write("specs/a.jsonl", &lines);
    let verdict = watched.verdict("triple");
    assert_eq!(verdict["given"]["status"], "refuted");
    watched.settled();
    assert_eq!(watched.told(), Vec::<String>::new());

    // Renamed over.
    watched.write_over("specs/deep/er/b.json", &times("nine", 8));
    assert_eq!(watched.verdict("nine")["code"], ": nine ( n -- r ) 8 * ;");

    // Truncated first, written in pieces.
    use std::io::Write;
    let text = times("nine", 7);
    let mut file = std::fs::File::create(watched.path("specs/deep/er/b.json")).unwrap();
    for piece in text.as_bytes().chunks(60) {
        file.write_all(piece).unwrap();
        std::thread::sleep(Duration::from_millis(2));
    }
    drop(file);
    while watched.verdict("nine")["code"] != ": nine ( n -- r ) 7 * ;" {}
    watched.equals_fresh_run();
}

#[test]
fn files_and_folders_come_go_and_move() {
    let files = [
        ("specs/a.json", times("a", 2)),
        ("specs/one/b.json", times("b", 3)),
        ("specs/one/two/c.json", times("c", 4)),
    ];
    let watched = Watched::started(&[], &files);
    watched.told();
    let check = |what: &str| {
        watched.equals_fresh_run();
        let told = watched.told();
        assert_eq!(told, Vec::<String>::new(), "{what}: no verdict is told anew");
    };
    std::fs::rename(watched.path("specs/a.json"), watched.path("specs/z.json")).unwrap();
    check("a file renamed");
    std::fs::rename(watched.path("specs/one"), watched.path("specs/uno")).unwrap();
    check("a folder renamed");
    // The folder at its new place is watched, and so is what is below it.
    watched.write("specs/uno/two/c.json", &times("c", 5));
    watched.verdict("c");
    watched.equals_fresh_run();
    // Out of the tree, changed there, and back.
    std::fs::rename(watched.path("specs/uno"), watched.path("away")).unwrap();
    check("a tree moved away");
    watched.write("away/b.json", &times("b", 6));
    std::fs::rename(watched.path("away"), watched.path("specs/back")).unwrap();
    watched.verdict("b");
    watched.write("specs/back/two/c.json", &times("c", 7));
    watched.verdict("c");
    // Removed, and another folder of the same name made at once.
    std::fs::remove_dir_all(watched.path("specs/back")).unwrap();
    watched.write("specs/back/new.json", &times("new", 2));
    watched.verdict("new");
    watched.write("specs/back/new.json", &times("new", 3));
    watched.verdict("new");
    watched.write("specs/back/x/y/z/deep.json", &times("deep", 3));
    watched.verdict("deep");
    watched.write("specs/back/x/y/z/deep.json", &times("deep", 4));
    watched.verdict("deep");
    std::fs::remove_file(watched.path("specs/z.json")).unwrap();
    check("a file removed");
}

#[test]
fn links_and_ignore_files_are_heeded_as_a_run_heeds_them() {
    let mut watched = Watched::new(&[]);
    watched.write("specs/a.json", &times("a", 2));
    watched.write("elsewhere/b.json", &times("b", 3));
    watched.write("apart/c.json", &times("c", 4));
    std::os::unix::fs::symlink(watched.path("elsewhere"), watched.path("specs/linked")).unwrap();
    std::os::unix::fs::symlink(watched.path("apart/c.json"), watched.path("specs/c.json")).unwrap();
    watched.start();
    watched.settled();
    watched.told();
    watched.write("elsewhere/b.json", &times("b", 5));
    assert_eq!(watched.verdict("b")["file"], "specs/linked/b.json");
    watched.write("apart/c.json", &times("c", 6));
    assert_eq!(watched.verdict("c")["file"], "specs/c.json");
    watched.equals_fresh_run();
    watched.write("specs/.gitignore", "a.json\n");
    watched.wait_for("ignored", |status| status["specs"] == 2);
    watched.equals_fresh_run();
    std::fs::remove_file(watched.path("specs/.gitignore")).unwrap();
    watched.wait_for("no longer ignored", |status| status["specs"] == 3);
    std::os::unix::fs::symlink(watched.path("specs"), watched.path("specs/loop")).unwrap();
    watched.write("specs/a.json", &times("a", 9));
    watched.verdict("a");
    watched.equals_fresh_run();
}

/// A folder with two names has one watch of the system: when one name goes, the other is still heard of.
#[test]
fn a_link_to_what_is_watched_takes_no_watch_with_it() {
    let watched =
        Watched::started(&[], &[("specs/a.json", times("a", 2)), ("specs/in/b.json", times("b", 2))]);
    for (link, target) in [("specs/up", ".."), ("specs/in/again", "../in")] {
        std::os::unix::fs::symlink(target, watched.path(link)).unwrap();
        watched.write("specs/now.json", &times("now", 7));
        watched.verdict("now");
        watched.settled();
        std::fs::remove_file(watched.path(link)).unwrap();
        std::fs::remove_file(watched.path("specs/now.json")).unwrap();
        watched.wait_for("unlinked", |status| status["specs"] == 2);
        watched.settled();
        for (path, word) in [("specs/a.json", "a"), ("specs/in/b.json", "b")] {
            watched.told();
            watched.write(path, &times(word, 5 + link.len() as i64));
            watched.verdict(word);
        }
        watched.equals_fresh_run();
    }
}

#[test]
fn words_that_use_a_changed_word_are_run_again() {
    let four = spec("four", [4, 12, 16], "double double", "double");
    let files = [
        ("specs/double.json", times("double", 2)),
        ("specs/four.json", four),
        ("specs/x.json", times("x", 7)),
    ];
    let watched = Watched::started(&[], &files);
    assert_eq!(watched.told(), ["double", "four", "x"]);
    watched.write("specs/double.json", &times("double", 3));
    watched.verdict("double");
    let four = watched.verdict("four");
    assert_eq!(four["given"]["status"], "refuted", "{four}");
    watched.equals_fresh_run();
    assert_eq!(watched.told(), Vec::<String>::new());
    std::fs::remove_file(watched.path("specs/double.json")).unwrap();
    assert_eq!(watched.verdict("four")["status"], "invalid");
    watched.equals_fresh_run();
}

#[test]
fn settings_and_held_out_cases_are_followed() {
    let mut watched = Watched::new(&[]);
    watched.write("config.toml", "[wordmill]\n");
    watched.write("specs/a.jsonl", &times("a", 2));
    watched.start();
    watched.settled();
    assert_eq!(watched.verdict("a")["heldout_total"], 0);
    watched.write("specs/a.heldout.jsonl", &spec("a", [2, 6, 9], "", ""));
    let verdict = watched.verdict("a");
    assert_eq!((&verdict["heldout_passed"], &verdict["heldout_total"]), (&2.into(), &3.into()));
    watched.equals_fresh_run();
    watched.write("config.toml", "[wordmill]\n[run]\nignore-given = true\n");
    let verdict = watched.verdict("a");
    assert_eq!(verdict["given"], Value::Null, "{verdict}");
    watched.equals_fresh_run();
}

#[test]
fn several_paths_and_results_among_the_specifications() {
    let mut watched = Watched::new(&["more/one.json", "--out", "specs/out"]);
    watched.write("specs/a.json", &times("a", 2));
    watched.write("more/one.json", &times("one", 1));
    watched.write("more/two.json", &times("two", 2));
    watched.start();
    let status = |watched: &Watched| {
        let output =
            watched.wordmill(&["daemon", "status", "--out", "specs/out", "--message-format", "json"]);
        serde_json::from_slice::<Value>(&output.stdout).unwrap_or_default()
    };
    watched.verdict("a");
    watched.verdict("one");
    watched.write_over("more/one.json", &times("one", 5));
    watched.verdict("one");
    watched.write("more/two.json", &times("two", 5));
    let began = Instant::now();
    while status(&watched)["published"] != true {
        assert!(began.elapsed() < PATIENCE, "{}", watched.log());
        std::thread::sleep(Duration::from_millis(20));
    }
    let updates = status(&watched)["updates"].clone();
    std::thread::sleep(Duration::from_millis(400));
    // But for looking once more at what was young, its own results do not wake it.
    let later = status(&watched)["updates"].as_u64().unwrap();
    assert!(later <= updates.as_u64().unwrap() + 1, "{later} {updates}");
    assert_eq!(status(&watched)["specs"], 2);
    assert_eq!(watched.told(), Vec::<String>::new());
}
