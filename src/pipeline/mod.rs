//! Pipeline.
pub mod fingerprint;
pub mod store;
pub use fingerprint::Fingerprint;
