//! Eight cells in the registers of AVX-512, in those of AVX2, or in an array: the same operations, the same answers.
//!
//! The `unsafe` steps are the processor's instructions. Invariants:
//!
//! 1. `Wide` and `Narrow` are named only where [`crate::synth::bank::simd`] compiles a kernel for the features that they need,
//!    and it calls that kernel only where it found these features. So every instruction below is one that the processor has.
//! 2. [`Value`] is 64 bytes at an address that 64 divides: it may be read and written in whole registers.

#![allow(unsafe_code, reason = "uses the instructions whose features were found")]

use crate::model::{Cell, scalar};
use crate::synth::enumerate::kernel::Value;

/// Eight cells.
pub trait Vector: Copy {
    /// The cells of a value.
    fn load(value: &Value) -> Self;
    /// Becomes a value.
    fn store(self, value: &mut Value);
    /// The same cell eight times.
    fn all(cell: Cell) -> Self;
    /// Whether all cells are the same.
    fn is(self, other: Self) -> bool;
    /// Which lanes were equal in one of several comparisons.
    type Marks: Copy;
    /// No lanes.
    fn no_marks() -> Self::Marks;
    /// These lanes, and those in which the cells are the same.
    fn mark(self, other: Self, marks: Self::Marks) -> Self::Marks;
    /// Whether these are all lanes: where not, no comparison was of equal vectors.
    fn is_all(marks: Self::Marks) -> bool;
    /// `+`
    fn add(self, other: Self) -> Self;
    /// `-`
    fn sub(self, other: Self) -> Self;
    /// `*`
    fn mul(self, other: Self) -> Self;
    /// The product of the lower halves, as unsigned numbers.
    fn mul_halves(self, other: Self) -> Self;
    /// `min`
    fn min(self, other: Self) -> Self;
    /// `max`
    fn max(self, other: Self) -> Self;
    /// `and`
    fn and(self, other: Self) -> Self;
    /// `or`
    fn or(self, other: Self) -> Self;
    /// `xor`
    fn xor(self, other: Self) -> Self;
    /// `lshift`
    fn lshift(self, counts: Self) -> Self;
    /// `rshift`
    fn rshift(self, counts: Self) -> Self;
    /// `=`
    fn equal(self, other: Self) -> Self;
    /// `<`
    fn less(self, other: Self) -> Self;
    /// `u<`
    fn u_less(self, other: Self) -> Self;
    /// `2/`
    fn two_slash(self) -> Self;
    /// The sum of the cells.
    fn sum(self) -> u64;
}

/// An array: what the build assumes.
#[derive(Clone, Copy)]
pub struct Portable([Cell; 8]);

impl Portable {
    #[inline(always)]
    fn zip(self, other: Self, f: impl Fn(Cell, Cell) -> Cell) -> Self {
        Self(std::array::from_fn(|lane| f(self.0[lane], other.0[lane])))
    }
}

impl Vector for Portable {
    #[inline(always)]
    fn load(value: &Value) -> Self {
        Self(value.0)
    }

    #[inline(always)]
    fn store(self, value: &mut Value) {
        value.0 = self.0;
    }

    #[inline(always)]
    fn all(cell: Cell) -> Self {
        Self([cell; 8])
    }

    type Marks = [bool; 8];

    #[inline(always)]
    fn is(self, other: Self) -> bool {
        self.0 == other.0
    }

    #[inline(always)]
    fn no_marks() -> [bool; 8] {
        [false; 8]
    }

    #[inline(always)]
    fn mark(self, other: Self, marks: [bool; 8]) -> [bool; 8] {
        std::array::from_fn(|lane| marks[lane] | (self.0[lane] == other.0[lane]))
    }

