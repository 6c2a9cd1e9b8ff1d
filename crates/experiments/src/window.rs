//! The window of a partition: keys that always fail, one key with thousands waiting, and messages
//! that the broker is to deliver later.

use std::collections::HashMap;
use std::time::Duration;

use async_nats::HeaderMap;
use serde_json::json;

use crate::api::Api;
use crate::nats::{Cluster, Folder};
use crate::owner::Workers;
use crate::publish::spread;
use crate::share::fill;
use crate::{Options, lease};

/// Handled a second, of the keys that are neither failing nor hot.
async fn round(cluster: &Cluster, count: u64, case: (u64, u64, usize)) -> f64 {
    let (failing, hot, window) = case;
    let api = cluster.api().await;
    for stream in ["q", "q-retry", "q-owners"] {
        drop(api.call(&format!("STREAM.DELETE.{stream}"), &json!({})).await);
    }
    lease::streams(&api, cluster.nodes.len()).await;
    fill(&api, failing, |number| (0, format!("f{number} 1 {:700}", ""))).await;
    fill(&api, hot, |number| (0, format!("hot {} {:700}", number + 1, ""))).await;
    fill(&api, count, |number| (0, format!("k{} {} {:700}", number % 200, number / 200 + 1, "")))
        .await;
    let folder = Folder::new();
    let path = folder.0.join("log");
    let arguments = [
        ("urls", cluster.urls()),
        ("design", "lease".to_owned()),
        ("nodes", cluster.nodes.len().to_string()),
        ("ttl-ms", "10000".to_owned()),
        ("partitions", "1".to_owned()),
        ("permits", "50".to_owned()),
        ("handler-ms", "100".to_owned()),
        ("window", window.to_string()),
    ];
    let mut workers = Workers::new(&arguments, Some(&path));
    workers.start(1);
    tokio::time::sleep(Duration::from_secs(10)).await;
    let text = std::fs::read_to_string(&path).unwrap_or_default();
    let done: Vec<u64> = text
        .lines()
        .filter_map(|line| {
            let mut words = line.split(' ');
            let at = words.next()?.parse().ok()?;
            (words.next()? == "done" && words.next()?.starts_with('k')).then_some(at)
        })
        .collect();
    // The last six seconds: those before belong to the start.
    let Some(last) = text.lines().last().and_then(|line| line.split(' ').next()?.parse().ok())
    else {
        return 0.0;
    };
    let last: u64 = last;
    done.iter().filter(|at| **at + 6000 > last).count() as f64 / 6.0
}

/// Messages that the broker publishes again two seconds later.
async fn schedules(api: &Api, replicas: usize, retention: &str) {
    drop(api.call("STREAM.DELETE.S", &json!({})).await);
    let config = json!({
        "name": "S", "subjects": ["s.*", "due.*"], "retention": retention, "storage": "file",
        "num_replicas": replicas, "allow_msg_schedules": true,
    });
    if let Err((code, text)) = api.call("STREAM.CREATE.S", &config).await {
        println!("schedules, {retention}: not possible: {code} {text}");
        return;
    }
    let when = std::time::SystemTime::now() + Duration::from_secs(3);
    let when = when.duration_since(std::time::SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let mut accepted = 0;
    for number in 0..1000 {
        let mut headers = HeaderMap::new();
        headers.insert("Nats-Schedule", format!("@at {}", rfc3339(when)));
        headers.insert("Nats-Schedule-Target", format!("due.{number}"));
        match api.publish(&format!("s.{number}"), headers, "x").await {
            Some(Ok(_)) => accepted += 1,
            other => {
                println!("schedules, {retention}: {other:?}");
                return;
            }
        }
    }
    tokio::time::sleep(Duration::from_secs(6)).await;
    let info = api.call("STREAM.INFO.S", &json!({"subjects_filter": ">"})).await.unwrap();
    let subjects = info["state"]["subjects"].as_object().cloned().unwrap_or_default();
    let due = subjects.keys().filter(|subject| subject.starts_with("due.")).count();
    println!(
        "schedules, {retention}: {accepted} accepted, {due} delivered once they were due, \
        {} schedules left",
        subjects.len() - due
    );
}

fn rfc3339(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    // Days since 1970 to a date, after Howard Hinnant's `civil_from_days`.
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let day = shifted % 146_097;
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let date = of_year - (153 * month + 2) / 5 + 1;
    let (month, later) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    let year = year + era * 400 + later;
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    format!("{year}-{month:02}-{date:02}T{hour:02}:{minute:02}:{second:02}Z")
}

pub async fn run(options: &Options) {
    let cluster = Cluster::start(options.number("nodes", 1), options.text("sync")).await;
    let api = cluster.api().await;
    schedules(&api, cluster.nodes.len(), "workqueue").await;
    schedules(&api, cluster.nodes.len(), "limits").await;
    let cases = [
        ("200 keys alone", 0, 0, 2000),
        ("beside 1,000 keys that always fail, window 500", 1000, 0, 500),
        ("beside 1,000 keys that always fail, window 2,000", 1000, 0, 2000),
        ("beside one key with 10,000 waiting, window 2,000", 0, 10_000, 2000),
        ("beside one key with 10,000 waiting, window 20,000", 0, 10_000, 20_000),
        ("200 keys alone, window 20,000", 0, 0, 20_000),
    ];
    let mut rates: HashMap<&str, Vec<f64>> = HashMap::new();
    for _ in 0..options.number("rounds", 3) {
        for (name, failing, hot, window) in cases {
            let case = (failing, hot, window);
            let count = options.number("count", 8000) as u64;
            rates.entry(name).or_default().push(round(&cluster, count, case).await);
        }
    }
    for (name, ..) in cases {
        let ratios = rates[name].iter().zip(&rates[cases[0].0]).map(|(one, alone)| one / alone);
        println!(
            "{name}: {} handled a second; / alone {}",
            spread(rates[name].clone()),
            spread(ratios.collect())
        );
    }
}
