//! Every element is typed and written back as it came; what does not fit is found where it is.

use serde_json::{Value, json};
use tencent_im_callback::Command;
use tencent_im_callback::message::{MsgBody, MsgElement, TextElem};

use crate::common::shown;
use crate::{body, bundles, message};

#[test]
fn every_documented_element_is_typed_and_comes_back_as_it_was() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/elements");
    let mut kinds = std::collections::BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let mut before: Value = serde_json::from_str(&text).unwrap();
        let elements = match before.get("MsgBody") {
            Some(elements) => elements.to_string(),
            None => format!("[{text}]"),
        };
        let read: MsgBody = serde_json::from_str(&elements).unwrap();
        for element in &read {
            assert!(!matches!(element, MsgElement::Unknown(_)), "{path:?}");
            kinds.insert(element.msg_type().to_owned());
        }
        let callback = message(&elements);
        assert_eq!(callback.unknown_fields(), [""; 0], "{path:?}");
        // A quoted size is written unquoted.
        if let Some(size) = before.pointer_mut("/MsgContent/Size").filter(|size| size.is_string()) {
            *size = size.as_str().unwrap().parse::<i64>().unwrap().into();
        }
        let expected = before.get("MsgBody").cloned().unwrap_or_else(|| json!([before]));
        assert_eq!(serde_json::to_value(&read).unwrap(), expected, "{path:?}");
    }
    assert_eq!(kinds.len(), 10, "{kinds:?}");
}

