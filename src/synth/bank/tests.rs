//! The bank against the scalar table, against itself on other instructions, and against a naive enumeration.

use super::kernel::{BLOCK, Job};
use super::shared::{Reader, Recipe, SharedBanks};
use super::*;
use crate::model::SpecId;
use crate::model::random::Random;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashSet};

fn cells<const L: usize>(seed: u64) -> Column<L> {
    const CORNERS: [Cell; 8] = [0, 1, -1, 2, 63, 64, Cell::MIN, Cell::MAX];
    let mut random = Random::new(&[seed]);
    Column(std::array::from_fn(|lane| match random.below(3) {
        0 => CORNERS[(lane + seed as usize) % 8],
        1 => random.within(-100, 100) as Cell,
        _ => random.next_u64() as Cell,
    }))
}

fn small<const L: usize>(seed: u64) -> Column<L> {
    let mut random = Random::new(&[seed, 1]);
    Column(std::array::from_fn(|_| random.within(-9, 30) as Cell))
}

fn grown<const L: usize>(simd: Simd, inputs: &[Column<L>], vocabulary: Vocabulary, sizes: usize) -> Bank<L> {
    let mut bank = Bank::with_simd(simd);
    bank.start(inputs, vocabulary);
    (1..sizes).for_each(|_| assert_eq!(bank.grow(u64::MAX, ENTRIES_MAX), Filled::Whole));
    bank
}

/// What an operator of one operand gives, bit by bit where it is no word.
fn of_one(unary: Unary, cell: Cell) -> Cell {
    match unary {
        Unary::Plain(op) => op.apply(cell, 0).unwrap(),
        Unary::Left(count) => Op::LShift.apply(cell, Cell::from(count)).unwrap(),
        Unary::Right(count) => Op::RShift.apply(cell, Cell::from(count)).unwrap(),
        Unary::LowestBit => (0..64).map(|bit| cell & (1 << bit)).find(|bit| *bit != 0).unwrap_or(0),
        Unary::WithoutLowestBit => cell ^ of_one(Unary::LowestBit, cell),
    }
}

fn kernels_follow_the_table<const L: usize>() {
    let from: Vec<Column<L>> = (0..BLOCK as u64).map(cells).collect();
    for simd in Simd::available() {
        let mut block = Block::<L>::default();
        for op in Op::ALL {
            let a = cells::<L>(99);
            let job = match op.arity() {
                1 => Job::Unary(Unary::Plain(*op), &from[..]),
                _ => Job::Binary(*op, a, &from[..]),
            };
            simd.compute(job, &mut block.columns, &mut block.hashes);
            for (at, b) in from.iter().enumerate() {
                let expect: Option<Vec<Cell>> = (0..L)
                    .map(|lane| match op.arity() {
                        1 => op.apply(b.0[lane], 0),
                        _ => op.apply(a.0[lane], b.0[lane]),
                    })
                    .collect();
                let got = (block.hashes[at] != TRAPPED).then(|| block.columns[at].0.to_vec());
                assert_eq!(got, expect, "{op:?} with {}", simd.name());
                if expect.is_some() {
                    assert_eq!(block.hashes[at], kernel::hash(&block.columns[at]), "{op:?}");
                }
            }
        }
        for count in [1, 4, 16, 63] {
            for (unary, op) in [(Unary::Left(count), Op::LShift), (Unary::Right(count), Op::RShift)] {
                simd.compute(Job::Unary(unary, &from), &mut block.columns, &mut block.hashes);
                for (column, b) in block.columns.iter().zip(&from) {
                    let shifted = b.0.map(|cell| op.apply(cell, Cell::from(count)).unwrap());
                    assert_eq!(column.0, shifted, "{unary:?} with {}", simd.name());
                }
            }
        }
        for unary in [Unary::LowestBit, Unary::WithoutLowestBit] {
            simd.compute(Job::Unary(unary, &from), &mut block.columns, &mut block.hashes);
            for (column, b) in block.columns.iter().zip(&from) {
                assert_eq!(column.0, b.0.map(|cell| of_one(unary, cell)), "{unary:?} with {}", simd.name());
            }
        }
    }
}

#[test]
fn kernels_follow_the_scalar_table() {
    kernels_follow_the_table::<8>();
    kernels_follow_the_table::<16>();
}

