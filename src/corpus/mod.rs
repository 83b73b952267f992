//! Room `corpus`.
