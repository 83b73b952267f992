//! The units in `scripts/systemd`, as systemd itself reads them.

use std::path::Path;
use std::process::Command;

#[test]
fn systemd_finds_nothing_wrong_with_the_units() {
    if Command::new("systemd-analyze").arg("--version").output().is_err() {
        println!("left out: there is no systemd-analyze");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut units = Vec::new();
    for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/systemd")).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        // The program of the build, for the one that is to be installed must not be there.
        let text = text.replace("/usr/local/bin/wordmill", env!("CARGO_BIN_EXE_wordmill"));
        let unit = folder.path().join(path.file_name().unwrap());
        std::fs::write(&unit, text).unwrap();
        units.push(unit);
    }
    assert_eq!(units.len(), 3);
    let verified =
        Command::new("systemd-analyze").args(["verify", "--man=no"]).args(&units).output().unwrap();
    let told = String::from_utf8_lossy(&verified.stderr).into_owned();
    // Units of this machine may have faults of their own.
    let ours: Vec<&str> = told.lines().filter(|line| line.contains("wordmill")).collect();
    assert!(ours.is_empty(), "{ours:#?}");
    assert!(verified.status.success() || !told.is_empty(), "{verified:?}");
}

/// What the units call must be what the program understands.
#[test]
fn the_commands_of_the_units_are_commands() {
    for name in ["wordmill-watch.service", "wordmill-run.service"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/systemd").join(name);
        let text = std::fs::read_to_string(path).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix("ExecStart=")).unwrap();
        let words: Vec<&str> = line.split_whitespace().skip(1).collect();
        let parsed = wordmill::cli::args::command().try_get_matches_from(["wordmill"].iter().chain(&words));
        assert!(parsed.is_ok(), "{line}: {}", parsed.unwrap_err());
    }
}