#[test]
fn all_instructions_bank_the_same() {
    for vocabulary in [Vocabulary::logic(), Vocabulary::numbers(&[7]), Vocabulary::wide_bits(&[])] {
        let inputs = [cells::<16>(1), small(2)];
        let portable = grown(Simd::PORTABLE, &inputs, vocabulary.clone(), 4);
        for simd in Simd::available() {
            let bank = grown(simd, &inputs, vocabulary.clone(), 4);
            assert_eq!(bank.columns, portable.columns, "{}", simd.name());
            assert_eq!(bank.made, portable.made, "{}", simd.name());
            let mut marks = [Vec::new(), Vec::new()];
            bank.view().marks(3, &cells(5), &mut marks[0]);
            portable.view().marks(3, &cells(5), &mut marks[1]);
            assert_eq!(marks[0], marks[1], "{}", simd.name());
        }
    }
}

#[test]
fn marks_and_counts_are_those_of_single_lanes() {
    let bank = grown::<16>(Simd::best(), &[small(3)], Vocabulary::numbers(&[]), 4);
    let goal = bank.columns[bank.len() / 2];
    let mut marks = Vec::new();
    bank.view().marks(0, &goal, &mut marks);
    let mask = |column: &Column<16>, wanted: &dyn Fn(usize) -> Cell| {
        (0..16).filter(|lane| column.0[*lane] == wanted(*lane)).map(|lane| 1u32 << lane).sum::<u32>()
    };
    for (column, marks) in bank.columns.iter().zip(&marks) {
        let expect = Marks {
            right: mask(column, &|lane| goal.0[lane]),
            one: mask(column, &|_| 1),
            zero: mask(column, &|_| 0),
            minus: mask(column, &|_| -1),
        };
        assert_eq!(*marks, expect, "{column:?}");
    }
    let rows: Vec<u64> = (0..40).map(|at| u64::MAX / (at + 1)).collect();
    for simd in Simd::available() {
        let mut counts = vec![0; 20];
        simd.common(&[0xFFFF_0000_1234_5678, 77], &rows, &mut counts);
        for (row, count) in rows.chunks(2).zip(&counts) {
            let expect = (row[0] & 0xFFFF_0000_1234_5678).count_ones() + (row[1] & 77).count_ones();
            assert_eq!(*count, expect, "{}", simd.name());
        }
    }
}

#[test]
fn entries_are_what_their_expressions_say() {
    for vocabulary in
        [Vocabulary::logic(), Vocabulary::numbers(&[7]), Vocabulary::numeric_bits(), Vocabulary::tricks()]
    {
        let inputs = [cells::<8>(4), small(5)];
        let bank = grown(Simd::best(), &inputs, vocabulary, 4);
        let mut exprs = Exprs::new(2);
        for entry in 0..bank.len() {
            let expr = bank.express(&mut exprs, entry);
            for lane in 0..8 {
                let row = [inputs[0].0[lane], inputs[1].0[lane]];
                assert_eq!(exprs.eval(expr, &row), Some(bank.columns[entry].0[lane]), "entry {entry}");
            }
            assert_eq!(bank.find(&bank.columns[entry]), Some(entry));
            assert!(bank.of_size(bank.size_of(entry)).contains(&entry));
        }
    }
}

/// All values of each size, by trying everything that smaller values make: the least size of each.
fn naive(inputs: &[Column<8>], vocabulary: &Vocabulary, sizes: usize) -> BTreeMap<[Cell; 8], usize> {
    let mut least = BTreeMap::new();
    let mut levels: Vec<Vec<[Cell; 8]>> = vec![Vec::new(); sizes + 1];
    for size in 1..=sizes {
        let mut made: Vec<[Cell; 8]> = Vec::new();
        if size == 1 {
            made.extend(inputs.iter().map(|column| column.0));
        }
        if size == vocabulary.literal_size {
            made.extend(vocabulary.constants.iter().map(|value| [*value; 8]));
        }
        for unary in &vocabulary.unary {
            let own = vocabulary.unary_size(*unary);
            for a in levels.get(size.wrapping_sub(own)).into_iter().flatten() {
                made.push(a.map(|cell| of_one(*unary, cell)));
            }
        }
        for left in 1..size.saturating_sub(1) {
            for a in &levels[left] {
                for b in &levels[size - 1 - left] {
                    for op in &vocabulary.binary {
                        let value: Option<Vec<Cell>> =
                            a.iter().zip(b).map(|(a, b)| op.apply(*a, *b)).collect();
                        made.extend(value.map(|value| <[Cell; 8]>::try_from(value).unwrap()));
                    }
                }
            }
        }
        for value in made {
            if let Entry::Vacant(vacant) = least.entry(value) {
                vacant.insert(size);
                levels[size].push(value);
            }
        }
    }
    least
}

