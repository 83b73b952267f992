//! Parts that use words of other parts or sources: they wait until all outcomes are known and then get copies of those words.

use super::order::dependency_order;
use super::part::{PartText, is_shadow};
use crate::durable::Batch;
use crate::forth::words;
use crate::model::Status;
use crate::report::{ReportError, io_error};
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;

/// Rendered parts that wait, their text in one file without a name.
#[derive(Default)]
pub(super) struct Pending {
    spool: Option<File>,
    parts: Vec<Waiting>,
}

struct Waiting {
    code_name: String,
    needs: Vec<String>,
    head_len: usize,
    body_len: usize,
}

/// A definition found in the outcomes.
struct External {
    name: String,
    code: String,
    uses: Vec<String>,
}

impl Pending {
    pub(super) fn keep(&mut self, code_name: String, text: PartText) -> io::Result<()> {
        let spool = match &mut self.spool {
            Some(spool) => spool,
            None => self.spool.insert(tempfile::tempfile()?),
        };
        spool.write_all(text.head.as_bytes())?;
        spool.write_all(text.body.as_bytes())?;
        self.parts.push(Waiting {
            code_name,
            needs: text.needs,
            head_len: text.head.len(),
            body_len: text.body.len(),
        });
        Ok(())
    }

    pub(super) fn write(self, folder: &Path, outcomes: &Path, batch: &mut Batch) -> Result<(), ReportError> {
        let Some(mut spool) = self.spool else { return Ok(()) };
        let needs = self.parts.iter().flat_map(|part| part.needs.iter().cloned()).collect();
        let known = find(outcomes, needs).map_err(io_error("read", outcomes))?;
        spool.seek(SeekFrom::Start(0)).map_err(io_error("read definitions for", folder))?;
        let mut spool = BufReader::new(spool);
        for part in self.parts {
            let path = folder.join(&part.code_name);
            copy_part(&mut spool, &part, &known, &path, batch).map_err(io_error("write", &path))?;
        }
        Ok(())
    }
}

fn copy_part(
    spool: &mut impl Read,
    part: &Waiting,
    known: &BTreeMap<String, External>,
    path: &Path,
    batch: &mut Batch,
) -> io::Result<()> {
    let mut read = |len: usize| {
        let mut text = vec![0; len];
        spool.read_exact(&mut text)?;
        String::from_utf8(text).map_err(io::Error::other)
    };
    let (head, body) = (read(part.head_len)?, read(part.body_len)?);
    super::write_part(batch, path, &[&head, &copies(&part.needs, known), &body])
}

/// The definitions of these words and of those that they use in turn.
fn copies(needs: &[String], known: &BTreeMap<String, External>) -> String {
    let mut wanted: BTreeSet<&str> = BTreeSet::new();
    let mut open: Vec<&str> = needs.iter().map(String::as_str).collect();
    while let Some(name) = open.pop() {
        if let Some(external) = known.get(name)
            && wanted.insert(name)
        {
            open.extend(external.uses.iter().map(String::as_str));
        }
    }
    let externals: Vec<_> = wanted.into_iter().map(|name| &known[name]).collect();
    if externals.is_empty() {
        return String::new();
    }
    let mut text = String::from("\n\\ Words of other files that these use.\n");
    let find = |name: &str| externals.binary_search_by(|external| external.name.as_str().cmp(name)).ok();
    for i in dependency_order(externals.len(), find, |i| &externals[i].uses) {
        let External { name, code, .. } = externals[i];
        text += &format!("[UNDEFINED] {name} [IF]\n{}\n[THEN]\n", code.trim_end());
    }
    text
}

/// Finds verified definitions by name, and what they use in turn, reading the outcomes as often as that goes deeper.
fn find(outcomes: &Path, mut needs: BTreeSet<String>) -> io::Result<BTreeMap<String, External>> {
    let mut known = BTreeMap::new();
    while !needs.is_empty() {
        let found = scan(outcomes, &needs)?;
        let calls = found.values().flat_map(|external| external.uses.iter().cloned());
        let next: BTreeSet<_> =
            calls.filter(|name| !known.contains_key(name) && !found.contains_key(name)).collect();
        if found.is_empty() {
            break;
        }
        known.extend(found);
        needs = next;
    }
    Ok(known)
}

fn scan(outcomes: &Path, needs: &BTreeSet<String>) -> io::Result<BTreeMap<String, External>> {
    #[derive(Deserialize)]
    struct Line<'l> {
        #[serde(borrow)]
        word: Option<Cow<'l, str>>,
        status: Status,
        #[serde(borrow)]
        code: Option<Cow<'l, str>>,
    }
    let mut found = BTreeMap::new();
    let mut lines = BufReader::with_capacity(1 << 16, File::open(outcomes)?);
    let mut text = Vec::new();
    while lines.read_until(b'\n', &mut text)? > 0 {
        let line: Line<'_> = serde_json::from_slice(&text)?;
        if let (Some(word), Status::Verified, Some(code)) = (line.word, line.status, line.code) {
            let name = word.to_ascii_lowercase();
            if needs.contains(&name) && !found.contains_key(&name) {
                let uses = calls(&name, &code);
                found.insert(name.clone(), External { name, code: code.into_owned(), uses });
            }
        }
        text.clear();
    }
    Ok(found)
}

/// Words that a definition may call besides those of the standard: whatever is neither one of them nor a number.
fn calls(name: &str, code: &str) -> Vec<String> {
    let words = super::tokens(code).map(str::to_ascii_lowercase);
    let mut calls: Vec<_> = words
        .filter(|token| token != name && token.parse::<i64>().is_err())
        .filter(|token| words::lookup(token.as_bytes()).is_none() && !is_shadow(token))
        .collect();
    calls.sort();
    calls.dedup();
    calls
}
