//! The design that was proposed: a pinned client for each partition, with and without fences.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::api::{Answer, Api, Place};
use crate::engine::{Engine, Worker};
use crate::pull::{Pulled, Puller};

pub async fn streams(api: &Api, partitions: u32, ttl: Duration, replicas: usize) {
    api.work_queue("q", "q.*", replicas).await;
    for partition in 0..partitions {
        let name = format!("p{partition}");
        let config = json!({
            "durable_name": name, "filter_subject": format!("q.{partition}"),
            "ack_policy": "explicit", "ack_wait": ttl.as_nanos() as u64 / 3 * 2,
            "max_ack_pending": 500, "max_deliver": -1, "num_replicas": replicas,
            "priority_groups": ["g"], "priority_policy": "pinned_client",
            "priority_timeout": ttl.as_nanos() as u64,
        });
        let body = json!({"stream_name": "q", "config": config});
        let subject = format!("CONSUMER.DURABLE.CREATE.q.{name}");
        while api.call(&subject, &body).await.is_err() {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

struct Owner {
    worker: Arc<Worker>,
    partition: u32,
    pin: Option<String>,
    /// The last pull that the broker has answered was sent then.
    pulled: Instant,
    /// A new owner waits until nobody else holds anything.
    settled: bool,
    fenced: bool,
}

impl Owner {
    fn may_start(&self) -> bool {
        let ttl = self.worker.ttl;
        !self.fenced || self.pin.is_some() && self.settled && self.pulled.elapsed() < ttl - ttl / 10
    }

    fn arrived(&mut self, engine: &mut Engine, message: async_nats::Message) {
        let pin = message.headers.as_ref().and_then(|headers| headers.get("Nats-Pin-Id"));
        let pin = pin.map(|pin| pin.as_str().to_owned());
        if pin.is_some() && pin != self.pin {
            self.worker.log.say(&format!("own {} {} {pin:?}", self.partition, self.worker.id));
            self.pin = pin;
            self.settled = false;
        }
        let place = Place::of(&message).unwrap();
        engine.take(message, place);
    }

    async fn settle(&mut self, engine: &Engine) {
        let subject = format!("CONSUMER.INFO.q.p{}", self.partition);
        if let Some(Answer::Done(info)) = self.worker.api.once(&subject, &json!({})).await {
            self.settled = info["num_ack_pending"].as_u64() <= Some(engine.held() as u64);
        }
    }
}

pub async fn serve(worker: Arc<Worker>, partition: u32, fenced: bool) {
    let mut engine = Engine::new(worker.clone(), partition, Arc::new(|| false));
    let mut puller = Puller::new(&worker.api, "q", &format!("p{partition}")).await.unwrap();
    let pulled = Instant::now();
    let mut owner =
        Owner { worker: worker.clone(), partition, pin: None, pulled, settled: false, fenced };
    let mut tick = tokio::time::interval(Duration::from_millis(20));
    let mut asked = Instant::now();
    loop {
        if !puller.is_open() || puller.is_late() {
            let more: Value = match &owner.pin {
                Some(pin) => json!({"group": "g", "id": pin}),
                None => json!({"group": "g"}),
            };
            puller.pull(worker.window.saturating_sub(engine.held()).clamp(1, 200), &more).await;
        }
        let sent = puller.sent();
        tokio::select! {
            pulled = puller.next() => {
                let answered = matches!(&pulled, Pulled::Message(_) | Pulled::Ended(404 | 408));
                if let Some(sent) = sent.filter(|_| answered) {
                    owner.pulled = owner.pulled.max(sent);
                }
                match pulled {
                    Pulled::Message(message) => owner.arrived(&mut engine, message),
                    Pulled::Ended(423) => {
                        owner.pin = None;
                        if fenced {
                            engine.forget();
                        }
                    }
                    Pulled::Ended(404 | 408) => {}
                    Pulled::Ended(_) => tokio::time::sleep(Duration::from_millis(100)).await,
                }
            }
            Some(Ok(ended)) = engine.running.join_next(), if !engine.running.is_empty() => {
                engine.end(ended);
            }
            Ok(permit) = worker.permits.clone().acquire_owned(),
                if engine.is_ready() && owner.may_start() =>
            {
                // The process may have been stopped since.
                if owner.may_start() {
                    engine.start(permit);
                }
            }
            _ = tick.tick() => {
                let late = asked.elapsed() > Duration::from_millis(200);
                if fenced && owner.pin.is_some() && !owner.settled && late {
                    asked = Instant::now();
                    owner.settle(&engine).await;
                }
            }
        }
    }
}
