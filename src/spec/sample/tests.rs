//! Constraints in, rows out.

use super::*;
use crate::model::{Cell, CellType};
use crate::spec::expr::{Name, Names, Property, Word, parse_property};
use bumpalo::Bump;

type Params<'p> = &'p [(&'p str, CellType, Option<&'p str>)];

fn with_names<T>(params: Params<'_>, run: impl FnOnce(&Bump, &Names<'_>, &[Constraint<'_>]) -> T) -> T {
    let arena = Bump::new();
    let named: Vec<Name<'_>> = params.iter().map(|p| Name { name: p.0, ty: p.1 }).collect();
    let types: Vec<CellType> = params.iter().map(|p| p.1).collect();
    let words = [Word { name: "f", effect: Some((&types, &[CellType::Int])) }];
    let names = Names { params: &named, outputs: &[], words: &words };
    let constraints: Vec<_> =
        params.iter().enumerate().map(|(i, p)| Constraint::parse(&arena, p.2, &names, i)).collect();
    run(&arena, &names, &constraints)
}

fn rows_of(params: Params<'_>, wanted: usize, reach: u64) -> Vec<Vec<Cell>> {
    with_names(params, |arena, names, constraints| {
        let domain = Domain::of_params(arena, names, constraints);
        let samples = samples(arena, &domain, Options { seed: 42, wanted, reach });
        assert!(samples.rows().all(|row| domain.admits(row)));
        samples.rows().map(<[Cell]>::to_vec).collect()
    })
}

fn values(ty: CellType, constraint: Option<&str>, wanted: usize, reach: u64) -> Vec<Cell> {
    rows_of(&[("n", ty, constraint)], wanted, reach).into_iter().map(|row| row[0]).collect()
}

use crate::model::CellType::{Addr, Bool, Char, Int, Uint};

#[track_caller]
fn has(ty: CellType, constraint: &str, expected: &[Cell]) {
    let constraint = Some(constraint).filter(|text| !text.is_empty());
    let got = values(ty, constraint, 64, Options::FULL);
    for value in expected {
        assert!(got.contains(value), "{constraint:?}: {value} is not in {got:?}");
    }
    let mut distinct = got.clone();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), got.len(), "{constraint:?}: {got:?}");
}

#[test]
fn boundaries_come_first() {
    assert_eq!(values(Int, None, 4, Options::FULL), [0, 1, -1, 2]);
    has(Int, "", &[0, 1, -1, 2, 3, 12, i64::MIN, i64::MAX, i64::MAX - 1, 255, 256]);
    has(Uint, "", &[0, 1, 2, -1, i64::MIN, i64::MAX]);
    has(Bool, "", &[0, -1]);
    has(Char, "", &[0, 32, 65, 97, 0x10_FFFF]);
    has(Int, "n >= 0", &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, i64::MAX]);
    has(Int, "0 <= n <= 100", &[0, 1, 99, 100, 12]);
    has(Int, "n > 1000", &[1001, 1002, 1003, 1010, i64::MAX]);
    has(Int, "n < -5", &[-6, -7, -8, -10, i64::MIN]);
    has(Int, "n != 17 and n > 0", &[1, 16, 18]);
    has(Int, "n in {3, 500, 70000}", &[3, 500, 70000]);
    has(Int, "n mod 2 = 0", &[0, 2, 4, 100]);
    has(Int, "n is prime", &[2, 3, 5, 7, 11]);
    has(Int, "n is a power of two", &[1, 2, 4, 8, 1 << 31]);
    has(Int, "|n| <= 2^40", &[0, -1, 1 << 40, -(1 << 40)]);
    has(Int, "not n < 10", &[10, 11]);
    has(Uint, "n > 2^63", &[i64::MIN + 1, -1]);
}

#[test]
fn small_reach_is_dense() {
    let got = values(Int, Some("n >= 0"), 64, Options::SMALL);
    assert_eq!(got.len(), 21, "{got:?}");
    assert!((0..=20).all(|n| got.contains(&n)), "{got:?}");
    let far = values(Int, Some("n > 1000"), 8, Options::SMALL);
    assert!(far.len() == 8 && far.contains(&1001), "{far:?}");
    assert!(values(Int, None, 200, 1 << 31).iter().all(|n| n.unsigned_abs() <= 1 << 31));
}

