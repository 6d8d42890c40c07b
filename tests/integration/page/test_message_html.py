# SPDX-License-Identifier: Apache-2.0
"""Messages as HTML: all that was said is shown, and nothing of it does anything."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otel_sqlite_exporter import TelemetryDatabase
from otel_sqlite_exporter.query.conversations.conversation_reader import read_prompt, read_texts
from otel_sqlite_exporter.server.page.shown_content.message_html import render_messages, render_value
from otel_sqlite_exporter.server.page.shown_content.page_allowance import PageAllowance
from tests.conftest import ROOT
from tests.integration.test_captures import CAPTURES, records, replay
from tests.safe_html import SafeHtml, read_safely
from tests.scenarios.capture_file import read_capture
from tests.strategies import texts, values

PNG = base64.b64encode(
    base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
).decode()
URLS = (
    *("javascript:alert(1)", "data:text/html,<script>alert(1)</script>", "vbscript:x", "JaVaScRiPt:alert(1)"),
    *("java\tscript:alert(1)", "javascript&colon;alert(1)", "&#106;avascript:alert(1)", "//evil.com/x", "/api/v1/sql"),
    *("data:image/svg+xml;base64,PHN2Zy8+", "file:///etc/passwd", "\x01javascript:alert(1)", ""),
)
LINKS = ("[x]({})", "[x](<{}>)", "[x][r]\n\n[r]: {}", "<{}>", "![x]({})", "![x][r]\n\n[r]: {}", "[![x]({})]({})")
MARKUP = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)>",
    "<b onclick='x'>b</b>",
    "`<script>alert(1)</script>`",
    "```html\n<script>alert(1)</script>\n```",
    '```"><script>alert(1)</script>\n```',
    "<!-- hidden -->",
    "<style>*{display:none}</style>",
    '[a](http://b.c/"onmouseover="alert(1))',
    "[a](http://b.c 'x\" onclick=\"alert(1)')",
    '![" onerror="alert(1)](http://b.c)',
    "<http://a.b/<script>>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "\x1b]8;;http://evil\x07click\x1b]8;;\x07",
    "\u202egnp.exe\u2066 \u200b\ufeff `\u202e` [\u202e](http://a.b/\u202e) ![\u202e](http://a.b)",
    "&#x202e;&#0;&#xfeff;\0",
    "| \u202e |\n|---|\n| <b> | hidden |",
)


def say(text: Any, role: str = "user") -> list[dict[str, Any]]:
    return [{"role": role, "parts": [{"type": "text", "content": text}]}]


def show(text: str) -> SafeHtml:
    return read_safely(render_messages(say(text)))


def list_words(value: Any) -> set[str]:
    """The words of all texts in a value."""
    if isinstance(value, str):
        return set(re.findall(r"[^\W_]{2,}", value))
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return {word for one in inner for word in list_words(one)}


@pytest.fixture(scope="module")
def captured(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Every message of every call of every capture, once."""
    path: Path = tmp_path_factory.mktemp("captures") / "otel.db"
    replay(path, [one for file in sorted(CAPTURES.glob("*.json")) for one in records(read_capture(file))], 512)
    calls = TelemetryDatabase(path).find_llm_interactions(limit=10_000)
    said = [message for call in calls for message in (*read_prompt(call), *read_texts(None, call.completion))]
    assert len(said) > 1_000
    return [*{json.dumps(message): message for message in said}.values()]


def test_all_that_real_packages_recorded_is_shown(captured: list[dict[str, Any]]) -> None:
    shown = read_safely(render_messages(captured))
    words = list_words([shown.text, *shown.links, *shown.images])
    assert list_words(captured) - words <= KINDS
    for message in captured:
        exact = read_safely(render_messages([message], raw=True), is_exact=True).text
        texts = [part["content"] for part in message["parts"] if set(part) == {"type", "content"}]
        assert [text for text in texts if text not in exact] == []
        assert list_words(message) - list_words(read_safely(render_messages([message])).text) <= KINDS


