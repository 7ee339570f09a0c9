//! A model in several files.

use std::{
    collections::HashMap,
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use serde::de::{Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};

use crate::{Archive, ArchiveBuilder, BaseModel, Tensor, TensorError, TensorErrorKind, TensorInfo, pairs::Pairs};

/// The file that says which shard has which tensor.
const INDEX: &str = "model.safetensors.index.json";

/// A model without an index: one file.
const SINGLE: &str = "model.safetensors";

/// What a compressed file is called like, behind its own name.
const SUFFIX: &str = ".rans";

/// The most bytes that an index may have.
const MAX_INDEX_LEN: u64 = 100_000_000;

/// A folder with a model in several files, as `model.safetensors.index.json` lists them; or in one,
/// `model.safetensors`. Each file may be plain, or compressed and called `NAME.rans`; the index
/// stays as it is. Where both are there, the plain one is taken.
///
/// A shard is opened when a tensor of it is first asked for: one that is missing costs its own
/// tensors only.
///
/// ```no_run
/// use ranstream_tensors::Shards;
///
/// let shards = Shards::open("Model-7B")?;
/// let tensor = shards.tensor("lm_head.weight")?;
/// let mut rows = vec![0; 4 * tensor.info().row_len().unwrap() as usize];
/// tensor.rows(0..4)?.decode_into(&mut rows)?;
/// # Ok::<(), ranstream_tensors::TensorError>(())
/// ```
#[derive(Debug)]
pub struct Shards {
    folder: PathBuf,
    files: Vec<Shard>,
    /// Which shard has a tensor.
    by_tensor: HashMap<String, usize>,
    builder: ArchiveBuilder,
    /// Where the bases of shards are.
    bases: Option<PathBuf>,
}

#[derive(Debug)]
struct Shard {
    name: String,
    archive: OnceLock<Archive<'static>>,
}

impl Shard {
    fn new(name: String) -> Self {
        Self { name, archive: OnceLock::new() }
    }
}

impl Shards {
    /// The model in `folder`.
    ///
    /// # Errors
    ///
    /// [`TensorErrorKind::ShardIndex`]; what the system reports of the index, or of the one file.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self, TensorError> {
        Self::open_with(folder, Archive::builder())
    }

    /// As [`open`](Shards::open); `builder` opens each shard.
    ///
    /// # Errors
    ///
    /// As [`open`](Shards::open).
    pub fn open_with(folder: impl AsRef<Path>, builder: ArchiveBuilder) -> Result<Self, TensorError> {
        let folder = folder.as_ref().to_owned();
        match File::open(folder.join(INDEX)) {
            Ok(index) => Self::by_index(folder, index, builder),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::single(folder, builder),
            Err(error) => Err(error.into()),
        }
    }

    /// The same model over another one, the one that was fine-tuned: each shard over the file of
    /// its name in `folder`, plain or compressed. A shard that has none there is opened without.
    #[must_use]
    pub fn with_base(mut self, folder: impl AsRef<Path>) -> Self {
        self.bases = Some(folder.as_ref().to_owned());
        for shard in &mut self.files {
            shard.archive = OnceLock::new();
        }
        self
    }

    fn by_index(folder: PathBuf, index: File, builder: ArchiveBuilder) -> Result<Self, TensorError> {
        let broken = |message: String| TensorError::from(TensorErrorKind::ShardIndex { message });
        let len = index.metadata()?.len();
        if len > MAX_INDEX_LEN {
            return Err(broken(format!("it has {len} bytes, more than {MAX_INDEX_LEN}")));
        }
        let text = io::read_to_string(io::Read::take(index, MAX_INDEX_LEN))?;
        let mut json = serde_json::Deserializer::from_str(&text);
        let map = json.deserialize_map(IndexVisitor).and_then(|map| json.end().map(|()| map));
        let map = map.map_err(|error| broken(error.to_string()))?;
        let (mut shards, mut by_shard, mut by_tensor) = (Vec::new(), HashMap::new(), HashMap::new());
        for (tensor, shard) in map {
            // A name that leads out of the folder is no name of a shard.
            if Path::new(&shard).file_name().is_none_or(|name| name != &*shard) || shard.contains(['/', '\\', ':']) {
                return Err(broken(format!("{shard:?} is no name of a file")));
            }
            let index = *by_shard.entry(shard).or_insert_with_key(|shard: &String| {
                shards.push(Shard::new(shard.clone()));
                shards.len() - 1
            });
            if by_tensor.insert(tensor.clone(), index).is_some() {
                return Err(broken(format!("it has the tensor {tensor:?} twice")));
            }
        }
        Ok(Self { folder, files: shards, by_tensor, builder, bases: None })
    }

    fn single(folder: PathBuf, builder: ArchiveBuilder) -> Result<Self, TensorError> {
        let shard = Shard::new(SINGLE.to_owned());
        let shards = Self { folder, files: vec![shard], by_tensor: HashMap::new(), builder, bases: None };
        let names = shards.archive(0)?.tensors().iter().map(|tensor| (tensor.name.clone(), 0)).collect();
        Ok(Self { by_tensor: names, ..shards })
    }

    /// The names of the shards, as the index has them.
    #[must_use]
    pub fn shards(&self) -> impl ExactSizeIterator<Item = &str> {
        self.files.iter().map(|shard| &*shard.name)
    }

    /// The names of all tensors, in no order.
    #[must_use]
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.by_tensor.keys().map(String::as_str)
    }

    /// How many tensors there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_tensor.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_tensor.is_empty()
    }

    /// The shard that the index says has the tensor called `name`.
    #[must_use]
    pub fn shard_of(&self, name: &str) -> Option<&str> {
        self.by_tensor.get(name).map(|&shard| &*self.files[shard].name)
    }

    /// The tensor called `name`.
    ///
    /// # Errors
    ///
    /// [`TensorErrorKind::NotFound`], [`TensorErrorKind::ShardMissing`],
    /// [`TensorErrorKind::NotInShard`]; as [`ArchiveBuilder::open`] where its shard was not opened
    /// yet.
    pub fn tensor(&self, name: &str) -> Result<Tensor<'_>, TensorError> {
        let Some(&shard) = self.by_tensor.get(name) else {
            return Err(TensorError::new(TensorErrorKind::NotFound).of_tensor(name));
        };
        let found = self.archive(shard).and_then(|archive| archive.tensor(name));
        found.map_err(|error| match error.kind {
            TensorErrorKind::NotFound => {
                TensorError::new(TensorErrorKind::NotInShard { shard: self.files[shard].name.clone() }).of_tensor(name)
            }
            _ => error.of_tensor(name),
        })
    }

    /// The shard called `name` in the index, opened.
    ///
    /// # Errors
    ///
    /// [`TensorErrorKind::ShardMissing`]; as [`ArchiveBuilder::open`].
    pub fn shard(&self, name: &str) -> Result<&Archive<'static>, TensorError> {
        match self.files.iter().position(|shard| shard.name == name) {
            Some(index) => self.archive(index),
            None => Err(TensorErrorKind::ShardMissing { shard: name.to_owned() }.into()),
        }
    }

    /// Decodes every tensor that `out` gives a buffer for, shard after shard, as
    /// [`Archive::decode_all`] does.
    ///
    /// # Errors
    ///
    /// As [`Archive::decode_all`]. A shard that is missing or does not open is an error of all its
    /// tensors, told once; the other shards are decoded.
    pub fn decode_all<'o>(
        &self,
        threads: usize,
        mut out: impl FnMut(&TensorInfo) -> Option<&'o mut [u8]>,
    ) -> Result<(), TensorError> {
        let mut errors = Vec::new();
        for index in 0..self.files.len() {
            let decoded = self.archive(index).and_then(|archive| {
                let of_shard = |info: &TensorInfo| self.by_tensor.get(&info.name) == Some(&index);
                archive.decode_all(threads, |info| if of_shard(info) { out(info) } else { None })
            });
            if let Err(mut error) = decoded {
                let others = std::mem::take(&mut error.others).into_vec();
                errors.push(error);
                errors.extend(others);
            }
        }
        let mut errors = errors.into_iter();
        match errors.next() {
            None => Ok(()),
            Some(first) => Err(TensorError { others: errors.collect(), ..first }),
        }
    }

    fn archive(&self, index: usize) -> Result<&Archive<'static>, TensorError> {
        let Shard { name, archive } = &self.files[index];
        if let Some(archive) = archive.get() {
            return Ok(archive);
        }
        let missing = || TensorError::from(TensorErrorKind::ShardMissing { shard: name.clone() });
        let mut builder = self.builder.clone();
        if let Some(base) = self.bases.as_ref().map(|folder| open_either(folder, name)).transpose()?.flatten() {
            builder = builder.base(&BaseModel::new(self.builder.clone().open(base)?)?);
        }
        let opened = builder.open(open_either(&self.folder, name)?.ok_or_else(missing)?)?;
        // Of two threads that open it, one comes first.
        Ok(archive.get_or_init(|| opened))
    }
}

/// The file `name` in `folder`, plain or compressed, if it is there.
fn open_either(folder: &Path, name: &str) -> Result<Option<File>, TensorError> {
    for suffix in ["", SUFFIX] {
        let path = folder.join(format!("{name}{suffix}"));
        match File::open(&path) {
            Ok(file) if file.metadata()?.is_file() => return Ok(Some(file)),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(None)
}

/// The index: an object whose `weight_map` has the shard of each tensor.
struct IndexVisitor;

impl<'de> Visitor<'de> for IndexVisitor {
    type Value = Vec<(String, String)>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object with weight_map")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(key) = map.next_key::<String>()? {
            if key != "weight_map" {
                map.next_value::<IgnoredAny>()?;
            } else if found.replace(map.next_value::<Pairs>()?).is_some() {
                return Err(A::Error::duplicate_field("weight_map"));
            }
        }
        found.map(|Pairs(pairs)| pairs).ok_or_else(|| A::Error::missing_field("weight_map"))
    }
}
