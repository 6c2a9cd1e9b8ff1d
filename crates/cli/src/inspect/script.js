"use strict";
// Everything shown was written by strangers: it gets into the page by textContent alone.

const MOST = 1000;
// Characters of a part that are shown: some long texts stop a browser for a minute.
const SHOWN = 20000;
const TEXTS = {
  en: {
    live: "live", lost: "not connected", filter: "filter ( / )", families: "all families", verdicts: "all outcomes",
    head: ["time", "outcome", "command", "who", "status", "ms", "phase", "app", "why"], empty: "Nothing has come yet.",
    again: "send again (r)", curl: "copy as curl", copied: "Copied. The signature is left out.", notCopied: "The browser does not let it be copied.",
    sending: "Sending…", sent: "Sent again; answer: ", failed: "Not sent: ", gone: "It is no longer kept.",
    accepted: "accepted", moderated: "moderated", refused: "refused", failedVerdict: "failed", probe: "URL check",
    note: "why", event: "typed event", unknown: "unknown fields", params: "parameters", body: "body, as received",
    answer: "answer", url: "request", rate: "callbacks per 5 s, of those kept below", latency: "latency; the line is the 2 s that Tencent waits", span: ["5 min ago", "now"],
    keys: "/ filter · j k move · Enter open · Esc close · r send again", shown: (some, all) => `${some} of ${all}`, more: (count) => `… ${count} more characters`,
  },
  zh: {
    live: "实时", lost: "未连接", filter: "过滤（ / ）", families: "全部类别", verdicts: "全部结果",
    head: ["时间", "结果", "回调命令字", "账号", "状态码", "毫秒", "类型", "应用", "原因"], empty: "还没有收到回调。",
    again: "重新发送（r）", curl: "复制为 curl", copied: "已复制，不含签名。", notCopied: "浏览器不允许复制。",
    sending: "正在发送…", sent: "已重新发送，应答：", failed: "发送失败：", gone: "该条已不再保留。",
    accepted: "已接受", moderated: "已拦截", refused: "已拒绝", failedVerdict: "失败", probe: "回调 URL 校验",
    note: "原因", event: "解析后的事件", unknown: "未识别的字段", params: "参数", body: "原始请求体",
    answer: "应答", url: "请求", rate: "每 5 秒的回调数（仅统计下方保留的）", latency: "延迟；虚线为腾讯云等待的 2 秒", span: ["5 分钟前", "现在"],
    keys: "/ 过滤 · j k 移动 · Enter 打开 · Esc 关闭 · r 重新发送", shown: (some, all) => `${some} / ${all}`, more: (count) => `…… 还有 ${count} 个字符`,
  },
};
const VERDICTS = ["accepted", "moderated", "refused", "failed", "probe"];

const by = (id) => document.getElementById(id);
const token = document.querySelector("meta[name=token]").content;
const run = document.querySelector("meta[name=run]").content;
let language = "en";
try { language = localStorage.getItem("language") || (navigator.language.startsWith("zh") ? "zh" : "en"); } catch { /* not kept */ }
if (!TEXTS[language]) language = "en";
const say = (name) => TEXTS[language][name];
const verdictWord = (verdict) => say(verdict === "failed" ? "failedVerdict" : verdict) || verdict;

// Newest first; each with its row.
let seen = [];
const known = new Set();
let waiting = [];
let chosen = null;
// The one row that Tab stops at; j and k go on from there.
let stop = null;
let opened = null;
let curl = "";

// What does not show, or turns the direction of what follows.
const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;
const visible = (text) => String(text).replace(UNSEEN, (char) => `\\u{${char.codePointAt(0).toString(16)}}`);

function make(name, text, kind) {
  const element = document.createElement(name);
  if (text !== undefined && text !== null) element.textContent = visible(text);
  if (kind) element.className = kind;
  return element;
}

// A long one is broken between two words.
function command(text) {
  const cell = make("td");
  visible(text).split(/(?<=\.)|(?<=[a-z])(?=[A-Z])/).forEach((word, at) => cell.append(...(at ? [make("wbr"), word] : [word])));
  return cell;
}

function row(one) {
  const line = document.createElement("tr");
  line.dataset.id = one.id;
  const time = new Date(one.at);
  const clock = [time.getHours(), time.getMinutes(), time.getSeconds()].map((part) => String(part).padStart(2, "0")).join(":");
  const verdict = VERDICTS.includes(one.verdict) ? one.verdict : "";
  line.append(
    make("td", clock), make("td", verdictWord(one.verdict), verdict), command(one.command), make("td", one.who ?? "–"),
    make("td", one.status, "number"), make("td", one.took_ms.toFixed(1), "number"), make("td", one.phase), make("td", one.app ?? "–"), make("td", one.note ?? "", "why"),
  );
  line.tabIndex = -1;
  line.addEventListener("click", () => { choose(one); open(one); });
  line.addEventListener("focus", () => { if (chosen !== one) choose(one); });
  return line;
}

