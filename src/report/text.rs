//! Text that others wrote, made safe for one line.

/// One line with nothing that a Forth or a terminal acts on, at most `max` characters.
pub fn one_line(text: &str, max: usize) -> String {
    let mut line = String::new();
    push_line(&mut line, text, max);
    line
}

/// Appends what [`one_line`] gives.
pub fn push_line(out: &mut String, text: &str, max: usize) {
    if text.len() <= max && text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        out.push_str(text.trim_end());
        return;
    }
    let from = out.len();
    let visible = |c: char| if c.is_control() || is_line_end_or_direction(c) { ' ' } else { c };
    out.extend(text.chars().take(max).map(visible));
    if text.chars().nth(max).is_some() {
        out.push('…');
    }
    out.truncate(from + out[from..].trim_end().len());
}

fn is_line_end_or_direction(c: char) -> bool {
    matches!(c, '\u{2028}' | '\u{2029}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FFFE}' | '\u{FFFF}')
}

/// A count with a comma at every thousand.
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Hundredths of a percent as people write them: `82.35 %`, `100 %`.
pub fn percent(per_myriad: u64) -> String {
    match (per_myriad / 100, per_myriad % 100) {
        (whole, 0) => format!("{whole} %"),
        (whole, part) => format!("{whole}.{part:02} %"),
    }
}

/// A time in the unit that suits it, rounded down: `85 µs`, `9.00 ms`, `184 ms`, `61.2 s`, `12 min 30 s`.
pub fn time(us: u64) -> String {
    match us {
        0..1_000 => format!("{us} µs"),
        1_000..10_000 => format!("{}.{:02} ms", us / 1_000, us % 1_000 / 10),
        10_000..100_000 => format!("{}.{} ms", us / 1_000, us % 1_000 / 100),
        100_000..1_000_000 => format!("{} ms", us / 1_000),
        1_000_000..120_000_000 => format!("{}.{} s", us / 1_000_000, us % 1_000_000 / 100_000),
        120_000_000..7_200_000_000 => format!("{} min {} s", us / 60_000_000, us / 1_000_000 % 60),
        _ => format!("{} h {} min", us / 3_600_000_000, us / 60_000_000 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_said_as_people_do() {
        let counts = [0, 999, 1000, 1_234_567].map(count);
        assert_eq!(counts, ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([0, 8235, 10_000, 5].map(percent), ["0 %", "82.35 %", "100 %", "0.05 %"]);
        let times = [85, 9_009, 61_070, 184_999, 61_249_999, 750_000_000, 9_000_000_000].map(time);
        assert_eq!(times, ["85 µs", "9.00 ms", "61.0 ms", "184 ms", "61.2 s", "12 min 30 s", "2 h 30 min"]);
    }

    #[test]
    fn text_stays_on_its_line() {
        assert_eq!(one_line("a\nb\r\tc ) \u{202E}x\u{2028}", 99), "a b  c )  x");
        assert_eq!(one_line("abcdef", 3), "abc…");
        assert_eq!(one_line("abc", 3), "abc");
    }
}
