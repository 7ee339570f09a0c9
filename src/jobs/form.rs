//! The decode kernel in its forms, and which one fits a device.

use std::{error, fmt, str::FromStr};

use crate::jobs::layout::SEGMENTS;

/// How the lanes of a segment tell each other which of them want a word. All forms give the same
/// bytes and verdicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Form {
    /// By ballots alone: no barrier in any round. Chosen where every subgroup has 32 invocations or
    /// more; can be asked for where all have one size, 4 to 16.
    Ballot,
    /// By ballots that are merged through workgroup memory. Chosen where no subgroup has more than
    /// 32 invocations.
    Merged,
    /// Through workgroup memory alone. For every device.
    Workgroup,
}

const LAYOUT: &str = include_str!("../../shaders/shared/layout.wgsl");
const WORDS: &str = include_str!("../../shaders/shared/words.wgsl");
const TABLE: &str = include_str!("../../shaders/shared/table.wgsl");
const TURNS: &str = include_str!("../../shaders/shared/turns.wgsl");
const VOTES: &str = include_str!("../../shaders/shared/votes.wgsl");
const JOB: &str = include_str!("../../shaders/shared/job.wgsl");

/// Lanes of a segment.
const LANES: u32 = 32;

/// Bytes of workgroup memory that the kernel declares: the table, the cumulatives, the tile of turns, three votes per
/// segment, the failures.
pub const WORKGROUP_MEMORY: u32 = (4096 + 257 + 256 + 3 * SEGMENTS as u32 + 1) * 4;

/// Invocations of the largest workgroup.
pub const INVOCATIONS: u32 = SEGMENTS as u32 * LANES;

impl Form {
    /// All forms with their names.
    pub const ALL: [(&'static str, Self); 3] =
        [("ballot", Self::Ballot), ("merged", Self::Merged), ("workgroup", Self::Workgroup)];

    /// The form for subgroups of `sizes`, the smallest and the largest; `None`: the device has no
    /// subgroups.
    fn fit(sizes: Option<(u32, u32)>) -> Self {
        match sizes {
            Some((min, _)) if min >= LANES => Self::Ballot,
            Some((_, max)) if max <= LANES => Self::Merged,
            _ => Self::Workgroup,
        }
    }

    /// The forms that may be chosen for subgroups of `sizes`, the best first.
    pub fn candidates(sizes: Option<(u32, u32)>) -> impl Iterator<Item = Self> {
        let fit = Self::fit(sizes);
        let others = [Self::Merged, Self::Workgroup].into_iter();
        [fit].into_iter().chain(others.filter(move |form| *form != fit && form.fold(sizes).is_some()))
    }

    /// Lanes per invocation where subgroups have the `sizes`, the smallest and the largest; `None`
    /// stands for a device without subgroups. `None`: it cannot run this form.
    #[must_use]
    pub fn fold(self, sizes: Option<(u32, u32)>) -> Option<u32> {
        match (self, sizes) {
            (Self::Workgroup, _) => Some(1),
            (Self::Merged, Some((_, max))) => (max <= LANES).then_some(1),
            (Self::Ballot, Some((min, _))) if min >= LANES => Some(1),
            (Self::Ballot, Some((min, max))) => (min == max && min >= 4 && min.is_power_of_two()).then(|| LANES / min),
            (_, None) => None,
        }
    }

    /// The whole shader, in WGSL, for so many lanes per invocation.
    #[must_use]
    pub fn source(self, fold: u32) -> String {
        let (votes, stage) = match self {
            Self::Ballot => ("", include_str!("../../shaders/lanes_ballot.wgsl")),
            Self::Merged => (VOTES, include_str!("../../shaders/lanes_merged.wgsl")),
            Self::Workgroup => (VOTES, include_str!("../../shaders/lanes_workgroup.wgsl")),
        };
        // Browsers refuse ballots without this line, naga refuses the line.
        let enable = if cfg!(target_family = "wasm") && self != Self::Workgroup { "enable subgroups;\n" } else { "" };
        format!("{enable}const FOLD: u32 = {fold}u;\n{LAYOUT}\n{WORDS}\n{TABLE}\n{TURNS}\n{JOB}\n{votes}\n{stage}")
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Self::ALL.iter().find(|(_, form)| form == self).map_or("unknown", |(name, _)| name);
        f.pad(name)
    }
}

/// Takes a name of [`Form::ALL`].
impl FromStr for Form {
    type Err = ParseFormError;

    fn from_str(name: &str) -> Result<Self, ParseFormError> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, form)| *form).ok_or(ParseFormError)
    }
}