    #[inline(always)]
    fn is_all(marks: [bool; 8]) -> bool {
        marks == [true; 8]
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        self.zip(other, Cell::wrapping_add)
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        self.zip(other, Cell::wrapping_sub)
    }

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        self.zip(other, Cell::wrapping_mul)
    }

    #[inline(always)]
    fn mul_halves(self, other: Self) -> Self {
        self.zip(other, |x, y| (x & 0xFFFF_FFFF).wrapping_mul(y & 0xFFFF_FFFF))
    }

    #[inline(always)]
    fn min(self, other: Self) -> Self {
        self.zip(other, |x, y| x.min(y))
    }

    #[inline(always)]
    fn max(self, other: Self) -> Self {
        self.zip(other, |x, y| x.max(y))
    }

    #[inline(always)]
    fn and(self, other: Self) -> Self {
        self.zip(other, |x, y| x & y)
    }

    #[inline(always)]
    fn or(self, other: Self) -> Self {
        self.zip(other, |x, y| x | y)
    }

    #[inline(always)]
    fn xor(self, other: Self) -> Self {
        self.zip(other, |x, y| x ^ y)
    }

    #[inline(always)]
    fn lshift(self, counts: Self) -> Self {
        self.zip(counts, scalar::lshift)
    }

    #[inline(always)]
    fn rshift(self, counts: Self) -> Self {
        self.zip(counts, scalar::rshift)
    }

    #[inline(always)]
    fn equal(self, other: Self) -> Self {
        self.zip(other, |x, y| scalar::flag(x == y))
    }

    #[inline(always)]
    fn less(self, other: Self) -> Self {
        self.zip(other, |x, y| scalar::flag(x < y))
    }

    #[inline(always)]
    fn u_less(self, other: Self) -> Self {
        self.zip(other, |x, y| scalar::flag((x as u64) < y as u64))
    }

    #[inline(always)]
    fn two_slash(self) -> Self {
        Self(self.0.map(scalar::two_slash))
    }

    #[inline(always)]
    fn sum(self) -> u64 {
        self.0.iter().fold(0, |sum, cell| sum.wrapping_add(*cell as u64))
    }
}

