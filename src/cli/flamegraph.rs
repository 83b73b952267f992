//! `run --flamegraph`: two samplers, one picture.
//!
//! One sampler reads the stacks of stages and Forth words that the rooms keep (`profile`), the other takes native stacks
//! (pprof, by CPU time). Each is one half of the picture: what the run was busy with, and where the processor was.

use crate::profile::{Sample, Sampler};
use anyhow::{Context as _, anyhow};
use inferno::flamegraph;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How often the stacks are read.
const PERIOD: Duration = Duration::from_micros(1000);

/// How often native stacks are taken, a second of CPU time. A prime, so that nothing runs in step with it.
const NATIVE_HZ: i32 = 997;

/// A recording in progress.
pub struct Recording {
    path: PathBuf,
    stages: Sampler,
    native: pprof::ProfilerGuard<'static>,
}

impl Recording {
    /// Starts both samplers. The file is only written at the end, but a path that cannot be written is told now.
    pub fn start(path: &Path) -> anyhow::Result<Self> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if !folder.is_dir() {
            return Err(anyhow!("cannot write {}: there is no folder {}", path.display(), folder.display()));
        }
        let native = pprof::ProfilerGuardBuilder::default()
            .frequency(NATIVE_HZ)
            // Unwinding inside of these from a signal handler can lock up.
            .blocklist(&["libc", "libgcc", "pthread", "vdso"])
            .build()
            .context("cannot sample native stacks")?;
        let stages = Sampler::start(PERIOD).context("cannot start the sampler")?;
        Ok(Self { path: path.to_owned(), stages, native })
    }

    /// Stops, draws, writes.
    pub fn finish(self) -> anyhow::Result<()> {
        let mut lines: Vec<String> = self.stages.stop().iter().map(stage_line).collect();
        let report = self.native.report().build().context("cannot read the native stacks")?;
        drop(self.native);
        lines.extend(native_lines(&report));
        let svg = draw(&mut lines)?;
        crate::durable::write(&self.path, &svg)
            .with_context(|| format!("cannot write {}", self.path.display()))
    }
}

/// One line for the stage view.
fn stage_line(sample: &Sample) -> String {
    format!("stages and Forth words;{}", sample.folded())
}

/// The lines of the native view, equal stacks put together.
fn native_lines(report: &pprof::Report) -> Vec<String> {
    let mut counts = BTreeMap::<String, u64>::new();
    for (frames, count) in &report.data {
        let symbols = frames.frames.iter().rev().flat_map(|inlined| inlined.iter().rev());
        let names = symbols.map(|symbol| readable(&symbol.name())).filter(|name| !is_scaffold(name));
        let mut line = "native code".to_owned();
        for name in names {
            line.push(';');
            line.push_str(&name);
        }
        *counts.entry(line).or_default() += (*count).max(0) as u64;
    }
    counts.into_iter().map(|(line, count)| format!("{line} {count}")).collect()
}

/// A demangled name without hash, generic arguments and the crate's own prefix.
fn readable(name: &str) -> String {
    let name = match name.rfind("::h") {
        Some(at) if name.len() == at + 19 && name[at + 3..].bytes().all(|b| b.is_ascii_hexdigit()) => {
            &name[..at]
        }
        _ => name,
    };
    let name = without_closures(name).replace(';', ",");
    let name = without_generics(&name);
    name.strip_prefix("wordmill::").unwrap_or(&name).to_owned()
}

/// Closures are told by `{}`, whatever their number.
fn without_closures(name: &str) -> String {
    let mut out = String::new();
    let mut rest = name;
    while let Some(at) = rest.find("::{") {
        out.push_str(&rest[..at]);
        out.push_str("{}");
        rest = rest[at..].trim_start_matches(|c| c != '}').trim_start_matches('}');
    }
    out + rest
}

/// Takes out what stands between angle brackets, but keeps the type of `<Type as Trait>::method`.
fn without_generics(name: &str) -> String {
    let mut out = String::new();
    let mut depth = 0;
    let rest = match name.strip_prefix('<') {
        Some(rest) => {
            let end = rest.find([' ', '>']).unwrap_or(rest.len());
            let end = end.min(rest.find('<').unwrap_or(end));
            out.push_str(&rest[..end]);
            depth = 1;
            &rest[end..]
        }
        None => name,
    };
    let mut before = ' ';
    for c in rest.chars() {
        match c {
            '<' => depth += 1,
            '>' if before != '-' && depth > 0 => depth -= 1,
            _ if depth == 0 => out.push(c),
            _ => {}
        }
        before = c;
    }
    out.replace("::::", "::").trim_end_matches("::").to_owned()
}

