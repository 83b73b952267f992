//! Fingerprints: the hash of everything that an outcome depends on.

use std::fmt::Write;

/// The hash of all that decides an outcome: the specification's canonical content, the closure of its `uses`, the templates,
/// the versions of engine and search, the budgets and the seed. Two records with the same fingerprint have the same outcome.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Fingerprint(pub [u8; 16]);

impl Fingerprint {
    /// The fingerprint of a specification: `settings` is [`settings_hash`]'s, `closure` the hash of the words it uses.
    pub fn of(content: &[u8; 32], closure: Option<&[u8; 32]>, settings: &[u8; 32]) -> Self {
        let mut bytes = [0; 96];
        bytes[..32].copy_from_slice(content);
        bytes[32..64].copy_from_slice(closure.unwrap_or(&[0; 32]));
        bytes[64..].copy_from_slice(settings);
        let hash = blake3::hash(&bytes);
        Self(hash.as_bytes()[..16].try_into().expect("16 bytes"))
    }
}

/// The hash of named settings, in the order given.
pub fn settings_hash(settings: &[(&str, &[u8])]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    for (name, value) in settings {
        for part in [name.as_bytes(), value] {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
    }
    *hasher.finalize().as_bytes()
}

/// Bytes in hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a String takes everything");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_counts() {
        let base = Fingerprint::of(&[1; 32], None, &[2; 32]);
        assert_eq!(base, Fingerprint::of(&[1; 32], None, &[2; 32]));
        assert_ne!(base, Fingerprint::of(&[3; 32], None, &[2; 32]));
        assert_ne!(base, Fingerprint::of(&[1; 32], Some(&[1; 32]), &[2; 32]));
        assert_ne!(base, Fingerprint::of(&[1; 32], None, &[3; 32]));
    }

    #[test]
    fn settings_do_not_run_into_each_other() {
        assert_ne!(settings_hash(&[("a", b"bc")]), settings_hash(&[("ab", b"c")]));
        assert_ne!(settings_hash(&[("a", b""), ("b", b"")]), settings_hash(&[("a", b"b")]));
    }

    #[test]
    fn hexadecimal() {
        assert_eq!(hex(&[0, 15, 255]), "000fff");
    }
}
