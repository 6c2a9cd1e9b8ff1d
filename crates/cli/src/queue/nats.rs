//! A queue on NATS JetStream.

use std::path::Path;
use std::str::FromStr;

use tencent_im_callback_queue::Queue;
use tencent_im_callback_queue::jetstream::JetStream;
use tencent_im_callback_queue::jetstream::async_nats::{ConnectOptions, ServerAddr, jetstream};

use super::{failed, shown};
use crate::output::{Failure, escaped, wrong};

/// The address of a server, unless it is a path.
pub(super) fn address(place: &Path) -> Option<&str> {
    place.to_str().filter(|place| place.starts_with("nats://") || place.starts_with("tls://"))
}

/// Opens the queue, and does not make one: a name with a typing error would look like an empty
/// queue.
pub(super) async fn open(address: &str, name: String) -> Result<Queue, Failure> {
    let server = ServerAddr::from_str(address).map_err(|error| {
        wrong(format_args!("the address: {}", escaped(&error.to_string(), 200)))
    })?;
    let given = |inside: Option<&str>, variable| {
        inside.map(str::to_owned).or_else(|| std::env::var(variable).ok())
    };
    let user = given(server.username(), "NATS_USER");
    let options = match user {
        Some(user) => ConnectOptions::with_user_and_password(
            user,
            given(server.password(), "NATS_PASSWORD").unwrap_or_default(),
        ),
        None => ConnectOptions::new(),
    };
    let client = options.connect(server).await.map_err(|error| {
        Failure::Answer(format!("no connection: {}", escaped(&error.to_string(), 200)))
    })?;
    let context = jetstream::new(client);
    match JetStream::existing(&context, &name).await.map_err(failed)? {
        Some(settings) => {
            Queue::jetstream(context, settings).await.map_err(|error| wrong(shown(&error)))
        }
        None => Err(wrong(format_args!("there is no queue {} on this server", escaped(&name, 60)))),
    }
}