#[test]
fn nothing_is_missed_and_nothing_stands_twice() {
    for (vocabulary, sizes) in [
        (Vocabulary::logic(), 5),
        (Vocabulary::numbers(&[7]), 4),
        (Vocabulary::numeric_bits(), 5),
        (Vocabulary::tricks(), 4),
    ] {
        let inputs = [cells::<8>(6), small(7)];
        let expect = naive(&inputs, &vocabulary, sizes);
        let bank = grown(Simd::best(), &inputs, vocabulary, sizes);
        let distinct: HashSet<[Cell; 8]> = bank.columns.iter().map(|column| column.0).collect();
        assert_eq!(distinct.len(), bank.len(), "a value stands twice");
        assert_eq!(bank.len(), expect.len());
        for entry in 0..bank.len() {
            assert_eq!(expect.get(&bank.columns[entry].0), Some(&bank.size_of(entry)), "entry {entry}");
        }
    }
}

/// Everything that a vocabulary can have.
fn everything() -> Vocabulary {
    use Op::*;
    let plain = Op::ALL.iter().filter(|op| op.arity() == 1).map(|op| Unary::Plain(*op));
    let further = [Unary::LowestBit, Unary::WithoutLowestBit];
    let shifts = [Unary::Left(1), Unary::Right(1), Unary::Left(3), Unary::Right(2), Unary::Right(63)];
    Vocabulary {
        constants: vec![0, 1, -1, 2],
        literal_size: 1,
        shift_size: 2,
        unary: plain.chain(further).chain(shifts).collect(),
        binary: vec![
            Plus, Minus, Star, Slash, Mod, Min, Max, And, Or, Xor, LShift, RShift, Equals, NotEquals, Less,
            Greater, ULess, UGreater,
        ],
    }
}

/// The words of a vocabulary in another order, a part of them.
fn part(vocabulary: &Vocabulary, seed: u64) -> Vocabulary {
    fn some<T: Copy>(random: &mut Random, all: &[T]) -> Vec<T> {
        let mut all: Vec<T> = all.iter().copied().filter(|_| random.below(3) > 0).collect();
        (1..all.len()).for_each(|at| all.swap(at, random.below(at as u64 + 1) as usize));
        all
    }
    let mut random = Random::new(&[seed]);
    Vocabulary {
        constants: some(&mut random, &vocabulary.constants),
        literal_size: 1 + seed as usize % 2,
        shift_size: 1 + seed as usize % 3,
        unary: some(&mut random, &vocabulary.unary),
        binary: some(&mut random, &vocabulary.binary),
    }
}

#[test]
fn what_is_known_makes_no_difference() {
    let whole = [
        (Vocabulary::logic(), 7),
        (Vocabulary::tricks(), 6),
        (Vocabulary::numeric_bits(), 7),
        (Vocabulary::numbers(&[7]), 6),
        (Vocabulary::wide_bits(&[]), 6),
        (everything(), 4),
    ];
    let parts = (0..40).map(|seed| (part(&everything(), seed), 6));
    for (case, (vocabulary, sizes)) in whole.into_iter().chain(parts).enumerate() {
        for inputs in [
            vec![cells::<8>(case as u64)],
            vec![cells(14), small(case as u64)],
            vec![small(15), Column::all(0)],
        ] {
            let (mut bank, mut all) = (Bank::default(), Bank::default());
            bank.start(&inputs, vocabulary.clone());
            all.start(&inputs, vocabulary.clone());
            all.known = Known::nothing(&vocabulary);
            for size in 2..=sizes {
                assert_eq!(bank.grow(300_000, 100_000), all.grow(300_000, 100_000));
                assert_eq!(bank.candidates, all.candidates, "{vocabulary:?} at size {size}");
                assert_eq!(bank.made, all.made, "{vocabulary:?} at size {size}");
                assert_eq!(bank.columns, all.columns, "{vocabulary:?} at size {size}");
            }
        }
    }
}

#[test]
fn a_used_bank_is_as_good_as_new() {
    let mut bank = Bank::<8>::default();
    bank.start(&[cells(8)], Vocabulary::numbers(&[]));
    while bank.grow(u64::MAX, 50_000) == Filled::Whole {}
    let inputs = [small(9)];
    bank.start(&inputs, Vocabulary::logic());
    (0..4).for_each(|_| assert_eq!(bank.grow(u64::MAX, ENTRIES_MAX), Filled::Whole));
    let new = grown(Simd::best(), &inputs, Vocabulary::logic(), 5);
    assert_eq!((&bank.columns, &bank.made, bank.candidates), (&new.columns, &new.made, new.candidates));
}

