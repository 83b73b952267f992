//! Where settings come from, and what is said about mistakes.

use super::*;

/// The value and origin of `output.color`, as `config show` tells them.
fn color(command: Command) -> (String, String) {
    let line = run(command).expect(0).json_lines().into_iter().find(|line| line["setting"] == "output.color");
    let line = line.expect("the setting is listed");
    (line["value"].as_str().expect("text").to_owned(), line["origin"].as_str().expect("text").to_owned())
}

const SHOW: [&str; 4] = ["config", "show", "--message-format", "json"];

#[test]
fn flags_beat_variables_beat_project_beats_user_beats_default() {
    let folder = folder();
    let home = folder.path().join("home");
    let project = folder.path().join("project");
    let deep = project.join("a/b");
    std::fs::create_dir_all(&deep).expect("folders");
    let show = |arguments: &[&str]| {
        let mut command = command(&deep, &[&SHOW, arguments].concat());
        command.env("HOME", &home);
        command
    };
    let is = |command: Command, value: &str, origin: &str| {
        assert_eq!(color(command), (value.to_owned(), origin.to_owned()));
    };
    is(show(&[]), "auto", "default");
    write(&home, ".config/wordmill/config.toml", "[output]\ncolor = \"never\"\n");
    let user = home.join(".config/wordmill/config.toml");
    is(show(&[]), "never", &format!("{}:2", user.display()));
    write(&project, "config.toml", "# ours\n[wordmill]\n[output]\ncolor = \"always\"\n");
    is(show(&[]), "always", "../../config.toml:4");
    let mut with_variable = show(&[]);
    with_variable.env("WORDMILL_COLOR", "never");
    is(with_variable, "never", "environment WORDMILL_COLOR");
    let mut with_flag = show(&["--color", "auto"]);
    with_flag.env("WORDMILL_COLOR", "never");
    is(with_flag, "auto", "flag --color");
    // Not from anywhere but the file that is named, or from none.
    write(&project, "other.toml", "[output]\nlog-format = \"json\"\n");
    is(show(&["--config", "../../other.toml"]), "auto", "default");
    is(show(&["--no-config"]), "auto", "default");
    let mut with_xdg = show(&["--color", "never"]);
    with_xdg.env("XDG_CONFIG_HOME", home.join("nothing"));
    is(with_xdg, "never", "flag --color");
}

#[test]
fn a_config_of_another_tool_is_left_alone() {
    let folder = folder();
    write(folder.path(), "config.toml", "[server]\nport = 80\n");
    assert_eq!(color(command(folder.path(), &SHOW)), ("auto".to_owned(), "default".to_owned()));
    // Unless somebody says that it is ours.
    wordmill(folder.path(), &["--config", "config.toml", "man"]).expect(2);
}

#[test]
fn mistakes_are_told_with_place_and_suggestion() {
    fn check(text: &str, expect: &str) {
        let folder = folder();
        write(folder.path(), "config.toml", text);
        let ran = wordmill(folder.path(), &["man"]).expect(2);
        assert_eq!(ran.stderr, expect);
        assert_eq!(ran.stdout, "");
    }
    check(
        "[wordmill]\n[output]\ncolour = \"never\"\n",
        "\
error[WM095]: no setting `output.colour`
 --> config.toml:3:1
  |
3 | colour = \"never\"
  | ^^^^^^
  |
  = help: did you mean `color`?

",
    );
    check(
        "[wordmill]\n[output]\ncolor = true\n",
        "\
error[WM096]: `output.color` must be one of auto, always, never
 --> config.toml:3:9
  |
3 | color = true
  |         ^^^^

",
    );
}

#[test]
fn mistakes_in_the_environment_are_told() {
    let folder = folder();
    let mut wrong = command(folder.path(), &["man"]);
    let ran = run({
        wrong.env("WORDMILL_COLOR", "sometimes");
        wrong
    });
    assert!(
        ran.expect(2).stderr.starts_with("error[WM098]: WORDMILL_COLOR is `sometimes`, expected one of auto")
    );
    let mut unknown = command(folder.path(), &["man"]);
    unknown.env("WORDMILL_COLOUR", "never");
    let ran = run(unknown).expect(0);
    assert!(
        ran.stderr.contains("WM099") && ran.stderr.contains("did you mean WORDMILL_COLOR?"),
        "{}",
        ran.stderr
    );
}

#[test]
fn what_is_shown_is_a_config() {
    let folder = folder();
    let shown = wordmill(folder.path(), &["config", "show"]).expect(0).stdout;
    write(folder.path(), "config.toml", &shown);
    let again = wordmill(folder.path(), &["config", "show"]).expect(0).stdout;
    assert!(again.contains("# config.toml:"), "{again}");
    assert!(!again.contains("# default"), "{again}");
}

#[test]
fn messages_come_in_three_formats() {
    let folder = folder();
    write(folder.path(), "config.toml", "[wordmill]\n[output]\ncolour = 1\n");
    let github = wordmill(folder.path(), &["man", "--message-format", "github"]).expect(2).stderr;
    let expect = "::error file=config.toml,line=3,col=1,endColumn=7,title=WM095::no setting `output.colour`%0Adid you mean `color`?\n";
    assert_eq!(github, expect);
    let json = wordmill(folder.path(), &["man", "--message-format", "json"]).expect(2).stderr;
    let json: serde_json::Value = serde_json::from_str(&json).expect("one object");
    assert_eq!(
        (&json["code"], &json["line"], &json["file"]),
        (&"WM095".into(), &3.into(), &"config.toml".into())
    );
}
