//! The semantic pass: proves what bytecheck cannot, every range, tag, count and UTF-8 slice of a segment.
//!
//! It reads each record by the functions of `cold` and `wire` that the views use, with all checks on, to the end of every
//! section, and it demands that the records tile the pools without gap or overlap.

use super::cold::{self, Cold};
use super::layout::*;
use super::mmap::Pools;
use super::wire::{Checked, Reader};
use crate::model::Lane;

/// Proves a segment; says what is wrong with the first record that does not hold together.
pub(super) fn segment(pools: &Pools<'_>) -> Result<(), String> {
    if pools.keys.len() != pools.hot.len() {
        return Err(format!("{} keys for {} records", pools.keys.len(), pools.hot.len()));
    }
    let (mut text_end, mut lanes_end) = (0, 0);
    for (i, (hot, key)) in pools.hot.iter().zip(pools.keys).enumerate() {
        let broken = |what: &str| format!("record {i}: {what}");
        if (hot.cold.to_native() as usize, hot.lanes.to_native() as usize) != (text_end, lanes_end) {
            return Err(broken("does not follow on the one before it"));
        }
        text_end += hot.cold_len.to_native() as usize;
        lanes_end += hot.n_lanes.to_native() as usize;
        let cold = pools.text.get(hot.cold.to_native() as usize..text_end);
        let lanes = pools.lanes.get(hot.lanes.to_native() as usize..lanes_end);
        let (Some(cold), Some(lanes)) = (cold, lanes) else {
            return Err(broken("reaches beyond the pools"));
        };
        record(hot, key, cold, lanes).ok_or_else(|| broken("a field is out of range"))?;
    }
    if (text_end, lanes_end) != (pools.text.len(), pools.lanes.len()) {
        return Err("bytes that belong to no record".into());
    }
    Ok(())
}

/// Proves one record, whose cold bytes and lanes are given.
fn record(hot: &ArchivedHot, key: &ArchivedKey, cold: &[u8], lanes: &[Lane]) -> Option<()> {
    let cold = Cold::new(Reader::checked(cold), hot.present.to_native());
    let flags = hot.flags.to_native();
    holds(cold.is_tight() && flags & !flags::ALL == 0)?;
    word(hot, key, &cold)?;
    if flags & flags::VALID == 0 {
        let allowed = 1 << Section::Word as u16 | 1 << Section::Diagnostics as u16;
        holds(flags == 0 && hot.present.to_native() & !allowed == 0 && lanes.is_empty())?;
        holds(hot.tests == 0 && hot.heldout == 0 && hot.n_in == 0 && hot.n_out == 0)?;
        return diagnostics(&cold);
    }
    signature(hot, &cold)?;
    let n_params = hot.n_in.to_native() as usize + hot.n_out.to_native() as usize;
    let columns = |plain: u16, tests: u32| match flags & plain {
        0 => 0,
        _ => lanes_for(tests as usize, n_params),
    };
    let n_plain = columns(flags::PLAIN_TESTS, hot.tests.to_native())
        .checked_add(columns(flags::PLAIN_HELDOUT, hot.heldout.to_native()))?;
    holds(n_plain <= lanes.len())?;
    cases(&cold, Section::Tests, hot.tests.to_native(), flags & flags::PLAIN_TESTS != 0, lanes)?;
    cases(&cold, Section::Heldout, hot.heldout.to_native(), flags & flags::PLAIN_HELDOUT != 0, lanes)?;
    metas(&cold, Section::TestsMeta, hot.tests.to_native())?;
    metas(&cold, Section::HeldoutMeta, hot.heldout.to_native())?;
    for section in [Section::Properties, Section::Uses, Section::Hints, Section::Tags] {
        texts(&cold, section)?;
    }
    for section in [Section::Code, Section::Pattern, Section::Description] {
        if let Some(reader) = cold.section(section) {
            reader?.text()?;
        }
    }
    if let Some(reader) = cold.section(Section::Origin) {
        let mut reader = reader?;
        for _ in 0..5 {
            reader.opt_str()?;
        }
        holds(reader.is_empty())?;
    }
    match cold.section(Section::HeldoutHash) {
        Some(reader) => holds(reader?.rest().len() == 32 && hot.heldout != 0)?,
        None => holds(hot.heldout == 0)?,
    }
    diagnostics(&cold)
}

fn holds(condition: bool) -> Option<()> {
    condition.then_some(())
}

fn word(hot: &ArchivedHot, key: &ArchivedKey, cold: &Cold<'_, Checked>) -> Option<()> {
    match hot.word_len {
        NO_WORD => {
            holds(hot.word == [0; WORD_MAX] && key.word == 0 && hot.flags.to_native() & flags::VALID == 0)?
        }
        WORD_IN_COLD => {
            holds(hot.word == [0; WORD_MAX])?;
            cold.section(Section::Word)??.text()?;
        }
        len => {
            let (text, rest) = hot.word.split_at_checked(len as usize)?;
            std::str::from_utf8(text).ok()?;
            holds(rest.iter().all(|&byte| byte == 0))?;
        }
    }
    holds(cold.has(Section::Word) == (hot.word_len == WORD_IN_COLD))
}

fn signature(hot: &ArchivedHot, cold: &Cold<'_, Checked>) -> Option<()> {
    let n_params = hot.n_in.to_native() as usize + hot.n_out.to_native() as usize;
    let Some(reader) = cold.section(Section::Signature) else {
        return holds(n_params == 0);
    };
    let list = reader?.list()?;
    holds(list.len() == n_params && n_params > 0 && list.is_tight())?;
    (0..list.len()).try_for_each(|i| {
        let mut item = list.get(i)?;
        cold::param(&mut item)?;
        holds(item.is_empty())
    })
}

