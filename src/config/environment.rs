//! The layer of the environment: `WORDMILL_…` variables.

use super::{Layer, Origin, SETTINGS, codes, nearest};
use crate::model::{Diagnostic, Severity};

/// Variables that are read elsewhere, before there are settings.
const OTHERS: [&str; 2] = ["WORDMILL_CONFIG", "WORDMILL_LOG"];

/// Reads the settings among `variables`; what cannot be used is told.
pub fn layer(variables: impl Iterator<Item = (String, String)>) -> (Layer, Vec<Diagnostic>) {
    let mut layer = Layer::new();
    let mut diagnostics = Vec::new();
    let mut mine: Vec<_> = variables.filter(|(name, _)| name.starts_with("WORDMILL_")).collect();
    mine.sort();
    for (name, text) in mine {
        match SETTINGS.iter().find(|setting| setting.variable == name) {
            // An empty variable is how scripts unset one.
            Some(_) if text.is_empty() => {}
            Some(setting) => match setting.kind.parse(&text) {
                Some(value) => layer.push((setting.key, value, Origin::Variable(setting.variable))),
                None => {
                    let message = format!("{name} is `{text}`, expected {}", setting.kind.expected());
                    diagnostics.push(Diagnostic::new(codes::BAD_VARIABLE, Severity::Error, message));
                }
            },
            None if OTHERS.contains(&name.as_str()) => {}
            None => diagnostics.push(unknown(&name)),
        }
    }
    (layer, diagnostics)
}

fn unknown(name: &str) -> Diagnostic {
    let message = format!("environment variable {name} is no setting of wordmill");
    let diagnostic = Diagnostic::new(codes::UNKNOWN_VARIABLE, Severity::Warning, message);
    match nearest(name, SETTINGS.iter().map(|setting| setting.variable).chain(OTHERS)) {
        Some(near) => diagnostic.suggest(format!("did you mean {near}?")),
        None => diagnostic,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Key, Value};

    fn read(name: &str, text: &str) -> (Layer, Vec<Diagnostic>) {
        layer([(name.to_owned(), text.to_owned())].into_iter())
    }

    #[test]
    fn variables_become_settings() {
        let (layer, diagnostics) = read("WORDMILL_COLOR", "never");
        let origin = Origin::Variable("WORDMILL_COLOR");
        assert_eq!(layer, [(Key::OutputColor, Value::Text("never".to_owned()), origin)]);
        assert_eq!(diagnostics, []);
    }

    #[test]
    fn what_cannot_be_used_is_told() {
        fn check(name: &str, text: &str, expect: &[(u16, &str)]) {
            let (layer, diagnostics) = read(name, text);
            assert_eq!(layer, []);
            let told: Vec<_> =
                diagnostics.iter().map(|d| (d.code.0, d.suggestion.as_deref().unwrap_or(""))).collect();
            assert_eq!(told, expect, "{name}={text}");
        }
        check("WORDMILL_COLOR", "sometimes", &[(98, "")]);
        check("WORDMILL_COLOR", "", &[]);
        check("WORDMILL_COLOUR", "never", &[(99, "did you mean WORDMILL_COLOR?")]);
        check("WORDMILL_CONFIG", "x.toml", &[]);
        check("PATH", "/bin", &[]);
    }
}
