//! Tests as lines for the tester: `T{ 5 square -> 25 }T`.

use crate::model::Cell;
use crate::report::row::{TestRow, TestValue};
use crate::report::text::push_line;
use std::fmt::Write;

/// Appends one test of `word`. Strings and arrays become data words in front, numbered from `n_data`; what cannot be said
/// is a comment.
pub fn write_test(out: &mut String, word: &str, test: &TestRow<'_>, n_data: &mut usize) {
    if !is_sayable(test) {
        out.push_str("\\ a test that expects an address below other results cannot be said here\n");
        return;
    }
    if let Some(prints) = test.prints {
        // The standard has no words that catch what is printed.
        out.push_str("\\ prints, to be compared by eye: ");
        push_line(out, &format!("{prints:?}"), 200);
        out.push('\n');
    }
    let of_inputs = *n_data;
    write_data(out, test.inputs, n_data);
    let of_outputs = *n_data;
    if test.throws.is_none() {
        write_data(out, test.outputs, n_data);
    }
    out.push_str("T{");
    write_values(out, test.inputs, of_inputs);
    match test.throws {
        Some(code) => write_throw(out, word, test, code),
        None => write_results(out, word, test, of_outputs),
    }
    out.push_str(" }T\n");
}

/// Results in memory can be compared only on top of the stack.
fn is_sayable(test: &TestRow<'_>) -> bool {
    let below = test.outputs.len().saturating_sub(1);
    test.outputs[..below].iter().all(|value| matches!(value, TestValue::Cell(_)))
}

/// After a THROW the stack has its old depth and nobody knows what lies there.
fn write_throw(out: &mut String, word: &str, test: &TestRow<'_>, code: Cell) {
    let n_cells: usize = test.inputs.iter().map(TestValue::width).sum();
    let _ = write!(out, " ' {word} CATCH{} -> {code}", " NIP".repeat(n_cells));
}

fn write_results(out: &mut String, word: &str, test: &TestRow<'_>, n_data: usize) {
    let _ = write!(out, " {word}");
    let (in_memory, cells) = match test.outputs.split_last() {
        Some((last, below)) if last.width() > 1 => (Some(last), below),
        _ => (None, test.outputs),
    };
    match in_memory {
        None | Some(TestValue::Cell(_)) => {}
        Some(TestValue::Str(text)) => _ = write!(out, " wm-{n_data} {} COMPARE", text.len()),
        Some(TestValue::Cells(items)) => _ = write!(out, " CELLS wm-{n_data} {} CELLS COMPARE", items.len()),
    }
    out.push_str(" ->");
    write_values(out, cells, 0);
    if in_memory.is_some() {
        out.push_str(" 0");
    }
}

/// The values as they are pushed; data words count from `first`.
fn write_values(out: &mut String, values: &[TestValue<'_>], first: usize) {
    let mut data = first;
    for value in values {
        let _ = match value {
            TestValue::Cell(cell) => write!(out, " {cell}"),
            TestValue::Str(text) => write!(out, " wm-{data} {}", text.len()),
            TestValue::Cells(items) => write!(out, " wm-{data} {}", items.len()),
        };
        data += value.width() - 1;
    }
}

/// Defines a data word for each value that stands in memory.
fn write_data(out: &mut String, values: &[TestValue<'_>], n_data: &mut usize) {
    for value in values {
        match value {
            TestValue::Cell(_) => continue,
            TestValue::Str(text) => {
                let _ = write!(out, "CREATE wm-{n_data}");
                text.bytes().for_each(|byte| _ = write!(out, " {byte} C,"));
                out.push('\n');
            }
            TestValue::Cells(items) => {
                let _ = write!(out, "CREATE wm-{n_data}");
                items.iter().for_each(|item| _ = write!(out, " {item} ,"));
                out.push('\n');
            }
        }
        *n_data += 1;
    }
}

#[cfg(test)]
mod checks {
    use super::*;
    use TestValue::{Cell as N, Cells, Str};

    fn check(inputs: &[TestValue<'_>], outputs: &[TestValue<'_>], throws: Option<Cell>, expect: &str) {
        let mut text = String::new();
        write_test(&mut text, "w", &TestRow { inputs, outputs, throws, prints: None }, &mut 0);
        assert_eq!(text, format!("{expect}\n"));
    }

    #[test]
    fn what_is_printed_is_said_in_a_comment() {
        let mut text = String::new();
        let test = TestRow { inputs: &[N(5)], outputs: &[], throws: None, prints: Some("5 \n}T") };
        write_test(&mut text, "w", &test, &mut 0);
        assert_eq!(text, "\\ prints, to be compared by eye: \"5 \\n}T\"\nT{ 5 w -> }T\n");
    }

    #[test]
    fn tests_are_said_in_forth() {
        check(&[N(5)], &[N(25)], None, "T{ 5 w -> 25 }T");
        check(&[], &[], None, "T{ w -> }T");
        check(&[N(1), N(-2)], &[N(i64::MIN)], None, "T{ 1 -2 w -> -9223372036854775808 }T");
        check(&[N(1), N(0)], &[], Some(-10), "T{ 1 0 ' w CATCH NIP NIP -> -10 }T");
        check(&[Str("h\"\n")], &[N(3)], None, "CREATE wm-0 104 C, 34 C, 10 C,\nT{ wm-0 3 w -> 3 }T");
        check(&[Cells(&[1, 2])], &[N(3)], None, "CREATE wm-0 1 , 2 ,\nT{ wm-0 2 w -> 3 }T");
        check(
            &[Str("a"), N(7)],
            &[N(1), Str("b")],
            None,
            "CREATE wm-0 97 C,\nCREATE wm-1 98 C,\nT{ wm-0 1 7 w wm-1 1 COMPARE -> 1 0 }T",
        );
        check(&[], &[Cells(&[9])], None, "CREATE wm-0 9 ,\nT{ w CELLS wm-0 1 CELLS COMPARE -> 0 }T");
        check(
            &[],
            &[Str("a"), N(1)],
            None,
            "\\ a test that expects an address below other results cannot be said here",
        );
    }
}
