//! What has been told of each record, and what a change touches: the records whose fingerprint is not the one that was told.

use crate::corpus::{Corpus, Record};
use crate::model::{SpecId, Status};
use crate::pipeline::{Fingerprint, Options, fingerprint_of, uses};
use rustc_hash::FxHashMap;

/// What was told of one record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Slot {
    /// What its verdict depends on.
    pub key: [u8; 16],
    /// The verdict; `None` until it is told.
    pub status: Option<Status>,
    /// Whether the verdict is one that somebody should look at.
    pub is_failing: bool,
}

/// The slots of a generation, by rank, and which of them a change has emptied.
pub(super) struct Plan {
    /// One for each record.
    pub slots: Vec<Slot>,
    /// Records that were not waiting before and are now, ascending.
    pub new: Vec<SpecId>,
}

/// From what was told of the old generation to what is known of the new one.
///
/// A record keeps its verdict if a record with the same key stood in the same source before, or in one that is gone: so an edit
/// of one line touches one record, and a rename none.
pub(super) fn plan(
    old: Option<(&Corpus, &[Slot])>,
    is_same_settings: bool,
    corpus: &Corpus,
    options: &Options,
) -> Plan {
    let settings = options.hash();
    let old_sources: Vec<(&str, std::ops::Range<u32>)> =
        old.map_or(Vec::new(), |(old, _)| old.sources().collect());
    // Mostly the same files stand in the same order: then nothing has to be looked up.
    let lines_up = old_sources.len() == corpus.sources().len()
        && old_sources.iter().zip(corpus.sources()).all(|((old, _), (new, _))| *old == new);
    let mut before: FxHashMap<&str, usize> = FxHashMap::default();
    let all_slots = old.map_or(&[][..], |(_, slots)| slots);
    let mut gone: FxHashMap<[u8; 16], Slot> = FxHashMap::default();
    if !lines_up {
        before.extend(old_sources.iter().enumerate().map(|(at, (name, _))| (*name, at)));
        let names: rustc_hash::FxHashSet<&str> = corpus.sources().map(|(name, _)| name).collect();
        for (_, ranks) in old_sources.iter().filter(|(name, _)| !names.contains(name)) {
            let slots = &all_slots[ranks.start as usize..ranks.end as usize];
            gone.extend(slots.iter().map(|slot| (slot.key, *slot)));
        }
    }
    let mut plan = Plan { slots: Vec::with_capacity(corpus.len()), new: Vec::new() };
    for (at, (name, ranks)) in corpus.sources().enumerate() {
        let old_at = if lines_up { Some(at) } else { before.get(name).copied() };
        let old_source = old_at.map(|at| (at, old_sources[at].1.clone()));
        let old_slots = old_source
            .as_ref()
            .map_or(&[][..], |(_, ranks)| &all_slots[ranks.start as usize..ranks.end as usize]);
        let is_same = is_same_settings
            && old_slots.len() == ranks.len()
            && old.zip(old_source.as_ref()).is_some_and(|((old, _), (old_at, _))| {
                old.source_digest(*old_at) == corpus.source_digest(at)
            });
        // Most sources are as they were: then rank by rank, and only words that use others are looked at.
        let mut known: Option<FxHashMap<[u8; 16], Slot>> = None;
        for (position, rank) in ranks.enumerate() {
            let record = corpus.record(SpecId(rank));
            if is_same && !record.has_uses() {
                plan.slots.push(old_slots[position]);
                continue;
            }
            let key = key_of(corpus, &record, options, &settings);
            let same_place = old_slots.get(position).filter(|slot| slot.key == key);
            let found = same_place.copied().or_else(|| {
                let known =
                    known.get_or_insert_with(|| old_slots.iter().map(|slot| (slot.key, *slot)).collect());
                known.get(&key).or_else(|| gone.get(&key)).copied()
            });
            if found.is_none() {
                plan.new.push(SpecId(rank));
            }
            plan.slots.push(found.unwrap_or(Slot { key, status: None, is_failing: false }));
        }
    }
    plan
}