function matches(one) {
  const words = by("filter").value.toLowerCase().split(/\s+/).filter(Boolean);
  const text = [one.command, one.who, one.app, one.note, one.verdict, one.status].join(" ").toLowerCase();
  const family = by("family").value, verdict = by("verdict").value;
  return (!family || one.family === family) && (!verdict || one.verdict === verdict) && words.every((word) => text.includes(word));
}

function stopAt() {
  const holder = chosen && !chosen.row.hidden ? chosen : seen.find((one) => !one.row.hidden);
  if (stop) stop.tabIndex = -1;
  stop = holder ? holder.row : null;
  if (stop) stop.tabIndex = 0;
}

function count() {
  stopAt();
  const some = seen.reduce((sum, one) => sum + (one.row.hidden ? 0 : 1), 0);
  by("counts").textContent = TEXTS[language].shown(some, seen.length);
  by("empty").hidden = seen.length > 0;
}

function filter() {
  for (const one of seen) one.row.hidden = !matches(one);
  count();
}

// Many may come at once: the page is drawn once for all of them.
function take(one) {
  if (known.has(one.id)) return;
  known.add(one.id);
  waiting.push(one);
  if (waiting.length === 1) setTimeout(draw, 50);
  if (waiting.length > MOST) known.delete(waiting.shift().id);
}

function draw() {
  const rows = document.createDocumentFragment();
  const fresh = waiting.reverse();
  waiting = [];
  for (const one of fresh) {
    one.row = row(one);
    one.row.hidden = !matches(one);
    rows.append(one.row);
  }
  by("rows").prepend(rows);
  seen = fresh.concat(seen);
  for (const one of seen.splice(MOST)) { one.row.remove(); known.delete(one.id); }
  families();
  count();
  plot();
}

function choice(id, all, values, word) {
  const select = by(id), old = select.value;
  if (select.options.length === values.length + 1 && select.dataset.language === language) return;
  select.dataset.language = language;
  const option = (value, text) => { const made = make("option", text); made.value = value; return made; };
  select.replaceChildren(option("", all), ...values.map((value) => option(value, word(value))));
  select.value = values.includes(old) ? old : "";
}

function families() {
  const names = [...new Set(seen.map((one) => one.family))].sort();
  choice("family", say("families"), names, (name) => name);
}

function shape(name, attributes, kind) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (kind) element.setAttribute("class", kind);
  return element;
}

// A line without length keeps its round ends round in a picture of any width.
const dot = (x, y, verdict) => shape("line", { x1: x, x2: x, y1: y, y2: y }, `dot ${verdict}`);

function plot() {
  const now = Date.now(), span = 300, bins = 60;
  const columns = Array.from({ length: bins }, () => ({}));
  const dots = [];
  for (const one of seen) {
    const age = (now - one.at) / 1000;
    if (age > span || !VERDICTS.includes(one.verdict)) continue;
    const column = columns[Math.min(bins - 1, Math.max(0, Math.floor((span - age) / span * bins)))];
    column[one.verdict] = (column[one.verdict] || 0) + 1;
    // Logarithmic, from 0.1 ms to 10 s.
    const height = Math.min(1, Math.max(0, (Math.log10(Math.max(0.1, one.took_ms)) + 1) / 5));
    if (dots.length < 400) dots.push(dot(Math.min(298, (span - age) / span * 300), 58 - height * 56, one.verdict));
  }
  const total = (column) => Object.values(column).reduce((sum, part) => sum + part, 0);
  const highest = Math.max(1, ...columns.map(total));
  const bars = [];
  columns.forEach((column, at) => {
    let top = 60;
    for (const verdict of VERDICTS) {
      const height = (column[verdict] || 0) / highest * 58;
      top -= height;
      if (height) bars.push(shape("rect", { x: at * 5, y: top, width: 4, height }, verdict));
    }
  });
  by("rate").replaceChildren(...bars);
  by("rate-highest").textContent = highest;
  const limit = 58 - (Math.log10(2000) + 1) / 5 * 56;
  by("latency").replaceChildren(shape("line", { x1: 0, x2: 300, y1: limit, y2: limit }, "limit"), ...dots);
}

function choose(one) {
  if (chosen) chosen.row.classList.remove("chosen");
  chosen = one;
  chosen.row.classList.add("chosen");
  stopAt();
  chosen.row.focus({ preventScroll: true });
  chosen.row.scrollIntoView({ block: "nearest" });
}

function part(title, text) {
  if (text === null || text === undefined || text === "") return [];
  const parts = [make("h3", title), make("pre", text.slice(0, SHOWN))];
  if (text.length > SHOWN) parts.push(make("p", TEXTS[language].more(text.length - SHOWN)));
  return parts;
}

// On a small screen the details cover the list: nothing behind them is a stop of Tab.
const small = matchMedia("(max-width: 1000px)");
function cover() {
  const covers = small.matches && opened !== null;
  for (const id of ["top", "plots", "list"]) by(id).inert = covers;
  return covers;
}

