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
const BINDINGS: &str = include_str!("../../shaders/shared/bindings.wgsl");
const FAILED: &str = include_str!("../../shaders/shared/failed.wgsl");
const WORDS_OF_32_BITS: &str = include_str!("../../shaders/shared/words_of_32_bits.wgsl");
const WORDS_OF_16_BITS: &str = include_str!("../../shaders/shared/words_of_16_bits.wgsl");
const TABLE: &str = include_str!("../../shaders/shared/table.wgsl");
const TURNS: &str = include_str!("../../shaders/shared/turns.wgsl");
const SEGMENT: &str = include_str!("../../shaders/shared/segment.wgsl");
const VOTES: &str = include_str!("../../shaders/shared/votes.wgsl");
const JOB: &str = include_str!("../../shaders/shared/job.wgsl");
const ENTRY: &str = include_str!("../../shaders/shared/entry.wgsl");

/// Lanes of a segment.
const LANES: u32 = 32;

/// Bytes of workgroup memory that the kernel declares: the table, the cumulatives, the tile of
/// turns, three votes per segment, the failures.
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
        [fit].into_iter().chain(others.filter(move |form| *form != fit && form.shader(sizes).is_some()))
    }

    /// The form's shader where subgroups have the `sizes`, the smallest and the largest; `None`
    /// stands for a device without subgroups. `None`: it cannot run this form.
    #[must_use]
    pub fn shader(self, sizes: Option<(u32, u32)>) -> Option<Shader> {
        let shader = |fold, mixed| Some(Shader { form: self, fold, mixed, loads_16_bits: false });
        match (self, sizes) {
            (Self::Workgroup, _) => shader(1, true),
            (Self::Merged, Some((_, max))) if max <= LANES => shader(1, true),
            (Self::Ballot, Some((min, max))) if min >= LANES => shader(1, max > LANES),
            (Self::Ballot, Some((min, max))) if min == max && min >= 4 && min.is_power_of_two() => {
                shader(LANES / min, false)
            }
            _ => None,
        }
    }
}

/// The shader of a form on a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Shader {
    /// The form.
    pub form: Form,
    /// Lanes of a segment that one invocation works for: 1, 2, 4 or 8.
    pub fold: u32,
    /// Whether segments of different lengths may go through their rounds together.
    pub mixed: bool,
    /// Whether the device loads 16 bits, and binding 4 has the same bytes as binding 0.
    pub loads_16_bits: bool,
}

impl Shader {
    /// The shader in WGSL: as wgpu takes it, or as browsers do if this is built for one.
    #[must_use]
    pub fn source(self) -> String {
        let words = if self.loads_16_bits { WORDS_OF_16_BITS } else { WORDS_OF_32_BITS };
        let enable_16_bits = if self.loads_16_bits { "enable wgpu_int16;\n" } else { "" };
        let (head, form) = (self.head(), self.entry_point());
        format!("{enable_16_bits}{head}{BINDINGS}\n{FAILED}\n{words}\n{TABLE}\n{TURNS}\n{SEGMENT}\n{JOB}\n{form}")
    }

    /// The shader that encodes segments, in the same form.
    #[cfg(feature = "gpu")]
    pub(crate) fn encoder_source(self) -> String {
        let bindings = include_str!("../../shaders/encode/bindings.wgsl");
        let segment = include_str!("../../shaders/encode/segment.wgsl");
        format!("{}{bindings}\n{segment}\n{}", self.head(), self.entry_point())
    }

    fn head(self) -> String {
        let Self { form, fold, mixed, .. } = self;
        // Browsers refuse ballots without these lines, and those of subgroups that are in different
        // rounds; naga refuses the lines.
        let enable_subgroups = if cfg!(target_family = "wasm") && form != Form::Workgroup {
            "enable subgroups;\ndiagnostic(off, subgroup_uniformity);\n"
        } else {
            ""
        };
        format!("{enable_subgroups}const FOLD: u32 = {fold}u;\nconst MIXED: bool = {mixed};\n{LAYOUT}\n")
    }

    fn entry_point(self) -> String {
        let (votes, form, entry) = match self.form {
            Form::Ballot => ("", include_str!("../../shaders/lanes_ballot.wgsl"), ""),
            Form::Merged => (VOTES, include_str!("../../shaders/lanes_merged.wgsl"), ""),
            Form::Workgroup => (VOTES, include_str!("../../shaders/lanes_workgroup.wgsl"), ENTRY),
        };
        format!("{votes}\n{form}\n{entry}")
    }
}

