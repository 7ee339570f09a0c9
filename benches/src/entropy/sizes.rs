//! Sizes beside Huff0 and lanes, with the bounds that the design sets.

use ranstream::{DecodeOptions, EncodeOptions, Mode, Prefer};

use super::BLOCK;
use crate::peers::{Codec, Huff0, Rans, openzl_codecs};

/// The most that blocks may be larger than Huff0's where size is preferred.
pub const OVER_HUFF0: f64 = 0.007;

/// The most that blocks may be larger than lanes where speed is preferred.
pub const OVER_LANES: f64 = 0.015;

/// Coded bytes of one file, in blocks of 256 KiB; those of Huff0 are 128 KiB.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sizes {
    /// Raw bytes.
    pub raw: usize,
    /// With the length of each block.
    pub huff0: usize,
    /// Forced.
    pub lanes: usize,
    /// The smallest of what the policy names, pivot, and both with a table every 128 KiB.
    pub preferred_ratio: usize,
    /// Pivot where it costs at most 1.5 %, else what the policy names.
    pub preferred_speed: usize,
    /// Forced, the setting for size.
    pub pivot_ratio: usize,
    /// The same in blocks as short as those of Huff0.
    pub pivot_ratio_short: usize,
    /// Forced, the setting for speed.
    pub pivot_speed: usize,
    /// OpenZL's, as shipped, where it is there.
    pub openzl: Option<usize>,
}

/// Codes a file in every way.
#[must_use]
pub fn measure(raw: &[u8]) -> Sizes {
    let in_blocks = |block_len, mode, prefer: Option<Prefer>| {
        let mut options = EncodeOptions::new().level(0).mode(mode).block_len(block_len);
        options.block.prefer = prefer;
        coded_len(&mut Rans::new("", options, DecodeOptions::new()), raw)
    };
    let ours = |mode, prefer| in_blocks(BLOCK, mode, prefer);
    Sizes {
        raw: raw.len(),
        huff0: coded_len(&mut Huff0::default(), raw),
        lanes: ours(Mode::Lanes, None),
        preferred_ratio: ours(Mode::Auto, Some(Prefer::Ratio)),
        preferred_speed: ours(Mode::Auto, Some(Prefer::Speed)),
        pivot_ratio: ours(Mode::Pivot, Some(Prefer::Ratio)),
        pivot_ratio_short: in_blocks(BLOCK / 2, Mode::Pivot, Some(Prefer::Ratio)),
        pivot_speed: ours(Mode::Pivot, None),
        openzl: openzl_codecs::pivco(BLOCK).first_mut().map(|codec| coded_len(&mut **codec, raw)),
    }
}

fn coded_len(codec: &mut dyn Codec, raw: &[u8]) -> usize {
    let mut coded = Vec::new();
    codec.encode(raw, &mut coded);
    coded.len()
}

/// A row a file, and which bounds hold.
#[must_use]
pub fn table(files: &[(String, Sizes)]) -> String {
    let mut text = String::from(
        "| file | huff0 % | lanes % | prefer ratio % | over huff0 | holds | prefer speed % | over lanes | holds | \
        pivot, ratio % | over huff0 | both 128 KiB | pivot, speed % | over lanes | openzl pivco % |\n\
        |---|---:|---:|---:|---:|---|---:|---:|---|---:|---:|---:|---:|---:|---:|\n",
    );
    for (name, sizes) in files {
        let percent = |len: usize| format!("{:.2}", 100.0 * len as f64 / sizes.raw as f64);
        let over = |len: usize, of: usize| len as f64 / of as f64 - 1.0;
        let signed = |over: f64| format!("{:+.2} %", 100.0 * over);
        let holds = |holds: bool| String::from(if holds { "yes" } else { "**no**" });
        let to_huff0 = over(sizes.preferred_ratio, sizes.huff0);
        let to_lanes = over(sizes.preferred_speed, sizes.lanes);
        let cells = [
            percent(sizes.huff0),
            percent(sizes.lanes),
            percent(sizes.preferred_ratio),
            signed(to_huff0),
            holds(to_huff0 <= OVER_HUFF0),
            percent(sizes.preferred_speed),
            signed(to_lanes),
            holds(to_lanes <= OVER_LANES),
            percent(sizes.pivot_ratio),
            signed(over(sizes.pivot_ratio, sizes.huff0)),
            signed(over(sizes.pivot_ratio_short, sizes.huff0)),
            percent(sizes.pivot_speed),
            signed(over(sizes.pivot_speed, sizes.lanes)),
            sizes.openzl.map_or_else(String::new, percent),
        ];
        text += &format!("| {name} | {} |\n", cells.join(" | "));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_held_against_their_own_peer() {
        let sizes = Sizes {
            raw: 2000,
            huff0: 1000,
            lanes: 980,
            preferred_ratio: 1007,
            preferred_speed: 995,
            pivot_ratio: 1011,
            pivot_ratio_short: 1009,
            pivot_speed: 997,
            ..Sizes::default()
        };
        let over = Sizes { preferred_ratio: 1008, preferred_speed: 994, ..sizes };
        let text = table(&[("x".into(), sizes), ("y".into(), over)]);
        let row = |name: &str| text.lines().find(|line| line.starts_with(&format!("| {name} |"))).unwrap().to_owned();
        assert!(row("x").contains("| 50.35 | +0.70 % | yes | 49.75 | +1.53 % | **no** | 50.55 | +1.10 % | +0.90 % |"));
        assert!(row("y").contains("| +0.80 % | **no** | 49.70 | +1.43 % | yes |"), "{text}");
    }

    #[test]
    fn a_file_is_coded_in_every_way() {
        let raw: Vec<u8> = (0..600_000_u64).map(|index| (index * index % 251 % 17) as u8).collect();
        let sizes = measure(&raw);
        for len in [sizes.huff0, sizes.lanes, sizes.preferred_ratio, sizes.preferred_speed, sizes.pivot_ratio] {
            assert!((200_000..400_000).contains(&len), "{sizes:?}");
        }
        assert!(sizes.pivot_ratio <= sizes.pivot_speed, "{sizes:?}");
        assert!(sizes.preferred_ratio <= sizes.pivot_ratio, "{sizes:?}");
    }
}