KINDS = {"true", "text", "reasoning", "tool", "call", "response", "blob", "uri", "file", "image"}
"""Words of the types of parts, which are told in other words."""


@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize("form", LINKS)
def test_links_to_other_than_web_pages_are_text(form: str, url: str) -> None:
    shown = show(form.replace("{}", url))
    assert shown.links == []
    assert shown.images == []
    if url:
        assert list_words(html.unescape(url)) <= list_words(shown.text)


@pytest.mark.parametrize("markup", MARKUP)
def test_markup_and_hidden_characters_are_text(markup: str) -> None:
    words = list_words(re.sub(r"&#?\w+;", " ", markup))
    for text in (markup, f"# {markup}", f"> {markup}", f"| a |\n|---|\n| {markup} |", f"- {markup}\n  {markup}"):
        shown = show(text)
        assert words - list_words([shown.text, *map(unquote, shown.links)]) == set()
    for part in ({"type": markup}, {"type": "tool_call", "name": markup, "id": markup, "arguments": markup}):
        read_safely(render_messages([{"role": markup, "parts": [part], "finish_reason": markup, markup: markup}]))


@pytest.mark.parametrize(
    ("text", "link", "said"),
    [
        ("[docs](https://example.com/a?b=c)", "https://example.com/a?b=c", "docs (example.com)"),
        ("[bank](https://bank.com@evil.com/)", "https://bank.com@evil.com/", "bank (evil.com)"),
        ("[https://bank.com](https://evil.com:81)", "https://evil.com:81", "https://bank.com (evil.com:81)"),
        ("<https://example.com>", "https://example.com", "https://example.com"),
        ("[me](mailto:a@b.c)", "mailto:a@b.c", "me (a@b.c)"),
        ("[a](https://b.c 'why')", "https://b.c", "a (b.c) “why”"),
        ("![cat](https://b.c/cat.png)", "https://b.c/cat.png", "image: cat (b.c)"),
        ("[аpple](https://аpple.com)", "https://xn--pple-43d.com", "аpple (xn--pple-43d.com)"),
    ],
)
def test_a_link_says_where_it_leads(text: str, link: str, said: str) -> None:
    shown = show(text)
    assert shown.links == [link]
    assert said in shown.text
    assert shown.images == []


def test_markdown_is_laid_out() -> None:
    text = (
        "# Head\n\n*em* **strong** ~~s~~ `code`\n\n3. three\n7. seven\n\n> quote\n\n| a | b |\n|---|--:|\n| 1 | 2 |\n\n"
    )
    shown = show(text + "```python\n\nx = 1\n```\n\nline\nnext")
    expected = {"em", "strong", "s", "code", "ol", "li", "blockquote", "table", "th", "td", "pre", "br"}
    assert expected <= set(shown.tags)
    assert "\nx = 1\n" in shown.text
    assert 'li value="7"' in render_messages(say(text))


FRAGMENTS = st.sampled_from(
    (
        *(
            "#",
            ">",
            "-",
            "1.",
            "`",
            "```",
            "[",
            "](",
            ")",
            "](http://a.b/",
            "![",
            "<",
            "<http://",
            "*",
            "**",
            "_",
            "~~",
        ),
        *(
            "\\",
            "&lt;",
            "<!--",
            "-->",
            "<b>",
            "<script>",
            "[a]:",
            "---",
            "===",
            "~~~",
            "|",
            "|---|",
            "\n",
            "\n\n",
            "    ",
        ),
        *("\t", " ", "|---|---|\n", "| a | b\n|---|---\n", '"', "'", "[a]: http://b.c '", "- ", "> ", "1. "),
    )
)