/// The encoder's other shaders: the one that counts, and the one that packs. Nobody votes there, so
/// they are the same for every form, and take no `MIXED`.
#[cfg(feature = "gpu")]
pub(crate) fn encoder_sources() -> [String; 2] {
    [include_str!("../../shaders/encode/count.wgsl"), include_str!("../../shaders/encode/pack.wgsl")]
        .map(|work| format!("const FOLD: u32 = 1u;\n{LAYOUT}\n{work}\n{ENTRY}"))
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

    /// Each form for the subgroups that it can have, with and without loads of 16 bits.
    fn shaders() -> Vec<Shader> {
        let sizes = [None, Some((32, 32)), Some((32, 64)), Some((8, 32)), Some((16, 16)), Some((8, 8)), Some((4, 4))];
        let shaders = Form::ALL.iter().flat_map(|(_, form)| sizes.iter().filter_map(|&sizes| form.shader(sizes)));
        shaders.flat_map(|shader| [false, true].map(|loads_16_bits| Shader { loads_16_bits, ..shader })).collect()
    }

    #[test]
    fn every_shader_is_valid() {
        let shaders = shaders();
        assert_eq!(shaders.iter().map(|shader| shader.fold).max(), Some(8));
        for shader in shaders {
            let subgroups = if shader.form == Form::Workgroup { Capabilities::empty() } else { Capabilities::SUBGROUP };
            let short = if shader.loads_16_bits { Capabilities::SHADER_INT16 } else { Capabilities::empty() };
            for source in [shader.source(), shader.encoder_source()] {
                assert_valid(&source, subgroups | short, &format!("{shader:?}"));
            }
        }
        for source in encoder_sources() {
            assert_valid(&source, Capabilities::empty(), "encoder");
        }
        assert_valid(include_str!("../../shaders/probe.wgsl"), Capabilities::SUBGROUP, "probe");
    }

    fn assert_valid(source: &str, capabilities: Capabilities, name: &str) {
        let module = parse_str(source).unwrap_or_else(|error| panic!("{name}: {error}"));
        if let Err(error) = Validator::new(ValidationFlags::all(), capabilities).validate(&module) {
            panic!("{name}: {error:?}");
        }
        assert_eq!(module.entry_points.iter().map(|entry| &entry.name[..]).collect::<Vec<_>>(), ["main"], "{name}");
    }

    /// Not every compiler clears a variable on each pass of a loop.
    #[test]
    fn no_variable_is_declared_without_a_value() {
        let sources = |shader: Shader| [shader.source(), shader.encoder_source()];
        for source in shaders().into_iter().flat_map(sources).chain(encoder_sources()) {
            let declared: Vec<_> = source.lines().map(str::trim).filter(|line| line.starts_with("var ")).collect();
            assert!(!declared.is_empty());
            assert!(declared.iter().all(|line| line.contains(" = ")), "{declared:#?}");
        }
    }

    #[test]
    fn workgroup_memory_is_what_the_shaders_declare() {
        for (form, votes) in
            [(Form::Ballot, 0), (Form::Merged, 3 * SEGMENTS as u32), (Form::Workgroup, 3 * SEGMENTS as u32)]
        {
            let module = parse_str(&form.shader(Some((32, 32))).unwrap().source()).unwrap();
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
            assert_eq!(form.shader(sizes).unwrap().fold, 1, "{sizes:?}");
        }
        let all = |sizes| Form::candidates(sizes).collect::<Vec<_>>();
        assert_eq!(all(None), [Form::Workgroup]);
        assert_eq!(all(Some((32, 32))), [Form::Ballot, Form::Merged, Form::Workgroup]);
        assert_eq!(all(Some((64, 64))), [Form::Ballot, Form::Workgroup]);
        assert_eq!(all(Some((8, 8))), [Form::Merged, Form::Workgroup]);
        let ballot = |sizes| Form::Ballot.shader(sizes).map(|shader| (shader.fold, shader.mixed));
        assert_eq!(ballot(Some((8, 8))), Some((4, false)));
        assert_eq!(ballot(Some((32, 32))), Some((1, false)));
        assert_eq!(ballot(Some((64, 64))), Some((1, true)));
        assert_eq!(ballot(Some((8, 16))), None);
        assert_eq!(ballot(None), None);
        assert_eq!(Form::Merged.shader(Some((64, 64))), None);
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
