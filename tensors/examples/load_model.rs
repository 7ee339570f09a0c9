//! A small model, loaded from its file and from the compressed one: the same weights, so the same
//! output, bit for bit.
//!
//! `cargo run --release -p ranstream-tensors --example load_model [FOLDER]`. Without a folder it
//! makes a model of its own, layers of a multilayer perceptron in bf16, and writes it both ways.
//! With one it expects `mlp.safetensors` there, or `mlp.safetensors.rans`, or both.

use std::{
    env,
    error::Error,
    fs::{self, File},
    io::Write,
    path::Path,
    time::Instant,
};

use ranstream_tensors::{Archive, DType, TensorOptions, TensorWriter};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Inputs of each layer, and outputs of the last.
const WIDTHS: [usize; 4] = [512, 2048, 2048, 256];

/// A matrix of `outputs` rows, and what is added to each output.
struct Layer {
    inputs: usize,
    weight: Vec<f32>,
    bias: Vec<f32>,
}

struct Model(Vec<Layer>);

impl Model {
    /// All layers that the file has, `layers.0.weight` being the first.
    fn load(archive: &Archive<'_>) -> Result<Self> {
        // One buffer for each tensor, filled from one list of blocks by all threads.
        let mut bytes: Vec<Vec<u8>> = archive.tensors().iter().map(|info| vec![0; info.len() as usize]).collect();
        let mut places = bytes.iter_mut();
        archive.decode_all(0, |_| places.next().map(Vec::as_mut_slice))?;
        let find = |name: String| {
            let position = archive.tensors().iter().position(|info| info.name == name)?;
            Some((&archive.tensors()[position], &bytes[position]))
        };
        let mut layers = Vec::new();
        while let Some((info, weight)) = find(format!("layers.{}.weight", layers.len())) {
            let bias = find(format!("layers.{}.bias", layers.len())).ok_or("a layer has no bias")?;
            let inputs = *info.shape.last().ok_or("a weight is no matrix")? as usize;
            layers.push(Layer { inputs, weight: floats(info.dtype, weight)?, bias: floats(bias.0.dtype, bias.1)? });
        }
        Ok(Self(layers))
    }

    fn run(&self, input: &[f32]) -> Vec<f32> {
        let mut values = input.to_vec();
        for (number, Layer { inputs, weight, bias }) in self.0.iter().enumerate() {
            let rows = weight.chunks_exact(*inputs).zip(bias);
            let sum = |row: &[f32]| row.iter().zip(&values).map(|(weight, value)| weight * value).sum::<f32>();
            values = rows.map(|(row, bias)| sum(row) + bias).collect();
            if number + 1 < self.0.len() {
                for value in &mut values {
                    *value = value.max(0.0);
                }
            }
        }
        values
    }
}

fn floats(dtype: DType, bytes: &[u8]) -> Result<Vec<f32>> {
    match dtype {
        DType::F32 => Ok(bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()),
        DType::BF16 => {
            let wide = |bytes: &[u8; 2]| f32::from_bits(u32::from(u16::from_le_bytes(*bytes)) << 16);
            Ok(bytes.as_chunks().0.iter().map(wide).collect())
        }
        other => Err(format!("this example has no use for {other}").into()),
    }
}

/// Weights whose sizes are about normal, as those of trained models are: sums of random numbers.
fn made() -> Vec<u8> {
    let mut state = 1_u64;
    let mut random = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 24) as f32 - 0.5
    };
    let (mut parts, mut data) = (Vec::new(), Vec::new());
    for (number, pair) in WIDTHS.windows(2).enumerate() {
        let (inputs, outputs) = (pair[0], pair[1]);
        let scale = (3.0 / inputs as f32).sqrt();
        for (name, shape, len) in
            [("weight", format!("[{outputs},{inputs}]"), inputs * outputs), ("bias", format!("[{outputs}]"), outputs)]
        {
            let start = data.len();
            for _ in 0..len {
                let value = (0..4).map(|_| random()).sum::<f32>() * scale;
                data.extend(((value.to_bits() >> 16) as u16).to_le_bytes());
            }
            let end = data.len();
            parts.push(format!(
                "\"layers.{number}.{name}\":{{\"dtype\":\"BF16\",\"shape\":{shape},\"data_offsets\":[{start},{end}]}}"
            ));
        }
    }
    let header = format!("{{{}}}", parts.join(","));
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &data].concat()
}

fn write_both(folder: &Path) -> Result<()> {
    let file = made();
    fs::write(folder.join("mlp.safetensors"), &file)?;
    let mut writer = TensorWriter::new(File::create(folder.join("mlp.safetensors.rans"))?, TensorOptions::new());
    writer.write_all(&file)?;
    writer.finish()?;
    Ok(())
}

fn main() -> Result<()> {
    let own = tempfile::tempdir()?;
    let named = env::args().nth(1);
    let folder = named.as_deref().map_or(own.path(), Path::new);
    if named.is_none() {
        write_both(folder)?;
    }
    let mut outputs = Vec::new();
    for name in ["mlp.safetensors", "mlp.safetensors.rans"] {
        let path = folder.join(name);
        let Ok(file) = File::open(&path) else { continue };
        let begun = Instant::now();
        let model = Model::load(&Archive::open(&file)?)?;
        let loaded = begun.elapsed();
        let inputs = model.0.first().ok_or("a model without layers")?.inputs;
        let input: Vec<f32> = (0..inputs).map(|at| (at as f32 * 0.37).sin()).collect();
        let output = model.run(&input);
        println!("{name}: {} bytes, loaded in {loaded:.1?}, output {:?}...", file.metadata()?.len(), &output[..3]);
        outputs.push(output);
    }
    match &outputs[..] {
        [one, other] if one.iter().zip(other).all(|(a, b)| a.to_bits() == b.to_bits()) => {
            println!("the same output, bit for bit");
            Ok(())
        }
        [_, _] => Err("the outputs differ".into()),
        [_] => Ok(()),
        _ => Err(format!("no mlp.safetensors in {}", folder.display()).into()),
    }
}