#[test]
fn magnitudes_are_mixed() {
    let got = values(Int, None, 256, Options::FULL);
    assert_eq!(got.len(), 256);
    for bits in [3, 6, 12, 24, 40, 60] {
        let count = got.iter().filter(|n| n.unsigned_abs() >> bits == 0).count();
        assert!(count > 12, "{count} within {bits} bits");
        assert!(count < 250, "{count} within {bits} bits");
    }
    assert!(got.iter().filter(|n| **n < 0).count() > 50);
}

#[test]
fn several_parameters_meet() {
    let got = rows_of(&[("a", Int, None), ("b", Int, None)], 64, Options::FULL);
    assert_eq!(got.len(), 64);
    assert_eq!(got[..5], [[0, 0], [1, 1], [-1, -1], [2, 2], [3, 3]]);
    for a in [0, 1, -1, 2] {
        for b in [0, 1, -1, 2] {
            assert!(got.contains(&vec![a, b]), "({a}, {b})");
        }
    }
    assert!(got.iter().any(|row| row[0].unsigned_abs() > 1 << 40));
    let three = rows_of(&[("a", Int, None), ("b", Int, None), ("c", Int, None)], 64, Options::FULL);
    for (x, y) in [(0, 1), (0, 2), (1, 2)] {
        for pair in [[0, 1], [1, 0], [-1, 2], [2, -1]] {
            assert!(three.iter().any(|row| [row[x], row[y]] == pair), "{pair:?} in columns {x}, {y}");
        }
    }
    let flags = rows_of(&[("p", Bool, None), ("q", Bool, None)], 64, Options::FULL);
    assert_eq!(flags.len(), 4);
}

#[test]
fn constraints_between_parameters() {
    let got = rows_of(&[("low", Int, None), ("high", Int, Some("low < high <= 100"))], 64, Options::FULL);
    assert_eq!(got.len(), 64);
    assert!(got.iter().all(|row| row[0] < row[1] && row[1] <= 100));
    let equal = rows_of(&[("a", Int, Some("a = b")), ("b", Int, Some("b > 3"))], 16, Options::FULL);
    assert!(equal.len() >= 8, "{equal:?}");
    let divided = rows_of(&[("a", Int, None), ("b", Int, Some("b != 0 and a mod b = 0"))], 32, Options::FULL);
    assert!(divided.len() >= 16, "{divided:?}");
}

#[test]
fn hard_and_impossible_constraints_end() {
    assert!(values(Int, Some("n > 5 and n < 5"), 64, Options::FULL).is_empty());
    assert!(values(Int, Some("n = n + 1"), 64, Options::FULL).is_empty());
    assert!(values(Int, Some("1 / (n - n) > 0"), 64, Options::FULL).is_empty());
    assert_eq!(values(Int, Some("n = 12345678"), 64, Options::FULL), [12345678]);
    let rare = values(Int, Some("n mod 1009 = 500 and n > 1000000"), 8, Options::FULL);
    assert!(!rare.is_empty());
    assert!(rows_of(&[("a", Int, Some("a < b")), ("b", Int, Some("b < a"))], 64, Options::FULL).is_empty());
}

#[test]
fn what_is_unknown_is_not_sampled() {
    let blocked = |params: Params<'_>| {
        with_names(params, |arena, names, constraints| {
            let domain = Domain::of_params(arena, names, constraints);
            let samples = samples(arena, &domain, Options { seed: 1, wanted: 8, reach: Options::FULL });
            assert_eq!(samples.is_empty(), samples.blocked.is_some());
            samples.blocked
        })
    };
    assert_eq!(blocked(&[("n", Int, Some("a valid index"))]), Some(Blocked::UnknownConstraint(0)));
    assert_eq!(blocked(&[("n", Int, None), ("p", Addr, None)]), Some(Blocked::Address(1)));
    assert_eq!(blocked(&[("n", Int, None)]), None);
}

#[test]
fn the_seed_decides() {
    let rows = |seed: u64| {
        with_names(&[("a", Int, None), ("b", Uint, Some("b > 0"))], |arena, names, constraints| {
            let domain = Domain::of_params(arena, names, constraints);
            let samples = samples(arena, &domain, Options { seed, wanted: 64, reach: Options::FULL });
            samples.rows().map(<[Cell]>::to_vec).collect::<Vec<_>>()
        })
    };
    assert_eq!(rows(1), rows(1));
    assert_ne!(rows(1), rows(2));
    assert_eq!(rows(1)[..5], rows(2)[..5]);
}