@settings(max_examples=60)
@given(st.lists(FRAGMENTS, max_size=25))
def test_no_markdown_hides_a_word(fragments: list[str]) -> None:
    words = [f"word{place}w" for place in range(len(fragments))]
    text = "".join(f"{fragment}{word}" for fragment, word in zip(fragments, words, strict=True))
    shown = show(text)
    said = f"{shown.text} {' '.join(shown.links)}"
    assert [word for word in words if word not in said] == [], text


@settings(max_examples=40)
@given(
    texts | st.text(alphabet="<>&\"'`[](){}!#*_\n\\|:/ adhijlpstv\u202e\x1b\0\u200b"),
    values,
    st.sampled_from(("text", "reasoning", "tool_call", "tool_call_response", "blob", "uri", "file", "<b>")),
    st.booleans(),
)
def test_any_text_and_any_value_is_safe(text: str, value: Any, kind: str, raw: bool) -> None:
    parts = [value, {"type": kind, "content": value, "uri": text, "name": value, "id": value, text: value}]
    parts += [
        {"type": kind, "content": text, "uri": value, "arguments": text, "response": [{"type": kind, "uri": text}]}
    ]
    messages = [{"role": text, "parts": parts, "name": value}, {"role": value, "parts": value}, value]
    read_safely(render_messages(messages, raw=raw), is_exact=raw)
    read_safely(render_value(text) + render_value(value))


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_exact_text_is_exact(text: str) -> None:
    shown = render_messages(say(text), raw=True)
    read_safely(shown, is_exact=True)
    exact = re.search(r'<pre class="exact">\n(.*)</pre>', shown, re.DOTALL)
    assert exact is not None
    assert html.unescape(exact[1]) == text


DEEP = (
    *("> " * 3_000, "- " * 3_000, "[" * 100_000, "![" * 9_000, "*a " * 6_000, "`" * 9_999, "((" * 9_000, "<" * 50_000),
    *("|a" * 9_000 + "\n" + "|-" * 9_000, "\n" * 100_000, "a\n" * 50_000, '[{"a":' * 5_000, "[" * 500 + "]" * 500),
)


@pytest.mark.parametrize("text", DEEP, ids=range(len(DEEP)))
def test_deep_and_long_text_is_shown_plain(text: str) -> None:
    shown = show(f"begin {text} end")
    assert "begin" in shown.text
    assert "end" in shown.text
    assert len(shown.tags) < 50_000
    read_safely(render_value(text))


@pytest.mark.parametrize("value", ["line\n" * 100_000, "x" * 1_000_000, json.dumps(["é" * 5] * 30_000)])
def test_what_is_not_sent_is_said(value: str) -> None:
    shown = read_safely(render_value(value, allowance=PageAllowance(exact_link="/api/v1/calls/1")))
    assert len(shown.text) < 300_000
    assert shown.links == ["/api/v1/calls/1"]
    assert f"of {len(value):,} characters" in shown.text
    assert f"Show all ({len(value):,} characters)" in shown.text


def test_a_page_sends_no_more_than_its_allowance() -> None:
    allowance = PageAllowance(characters=10_000, images=1)
    for _ in range(5):
        shown = read_safely(render_messages(say("word " * 4_000), allowance=allowance))
    assert "The first 0 of" in shown.text or "of 20,000 characters" in shown.text
    assert len(shown.text) < 3_000
    image = [{"role": "user", "parts": [{"type": "blob", "mime_type": "image/png", "content": PNG}]}]
    images = [read_safely(render_messages(image, allowance=allowance)).images for _ in range(3)]
    assert [len(one) for one in images] == [1, 0, 0]


def test_json_is_shown_as_it_was_written() -> None:
    text = '{"big": 123456789012345678901234567890, "a": 1.0, "a": 1e400, "\\u202e": [], "n": {"x": [1, "\u202e"]}}'
    shown = read_safely(render_value(text))
    assert re.sub(r"\s", "", shown.text) == re.sub(r"[\s\u202e]", "", text)
    assert shown.text.count("\n") > 6