async function open(one) {
  opened = one;
  by("detail").hidden = false;
  by("title").textContent = visible(one.command);
  if (cover()) by("title").focus();
  by("said").textContent = "";
  by("again").disabled = !one.again;
  by("curl").disabled = true;
  curl = "";
  // Not those of another one until its own have come.
  by("parts").replaceChildren();
  let detail = null;
  try {
    const response = await fetch(`callbacks/${one.id}?run=${run}`);
    if (response.ok) detail = await response.json();
  } catch { /* said below */ }
  if (opened !== one) return;
  if (!detail) {
    by("parts").replaceChildren(make("p", say("gone")));
    return;
  }
  curl = detail.curl;
  by("curl").disabled = !curl;
  // Of a refused request there is the URL alone.
  const query = [...new URLSearchParams(detail.url.split("?")[1])].filter(([name]) => name.toLowerCase() !== "sign");
  const params = (detail.params.length ? detail.params : query).map(([name, value]) => `${name} = ${value}`).join("\n");
  by("parts").replaceChildren(
    ...part(say("note"), one.note), ...part(say("unknown"), detail.unknown.join("\n")), ...part(say("answer"), `${one.status}\n${detail.answer}`),
    ...part(say("event"), detail.event), ...part(say("params"), params), ...part(say("body"), detail.body), ...part(say("url"), detail.url),
  );
}

async function again() {
  const one = opened || chosen;
  if (!one || !one.again) return;
  by("said").textContent = say("sending");
  try {
    const response = await fetch(`callbacks/${one.id}/again`, { method: "POST", headers: { "X-Token": token } });
    const text = await response.text();
    by("said").textContent = (response.ok ? say("sent") : say("failed")) + visible(text);
  } catch (error) {
    by("said").textContent = say("failed") + error.message;
  }
}

function close() {
  opened = null;
  by("detail").hidden = true;
  cover();
  if (stop) stop.focus();
}

function move(step) {
  const shown = seen.filter((one) => !one.row.hidden);
  if (!shown.length) return;
  const at = shown.indexOf(chosen);
  choose(shown[Math.min(shown.length - 1, Math.max(0, at < 0 ? 0 : at + step))]);
  if (opened) open(chosen);
}

function words() {
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  by("language").textContent = language === "zh" ? "English" : "中文";
  by("filter").placeholder = say("filter");
  by("filter").setAttribute("aria-label", say("filter"));
  by("family").setAttribute("aria-label", say("families"));
  by("verdict").setAttribute("aria-label", say("verdicts"));
  by("head").replaceChildren(...say("head").map((text, at) => make("th", text, at === 4 || at === 5 ? "number" : "")));
  by("empty").textContent = say("empty");
  by("again").textContent = say("again");
  by("curl").textContent = say("curl");
  by("rate-title").textContent = say("rate");
  by("latency-title").textContent = say("latency");
  by("keys").textContent = say("keys");
  by("close").setAttribute("aria-label", language === "zh" ? "关闭" : "close");
  for (const plot of ["rate", "latency"]) by(`${plot}-span`).replaceChildren(...say("span").map((text) => make("span", text)));
  by("legend").replaceChildren(...VERDICTS.map((verdict) => make("span", verdictWord(verdict), verdict)));
  by("live").textContent = say(by("live").className === "on" ? "live" : "lost");
  choice("verdict", say("verdicts"), VERDICTS, verdictWord);
  families();
  for (const one of seen) one.row.children[1].textContent = verdictWord(one.verdict);
  count();
  if (opened) open(opened);
}

function connect() {
  const events = new EventSource("events");
  const state = (on) => { by("live").className = on ? "on" : "off"; by("live").textContent = say(on ? "live" : "lost"); };
  events.addEventListener("open", () => state(true));
  events.addEventListener("error", () => state(false));
  // After a restart numbers begin again, and the token is another.
  events.addEventListener("run", (event) => { if (event.data !== run) location.reload(); });
  events.addEventListener("message", (event) => take(JSON.parse(event.data)));
}

by("filter").addEventListener("input", filter);
by("family").addEventListener("change", filter);
by("verdict").addEventListener("change", filter);
by("again").addEventListener("click", again);
by("close").addEventListener("click", close);
small.addEventListener("change", cover);
by("curl").addEventListener("click", async () => {
  try {
    await navigator.clipboard.writeText(curl);
    by("said").textContent = say("copied");
  } catch { by("said").textContent = say("notCopied"); }
});
by("language").addEventListener("click", () => {
  language = language === "zh" ? "en" : "zh";
  try { localStorage.setItem("language", language); } catch { /* not kept */ }
  words();
});
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = ["INPUT", "SELECT"].includes(event.target.tagName);
  if (event.key === "Escape") { if (typing) event.target.blur(); else close(); return; }
  if (typing) return;
  if (event.key === "Enter" && event.target.tagName === "BUTTON") return;
  const does = { "/": () => by("filter").focus(), j: () => move(1), k: () => move(-1), Enter: () => chosen && open(chosen), r: again }[event.key];
  if (does) { event.preventDefault(); does(); }
});
setInterval(plot, 5000);
words();
connect();