fn property_rows(params: Params<'_>, text: &str) -> Result<Vec<Vec<Cell>>, Blocked> {
    with_names(params, |arena, names, constraints| {
        let property: Property<'_> = parse_property(arena, text, names).unwrap();
        let domain = Domain::of_property(arena, names, &property, constraints);
        let samples = samples(arena, &domain, Options { seed: 1, wanted: 32, reach: Options::FULL });
        match samples.blocked {
            Some(blocked) => Err(blocked),
            None => Ok(samples.rows().map(<[Cell]>::to_vec).collect()),
        }
    })
}

#[test]
fn properties_are_sampled_where_they_speak() {
    let positive: Params<'_> = &[("a", Int, Some("a > 0")), ("b", Int, Some("b > 0"))];
    let rows = |text: &str| property_rows(positive, text).unwrap();
    assert_eq!(rows("f(0, 1) = 1"), [[0, 0]], "nothing varies: one row");
    let one = rows("f(a, 0) = a");
    assert!(one.len() == 32 && one.iter().all(|row| row[0] > 0 && row[1] == 0), "{one:?}");
    // Free variables take the constraints of the parameters that they stand for.
    let free = rows("f(x, y) = f(y, x)");
    assert!(
        free.len() == 32 && free.iter().all(|row| row[..2] == [0, 0] && row[2] > 0 && row[3] > 0),
        "{free:?}"
    );
    let half = rows("f(x + 1, y) = f(y, x + 1)");
    assert!(half.iter().any(|row| row[2] < 0) && half.iter().all(|row| row[3] > 0), "{half:?}");
    let ordered: Params<'_> = &[("a", Int, None), ("b", Int, Some("a < b"))];
    let rows = property_rows(ordered, "f(x, y) >= 0").unwrap();
    assert!(rows.len() == 32 && rows.iter().all(|row| row[2] < row[3]), "{rows:?}");
    let unknown: Params<'_> = &[("a", Int, Some("whatever it takes"))];
    assert_eq!(property_rows(unknown, "f(x) = f(x)"), Err(Blocked::UnknownConstraint(0)));
    assert_eq!(property_rows(unknown, "f(3) = 9"), Ok(vec![vec![0]]), "what is written is meant");
    let unsigned: Params<'_> = &[("a", Uint, None)];
    assert!(property_rows(unsigned, "f(x) = x").is_ok());
}

#[test]
fn shrinking() {
    let check = |params: Params<'_>, start: &[Cell], fails: fn(&[Cell]) -> bool, expected: &[Cell]| {
        with_names(params, |arena, names, constraints| {
            let domain = Domain::of_params(arena, names, constraints);
            let mut row = start.to_vec();
            assert!(fails(&row), "{start:?} does not fail");
            let calls = shrink(&domain, &mut row, 400, &mut |row| fails(row));
            assert!(calls <= 400);
            assert_eq!(row, expected, "from {start:?}");
        });
    };
    let n: Params<'_> = &[("n", Int, None)];
    check(n, &[123_456_789], |row| row[0] > 1000, &[1001]);
    check(n, &[-123_456_789], |row| row[0] < -1000, &[-1001]);
    check(n, &[-500], |row| row[0] != 0, &[1]);
    check(n, &[i64::MIN], |row| row[0].unsigned_abs() > 7, &[8]);
    check(n, &[99], |_| true, &[0]);
    check(&[("n", Int, Some("n >= 10"))], &[5000], |_| true, &[10]);
    check(&[("n", Uint, None)], &[-1], |row| row[0] as u64 >= 1 << 63, &[i64::MIN]);
    check(&[("a", Int, None), ("b", Int, None)], &[900, -800], |row| row[0] > row[1], &[0, -1]);
    check(&[("a", Int, None), ("b", Int, Some("a < b"))], &[-90, 7000], |row| row[1] > 100, &[0, 101]);
    let mut calls = 0;
    with_names(n, |arena, names, constraints| {
        let domain = Domain::of_params(arena, names, constraints);
        let mut row = [i64::MAX];
        let counted = shrink(&domain, &mut row, 10, &mut |row| {
            calls += 1;
            row[0] > 12345
        });
        assert_eq!((calls, counted), (10, 10));
        assert!(row[0] > 12345 && row[0] < i64::MAX);
    });
}

