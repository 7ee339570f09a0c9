//! The progress bar, on a terminal that script(1) makes.

use super::folder::{Folder, has, skewed};

/// What a terminal of so many columns gets to see.
fn seen(folder: &Folder, columns: u16, line: &str) -> String {
    let command = format!("stty cols {columns} rows 24; {line}");
    let output = folder.shell(&format!("script -qec '{command}' typescript > /dev/null")).output().unwrap();
    assert!(output.status.success(), "{command}");
    String::from_utf8_lossy(&folder.read("typescript")).into_owned()
}

/// The texts that were drawn one over the other, without what moves the cursor.
fn drawn(seen: &str) -> Vec<String> {
    let mut plain = String::new();
    let mut signs = seen.chars();
    while let Some(sign) = signs.next() {
        if sign == '\u{1b}' {
            // Up to the letter that ends the sequence.
            let end = signs.by_ref().skip(1).find(char::is_ascii_alphabetic);
            plain.push(if end == Some('K') || end == Some('A') { '\r' } else { '\0' });
        } else {
            plain.push(sign);
        }
    }
    plain.split(['\r', '\0', '\n']).map(str::to_owned).collect()
}

#[test]
fn it_takes_one_line_whatever_the_width() {
    if !has("script") {
        return;
    }
    let folder = Folder::with(&[("part", &skewed(600_000, 110))]);
    let name = "a name that is longer than most terminals are wide, so that it cannot all be in one line of it";
    // So slow that there is time for a bar, whatever the machine.
    folder.script(&format!(
        "mkfifo \"{name}\"; printf '(cat part; sleep 0.6; cat part; cat part) > \"{name}\" &
         $RANS -T1 -f \"{name}\" -o b $*
         wait' > run"
    ));
    for columns in [15, 40, 80, 200] {
        let seen = seen(&folder, columns, "sh ./run");
        let bars: Vec<_> =
            drawn(&seen).into_iter().filter(|text| text.contains("iB") && !text.contains("->")).collect();
        assert!(!bars.is_empty(), "{columns} columns: {seen:?}");
        for bar in bars {
            assert!(bar.chars().count() <= columns.into(), "{columns} columns: {bar:?}");
        }
        // No line feed but those of script and of the result.
        let feeds = seen.matches('\n').count();
        assert!(feeds <= 4, "{columns} columns, {feeds} line feeds: {seen:?}");
    }
    for quiet in ["-q", "--no-progress"] {
        let seen = seen(&folder, 80, &format!("sh ./run {quiet}"));
        assert!(!seen.contains("iB/s"), "{seen:?}");
    }
}
