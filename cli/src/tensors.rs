//! The tensors of a compressed model file.

use std::{ffi::OsStr, fs::File};

use anyhow::Result;
use ranstream_tensors::{Archive, Container, TensorInfo};
use serde::Serialize;

use crate::{columns::Columns, names::masked, report::percent};

/// What is listed of a model file. The field names are those of the JSON output.
#[derive(Debug, Serialize)]
pub(crate) struct Tensors {
    /// `safetensors`, `gguf`, or `opaque`, which has no tensors.
    container: &'static str,
    /// Why it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) opaque: Option<String>,
    header_bytes: u64,
    #[serde(rename = "tensors")]
    list: Vec<Tensor>,
}

#[derive(Debug, Serialize)]
struct Tensor {
    name: String,
    dtype: String,
    /// The outermost dimension first.
    shape: Vec<u64>,
    /// Where it begins in the raw file.
    raw_offset: u64,
    raw_bytes: u64,
    /// Its share of the compressed file.
    compressed_bytes: u64,
    /// How many blocks have which mode.
    modes: Vec<String>,
}

/// The tensors of `file`, from its index and header.
///
/// # Errors
///
/// What the file reports, or its streams have against them.
pub(crate) fn tensors(file: &File) -> Result<Tensors> {
    let archive = Archive::open(file)?;
    let container = match archive.container() {
        Container::SafeTensors => "safetensors",
        Container::Gguf => "gguf",
        _ => "opaque",
    };
    let list = archive.tensors().iter().map(|info| tensor(&archive, info)).collect::<Result<_>>()?;
    Ok(Tensors {
        container,
        opaque: archive.opaque().map(ToString::to_string),
        header_bytes: archive.header().len() as u64,
        list,
    })
}

fn tensor(archive: &Archive<'_>, info: &TensorInfo) -> Result<Tensor> {
    let tensor = archive.tensor(&info.name)?;
    Ok(Tensor {
        name: info.name.clone(),
        dtype: info.dtype.to_string(),
        shape: info.shape.clone(),
        raw_offset: info.range.start,
        raw_bytes: info.len(),
        compressed_bytes: tensor.coded_share().round() as u64,
        modes: tensor.modes().iter().map(|(mode, count)| format!("{mode}:{count}")).collect(),
    })
}

impl Tensors {
    /// One line per tensor.
    pub(crate) fn table(&self) -> String {
        let mut table = Columns::new(&["raw", "compressed", "ratio"], &["type", "shape", "modes", "tensor"]);
        for tensor in &self.list {
            let shape: Vec<_> = tensor.shape.iter().map(ToString::to_string).collect();
            table.add(vec![
                tensor.raw_bytes.to_string(),
                tensor.compressed_bytes.to_string(),
                percent(tensor.compressed_bytes, tensor.raw_bytes),
                tensor.dtype.clone(),
                if shape.is_empty() { "-".to_owned() } else { shape.join("x") },
                if tensor.modes.is_empty() { "-".to_owned() } else { tensor.modes.join(" ") },
                masked(OsStr::new(&tensor.name)),
            ]);
        }
        table.finish()
    }
}
