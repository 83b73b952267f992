//! All diagnostic codes of all rooms, for `wordmill explain`.

use crate::model::{Code, CodeEntry};
use std::ops::RangeInclusive;

/// The codes of one room.
pub struct RoomCodes {
    /// The room.
    pub room: &'static str,
    /// The numbers that belong to it.
    pub range: RangeInclusive<u16>,
    /// Its tables.
    pub tables: &'static [&'static [CodeEntry]],
}

/// Every room that finds things, by its numbers.
pub const ROOMS: &[RoomCodes] = &[
    RoomCodes { room: "spec", range: 1..=39, tables: &[crate::spec::codes::CODES] },
    RoomCodes { room: "effect", range: 40..=59, tables: &[crate::effect::codes::CODES] },
    RoomCodes { room: "template", range: 60..=69, tables: &[crate::template::codes::CODES] },
    RoomCodes {
        room: "validation, search and pipeline",
        range: 70..=84,
        tables: &[crate::pipeline::codes::CODES],
    },
    RoomCodes { room: "corpus", range: 85..=94, tables: &[crate::corpus::codes::CODES] },
    RoomCodes { room: "configuration", range: 95..=99, tables: &[crate::config::codes::CODES] },
    RoomCodes { room: "judging candidates", range: 100..=109, tables: &[crate::judge::codes::CODES] },
];

/// All entries with their room, in the order of the rooms.
pub fn all() -> impl Iterator<Item = (&'static RoomCodes, &'static CodeEntry)> {
    ROOMS.iter().flat_map(|room| {
        room.tables.iter().flat_map(move |table| table.iter().map(move |entry| (room, entry)))
    })
}

/// Reads `WM012`, `wm12` or `12`.
pub fn parse(text: &str) -> Option<Code> {
    let text = text.trim().to_ascii_uppercase();
    text.strip_prefix("WM").unwrap_or(&text).parse().ok().map(Code)
}

/// The entry of a code.
pub fn find(code: Code) -> Option<&'static CodeEntry> {
    all().map(|(_, entry)| entry).find(|entry| entry.code == code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_in_every_spelling() {
        fn check(text: &str, expect: Option<u16>) {
            assert_eq!(parse(text).map(|code| code.0), expect, "{text}");
        }
        check("WM012", Some(12));
        check("wm12", Some(12));
        check(" 12 ", Some(12));
        check("WM", None);
        check("E0308", None);
        check("-1", None);
    }

    #[test]
    fn no_code_twice_and_each_in_the_range_of_its_room() {
        let mut seen = std::collections::BTreeSet::new();
        for (room, entry) in all() {
            assert!(room.range.contains(&entry.code.0), "{} is not of {}", entry.code, room.room);
            assert!(seen.insert(entry.code), "{} is there twice", entry.code);
            assert!(
                !entry.title.ends_with('.') && !entry.title.is_empty(),
                "{}: {:?}",
                entry.code,
                entry.title
            );
            assert!(entry.explanation.len() > 60, "{} is hardly explained", entry.code);
        }
    }
}
