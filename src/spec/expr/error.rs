//! What is wrong with an expression, and where.

/// An expression that cannot be parsed; what it says stays unchecked.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{message}")]
pub struct ExprError {
    /// Where, in bytes from the start of the text.
    pub position: u32,
    /// How many bytes are marked; 0 at the end of the text.
    pub len: u32,
    /// One sentence, lower case, without a full stop.
    pub message: String,
    /// What to do about it, where something is likely.
    pub suggestion: Option<String>,
}

impl ExprError {
    pub(super) fn new(position: usize, len: usize, message: impl Into<String>) -> Self {
        Self { position: position as u32, len: len as u32, message: message.into(), suggestion: None }
    }

    pub(super) fn suggest(mut self, suggestion: impl Into<String>) -> Self {
        self.suggestion = Some(suggestion.into());
        self
    }
}
