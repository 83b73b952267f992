//! Pictures as inline SVG: only rectangles that stretch with the page, text stands beside them as HTML.
//! All numbers are whole, so that they are printed alike everywhere.

use super::escape;
use crate::model::Status;
use crate::report::summary::Summary;
use crate::report::tally::{Group, Histogram, Verdicts, per_myriad};
use crate::report::text::{count, percent, time};
use std::fmt::Write;

/// At most so many tags are drawn.
const TAGS_MAX: usize = 14;

/// The verdicts as one bar that is divided by their shares of `whole`.
pub fn verdict_bar(out: &mut String, verdicts: &Verdicts, whole: u64) {
    let label = verdict_label(verdicts);
    let _ = write!(
        out,
        "<svg class=\"bar\" viewBox=\"0 0 10000 10\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{label}\">"
    );
    let (mut from, mut before) = (0, 0);
    for status in Status::ALL {
        let n = verdicts.of(status);
        if n == 0 {
            continue;
        }
        before += n;
        let to = per_myriad(before, whole);
        let (name, width) = (status.name(), to - from);
        let _ = write!(out, "<rect class=\"f-{name}\" x=\"{from}\" width=\"{width}\" height=\"10\"/>");
        from = to;
    }
    let _ = write!(out, "<title>{label}</title></svg>");
}

fn verdict_label(verdicts: &Verdicts) -> String {
    let counted = Status::ALL.into_iter().filter(|&status| verdicts.of(status) > 0);
    let parts: Vec<_> =
        counted.map(|status| format!("{} {}", count(verdicts.of(status)), status.name())).collect();
    if parts.is_empty() { "none".into() } else { parts.join(", ") }
}

/// Where the verified programs come from, and what became of the rest.
pub fn by_strategy(out: &mut String, summary: &Summary) {
    let verdicts = &summary.totals.verdicts;
    out.push_str("<div class=\"bars\">");
    for row in &summary.by_strategy {
        let verified = Verdicts { verified: row.verified, ..Verdicts::default() };
        bar_row(out, row.strategy.name(), &verified, verdicts.total(), &count(row.verified));
    }
    let without = Verdicts { verified: 0, ..*verdicts };
    if without.total() > 0 {
        bar_row(out, "not verified", &without, verdicts.total(), &count(without.total()));
    }
    out.push_str("</div>");
}

/// The verdicts of the most frequent tags, each bar a whole.
pub fn by_tag(out: &mut String, tags: &[Group]) {
    if tags.is_empty() {
        out.push_str("<p class=\"quiet\">No specification has a tag.</p>");
        return;
    }
    out.push_str("<div class=\"bars\">");
    for group in tags.iter().take(TAGS_MAX) {
        let (verified, total) = (group.verdicts.verified, group.verdicts.total());
        let value = format!("{}<span class=\"quiet\"> / {}</span>", count(verified), count(total));
        bar_row(out, &group.name, &group.verdicts, total, &value);
    }
    out.push_str("</div>");
    if tags.len() > TAGS_MAX {
        let left = count((tags.len() - TAGS_MAX) as u64);
        let _ = write!(out, "<p class=\"quiet\">and {left} rarer tags</p>");
    }
}

/// `value` is HTML.
fn bar_row(out: &mut String, name: &str, verdicts: &Verdicts, whole: u64, value: &str) {
    out.push_str("<div class=\"bars-row\"><span class=\"bars-name\">");
    escape(out, name);
    out.push_str("</span>");
    verdict_bar(out, verdicts, whole);
    let _ = write!(out, "<span class=\"bars-value\">{value}</span></div>");
}

/// A time as a bar beside others, of which the longest fills the row.
pub fn time_row(out: &mut String, name: &str, class: &str, elapsed_us: u64, longest_us: u64, title: &str) {
    out.push_str("<div class=\"bars-row\"><span class=\"bars-name\">");
    escape(out, name);
    out.push_str("</span>");
    let share = per_myriad(elapsed_us, longest_us);
    let _ = write!(
        out,
        "<svg class=\"bar\" viewBox=\"0 0 10000 10\" preserveAspectRatio=\"none\" aria-hidden=\"true\">\
         <rect class=\"{class}\" width=\"{share}\" height=\"10\"/><title>"
    );
    escape(out, title);
    let _ = write!(out, "</title></svg><span class=\"bars-value\">{}</span></div>", time(elapsed_us));
}

