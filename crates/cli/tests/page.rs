//! The inspector page in a real browser; skipped with a word where there is none. Its pictures are
//! left in `target/tmp/pictures`.

mod common;

use std::path::PathBuf;
use std::process::{Command, Stdio};

use common::browser::Browser;
use common::server::{good, serve};
use common::{Background, run};

struct Seen {
    browser: Browser,
    listen: Background,
    url: String,
    page: String,
}

fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn start(name: &str, more: &[&str]) -> Option<Seen> {
    let profile = folder(&format!("browser-{name}"));
    let Some(mut browser) = Browser::start(&profile) else {
        eprintln!("skipped: there is no chromium here");
        return None;
    };
    let arguments =
        [&["listen", "--addr", "127.0.0.1:0", "--inspect", "127.0.0.1:0"], more].concat();
    let listen = Background::start(&arguments);
    let url = listen.announced("listening on ");
    let page = listen.announced("inspector on ");
    browser.open(&page);
    browser.wait("document.querySelector('#live').className === 'on'");
    // Whatever language the locale has.
    browser.value("language = 'en'; words()");
    Some(Seen { browser, listen, url, page })
}

impl Seen {
    fn send(&self, arguments: &[&str]) {
        run(&[&["send", &self.url], arguments].concat());
        self.listen.line();
    }

    fn rows(&mut self, count: usize) {
        self.browser.wait(&format!(
            "document.querySelectorAll('#rows tr:not([hidden])').length === {count}"
        ));
    }

    fn text(&mut self, selector: &str) -> String {
        let text = self.browser.value(&format!("document.querySelector('{selector}').textContent"));
        text.as_str().unwrap().to_owned()
    }

    fn picture(&mut self, name: &str) {
        let data = self.browser.picture();
        let file = folder("pictures").join(format!("{name}.png"));
        let mut decode = Command::new("base64")
            .arg("-d")
            .stdin(Stdio::piped())
            .stdout(std::fs::File::create(file).unwrap())
            .spawn()
            .unwrap();
        std::io::Write::write_all(&mut decode.stdin.take().unwrap(), data.as_bytes()).unwrap();
        assert!(decode.wait().unwrap().success());
    }
}

#[test]
fn what_comes_appears_is_filtered_opened_and_sent_again() {
    let behind = format!("http://{}", serve(good()));
    let Some(mut seen) = start("use", &["--forward", &behind]) else {
        return;
    };
    let callback = format!("{}/callback", seen.url);
    let send = |seen: &Seen, arguments: &[&str]| {
        run(&[&["send", &callback], arguments].concat());
        seen.listen.line();
    };
    send(&seen, &["Sns.CallbackFriendDelete"]);
    send(
        &seen,
        &[
            "C2C.CallbackBeforeSendMsg",
            "--set",
            "MsgBody[0].MsgContent.Text=come to the casino",
            "--set",
            "Mood=new",
        ],
    );
    send(&seen, &["State.StateChange", "--fault", "Stale"]);
    seen.rows(3);
    // Newest first; what a refused one claims to be is shown as well.
    assert_eq!(seen.text("#rows td:nth-child(3)"), "State.StateChange");
    assert_eq!(seen.text("#rows tr:nth-child(2) td:nth-child(2)"), "moderated");
    assert!(seen.text("#counts").starts_with("3 of 3"));

    // By the keyboard alone: the second, opened.
    for key in ["j", "j", "Enter"] {
        seen.browser.key(key);
    }
    seen.browser.wait("document.querySelectorAll('#parts pre').length >= 5");
    assert!(seen.text("#parts").contains("come to the casino"));
    assert!(seen.text("#parts").contains("unknown fieldsMood"));
    seen.picture("english");

    seen.browser.key("r");
    seen.rows(4);
    seen.browser
        .wait("document.querySelector('#said').textContent === 'Sent again; answer: 200 OK'");

    seen.browser.key("/");
    for key in ["f", "r", "i", "e", "n", "d"] {
        seen.browser.key(key);
    }
    seen.rows(1);
    seen.browser.key("Escape");
    seen.browser.value("document.querySelector('#filter').value = ''; filter()");
    seen.browser.value("document.querySelector('#verdict').value = 'refused'; filter()");
    seen.rows(1);
    seen.browser.value("document.querySelector('#verdict').value = ''; filter()");

    in_chinese_in_the_dark_and_on_a_phone(&mut seen);
    assert_eq!(seen.browser.troubles, [""; 0]);
}

fn in_chinese_in_the_dark_and_on_a_phone(seen: &mut Seen) {
    seen.browser.value("document.querySelector('#language').click()");
    seen.browser.wait("document.querySelector('#parts h3')?.textContent === '未识别的字段'");
    assert_eq!(seen.text("#head th"), "时间");
    seen.picture("chinese");
    let dark =
        serde_json::json!({ "features": [{ "name": "prefers-color-scheme", "value": "dark" }] });
    seen.browser.ask("Emulation.setEmulatedMedia", dark);
    seen.picture("dark");
    let phone =
        serde_json::json!({ "width": 390, "height": 800, "deviceScaleFactor": 2, "mobile": true });
    seen.browser.ask("Emulation.setDeviceMetricsOverride", phone);
    assert_eq!(seen.browser.value("document.documentElement.scrollWidth <= innerWidth"), true);
    seen.picture("phone");
}

