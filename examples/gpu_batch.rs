//! Decodes a file into a buffer on the device and counts its bytes there, in a shader of its own:
//! no decoded byte comes back to the host, only 256 counts.
//!
//!     cargo run --release --features gpu --example gpu_batch -- FILE

use std::{env, error::Error, fs};

use ranstream::{
    EncodeOptions, block,
    gpu::{
        Block, Gpu, GpuOptions, ResidentBlocks,
        wgpu::{self, BufferUsages},
    },
};

/// Blocks of 1 MiB, segments of 16 KiB: 64 segments per block for the device to decode side by
/// side.
const BLOCK_LEN: usize = 1 << 20;

/// Counts bytes: first in workgroup memory, then in `counts`. Block by block, since the last bytes
/// of a word may belong to none.
const COUNT: &str = "
struct Range { at: u32, len: u32 }

@group(0) @binding(0) var<storage, read> raw: array<u32>;
@group(0) @binding(1) var<storage, read> ranges: array<Range>;
@group(0) @binding(2) var<storage, read_write> counts: array<atomic<u32>, 256>;

var<workgroup> local: array<atomic<u32>, 256>;

@compute @workgroup_size(256)
fn count(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) id: u32) {
    let range = ranges[group.x];
    for (var at = id * 4u; at < range.len; at += 1024u) {
        let quad = raw[(range.at + at) / 4u];
        for (var byte = 0u; byte < min(4u, range.len - at); byte++) {
            atomicAdd(&local[(quad >> (8u * byte)) & 0xffu], 1u);
        }
    }
    workgroupBarrier();
    atomicAdd(&counts[id], atomicLoad(&local[id]));
}
";

fn main() -> Result<(), Box<dyn Error>> {
    let path = env::args().nth(1).unwrap_or_else(|| "FORMAT.md".into());
    let raw = fs::read(&path)?;
    let options = EncodeOptions::new().level(0).segment_len(16 << 10);
    let coded: Vec<Vec<u8>> = raw
        .chunks(BLOCK_LEN)
        .map(|chunk| {
            let mut coded = Vec::new();
            block::encode(chunk, &options, &mut coded).map(|_| coded)
        })
        .collect::<Result<_, _>>()?;
    let blocks: Vec<_> = coded.iter().map(|coded| Block::parse(coded)).collect::<Result<_, _>>()?;

    // A software device is slow and right: good enough to try this.
    let gpu = Gpu::request(&GpuOptions::new().software(true))?;
    println!("{} blocks of {path} on {}, form {}", blocks.len(), gpu.info().name, gpu.form());
    let resident = ResidentBlocks::upload(&gpu, &blocks)?;
    let counts = count_on_device(&gpu, &resident, blocks.len())?;

    let mut expected = [0_u32; 256];
    for &byte in &raw {
        expected[usize::from(byte)] += 1;
    }
    if counts != expected {
        return Err("the device counted something else than the host".into());
    }
    let mut most: Vec<_> = counts.iter().enumerate().collect();
    most.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    for (byte, count) in most.iter().take(5) {
        println!("{:>10} x {:?}", count, char::from(*byte as u8));
    }
    Ok(())
}

/// One command buffer: decode, count, and 1 KiB back.
fn count_on_device(gpu: &Gpu, resident: &ResidentBlocks, blocks: usize) -> Result<[u32; 256], Box<dyn Error>> {
    let device = gpu.device();
    let buffer = |size, usage| {
        device.create_buffer(&wgpu::BufferDescriptor { label: None, size, usage, mapped_at_creation: false })
    };
    let raw = buffer(resident.buffer_len().max(4), BufferUsages::STORAGE);
    let ranges = buffer(8 * blocks.max(1) as u64, BufferUsages::STORAGE | BufferUsages::COPY_DST);
    let counts = buffer(1024, BufferUsages::STORAGE | BufferUsages::COPY_SRC);
    let back = buffer(1024, BufferUsages::MAP_READ | BufferUsages::COPY_DST);
    let places: Vec<u8> = (0..blocks)
        .filter_map(|block| resident.range(block))
        .flat_map(|range| [range.start as u32, (range.end - range.start) as u32])
        .flat_map(u32::to_ne_bytes)
        .collect();
    gpu.queue().write_buffer(&ranges, 0, &places);

    let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
        label: None,
        source: wgpu::ShaderSource::Wgsl(COUNT.into()),
    });
    let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
        label: None,
        layout: None,
        module: &module,
        entry_point: Some("count"),
        compilation_options: wgpu::PipelineCompilationOptions::default(),
        cache: None,
    });
    let group = device.create_bind_group(&wgpu::BindGroupDescriptor {
        label: None,
        layout: &pipeline.get_bind_group_layout(0),
        entries: &[
            wgpu::BindGroupEntry { binding: 0, resource: raw.as_entire_binding() },
            wgpu::BindGroupEntry { binding: 1, resource: ranges.as_entire_binding() },
            wgpu::BindGroupEntry { binding: 2, resource: counts.as_entire_binding() },
        ],
    });

    let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    let ticket = resident.record_decode(&mut encoder, &raw, 0)?;
    {
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
        pass.set_pipeline(&pipeline);
        pass.set_bind_group(0, &group, &[]);
        pass.dispatch_workgroups(blocks as u32, 1, 1);
    }
    encoder.copy_buffer_to_buffer(&counts, 0, &back, 0, 1024);
    gpu.queue().submit([encoder.finish()]);

    // The counts mean something only if every segment was right.
    let failed = ticket.failed_segments()?;
    if let Some(first) = failed.first() {
        return Err(format!("{} segments are damaged, the first is {first:?}", failed.len()).into());
    }
    let (sender, receiver) = std::sync::mpsc::channel();
    back.map_async(wgpu::MapMode::Read, .., move |result| {
        let _ = sender.send(result);
    });
    device.poll(wgpu::PollType::wait_indefinitely())?;
    receiver.recv()??;
    let mut result = [0; 256];
    for (count, bytes) in result.iter_mut().zip(back.get_mapped_range(..)?.as_chunks().0) {
        *count = u32::from_ne_bytes(*bytes);
    }
    Ok(result)
}
