"""Draws the two pictures of README and guide, in English and Chinese.

python3 src/docs/pictures/make.py [FOLDER]
"""

import sys
from html import escape
from pathlib import Path

# Names of its own, since the style also applies to the page of rustdoc that has the picture in it. The paper
# makes it readable where the page is dark and the system is not.
STYLE = """
.im-picture { max-width: 100%; height: auto }
.im-paper { fill: #ffffff }
.im-picture text { font: 14px system-ui, -apple-system, "Segoe UI", "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif; fill: #1f2328 }
.im-picture .im-small { font-size: 12px; fill: #59636e }
.im-picture .im-code { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; font-size: 13px }
.im-box { fill: #f6f8fa; stroke: #818b98 }
.im-layer { fill: none; stroke: #0969da; stroke-width: 2 }
.im-picture .im-bad { fill: #d1242f }
.im-picture .im-good { fill: #1a7f37 }
.im-way { stroke: #59636e; stroke-width: 1.5; fill: none; marker-end: url(#im-tip) }
#im-tip { fill: #59636e }
@media (prefers-color-scheme: dark) {
.im-paper { fill: #0d1117 }
.im-picture text { fill: #f0f6fc }
.im-picture .im-small { fill: #9198a1 }
.im-box { fill: #151b23; stroke: #656c76 }
.im-layer { stroke: #4493f8 }
.im-picture .im-bad { fill: #f85149 }
.im-picture .im-good { fill: #3fb950 }
.im-way { stroke: #9198a1 }
#im-tip { fill: #9198a1 }
}
"""


def classes(kinds):
    return " ".join(f"im-{kind}" for kind in kinds.split())


