//! The kernels compiled three times, and the choice among them at run time.
//!
//! The one `unsafe` step is to use processor features: those that this build does not assume, and prefetching.
//! Invariants:
//!
//! 1. A [`Simd`] other than `Portable` exists only where [`Simd::available`] found its features on this processor; its field
//!    is private to this module.
//! 2. A prefetch changes nothing that a program can see, and its address lies within an item of a slice; SSE is part of x86-64.
//! 3. Advice on pages changes nothing that a program can see; it is given for whole pages within what the list has allocated.
//! 4. A [`Bucket`] is 64 bytes at an address that 64 divides: it may be read in whole registers.

#![allow(unsafe_code, reason = "calls functions compiled for the features that were found")]

use crate::synth::bank::kernel::{self, Column, Job, Marks};
use crate::synth::bank::table::{self, Bucket};
use crate::synth::bank::{Candidates, Made, insert_new};
use crate::synth::enumerate::kernel as words;
use crate::synth::enumerate::vector;
use words::{Value, Wanted};

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
            if wide
                && has!("bmi1")
                && has!("avx512f")
                && has!("avx512dq")
                && has!("avx512vl")
                && has!("avx512bw")
            {
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
}

/// Methods that call a function of the bank compiled for what was found; in it, `S` is how the slots of a bucket are compared.
macro_rules! of_bank {
    ($($(#[$doc:meta])* $vis:vis fn $name:ident $avx512:ident $avx2:ident [$($generic:tt)*]
        ($($argument:ident: $type:ty),*) -> $result:ty { $call:expr })*) => {
        impl Simd {
            $(
                $(#[$doc])*
                #[inline]
                $vis fn $name<$($generic)*>(self, $($argument: $type),*) -> $result {
                    match self.0 {
                        #[cfg(target_arch = "x86_64")]
                        // SAFETY: invariant 1.
                        Level::Avx512 => unsafe { $avx512($($argument),*) },
                        #[cfg(target_arch = "x86_64")]
                        // SAFETY: invariant 1.
                        Level::Avx2 => unsafe { $avx2($($argument),*) },
                        Level::Portable => {
                            #[allow(dead_code, reason = "not every function looks into buckets")]
                            type S = table::Portable;
                            $call
                        }
                    }
                }
            )*
        }
        $(
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512bw,avx2,bmi1")]
            fn $avx512<$($generic)*>($($argument: $type),*) -> $result {
                #[allow(dead_code, reason = "not every function looks into buckets")]
                type S = slots::Wide;
                $call
            }

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2")]
            fn $avx2<$($generic)*>($($argument: $type),*) -> $result {
                #[allow(dead_code, reason = "not every function looks into buckets")]
                type S = slots::Narrow;
                $call
            }
        )*
    };
}

of_bank! {
    /// See [`kernel::compute`].
    pub fn compute compute_avx512 compute_avx2 [const L: usize]
        (job: Job<'_, L>, columns: &mut [Column<L>], hashes: &mut [u64]) -> () {
            kernel::compute(job, columns, hashes)
        }
    /// See [`kernel::mark`].
    pub fn mark mark_avx512 mark_avx2 [const L: usize]
        (columns: &[Column<L>], goal: &Column<L>, marks: &mut [Marks]) -> () {
            kernel::mark(columns, goal, marks)
        }
    /// See [`table::places`].
    pub(super) fn places places_avx512 places_avx2 []
        (buckets: &[Bucket], sums: &[u64], places: &mut [u32]) -> () {
            table::places(buckets, sums, places)
        }
    /// See [`table::suspect`].
    pub(super) fn suspect suspect_avx512 suspect_avx2 [const L: usize]
        (buckets: &[Bucket], columns: &[Column<L>], wanted: (&[u64], &[u32]), suspects: &mut [u32]) -> () {
            table::suspect::<S, L>(buckets, columns, wanted, suspects)
        }
    /// The entry with these values.
    pub(super) fn find find_avx512 find_avx2 [const L: usize]
        (buckets: &[Bucket], columns: &[Column<L>], column: &Column<L>) -> Option<usize> {
            table::find::<S>(buckets, kernel::hash(column), |entry| columns[entry].equals(column)).ok()
        }
    /// See [`insert_new`].
    pub(super) fn insert insert_avx512 insert_avx2 [const L: usize]
        (block: Candidates<'_, L>, columns: &mut Vec<Column<L>>, made: &mut Vec<Made>, buckets: &mut [Bucket])
        -> () {
            insert_new::<S, L>(block, columns, made, buckets)
        }
}

/// Methods that call a kernel of the enumeration compiled for what was found.
macro_rules! of_words {
    ($($kernel:ident $avx512:ident $avx2:ident ($($name:ident: $type:ty),*) -> $result:ty;)*) => {
        impl Simd {
            $(
                /// The kernel of the same name of the enumeration.
                #[inline]
                pub fn $kernel(self, $($name: $type),*) -> $result {
                    match self.0 {
                        #[cfg(target_arch = "x86_64")]
                        // SAFETY: invariant 1.
                        Level::Avx512 => unsafe { $avx512($($name),*) },
                        #[cfg(target_arch = "x86_64")]
                        // SAFETY: invariant 1.
                        Level::Avx2 => unsafe { $avx2($($name),*) },
                        Level::Portable => words::$kernel::<vector::Portable>($($name),*),
                    }
                }
            )*
        }
        $(
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512bw,avx2")]
            fn $avx512($($name: $type),*) -> $result {
                words::$kernel::<vector::Wide>($($name),*)
            }

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2")]
            fn $avx2($($name: $type),*) -> $result {
                words::$kernel::<vector::Narrow>($($name),*)
            }
        )*
    };
}

of_words! {
    binary binary_avx512 binary_avx2
        (wanted: (u32, bool), a: &Value, b: &Value, values: &mut [Value; 17], hashes: &mut [u64; 17]) -> u32;
    unary unary_avx512 unary_avx2
        (wanted: (u32, bool), a: &Value, values: &mut [Value; 11], hashes: &mut [u64; 11]) -> ();
    any_binary any_binary_avx512 any_binary_avx2
        (there: u32, a: &Value, values: &[Value], goal: &Wanted) -> bool;
    any_unary any_unary_avx512 any_unary_avx2 (there: u32, values: &[Value], goal: &Wanted) -> bool;
    last_binary last_binary_avx512 last_binary_avx2 (wanted: u32, a: &Value, b: &Value, goal: &Value) -> u32;
    last_unary last_unary_avx512 last_unary_avx2 (wanted: u32, a: &Value, goal: &Value) -> u32;
}

/// Asks for large pages where the items of a list are to stand: entries are looked up all over a bank, and each small page that
/// is touched costs a walk through the page table. Small lists are left as they are.
pub fn use_large_pages<T>(items: &mut Vec<T>) {
    #[cfg(target_os = "linux")]
    {
        const LARGE: usize = 2 << 20;
        let bytes = items.capacity() * size_of::<T>();
        if bytes >= 4 * LARGE {
            let start = items.as_mut_ptr().cast::<u8>();
            let skipped = start.align_offset(LARGE);
            let whole = (bytes - skipped.min(bytes)) / LARGE * LARGE;
            // SAFETY: invariant 3. Where it is refused everything is as it was.
            unsafe { libc::madvise(start.add(skipped).cast(), whole, libc::MADV_HUGEPAGE) };
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = items;
}

/// Asks for an item of a slice that will be read or written soon. Nothing happens where there is no such item.
#[inline(always)]
pub fn prefetch<T>(items: &[T], at: usize) {
    #[cfg(target_arch = "x86_64")]
    if let Some(item) = items.get(at) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        const LINE: usize = 64;
        for offset in (0..size_of::<T>()).step_by(LINE) {
            // SAFETY: invariant 2.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(item).cast::<i8>().add(offset)) };
        }
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
mod slots {
    use crate::synth::bank::table::{Bucket, INDEX_MASK, Slots};
    use std::arch::x86_64::*;

    /// One register of AVX-512.
    pub struct Wide;

    impl Slots for Wide {
        #[inline(always)]
        fn same(bucket: &Bucket, sum: u64) -> u32 {
            // SAFETY: invariants 1 and 4.
            unsafe {
                let differ = _mm512_xor_si512(load(bucket), _mm512_set1_epi64(sum as i64));
                u32::from(_mm512_cmple_epu64_mask(differ, _mm512_set1_epi64(INDEX_MASK as i64)))
            }
        }

        #[inline(always)]
        fn empty(bucket: &Bucket) -> u32 {
            // SAFETY: invariants 1 and 4.
            unsafe {
                let held = load(bucket);
                u32::from(_mm512_testn_epi64_mask(held, held))
            }
        }
    }

    #[inline(always)]
    unsafe fn load(bucket: &Bucket) -> __m512i {
        // SAFETY: invariants 1 and 4.
        unsafe { _mm512_load_si512(std::ptr::from_ref(bucket).cast()) }
    }

    /// Two registers of AVX2.
    pub struct Narrow;

    impl Slots for Narrow {
        #[inline(always)]
        fn same(bucket: &Bucket, sum: u64) -> u32 {
            // SAFETY: invariants 1 and 4.
            unsafe {
                let sum = _mm256_set1_epi64x(sum as i64);
                // A shift leaves the upper bits alone.
                zeros(bucket, |held| _mm256_srli_epi64::<28>(_mm256_xor_si256(held, sum)))
            }
        }

        #[inline(always)]
        fn empty(bucket: &Bucket) -> u32 {
            // SAFETY: invariants 1 and 4.
            unsafe { zeros(bucket, |held| held) }
        }
    }

    /// Which slots a function makes 0.
    #[inline(always)]
    unsafe fn zeros(bucket: &Bucket, f: impl Fn(__m256i) -> __m256i) -> u32 {
        let from = std::ptr::from_ref(bucket).cast::<__m256i>();
        // SAFETY: invariants 1 and 4.
        let half = |at: usize| unsafe {
            let is_zero = _mm256_cmpeq_epi64(f(_mm256_load_si256(from.add(at))), _mm256_setzero_si256());
            _mm256_movemask_pd(_mm256_castsi256_pd(is_zero)) as u32
        };
        half(0) | half(1) << 4
    }
}
