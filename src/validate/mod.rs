//! Room `validate`.
