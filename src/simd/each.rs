//! A loop in place of `array::map`, for functions with target features.

/// `[$value with $i = 0, ..., $value with $i = $n - 1]`, for values that are `Copy`.
///
/// A closure has the target features of the function around it, and `map` and `from_fn` have none:
/// so it is not inlined there, and every vector crosses a call in memory. That cost the AVX-512
/// decoder two thirds of its speed (rust-lang/rust issue 155667); `scripts/hot_loops.sh` finds it.
macro_rules! each {
    ($n:expr, |$i:ident| $value:expr) => {{
        let mut all = [{
            let $i = 0;
            $value
        }; $n];
        #[allow(clippy::needless_range_loop, reason = "the index is for several arrays")]
        for $i in 1..$n {
            all[$i] = $value;
        }
        all
    }};
}
