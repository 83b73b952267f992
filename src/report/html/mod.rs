//! `report.html`: one file that needs no other. Style, script, pictures and data stand inside; it asks for nothing from
//! anywhere, and its content security policy would not let it. What others wrote is escaped where it stands as HTML,
//! and the script puts the rows in place as text only.

mod charts;
mod rows;

pub use rows::{ROWS_MAX, Rows};

use crate::model::Status;
use crate::report::changes::Changes;
use crate::report::summary::Summary;
use crate::report::text::{count, one_line, percent, time};
use std::fmt::Write;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// At most so many of the slowest are drawn.
const SLOWEST_MAX: usize = 10;

/// At most so many changes of a kind are told.
const CHANGES_MAX: usize = 50;

/// The text of `report.html`.
pub fn render(summary: &Summary, rows: &Rows) -> String {
    let data = data(summary, rows);
    // Only this file's own style and script bear the nonce, so that markup which slipped in could not run.
    let nonce = blake3::hash(data.as_bytes()).to_hex();
    let nonce = &nonce[..24];
    let mut out = String::with_capacity(data.len() + STYLE.len() + SCRIPT.len() + (64 << 10));
    let _ = write!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'nonce-{nonce}'; \
         script-src 'nonce-{nonce}'; base-uri 'none'; form-action 'none'\">\n\
         <title>{} of {} verified – wordmill</title>\n<style nonce=\"{nonce}\">\n{STYLE}</style>\n</head>\n<body>\n<main>\n",
        count(summary.totals.verdicts.verified),
        count(summary.totals.specs),
    );
    write_head(&mut out, summary);
    write_changes(&mut out, summary.changes.as_ref());
    write_pictures(&mut out, summary);
    write_table(&mut out, summary, rows);
    write_settings(&mut out, summary);
    let _ = write!(
        out,
        "</main>\n<script type=\"application/json\" id=\"data\">{data}</script>\n<script nonce=\"{nonce}\">\n{SCRIPT}</script>\n\
         </body>\n</html>\n"
    );
    out
}

/// What the script reads.
fn data(summary: &Summary, rows: &Rows) -> String {
    let verdicts: Vec<_> = Status::ALL.into_iter().map(Status::name).collect();
    let tags: Vec<_> = summary.by_tag.iter().take(200).map(|group| group.name.as_str()).collect();
    let head = serde_json::json!({ "verdicts": verdicts, "tags": tags }).to_string();
    let head = rows::escape_for_script(head.trim_end_matches('}'));
    format!("{head},\"rows\":{}}}", rows.to_json())
}

fn write_head(out: &mut String, summary: &Summary) {
    let totals = &summary.totals;
    let share = percent(summary.verified_per_myriad);
    let _ = write!(
        out,
        "<header>\n<p class=\"brand\">wordmill</p>\n<h1>{share} <span>verified</span></h1>\n\
         <p class=\"lead\">{} of {} specifications",
        count(totals.verdicts.verified),
        count(totals.specs)
    );
    match totals.failing {
        0 if totals.specs == 0 => {}
        0 => out.push_str(", nothing to look at"),
        n => _ = write!(out, ", <strong>{}</strong> to look at", count(n)),
    }
    out.push_str("</p>\n<p class=\"when\">");
    escape(out, &summary.finished);
    let _ = writeln!(out, " · took {}</p>", time(summary.elapsed_us));
    if summary.interrupted {
        let left = count(totals.interrupted);
        let _ = writeln!(
            out,
            "<p class=\"notice\">Interrupted: {left} specifications are left for the next run.</p>"
        );
    }
    charts::verdict_bar(out, &totals.verdicts, totals.specs);
    out.push_str("<ul class=\"legend\">");
    for status in Status::ALL {
        let (name, n) = (status.name(), count(totals.verdicts.of(status)));
        let _ = write!(out, "<li><i class=\"dot b-{name}\"></i><b>{n}</b> {name}</li>");
    }
    out.push_str("</ul>\n");
    write_facts(out, summary);
    out.push_str("</header>\n");
}

