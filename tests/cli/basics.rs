//! Usage, help, explain, completions, man, broken pipes, colours.

use super::*;
use std::io::Read;

#[test]
fn usage_errors_end_with_2() {
    fn check(arguments: &[&str], needle: &str) {
        let ran = wordmill(folder().path(), arguments).expect(2);
        assert!(ran.stderr.contains(needle), "{arguments:?}: {}", ran.stderr);
        assert_eq!(ran.stdout, "", "{arguments:?}");
    }
    check(&[], "Usage: wordmill");
    check(&["explian"], "explain");
    check(&["explain", "--colour", "never"], "--color");
    check(&["--color", "sometimes", "man"], "auto, always, never");
    check(&["--config", "x.toml", "--no-config", "man"], "cannot be used with");
    check(&["-q", "-v", "man"], "cannot be used with");
    check(&["--config", "x.toml", "man"], "cannot read x.toml: No such file");
    check(&["explain", "WM999"], "no diagnostic has the code `WM999`; did you mean WM0");
    check(&["explain", "quux"], "`wordmill explain` lists all of them");
}

#[test]
fn help_and_version_go_to_standard_output() {
    let folder = folder();
    let help = wordmill(folder.path(), &["--help"]).expect(0);
    for needle in ["Exit codes:", "explain", "--message-format", "WORDMILL_"] {
        assert!(help.stdout.contains(needle), "{needle}: {}", help.stdout);
    }
    let version = wordmill(folder.path(), &["--version"]).expect(0);
    assert_eq!(version.stdout, format!("wordmill {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn explain_knows_codes_in_every_spelling() {
    for spelling in ["WM095", "wm95", "95"] {
        let ran = wordmill(folder().path(), &["explain", spelling]).expect(0);
        assert!(ran.stdout.starts_with("WM095: unknown key in config.toml\n\n"), "{}", ran.stdout);
    }
    let all = wordmill(folder().path(), &["explain"]).expect(0);
    assert!(all.stdout.contains("WM095  unknown key in config.toml\n"), "{}", all.stdout);
    let json =
        wordmill(folder().path(), &["explain", "95", "--message-format", "json"]).expect(0).json_lines();
    assert_eq!(json[0]["code"], "WM095");
}

#[test]
fn completions_and_manual_know_the_commands() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = wordmill(folder().path(), &["completions", shell]).expect(0).stdout;
        assert!(script.contains("explain") && script.contains("message-format"), "{shell}");
    }
    wordmill(folder().path(), &["completions", "tcsh"]).expect(2);
    let page = wordmill(folder().path(), &["man"]).expect(0).stdout;
    assert!(page.contains(".TH wordmill 1") && page.contains(".SS \"wordmill config show\""), "{page}");
}

#[test]
fn the_schema_is_json() {
    let schema = wordmill(folder().path(), &["schema"]).expect(0).stdout;
    let schema: serde_json::Value = serde_json::from_str(&schema).expect("JSON");
    assert!(
        schema["$schema"].as_str().is_some_and(|dialect| dialect.contains("json-schema.org")),
        "{schema}"
    );
    assert!(schema.to_string().contains("\"stack_effect\""));
}

#[test]
fn a_closed_pipe_is_no_panic() {
    for arguments in
        [&["man"][..], &["completions", "bash"], &["explain"], &["--help"], &["config", "show"], &["schema"]]
    {
        let folder = folder();
        let mut command = command(folder.path(), arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("start");
        drop(child.stdout.take());
        let mut stderr = String::new();
        child.stderr.take().expect("piped").read_to_string(&mut stderr).expect("UTF-8");
        let status = child.wait().expect("end");
        assert_eq!((status.code(), stderr.as_str()), (Some(0), ""), "{arguments:?}");
    }
}

#[test]
fn colours_only_where_they_are_wanted() {
    fn check(arguments: &[&str], variables: &[(&str, &str)], expect: bool) {
        let folder = folder();
        let mut command = command(folder.path(), arguments);
        command.envs(variables.iter().copied());
        let ran = run(command);
        assert_eq!((ran.stdout + &ran.stderr).contains('\x1b'), expect, "{arguments:?} {variables:?}");
    }
    check(&["explain"], &[], false);
    check(&["explain", "--color", "always"], &[], true);
    check(&["explain", "--color=always"], &[("NO_COLOR", "1")], true);
    check(&["explain"], &[("CLICOLOR_FORCE", "1")], true);
    check(&["explain"], &[("WORDMILL_COLOR", "always")], true);
    check(&["explain", "--color", "never"], &[("CLICOLOR_FORCE", "1")], false);
    // Usage errors and help heed it as well.
    check(&["explian"], &[], false);
    check(&["explian", "--color", "always"], &[], true);
    check(&["--help", "--color=always"], &[], true);
    check(&["explain", "quux", "--color=always"], &[], true);
}
