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
fn in_chinese_each_command_has_the_name_that_the_vendor_gives_it() {
    let Run { status, out, .. } = run(&["commands", "--lang", "zh"]);
    assert_eq!(status, 0);
    for command in tencent_im_callback::Command::ALL {
        let row = out.lines().find(|line| line.trim_start().starts_with(&format!("{command} ")));
        let row = row.unwrap_or_else(|| panic!("{command}: {out}"));
        assert!(row.contains(command.name_zh().unwrap()), "{row}");
        assert!(row.contains(command.docs_zh().unwrap()) && row.contains("回调"), "{row}");
    }
    for phase in ["事件发生之前回调", "事件发生之后回调", "系统触发的回调"] {
        assert!(out.contains(phase), "{out}");
    }
    // It is found by its name as well.
    let Run { out, .. } = run(&["commands", "删除好友之后", "--lang", "zh"]);
    assert!(out.starts_with("Sns.CallbackFriendDelete\n删除好友之后回调\n\n类型："), "{out}");
    assert!(out.contains("PairList: 数组") && !out.contains("sample"), "{out}");
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
