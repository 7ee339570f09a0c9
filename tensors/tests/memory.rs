//! What the heap holds at most beside the outputs, counted by an allocator of its own.

use std::io::Write;

use peak_alloc::PeakAlloc;
use ranstream_tensors::{Archive, ReadAt, TensorOptions, TensorWriter};

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

const MIB: usize = 1 << 20;

/// A source that is no memory: what is read of it is copied.
struct Far(Vec<u8>);

impl ReadAt for Far {
    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> std::io::Result<()> {
        self.0.read_exact_at(buf, offset)
    }

    fn len(&self) -> std::io::Result<u64> {
        ReadAt::len(&self.0)
    }
}

/// Six matrices of f32, 4 MiB each.
fn file() -> Vec<u8> {
    let tensor = |index: usize| {
        let (start, end) = (index * 4 * MIB, (index + 1) * 4 * MIB);
        format!("\"t{index}\":{{\"dtype\":\"F32\",\"shape\":[1024,1024],\"data_offsets\":[{start},{end}]}}")
    };
    let header = format!("{{{}}}", (0..6).map(tensor).collect::<Vec<_>>().join(","));
    let mut file = [&(header.len() as u64).to_le_bytes()[..], header.as_bytes()].concat();
    file.extend((0..6 * MIB as u32).flat_map(|at| (1.0 / (at.wrapping_mul(2_654_435_761) >> 8) as f32).to_le_bytes()));
    file
}

#[test]
fn decoding_all_holds_four_mebibytes_for_each_thread() {
    let mut writer = TensorWriter::new(Vec::new(), TensorOptions::new());
    writer.write_all(&file()).unwrap();
    let archive = Archive::open(Far(writer.finish().unwrap())).unwrap();
    let mut outs: Vec<Vec<u8>> = archive.tensors().iter().map(|info| vec![0; info.len() as usize]).collect();
    for threads in [1, 3] {
        let before = ALLOCATOR.current_usage();
        ALLOCATOR.reset_peak_usage();
        let mut places = outs.iter_mut();
        archive.decode_all(threads, |_| places.next().map(Vec::as_mut_slice)).unwrap();
        let held = ALLOCATOR.peak_usage() - before;
        assert!(held <= threads * 4 * MIB, "{threads} threads: {held} bytes");
    }
    assert!(outs.concat() == file()[archive.header().len()..]);
    headers_that_claim_much();
}

/// Not a test of its own: what runs beside it would be counted.
fn headers_that_claim_much() {
    let long = [&90_000_000_u64.to_le_bytes()[..], b"{"].concat();
    for claim in [[b"GGUF\x03\0\0\0".as_slice(), &[0xFF; 40]].concat(), long] {
        let before = ALLOCATOR.current_usage();
        ALLOCATOR.reset_peak_usage();
        assert!(Archive::open(Far(claim)).unwrap().opaque().is_some());
        let held = ALLOCATOR.peak_usage() - before;
        assert!(held <= 64 << 10, "{held} bytes");
    }
}