fn cases(cold: &Cold<'_, Checked>, section: Section, count: u32, plain: bool, lanes: &[Lane]) -> Option<()> {
    let Some(reader) = cold.section(section) else {
        return holds(plain);
    };
    let list = reader?.list()?;
    holds(!plain && list.len() == count as usize && list.is_tight())?;
    (0..list.len()).try_for_each(|i| {
        let mut item = list.get(i)?;
        cold::answer(&mut item)?;
        for _ in 0..2 {
            for _ in 0..item.u32()? {
                cold::value(&mut item, lanes)?;
            }
        }
        holds(item.is_empty())
    })
}

fn metas(cold: &Cold<'_, Checked>, section: Section, count: u32) -> Option<()> {
    let Some(reader) = cold.section(section) else {
        return Some(());
    };
    let list = reader?.list()?;
    holds(list.len() == count as usize && list.is_tight())?;
    (0..list.len()).try_for_each(|i| {
        let mut item = list.get(i)?;
        item.opt_str()?;
        while !item.is_empty() {
            cold::tag(&mut item)?;
        }
        Some(())
    })
}

fn texts(cold: &Cold<'_, Checked>, section: Section) -> Option<()> {
    let Some(reader) = cold.section(section) else {
        return Some(());
    };
    let list = reader?.list()?;
    holds(list.len() > 0 && list.is_tight())?;
    (0..list.len()).try_for_each(|i| list.get(i)?.text().map(drop))
}

fn diagnostics(cold: &Cold<'_, Checked>) -> Option<()> {
    let Some(reader) = cold.section(Section::Diagnostics) else {
        return Some(());
    };
    let list = reader?.list()?;
    holds(list.len() > 0 && list.is_tight())?;
    (0..list.len()).try_for_each(|i| {
        let mut item = list.get(i)?;
        cold::diagnostic(&mut item, "", None)?;
        holds(item.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use super::super::arbitrary;
    use super::super::container::{self, FileKind, HEADER_LEN};
    use super::super::manifest::{Manifest, Run, SourceEntry};
    use super::super::mmap::SegmentFile;
    use super::super::store::Corpus;
    use super::super::{pack, wire};
    use crate::model::{Diagnostic, Severity};
    use proptest::strategy::{Strategy, ValueTree};
    use proptest::test_runner::TestRunner;
    use rkyv::util::AlignedVec;

    /// A segment with everything in it: many shapes of valid records, and an invalid one.
    fn rich_segment() -> AlignedVec<64> {
        let mut runner = TestRunner::deterministic();
        let n_specs = if cfg!(miri) { 2 } else { 3 };
        let specs: Vec<_> =
            (0..n_specs).map(|_| arbitrary::spec().new_tree(&mut runner).unwrap().current()).collect();
        let note = [Diagnostic::new(crate::model::Code(7), Severity::Error, "bad").suggest("mend")];
        let mut packer = pack::Packer::default();
        for spec in &specs {
            let word = Some(spec.word.as_str());
            packer
                .push(pack::Draft { line: 1, word, spec: Some(spec), diagnostics: &[] }, Default::default());
        }
        packer.push(pack::Draft { line: 2, word: None, spec: None, diagnostics: &note }, Default::default());
        let packed = SegmentFile::pack(&packer.finish().pools);
        let mut file = AlignedVec::new();
        file.extend_from_slice(packed.bytes());
        file
    }

    /// Reads everything of every record of a proven segment.
    fn read_all(segment: SegmentFile) -> usize {
        let count = segment.pools().hot.len() as u32;
        let run = Run { segment: 0, first: 0, count };
        let source = SourceEntry { runs: vec![run], ..Default::default() };
        let corpus = Corpus::new(Manifest { sources: vec![source], ..Default::default() }, vec![segment]);
        let texts = corpus.records().map(|r| format!("{:?}{:?}{:?}", r.word(), r.to_spec(), r.diagnostics()));
        texts.map(|text| text.chars().count()).sum()
    }

    /// Whatever stands in a well-sealed segment, either the pass refuses it or every view of it reads to the end: no
    /// panic, no slice out of range, no text that is not UTF-8.
    #[test]
    fn a_lie_is_refused_or_does_no_harm() {
        let whole = rich_segment();
        let (mut n_refused, mut n_harmless) = (0, 0);
        let step = if cfg!(miri) { 97 } else { 1 };
        for at in (HEADER_LEN..whole.len()).step_by(step) {
            for change in [1, 0x80] {
                let mut file = AlignedVec::<64>::new();
                file.extend_from_slice(&whole);
                file[at] ^= change;
                let count = u32::from_le_bytes(whole[24..28].try_into().unwrap());
                container::seal(&mut file, FileKind::Segment, count);
                let segment = SegmentFile::doubtful(file);
                if segment.prove().is_ok() {
                    n_harmless += 1;
                    assert!(read_all(segment) > 0);
                } else {
                    n_refused += 1;
                }
            }
        }
        // Cells, letters and hashes may be anything; lengths, offsets, counts and tags may not.
        assert!(n_refused > 0 && n_harmless > 0, "{n_refused} refused, {n_harmless} harmless");
    }

    #[test]
    fn a_reader_of_garbage_never_panics() {
        let mut state = 1u64;
        for len in 0..200 {
            let bytes: Vec<u8> = (0..len)
                .map(|_| {
                    state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                    (state >> 56) as u8
                })
                .collect();
            for present in [0u16, 1, 0x8001, u16::MAX] {
                let cold = super::Cold::new(wire::Reader::checked(&bytes), present);
                let _ = cold.is_tight();
                let _ = super::diagnostics(&cold);
                let _ = super::texts(&cold, super::Section::Properties);
                let _ = super::cases(&cold, super::Section::Tests, 3, false, &[]);
            }
        }
    }
}