/// A name that is not in [`Form::ALL`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParseFormError;

impl fmt::Display for ParseFormError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unknown form; the forms are ballot, merged, workgroup")
    }
}

impl error::Error for ParseFormError {}

#[cfg(all(test, feature = "gpu"))]
mod tests {
    use wgpu::naga::{
        front::wgsl::parse_str,
        valid::{Capabilities, ValidationFlags, Validator},
    };

    use super::*;

    #[test]
    fn every_form_and_fold_is_valid() {
        for (form, folds) in [(Form::Ballot, &[1, 2, 4, 8][..]), (Form::Merged, &[1]), (Form::Workgroup, &[1])] {
            for &fold in folds {
                let module = parse_str(&form.source(fold)).unwrap_or_else(|error| panic!("{form} x{fold}: {error}"));
                let capabilities = if form == Form::Workgroup { Capabilities::empty() } else { Capabilities::SUBGROUP };
                if let Err(error) = Validator::new(ValidationFlags::all(), capabilities).validate(&module) {
                    panic!("{form} x{fold}: {error:?}");
                }
                assert_eq!(module.entry_points[0].name, "decode");
            }
        }
    }

    /// Not every compiler clears a variable on each pass of a loop.
    #[test]
    fn no_variable_is_declared_without_a_value() {
        for (_, form) in Form::ALL {
            let source = form.source(1);
            let declared: Vec<_> = source.lines().map(str::trim).filter(|line| line.starts_with("var ")).collect();
            assert!(declared.len() > 10);
            assert!(declared.iter().all(|line| line.contains(" = ")), "{form}: {declared:#?}");
        }
    }

    #[test]
    fn workgroup_memory_is_what_the_shaders_declare() {
        for (form, votes) in
            [(Form::Ballot, 0), (Form::Merged, 3 * SEGMENTS as u32), (Form::Workgroup, 3 * SEGMENTS as u32)]
        {
            let module = parse_str(&form.source(1)).unwrap();
            let mut layouter = wgpu::naga::proc::Layouter::default();
            layouter.update(module.to_ctx()).unwrap();
            let declared: u32 = module
                .global_variables
                .iter()
                .filter(|(_, of)| of.space == wgpu::naga::AddressSpace::WorkGroup)
                .map(|(_, of)| layouter[of.ty].size)
                .sum();
            assert_eq!(declared + 4 * (3 * SEGMENTS as u32 - votes), WORKGROUP_MEMORY, "{form}");
        }
    }

    #[test]
    fn the_form_fits_the_subgroups() {
        for (sizes, form) in [
            (None, Form::Workgroup),
            (Some((32, 32)), Form::Ballot),
            (Some((64, 64)), Form::Ballot),
            (Some((32, 64)), Form::Ballot),
            (Some((8, 32)), Form::Merged),
            (Some((8, 8)), Form::Merged),
            (Some((16, 64)), Form::Workgroup),
        ] {
            assert_eq!(Form::fit(sizes), form, "{sizes:?}");
            assert_eq!(form.fold(sizes), Some(1), "{sizes:?}");
        }
        let all = |sizes| Form::candidates(sizes).collect::<Vec<_>>();
        assert_eq!(all(None), [Form::Workgroup]);
        assert_eq!(all(Some((32, 32))), [Form::Ballot, Form::Merged, Form::Workgroup]);
        assert_eq!(all(Some((64, 64))), [Form::Ballot, Form::Workgroup]);
        assert_eq!(all(Some((8, 8))), [Form::Merged, Form::Workgroup]);
        assert_eq!(Form::Ballot.fold(Some((8, 8))), Some(4));
        assert!(Form::Ballot.fold(Some((8, 16))).is_none());
        assert!(Form::Ballot.fold(None).is_none());
        assert!(Form::Merged.fold(Some((64, 64))).is_none());
    }

    #[test]
    fn every_form_is_found_by_its_name() {
        for (name, form) in Form::ALL {
            assert_eq!(name.parse(), Ok(form));
            assert_eq!(form.to_string(), name);
        }
        assert_eq!("warp".parse::<Form>(), Err(ParseFormError));
    }
}
