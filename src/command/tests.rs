use super::*;

/// The naming rule, applied to the wire word.
fn variant_name(word: &str) -> String {
    let (family, name) = word.split_once('.').unwrap();
    let name = name.strip_prefix("Callback").unwrap_or(name);
    let (family, name) = (family.replace("C2C", "C2c"), name.replace("C2C", "C2c"));
    if name.starts_with(&family) { name } else { family + &name }
}

#[test]
fn an_unknown_word_may_ask_for_a_verdict() {
    let unknown = Command::from("New.Word");
    assert!(unknown.is_unknown());
    assert_eq!((unknown.phase(), unknown.family()), (Phase::Unknown, Family::Unknown));
    for command in Command::ALL {
        let named = UnknownCommand(command.as_str().into()).says_before();
        assert!(!named || command.phase() == Phase::Before, "{command}");
    }
    for word in ["C2C.CallbackBeforeModifyMsg", "Sns.CallbackPrevFriendNote", "c2c.beforeword"] {
        assert_eq!(Command::from(word).phase(), Phase::Before);
    }
    let may = [Phase::Before, Phase::After, Phase::Notice, Phase::Unknown].map(Phase::may_decide);
    assert_eq!(may, [true, false, false, true]);
    assert_eq!(Phase::Notice.to_string(), "notice");
    let error = serde_json::from_str::<Command>("7").unwrap_err().to_string();
    assert!(error.contains("expected a command word"), "{error}");
}

#[test]
fn nothing_but_the_documented_mismatches_is_reconciled() {
    let mut reconciled = Vec::new();
    for url in Command::ALL {
        for body in Command::ALL {
            match url.reconcile(body) {
                Some(means) if url == body => assert_eq!(means, *body),
                Some(means) => reconciled.push((url.clone(), body.clone(), means)),
                None => assert_ne!(url, body),
            }
        }
    }
    reconciled.sort();
    let mut documented = MISMATCHES.to_vec();
    documented.sort();
    assert_eq!(reconciled, documented);
}

#[test]
fn every_variant_is_named_after_its_word() {
    // At least: no command may get lost. tests/documents.rs compares the exact number with the
    // READMEs.
    assert!(Command::ALL.len() >= 88);
    for command in Command::ALL {
        assert_eq!(format!("{command:?}"), variant_name(command.as_str()));
        assert_eq!(command.family().as_str(), command.as_str().split_once('.').unwrap().0);
        assert_eq!(command.family().to_string(), command.family().as_str());
        assert!(!command.is_unknown());
        assert_eq!(&Command::from(command.as_str()), command);
        assert_ne!(command.phase(), Phase::Unknown);
        let answered = command.phase() == Phase::Before || command.family() == Family::Chatbot;
        assert_eq!(command.is_answered(), answered, "{command}");
        assert!(command.docs().unwrap().starts_with("https://"), "{command}");
        assert!(command.docs_zh().unwrap().starts_with("https://"), "{command}");
    }
}

#[test]
fn old_words_become_the_canonical_ones() {
    for (old, command) in ALIASES {
        assert_eq!(&Command::from(*old), command);
        assert_ne!(command.as_str(), *old);
    }
}

#[test]
fn unknown_words_are_kept_and_escaped_in_debug() {
    let command: Command = "New.\nWord".parse().unwrap();
    assert_eq!(command.as_str(), "New.\nWord");
    assert_eq!(command.to_string(), "New.\nWord");
    assert_eq!(format!("{command:?}"), r#"Unknown("New.\nWord")"#);
    assert_eq!((command.phase(), command.family()), (Phase::Unknown, Family::Unknown));
    let long = Command::from("x".repeat(10_000).as_str());
    assert!(format!("{long:?}").len() < 200);
}

#[test]
fn only_listed_pairs_of_words_are_reconciled() {
    use Command::{
        FollowAfterCloudRecordingChanged as Follow, LiveAfterCloudRecordingChanged as Live,
        LiveAfterDelMetadata as Del, LiveAfterSetMetadata as Set,
    };
    assert_eq!(Set.reconcile(&Del), Some(Del));
    assert_eq!(Del.reconcile(&Set), None);
    assert_eq!(Live.reconcile(&Follow), Some(Follow));
    assert_eq!(Follow.reconcile(&Live), Some(Live));
    assert_eq!(Command::SnsFriendAdd.reconcile(&Command::SnsFriendDelete), None);
}

#[test]
fn commands_have_the_names_that_the_chinese_console_shows() {
    assert_eq!(Command::SnsFriendDelete.name_zh(), Some("删除好友之后回调"));
    let page = "https://cloud.tencent.com/document/product/269/1659";
    assert_eq!(Command::SnsFriendDelete.docs_zh(), Some(page));
    let page = "https://trtc.io/zh/document/43468";
    assert_eq!(Command::SnsPrevFriendAdd.docs_zh(), Some(page));
    let unknown = Command::from("New.Word");
    assert_eq!((unknown.name_zh(), unknown.docs_zh()), (None, None));
    // The vendor says itself whether it asks before or after.
    for command in Command::ALL {
        let name = command.name_zh().unwrap();
        let before = command.phase() == Phase::Before;
        assert_eq!(name.contains("之前"), before, "{command}: {name}");
    }
}
