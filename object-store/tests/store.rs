//! A store of compressed objects beside one of the same objects as they are.

use std::{ops::Range, sync::Arc};

use futures_util::TryStreamExt;
use object_store::{
    Error, GetOptions, GetRange, ObjectStore, ObjectStoreExt, PutPayload, memory::InMemory, path::Path,
};
use ranstream::{EncodeOptions, compress};
use ranstream_object_store::RansStore;

const BLOCK: usize = 10_000;

fn raw() -> Vec<u8> {
    (0..123_456_u32).flat_map(|i| i.wrapping_mul(2_654_435_761).to_le_bytes()[2..3].to_vec()).map(|b| b & 31).collect()
}

fn coded(raw: &[u8]) -> Vec<u8> {
    compress(raw, &EncodeOptions::new().block_len(BLOCK).index(true)).unwrap()
}

/// Objects that are compressed, and a view of them.
async fn stores(objects: &[(&str, Vec<u8>)]) -> (Arc<InMemory>, RansStore) {
    let inner = Arc::new(InMemory::new());
    for (name, bytes) in objects {
        inner.put(&Path::from(*name), bytes.clone().into()).await.unwrap();
    }
    (Arc::clone(&inner), RansStore::new(inner))
}

#[tokio::test]
async fn an_object_is_its_raw_bytes() {
    let raw = raw();
    let (_, store) = stores(&[("d/x.rans", coded(&raw))]).await;
    let path = Path::from("d/x.rans");
    assert_eq!(store.head(&path).await.unwrap().size, raw.len() as u64);
    let whole = store.get(&path).await.unwrap();
    assert_eq!((whole.meta.size, whole.range.clone()), (raw.len() as u64, 0..raw.len() as u64));
    assert_eq!(whole.bytes().await.unwrap(), raw);
    let head = store.get_opts(&path, GetOptions { head: true, ..GetOptions::default() }).await.unwrap();
    assert!(head.bytes().await.unwrap().is_empty());
}

#[tokio::test]
async fn every_kind_of_range_is_as_that_of_a_plain_object() {
    let raw = raw();
    let (_, store) = stores(&[("x.rans", coded(&raw))]).await;
    let (plain, _) = stores(&[("x.rans", raw.clone())]).await;
    let path = Path::from("x.rans");
    let len = raw.len() as u64;
    let bounded: [Range<u64>; 10] = [
        0..1,
        0..len,
        9_999..10_001,
        10_000..20_000,
        50_000..90_001,
        len - 1..len,
        len - 5..len + 100,
        len..len + 1,
        7..7,
        Range { start: 9, end: 5 },
    ];
    let ranges = bounded.into_iter().map(GetRange::Bounded);
    let others = [0, 55_555, len - 1, len, len + 1].map(GetRange::Offset);
    let suffixes = [0, 1, 33_333, len, len + 1].map(GetRange::Suffix);
    for range in ranges.chain(others).chain(suffixes) {
        let options = || GetOptions { range: Some(range.clone()), ..GetOptions::default() };
        let (ours, theirs) = (store.get_opts(&path, options()).await, plain.get_opts(&path, options()).await);
        match (ours, theirs) {
            (Ok(ours), Ok(theirs)) => {
                assert_eq!(ours.range, theirs.range, "{range:?}");
                assert_eq!(ours.bytes().await.unwrap(), theirs.bytes().await.unwrap(), "{range:?}");
            }
            (ours, theirs) => assert_eq!(ours.is_err(), theirs.is_err(), "{range:?}"),
        }
    }
    let ranges = [5..10, 60_000..70_000, 6..7];
    let parts = store.get_ranges(&path, &ranges).await.unwrap();
    assert_eq!(parts, plain.get_ranges(&path, &ranges).await.unwrap());
}

#[tokio::test]
async fn lists_have_raw_sizes_and_other_objects_are_as_they_are() {
    let raw = raw();
    let (inner, store) =
        stores(&[("d/a.rans", coded(&raw)), ("d/b.csv", b"a,b".to_vec()), ("e/c.rans", coded(b"c"))]).await;
    let sizes = |metas: Vec<object_store::ObjectMeta>| {
        metas.into_iter().map(|meta| (meta.location.to_string(), meta.size)).collect::<Vec<_>>()
    };
    let mut listed = sizes(store.list(None).try_collect().await.unwrap());
    listed.sort();
    let expected = [("d/a.rans", raw.len() as u64), ("d/b.csv", 3), ("e/c.rans", 1)];
    assert_eq!(listed, expected.map(|(name, size)| (name.to_owned(), size)));
    let folder = store.list_with_delimiter(Some(&Path::from("d"))).await.unwrap();
    assert_eq!(sizes(folder.objects), expected[..2].iter().map(|(n, s)| ((*n).to_owned(), *s)).collect::<Vec<_>>());
    assert_eq!(store.get(&Path::from("d/b.csv")).await.unwrap().bytes().await.unwrap(), "a,b");

    store.put(&Path::from("d/new.csv"), PutPayload::from_static(b"new")).await.unwrap();
    let path = Path::from("d/new.rans");
    assert!(matches!(store.put(&path, PutPayload::from_static(b"raw")).await, Err(Error::NotSupported { .. })));
    assert!(matches!(store.copy(&Path::from("d/a.rans"), &Path::from("f")).await, Err(Error::NotSupported { .. })));
    store.copy(&Path::from("d/a.rans"), &path).await.unwrap();
    assert_eq!(store.get(&path).await.unwrap().bytes().await.unwrap(), raw);
    store.delete(&path).await.unwrap();
    assert!(matches!(store.head(&path).await, Err(Error::NotFound { .. })));
    assert!(inner.head(&Path::from("d/new.csv")).await.is_ok());
}

