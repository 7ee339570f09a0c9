//! Size over speed, one point a codec, as SVG: the lower right is where one wants to be.
//!
//! The levels of one codec have one colour and a line through them. A plot can be read on a light
//! and on a dark page: it follows what the reader's system prefers.

use std::{error::Error, fs, path::Path};

use plotters::prelude::*;

use crate::measure::Figures;

mod labels;

/// Which of a codec's speeds a plot shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speed {
    /// Raw bytes per second in.
    Encode,
    /// Raw bytes per second out.
    Decode,
}

const WIDTH: u32 = 760;
const HEIGHT: u32 = 470;

/// What a label is written in, in pixels; a letter is about half as wide as it is high.
const TEXT: i32 = 13;

/// A codec whose name ends with a level, as in `zstd -3`, or that has none.
fn series(name: &str) -> &str {
    name.rsplit_once(" -").map_or(name, |(series, _)| series)
}

/// Colours that stand out on white and on black.
fn colour(series: &str) -> RGBColor {
    match series {
        "ours" | "ranstream" => RGBColor(214, 84, 30),
        "zstd" => RGBColor(52, 120, 214),
        "lz4" => RGBColor(24, 148, 96),
        "zlib-rs" => RGBColor(152, 96, 200),
        "snap" => RGBColor(20, 150, 170),
        "openzl lz" | "openzl pivco" => RGBColor(176, 128, 0),
        _ => RGBColor(128, 128, 128),
    }
}

/// Writes the plot of these codecs to `path`.
///
/// # Errors
///
/// Those of the file, and of the plot where there is no codec.
pub fn draw(path: &Path, caption: &str, speed: Speed, codecs: &[Figures]) -> Result<(), Box<dyn Error>> {
    fs::write(path, svg(caption, speed, codecs)?)?;
    Ok(())
}

fn svg(caption: &str, speed: Speed, codecs: &[Figures]) -> Result<String, Box<dyn Error>> {
    if codecs.is_empty() {
        return Err("a plot needs a codec".into());
    }
    let points: Vec<(f64, f64)> = (codecs.iter())
        .map(|codec| {
            let of = if speed == Speed::Encode { codec.encode } else { codec.decode };
            (of / 1e9, 100.0 * codec.ratio)
        })
        .collect();
    let axis = if speed == Speed::Encode { "encode" } else { "decode" };
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, (WIDTH, HEIGHT)).into_drawing_area();
        area.fill(&WHITE)?;
        let (slow, fast) = range(points.iter().map(|point| point.0));
        let (small, large) = range(points.iter().map(|point| point.1));
        let room = 0.08 * (large - small).max(10.0);
        let mut chart = ChartBuilder::on(&area)
            .caption(caption, ("sans-serif", 18))
            .margin(12)
            .x_label_area_size(40)
            .y_label_area_size(50)
            .build_cartesian_2d((slow / 1.3..fast * 1.6).log_scale(), (small - room).max(0.0)..large + room)?;
        chart
            .configure_mesh()
            .x_desc(format!("{axis}, GB/s (logarithmic)"))
            .y_desc("size, % of raw")
            .x_label_formatter(&|value| tick(*value))
            .light_line_style(TRANSPARENT)
            .draw()?;
        lines(&mut chart, codecs, &points)?;
        let places: Vec<(i32, i32)> = points.iter().map(|point| chart.backend_coord(point)).collect();
        let (across, down) = chart.plotting_area().get_pixel_range();
        write_labels(
            &area,
            codecs,
            &places,
            labels::Area { left: across.start, right: across.end, top: down.start, bottom: down.end },
        )?;
        area.present()?;
    }
    Ok(for_dark_pages(&text))
}

/// The number of a grid line; those that would touch their neighbours have none.
fn tick(value: f64) -> String {
    let digit = (value / 10_f64.powf(value.log10().floor())).round() as u32;
    // Twelve places hide what the steps of the axis add to a number.
    let text = format!("{value:.12}");
    if [1, 2, 3, 5, 10].contains(&digit) {
        text.trim_end_matches('0').trim_end_matches('.').into()
    } else {
        String::new()
    }
}

fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values.fold((f64::MAX, f64::MIN), |(least, most), value| (least.min(value), most.max(value)))
}

type Chart<'a, 'b> = ChartContext<
    'a,
    SVGBackend<'b>,
    Cartesian2d<plotters::coord::combinators::LogCoord<f64>, plotters::coord::types::RangedCoordf64>,
>;

