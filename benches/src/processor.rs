//! Which processor is measured: its model, its class, and the page that its figures go to.

use std::{env, fs};

/// The processor at hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Processor {
    /// As the system calls it.
    pub model: String,
    /// Its microarchitecture: what its speed depends on, where a virtual machine hides the model.
    pub class: String,
}

impl Processor {
    /// From `/proc/cpuinfo`; elsewhere it is known by its instruction set alone.
    #[must_use]
    pub fn at_hand() -> Self {
        Self::parse(&fs::read_to_string("/proc/cpuinfo").unwrap_or_default())
    }

    /// The name of its page, without the ending: letters, digits and single hyphens.
    #[must_use]
    pub fn page(&self) -> String {
        let mut page = String::new();
        for part in format!("{} {}", self.model, self.class).to_lowercase().split(|c: char| !c.is_ascii_alphanumeric())
        {
            // Marks that are in the model's name for lawyers, and words that say nothing.
            if !matches!(part, "" | "r" | "tm" | "cpu" | "processor") {
                page += if page.is_empty() { "" } else { "-" };
                page += part;
            }
        }
        page
    }

    fn parse(info: &str) -> Self {
        let field = |name: &str| {
            info.lines()
                .filter_map(|line| line.split_once(':'))
                .find(|(key, _)| key.trim() == name)
                .map(|(_, value)| value.trim())
        };
        let number = |name| field(name).and_then(|text| text.parse().ok()).unwrap_or(0);
        let model = field("model name").unwrap_or(env::consts::ARCH);
        // The clock is no part of the name.
        let model = model.split_once(" @").map_or(model, |(name, _)| name).to_owned();
        let has_amx = field("flags").is_some_and(|flags| flags.split(' ').any(|flag| flag == "amx_tile"));
        let class = match (field("vendor_id"), number("cpu family"), number("model")) {
            (Some(vendor), family, number) => class(vendor, family, number, has_amx),
            (None, ..) => env::consts::ARCH.to_owned(),
        };
        Self { model, class }
    }
}

/// The microarchitecture by family and model, as the vendors' manuals list them. A virtual machine
/// may name another model than it runs on: AMX tells that it is no older than Sapphire Rapids.
fn class(vendor: &str, family: u32, model: u32, has_amx: bool) -> String {
    let known = match (vendor, family, model) {
        ("AuthenticAMD", 23, 0x30..) => "Zen 2",
        ("AuthenticAMD", 23, _) => "Zen",
        ("AuthenticAMD", 25, 0x10..0x20 | 0x60..0x80 | 0xA0..0xB0) => "Zen 4",
        ("AuthenticAMD", 25, _) => "Zen 3",
        ("AuthenticAMD", 26, _) => "Zen 5",
        ("GenuineIntel", 6, 60 | 63 | 69 | 70) => "Haswell",
        ("GenuineIntel", 6, 61 | 71 | 79 | 86) => "Broadwell",
        ("GenuineIntel", 6, 78 | 85 | 94) => "Skylake",
        ("GenuineIntel", 6, 106 | 108 | 125 | 126) => "Ice Lake",
        ("GenuineIntel", 6, 143) => "Sapphire Rapids",
        ("GenuineIntel", 6, 207) => "Emerald Rapids",
        ("GenuineIntel", 6, 173 | 174) => "Granite Rapids",
        ("GenuineIntel", 6, 151 | 154) => "Alder Lake",
        ("GenuineIntel", 6, 183 | 186 | 191) => "Raptor Lake",
        ("GenuineIntel", 6, 167) if !has_amx => "Rocket Lake",
        ("GenuineIntel", ..) if has_amx => "Sapphire Rapids or later",
        _ => return format!("family {family} model {model}"),
    };
    known.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_named_by_model_and_class() {
        for (info, model, class, page) in [
            (
                "vendor_id\t: AuthenticAMD\ncpu family\t: 25\nmodel\t\t: 17\nmodel name\t: AMD EPYC\n",
                "AMD EPYC",
                "Zen 4",
                "amd-epyc-zen-4",
            ),
            (
                "vendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 207\nmodel name\t: Intel(R) Xeon(R) Platinum 8581C CPU @ 2.10GHz\n",
                "Intel(R) Xeon(R) Platinum 8581C CPU",
                "Emerald Rapids",
                "intel-xeon-platinum-8581c-emerald-rapids",
            ),
            (
                "vendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 167\nmodel name\t: Intel(R) Xeon(R) Processor\nflags\t\t: fpu amx_bf16 amx_tile\n",
                "Intel(R) Xeon(R) Processor",
                "Sapphire Rapids or later",
                "intel-xeon-sapphire-rapids-or-later",
            ),
            (
                "vendor_id\t: AuthenticAMD\ncpu family\t: 99\nmodel\t\t: 1\nmodel name\t: AMD Later\n",
                "AMD Later",
                "family 99 model 1",
                "amd-later-family-99-model-1",
            ),
        ] {
            let processor = Processor::parse(info);
            assert_eq!((processor.model.as_str(), processor.class.as_str()), (model, class));
            assert_eq!(processor.page(), page);
        }
    }
}