class Picture:
    def __init__(self, title, width, height):
        self.parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" class="im-picture" role="img">',
            f"<title>{escape(title)}</title>",
            f"<style>{STYLE}</style>",
            f'<rect class="im-paper" width="{width}" height="{height}" rx="6"/>',
            '<defs><marker id="im-tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
            '<path d="M0 0L8 4L0 8z"/></marker></defs>',
        ]

    def text(self, x, y, text, kind="", anchor="middle"):
        self.parts.append(f'<text x="{x}" y="{y}" class="{classes(kind)}" text-anchor="{anchor}">{escape(text)}</text>')

    def box(self, x, y, width, height, lines=(), kind="box"):
        self.parts.append(f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="6" class="{classes(kind)}"/>')
        top = y + height / 2 - (len(lines) - 1) * 9 + 5
        for at, (line, style) in enumerate(lines):
            self.text(x + width / 2, top + at * 18, line, style)

    def way(self, *points):
        path = "M" + "L".join(f"{x} {y}" for x, y in points)
        self.parts.append(f'<path class="im-way" d="{path}"/>')

    def write(self, name, folder):
        self.parts.append("</svg>\n")
        Path(folder, name).write_text("\n".join(self.parts), encoding="utf-8")


def stack(words, name, folder):
    p = Picture(words["stack"], 760, 470)
    p.box(300, 10, 160, 36, [(words["tencent"], "")])
    p.way((380, 46), (380, 78))
    p.text(390, 66, "POST /callback?SdkAppid=…&Sign=…", "code small", "start")
    p.box(20, 80, 720, 150, kind="layer")
    p.text(34, 102, "CallbackLayer", "code", "start")
    p.box(230, 90, 300, 52, [(words["verify"], ""), (words["verified"], "small")])
    p.way((530, 116), (566, 116))
    p.text(572, 121, "400, 401, 403, 405", "bad", "start")
    p.way((380, 142), (380, 164))
    p.box(230, 166, 300, 52, [(words["parse"], ""), (words["parsed"], "small")])
    p.way((530, 192), (566, 192))
    p.text(572, 197, "400, 413, 500", "bad", "start")
    p.way((380, 218), (380, 248))
    p.box(300, 250, 160, 32, [("Split", "code")])
    p.way((300, 266), (190, 266), (190, 306))
    p.text(182, 292, words["before"], "small", "end")
    p.way((460, 266), (570, 266), (570, 306))
    p.text(578, 292, words["after"], "small", "start")
    p.box(60, 308, 260, 52, [("timeout → load_shed", "code"), ("→ concurrency_limit", "code")])
    p.box(440, 308, 260, 52, [("detach → dedup", "code"), (words["queue"], "small")])
    p.way((190, 360), (190, 388))
    p.way((570, 360), (570, 388))
    p.box(60, 390, 260, 36, [(words["handler"], "")])
    p.box(440, 390, 260, 36, [(words["handler"], "")])
    p.text(190, 450, words["verdict"], "good")
    p.text(570, 450, words["ok"], "good")
    p.write(name, folder)


def phases(words, name, folder):
    p = Picture(words["phases"], 760, 256)
    columns = [(20, words["p_before"]), (270, words["p_after"]), (520, words["p_notice"])]
    for x, (head, example, waits, good, bad) in columns:
        p.box(x, 10, 220, 60, [(head, ""), (example, "small")])
        p.way((x + 110, 70), (x + 110, 96))
        p.box(x, 98, 220, 52, [(line, "") for line in waits])
        p.way((x + 60, 150), (x + 60, 186))
        p.way((x + 160, 150), (x + 160, 186))
        for at, (lines, style) in enumerate([(good, "good"), (bad, "bad")]):
            for row, line in enumerate(lines):
                p.text(x + 60 + at * 100, 206 + row * 20, line, f"{style} small" if row else style)
    p.write(name, folder)


ENGLISH = {
    "stack": "The way of a request through the stack",
    "tencent": "Tencent Cloud IM",
    "verify": "verify the URL",
    "verified": "SdkAppid, signature, time",
    "parse": "read and parse the body",
    "parsed": "at most 1 MiB, a typed event",
    "before": "before: Tencent waits",
    "after": "after, notice",
    "queue": "or tencent-im-callback-queue",
    "handler": "your handler",
    "verdict": "200 and your verdict, within 2 s",
    "ok": "200 OK at once, handled in the background",
    "phases": "The three phases, and what happens on failure",
    "p_before": ("before", "a message is about to be sent", ("Tencent waits for a verdict,", "at most 2 s"),
                 ("handled", "your verdict", "decides"), ("failed", "500; by default", "the action goes on")),
    "p_after": ("after", "a friend was deleted", ("it has happened", "already"),
                ("handled", "200 OK", ""), ("failed", "200 FAIL;", "not sent again")),
    "p_notice": ("notice", "a limit was reached", ("no user", "did anything"),
                 ("handled", "200 OK", ""), ("failed", "200 FAIL;", "not sent again")),
}

CHINESE = {
    "stack": "请求经过各层的路径",
    "tencent": "腾讯云 IM",
    "verify": "校验 URL",
    "verified": "SdkAppid、签名、请求时间",
    "parse": "读取并解析请求体",
    "parsed": "不超过 1 MiB，得到强类型事件",
    "before": "事件发生之前回调",
    "after": "事件发生之后、系统触发",
    "queue": "或 tencent-im-callback-queue",
    "handler": "您的处理函数",
    "verdict": "2 秒内返回 200 和审核结果",
    "ok": "立即返回 200 OK，在后台处理",
    "phases": "三个阶段，以及失败时的结果",
    "p_before": ("事件发生之前回调", "消息即将下发", ("腾讯云等待审核结果，", "最多 2 秒"),
                 ("正常", "按审核结果", "执行"), ("失败", "返回 500，", "默认放行")),
    "p_after": ("事件发生之后回调", "好友已被删除", ("操作", "已经执行"),
                ("正常", "200 OK", ""), ("失败", "200 FAIL，", "不会重发")),
    "p_notice": ("系统触发的回调", "告警、结果等", ("不是由", "用户操作触发"),
                 ("正常", "200 OK", ""), ("失败", "200 FAIL，", "不会重发")),
}

if __name__ == "__main__":
    folder = sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent
    for words, end in [(ENGLISH, ""), (CHINESE, ".zh-CN")]:
        stack(words, f"stack{end}.svg", folder)
        phases(words, f"phases{end}.svg", folder)
