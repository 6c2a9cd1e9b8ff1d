//! Ids of messages: what a window of duplicates keeps out, and what it loses.

use async_nats::HeaderMap;
use futures_util::StreamExt;
use serde_json::json;

use crate::Options;
use crate::api::{Api, acknowledge};
use crate::nats::Cluster;

async fn send(api: &Api, subject: &str, id: &str, body: &str) -> (u64, bool) {
    loop {
        let mut headers = HeaderMap::new();
        headers.insert("Nats-Msg-Id", id);
        if let Some(Ok(ack)) = api.publish(subject, headers, body.to_owned()).await {
            return ack;
        }
    }
}

async fn consumer(api: &Api, stream: &str, replicas: usize) {
    let config = json!({
        "durable_name": "c", "ack_policy": "explicit", "ack_wait": 1_000_000_000_u64,
        "num_replicas": replicas,
    });
    let body = json!({"stream_name": stream, "config": config});
    api.call(&format!("CONSUMER.DURABLE.CREATE.{stream}.c"), &body).await.unwrap();
}

/// Nothing if there was none for two seconds.
async fn take(api: &Api, stream: &str) -> Option<async_nats::Message> {
    let inbox = api.client.new_inbox();
    let mut messages = api.client.subscribe(inbox.clone()).await.unwrap();
    let body = json!({"batch": 1, "expires": 2_000_000_000_u64}).to_string();
    let subject = format!("$JS.API.CONSUMER.MSG.NEXT.{stream}.c");
    api.client.publish_with_reply(subject, inbox, body.into()).await.unwrap();
    messages.next().await.filter(|message| message.status.is_none())
}

/// Takes one from `from`, publishes it to `to`, and acknowledges it. `false`: there was none.
async fn step(api: &Api, from: &str, to: (&str, &str), acknowledges: bool) -> Option<bool> {
    let message = take(api, from).await?;
    let text = String::from_utf8_lossy(&message.payload).into_owned();
    let (_, duplicate) = send(api, to.0, to.1, &text).await;
    if acknowledges {
        while !acknowledge(&api.client, &message).await {}
    }
    Some(duplicate)
}

/// A callback dies, is requeued, dies and is requeued, all within the window.
async fn lives(api: &Api, replicas: usize, name: &str, id: impl Fn(&str, u32) -> String) {
    for stream in ["m", "d"] {
        drop(api.call(&format!("STREAM.DELETE.{stream}"), &json!({})).await);
        api.work_queue(stream, stream, replicas).await;
        consumer(api, stream, replicas).await;
    }
    let (mut lost, mut duplicates) = (0, 0);
    let count = 20;
    for number in 0..count {
        let callback = format!("{name}-{number}");
        send(api, "m", &callback, &callback).await;
        let mut alive = true;
        for generation in 1..=2 {
            for (from, to) in [("m", "d"), ("d", "m")] {
                let kind = if to == "d" { "dead" } else { "again" };
                let own = id(&format!("{callback} {kind}"), generation);
                let own = if name == "same" { callback.clone() } else { own };
                match step(api, from, (to, &own), true).await {
                    Some(duplicate) => duplicates += u32::from(duplicate),
                    None => alive = false,
                }
                if !alive {
                    break;
                }
            }
        }
        lost += u32::from(take(api, "m").await.is_none());
        drop(api.call("STREAM.PURGE.m", &json!({})).await);
        drop(api.call("STREAM.PURGE.d", &json!({})).await);
    }
    println!(
        "dies and is requeued twice, {name}: \
        {lost} of {count} lost, {duplicates} answered as duplicates"
    );
    assert!(lost == 0 || name != "kind-and-generation");
}

/// The process dies between the dead letter and the acknowledgement.
async fn crash(api: &Api, replicas: usize) {
    for stream in ["m", "d"] {
        drop(api.call(&format!("STREAM.DELETE.{stream}"), &json!({})).await);
        api.work_queue(stream, stream, replicas).await;
        consumer(api, stream, replicas).await;
    }
    let count = 20;
    let mut duplicates = 0;
    for number in 0..count {
        let (callback, own) = (format!("crash-{number}"), format!("crash-{number} dead 1"));
        send(api, "m", &callback, &callback).await;
        step(api, "m", ("d", &own), false).await.unwrap();
        duplicates += u32::from(step(api, "m", ("d", &own), true).await.unwrap());
    }
    let (left, dead) = (api.messages("m").await, api.messages("d").await);
    println!(
        "crash between the dead letter and the acknowledgement: {duplicates} of {count} \
        answered as duplicates; {left} left, {dead} dead letters"
    );
}

/// The vendor's duplicate, after the first was handled, and after a server was restarted.
async fn repeats(cluster: &mut Cluster, api: &Api, replicas: usize) {
    let count = 50;
    for event in ["nothing", "one node killed", "all nodes killed, one after the other"] {
        drop(api.call("STREAM.DELETE.m", &json!({})).await);
        api.work_queue("m", "m", replicas).await;
        consumer(api, "m", replicas).await;
        for number in 0..count {
            send(api, "m", &format!("{event}-{number}"), "x").await;
        }
        // Half of them are handled.
        for _ in 0..count / 2 {
            let message = take(api, "m").await.unwrap();
            while !acknowledge(&api.client, &message).await {}
        }
        let nodes = match event {
            "nothing" => 0,
            "one node killed" => 1,
            _ => replicas,
        };
        for node in 0..nodes {
            cluster.nodes[node].kill();
            cluster.nodes[node].start();
            tokio::time::sleep(std::time::Duration::from_secs(4)).await;
        }
        let mut accepted = [0, 0];
        for number in 0..count {
            let (_, duplicate) = send(api, "m", &format!("{event}-{number}"), "x").await;
            accepted[usize::from(number >= count / 2)] += u32::from(!duplicate);
        }
        println!(
            "duplicates after {event}: accepted again {} of {} that \
            were handled, {} of {} that wait",
            accepted[0],
            count / 2,
            accepted[1],
            count / 2
        );
    }
}

pub async fn run(options: &Options) {
    let replicas = options.number("nodes", 3);
    let mut cluster = Cluster::start(replicas, options.text("sync")).await;
    let api = cluster.api().await;
    lives(&api, replicas, "same", |name, _| name.to_owned()).await;
    lives(&api, replicas, "kind", |name, _| name.to_owned()).await;
    lives(&api, replicas, "kind-and-generation", |name, number| format!("{name} {number}")).await;
    crash(&api, replicas).await;
    repeats(&mut cluster, &api, replicas).await;
}
