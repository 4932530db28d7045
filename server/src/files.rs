//! Making folders and files with the rights they are to have from the first moment on.

use std::{
    fs::{self, DirBuilder, File},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::Path,
};

/// `sockaddr_un` holds 107 bytes and a final zero.
pub const SOCKET_PATH_BYTES_MAX: usize = 107;

/// A folder, and those above it that are missing, for its owner's eyes only.
pub fn make_private_dir(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Writes a file with this mode, making the folders above it.
pub fn write(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let mut file = File::options().create(true).write(true).truncate(true).mode(mode).open(path)?;
    file.write_all(text.as_bytes())?;
    // The mode above is cut by the umask, and an older file keeps its own.
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}