/// A line through each codec's levels, and the points.
fn lines(chart: &mut Chart<'_, '_>, codecs: &[Figures], points: &[(f64, f64)]) -> Result<(), Box<dyn Error>> {
    for (index, codec) in codecs.iter().enumerate() {
        let next = codecs.get(index + 1).filter(|next| series(&next.name) == series(&codec.name));
        if next.is_some() {
            let style = colour(series(&codec.name)).mix(0.5).stroke_width(1);
            chart.draw_series([PathElement::new(vec![points[index], points[index + 1]], style)])?;
        }
    }
    for (codec, point) in codecs.iter().zip(points) {
        let radius = if matches!(series(&codec.name), "ours" | "ranstream") { 5 } else { 4 };
        chart.draw_series([Circle::new(*point, radius, colour(series(&codec.name)).filled())])?;
    }
    Ok(())
}

/// The first level of a codec bears its name, the others their number. One that does not stand
/// beside its point has a line to it.
fn write_labels(
    area: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>,
    codecs: &[Figures],
    places: &[(i32, i32)],
    within: labels::Area,
) -> Result<(), Box<dyn Error>> {
    let mut texts = Vec::new();
    for (index, codec) in codecs.iter().enumerate() {
        let first = index == 0 || series(&codecs[index - 1].name) != series(&codec.name);
        texts.push(if first { codec.name.as_str() } else { &codec.name[series(&codec.name).len() + 1..] });
    }
    let widths: Vec<i32> = texts.iter().map(|text| text.len() as i32 * TEXT * 6 / 10).collect();
    let boxes = labels::place(places, &widths, TEXT, within);
    for (index, label) in boxes.iter().enumerate() {
        let colour = colour(series(&codecs[index].name));
        let (x, y) = places[index];
        if !label.grown(10).holds((x, y)) {
            let end = (x.clamp(label.left, label.right), y.clamp(label.top, label.bottom));
            area.draw(&PathElement::new(vec![(x, y), end], colour.mix(0.6)))?;
        }
        // The library writes a font of this size smaller.
        let font = ("sans-serif", f64::from(TEXT) * 1.2).into_font().color(&colour);
        area.draw(&Text::new(texts[index], (label.left, label.top), font))?;
    }
    Ok(())
}

/// Black on white becomes light on dark where the reader prefers that.
fn for_dark_pages(svg: &str) -> String {
    const STYLE: &str = "<style>@media (prefers-color-scheme: dark) {\
        [fill=\"#FFFFFF\"] { fill: #0D1117 } \
        [fill=\"#000000\"] { fill: #E6EDF3 } \
        [stroke=\"#000000\"] { stroke: #9DA7B3 }\
        }</style>\n";
    let start = svg.find('\n').map_or(0, |line| line + 1);
    [&svg[..start], STYLE, &svg[start..]].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codec(name: &str, speed: f64, ratio: f64) -> Figures {
        Figures { name: name.into(), ratio, encode: speed / 10.0, decode: speed }
    }

    #[test]
    fn levels_of_a_codec_are_one_series() {
        assert_eq!(
            ["zstd -3", "zlib-rs -6", "lz4", "openzl lz -3"].map(series),
            ["zstd", "zlib-rs", "lz4", "openzl lz"]
        );
    }

    #[test]
    fn every_codec_is_named_once_and_its_levels_by_number() {
        let codecs = [codec("zstd -1", 1e9, 0.4), codec("zstd -3", 8e8, 0.38), codec("lz4", 4e9, 0.6)];
        for speed in [Speed::Encode, Speed::Decode] {
            let svg = svg("some files", speed, &codecs).unwrap();
            let texts: Vec<&str> = svg.lines().map(str::trim).collect();
            for (text, times) in [("zstd -1", 1), ("-3", 1), ("lz4", 1), ("zstd -3", 0), ("some files", 1)] {
                assert_eq!(texts.iter().filter(|line| **line == text).count(), times, "{text}");
            }
            assert_eq!(svg.matches("<circle").count(), 3);
        }
    }

    #[test]
    fn a_plot_has_colours_for_light_and_dark_pages() {
        let svg = svg("x", Speed::Decode, &[codec("lz4", 4e9, 0.6)]).unwrap();
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
        assert!(svg.contains("prefers-color-scheme: dark") && svg.contains("fill=\"#FFFFFF\""));
    }

    #[test]
    fn ticks_are_short_and_apart() {
        let ticks = [0.1, 0.300_000_000_000_000_04, 0.7, 0.999_999_999_999_999_9, 2.0, 4.0, 50.0].map(tick);
        assert_eq!(ticks, ["0.1", "0.3", "", "1", "2", "", "50"]);
    }

    #[test]
    fn nothing_to_show_is_an_error() {
        assert!(svg("x", Speed::Decode, &[]).is_err());
    }
}