fn write_facts(out: &mut String, summary: &Summary) {
    let totals = &summary.totals;
    out.push_str("<dl class=\"facts\">");
    let mut fact = |name: &str, value: &str, more: &str| {
        let _ = write!(out, "<div><dt>{name}</dt><dd>{value}<small> {more}</small></dd></div>");
    };
    fact("Tests passed", &count(totals.tests_passed), &format!("of {}", count(totals.tests)));
    if totals.heldout > 0 {
        fact(
            "Held-out tests passed",
            &count(totals.heldout_passed),
            &format!("of {}", count(totals.heldout)),
        );
    }
    let properties = totals.properties_checked + totals.properties_unchecked;
    if properties > 0 {
        fact("Properties checked", &count(totals.properties_checked), &format!("of {}", count(properties)));
    }
    let given = totals.given_verified + totals.given_refuted;
    if given > 0 {
        fact("Supplied code holds", &count(totals.given_verified), &format!("of {}", count(given)));
    }
    if totals.expected_unsolved > 0 {
        fact("Unsolved as expected", &count(totals.expected_unsolved), "");
    }
    if totals.unexpectedly_verified > 0 {
        fact("Unexpectedly verified", &count(totals.unexpectedly_verified), "");
    }
    if totals.known > 0 {
        fact("Known from earlier runs", &count(totals.known), "");
    }
    out.push_str("</dl>\n");
}

fn write_changes(out: &mut String, changes: Option<&Changes>) {
    let Some(changes) = changes else { return };
    out.push_str("<section>\n<h2>Since the last run</h2>\n<div class=\"card changes\">");
    if changes.count() == 0 {
        out.push_str("<p class=\"quiet\">Nothing changed.</p>");
    }
    for (title, list) in changes.lists().into_iter().filter(|(_, list)| list.count > 0) {
        let open = if title == "newly failing" { " open" } else { "" };
        let _ = write!(out, "<details{open}><summary><b>{}</b> {title}</summary><ul>", count(list.count));
        for change in list.first.iter().take(CHANGES_MAX) {
            out.push_str("<li><code>");
            escape(out, &one_line(change.word.as_deref().unwrap_or("(unreadable)"), 100));
            out.push_str("</code>");
            if let (Some(before), Some(now)) = (change.before, change.now)
                && before != now
            {
                let _ = write!(out, " <span class=\"quiet\">{} → {}</span>", before.name(), now.name());
            }
            if let Some(test) = &change.failing_test {
                out.push_str(" <span class=\"why\">");
                escape(out, &one_line(test, 200));
                out.push_str("</span>");
            }
            write_place(out, &change.file, change.line);
            out.push_str("</li>");
        }
        out.push_str("</ul>");
        if list.count > CHANGES_MAX as u64 {
            let _ = write!(out, "<p class=\"quiet\">and {} more</p>", count(list.count - CHANGES_MAX as u64));
        }
        out.push_str("</details>");
    }
    out.push_str("</div>\n</section>\n");
}

fn write_place(out: &mut String, file: &str, line: u32) {
    out.push_str(" <span class=\"place\">");
    escape(out, &one_line(file, 300));
    let _ = write!(out, ":{line}</span>");
}

fn write_pictures(out: &mut String, summary: &Summary) {
    out.push_str("<div class=\"pictures\">\n");
    let mut card = |title: &str, draw: &dyn Fn(&mut String)| {
        let _ = write!(out, "<section class=\"card\"><h2>{title}</h2>");
        draw(out);
        out.push_str("</section>\n");
    };
    card("By strategy", &|out| charts::by_strategy(out, summary));
    card("By tag", &|out| charts::by_tag(out, &summary.by_tag));
    card("Code size", &|out| charts::histogram(out, &summary.code_size, "words"));
    card("Engine steps", &|out| charts::histogram(out, &summary.steps, "steps"));
    if !summary.slowest.is_empty() {
        card("Slowest", &|out| write_slowest(out, summary));
    }
    if !summary.stages.is_empty() {
        card("Where the time went", &|out| write_stages(out, summary));
    }
    out.push_str("</div>\n");
}

fn write_slowest(out: &mut String, summary: &Summary) {
    let longest = summary.slowest.first().map_or(1, |slow| slow.elapsed_us.max(1));
    out.push_str("<div class=\"bars\">");
    for slow in summary.slowest.iter().take(SLOWEST_MAX) {
        let word = one_line(slow.word.as_deref().unwrap_or("(unreadable)"), 100);
        let title = format!(
            "{}, {} candidates, {}:{}",
            slow.status.name(),
            count(slow.candidates),
            slow.file,
            slow.line
        );
        charts::time_row(
            out,
            &word,
            &format!("f-{}", slow.status.name()),
            slow.elapsed_us,
            longest,
            &one_line(&title, 400),
        );
    }
    out.push_str("</div>");
}

