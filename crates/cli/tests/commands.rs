//! `im-callback commands`, and how the program is called.

mod common;

use common::{Run, run};

#[test]
fn all_commands_are_listed_and_one_is_shown() {
    let Run { status, out, .. } = run(&["commands"]);
    assert_eq!(status, 0);
    assert_eq!(out.lines().count(), 1 + tencent_im_callback::Command::ALL.len());

    let Run { status, out, .. } = run(&["commands", "sns.callbackfrienddelete"]);
    assert_eq!(status, 0);
    assert!(out.starts_with("Sns.CallbackFriendDelete\n"), "{out}");
    assert!(
        out.contains("after") && out.contains("PairList: list") && out.contains("https://"),
        "{out}"
    );

    let Run { out, .. } = run(&["commands", "beforesend"]);
    assert!(
        out.contains("C2C.CallbackBeforeSendMsg") && out.contains("Live.CallbackBeforeSendGift")
    );
}

#[test]
fn wrong_use_is_exit_status_2_with_a_word_of_what_to_do() {
    let Run { status, err, .. } = run(&["commands", "nothing-like-that"]);
    assert_eq!(status, 2);
    assert!(err.contains("im-callback commands"), "{err}");
    assert_eq!(run(&["frobnicate"]).status, 2);
    assert_eq!(run(&[]).status, 2);
}

#[test]
fn each_help_has_an_example() {
    for command in ["listen", "send", "check", "replay", "drift", "commands"] {
        let Run { status, out, .. } = run(&[command, "--help"]);
        assert_eq!(status, 0);
        assert!(
            out.contains("Example") && out.contains(&format!("im-callback {command}")),
            "{out}"
        );
        assert!(!out.contains("xxxxyyyy"), "{out}");
    }
}
