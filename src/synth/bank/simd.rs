//! The kernels compiled three times, and the choice among them at run time.
//!
//! The one `unsafe` step is to use processor features: those that this build does not assume, and prefetching.
//! Invariants:
//!
//! 1. A [`Simd`] other than `Portable` exists only where [`Simd::available`] found its features on this processor; its field
//!    is private to this module.
//! 2. A prefetch changes nothing that a program can see, and its address is that of a live item; SSE is part of x86-64.

#![allow(unsafe_code, reason = "calls functions compiled for the features that were found")]

use crate::synth::bank::kernel::{self, Column, Job, Marks};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Level {
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    Portable,
}

/// Which vector instructions the kernels use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Simd(Level);

impl Simd {
    /// No instructions beyond those that the build assumes.
    pub const PORTABLE: Simd = Simd(Level::Portable);

    /// What this processor offers, the widest first.
    pub fn available() -> Vec<Simd> {
        let mut found = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            use std::arch::is_x86_feature_detected as has;
            let wide = has!("avx2") && has!("popcnt");
            if wide && has!("avx512f") && has!("avx512dq") && has!("avx512vl") && has!("avx512bw") {
                found.push(Simd(Level::Avx512));
            }
            if wide {
                found.push(Simd(Level::Avx2));
            }
        }
        found.push(Simd::PORTABLE);
        found
    }

    /// The widest that this processor offers.
    pub fn best() -> Simd {
        static BEST: std::sync::OnceLock<Simd> = std::sync::OnceLock::new();
        *BEST.get_or_init(|| Simd::available()[0])
    }

    /// The name of the instruction set.
    pub fn name(self) -> &'static str {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => "avx512",
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => "avx2",
            Level::Portable => "portable",
        }
    }

    /// See [`kernel::compute`].
    #[inline]
    pub fn compute<const L: usize>(self, job: Job<'_, L>, columns: &mut [Column<L>], hashes: &mut [u64]) {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: invariant 1.
            Level::Avx512 => unsafe { compute_avx512(job, columns, hashes) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: invariant 1.
            Level::Avx2 => unsafe { compute_avx2(job, columns, hashes) },
            Level::Portable => kernel::compute(job, columns, hashes),
        }
    }

    /// See [`kernel::common`].
    #[inline]
    pub fn common(self, set: &[u64], rows: &[u64], counts: &mut [u32]) {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: invariant 1; both levels ask for `popcnt`.
            Level::Avx512 | Level::Avx2 => unsafe { common_popcnt(set, rows, counts) },
            Level::Portable => kernel::common(set, rows, counts),
        }
    }

    /// See [`kernel::mark`].
    #[inline]
    pub fn mark<const L: usize>(self, columns: &[Column<L>], goal: &Column<L>, marks: &mut [Marks]) {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: invariant 1.
            Level::Avx512 => unsafe { mark_avx512(columns, goal, marks) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: invariant 1.
            Level::Avx2 => unsafe { mark_avx2(columns, goal, marks) },
            Level::Portable => kernel::mark(columns, goal, marks),
        }
    }
}

/// Asks for an item of a slice that will be read soon. Nothing happens where there is no such item.
#[inline(always)]
pub fn prefetch<T>(items: &[T], at: usize) {
    #[cfg(target_arch = "x86_64")]
    if let Some(item) = items.get(at) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: invariant 2.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(item).cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (items, at);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "popcnt")]
fn common_popcnt(set: &[u64], rows: &[u64], counts: &mut [u32]) {
    kernel::common(set, rows, counts);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512bw,avx2")]
fn mark_avx512<const L: usize>(columns: &[Column<L>], goal: &Column<L>, marks: &mut [Marks]) {
    kernel::mark(columns, goal, marks);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn mark_avx2<const L: usize>(columns: &[Column<L>], goal: &Column<L>, marks: &mut [Marks]) {
    kernel::mark(columns, goal, marks);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512bw,avx2")]
fn compute_avx512<const L: usize>(job: Job<'_, L>, columns: &mut [Column<L>], hashes: &mut [u64]) {
    kernel::compute(job, columns, hashes);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn compute_avx2<const L: usize>(job: Job<'_, L>, columns: &mut [Column<L>], hashes: &mut [u64]) {
    kernel::compute(job, columns, hashes);
}
