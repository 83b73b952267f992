//! Instructions of one parse or evaluation: run under callgrind with no turns and with many, and divide the difference.
//! Arguments: `parse|evaluate|both|property|samples`, turns, text. The parameter is `n`, the word `f` takes and gives one.

use bumpalo::Bump;
use std::hint::black_box;
use wordmill::model::CellType;
use wordmill::spec::expr::{Name, Names, NoWords, Row, Word, parse_property, parse_value};
use wordmill::spec::sample::{Constraint, Domain, Options, samples};

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [mode, turns, text, ..] = args.as_slice() else {
        eprintln!("usage: expr parse|evaluate|both|property|samples TURNS TEXT");
        return;
    };
    let turns: u64 = turns.parse().expect("turns are a number");
    let int = [CellType::Int];
    let params = [Name { name: "n", ty: CellType::Int }];
    let words = [Word { name: "f", effect: Some((&int, &int)) }];
    let names = Names { params: &params, outputs: &[], words: &words };
    let row = Row { cells: &[12], types: &int };
    let kept = Bump::new();
    let formula = parse_value(&kept, if mode == "evaluate" { text } else { "n" }, &names).expect("it parses");
    let mut arena = Bump::with_capacity(1 << 20);
    for _ in 0..turns {
        arena.reset();
        let ok = match mode.as_str() {
            "parse" => parse_value(&arena, black_box(text), &names).is_ok(),
            "property" => parse_property(&arena, black_box(text), &names).is_ok(),
            "evaluate" => black_box(&formula).cell(black_box(row), CellType::Int, &mut NoWords).is_ok(),
            "both" => parse_value(&arena, black_box(text), &names)
                .is_ok_and(|formula| formula.cell(black_box(row), CellType::Int, &mut NoWords).is_ok()),
            _ => {
                let constraint = Constraint::parse(&arena, Some(text), &names, 0);
                let domain = Domain::of_params(&arena, &names, &[constraint]);
                !samples(&arena, &domain, Options { seed: 1, wanted: 64, reach: Options::FULL }).is_empty()
            }
        };
        assert!(black_box(ok));
    }
}
