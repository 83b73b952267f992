//! `wordmill templates`.

use super::*;

#[test]
fn the_shipped_templates_are_listed_and_shown() {
    let folder = folder();
    let list = wordmill(folder.path(), &["templates", "list"]).expect(0).stdout;
    assert!(list.starts_with("ID") && list.contains("\nDUP_TRANSFORM_001 "), "{list}");
    let json =
        wordmill(folder.path(), &["templates", "list", "--message-format", "json"]).expect(0).json_lines();
    assert!(json.len() >= 40, "{}", json.len());
    assert_eq!(json.len() + 1, list.lines().count());
    let shown = wordmill(folder.path(), &["templates", "show", "DUP_TRANSFORM_001"]).expect(0).stdout;
    for needle in ["dup {op}", "example  dup *", "5 -> 25", "`*`"] {
        assert!(shown.contains(needle), "{needle}: {shown}");
    }
    let wrong = wordmill(folder.path(), &["templates", "show", "DUP_TRANSFORM_01"]).expect(2);
    assert!(wrong.stderr.contains("did you mean `DUP_TRANSFORM_001`?"), "{}", wrong.stderr);
}

#[test]
fn the_shipped_templates_pass_their_tests() {
    let folder = folder();
    let ran = wordmill(folder.path(), &["templates", "test"]).expect(0);
    assert!(ran.stderr.contains(": all pass\n"), "{}", ran.stderr);
    let one = wordmill(folder.path(), &["templates", "test", "dup_transform_001", "-v"]).expect(0).stdout;
    assert!(one.starts_with("pass DUP_TRANSFORM_001: "), "{one}");
    let wrong = "family = \"mine\"\n[[template]]\nid = \"MINE_001\"\ndescription = \"twice\"\neffect = \"( n -- 2n )\"\n\
                 code = \"1+\"\ntests = [{ in = [4], out = [8] }]\n";
    write(folder.path(), "mine.toml", wrong);
    let failed = wordmill(folder.path(), &["templates", "test", "--templates", "mine.toml"]).expect(1);
    assert!(failed.stdout.contains("fail MINE_001 (line 7)"), "{}", failed.stdout);
}

#[test]
fn templates_of_ones_own_are_read_too() {
    let folder = folder();
    let mine = "family = \"mine\"\n[[template]]\nid = \"MINE_001\"\ndescription = \"twice\"\neffect = \"( n -- 2n )\"\n\
                code = \"2*\"\ntests = [{ in = [4], out = [8] }]\n";
    write(folder.path(), "mine/one.toml", mine);
    let shown =
        wordmill(folder.path(), &["templates", "show", "MINE_001", "--templates", "mine"]).expect(0).stdout;
    assert!(shown.contains("4 -> 8"), "{shown}");
    wordmill(folder.path(), &["templates", "show", "MINE_001"]).expect(2);
    write(folder.path(), "mine/two.toml", &mine.replace("effect", "efect").replace("MINE_001", "MINE_002"));
    let wrong = wordmill(folder.path(), &["templates", "list", "--templates", "mine"]).expect(2);
    assert!(wrong.stderr.contains("WM061") && wrong.stderr.contains("mine/two.toml:5:1"), "{}", wrong.stderr);
}
