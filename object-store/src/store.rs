//! A store whose compressed objects are shown raw.

use std::{
    collections::HashMap,
    fmt,
    ops::Range,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use futures_util::{
    FutureExt,
    stream::{BoxStream, StreamExt, TryStreamExt},
};
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, path::Path,
};
use ranstream::outline::BlockMap;

use crate::{map, pieces::pieces};

/// How the names of compressed objects end.
const SUFFIX: &str = ".rans";

/// Maps that are kept. With more objects than that all are forgotten, and read again as they are
/// asked for.
const MAX_MAPS: usize = 1024;

/// Heads that a listing asks for at a time.
const HEADS: usize = 16;

/// The objects of another store: those whose names end in `.rans` as their raw bytes, all others as
/// they are.
///
/// Names are unchanged. [`ObjectMeta::size`] is the raw size; tags, versions and times are those of
/// the compressed object. Deleting, copying and renaming are passed on. No such object is written:
/// the name would promise bytes that are compressed.
///
/// Blocks are decoded on the thread that reads, each as it is needed, after its check was verified.
/// An error of a block names object, block and offset, and the bytes before it come out first.
#[derive(Clone)]
pub struct RansStore {
    inner: Arc<dyn ObjectStore>,
    maps: Arc<Mutex<HashMap<Path, Known>>>,
}

/// A map, and the object that it is of.
struct Known {
    meta: ObjectMeta,
    map: Arc<BlockMap>,
}

impl RansStore {
    /// The objects of `inner`.
    #[must_use]
    pub fn new(inner: Arc<dyn ObjectStore>) -> Self {
        Self { inner, maps: Arc::default() }
    }

    /// The store below, with its objects as they are.
    #[must_use]
    pub fn inner(&self) -> &Arc<dyn ObjectStore> {
        &self.inner
    }

    /// The map of an object, `meta` being that of its coded bytes.
    async fn map(&self, meta: &ObjectMeta) -> Result<Arc<BlockMap>> {
        if let Some(known) = self.maps().get(&meta.location)
            && known.meta == *meta
        {
            return Ok(Arc::clone(&known.map));
        }
        let map = Arc::new(map::read(&self.inner, meta).await?);
        let mut maps = self.maps();
        if maps.len() >= MAX_MAPS {
            maps.clear();
        }
        maps.insert(meta.location.clone(), Known { meta: meta.clone(), map: Arc::clone(&map) });
        Ok(map)
    }

    fn maps(&self) -> std::sync::MutexGuard<'_, HashMap<Path, Known>> {
        self.maps.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `meta` with the raw size, where it is of a compressed object.
    async fn raw(&self, meta: ObjectMeta) -> Result<ObjectMeta> {
        if !is_coded(&meta.location) {
            return Ok(meta);
        }
        let size = raw_len(&*self.map(&meta).await?);
        Ok(ObjectMeta { size, ..meta })
    }
}

#[async_trait]
impl ObjectStore for RansStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        refuse_coded(location)?;
        self.inner.put_opts(location, payload, opts).await
    }

    async fn put_multipart_opts(&self, location: &Path, opts: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        refuse_coded(location)?;
        self.inner.put_multipart_opts(location, opts).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        if !is_coded(location) {
            return self.inner.get_opts(location, options).await;
        }
        let head = GetOptions { head: true, range: None, ..options.clone() };
        let GetResult { meta, attributes, .. } = self.inner.get_opts(location, head).await?;
        let map = self.map(&meta).await?;
        let size = raw_len(&map);
        let range: Range<u64> = match &options.range {
            Some(range) if !options.head => range.as_range(size).map_err(|error| failed(location, error))?,
            _ => 0..size,
        };
        let decoded = if options.head { 0..0 } else { range.clone() };
        let payload = GetResultPayload::Stream(pieces(Arc::clone(&self.inner), meta.clone(), map, decoded));
        Ok(GetResult { payload, meta: ObjectMeta { size, ..meta }, range, attributes })
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let store = self.clone();
        let raw = move |meta: Result<ObjectMeta>| {
            let store = store.clone();
            async move { store.raw(meta?).await }.boxed()
        };
        self.inner.list(prefix).map(raw).buffered(HEADS).boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let listed = self.inner.list_with_delimiter(prefix).await?;
        let metas = futures_util::stream::iter(listed.objects).map(|meta| self.raw(meta).boxed());
        Ok(ListResult { objects: metas.buffered(HEADS).try_collect().await?, ..listed })
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        if is_coded(from) != is_coded(to) {
            return Err(refused(to, "a copy of an object that is compressed is called .rans, too, and no other is"));
        }
        self.inner.copy_opts(from, to, options).await
    }
}

impl fmt::Display for RansStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RansStore({})", self.inner)
    }
}

impl fmt::Debug for RansStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RansStore").field("inner", &self.inner).finish_non_exhaustive()
    }
}

/// Whether an object is shown raw.
fn is_coded(location: &Path) -> bool {
    location.as_ref().ends_with(SUFFIX)
}

/// A map without a fault has its length: [`map::read`] asked for it.
fn raw_len(map: &BlockMap) -> u64 {
    map.raw_len().unwrap_or_default()
}

fn refuse_coded(location: &Path) -> Result<()> {
    if is_coded(location) {
        return Err(refused(location, "write compressed objects to the store below"));
    }
    Ok(())
}

fn refused(location: &Path, why: &str) -> Error {
    Error::NotSupported { source: format!("{location}: {why}").into() }
}

/// An error of a compressed object.
pub(crate) fn failed(location: &Path, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    let source = Box::new(Failure { location: location.clone(), source: error.into() });
    Error::Generic { store: "RansStore", source }
}

/// What is wrong, and with which object.
#[derive(Debug)]
struct Failure {
    location: Path,
    source: Box<dyn std::error::Error + Send + Sync>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.location, self.source)
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.source)
    }
}
