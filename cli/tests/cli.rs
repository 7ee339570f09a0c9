//! The `rans` command, as its users run it.

mod cli {
    mod backend;
    mod bench;
    mod damage;
    mod files;
    mod folder;
    mod kernel;
    mod listing;
    mod pipes;
    mod ranges;
    #[cfg(unix)]
    mod signals;
}
