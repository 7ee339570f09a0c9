use super::*;
use crate::measure::Figures;

/// A codec that takes `ratio` of the raw size, and gives out so many MB a second.
fn figures(name: String, ratio: f64, decode: f64) -> Figures {
    Figures { name, ratio, encode: decode * 1e6 / 4.0, decode: decode * 1e6 }
}

/// Two files, one three times as long as the other, which lz4 does not shrink by much; with AVX2
/// where that is asked for.
fn measured(avx2: bool) -> Vec<Measured> {
    [("short", 1_000_000, 0.5, 1.0, 0.8), ("long", 3_000_000, 0.3, 2.0, 0.96)]
        .into_iter()
        .map(|(name, len, ratio, faster, lz4)| {
            let mut codecs: Vec<Figures> = OURS.map(|level| figures(ours(level), ratio, 1000.0 * faster)).collect();
            if avx2 {
                codecs.extend(PAIRS.map(|(level, _)| figures(with_avx2(level), ratio, 750.0 * faster)));
            }
            codecs.extend(ZSTD.map(|level| figures(zstd(level), 0.4, 500.0)));
            codecs.push(figures("lz4".into(), lz4, 4000.0));
            Measured { name: name.into(), len, figures: codecs }
        })
        .collect()
}

/// The cells of the first row of a section whose first cell is `first`.
fn row(page: &str, section: &str, first: &str) -> Vec<String> {
    let section = page.split("\n## ").find(|part| part.starts_with(section)).unwrap();
    let line = section.lines().find(|line| line.starts_with(&format!("| {first} |"))).unwrap();
    line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()
}

#[test]
fn files_count_by_their_length_in_total() {
    let page = one_core(&measured(true)).unwrap();
    // 0.5 of one million and 0.3 of three; 1 ms and 1.5 ms.
    assert_eq!(row(&page, "2 files", "ours -3"), ["ours -3", "35.00", "400", "1600", "0.35", "0.25"]);
    assert!(page.contains("by more than 5 %, 1 here"));
    assert!(page.starts_with("2 files, 4.0 MB raw."));
}

#[test]
fn no_mean_is_of_no_files() {
    let page = one_core(&measured(true)[1..]).unwrap();
    assert_eq!(row(&page, "1 files", "ours -3"), ["ours -3", "30.00", "500", "2000", "0.50", ""]);
}

#[test]
fn a_pair_has_a_row_a_file_their_mean_and_the_worst() {
    let page = one_core(&measured(true)).unwrap();
    let section = "Level 6 beside zstd -9";
    assert_eq!(row(&page, section, "short"), ["short", "50.00", "40.00", "+25.0 %", "2.00", "2.00", "1.50", "1.50"]);
    assert_eq!(row(&page, section, "**worst**")[3..], ["+25.0 %", "2.00", "2.00", "1.50", "1.50"]);
    assert_eq!(row(&page, section, "**geometric mean**")[3..], ["-3.2 %", "2.83", "2.83", "2.12", "2.12"]);
}

#[test]
fn what_was_not_measured_is_empty() {
    let page = one_core(&measured(false)).unwrap();
    assert_eq!(row(&page, "Level 1 beside zstd -1", "long")[4..], ["4.00", "4.00", "", ""]);
}

#[test]
fn tables_of_files_have_the_levels_of_the_pairs() {
    let page = one_core(&measured(true)).unwrap();
    let columns = row(&page, "Size", "file");
    assert_eq!(
        columns,
        [
            "file", "ours -0", "ours -1", "ours -3", "ours -6", "ours -9", "zstd -1", "zstd -3", "zstd -9", "zstd -19",
            "lz4"
        ]
    );
    assert!(row(&page, "Decode", "file").contains(&"ours -6, avx2".to_owned()));
}

#[test]
fn every_codec_restores_what_it_codes() {
    let raw: Vec<u8> = (0..100_000_u32).flat_map(|index| (index / 7).to_le_bytes()).collect();
    let (mut coded, mut back) = (Vec::new(), vec![0; raw.len()]);
    for mut codec in on_one_core().into_iter().chain(on_all_cores(2)) {
        codec.encode(&raw, &mut coded);
        back.fill(0);
        codec.decode(&coded, &mut back);
        assert!(back == raw, "{}", codec.name());
        assert!(codec.name().starts_with("ours -0") || coded.len() < raw.len(), "{}", codec.name());
    }
}

#[test]
fn all_cores_have_a_row_a_codec() {
    let table = all_cores(&[figures("zstd -1".into(), 0.5, 1000.0)]).unwrap();
    assert!(table.ends_with("| zstd -1 | 50.00 | 250 | 1000 |\n"), "{table}");
}