fn write_stages(out: &mut String, summary: &Summary) {
    let longest = summary.stages.iter().map(|stage| stage.elapsed_us).max().unwrap_or(0).max(1);
    out.push_str("<div class=\"bars\">");
    for stage in &summary.stages {
        charts::time_row(out, &stage.name, "f-time", stage.elapsed_us, longest, &stage.name);
    }
    let threads =
        if summary.threads == 1 { "1 thread".into() } else { format!("{} threads", summary.threads) };
    let _ = write!(
        out,
        "</div><p class=\"quiet\">Summed over {threads}; the run took {}.</p>",
        time(summary.elapsed_us)
    );
    if !summary.sharing.is_none() {
        let _ = write!(out, "<p class=\"quiet\">{}.</p>", summary.sharing);
    }
}

fn write_table(out: &mut String, summary: &Summary, rows: &Rows) {
    let (shown, all) = rows.counts();
    out.push_str("<section id=\"specs\">\n<h2>Specifications</h2>\n");
    if shown < all {
        let (shown, all) = (count(shown), count(all));
        let _ = writeln!(
            out,
            "<p class=\"notice\">This page holds {shown} of {all} specifications, failures first. \
             <code>outcomes.jsonl</code> has them all.</p>"
        );
    }
    out.push_str(
        "<div class=\"tools\" role=\"search\">\n<input id=\"search\" type=\"search\" placeholder=\"Search words, code, tests, files\" \
         aria-label=\"Search words, code, tests, files\" autocomplete=\"off\" spellcheck=\"false\">\n\
         <div class=\"chips\" role=\"group\" aria-label=\"Verdicts\">",
    );
    for status in Status::ALL.into_iter().filter(|&status| summary.totals.verdicts.of(status) > 0) {
        let name = status.name();
        let _ = write!(
            out,
            "<button type=\"button\" class=\"chip\" data-verdict=\"{}\" aria-pressed=\"false\">\
             <i class=\"dot b-{name}\"></i>{name}</button>",
            status as u8
        );
    }
    out.push_str(
        "</div>\n<select id=\"strategy\" aria-label=\"Strategy\"><option value=\"\">any strategy</option>",
    );
    for row in summary.by_strategy.iter().filter(|row| row.verified > 0) {
        let name = row.strategy.name();
        let _ = write!(out, "<option value=\"{name}\">{name}</option>");
    }
    out.push_str(
        "</select>\n<select id=\"tag\" aria-label=\"Tag\"><option value=\"\">any tag</option></select>\n\
         <select id=\"order\" aria-label=\"Order\"></select>\n</div>\n\
         <p id=\"matches\" class=\"quiet\" role=\"status\"></p>\n\
         <noscript><p class=\"notice\">The table needs JavaScript; report.md tells the same in plain text.</p></noscript>\n\
         <div class=\"card table\"><table><thead><tr id=\"columns\"></tr></thead><tbody id=\"rows\"></tbody></table></div>\n\
         <nav id=\"pager\" class=\"pager\" aria-label=\"Pages\"></nav>\n</section>\n",
    );
}

fn write_settings(out: &mut String, summary: &Summary) {
    out.push_str("<footer><dl class=\"settings\"><div><dt>tool</dt><dd>");
    escape(out, &summary.tool);
    let _ = write!(out, "</dd></div><div><dt>seed</dt><dd>{}</dd></div>", summary.seed);
    for (name, value) in &summary.settings {
        out.push_str("<div><dt>");
        escape(out, name);
        out.push_str("</dt><dd>");
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        escape(out, &one_line(&text, 200));
        out.push_str("</dd></div>");
    }
    out.push_str("</dl></footer>\n");
}

/// Adds text inside an element or a quoted attribute. Control characters, which no page can show, become U+FFFD.
pub fn escape(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\t' | '\n' => out.push(c),
            c if c.is_control() => out.push('\u{FFFD}'),
            _ => out.push(c),
        }
    }
}