def list_images() -> Iterator[tuple[str, dict[str, Any], bool]]:
    decoded = base64.b64decode(PNG)
    large = base64.b64encode(decoded + b"\0" * (1 << 20)).decode()
    for name, content, is_shown in (
        ("png", PNG, True),
        ("jpeg", base64.b64encode(b"\xff\xd8\xff\xe0abc").decode(), True),
        ("gif", base64.b64encode(b"GIF89a123").decode(), True),
        ("webp", base64.b64encode(b"RIFF1234WEBPVP8 ").decode(), True),
        ("svg", base64.b64encode(b"<svg onload='alert(1)'/>").decode(), False),
        ("html", base64.b64encode(b"<script>alert(1)</script>").decode(), False),
        ("no base64", "<script>", False),
        ("too large", large, False),
    ):
        yield name, {"type": "blob", "modality": "image", "mime_type": "image/png", "content": content}, is_shown
        yield f"{name} as URL", {"type": "uri", "uri": f"data:image/png;base64,{content}"}, is_shown


@pytest.mark.parametrize(("part", "is_shown"), [pytest.param(*rest, id=name) for name, *rest in list_images()])
def test_only_images_are_images(part: dict[str, Any], is_shown: bool) -> None:
    shown = read_safely(render_messages([{"role": "user", "parts": [part]}]))
    assert len(shown.images) == is_shown
    if not is_shown:
        assert "image/png" in shown.text


def test_parts_are_told_by_their_type() -> None:
    messages = [
        {"role": "system", "parts": [{"type": "text", "content": "rule " * 200}]},
        {"role": "assistant", "parts": [{"type": "tool_call", "id": "c1", "name": "add", "arguments": {"a": 1}}]},
        {
            "role": "tool",
            "parts": [{"type": "tool_call_response", "id": "c1", "response": "no", "is_error": True}],
        },
        {
            "role": "assistant",
            "name": "guide",
            "parts": [
                {"type": "reasoning", "content": "hm", "signature": "s1"},
                {"type": "reasoning", "content": "", "encrypted_content": "e1"},
                {"type": "text", "content": "never", "refusal": True, "citations": ["b1"]},
                {"type": "web_search_call", "query": "q1"},
                {"type": "file", "file_id": "f1", "mime_type": "application/pdf"},
                {"type": "uri", "uri": "https://a.b/c.png", "mime_type": "image/png"},
            ],
            "finish_reason": "stop",
        },
        {"role": "assistant", "parts": []},
        "no message",
    ]
    shown = read_safely(render_messages(messages))
    for said in ("1,000 characters: ", "calls add c1", '"a": 1', "failed result of add c1", "guide", "finished: stop"):
        assert said in shown.text, said
    for said in ("Reasoning (2 characters)", "signature", "s1", "e1", "refused", "citations", "b1", "q1", "f1"):
        assert said in shown.text, said
    assert "It says nothing." in shown.text
    assert "no message" in shown.text
    assert shown.links == ["https://a.b/c.png"]
    assert shown.images == []


def find_colors(css: str) -> Iterator[tuple[str, str]]:
    """Each colour of text in light and in dark."""
    for found in re.finditer(r"[^-]color: light-dark\((#\w{6}), (#\w{6})\)", css):
        yield found[1], found[2]


def measure_light(color: str) -> float:
    """The relative luminance of WCAG."""
    parts = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_code_can_be_read_in_light_and_dark() -> None:
    folder = ROOT / "src/otel_sqlite_exporter/server/page/static/css"
    ground = re.search(r"--raised: light-dark\((#\w{6}), (#\w{6})\)", (folder / "base.css").read_text())
    assert ground is not None
    colors = [*find_colors((folder / "code.css").read_text())]
    assert len(colors) > 6
    for pair in colors:
        for color, behind in zip(pair, ground.groups(), strict=True):
            lights = sorted((measure_light(color), measure_light(behind)))
            assert (lights[1] + 0.05) / (lights[0] + 0.05) >= 4.5, (color, behind)
