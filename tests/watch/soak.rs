//! Random edits for a while, kills at random moments, many files at once, and what idling costs.

use super::*;

/// Seconds of random edits; `WORDMILL_TEST_SOAK` asks for more.
fn soak_s() -> u64 {
    std::env::var("WORDMILL_TEST_SOAK").ok().and_then(|text| text.parse().ok()).unwrap_or(10)
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// One random change below `specs`.
fn change(watched: &Watched, numbers: &mut Numbers) {
    let folder = format!("specs/d{}", numbers.below(5));
    let name = format!("{folder}/{}.json", numbers.below(12));
    let word = format!("w{}", numbers.below(40));
    let uses = format!("w{}", numbers.below(40));
    let n = numbers.below(9) as i64 + 2;
    let path = watched.path(&name);
    let _ = std::fs::create_dir_all(path.parent().unwrap());
    match numbers.below(16) {
        0..6 => watched.write(&name, &times(&word, n)),
        6..9 => watched.write_over(&name, &times(&word, n)),
        9 => watched.write(&name, &spec(&word, [n, 3 * n, 4 * n], &uses, &uses)),
        10 => watched.write(&name, "{\"word\": "),
        11 => drop(std::fs::remove_file(&path)),
        12 => drop(std::fs::rename(&path, watched.path(&format!("{folder}/{}.json", numbers.below(12))))),
        13 => drop(std::fs::rename(
            watched.path(&folder),
            watched.path(&format!("specs/d{}", numbers.below(9))),
        )),
        14 => drop(std::fs::remove_dir_all(watched.path(&format!("specs/d{}", 5 + numbers.below(4))))),
        _ => watched.write(&format!("{folder}/l.jsonl"), &[times(&word, n), times("l", 2)].join("\n")),
    }
}

fn resident_kib(pid: u32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("status");
    let line = text.lines().find(|line| line.starts_with("VmRSS:")).expect("VmRSS");
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn cpu_ticks(pid: u32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("stat");
    let fields: Vec<&str> = text.rsplit(')').next().unwrap().split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

#[test]
fn no_change_is_missed_and_memory_stays_flat() {
    let watched = Watched::started(&[], &[("specs/d0/0.json", times("w0", 2))]);
    let mut numbers = Numbers(7);
    let length = Duration::from_secs(soak_s());
    let began = Instant::now();
    let mut early = None;
    let (mut n, mut n_checks) = (0, 0);
    while began.elapsed() < length {
        for _ in 0..1 + numbers.below(20) {
            change(&watched, &mut numbers);
            n += 1;
        }
        std::thread::sleep(Duration::from_millis(numbers.below(80)));
        if n >= 200 * (n_checks + 1) {
            watched.equals_fresh_run();
            n_checks += 1;
            if began.elapsed() > length / 4 {
                early.get_or_insert_with(|| resident_kib(watched.pid()));
            }
        }
    }
    watched.equals_fresh_run();
    let late = resident_kib(watched.pid());
    let early = early.unwrap_or(late);
    println!("{n} changes, {n_checks} checks, resident {early} then {late} KiB");
    assert!(n > 50, "{n} changes only");
    // Allocators keep a little of what they get; a leak of a kilobyte for each change would be more in the long run.
    assert!(late < early + early / 2 + 8192, "memory grows: {early} then {late} KiB after {n} changes");
}

#[test]
fn killed_at_any_moment_it_comes_back_to_what_a_fresh_run_gives() {
    let mut watched = Watched::started(&[], &[("specs/d0/0.json", times("w0", 2))]);
    let mut numbers = Numbers(11);
    for kill in 0..number("WORDMILL_TEST_KILLS", 10) {
        for _ in 0..1 + numbers.below(10) {
            change(&watched, &mut numbers);
        }
        std::thread::sleep(Duration::from_millis(numbers.below(300)));
        watched.kill();
        (0..numbers.below(3)).for_each(|_| change(&watched, &mut numbers));
        watched.start();
        if kill % 3 == 2 {
            watched.equals_fresh_run();
        } else {
            std::thread::sleep(Duration::from_millis(numbers.below(200)));
        }
    }
    watched.equals_fresh_run();
}

/// Many files in nested new folders as fast as the disk allows; half of them renamed, a tenth deleted.
fn many(watched: &Watched, n_files: u64) {
    let path = |i: u64| format!("specs/{}/{}/{}/{i}.json", i % 7, i / 100 % 10, i / 1000);
    (0..n_files).for_each(|i| watched.write(&path(i), &times(&format!("w{i}"), i as i64 % 90 + 2)));
    for i in (0..n_files).step_by(2) {
        let to = watched.path(&format!("specs/{}/{}/{}/r{i}.json", i % 7, i / 100 % 10, i / 1000));
        std::fs::rename(watched.path(&path(i)), to).unwrap();
    }
    (1..n_files).step_by(10).for_each(|i| std::fs::remove_file(watched.path(&path(i))).unwrap());
}

#[test]
fn a_flood_of_files_ends_with_what_a_fresh_run_gives() {
    let watched = Watched::started(&[], &[("specs/first.json", times("first", 2))]);
    let n_files = number("WORDMILL_TEST_FILES", 1000);
    many(&watched, n_files);
    watched.wait_for("all", |status| status["specs"] == n_files - n_files.div_ceil(10) + 1);
    watched.equals_fresh_run();
    // And it still hears of one.
    watched.told();
    watched.write("specs/first.json", &times("first", 3));
    watched.verdict("first");
}

#[test]
fn with_too_few_watches_it_looks_now_and_then_and_says_so() {
    let watched =
        Watched::started(&["--watches-max", "10", "--poll", "1"], &[("specs/first.json", times("first", 2))]);
    let n_files = number("WORDMILL_TEST_FILES", 1000) / 2;
    many(&watched, n_files);
    let status = watched.wait_for("all", |status| status["specs"] == n_files - n_files.div_ceil(10) + 1);
    assert_eq!(status["degraded"], true);
    assert!(status["sentence"].as_str().unwrap().contains("degraded, because only 10 folders"), "{status}");
    watched.equals_fresh_run();
    watched.told();
    // Deep in a folder that is not watched.
    watched.write("specs/6/4/0/496.json", &times("w496", 77));
    watched.verdict("w496");
    watched.equals_fresh_run();
    (0..7).for_each(|i| drop(std::fs::remove_dir_all(watched.path(&format!("specs/{i}")))));
    let status = watched.wait_for("few folders", |status| status["degraded"] == false);
    assert!(!status["sentence"].as_str().unwrap().contains("degraded"), "{status}");
}

#[test]
fn idle_it_costs_nothing() {
    let files: Vec<(String, String)> =
        (0..300).map(|i| (format!("specs/{i}.json"), times(&format!("w{i}"), i + 2))).collect();
    let mut watched = Watched::new(&[]);
    files.iter().for_each(|(path, text)| watched.write(path, text));
    watched.start();
    watched.settled();
    // Past the one look at what was young.
    std::thread::sleep(Duration::from_secs(4));
    let before = cpu_ticks(watched.pid());
    let seconds = number("WORDMILL_TEST_IDLE", 5);
    std::thread::sleep(Duration::from_secs(seconds));
    let ticks = cpu_ticks(watched.pid()) - before;
    println!("{ticks} ticks of 10 ms in {seconds} s");
    assert!(ticks * 100 <= seconds * 5, "{ticks} ticks of 10 ms in {seconds} s: 0.0 % is less than 0.05 %");
}
