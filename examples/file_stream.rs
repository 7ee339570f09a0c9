//! Codes and decodes files in async code: `cargo run --release --example file_stream --features
//! tokio -- encode FROM TO`.

use std::{env, io, process::ExitCode};

use ranstream::{
    EncodeOptions,
    tokio::{RansReader, RansWriter},
};
use tokio::{
    fs::File,
    io::{AsyncWriteExt as _, copy, copy_buf},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let result = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["encode", from, to] => encode(from, to).await,
        ["decode", from, to] => decode(from, to).await,
        _ => {
            eprintln!("usage: file_stream encode|decode FROM TO");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(bytes) => {
            println!("{bytes} raw bytes");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn encode(from: &str, to: &str) -> io::Result<u64> {
    let mut source = File::open(from).await?;
    // Blocks are coded by rayon's pool; this task moves bytes meanwhile.
    let options = EncodeOptions::new().threads(0).content_length(source.metadata().await?.len()).index(true);
    let mut writer = RansWriter::with_options(File::create(to).await?, options);
    let bytes = copy(&mut source, &mut writer).await?;
    writer.finish().await?;
    // Finish leaves the file open, so that it can be made durable.
    writer.into_inner().sync_all().await?;
    Ok(bytes)
}

async fn decode(from: &str, to: &str) -> io::Result<u64> {
    let mut reader = RansReader::new(File::open(from).await?);
    let mut target = File::create(to).await?;
    let bytes = copy_buf(&mut reader, &mut target).await?;
    target.flush().await?;
    target.sync_all().await?;
    Ok(bytes)
}
