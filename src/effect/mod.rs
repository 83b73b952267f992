//! Room `effect`.