/// What the verdict on a record depends on; also where there is nothing to find out.
fn key_of(corpus: &Corpus, record: &Record<'_>, options: &Options, settings: &[u8; 32]) -> [u8; 16] {
    if let Some(fingerprint) = fingerprint_of(corpus, record, options, settings) {
        // The score is told beside the verdict.
        let heldout = options.heldout_key(record);
        return match heldout {
            0 => fingerprint.0,
            heldout => mix(&[&fingerprint.0, &heldout.to_le_bytes()]),
        };
    }
    let Fingerprint(alone) = Fingerprint::of(record.content_hash(), None, settings);
    match uses::closure(corpus, record.id()) {
        Err(error) if record.is_valid() => mix(&[&alone, error.to_string().as_bytes()]),
        _ => mix(&[&alone, b"invalid"]),
    }
}

fn mix(parts: &[&[u8]]) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new();
    parts.iter().for_each(|part| {
        hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
    });
    hasher.finalize().as_bytes()[..16].try_into().expect("a hash has 32 bytes")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{Entry, parse_entries};
    use crate::template::Library;
    use std::sync::Arc;

    fn corpus(files: &[(&str, &str)]) -> Corpus {
        let line = |item: &str| {
            let (word, uses) = item.split_once('>').unwrap_or((item, ""));
            let (word, n) = word.split_once('=').unwrap_or((word, "1"));
            let uses = if uses.is_empty() { String::new() } else { format!(r#","uses":["{uses}"]"#) };
            format!(
                r#"{{"word":"{word}","stack_effect":{{"inputs":[],"outputs":[{{"name":"a","type":"int"}}]}},"test_cases":[{{"input":[],"output":[{n}]}}]{uses}}}"#
            )
        };
        let entries: Vec<(String, Entry)> = files
            .iter()
            .flat_map(|(name, items)| {
                let text: Vec<String> = items.split_whitespace().map(line).collect();
                parse_entries(text.join("\n").as_bytes(), name, true)
                    .into_iter()
                    .map(|entry| (name.to_string(), entry))
                    .collect::<Vec<_>>()
            })
            .collect();
        Corpus::from_entries(&entries)
    }

    /// Files before and after, and the words that are touched.
    fn check(before: &[(&str, &str)], after: &[(&str, &str)], expect: &str) {
        let options = Options::new(Arc::new(Library::load(&[]).unwrap()));
        let old = corpus(before);
        let mut first = plan(None, false, &old, &options);
        assert_eq!(first.new.len(), old.len());
        first.slots.iter_mut().for_each(|slot| slot.status = Some(Status::Verified));
        let new = corpus(after);
        let second = plan(Some((&old, &first.slots)), true, &new, &options);
        let words: Vec<_> = second.new.iter().map(|id| new.record(*id).word().unwrap()).collect();
        assert_eq!(words.join(" "), expect, "{before:?} => {after:?}");
        for (slot, record) in second.slots.iter().zip(new.records()) {
            assert_eq!(slot.status.is_none(), second.new.contains(&record.id()));
        }
    }

    #[test]
    fn a_change_touches_what_depends_on_it() {
        check(&[("a.jsonl", "x y z")], &[("a.jsonl", "x y z")], "");
        check(&[("a.jsonl", "x y z")], &[("a.jsonl", "x y=2 z")], "y");
        check(&[("a.jsonl", "x y z")], &[("a.jsonl", "z x")], "");
        check(&[("a.jsonl", "x y z")], &[("a.jsonl", "new x y z")], "new");
        check(&[("a.jsonl", "x")], &[("b.jsonl", "x")], "");
        check(&[("a.jsonl", "x")], &[("a.jsonl", "x"), ("b.jsonl", "y")], "y");
        check(
            &[("a.jsonl", "x y>x z>y v"), ("b.jsonl", "w>z")],
            &[("a.jsonl", "x=2 y>x z>y v"), ("b.jsonl", "w>z")],
            "x y z w",
        );
        check(&[("a.jsonl", "y>x")], &[("a.jsonl", "y>x"), ("b.jsonl", "x")], "y x");
        check(&[("a.jsonl", "y>x"), ("b.jsonl", "x")], &[("a.jsonl", "y>x")], "y");
    }

    #[test]
    fn other_settings_touch_everything() {
        let mut options = Options::new(Arc::new(Library::load(&[]).unwrap()));
        let corpus = corpus(&[("a.jsonl", "x y")]);
        let first = plan(None, false, &corpus, &options);
        options.synth.candidates_max = 7;
        assert_eq!(plan(Some((&corpus, &first.slots)), false, &corpus, &options).new.len(), 2);
    }
}
