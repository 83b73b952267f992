//! Room `template`.
