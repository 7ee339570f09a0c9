//! Twins of what `shaders/shared/layout.wgsl` declares. A test compares the two.

use bytemuck::{Pod, Zeroable};

use crate::rans::segment::GROUP;

/// Segments that one workgroup decodes.
pub const SEGMENTS: usize = 8;

/// A [`Job::mode`]: up to [`SEGMENTS`] segments of a `lanes` block.
pub(super) const MODE_LANES: u32 = 0;

/// A [`Job::mode`]: a piece of a stored block.
pub(super) const MODE_STORED: u32 = 1;

/// A [`Job::mode`]: a piece of a fill block.
pub(super) const MODE_FILL: u32 = 2;

/// A [`Job::mode`]: a single or interleaved block, as one segment.
pub(super) const MODE_TURNS: u32 = 3;

/// In the status of every job that ran. The bits below name the segments that failed.
pub const STATUS_DONE: u32 = 1 << 31;

/// A segment, or a piece of a stored or fill block. Places are in words of 32 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Pod, Zeroable)]
#[repr(C)]
#[non_exhaustive]
pub struct Segment {
    /// 32 states, then words of 16 bits. Mode turns: the states, for each state how many words it
    /// and those before it have, and the words. Mode stored: the raw bytes. Mode fill: not a place,
    /// but the byte, four times.
    pub coded_at: u32,
    /// Words of 16 bits behind the states. Mode turns: not words, but states.
    pub words: u32,
    /// Where the raw bytes go.
    pub raw_at: u32,
    /// In bytes. 0: there is no such segment.
    pub raw_len: u32,
}

/// What one workgroup does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Pod, Zeroable)]
#[repr(C)]
#[non_exhaustive]
pub struct Job {
    /// How the segments are coded.
    pub mode: u32,
    /// Precision of the frequencies.
    pub scale_bits: u32,
    /// 256 frequencies of 16 bits.
    pub table_at: u32,
    /// Groups of the longest segment, without the one that ends it.
    pub groups: u32,
    /// The segments. Other modes than that of segments have one.
    pub segments: [Segment; SEGMENTS],
}

/// Appends jobs like `job` for the segments of a block, of which none is longer than the first.
pub(crate) fn push_segments(jobs: &mut Vec<Job>, job: Job, segments: impl Iterator<Item = Segment>) {
    for (index, segment) in segments.enumerate() {
        if index % SEGMENTS == 0 {
            jobs.push(Job { groups: segment.raw_len.saturating_sub(1) / GROUP as u32, ..job });
        }
        if let Some(job) = jobs.last_mut() {
            job.segments[index % SEGMENTS] = segment;
        }
    }
}

/// The jobs as the kernel reads them.
#[must_use]
pub fn bytes_of(jobs: &[Job]) -> &[u8] {
    bytemuck::cast_slice(jobs)
}

#[cfg(all(test, feature = "gpu"))]
pub(crate) mod tests {
    use std::mem::offset_of;

    use wgpu::naga;

    use super::*;
    use crate::{jobs::Form, rans::segment};

    fn module() -> naga::Module {
        naga::front::wgsl::parse_str(&Form::Workgroup.shader(None).unwrap().source()).unwrap()
    }

    /// (name, offset) of the members, and the size.
    pub(crate) fn members<'a>(module: &'a naga::Module, name: &str) -> (Vec<(&'a str, usize)>, usize) {
        let (_, of) = module.types.iter().find(|(_, of)| of.name.as_deref() == Some(name)).unwrap();
        let naga::TypeInner::Struct { members, span } = &of.inner else { panic!("{name} is no struct") };
        let members = members.iter().map(|member| (member.name.as_deref().unwrap(), member.offset as usize));
        (members.collect(), *span as usize)
    }

    fn constant(module: &naga::Module, name: &str) -> u32 {
        let (_, of) = module.constants.iter().find(|(_, of)| of.name.as_deref() == Some(name)).unwrap();
        match module.global_expressions[of.init] {
            naga::Expression::Literal(naga::Literal::U32(value)) => value,
            ref other => panic!("{name} is {other:?}"),
        }
    }

    #[test]
    fn structs_have_the_members_and_places_that_the_shaders_have() {
        let module = module();
        let segment = vec![
            ("coded_at", offset_of!(Segment, coded_at)),
            ("words", offset_of!(Segment, words)),
            ("raw_at", offset_of!(Segment, raw_at)),
            ("raw_len", offset_of!(Segment, raw_len)),
        ];
        assert_eq!(members(&module, "Segment"), (segment, size_of::<Segment>()));
        let job = vec![
            ("mode", offset_of!(Job, mode)),
            ("scale_bits", offset_of!(Job, scale_bits)),
            ("table_at", offset_of!(Job, table_at)),
            ("groups", offset_of!(Job, groups)),
            ("segments", offset_of!(Job, segments)),
        ];
        assert_eq!(members(&module, "Job"), (job, size_of::<Job>()));
    }

    #[test]
    fn numbers_are_those_of_the_shaders_and_of_the_format() {
        let module = module();
        for (name, value) in [
            ("LANES", segment::LANES as u32),
            ("QUAD", segment::QUAD as u32),
            ("GROUP", segment::GROUP as u32),
            ("SEGMENTS", SEGMENTS as u32),
            ("LOWER_BOUND", crate::rans::LOWER_BOUND),
            ("MODE_LANES", MODE_LANES),
            ("MODE_STORED", MODE_STORED),
            ("MODE_FILL", MODE_FILL),
            ("MODE_TURNS", MODE_TURNS),
            ("STATUS_DONE", STATUS_DONE),
        ] {
            assert_eq!(constant(&module, name), value, "{name}");
        }
    }

    #[test]
    fn bindings_are_in_the_order_that_the_host_binds() {
        let module = module();
        let mut bound: Vec<_> = module
            .global_variables
            .iter()
            .filter_map(|(_, of)| Some((of.binding?.binding, of.name.as_deref().unwrap())))
            .collect();
        bound.sort_unstable();
        assert_eq!(bound, [(0, "coded"), (1, "jobs"), (2, "raw"), (3, "status")]);
    }
}
