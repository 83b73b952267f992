//! The card that the Hugging Face hub reads, and the page of statistics.

use super::files::{Compression, File, Format};
use super::plan::Options;
use super::problem::Problem;
use super::record::CONFIGS;
use std::collections::BTreeMap;
use std::fmt::Write;

/// The splits, by their numbers.
pub const SPLITS: [&str; 3] = ["train", "validation", "test"];

/// Records of each split of a configuration, in one format.
fn rows(files: &[File], format: Format, config: &str) -> BTreeMap<usize, u64> {
    let mut rows = BTreeMap::new();
    for file in files.iter().filter(|file| file.format == format.name() && file.config == config) {
        let split = SPLITS.iter().position(|split| *split == file.split).unwrap_or(0);
        *rows.entry(split).or_default() += file.rows;
    }
    rows
}

/// The `README.md` of the folder of one format.
pub fn readme(
    options: &Options,
    format: Format,
    files: &[File],
    n_problems: usize,
    n_removed: usize,
) -> String {
    let mut text = String::from("---\n");
    let _ = writeln!(text, "license: {}", options.license);
    text += "task_categories:\n- text-generation\ntags:\n- code\n- forth\n- synthetic\n- wordmill\n";
    let total: u64 = files.iter().filter(|file| file.format == format.name()).map(|file| file.rows).sum();
    let _ = writeln!(text, "size_categories:\n- {}", size_category(total));
    text += "configs:\n";
    let end = format.extension(if format == Format::Jsonl { options.compression } else { Compression::None });
    for config in CONFIGS {
        let rows = rows(files, format, config.name);
        if rows.is_empty() {
            continue;
        }
        let _ = writeln!(text, "- config_name: {}", config.name);
        if config.name == "sft" {
            text += "  default: true\n";
        }
        text += "  data_files:\n";
        for split in rows.keys() {
            let split = SPLITS[*split];
            let _ = writeln!(text, "  - split: {split}\n    path: {}/{split}-*.{end}", config.name);
        }
    }
    text += "---\n\n# Verified Forth problems\n\n";
    let _ = writeln!(
        text,
        "{n_problems} problems with verified solutions, made by wordmill {}. Every solution here passed all its tests on\n\
         wordmill's engine when the data set was made; every rejected or broken code ran and failed the test that is named.\n\
         {n_removed} problems were left out; `removed.jsonl` beside this folder says which and why.\n\n\
         Distinct means: no two problems have the same code, and no two words on plain numbers do the same on a fixed set of\n\
         probes, in so much fuel. Near duplicates (MinHash over runs of three words) stand in one split. Held-out tests (`heldout_tests`) stand\n\
         in no prompt; HumanEval's `test` holds them, as is the custom there. `size` counts the words of `solution`, which is\n\
         the one that was found: shorter ones may exist. `generated` names seed and index of problems that `wordmill generate` made.\n",
        env!("CARGO_PKG_VERSION")
    );
    text += "| configuration | what for | train | validation | test |\n|---|---|---|---|---|\n";
    for config in CONFIGS {
        let rows = rows(files, format, config.name);
        if rows.is_empty() {
            continue;
        }
        let of = |split: usize| rows.get(&split).copied().unwrap_or(0);
        let _ =
            writeln!(text, "| {} | {} | {} | {} | {} |", config.name, config.purpose, of(0), of(1), of(2));
    }
    let _ = write!(text, "\nMade by:\n\n```\n{}\n```\n", options.command());
    text
}

fn size_category(n: u64) -> &'static str {
    match n {
        0..1_000 => "n<1K",
        1_000..10_000 => "1K<n<10K",
        10_000..100_000 => "10K<n<100K",
        100_000..1_000_000 => "100K<n<1M",
        1_000_000..10_000_000 => "1M<n<10M",
        _ => "10M<n<100M",
    }
}

/// The page of statistics, with bars.
pub fn statistics(problems: &[&Problem], files: &[File], removed: &BTreeMap<&'static str, usize>) -> String {
    let mut page = String::from(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Data set</title>\
         <style>body{font:15px system-ui;max-width:60em;margin:2em auto;padding:0 1em}\
         svg{display:block}text{font:12px system-ui;fill:currentColor}rect{fill:#4878a8}</style><h1>Data set</h1>",
    );
    let count = |key: &dyn Fn(&Problem) -> String| {
        let mut counts: BTreeMap<String, u64> = BTreeMap::new();
        problems.iter().for_each(|problem| *counts.entry(key(problem)).or_default() += 1);
        counts
    };
    bars(
        &mut page,
        "Problems by fifth of the scale of difficulty",
        &count(&|problem| format!("{}", problem.band + 1)),
    );
    bars(&mut page, "Problems by strategy", &count(&|problem| problem.strategy.to_owned()));
    bars(&mut page, "Problems by split", &count(&|problem| SPLITS[problem.split as usize].to_owned()));
    bars(
        &mut page,
        "Words of the solution",
        &count(&|problem| format!("{:>3}–{}", problem.size / 8 * 8, problem.size / 8 * 8 + 7)),
    );
    let mut records: BTreeMap<String, u64> = BTreeMap::new();
    let formats: std::collections::BTreeSet<&str> = files.iter().map(|file| file.format.as_str()).collect();
    let one = formats.into_iter().next().unwrap_or("");
    files
        .iter()
        .filter(|file| file.format == one)
        .for_each(|file| *records.entry(file.config.clone()).or_default() += file.rows);
    bars(&mut page, "Records by configuration", &records);
    let removed = removed.iter().map(|(reason, n)| ((*reason).to_owned(), *n as u64)).collect();
    bars(&mut page, "Left out, by reason", &removed);
    page + "</html>\n"
}

fn bars(page: &mut String, title: &str, counts: &BTreeMap<String, u64>) {
    let most = counts.values().copied().max().unwrap_or(0).max(1);
    let _ = write!(page, "<h2>{title}</h2><svg width=\"700\" height=\"{}\" role=\"img\">", 22 * counts.len());
    for (at, (name, n)) in counts.iter().enumerate() {
        let (y, width) = (22 * at, n * 400 / most);
        let _ = write!(
            page,
            "<text x=\"0\" y=\"{}\">{name}</text><rect x=\"180\" y=\"{}\" width=\"{width}\" height=\"16\"/>\
             <text x=\"{}\" y=\"{}\">{n}</text>",
            y + 14,
            y + 2,
            186 + width,
            y + 14
        );
    }
    page.push_str("</svg>");
}