/// A histogram with a line of words above and the lowest values of some bins below.
pub fn histogram(out: &mut String, histogram: &Histogram, unit: &str) {
    let bins = histogram.filled();
    if bins.is_empty() {
        out.push_str("<p class=\"quiet\">Nothing is verified.</p>");
        return;
    }
    let (min, mean, max) = (count(histogram.min), count(histogram.mean()), count(histogram.max));
    let _ = write!(out, "<p class=\"quiet\">{min} to {max} {unit}, {mean} on average</p>");
    let highest = histogram.counts.iter().copied().max().unwrap_or(1);
    let _ = write!(
        out,
        "<svg class=\"histogram\" viewBox=\"0 0 {} 1000\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"histogram of {unit}\">",
        bins.len() * 100
    );
    for (i, bin) in bins.clone().enumerate() {
        let n = histogram.counts[bin];
        // A bin that holds something is seen, however small.
        let height = if n == 0 { 0 } else { (per_myriad(n, highest) / 10).max(8) };
        let label = histogram.label(bin);
        let share = percent(per_myriad(n, histogram.n));
        let _ = write!(
            out,
            "<g class=\"bin\"><rect class=\"bin-area\" x=\"{x}\" width=\"100\" height=\"1000\"/>\
             <rect class=\"bin-bar\" x=\"{bar}\" y=\"{y}\" width=\"88\" height=\"{height}\"/>\
             <title>{label} {unit}: {n} ({share})</title></g>",
            x = i * 100,
            bar = i * 100 + 6,
            y = 1000 - height,
            n = count(n),
        );
    }
    out.push_str("</svg>");
    write_axis(out, histogram, bins);
}

/// Labels below the bins: all when they are few, else every so many. One cell for each bin keeps them under their bars.
fn write_axis(out: &mut String, histogram: &Histogram, bins: std::ops::Range<usize>) {
    let every = bins.len().div_ceil(8);
    let _ = write!(out, "<div class=\"axis\" aria-hidden=\"true\">");
    for (i, bin) in bins.enumerate() {
        let label = if i % every == 0 { short(histogram.from[bin]) } else { String::new() };
        let _ = write!(out, "<span>{label}</span>");
    }
    out.push_str("</div>");
}

/// `65536` as `64k`: powers of two, as the bins of steps are.
fn short(n: u64) -> String {
    match n {
        0..1024 => n.to_string(),
        1024..1_048_576 => format!("{}k", n / 1024),
        _ => format!("{}M", n / 1_048_576),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_divided_without_gaps() {
        let verdicts = Verdicts { verified: 1, refuted: 1, invalid: 1, ..Verdicts::default() };
        let mut out = String::new();
        verdict_bar(&mut out, &verdicts, 3);
        assert!(out.contains("f-verified\" x=\"0\" width=\"3333\""), "{out}");
        assert!(out.contains("f-refuted\" x=\"3333\" width=\"3333\""), "{out}");
        assert!(out.contains("f-invalid\" x=\"6666\" width=\"3334\""), "{out}");
        assert!(out.contains("1 verified, 1 refuted, 1 invalid"));
    }

    #[test]
    fn histograms_show_every_filled_bin() {
        let mut sizes = Histogram::of_sizes();
        (0..10_000).for_each(|_| sizes.add(2));
        sizes.add(5);
        let mut out = String::new();
        histogram(&mut out, &sizes, "words");
        assert_eq!(out.matches("bin-bar").count(), 4);
        assert!(out.contains("height=\"1000\"/><title>2 words: 10,000 (99.99 %)"), "{out}");
        assert!(out.contains("y=\"992\" width=\"88\" height=\"8\"/><title>5 words: 1 (0 %)"), "{out}");
    }
}
