//! Pages of this documentation. They begin in the [guide](crate#start-here);
//! [in Chinese](crate::zh).

// The links on the pages name items of the crate's root.
#[cfg(doc)]
#[allow(clippy::wildcard_imports)]
use crate::*;

/// A page. Where a feature is off, the links to what it adds lead to the list of the features.
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
            doc = include_str!("docs/without_features.md")
        )]
        $( #[doc = $text] #[doc = ""] )+
        pub mod $name {}
    };
}

page!(axum, "I write an axum app.", include_str!("docs/axum.md"));
page!(hyper, "I have a hyper server.", include_str!("docs/hyper.md"));
page!(
    other_frameworks,
    "I have another framework, or a cloud function.",
    include_str!("docs/other_frameworks.md")
);
page!(hand_written, "I have an endpoint already.", include_str!("docs/hand_written.md"));
page!(
    moving,
    "From an endpoint of your own to this crate: steps, differences, common mistakes.",
    include_str!("docs/moving.md")
);
page!(
    verify_only,
    "Only the verification: as a layer, or as a function.",
    include_str!("docs/verify_only.md")
);
page!(
    stacks,
    "Which layer goes where, and why; a layer of your own; storing callbacks.",
    picture include_str!("docs/pictures/stack.svg"),
    include_str!("docs/stacks.md")
);
page!(
    errors,
    "How each request is answered, and what Tencent does with the answer.",
    picture include_str!("docs/pictures/phases.svg"),
    include_str!("docs/errors.md")
);
page!(commands, include_str!("docs/commands.md"));
page!(console, include_str!("docs/console.md"));
page!(troubleshooting, include_str!("docs/troubleshooting.md"));
page!(word_lists, include_str!("docs/word_lists.md"));
page!(deployment, include_str!("docs/deployment.md"));
page!(tracing, "Spans and log events: names, levels, fields.", include_str!("docs/tracing.md"));
page!(security, include_str!("docs/security_links.md"), include_str!("../SECURITY.md"));
page!(attacks, "[security]: crate::docs::security\n", include_str!("../tests/ATTACKS.md"));
