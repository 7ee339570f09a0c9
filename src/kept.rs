//! Memory that a thread keeps from one use to the next.

use std::{cell::Cell, thread::LocalKey};

/// Lends what a thread keeps. It is taken while it is in use: a panic leaves none behind. A thread
/// that ends has no memory to keep.
pub(crate) fn with<T: Default, R>(key: &'static LocalKey<Cell<T>>, work: impl FnOnce(&mut T) -> R) -> R {
    let mut kept = key.try_with(Cell::take).unwrap_or_default();
    let result = work(&mut kept);
    let _ = key.try_with(|cell| cell.set(kept));
    result
}

/// Gives back what the calling thread keeps.
pub(crate) fn release<T: Default>(key: &'static LocalKey<Cell<T>>) {
    let _ = key.try_with(Cell::take);
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;

    use super::*;

    thread_local! {
        static BYTES: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    }

    fn kept() -> Vec<u8> {
        with(&BYTES, |bytes| bytes.clone())
    }

    #[test]
    fn what_is_in_use_is_not_lent_twice() {
        with(&BYTES, |outer| {
            outer.push(1);
            with(&BYTES, |inner| {
                assert!(inner.is_empty());
                inner.push(2);
            });
            assert_eq!(*outer, [1]);
        });
        assert_eq!(kept(), [1], "what was put back last stays");
        release(&BYTES);
        assert!(kept().is_empty());
    }

    #[test]
    fn a_panic_leaves_nothing_behind() {
        with(&BYTES, |bytes| bytes.push(1));
        assert!(catch_unwind(|| with(&BYTES, |bytes| assert!(bytes.is_empty()))).is_err());
        assert!(kept().is_empty());
    }
}
