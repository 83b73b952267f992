//! Draws what `perf script` prints as a flame graph: `perf script | cargo run --example perf_to_svg >out.svg`.
//! For `scripts/flamegraph.sh`, so that it needs nothing but perf.

use inferno::collapse::{Collapse, perf};
use inferno::flamegraph;
use std::io::{BufReader, BufWriter, stdin, stdout};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut folded = Vec::new();
    perf::Folder::default().collapse(BufReader::new(stdin().lock()), &mut folded)?;
    let mut options = flamegraph::Options::default();
    options.title = "wordmill run (perf)".to_owned();
    flamegraph::from_reader(&mut options, folded.as_slice(), BufWriter::new(stdout().lock()))?;
    Ok(())
}
