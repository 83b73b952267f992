//! How much specifications had in common.

use serde::{Deserialize, Serialize};

/// Banks of expressions that several specifications looked things up in. Part of reports, never of outcomes: sharing changes
/// none.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct Sharing {
    /// Banks that served more than one specification.
    pub banks: usize,
    /// Specifications that they served, all together.
    pub specs: usize,
    /// Specifications that the most used one served.
    pub most: usize,
}

impl Sharing {
    /// Whether nothing was shared.
    pub fn is_none(&self) -> bool {
        self.banks == 0
    }

    /// Both together.
    pub fn plus(self, other: Self) -> Self {
        Self {
            banks: self.banks + other.banks,
            specs: self.specs + other.specs,
            most: self.most.max(other.most),
        }
    }
}

impl std::fmt::Display for Sharing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let plural = if self.banks == 1 { "" } else { "s" };
        write!(
            f,
            "{} shared bank{plural} of expressions served {} specifications, the most used one {}",
            self.banks, self.specs, self.most
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_told_in_words() {
        let one = Sharing { banks: 1, specs: 5, most: 5 };
        assert_eq!(
            one.to_string(),
            "1 shared bank of expressions served 5 specifications, the most used one 5"
        );
        let both = one.plus(Sharing { banks: 2, specs: 9, most: 7 });
        assert_eq!(
            both.to_string(),
            "3 shared banks of expressions served 14 specifications, the most used one 7"
        );
        assert!(!both.is_none() && Sharing::default().plus(Sharing::default()).is_none());
    }
}