/// Frames that every stack has and nobody wants to read: how threads start, how rayon hands out work.
fn is_scaffold(name: &str) -> bool {
    const PARTS: [&str; 15] = [
        "rayon::",
        "rayon_core::",
        "std::rt::",
        "std::sys::",
        "std::thread",
        "std::panic",
        "core::ops::function",
        "core::panic::unwind_safe",
        "alloc::boxed::Box",
        "pprof::",
        "backtrace::",
        "__rust_try",
        "__rust_begin_short_backtrace",
        "__restore_rt",
        "catch_unwind",
    ];
    const WHOLE: [&str; 8] =
        ["main", "_start", "clone", "clone3", "__clone3", "start_thread", "__libc_start_main", "Unknown"];
    PARTS.iter().any(|part| name.contains(part)) || WHOLE.contains(&name) || name.starts_with("__libc_start")
}

fn draw(lines: &mut [String]) -> anyhow::Result<Vec<u8>> {
    lines.sort();
    let mut options = flamegraph::Options::default();
    options.title = "wordmill run".to_owned();
    options.subtitle =
        Some("left and right half: where the processor was, what the run was busy with".to_owned());
    options.count_name = "samples".to_owned();
    options.min_width = 0.01;
    if lines.is_empty() {
        return Err(anyhow!("the run was too short for a single sample"));
    }
    let mut svg = Vec::new();
    flamegraph::from_lines(&mut options, lines.iter().map(String::as_str), &mut svg)
        .map_err(|error| anyhow!("cannot draw the flame graph: {error}"))?;
    Ok(svg)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_readable() {
        fn check(name: &str, expect: &str) {
            assert_eq!(readable(name), expect);
        }
        check("wordmill::forth::exec::run::h0123456789abcdef", "forth::exec::run");
        check("wordmill::synth::search::<impl Foo>::go", "synth::search::go");
        check("<wordmill::forth::Engine as core::fmt::Debug>::fmt", "forth::Engine::fmt");
        check("<alloc::vec::Vec<T,A> as Extend<T>>::extend", "alloc::vec::Vec::extend");
        check("core::slice::sort::merge::<u32, fn(u32) -> bool>", "core::slice::sort::merge");
        check("wordmill::pipeline::run::{{closure}}", "pipeline::run{}");
        check("wordmill::pipeline::run::{closure#1}::{closure#0}", "pipeline::run{}{}");
        check("wordmill::pipeline::run::<u8, {closure#1}>", "pipeline::run");
        check("memcpy", "memcpy");
    }

    #[test]
    fn scaffolds_are_left_out() {
        assert!(is_scaffold("rayon_core::registry::WorkerThread::wait_until"));
        assert!(is_scaffold("__libc_start_call_main"));
        assert!(!is_scaffold("pipeline::run"));
    }

    #[test]
    fn busy_code_stage_and_word_are_in_the_picture() {
        let _turn = crate::profile::sampler::TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let folder = tempfile::tempdir().expect("tempdir");
        let path = folder.path().join("out.svg");
        let recording = Recording::start(&path).expect("start");
        outer();
        recording.finish().expect("finish");
        let svg = std::fs::read_to_string(&path).expect("svg");
        for needle in ["stage synth", "enumeration", "forth square", "native code", "busy"] {
            assert!(svg.contains(&format!("<title>{needle} (")), "{needle} is not in the picture");
        }
    }

    #[inline(never)]
    fn outer() {
        busy();
        std::hint::black_box(());
    }

    #[inline(never)]
    fn busy() {
        use crate::profile::{Stage, stage, word};
        let _stages = (stage(Stage::Synth), stage(Stage::Enumeration), word("square"));
        // By processor time: other tests run beside this one, and pprof samples by it too. Starting pprof takes some.
        let enough = processor_time() + Duration::from_millis(150);
        while processor_time() < enough {
            for x in 0..100_000u64 {
                std::hint::black_box(x);
            }
        }
    }

    fn processor_time() -> Duration {
        let stat = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
        Duration::from_nanos(stat.split(' ').next().expect("a number").parse().expect("a number"))
    }

    #[test]
    fn a_folder_that_is_not_there_is_told_at_once() {
        let told = Recording::start(Path::new("no/such/folder/out.svg")).err().map(|error| error.to_string());
        assert!(told.is_some_and(|told| told.contains("no folder no/such/folder")));
    }
}
