//! DataFusion over compressed files, beside the same files as they are.
//!
//! It reads a CSV file and lines of JSON through [`RansStore`], splits them into ranges for its
//! threads as it does with plain files, and gives the same answers. Each of it is checked here; the
//! program ends with an error where something is not so. `scripts/datafusion.sh` runs it.

use std::{collections::HashSet, error::Error, fmt::Write as _, sync::Arc, thread};

use datafusion::{
    arrow::{compute::concat_batches, record_batch::RecordBatch},
    physical_plan::execute_stream_partitioned,
    prelude::{CsvReadOptions, JsonReadOptions, SessionConfig, SessionContext},
};
use futures_util::TryStreamExt;
use object_store::{ObjectStoreExt, memory::InMemory, path::Path};
use ranstream::{DecodeOptions, EncodeOptions, outline::BlockMap};
use ranstream_object_store::RansStore;
use url::Url;

type Outcome<T> = Result<T, Box<dyn Error>>;

const ROWS: u64 = 150_000;
const PARTITIONS: usize = 4;

/// Much smaller than a range of a partition, and no line ends where a block does.
const BLOCK_LEN: usize = 65_521;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Outcome<()> {
    let (csv, json) = rows();
    let (csv_stream, json_stream) = (coded(&csv)?, coded(&json)?);
    println!("CSV: {} bytes in {}, JSON: {} in {}", csv.len(), csv_stream.len(), json.len(), json_stream.len());
    let bad = with_flipped_bit(&csv_stream)?;
    let inner = Arc::new(InMemory::new());
    for (name, bytes) in [
        ("t.csv", csv.into_bytes()),
        ("t.json", json.into_bytes()),
        ("t.csv.rans", csv_stream),
        ("t.json.rans", json_stream),
        ("bad.csv.rans", bad),
    ] {
        inner.put(&Path::from(name), bytes.into()).await?;
    }
    let context = context(inner)?;
    for (coded, plain) in [("csv_coded", "csv_plain"), ("json_coded", "json_plain")] {
        register(&context, coded, plain).await?;
        let (ours, theirs) = (partitions(&context, coded).await?, partitions(&context, plain).await?);
        println!(
            "{coded}: rows of the partitions {:?}, by {} threads; plain {:?}",
            ours.rows, ours.threads, theirs.rows
        );
        // Who is done with a range takes another one, so that the rows of a partition vary.
        let busy = ours.rows.iter().filter(|rows| **rows > 0).count();
        check(ours.rows.len() == theirs.rows.len() && busy > 1, "the file is split as the plain one is")?;
        check(ours.rows.iter().sum::<usize>() as u64 == ROWS, "the partitions have all rows")?;
        check(ours.threads > 1, "several threads decode")?;
        same(&context, coded, plain).await?;
    }
    let damage = context.read_csv("rans:///bad.csv.rans", csv_options(".csv.rans")).await?;
    let error = damage.collect().await.err().ok_or("damage was not seen")?.to_string();
    println!("a flipped bit: {error}");
    check(error.contains("bad.csv.rans: block 20 at byte"), "damage names object and block")?;
    println!("all answers are those of the plain files");
    Ok(())
}

