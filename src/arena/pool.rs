//! A pool of reusable things, lent one at a time.

use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, PoisonError};

/// Something that can be made as good as new for its next user.
pub trait Reuse {
    /// Forgets the last user's work; keeps the memory.
    fn recycle(&mut self);
}

/// Lends things of one kind, making a new one when all are out. It holds at most as many as were ever out at once.
///
/// rayon's `map_init` makes its state per job, not per thread, which is why the pool owns the memory and workers borrow it.
pub struct Pool<T: Reuse> {
    idle: Mutex<Vec<T>>,
    make: Box<dyn Fn() -> T + Send + Sync>,
}

impl<T: Reuse> Pool<T> {
    /// A pool that makes its things with `make`.
    pub fn new(make: impl Fn() -> T + Send + Sync + 'static) -> Self {
        Self { idle: Mutex::new(Vec::new()), make: Box::new(make) }
    }

    /// Lends one. It comes back, recycled, when the guard is dropped.
    pub fn lend(&self) -> Lent<'_, T> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        Lent { pool: self, thing: Some(idle.unwrap_or_else(|| (self.make)())) }
    }

    /// How many are idle.
    pub fn n_idle(&self) -> usize {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

/// The guard of a lent thing. What a panic touched is thrown away, not lent again.
pub struct Lent<'p, T: Reuse> {
    pool: &'p Pool<T>,
    thing: Option<T>,
}

impl<T: Reuse> Lent<'_, T> {
    /// Throws the thing away, after a contained panic: nobody knows what state it is in.
    pub fn discard(&mut self) {
        self.thing = Some((self.pool.make)());
    }
}

impl<T: Reuse> Deref for Lent<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.thing.as_ref().expect("a lent thing is there until the guard is dropped")
    }
}

impl<T: Reuse> DerefMut for Lent<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.thing.as_mut().expect("a lent thing is there until the guard is dropped")
    }
}

impl<T: Reuse> Drop for Lent<'_, T> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        if let Some(mut thing) = self.thing.take() {
            thing.recycle();
            self.pool.idle.lock().unwrap_or_else(PoisonError::into_inner).push(thing);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counted(u32);

    impl Reuse for Counted {
        fn recycle(&mut self) {
            self.0 = 0;
        }
    }

    #[test]
    fn lends_the_same_thing_again_recycled() {
        let pool = Pool::new(|| Counted(7));
        pool.lend().0 = 9;
        assert_eq!(pool.n_idle(), 1);
        assert_eq!(pool.lend().0, 0);
        assert_eq!(pool.n_idle(), 1);
    }

    #[test]
    fn nested_lending_gives_a_second_one() {
        let pool = Pool::new(|| Counted(7));
        let first = pool.lend();
        let second = pool.lend();
        assert_eq!((first.0, second.0), (7, 7));
        drop(first);
        drop(second);
        assert_eq!(pool.n_idle(), 2);
    }

    #[test]
    fn what_a_panic_touched_is_not_lent_again() {
        let pool = Pool::new(|| Counted(7));
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _lent = pool.lend();
            panic!("on purpose");
        }));
        assert!(result.is_err());
        assert_eq!(pool.n_idle(), 0);
    }
}