/// How many elements on the page only a stranger can have written.
const STRANGE: &str = "document.querySelectorAll('#list img, #list b, #list script, #detail img, \
    #detail b, #detail svg, #detail script').length";

/// Puts a picture on the page that would run something.
const INSERT: &str = "document.body.insertAdjacentHTML('beforeend', '<img src=/nowhere \
    onerror=\"window.ran = 1\">')";

#[test]
fn what_strangers_write_runs_nothing() {
    let Some(mut seen) = start("hostile", &[]) else {
        return;
    };
    let long = "好<b>".repeat(55_000);
    let deep = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
    let file = folder("hostile").join("deep.json");
    std::fs::write(
        &file,
        format!(r#"{{"CallbackCommand":"State.StateChange","Info":{{}},"A":{deep}}}"#),
    )
    .unwrap();
    let hostile = [
        "<script>window.ran = 1</script>",
        "<img src=x onerror='window.ran = 1'>",
        "\"><svg onload=window.ran=1>",
        "\u{202e}gnp.exe\u{0}\u{7}\u{1b}[31m\u{2028}",
        "javascript:window.ran=1",
        long.as_str(),
    ];
    for text in hostile {
        let mut body = serde_json::from_str::<serde_json::Value>(concat!(
            r#"{"From_Account":"","To_Account":"b","MsgBody":[{"MsgType":"TIMTextElem","#,
            r#""MsgContent":{"Text":""}}]}"#
        ))
        .unwrap();
        body["From_Account"] = text.into();
        body["MsgBody"][0]["MsgContent"]["Text"] = text.into();
        body[text.chars().take(200).collect::<String>()] = text.into();
        let file = folder("hostile").join("body.json");
        std::fs::write(&file, body.to_string()).unwrap();
        seen.send(&["C2C.CallbackBeforeSendMsg", "--body", file.to_str().unwrap()]);
    }
    seen.send(&["State.StateChange", "--body", file.to_str().unwrap()]);
    seen.send(&["<img src=x onerror=window.ran=1>", "--body", file.to_str().unwrap()]);
    let count = hostile.len() + 2;
    seen.rows(count);
    for _ in 0..count {
        seen.browser.key("j");
        seen.browser.key("Enter");
        seen.browser
            .wait("opened === chosen && document.querySelectorAll('#parts pre').length >= 2");
        // The parts are those of the row that was opened, never of another one.
        let command = seen.text("#title");
        assert!(seen.text("#parts").chars().count() < 90_000);
        assert!(seen.text("#parts").contains(&format!("CallbackCommand = {command}")), "{command}");
    }
    assert!(seen.text("#rows").contains("\\u{202e}gnp.exe\\u{0}\\u{7}"));
    seen.picture("hostile");
    assert_eq!(seen.browser.value("typeof window.ran"), "undefined");
    assert_eq!(seen.browser.value(STRANGE), 0);
    assert_eq!(seen.browser.value("document.documentElement.scrollWidth <= innerWidth"), true);
    assert_eq!(seen.browser.troubles, [""; 0]);

    // And if one got in all the same, it would not be run.
    seen.browser.value(INSERT);
    seen.browser.wait("document.images.length === 1 && document.images[0].complete");
    assert_eq!(seen.browser.value("typeof window.ran"), "undefined");
}

#[test]
fn ten_thousand_leave_it_usable() {
    let Some(mut seen) = start("many", &[]) else {
        return;
    };
    let sent = run(&["send", &seen.url, "Sns.CallbackFriendDelete", "--count", "10000"]);
    assert_eq!(sent.status, 0, "{}", sent.out);
    seen.send(&["State.StateChange"]);
    seen.browser.wait(
        "document.querySelector('#rows td:nth-child(3)')?.textContent === 'State.StateChange'",
    );
    seen.rows(1000);
    // Figures for the README; `--nocapture` shows them.
    let filter = "(some) => { by('filter').value = some; \
        const started = performance.now(); filter(); const alone = performance.now() - started; \
        document.body.offsetHeight; return [alone, performance.now() - started]; }";
    let took = seen.browser.value(&format!("['state', 'friend', ''].map({filter})"));
    println!("1,000 rows filtered, without and with the layout, ms: {took}");
    let many = "seen = Array.from({ length: 10000 }, (_, at) => \
        { const one = { ...seen[at % 1000], id: 1e6 + at }; one.row = row(one); return one; \
        }); by('rows').replaceChildren(...seen.map((one) => one.row)); count(); \
        document.body.offsetHeight";
    seen.browser.value(&format!("{{ {many} }}"));
    seen.rows(10_000);
    let took = seen.browser.value(&format!("['state', 'friend', ''].map({filter})"));
    println!("10,000 rows filtered, without and with the layout, ms: {took}");
    seen.browser.value("location.reload()");
    seen.rows(1000);
    seen.picture("many");
    // A page from elsewhere gets nothing.
    let foreign = format!(
        "fetch('{}').then(() => 'read', () => 'refused')",
        seen.page.replace("127.0.0.1", "localhost")
    );
    assert_eq!(seen.browser.value(&foreign), "refused");
}

#[test]
fn a_restart_of_listen_starts_the_page_afresh() {
    let Some(mut seen) = start("restart", &[]) else {
        return;
    };
    seen.send(&["Sns.CallbackFriendDelete"]);
    seen.rows(1);
    let _ = seen.listen.child.kill();
    let _ = seen.listen.child.wait();
    let address = |url: &str| url.trim_start_matches("http://").to_owned();
    let (url, page) = (address(&seen.url), address(&seen.page));
    seen.listen = Background::start(&["listen", "--addr", &url, "--inspect", &page]);
    seen.listen.announced("inspector on ");
    seen.send(&["State.StateChange"]);
    // The first of the second run has the number of the first of the first run.
    seen.browser.wait(
        "document.querySelectorAll('#rows tr').length === 1 && document.querySelector('#rows \
        td:nth-child(3)').textContent === 'State.StateChange'",
    );
    seen.browser.key("j");
    seen.browser.key("Enter");
    seen.browser.wait("document.querySelector('#parts').textContent.includes('\"Info\"')");
    seen.browser.key("r");
    seen.rows(2);
}

/// The list is not scrolled sideways.
const LIST_FITS: &str = "(() => { const list = document.querySelector('#list'); \
    return list.scrollWidth <= list.clientWidth; })()";

#[test]
fn it_can_be_used_at_every_width_and_with_tab() {
    let Some(mut seen) = start("widths", &[]) else {
        return;
    };
    seen.send(&["C2C.CallbackBeforeSendMsg"]);
    seen.send(&["OfficialAccount.CallbackBeforeCreateOfficialAccount"]);
    seen.send(&["State.StateChange", "--fault", "Stale"]);
    seen.rows(3);
    assert!(seen.text("#rows td:nth-child(9)").contains("too old"));
    for (width, height) in [(390, 844), (768, 1024), (1280, 800)] {
        seen.browser.ask(
            "Emulation.setDeviceMetricsOverride",
            serde_json::json!({
                "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false
            }),
        );
        seen.browser.wait(&format!("innerWidth === {width}"));
        for theme in ["dark", "light"] {
            let features = [serde_json::json!({ "name": "prefers-color-scheme", "value": theme })];
            let media = serde_json::json!({ "features": features });
            seen.browser.ask("Emulation.setEmulatedMedia", media);
            seen.picture(&format!("list-{width}-{theme}"));
        }
        let fits = "document.documentElement.scrollWidth <= innerWidth && \
            [...document.querySelectorAll('#rows td:nth-child(3), #rows \
            td:nth-child(6)')].every((cell) => cell.clientWidth > 0 && cell.scrollWidth <= \
            cell.clientWidth)";
        assert_eq!(seen.browser.value(fits), true, "{width}");
        assert_eq!(seen.browser.value(LIST_FITS), true, "{width}");
        // The reason is in full where there is a line for it.
        let why = "(() => { const why = document.querySelector('#rows td.why'); \
            return why.clientWidth > 0 && why.scrollWidth <= why.clientWidth; })()";
        assert!(width > 1000 || seen.browser.value(why) == true, "{width}");
        // No word of the legend is broken over two lines.
        let legend = "[...document.querySelectorAll('#legend span')].every((span) => \
            span.getClientRects().length === 1 && span.offsetHeight < 25)";
        assert_eq!(seen.browser.value(legend), true, "{width}");
        // One row is a stop of Tab.
        let stops = "document.querySelectorAll('#rows tr[tabindex=\"0\"]').length";
        assert_eq!(seen.browser.value(stops), 1);
        seen.browser.value("document.querySelector('#rows tr[tabindex=\"0\"]').focus()");
        seen.browser.key("Enter");
        seen.browser.wait("document.querySelectorAll('#parts pre').length >= 3");
        // Where the details cover the list, focus is in them; else it stays in the list.
        let focus = if width > 1000 { "TR" } else { "H2" };
        assert_eq!(seen.browser.value("document.activeElement.tagName"), focus, "{width}");
        assert_eq!(seen.browser.value("document.querySelector('#list').inert"), width <= 1000);
        // What is opened is in sight.
        let top = "(() => { const at = document.querySelector('#title').getBoundingClientRect(); \
            return document.elementFromPoint(at.left + 2, at.top + 5)?.id; })()";
        assert_eq!(seen.browser.value(top), "title", "{width}");
        assert!(seen.text("#parts").contains("CallbackCommand = State.StateChange"));
        // A refused request is no curl command: it has no body to send.
        assert_eq!(seen.browser.value("document.querySelector('#curl').disabled"), true);
        assert!(width <= 1000 || seen.browser.value(LIST_FITS) == true, "{width}");
        seen.picture(&format!("detail-{width}"));
        seen.browser.key("Escape");
        assert_eq!(seen.browser.value("document.activeElement.tagName"), "TR");
    }
}
