//! Whether an honest request is still answered after, and next to, others.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tencent_im_callback::Command;
use tokio::io::AsyncWriteExt as _;

use super::item::{Finding, SHOWN, Wanted, Went, came};
use super::items::Make;
use crate::client::{Client, Stream, TENCENT};
use crate::curl::curl;
use crate::lang::{Lang, Said, Text};
use crate::send::{body_of, build};

/// At a time.
const MANY: usize = 100;

/// Connections that drip, or break off.
const SLOW: usize = 50;

/// After so long a connection that broke has been noticed.
const NOTICED: Duration = Duration::from_millis(300);

const HONEST: Text =
    Text("an honest request is answered within 2 s", "正常的请求在 2 秒内得到应答");

const MEANWHILE: Text =
    Text("an honest request was answered meanwhile", "其间正常的请求得到了应答");

const AFTERWARDS: Text =
    Text("an honest request was answered afterwards", "之后正常的请求得到了应答");

struct Survives<'a> {
    make: Make<'a>,
    command: &'a Command,
    client: &'a Client,
    lang: Lang,
}

impl Survives<'_> {
    fn finding(
        &self,
        name: &str,
        wrong: Option<String>,
        came: String,
        wanted: Text,
        why: Text,
        sent: String,
    ) -> Finding {
        Finding {
            name: format!("survives.{name}"),
            went: if wrong.is_some() { Went::Fail } else { Went::Pass },
            sent,
            came: wrong.unwrap_or(came),
            wanted: self.lang.of(wanted).to_owned(),
            why: self.lang.of(why).to_owned(),
            took: Duration::ZERO,
        }
    }

    /// Sends an honest request; what is wrong with its answer, if anything is.
    async fn honest(&self) -> Result<Duration, String> {
        self.asked().await.map_err(|wrong| wrong.of(self.lang))
    }

    async fn asked(&self) -> Result<Duration, Said> {
        let result = self.client.send(build(&(self.make)(self.command.clone()))).await;
        Wanted::Taken.judge(self.command, &result).map_err(|Said(en, zh)| {
            let came = came(&result, self.lang);
            Said(
                format!("the honest request: {came} ({en})"),
                format!("正常的请求：{came}（{zh}）"),
            )
        })?;
        match result {
            Ok(answer) if answer.took > TENCENT => {
                let took = answer.took.as_millis();
                Err(Said(
                    format!("the honest request took {took} ms"),
                    format!("正常的请求用了 {took} 毫秒"),
                ))
            }
            Ok(answer) => Ok(answer.took),
            Err(trouble) => Err(trouble.said()),
        }
    }

    fn shown(&self) -> String {
        let made = (self.make)(self.command.clone());
        curl(&self.client.target().origin(), &build(&made), &body_of(&made), SHOWN)
    }

    async fn many(&self) -> Finding {
        let mut all: FuturesUnordered<_> = (0..MANY).map(|_| self.honest()).collect();
        let (mut wrong, mut longest) = (Vec::new(), Duration::ZERO);
        while let Some(result) = all.next().await {
            match result {
                Ok(took) => longest = longest.max(took),
                Err(what) => wrong.push(what),
            }
        }
        let (count, longest) = (wrong.len(), longest.as_millis());
        let first = wrong.first().map(|first| match self.lang {
            Lang::En => format!("{count} of {MANY}, first {first}"),
            Lang::Zh => format!("{MANY} 个中有 {count} 个，第一个是 {first}"),
        });
        let (came, times) = match self.lang {
            Lang::En => (format!("all within {longest} ms"), format!("{MANY} times at once")),
            Lang::Zh => (format!("全部在 {longest} 毫秒内应答"), format!("同时 {MANY} 次")),
        };
        let why =
            Text("a popular group sends as many at once", "一个活跃的群组就会同时产生这么多请求");
        let sent = format!("{} # {times}", self.shown());
        self.finding("many-at-once", first, came, HONEST, why, sent)
    }

    /// Opens connections with the beginning of a request on each.
    async fn half(&self) -> Vec<Box<dyn Stream>> {
        let path = build(&(self.make)(self.command.clone())).uri().to_string();
        let target = self.client.target();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n\
            Content-Length: 1000\r\n\r\n{{",
            target.authority
        );
        let mut streams = Vec::new();
        for _ in 0..SLOW {
            if let Ok(mut stream) = target.connect().await
                && stream.write_all(head.as_bytes()).await.is_ok()
            {
                streams.push(stream);
            }
        }
        streams
    }

    fn half_shown(&self) -> String {
        let times = match self.lang {
            Lang::En => format!("{SLOW} times, with a body that stops after its first byte"),
            Lang::Zh => format!("{SLOW} 次，请求体在第一个字节之后停住"),
        };
        format!("{} # {times}", self.shown())
    }

    async fn dripping(&self) -> Finding {
        let mut streams = self.half().await;
        for _ in 0..5 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            for stream in &mut streams {
                // They may be cut off: so much the better.
                drop(stream.write_all(b" ").await);
            }
        }
        // Over a connection of its own, as Tencent's would be.
        let fresh = Client::new(self.client.target().clone(), TENCENT + Duration::from_secs(1));
        let survives = Survives { client: &fresh, ..*self };
        let wrong = survives.honest().await.err();
        drop(streams);
        let why = Text(
            "slow bodies cost the sender nothing; they must not hold up everybody else",
            "缓慢发送请求体毫无成本；不能让它阻塞其他所有请求",
        );
        self.finding(
            "dripping-bodies",
            wrong,
            self.lang.of(MEANWHILE).into(),
            HONEST,
            why,
            self.half_shown(),
        )
    }

    async fn broken_off(&self) -> Finding {
        drop(self.half().await);
        tokio::time::sleep(NOTICED).await;
        let wrong = self.honest().await.err();
        let why = Text(
            "connections break; that must not take anything down",
            "连接随时会断开；不应因此造成故障",
        );
        self.finding(
            "half-requests",
            wrong,
            self.lang.of(AFTERWARDS).into(),
            HONEST,
            why,
            self.half_shown(),
        )
    }

    async fn deep(&self) -> Finding {
        let levels = 100_000;
        let body = format!(
            r#"{{"CallbackCommand":"{}","A":{}{}}}"#,
            self.command,
            "[".repeat(levels),
            "]".repeat(levels)
        );
        let made = (self.make)(self.command.clone()).body(body);
        let sent = curl(&self.client.target().origin(), &build(&made), &body_of(&made), SHOWN);
        // Whatever comes of it.
        drop(self.client.send(build(&made)).await);
        tokio::time::sleep(NOTICED).await;
        let wrong = self.honest().await.err();
        let why = Text(
            "a parser that goes down a level at a time runs out of stack, and takes the process \
            with it",
            "逐层递归的解析器会耗尽栈空间，并使整个进程崩溃",
        );
        self.finding("deep-nesting", wrong, self.lang.of(AFTERWARDS).into(), HONEST, why, sent)
    }
}

/// Each of them named, so that one alone can be asked for.
pub(crate) async fn survives(
    make: Make<'_>,
    command: &Command,
    client: &Arc<Client>,
    lang: Lang,
    wants: impl Fn(&str) -> bool,
) -> Vec<Finding> {
    let survives = Survives { make, command, client, lang };
    let mut findings = Vec::new();
    if wants("survives.many-at-once") {
        findings.push(survives.many().await);
    }
    if wants("survives.dripping-bodies") {
        findings.push(survives.dripping().await);
    }
    if wants("survives.half-requests") {
        findings.push(survives.broken_off().await);
    }
    if wants("survives.deep-nesting") {
        findings.push(survives.deep().await);
    }
    findings
}
