//! The record: one callback a line, as JSON, without the signature.

use std::fs::{File, OpenOptions};
use std::io::{
    self, BufRead as _, BufReader, BufWriter, Read as _, Seek as _, SeekFrom, Write as _,
};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tencent_im_callback::StoredCallback;

use crate::output::{Failure, complain, wrong};

/// Longest line that is read: a body of 1 MiB, every byte of it escaped.
const LONGEST: u64 = 8 * 1024 * 1024;

/// A line: the stored callback, and the status of its answer.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    callback: &'a StoredCallback,
    status: u16,
}

/// A line of a file that `queue FILE export` has written.
#[derive(Deserialize)]
struct Exported {
    callback: StoredCallback,
}

fn parse(line: &[u8]) -> Result<StoredCallback, serde_json::Error> {
    serde_json::from_slice(line).or_else(|error| {
        serde_json::from_slice(line).map(|exported: Exported| exported.callback).map_err(|_| error)
    })
}

/// One line, with its end.
pub(crate) fn line(callback: &StoredCallback, status: u16) -> Result<String, serde_json::Error> {
    serde_json::to_string(&Line { callback, status }).map(|line| line + "\n")
}

/// Writes a record, up to a size.
#[derive(Debug)]
pub(crate) struct Writer {
    path: PathBuf,
    file: BufWriter<File>,
    left: u64,
}

impl Writer {
    /// Goes on at the end of a file, which may be new.
    pub(crate) fn open(path: &Path, limit: u64) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true);
        // What people write to each other is in it.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path)?;
        let metadata = file.metadata()?;
        close_to_others(&file, &metadata)?;
        let length = metadata.len();
        if length > 0 {
            file.seek(SeekFrom::Start(length - 1))?;
            let mut last = [0];
            file.read_exact(&mut last)?;
            // Half a line of an earlier end.
            if last != *b"\n" {
                file.write_all(b"\n")?;
            }
        }
        Ok(Writer {
            path: path.to_owned(),
            file: BufWriter::new(file),
            left: limit.saturating_sub(length),
        })
    }

    /// Adds a line while the file is below its limit.
    ///
    /// # Errors
    ///
    /// The file cannot be written, or is full.
    pub(crate) fn add(&mut self, line: &str) -> io::Result<()> {
        let length = line.len() as u64;
        if length > self.left {
            let path = self.path.display();
            let full = format!("{path} has reached its limit; see --record-limit");
            return Err(io::Error::other(full));
        }
        self.left -= length;
        self.file.write_all(line.as_bytes())
    }

    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// An existing file may have been made by another program.
#[cfg(unix)]
fn close_to_others(file: &File, metadata: &std::fs::Metadata) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;

    let mut permissions = metadata.permissions();
    let mode = permissions.mode();
    let own = mode & !0o077;
    if !metadata.is_file() || mode == own {
        return Ok(());
    }
    permissions.set_mode(own);
    file.set_permissions(permissions)
}

#[cfg(not(unix))]
fn close_to_others(_: &File, _: &std::fs::Metadata) -> io::Result<()> {
    Ok(())
}

/// Reads a record.
#[derive(Debug)]
pub(crate) struct Reader {
    path: PathBuf,
    file: BufReader<File>,
    number: u64,
    line: Vec<u8>,
    /// Lines that could not be read.
    pub(crate) skipped: u64,
}

impl Reader {
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let file =
            File::open(path).map_err(|error| wrong(format!("{}: {error}", path.display())))?;
        let mut file = BufReader::new(file);
        let shown = path.display();
        let start =
            file.fill_buf().map_err(|error| Failure::Answer(format!("{shown}: {error}")))?;
        if start.starts_with(b"\xff\xfe") || start.starts_with(b"\xfe\xff") {
            return Err(Failure::Answer(format!(
                "{shown} is UTF-16, and nothing of it was read; convert it: iconv -f UTF-16 -t \
                UTF-8"
            )));
        }
        // PowerShell and some editors write a mark.
        if start.starts_with(b"\xef\xbb\xbf") {
            file.consume(3);
        }
        Ok(Reader { path: path.to_owned(), file, number: 0, line: Vec::new(), skipped: 0 })
    }

    /// The next callback. A line that is not a callback is skipped with a message; an incomplete
    /// last line is skipped silently.
    pub(crate) fn next(&mut self) -> Result<Option<StoredCallback>, Failure> {
        loop {
            self.line.clear();
            let mut some = (&mut self.file).take(LONGEST);
            let read = some.read_until(b'\n', &mut self.line);
            let shown = self.path.display().to_string();
            let failed = |error: io::Error| Failure::Answer(format!("{shown}: {error}"));
            if read.map_err(&failed)? == 0 {
                return Ok(None);
            }
            self.number += 1;
            let whole = self.line.ends_with(b"\n");
            if !whole && self.line.len() as u64 == LONGEST {
                self.skip_line().map_err(&failed)?;
            }
            if self.line.trim_ascii().is_empty() {
                continue;
            }
            match parse(&self.line) {
                Ok(callback) => return Ok(Some(callback)),
                Err(error) if !whole && error.is_eof() => return Ok(None),
                Err(error) => {
                    self.skipped += 1;
                    if self.skipped <= 10 {
                        let (path, number) = (self.path.display(), self.number);
                        complain(format_args!(
                            "{path}:{number}: passed over, no recorded callback: {error}"
                        ));
                    }
                }
            }
        }
    }

    /// To the end of a line that is too long.
    fn skip_line(&mut self) -> io::Result<()> {
        loop {
            let buffer = self.file.fill_buf()?;
            let (length, end) = match buffer.iter().position(|byte| *byte == b'\n') {
                Some(at) => (at + 1, true),
                None => (buffer.len(), buffer.is_empty()),
            };
            self.file.consume(length);
            if end {
                return Ok(());
            }
        }
    }
}