#[cfg(target_arch = "x86_64")]
pub use x86::{Narrow, Wide};

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{Cell, Value, Vector};
    use std::arch::x86_64::*;

    /// One register of AVX-512.
    #[derive(Clone, Copy)]
    pub struct Wide(__m512i);

    /// Methods that are one instruction.
    macro_rules! once {
        ($($name:ident $instruction:ident)*) => {
            $(
                #[inline(always)]
                fn $name(self, other: Self) -> Self {
                    // SAFETY: invariant 1.
                    Self(unsafe { $instruction(self.0, other.0) })
                }
            )*
        };
    }

    /// Methods that are one comparison, made into flags.
    macro_rules! flags {
        ($($name:ident $instruction:ident)*) => {
            $(
                #[inline(always)]
                fn $name(self, other: Self) -> Self {
                    // SAFETY: invariant 1.
                    Self(unsafe { _mm512_movm_epi64($instruction(self.0, other.0)) })
                }
            )*
        };
    }

    impl Vector for Wide {
        once! {
            add _mm512_add_epi64
            sub _mm512_sub_epi64
            mul _mm512_mullo_epi64
            mul_halves _mm512_mul_epu32
            min _mm512_min_epi64
            max _mm512_max_epi64
            and _mm512_and_si512
            or _mm512_or_si512
            xor _mm512_xor_si512
            lshift _mm512_sllv_epi64
            rshift _mm512_srlv_epi64
        }

        flags! {
            equal _mm512_cmpeq_epi64_mask
            less _mm512_cmplt_epi64_mask
            u_less _mm512_cmplt_epu64_mask
        }

        #[inline(always)]
        fn load(value: &Value) -> Self {
            // SAFETY: invariants 1 and 2.
            Self(unsafe { _mm512_load_si512(std::ptr::from_ref(value).cast()) })
        }

        #[inline(always)]
        fn all(cell: Cell) -> Self {
            // SAFETY: invariant 1.
            Self(unsafe { _mm512_set1_epi64(cell) })
        }

        #[inline(always)]
        fn two_slash(self) -> Self {
            // SAFETY: invariant 1.
            Self(unsafe { _mm512_srai_epi64::<1>(self.0) })
        }

        #[inline(always)]
        fn store(self, value: &mut Value) {
            // SAFETY: invariants 1 and 2.
            unsafe { _mm512_store_si512(std::ptr::from_mut(value).cast(), self.0) }
        }

        type Marks = __mmask8;

        #[inline(always)]
        fn is(self, other: Self) -> bool {
            // SAFETY: invariant 1.
            unsafe { _mm512_cmpneq_epi64_mask(self.0, other.0) == 0 }
        }

        #[inline(always)]
        fn no_marks() -> __mmask8 {
            0
        }

        #[inline(always)]
        fn mark(self, other: Self, marks: __mmask8) -> __mmask8 {
            // SAFETY: invariant 1.
            marks | unsafe { _mm512_cmpeq_epi64_mask(self.0, other.0) }
        }

        #[inline(always)]
        fn is_all(marks: __mmask8) -> bool {
            marks == __mmask8::MAX
        }

        #[inline(always)]
        fn sum(self) -> u64 {
            // SAFETY: invariant 1.
            unsafe { _mm512_reduce_add_epi64(self.0) as u64 }
        }
    }

    /// Two registers of AVX2.
    #[derive(Clone, Copy)]
    pub struct Narrow([__m256i; 2]);

    impl Narrow {
        #[inline(always)]
        fn zip(self, other: Self, f: impl Fn(__m256i, __m256i) -> __m256i) -> Self {
            Self([f(self.0[0], other.0[0]), f(self.0[1], other.0[1])])
        }

        /// This where the flags are true, else the other.
        #[inline(always)]
        fn where_true(self, other: Self, flags: Self) -> Self {
            let choose = |at: usize| {
                // SAFETY: invariant 1.
                unsafe { _mm256_blendv_epi8(other.0[at], self.0[at], flags.0[at]) }
            };
            Self([choose(0), choose(1)])
        }
    }

    /// Methods that do the same instruction on both registers.
    macro_rules! twice {
        ($($name:ident $instruction:ident)*) => {
            $(
                #[inline(always)]
                fn $name(self, other: Self) -> Self {
                    // SAFETY: invariant 1.
                    self.zip(other, |a, b| unsafe { $instruction(a, b) })
                }
            )*
        };
    }

    impl Vector for Narrow {
        twice! {
            add _mm256_add_epi64
            sub _mm256_sub_epi64
            mul_halves _mm256_mul_epu32
            and _mm256_and_si256
            or _mm256_or_si256
            xor _mm256_xor_si256
            lshift _mm256_sllv_epi64
            rshift _mm256_srlv_epi64
            equal _mm256_cmpeq_epi64
        }

        #[inline(always)]
        fn load(value: &Value) -> Self {
            let from = std::ptr::from_ref(value).cast::<__m256i>();
            // SAFETY: invariants 1 and 2.
            unsafe { Self([_mm256_load_si256(from), _mm256_load_si256(from.add(1))]) }
        }

        #[inline(always)]
        fn store(self, value: &mut Value) {
            let to = std::ptr::from_mut(value).cast::<__m256i>();
            // SAFETY: invariants 1 and 2.
            unsafe {
                _mm256_store_si256(to, self.0[0]);
                _mm256_store_si256(to.add(1), self.0[1]);
            }
        }

        #[inline(always)]
        fn all(cell: Cell) -> Self {
            // SAFETY: invariant 1.
            Self([unsafe { _mm256_set1_epi64x(cell) }; 2])
        }

        type Marks = Self;

        #[inline(always)]
        fn no_marks() -> Self {
            Self::all(0)
        }

        #[inline(always)]
        fn mark(self, other: Self, marks: Self) -> Self {
            marks.or(self.equal(other))
        }

        #[inline(always)]
        fn is_all(marks: Self) -> bool {
            // SAFETY: invariant 1.
            unsafe { _mm256_movemask_epi8(_mm256_and_si256(marks.0[0], marks.0[1])) == -1 }
        }

        #[inline(always)]
        fn is(self, other: Self) -> bool {
            let same = |at: usize| {
                // SAFETY: invariant 1.
                unsafe { _mm256_movemask_epi8(_mm256_cmpeq_epi64(self.0[at], other.0[at])) == -1 }
            };
            same(0) && same(1)
        }

        #[inline(always)]
        fn mul(self, other: Self) -> Self {
            let high = |v: Self| v.rshift(Self::all(32));
            let crossed = high(self).mul_halves(other).add(self.mul_halves(high(other)));
            self.mul_halves(other).add(crossed.lshift(Self::all(32)))
        }

        #[inline(always)]
        fn min(self, other: Self) -> Self {
            self.where_true(other, self.less(other))
        }

        #[inline(always)]
        fn max(self, other: Self) -> Self {
            other.where_true(self, self.less(other))
        }

        #[inline(always)]
        fn less(self, other: Self) -> Self {
            // SAFETY: invariant 1.
            self.zip(other, |a, b| unsafe { _mm256_cmpgt_epi64(b, a) })
        }

        #[inline(always)]
        fn u_less(self, other: Self) -> Self {
            let sign = Self::all(Cell::MIN);
            self.xor(sign).less(other.xor(sign))
        }

        #[inline(always)]
        fn two_slash(self) -> Self {
            self.rshift(Self::all(1)).or(self.and(Self::all(Cell::MIN)))
        }

        #[inline(always)]
        fn sum(self) -> u64 {
            // SAFETY: invariant 1.
            let both = unsafe { _mm256_add_epi64(self.0[0], self.0[1]) };
            // SAFETY: a register of four cells is an array of four cells.
            let cells: [u64; 4] = unsafe { std::mem::transmute(both) };
            cells.iter().fold(0, |sum, cell| sum.wrapping_add(*cell))
        }
    }
}