#[test]
fn coordinates_keep_their_digits() {
    let elements = concat!(
        r#"[{"MsgType":"TIMLocationElem","MsgContent":{"Desc":"x","#,
        r#""Latitude":29.3403400000000012,"Longitude":"116"}}]"#
    );
    let read = message(elements).event.msg_body;
    let MsgElement::Location(location) = &read[0] else { panic!() };
    assert_eq!(location.latitude.as_ref().unwrap().as_str(), "29.3403400000000012");
    assert_eq!(location.longitude.as_ref().unwrap().to_f64(), 116.0);
    assert!(
        serde_json::to_string(&read)
            .unwrap()
            .contains(r#""Latitude":29.3403400000000012,"Longitude":116"#)
    );
    for bad in ["\"x\"", "true", "{}", "1e999", "\"NaN\"", "\"\""] {
        let elements = elements.replace("\"116\"", bad);
        assert!(serde_json::from_str::<MsgBody>(&elements).is_err(), "{bad}");
    }
}

#[test]
fn a_stream_shows_its_pieces_and_what_old_clients_show() {
    let stream = include_str!("../elements/TIMStreamElem.json");
    let texts = message(&format!("[{stream}]"));
    assert_eq!(shown(&texts), ["hello **world**", "hello world"]);
}

#[test]
fn bundles_are_typed_to_six_levels_and_raw_below() {
    for depth in [1, 6, 7, 20, 100] {
        let callback = message(&bundles(depth));
        let body = &callback.event.msg_body;
        let mut level = 0;
        let mut at = body;
        while let MsgElement::Relay(bundle) = &at[0] {
            at = &bundle.msg_list.as_ref().unwrap()[0].msg_body;
            level += 1;
        }
        assert_eq!(level, depth.min(6));
        assert_eq!(matches!(at[0], MsgElement::Unknown(_)), depth > 6);
        // However deep, the text is seen.
        assert_eq!(shown(&callback), ["core"], "{depth}");
        assert_eq!(serde_json::to_string(body).unwrap(), bundles(depth));
    }
}

#[test]
fn ten_thousand_bundles_do_not_overflow_a_small_stack() {
    let work = || {
        for text in [
            bundles(10_000),
            format!(
                "[{{\"MsgType\":\"X\",\"MsgContent\":{}{}}}]",
                "[".repeat(100_000),
                "]".repeat(100_000)
            ),
        ] {
            let callback = message(&text);
            let again = message(&text);
            assert_eq!(callback.event, again.event);
            let written = serde_json::to_string(&callback.event).unwrap();
            assert!(written.contains(&text));
            drop(shown(&callback));
            assert_eq!(callback.unknown_fields().len(), 1);
            drop((callback, again));
        }
    };
    std::thread::Builder::new().stack_size(2 * 1024 * 1024).spawn(work).unwrap().join().unwrap();
}

#[test]
fn an_element_that_does_not_fit_is_a_misfit_of_the_callback() {
    for elements in [
        r#"[{"MsgType":"TIMTextElem","MsgContent":{"Text":5}}]"#,
        r#"[{"MsgType":"TIMTextElem"}]"#,
        r#"[{"MsgContent":{"Text":"x"}}]"#,
        r#"[{"MsgType":"TIMTextElem","MsgContent":"x"}]"#,
        r#"["x"]"#,
        r#""x""#,
        concat!(
            r#"[{"MsgType":"TIMRelayElem","MsgContent":{"MsgList":[{"MsgBody":["#,
            r#"{"MsgType":"TIMTextElem","MsgContent":{"Text":[]}}]}]}}]"#
        ),
    ] {
        let event =
            crate::common::read(&tencent_im_callback::Command::C2cBeforeSendMsg, body(elements));
        let misfit = event.misfit().unwrap_or_else(|| panic!("{elements}"));
        assert!(misfit.path().starts_with("MsgBody"), "{elements}: {}", misfit.path());
    }
}

/// Path, line and column are those of the body, down to the member.
#[test]
fn a_misfit_in_a_message_is_found_where_it_is() {
    let misfit = |elements: &str| {
        let body =
            format!("{{\"From_Account\":\"a\",\n \"To_Account\":\"b\",\n\"MsgBody\":{elements}}}");
        let event = crate::common::read(&Command::C2cBeforeSendMsg, body.clone());
        let misfit = event.misfit().unwrap();
        let line = body.lines().nth(misfit.line() - 1).unwrap();
        let around = &line[..misfit.column().min(line.len())];
        (
            misfit.path().to_owned(),
            around.chars().rev().take(4).collect::<Vec<_>>().into_iter().rev().collect::<String>(),
        )
    };
    let good = r#"{"MsgType":"TIMTextElem","MsgContent":{"Text":"x"}}"#;
    assert_eq!(
        misfit(&format!(
            "[{good},\n{{\"MsgType\":\"TIMTextElem\",\n\"MsgContent\":{{\"Text\":7}}}}]"
        )),
        ("MsgBody[1].MsgContent.Text".to_owned(), "t\":7".to_owned())
    );
    let bundled =
        r#"{"MsgType":"TIMImageElem","MsgContent":{"ImageInfoArray":[{"Size":1},{"Size":true}]}}"#;
    let bundle = format!(
        r#"[{good},{{"MsgType":"TIMRelayElem","MsgContent":{{"MsgList":[{{"MsgBody":[
            {bundled}]}}]}}}}]"#
    );
    let (path, around) = misfit(&bundle);
    assert_eq!(
        path,
        "MsgBody[1].MsgContent.MsgList[0].MsgBody[0].MsgContent.ImageInfoArray[1].Size"
    );
    assert!(around.contains("rue"), "{around}");
    // A member of the bundle itself.
    let number = r#"[{"MsgType":"TIMRelayElem","MsgContent":{"MsgNum":true}}]"#;
    assert_eq!(misfit(number).0, "MsgBody[0].MsgContent.MsgNum");
    // What is too deep has no type, so it fits.
    let deep = bundles(7).replace(r#""core""#, "7");
    let bad = r#"{"MsgType":"TIMTextElem","MsgContent":{"Text":7}}"#;
    let both = format!("{},{bad}]", deep.strip_suffix(']').unwrap());
    assert_eq!(misfit(&both).0, "MsgBody[1].MsgContent.Text");
    assert_eq!(misfit(&format!("[{good},5]")).0, "MsgBody[1]");
    assert_eq!(misfit("5").0, "MsgBody");
}

#[test]
fn a_message_is_made_of_a_text_of_an_element_or_of_several() {
    let element = MsgElement::from(TextElem::new("x"));
    let json = json!({"MsgType": "TIMTextElem", "MsgContent": {"Text": "x"}});
    let written = |body: MsgBody| serde_json::to_value(&body).unwrap();
    assert_eq!(written("x".into()), json!([json]));
    assert_eq!(written(element.clone().into()), json!([json]));
    assert_eq!(written([element.clone(), element].into_iter().collect()), json!([json, json]));
}
