//! The production example as a process of its own, watched from outside.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::ledger::{Ledger, fields};
use crate::load::{APPS, Totals};

/// Builds the example the way this program was built, and says where it is.
pub fn build() -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .args(["build", "--example", "production", "--message-format=json-render-diagnostics"])
        .arg("--manifest-path")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../Cargo.toml"));
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    let output = command.stderr(Stdio::inherit()).output().expect("cargo");
    assert!(output.status.success(), "the example does not build");
    let messages = String::from_utf8(output.stdout).expect("JSON");
    let executable = messages.lines().find_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        let executable = message["executable"].as_str()?;
        (message["target"]["name"] == "production").then(|| executable.into())
    });
    executable.expect("an executable of the name `production`")
}

/// What the server's log says about itself.
#[derive(Clone, Debug, Default)]
pub struct Log {
    pub lines: u64,
    /// Lines with a token in them, or that tell of a panic.
    pub bad: Vec<String>,
    /// The figures of the last line.
    pub drained: HashMap<String, u64>,
}

impl Log {
    fn read(&mut self, line: &str) {
        self.lines += 1;
        let secret =
            APPS.split_whitespace().any(|word| word.starts_with("soak") && line.contains(word));
        if (secret || line.contains("panic")) && self.bad.len() < 10 {
            self.bad.push(line.to_owned());
        }
        if let Some(fields) = fields(line, "drained") {
            let pairs = fields.into_iter();
            self.drained =
                pairs.filter_map(|(name, figure)| Some((name, figure.as_u64()?))).collect();
        }
    }
}

/// Figures of the process from `/proc`.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// Resident memory that is no file, in KiB.
    pub memory: u64,
    pub descriptors: usize,
}

pub struct Server {
    process: Child,
    pub address: SocketAddr,
    log: Arc<Mutex<Log>>,
    readers: Vec<JoinHandle<()>>,
    apps: PathBuf,
}

impl Server {
    pub fn start(program: &Path, database: Duration, ledger: &Arc<Ledger>) -> Self {
        let apps = std::env::temp_dir().join(format!("soak-apps-{}", std::process::id()));
        std::fs::write(&apps, APPS).expect("a file for the apps");
        let mut process = Command::new(program)
            .env("ADDR", "127.0.0.1:0")
            .env("APPS_FILE", &apps)
            .env("DATABASE_MS", database.as_millis().to_string())
            .env("NO_COLOR", "1")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("starting the example");
        let mut stderr = BufReader::new(process.stderr.take().expect("its log"));
        let mut line = String::new();
        stderr.read_line(&mut line).expect("its first line");
        let address = line.trim().strip_prefix("listening on http://");
        let address = address.and_then(|rest| rest.strip_suffix("/callback")?.parse().ok());
        let address = address.unwrap_or_else(|| panic!("{line}"));

        let log = Arc::new(Mutex::new(Log::default()));
        let (seen, entries) = (log.clone(), ledger.clone());
        let of_log = std::thread::spawn(move || {
            each_line(stderr, |line| {
                entries.log(line);
                seen.lock().unwrap_or_else(PoisonError::into_inner).read(line);
            });
        });
        let stdout = BufReader::new(process.stdout.take().expect("its output"));
        let entries = ledger.clone();
        let of_output =
            std::thread::spawn(move || each_line(stdout, |line| entries.hand_back(line)));
        Server { process, address, log, readers: vec![of_log, of_output], apps }
    }

    pub fn sample(&self) -> Sample {
        let folder = PathBuf::from(format!("/proc/{}", self.process.id()));
        let status = std::fs::read_to_string(folder.join("status")).expect("Linux");
        let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
        let memory = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
        Sample {
            memory: memory.expect("RssAnon"),
            descriptors: std::fs::read_dir(folder.join("fd")).expect("Linux").count(),
        }
    }

    /// Asks it to stop.
    pub fn terminate(&self) {
        let id = self.process.id().to_string();
        let sent = Command::new("kill").args(["-s", "TERM", &id]).status();
        assert!(sent.is_ok_and(|status| status.success()), "no signal was sent");
    }

    /// Waits for its end, and reads what it wrote to the last line; `None` if it does not end.
    pub fn wait(&mut self, patience: Duration) -> Option<ExitStatus> {
        let since = Instant::now();
        while since.elapsed() < patience {
            if let Some(status) = self.process.try_wait().expect("its status") {
                for reader in self.readers.drain(..) {
                    reader.join().expect("reading what it wrote");
                }
                return Some(status);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        None
    }

    pub fn log(&self) -> Log {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Requests that its metrics count, by outcome.
    pub fn metrics(&self) -> Totals {
        let mut stream = std::net::TcpStream::connect(self.address).expect("a connection");
        let request = b"GET /metrics HTTP/1.1\r\nHost: soak\r\nConnection: close\r\n\r\n";
        std::io::Write::write_all(&mut stream, request).expect("a request");
        let mut page = String::new();
        stream.read_to_string(&mut page).expect("the metrics");
        let mut totals = Totals::new();
        for line in page.lines() {
            let Some(rest) = line.strip_prefix("im_callbacks_total{outcome=\"") else {
                continue;
            };
            let (Some((outcome, _)), Some((_, figure))) =
                (rest.split_once('"'), rest.rsplit_once(' '))
            else {
                continue;
            };
            *totals.entry(outcome.to_owned()).or_default() +=
                figure.parse::<u64>().expect("a figure");
        }
        totals
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_file(&self.apps);
    }
}

fn each_line(mut reader: impl BufRead, mut see: impl FnMut(&str)) {
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
        see(String::from_utf8_lossy(&line).trim_end());
        line.clear();
    }
}
