//! Text that others wrote, made safe for one line.

/// One line with nothing that a Forth or a terminal acts on, at most `max` characters.
pub fn one_line(text: &str, max: usize) -> String {
    let visible = |c: char| if c.is_control() || is_line_end_or_direction(c) { ' ' } else { c };
    let mut line: String = text.chars().take(max).map(visible).collect();
    if text.chars().nth(max).is_some() {
        line.push('…');
    }
    line.truncate(line.trim_end().len());
    line
}

fn is_line_end_or_direction(c: char) -> bool {
    matches!(c, '\u{2028}' | '\u{2029}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_on_its_line() {
        assert_eq!(one_line("a\nb\r\tc ) \u{202E}x\u{2028}", 99), "a b  c )  x");
        assert_eq!(one_line("abcdef", 3), "abc…");
        assert_eq!(one_line("abc", 3), "abc");
    }
}
