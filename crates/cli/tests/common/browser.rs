//! A headless Chromium, spoken to over a pipe.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

pub struct Browser {
    child: Child,
    input: ChildStdin,
    output: mpsc::Receiver<Value>,
    session: Option<String>,
    next: u64,
    /// Dialogs, errors and violations that came unasked.
    pub troubles: Vec<String>,
}

impl Browser {
    /// `None` where there is no Chromium.
    pub fn start(profile: &Path) -> Option<Self> {
        let names = ["chromium", "chromium-browser", "google-chrome"];
        let runs = |name: &&str| {
            let mut version = Command::new(name);
            version.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
            version.status().is_ok_and(|status| status.success())
        };
        let name = names.into_iter().find(runs)?;
        // It reads from descriptor 3 and writes to 4.
        let mut child = Command::new("sh")
            .args([
                "-c",
                "exec \"$@\" 3<&0 4>&1",
                "sh",
                name,
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
            ])
            .args([
                "--disable-dev-shm-usage",
                "--no-first-run",
                "--remote-debugging-pipe",
                "--window-size=1200,800",
            ])
            .arg(format!("--user-data-dir={}", profile.display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let input = child.stdin.take()?;
        let mut from = BufReader::new(child.stdout.take()?);
        let (tell, output) = mpsc::channel();
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            while from.read_until(0, &mut bytes).is_ok_and(|read| read > 0) {
                if bytes.pop() == Some(0)
                    && let Ok(message) = serde_json::from_slice(&bytes)
                    && tell.send(message).is_err()
                {
                    return;
                }
                bytes.clear();
            }
        });
        Some(Browser { child, input, output, session: None, next: 0, troubles: Vec::new() })
    }

    pub fn ask(&mut self, method: &str, params: Value) -> Value {
        self.next += 1;
        let id = self.next;
        let mut message = json!({ "id": id, "method": method, "params": params });
        if let Some(session) = &self.session {
            message["sessionId"] = session.as_str().into();
        }
        self.input.write_all(format!("{message}\0").as_bytes()).unwrap();
        loop {
            let message = self
                .output
                .recv_timeout(Duration::from_secs(60))
                .expect("an answer of the browser");
            if message["id"] == id {
                // The page was loaded anew meanwhile: there is no value.
                if message["error"]["message"] == "Inspected target navigated or closed" {
                    return json!({});
                }
                assert!(message["error"].is_null(), "{method}: {message}");
                return message["result"].clone();
            }
            let is_trouble = matches!(
                message["method"].as_str(),
                Some(
                    "Page.javascriptDialogOpening"
                        | "Runtime.exceptionThrown"
                        | "Audits.issueAdded"
                )
            ) || (message["method"] == "Log.entryAdded"
                && message["params"]["entry"]["level"] == "error");
            if is_trouble {
                self.troubles.push(message.to_string());
            }
        }
    }

    pub fn open(&mut self, url: &str) {
        let target =
            self.ask("Target.createTarget", json!({ "url": "about:blank" }))["targetId"].clone();
        let attached =
            self.ask("Target.attachToTarget", json!({ "targetId": target, "flatten": true }));
        self.session = attached["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Log", "Audits"] {
            self.ask(&format!("{domain}.enable"), json!({}));
        }
        self.ask("Page.navigate", json!({ "url": url }));
        self.wait("document.readyState === 'complete'");
    }

    /// The value of an expression.
    pub fn value(&mut self, expression: &str) -> Value {
        let params =
            json!({ "expression": expression, "awaitPromise": true, "returnByValue": true });
        let result = self.ask("Runtime.evaluate", params);
        assert!(result["exceptionDetails"].is_null(), "{expression}: {result}");
        result["result"]["value"].clone()
    }

    /// Until an expression is true.
    #[track_caller]
    pub fn wait(&mut self, expression: &str) {
        let started = Instant::now();
        while self.value(expression) != true {
            assert!(
                started.elapsed() < Duration::from_secs(30),
                "{expression}: {}",
                self.value("document.body.innerText")
            );
            std::thread::sleep(Duration::from_millis(30));
        }
    }

    pub fn key(&mut self, key: &str) {
        for kind in ["keyDown", "keyUp"] {
            let mut params = json!({ "type": kind, "key": key });
            if kind == "keyDown" && key.len() == 1 {
                params["text"] = key.into();
            }
            self.ask("Input.dispatchKeyEvent", params);
        }
    }

    /// A picture of the page, as base64 of a PNG.
    pub fn picture(&mut self) -> String {
        let picture = self.ask("Page.captureScreenshot", json!({ "format": "png" }));
        picture["data"].as_str().unwrap().to_owned()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
