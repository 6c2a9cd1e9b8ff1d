#![cfg_attr(
    not(all(
        feature = "dedup",
        feature = "detach",
        feature = "limit",
        feature = "metrics",
        feature = "moderation",
        feature = "testing",
        feature = "tracing",
    )),
    doc = include_str!("docs/zh/without_features.md")
)]
#![doc = "中文文档：用于腾讯云即时通信 IM（Tencent Chat）第三方回调（webhook）的 [tower](https://docs.rs/tower) 中间件。"]
#![doc = ""]
#![doc = include_str!("docs/zh/guide.md")]

// The links on the pages name items of the crate's root.
#[cfg(doc)]
#[allow(clippy::wildcard_imports)]
use crate::*;

/// As in `docs`.
macro_rules! page {
    // On a phone, the picture is scrolled, since its text would be too small.
    ($name:ident, $title:expr, picture $picture:expr, $text:expr) => {
        page!(
            $name,
            $title,
            r#"<div style="overflow-x: auto"><div style="min-width: 600px">"#,
            $picture,
            "</div></div>",
            $text
        );
    };
    ($name:ident, $($text:expr),+) => {
        #[cfg_attr(
            not(all(
                feature = "dedup", feature = "detach", feature = "limit", feature = "metrics",
                feature = "moderation", feature = "testing", feature = "tracing",
            )),
            doc = include_str!("docs/zh/without_features.md")
        )]
        $( #[doc = $text] #[doc = ""] )+
        pub mod $name {}
    };
}

page!(axum, "使用 axum。", include_str!("docs/zh/axum.md"));
page!(hyper, "使用 hyper。", include_str!("docs/zh/hyper.md"));
page!(other_frameworks, "使用其他框架或云函数。", include_str!("docs/zh/other_frameworks.md"));
page!(hand_written, "已有回调接口。", include_str!("docs/zh/hand_written.md"));
page!(
    moving,
    "从现有接口切换到本 crate：步骤、差异、常见错误。",
    include_str!("docs/zh/moving.md")
);
page!(verify_only, "只用校验：作为 layer，或者作为函数。", include_str!("docs/zh/verify_only.md"));
page!(
    stacks,
    "各个 layer 放在哪里、为什么；自定义 layer；存储回调。",
    picture include_str!("docs/pictures/stack.zh-CN.svg"),
    include_str!("docs/zh/stacks.md")
);
page!(moderation, include_str!("docs/zh/moderation.md"));
page!(
    errors,
    "各种情况下的应答，以及腾讯云如何处理。",
    picture include_str!("docs/pictures/phases.zh-CN.svg"),
    include_str!("docs/zh/errors.md")
);
page!(commands, include_str!("docs/zh/commands.md"));
page!(console, include_str!("docs/zh/console.md"));
page!(troubleshooting, include_str!("docs/zh/troubleshooting.md"));
page!(word_lists, include_str!("docs/zh/word_lists.md"));
page!(deployment, include_str!("docs/zh/deployment.md"));
page!(tracing, "span 和日志：名称、级别、字段。", include_str!("docs/zh/tracing.md"));
page!(metrics, include_str!("docs/zh/metrics.md"));
page!(testing, include_str!("docs/zh/testing.md"));
page!(security, include_str!("docs/zh/security_links.md"), include_str!("../SECURITY.zh-CN.md"));
