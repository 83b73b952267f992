//! Pipeline.
pub mod fingerprint;
pub mod order;
pub mod store;
pub use fingerprint::Fingerprint;
