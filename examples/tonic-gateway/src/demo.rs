//! A backend for trying the gateway out. It asks nobody who they are.

use std::io::{self, Write as _};

use tonic::{Request, Response, Status};

use crate::pb::events_server::Events;
use crate::pb::{Ack, Allow, Event, Finding, Findings, Reject, Written, finding};

/// Prints what it is told, and rejects what has "spam" in it.
pub(crate) struct Demo;

#[tonic::async_trait]
impl Events for Demo {
    async fn notify(&self, request: Request<Event>) -> Result<Response<Ack>, Status> {
        let Event { command, json, .. } = request.into_inner();
        // An unknown event is printed as received and may contain line breaks. Anybody can call
        // this server, so the command may contain them too.
        let line = format!("{} {}\n", command.escape_debug(), json.replace(['\n', '\r'], " "));
        io::stdout().lock().write_all(line.as_bytes())?;
        Ok(Response::new(Ack {}))
    }

    async fn moderate(&self, request: Request<Written>) -> Result<Response<Findings>, Status> {
        let texts = request.into_inner().texts;
        let findings = texts.iter().map(|text| {
            let finding = if text.forms.iter().any(|form| form.contains("spam")) {
                finding::Finding::Reject(Reject {})
            } else {
                finding::Finding::Allow(Allow {})
            };
            Finding { finding: Some(finding) }
        });
        Ok(Response::new(Findings { findings: findings.collect() }))
    }
}