#[tokio::test]
async fn an_object_that_changes_is_looked_at_again() {
    let path = Path::from("x.rans");
    let (inner, store) = stores(&[("x.rans", coded(&[1; 5000]))]).await;
    let before = store.get(&path).await.unwrap();
    inner.put(&path, coded(&vec![2; 70_000]).into()).await.unwrap();
    assert_eq!(store.head(&path).await.unwrap().size, 70_000);
    assert_eq!(store.get_range(&path, 69_999..70_000).await.unwrap(), [2_u8][..]);
    // What was begun of the old one does not go on with the new one.
    assert!(matches!(before.bytes().await, Err(Error::Precondition { .. })));
}

#[tokio::test]
async fn several_streams_and_application_data_are_one_object() {
    let raw = raw();
    let mut writer = ranstream::RansWriter::with_options(Vec::new(), EncodeOptions::new().block_len(999).index(true));
    std::io::Write::write_all(&mut writer, &raw).unwrap();
    writer.write_application_data(1, &[7; 5000]).unwrap();
    std::io::Write::write_all(&mut writer, &raw).unwrap();
    let stream = [writer.finish().unwrap(), coded(&[]), coded(&raw)].concat();
    let (_, store) = stores(&[("x.rans", stream), ("empty.rans", coded(&[]))]).await;
    let path = Path::from("x.rans");
    assert_eq!(store.get(&path).await.unwrap().bytes().await.unwrap(), raw.repeat(3));
    let at = raw.len() as u64;
    let part = store.get_range(&path, at - 5..at + 5).await.unwrap();
    assert_eq!(part, raw.repeat(2)[raw.len() - 5..raw.len() + 5]);
    assert_eq!(store.head(&Path::from("empty.rans")).await.unwrap().size, 0);
    assert!(store.get(&Path::from("empty.rans")).await.unwrap().bytes().await.unwrap().is_empty());
}

#[tokio::test]
async fn damage_comes_behind_the_good_bytes_and_names_object_and_place() {
    let raw = raw();
    let mut stream = coded(&raw);
    let spans =
        ranstream::outline::BlockMap::read(&mut std::io::Cursor::new(&stream), &ranstream::DecodeOptions::new());
    let block = spans.unwrap().block(5).unwrap();
    stream[block.offset as usize + 100] ^= 1;
    let cut = stream[..stream.len() - 7].to_vec();
    let (_, store) = stores(&[("d/x.rans", stream), ("cut.rans", cut), ("text.rans", b"no stream".to_vec())]).await;
    let path = Path::from("d/x.rans");
    assert_eq!(store.get_range(&path, 0..50_000).await.unwrap(), raw[..50_000]);
    assert_eq!(store.get_range(&path, 60_000..80_000).await.unwrap(), raw[60_000..80_000]);
    // What is whole of a range comes out first, a block at a time.
    let mut whole = store.get(&path).await.unwrap().into_stream();
    for nth in 0..5 {
        assert_eq!(whole.try_next().await.unwrap().unwrap(), raw[nth * BLOCK..(nth + 1) * BLOCK]);
    }
    assert!(whole.try_next().await.is_err());
    let error = store.get_range(&path, 59_999..60_001).await.unwrap_err().to_string();
    let place = format!("d/x.rans: block 5 at byte {} is corrupt", block.offset);
    assert!(error.contains(&place), "{error}");
    for name in ["cut.rans", "text.rans"] {
        let error = store.head(&Path::from(name)).await.unwrap_err().to_string();
        assert!(error.contains(name), "{error}");
    }
}

#[tokio::test]
async fn a_stream_without_an_index_says_what_adds_one() {
    let short = compress(&raw(), &EncodeOptions::new()).unwrap();
    let long = compress(&raw().repeat(50), &EncodeOptions::new().level(0).block_len(50_000)).unwrap();
    let (_, store) = stores(&[("short.rans", short), ("long.rans", long)]).await;
    assert_eq!(store.get(&Path::from("short.rans")).await.unwrap().bytes().await.unwrap(), raw());
    let error = store.head(&Path::from("long.rans")).await.unwrap_err().to_string();
    assert!(error.contains("rans index"), "{error}");
}