/// Every expression of the shipped corpus is read, and every value answers on some sample.
#[test]
fn shipped_expressions_are_executable() {
    use crate::spec::expr::{NoWords, Row, parse_value};
    let shipped = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/specs");
    let sources = crate::spec::find_sources(&[shipped]).expect("the shipped corpus is there");
    let mut n_values = 0;
    let mut check = |spec: crate::model::Spec| {
        let place = |text: &str| format!("{}: {text}", spec.word);
        let params: Vec<_> =
            spec.inputs.iter().map(|p| (p.name.as_str(), p.ty, p.constraint.as_deref())).collect();
        let arena = Bump::new();
        let named: Vec<Name<'_>> = params.iter().map(|p| Name { name: p.0, ty: p.1 }).collect();
        let outputs: Vec<Name<'_>> = spec.outputs.iter().map(|p| Name { name: &p.name, ty: p.ty }).collect();
        let types: Vec<CellType> = named.iter().map(|p| p.ty).collect();
        let out_types: Vec<CellType> = outputs.iter().map(|p| p.ty).collect();
        let mut words = vec![Word { name: &spec.word, effect: Some((&types, &out_types)) }];
        words.extend(spec.uses.iter().map(|name| Word { name, effect: None }));
        let names = Names { params: &named, outputs: &outputs, words: &words };
        let parse =
            |(i, p): (usize, &(&str, CellType, Option<&str>))| Constraint::parse(&arena, p.2, &names, i);
        let constraints: Vec<_> = params.iter().enumerate().map(parse).collect();
        for (constraint, param) in constraints.iter().zip(&params) {
            assert!(!matches!(constraint, Constraint::Unknown), "{}", place(param.2.unwrap_or("")));
        }
        for text in &spec.properties {
            if let Err(error) = parse_property(&arena, text, &names) {
                panic!("{}: {error}", place(text));
            }
        }
        let domain = Domain::of_params(&arena, &names, &constraints);
        let rows = samples(&arena, &domain, Options { seed: 1, wanted: 64, reach: Options::SMALL });
        for (text, output) in spec.outputs.iter().filter_map(|o| o.value.as_ref().map(|text| (text, o))) {
            let formula =
                parse_value(&arena, text, &names).unwrap_or_else(|error| panic!("{}: {error}", place(text)));
            let answer = |cells| formula.cell(Row { cells, types: domain.types }, output.ty, &mut NoWords);
            assert!(rows.rows().any(|row| answer(row).is_ok()), "{} never answers", place(text));
            n_values += 1;
        }
    };
    for file in &sources.files {
        crate::spec::read_entries(file, &mut |entry| entry.spec.into_iter().for_each(&mut check))
            .expect("it reads");
    }
    assert!(n_values > 50, "{n_values}");
}

fn every_row(params: Params<'_>, rows_max: usize) -> Option<Vec<Vec<Cell>>> {
    with_names(params, |arena, names, constraints| {
        let domain = Domain::of_params(arena, names, constraints);
        every(arena, &domain, rows_max).map(|rows| rows.rows().map(<[Cell]>::to_vec).collect())
    })
}

#[test]
fn small_domains_are_taken_whole() {
    let check = |params: Params<'_>, expect: &[&[Cell]]| {
        let expect: Vec<Vec<Cell>> = expect.iter().map(|row| row.to_vec()).collect();
        assert_eq!(every_row(params, 100), Some(expect), "{params:?}");
    };
    check(&[("a", CellType::Bool, None)], &[&[-1], &[0]]);
    check(&[("a", CellType::Int, Some("1 <= a <= 3"))], &[&[1], &[2], &[3]]);
    check(
        &[("a", CellType::Int, Some("0 <= a < 3")), ("b", CellType::Int, Some("a < b <= 2"))],
        &[&[0, 1], &[0, 2], &[1, 2]],
    );
    check(&[("a", CellType::Uint, Some("a < 10 and a mod 4 = 1"))], &[&[1], &[5], &[9]]);
    check(&[], &[&[]]);
    let bytes = [("a", CellType::Int, Some("0 <= a <= 255")), ("b", CellType::Char, Some("b < 256"))];
    assert_eq!(every_row(&bytes, 1 << 16).map(|rows| rows.len()), Some(1 << 16));
    assert_eq!(every_row(&bytes, (1 << 16) - 1), None);
    assert_eq!(every_row(&[("a", CellType::Int, None)], 1 << 16), None);
    assert_eq!(every_row(&[("a", CellType::Addr, Some("a < 4"))], 1 << 16), None);
    assert_eq!(every_row(&[("a", CellType::Int, Some("3 <= a <= 1"))], 1 << 16), None);
}