#[test]
fn a_reader_of_a_shared_bank_sees_what_it_would_bank_itself() {
    for vocabulary in [Vocabulary::logic(), Vocabulary::numbers(&[7]), everything()] {
        let banks = SharedBanks::new(1 << 30);
        let inputs = [small::<8>(16)];
        let recipe =
            Recipe { inputs: &inputs, vocabulary: &vocabulary, candidates_max: 30_000, entries_max: 20_000 };
        [SpecId(1), SpecId(2)].into_iter().for_each(|spec| banks.note(spec, recipe.key()));
        banks.all_noted();
        let (mut reader, mut own) = (Reader::default(), Bank::<8>::default());
        for candidates_max in (0..30_000).step_by(37) {
            reader.start(recipe, Some(&banks));
            own.start(&inputs, vocabulary.clone());
            loop {
                let filled = own.grow(candidates_max, recipe.entries_max);
                assert_eq!(reader.grow(candidates_max, recipe.entries_max), filled, "{candidates_max}");
                assert_eq!(reader.candidates(), own.candidates(), "{candidates_max}");
                assert_eq!(reader.view().columns(), own.columns(), "{candidates_max}");
                if filled == Filled::Cut {
                    break;
                }
            }
            reader.give_back();
        }
        assert!(banks.forget().specs > 100, "the bank was lent");
    }
}

#[test]
fn bounds_are_kept() {
    let mut bank = Bank::<8>::default();
    bank.start(&[cells(8)], Vocabulary::numbers(&[]));
    while bank.grow(1000, ENTRIES_MAX) == Filled::Whole {}
    assert!(bank.candidates() <= 1000, "{}", bank.candidates());
    bank.start(&[cells(8)], Vocabulary::numbers(&[]));
    while bank.grow(u64::MAX, 500) == Filled::Whole {}
    assert!((300..=500).contains(&bank.len()), "{}", bank.len());
}

#[test]
fn the_next_size_is_counted_before_it_is_computed() {
    let wide = Vocabulary::wide_bits(&[7]);
    for vocabulary in [Vocabulary::logic(), Vocabulary::numbers(&[7]), Vocabulary::numeric_bits(), wide] {
        let mut bank = Bank::<8>::default();
        bank.start(&[cells(12), small(13)], vocabulary);
        for _ in 0..4 {
            let (before, next) = (bank.candidates(), bank.view().next_candidates());
            assert_eq!(bank.grow(u64::MAX, ENTRIES_MAX), Filled::Whole);
            assert_eq!(bank.candidates() - before, next, "size {}", bank.size());
        }
    }
}

#[test]
fn larger_expressions_are_met() {
    let inputs = [cells::<16>(10), cells::<16>(11)];
    let bank = grown(Simd::best(), &inputs, Vocabulary::numeric_bits(), 4);
    let (x, y) = (&inputs[0].0, &inputs[1].0);
    #[track_caller]
    fn check(bank: &Bank<16>, goal: [Cell; 16], size: usize) {
        let (meeting, _) = bank.view().meet(&Column(goal), usize::MAX, u64::MAX);
        let meeting = meeting.expect("it is met");
        assert!(meeting.size <= size, "{meeting:?}");
        for (lane, wanted) in goal.into_iter().enumerate() {
            let (a, b) = (bank.columns[meeting.a].0[lane], bank.columns[meeting.b].0[lane]);
            let value = meeting.op.apply(a, b).unwrap();
            assert_eq!(if meeting.negated { scalar_not(value) } else { value }, wanted, "{meeting:?}");
        }
        assert_eq!(bank.view().meet(&Column(goal), meeting.size, u64::MAX).0, None, "nothing is smaller");
    }
    fn scalar_not(value: Cell) -> Cell {
        crate::model::scalar::flag(value == 0)
    }
    // (x|y) + (x^-y), (x&y) ^ (y+~x), what a difference of the two comes to, and comparisons.
    check(&bank, std::array::from_fn(|l| (x[l] | y[l]).wrapping_add(x[l] ^ y[l].wrapping_neg())), 8);
    check(&bank, std::array::from_fn(|l| (x[l] & y[l]) ^ y[l].wrapping_add(!x[l])), 8);
    check(&bank, std::array::from_fn(|l| (x[l] & !y[l]).wrapping_sub(y[l].wrapping_sub(!x[l]))), 6);
    check(&bank, std::array::from_fn(|l| -Cell::from(((x[l] & y[l]) as u64) < (x[l] ^ y[l]) as u64)), 7);
    check(&bank, std::array::from_fn(|l| -Cell::from(((x[l] & y[l]) as u64) >= (x[l] ^ y[l]) as u64)), 8);
}
