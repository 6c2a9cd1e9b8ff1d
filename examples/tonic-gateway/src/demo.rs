//! A backend for trying the gateway out. It asks nobody who they are.

use std::io::{self, Write as _};

use tonic::{Request, Response, Status};

use crate::pb::events_server::Events;
use crate::pb::{Ack, Allow, Event, Message, Reject, Verdict, verdict};

/// Prints what it is told, and rejects messages with "spam" in them.
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

    async fn moderate(&self, request: Request<Message>) -> Result<Response<Verdict>, Status> {
        let message = request.into_inner();
        let verdict = if message.texts.iter().any(|text| text.contains("spam")) {
            verdict::Verdict::Reject(Reject {
                code: if message.group_id.is_empty() { 120_001 } else { 10_100 },
                info: "no spam, please".to_owned(),
            })
        } else {
            verdict::Verdict::Allow(Allow {})
        };
        Ok(Response::new(Verdict { verdict: Some(verdict) }))
    }
}