/// The same rows as CSV and as lines of JSON.
fn rows() -> (String, String) {
    let (mut csv, mut json) = (String::from("id,level,path,bytes,seconds\n"), String::new());
    for id in 0..ROWS {
        let mixed = id.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 20;
        let level = ["debug", "info", "warning", "error"][(mixed % 97 % 4) as usize];
        let (path, bytes) = (format!("/a/{}/b{}", mixed % 31, mixed % 1009), mixed % 100_003);
        let seconds = (mixed % 4096) as f64 / 1024.0;
        // Writing to a string does not fail.
        let _ = writeln!(csv, "{id},{level},{path},{bytes},{seconds}");
        let _ =
            writeln!(json, r#"{{"id":{id},"level":"{level}","path":"{path}","bytes":{bytes},"seconds":{seconds:?}}}"#);
    }
    (csv, json)
}

fn coded(raw: &str) -> Outcome<Vec<u8>> {
    let options = EncodeOptions::new().level(1).block_len(BLOCK_LEN).index(true);
    Ok(ranstream::compress(raw.as_bytes(), &options)?)
}

fn with_flipped_bit(stream: &[u8]) -> Outcome<Vec<u8>> {
    let map = BlockMap::read(&mut std::io::Cursor::new(stream), &DecodeOptions::new())?;
    let block = map.block(20).ok_or("there is no block 20")?;
    let mut bad = stream.to_vec();
    bad[(block.offset + block.coded_len / 2) as usize] ^= 1;
    Ok(bad)
}

/// A session in which `rans:///` is the raw view, and `plain:///` what lies under it.
fn context(inner: Arc<InMemory>) -> Outcome<SessionContext> {
    let config = SessionConfig::new().with_target_partitions(PARTITIONS).with_repartition_file_min_size(1 << 20);
    let context = SessionContext::new_with_config(config);
    context.register_object_store(&Url::parse("plain:///")?, inner.clone());
    context.register_object_store(&Url::parse("rans:///")?, Arc::new(RansStore::new(inner)));
    Ok(context)
}

fn csv_options(extension: &str) -> CsvReadOptions<'_> {
    CsvReadOptions::new().file_extension(extension)
}

/// Makes tables of a compressed file and of the plain one, by the kind that their names begin with.
async fn register(context: &SessionContext, coded: &str, plain: &str) -> Outcome<()> {
    if coded.starts_with("csv") {
        context.register_csv(coded, "rans:///t.csv.rans", csv_options(".csv.rans")).await?;
        context.register_csv(plain, "plain:///t.csv", csv_options(".csv")).await?;
    } else {
        let options = JsonReadOptions::default();
        context.register_json(coded, "rans:///t.json.rans", options.clone().file_extension(".json.rans")).await?;
        context.register_json(plain, "plain:///t.json", options).await?;
    }
    Ok(())
}

struct Scan {
    /// Rows of each partition.
    rows: Vec<usize>,
    /// Threads that decoded.
    threads: usize,
}

/// Reads all partitions of a table at once.
async fn partitions(context: &SessionContext, table: &str) -> Outcome<Scan> {
    let plan = context.table(table).await?.create_physical_plan().await?;
    let streams = execute_stream_partitioned(plan, context.task_ctx())?;
    let tasks: Vec<_> = streams
        .into_iter()
        .map(|mut stream| {
            tokio::spawn(async move {
                let (mut rows, mut threads) = (0, HashSet::new());
                while let Some(batch) = stream.try_next().await? {
                    rows += batch.num_rows();
                    threads.insert(thread::current().id());
                    tokio::task::yield_now().await;
                }
                Ok::<_, datafusion::error::DataFusionError>((rows, threads))
            })
        })
        .collect();
    let (mut rows, mut threads) = (Vec::new(), HashSet::new());
    for task in tasks {
        let (of_partition, by) = task.await??;
        rows.push(of_partition);
        threads.extend(by);
    }
    Ok(Scan { rows, threads: threads.len() })
}

/// Every row, and sums by groups, of both tables.
async fn same(context: &SessionContext, coded: &str, plain: &str) -> Outcome<()> {
    for query in [
        "SELECT * FROM table ORDER BY id",
        "SELECT level, count(*), sum(bytes), min(path), max(seconds) FROM table GROUP BY level ORDER BY level",
        "SELECT count(*) FROM table WHERE path LIKE '/a/7/%' AND bytes > 50000",
    ] {
        let (ours, theirs) = (answer(context, query, coded).await?, answer(context, query, plain).await?);
        // Names of columns have that of the table.
        check(ours.columns() == theirs.columns(), query)?;
        println!("{coded}: {} rows of {query}", ours.num_rows());
    }
    let all = answer(context, "SELECT * FROM table", coded).await?;
    check(all.num_rows() as u64 == ROWS && all.num_columns() == 5, "every row is there")
}

async fn answer(context: &SessionContext, query: &str, table: &str) -> Outcome<RecordBatch> {
    let batches = context.sql(&query.replace("table", table)).await?.collect().await?;
    let schema = batches.first().ok_or("no answer")?.schema();
    Ok(concat_batches(&schema, &batches)?)
}

fn check(is_so: bool, what: &str) -> Outcome<()> {
    if is_so { Ok(()) } else { Err(format!("not so: {what}").into()) }
}
