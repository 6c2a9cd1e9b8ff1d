//! What a judge and a hook get, and what is made of their findings.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use tencent_im_callback::moderation::{
    Edit, Finding, Findings, Incomplete, ModerateLayer, Shown, Text,
};
use tencent_im_callback::reply::Meaning;
use tencent_im_callback::{Callback, Command, Disposition, EventRouter, Reply, testing};
use tower::{Layer, ServiceExt, service_fn};

use super::{answered, c2c, callback, judge, kind_first, text};

/// Otherwise the custom data that was replaced would be sent as it came.
#[tokio::test]
async fn custom_data_behind_the_message_is_rewritten() {
    let body = format!(
        r#"{{"From_Account":"a","To_Account":"b","MsgBody":[{}],"CloudCustomData":"damn"}}"#,
        text("x")
    );
    let (meaning, reply) = answered(callback(Command::C2cBeforeSendMsg, body)).await;
    assert_eq!(meaning, Meaning::Rewrite);
    assert!(reply.to_string().contains(r#""CloudCustomData":"****""#), "{reply}");
    assert!(!reply.to_string().contains("MsgBody"), "{reply}");
}

#[test]
fn a_word_that_is_folded_is_found_only_where_it_is() {
    let callback = c2c(&[text("red packet")]);
    let shown = callback.shown();
    let text = shown.texts().next().unwrap();
    assert!(text.contains("RED Packet"));
    assert!(!text.contains("SPAM"));
    assert!(!text.contains("\u{200b}"));
}

/// Of an edit that is incomplete, the host hears whatever the judge finds.
#[tokio::test]
async fn the_hook_gets_edits_that_are_incomplete_and_all_findings() {
    let edits = Arc::new(Mutex::new(Vec::new()));
    let seen = edits.clone();
    let layer = ModerateLayer::new(judge).on_edit(move |edit: Edit| {
        let findings: Vec<Finding> = edit.findings.iter().cloned().collect();
        assert_eq!((&edit.findings).into_iter().count(), findings.len());
        seen.lock().unwrap().push((findings, edit.shown.is_complete()));
        std::future::ready(())
    });
    let service = layer.layer(EventRouter::new());
    let bundle = kind_first("TIMRelayElem", r#"{"MsgNum":5}"#);
    for elements in [bundle, format!("{},{}", text("x"), text("damn"))] {
        let body = format!(
            r#"{{"Operator_Account":"e","From_Account":"a","To_Account":"b","MsgSeq":1,
            "MsgRandom":1,"MsgTime":1,"MsgKey":"k","EventTime":1,"MsgBody":[{elements}]}}"#
        );
        let edit = callback(Command::C2cAfterModifyMsg, body);
        assert_eq!(service.clone().oneshot(edit).await.unwrap(), Reply::ok());
    }
    let replace = |text: &str| Finding::Replace(text.to_owned());
    let wanted = vec![Finding::Allow, replace("****"), replace("x****")];
    assert_eq!(*edits.lock().unwrap(), [(vec![], false), (wanted, true)]);
}

/// Being incomplete is no excuse for what is there, nor is it a verdict on what cannot be read.
#[tokio::test]
async fn what_is_tolerated_is_judged_and_not_answered_by_the_router() {
    let router = |ask: fn(&Text<'_>) -> Finding| {
        EventRouter::new()
            .moderate_with(ModerateLayer::new(ask).allow_incomplete(Incomplete::Unreadable))
    };
    let broken =
        |word| callback(Command::C2cBeforeSendMsg, format!(r#"{{"MsgBody":5,"New":"{word}"}}"#));
    assert_eq!(router(judge).oneshot(broken("spam")).await.unwrap(), Reply::reject(1, ""));
    assert!(router(judge).oneshot(broken("hello")).await.is_err());
    // A judge of all texts at once: a replacement of all of them rejects.
    let all =
        |_: Arc<Shown>| std::future::ready(Findings::from(Finding::Replace("****".to_owned())));
    let reply = EventRouter::new().moderate(all).oneshot(c2c(&[text("x")])).await.unwrap();
    assert_eq!(reply, Reply::reject(1, ""));
}

/// The body of a callback is public. What is judged is what stands there now, whichever was parsed.
#[test]
fn a_body_that_was_replaced_is_judged() {
    let came = c2c(&[text("fine")]);
    let mut replaced = came.clone();
    replaced.body = c2c(&[text("spam")]).body;
    assert_eq!(came.body.len(), replaced.body.len());
    assert!(replaced.shown().texts().any(|text| text.contains("spam")));
    // In the same place, but shorter.
    let mut cut = came.clone();
    cut.body = came.body.slice(..came.body.len() - "fine\"}}]}".len());
    assert!(cut.shown().texts().all(|text| !text.contains("fine")));
    assert!(came.shown().texts().any(|text| text.contains("fine")));
}

/// However many are allowed before one is replaced.
#[test]
fn each_of_many_texts_has_its_finding() {
    for allowed in [0, 1, 7, 8, 9, 30] {
        let image = kind_first("TIMImageElem", r#"{"UUID":"u"}"#);
        let mut elements = vec![format!("{},{image}", text("x")); allowed];
        let shown = c2c(&elements).shown();
        assert_eq!(shown.len(), allowed);
        let all = vec![Finding::Allow; allowed];
        assert!(shown.judge(judge).iter().eq(&all), "{allowed}");
        elements.extend([text("damn"), image.clone(), text("x")]);
        let replaced = [Finding::Replace("****".to_owned()), Finding::Allow];
        let findings = c2c(&elements).shown().judge(judge);
        assert!(findings.iter().eq(all.iter().chain(&replaced)), "{allowed}");
        elements.push(text("spam"));
        let findings = c2c(&elements).shown().judge(judge);
        assert_eq!(findings, Findings::from(Finding::Reject), "{allowed}");
    }
}

/// A word is found as it is and folded, in the text as written and in its folded form, whatever
/// stands before and behind it.
#[test]
fn a_word_is_found_in_either_form() {
    let long = "\u{4eca}\u{5929}, Tomorrow! ".repeat(50);
    for (written, word, is_there) in [
        ("Spam", "spam", true),
        ("Spam", "Spam", true),
        ("Spam", "SPAM", true),
        ("Spam", "spa m", false),
        // The accent makes another letter of it, but only in the folded form.
        ("e\u{301}", "e", true),
        ("e\u{301}", "\u{e9}", true),
        ("\u{ff33}\u{ff30}", "sp", true),
        ("\u{ff33}\u{ff30}", "\u{ff33}", true),
        ("\u{4f60}\u{597d}\u{ff0c}", "\u{597d},", true),
        ("\u{4f60}\u{597d}\u{ff0c}", "\u{597d}\u{ff0c}", true),
        ("s\u{200b}p", "sp", true),
        ("s\u{200b}p", "s\u{200b}p", true),
        ("s\u{3000}p", "s p", true),
        ("\u{3400}\u{4dff}\u{ff5e}\u{3002}", "\u{4dff}~\u{3002}", true),
        ("\u{3001}\u{3003}", "\u{3001}", true),
        // Only as written: this one is decoded further on.
        (r"a\u0041", r"\u0041", true),
    ] {
        for (before, behind) in [("", ""), (&*long, ""), ("", &*long), (&*long, &*long)] {
            let callback = c2c(&[text(&format!("{before}{written}{behind}"))]);
            let found = callback.shown().texts().any(|text| text.contains(word));
            assert_eq!(found, is_there, "{written:?} {word:?}");
        }
    }
}

/// A service that blocks what nobody judged can tell.
#[tokio::test]
async fn behind_the_layer_a_callback_tells_whether_it_was_judged() {
    let service = ModerateLayer::new(judge)
        .allow_incomplete(Incomplete::Unreadable)
        .on_edit(|_: Edit| std::future::ready(()))
        .layer(service_fn(async |callback: Callback| {
            Ok::<_, Infallible>(Reply::reject(1, callback.is_moderated().to_string()))
        }));
    let invite = r#"{"GroupId":"g","Operator_Account":"a","DestinationMembers":[]}"#;
    let edit = testing::sample(&Command::C2cAfterModifyMsg).unwrap();
    for (callback, judged) in [
        (c2c(&[text("hello")]), "true"),
        (callback(Command::GroupBeforeInviteJoinGroup, invite), "false"),
        (callback(Command::C2cAfterModifyMsg, edit), "false"),
        (callback(Command::C2cBeforeSendMsg, r#"{"MsgBody":5}"#), "false"),
    ] {
        assert!(!callback.is_moderated());
        let command = callback.command().clone();
        let reply = service.clone().oneshot(callback).await.unwrap();
        assert_eq!(reply, Reply::reject(1, judged), "{command}");
    }
    // A router without a handler has handled what it allows.
    let reply = EventRouter::new().moderate(judge).oneshot(c2c(&[text("hello")])).await.unwrap();
    assert_eq!((reply.disposition(), reply), (Disposition::Handled, Reply::ok()));
}
