//! The status as a page for people and as metrics for Prometheus.

use crate::daemon::{LATENCY_MS, Line, Phase, Status};
use crate::model::Status as Verdict;
use crate::report::escape_html;
use std::fmt::Write;

/// How the page looks.
pub const STYLE: &str = "\
         body{font:15px/1.4 system-ui,sans-serif;margin:2em auto;max-width:70em;padding:0 1em;color-scheme:light dark}\
         table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.15em .8em .15em 0;vertical-align:top}\
         code,td{font-family:ui-monospace,monospace;font-size:13px}.bad{color:#c33}.good{color:#393}\
         .problem{border-left:4px solid #c33;padding:.3em .8em}
";

/// The page; it loads itself again every two seconds, without scripts.
pub fn page(status: &Status) -> String {
    let mut out = String::from(
        "<!doctype html><html lang=en><meta charset=utf-8><meta http-equiv=refresh content=2><title>wordmill</title>\
         <meta name=viewport content=\"width=device-width\"><link rel=stylesheet href=/style.css>",
    );
    let v = &status.verdicts;
    let _ = write!(
        out,
        "<h1>wordmill</h1><p>{}</p><p>{} specifications in {} files: {} verified, {} refuted, {} unsolved, {} invalid, \
         {} crashed; {} waiting</p>",
        escaped(&headline(status)),
        status.specs,
        status.files,
        v.verified,
        v.refuted,
        v.unsolved,
        v.invalid,
        v.crashed,
        status.waiting
    );
    for problem in status.problems.values() {
        let _ = write!(out, "<p class=problem>{}</p>", escaped(problem));
    }
    table(&mut out, &format!("Failing ({})", status.failing), status.first_failing.iter());
    table(&mut out, "Last verdicts", status.last.iter());
    out.push_str("</html>\n");
    out
}

fn headline(status: &Status) -> String {
    match (status.phase, status.working_on) {
        (Phase::Working, Some((done, of))) => format!("working on {done} of {of}"),
        (Phase::Idle, _) if status.published => "idle; the report is current".to_owned(),
        (Phase::Idle, _) => "idle; the report is being written".to_owned(),
        (Phase::Starting, _) => "reading specifications".to_owned(),
        (Phase::Working, None) => "working".to_owned(),
        (Phase::Stopping, _) => "stopping".to_owned(),
    }
}

fn table<'s>(out: &mut String, title: &str, lines: impl Iterator<Item = &'s Line>) {
    let _ = write!(out, "<h2>{}</h2><table>", escaped(title));
    for line in lines {
        let class = if line.status == Verdict::Verified { "good" } else { "bad" };
        let latency = line.latency_us.map_or(String::new(), |us| format!("{} ms", us.div_ceil(1000)));
        let _ = write!(
            out,
            "<tr><td class={class}>{}<td>{}<td>{}:{}<td>{}<td>{latency}",
            line.status.name(),
            escaped(line.word.as_deref().unwrap_or("?")),
            escaped(&line.file),
            line.line,
            escaped(&line.note)
        );
    }
    out.push_str("</table>");
}

/// Text that nobody has read, in an element.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    escape_html(&mut out, text);
    out
}

/// The status in the text format of Prometheus.
pub fn metrics(status: &Status) -> String {
    let mut out = String::new();
    let mut metric = |name: &str, kind: &str, help: &str, rows: &[(String, f64)]| {
        let _ = writeln!(out, "# HELP wordmill_{name} {help}\n# TYPE wordmill_{name} {kind}");
        for (labels, value) in rows {
            let _ = writeln!(out, "wordmill_{name}{labels} {value}");
        }
    };
    let one = |value: f64| [(String::new(), value)];
    let by_status: Vec<(String, f64)> = Verdict::ALL
        .iter()
        .map(|verdict| (format!("{{status=\"{}\"}}", verdict.name()), status.verdicts.of(*verdict) as f64))
        .collect();
    metric("specs", "gauge", "Specifications by verdict.", &by_status);
    metric(
        "specs_waiting",
        "gauge",
        "Specifications whose verdict is not found out yet.",
        &one(status.waiting as f64),
    );
    metric("specs_failing", "gauge", "Specifications that fail.", &one(status.failing as f64));
    metric("source_files", "gauge", "Source files.", &one(status.files as f64));
    metric("folders_watched", "gauge", "Folders from which notices come.", &one(status.watched as f64));
    metric(
        "degraded",
        "gauge",
        "Whether changes are found by looking now and then.",
        &one(f64::from(status.degraded)),
    );
    metric(
        "problems",
        "gauge",
        "Things that are wrong; the status page tells them.",
        &one(status.problems.len() as f64),
    );
    metric(
        "published",
        "gauge",
        "Whether the files of the results are current.",
        &one(f64::from(status.published)),
    );
    metric("verdicts_total", "counter", "Verdicts told.", &one(status.told as f64));
    metric(
        "verdicts_dropped_total",
        "counter",
        "Verdicts dropped because their file changed.",
        &one(status.dropped as f64),
    );
    metric("updates_total", "counter", "Changes looked at.", &one(status.updates as f64));
    metric("reconciles_total", "counter", "Walks over all folders.", &one(status.reconciles as f64));
    metric(
        "publications_total",
        "counter",
        "Times the results were written.",
        &one(status.publications as f64),
    );
    let mut sum = 0;
    let mut buckets: Vec<(String, f64)> = Vec::new();
    for (bound, count) in LATENCY_MS
        .iter()
        .map(|ms| (*ms as f64 / 1000.0).to_string())
        .chain(["+Inf".to_owned()])
        .zip(status.latency)
    {
        sum += count;
        buckets.push((format!("_bucket{{le=\"{bound}\"}}"), sum as f64));
    }
    buckets.push(("_sum".to_owned(), status.latency_sum_us as f64 / 1e6));
    buckets.push(("_count".to_owned(), sum as f64));
    metric("latency_seconds", "histogram", "From the notice of a change to its verdict.", &buckets);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_shows_what_files_say_as_text() {
        let mut status = Status { specs: 1, ..Status::default() };
        status.problems.insert(crate::daemon::Topic::Sources, "<img src=x>".into());
        status.last.push_front(Line {
            word: Some("<script>".into()),
            status: Verdict::Refuted,
            file: "a\"b".into(),
            line: 1,
            note: "1 -> 2\u{1b}".into(),
            is_failing: true,
            latency_us: Some(1500),
        });
        let page = page(&status);
        assert!(
            page.contains("&lt;script&gt;") && page.contains("&lt;img src=x&gt;") && page.contains("2 ms")
        );
        assert!(!page.contains("<script") && !page.contains("<img") && !page.contains('\u{1b}'));
    }

    #[test]
    fn metrics_are_counted_up() {
        let mut status = Status::default();
        status.note_latency(std::time::Duration::from_millis(5));
        status.note_latency(std::time::Duration::from_millis(30));
        let text = metrics(&status);
        for line in [
            "wordmill_specs{status=\"verified\"} 0",
            "wordmill_latency_seconds_bucket{le=\"0.01\"} 1",
            "wordmill_latency_seconds_bucket{le=\"0.05\"} 2",
            "wordmill_latency_seconds_bucket{le=\"+Inf\"} 2",
            "wordmill_latency_seconds_sum 0.035",
            "wordmill_latency_seconds_count 2",
            "wordmill_degraded 0",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
    }
}
