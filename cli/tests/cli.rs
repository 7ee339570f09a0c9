//! The `rans` command, as its users run it.

mod cli {
    mod backend;
    mod bench;
    #[cfg(unix)]
    mod changing;
    mod damage;
    #[cfg(unix)]
    mod endings;
    mod environment;
    #[cfg(target_os = "linux")]
    mod file_systems;
    mod files;
    mod folder;
    mod index;
    mod kernel;
    mod listing;
    #[cfg(unix)]
    mod names;
    mod pipes;
    #[cfg(unix)]
    mod progress;
    mod ranges;
    #[cfg(unix)]
    mod room;
    mod sources;
    #[cfg(unix)]
    mod special;
    #[cfg(unix)]
    mod standard;
    mod tensors;
    mod trailing;
}
