//! The pipeline, end to end: from mapped record to verdict, and from JSONL text to verdict.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use wordmill::corpus::{Corpus, Record};
use wordmill::model::{Outcome, Spec, SpecId, Status};
use wordmill::pipeline::{Context, Options, Silent, Sink, run};
use wordmill::spec::parse_spec_line;
use wordmill::template::Library;

/// The mix of four templates: square, absolute value, greatest common divisor, factorial; every record with tests of its
/// own.
fn four_templates(n_specs: u64) -> Vec<String> {
    let gcd = |mut a: u64, mut b: u64| {
        while b > 0 {
            (a, b) = (b, a % b);
        }
        a
    };
    let line = |n: u64| {
        let (word, pattern, inputs, cases): (_, _, _, Vec<(String, u64)>) = match n % 4 {
            0 => ("square", "DUP_TRANSFORM_001", 1, (n..n + 5).map(|x| (x.to_string(), x * x)).collect()),
            1 => {
                ("absolute", "CONDITIONAL_NEGATE_002", 1, (n..n + 5).map(|x| (format!("-{x}"), x)).collect())
            }
            2 => {
                let case = |x: u64| (format!("{},{}", x * 6, x * 4 + 2), gcd(x * 6, x * 4 + 2));
                ("divisor", "TAIL_RECURSIVE_008", 2, (n..n + 5).map(case).collect())
            }
            _ => {
                let case = |x: u64| (x.to_string(), (1..=x).product());
                ("factorial", "RECURSIVE_004", 1, [1, 3, 5 + n % 7, 12 + n % 3, n % 19].map(case).to_vec())
            }
        };
        let params: Vec<_> =
            ["a", "b"][..inputs].iter().map(|p| format!(r#"{{"name":"{p}","type":"int"}}"#)).collect();
        let tests: Vec<_> = cases
            .iter()
            .map(|(input, output)| format!(r#"{{"input":[{input}],"output":[{output}]}}"#))
            .collect();
        format!(
            r#"{{"word":"{word}{n}","stack_effect":{{"inputs":[{}],"outputs":[{{"name":"r","type":"int"}}]}},"test_cases":[{}],"implementation":{{"pattern":"{pattern}"}}}}"#,
            params.join(","),
            tests.join(",")
        )
    };
    (0..n_specs).map(line).collect()
}

fn parse(lines: &[String]) -> Vec<Spec> {
    let parse =
        |line: &String| parse_spec_line(line.as_bytes(), "specs.jsonl", 1).spec.expect("a specification");
    lines.iter().map(parse).collect()
}

struct Count(usize);

impl Sink for Count {
    fn accept(&mut self, _: Record<'_>, outcome: &Outcome, _: Option<Duration>) -> std::io::Result<()> {
        self.0 += usize::from(outcome.status == Status::Verified);
        Ok(())
    }
}

fn archive_to_verdict(criterion: &mut Criterion) {
    const N_SPECS: u32 = 20_000;
    let corpus = Corpus::from_specs("specs.jsonl", &parse(&four_templates(N_SPECS.into())));
    let mut options = Options::new(Arc::new(Library::load(&[]).expect("the shipped templates")));
    let go = AtomicBool::new(false);
    let mut group = criterion.benchmark_group("archive_to_verdict");
    group.throughput(Throughput::Elements(N_SPECS.into()));
    group.bench_function("four_templates_one_thread", |bencher| {
        let context = Context::new(&corpus, &options, &go);
        let mut worker = context.lend();
        bencher.iter(|| {
            for id in 0..N_SPECS {
                let outcome = context.outcome(&mut worker, SpecId(id));
                assert_eq!(outcome.status, Status::Verified);
                black_box(outcome);
            }
        });
    });
    let ids: Vec<SpecId> = (0..N_SPECS).map(SpecId).collect();
    for jobs in [1, 2] {
        options.jobs = jobs;
        group.bench_function(format!("four_templates_run_{jobs}_threads"), |bencher| {
            bencher.iter(|| {
                let mut sink = Count(0);
                run(&corpus, &ids, &options, None, &mut sink, &Silent, &go).expect("it runs");
                assert_eq!(sink.0, ids.len());
            });
        });
    }
    group.finish();
}

fn text_to_verdict(criterion: &mut Criterion) {
    const N_SPECS: u64 = 2_000;
    let lines = four_templates(N_SPECS);
    let options = Options::new(Arc::new(Library::load(&[]).expect("the shipped templates")));
    let go = AtomicBool::new(false);
    let mut group = criterion.benchmark_group("jsonl_to_verdict");
    group.throughput(Throughput::Elements(N_SPECS));
    group.bench_function("four_templates_one_thread", |bencher| {
        bencher.iter(|| {
            let corpus = Corpus::from_specs("specs.jsonl", &parse(&lines));
            let context = Context::new(&corpus, &options, &go);
            let mut worker = context.lend();
            (0..N_SPECS as u32)
                .filter(|id| context.outcome(&mut worker, SpecId(*id)).status == Status::Verified)
                .count()
        });
    });
    group.finish();
}

criterion_group!(benches, archive_to_verdict, text_to_verdict);
criterion_main!(benches);
