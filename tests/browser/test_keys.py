# SPDX-License-Identifier: Apache-2.0
"""Keys, copying, completion and colours in the browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import Status, StatusCode
from playwright.sync_api import expect

from tests.browser.conftest import Open
from tests.browser.visits import Visit
from tests.conftest import ROOT, exporting
from tests.page_server import PageClient, browsing

FOCUSED = "document.activeElement.closest('[data-row]')?.dataset.key"
KEYS = re.compile(r'^  \["([^"]+)", "([^"]+)"', re.MULTILINE)
SCRIPT = ROOT / "src/otel_sqlite_exporter/server/page/static/js/keys.js"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def agents(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageClient]:
    """A server of a file with calls of several models, the second of them failed."""
    path: Path = tmp_path_factory.mktemp("keys") / "otel.db"
    with exporting(path) as exporter:
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        tracer = provider.get_tracer("tests")
        for model in ("gpt-4o", "gpt-4o-mini", 'odd "one", \\ (two)', "claude"):
            attributes = {"gen_ai.operation.name": "chat", "gen_ai.request.model": model, "session.id": f"of {model}"}
            span = tracer.start_span(f"chat {model}", attributes=attributes)
            if model == "gpt-4o-mini":
                span.set_status(Status(StatusCode.ERROR, "overloaded"))
            span.end()
    with browsing(path) as client:
        yield client


def press(tab: Visit, *keys: str) -> None:
    for key in keys:
        tab.page.keyboard.press(key)


def read_path(tab: Visit) -> str:
    return str(tab.evaluate("location.pathname"))


def test_rows_are_walked_and_opened(visit: Open, agents: PageClient) -> None:
    tab = visit(agents)
    tab.open("/traces")
    keys = tab.evaluate("[...document.querySelectorAll('[data-row]')].map(row => row.dataset.key)")
    seen = []
    for key in ("j", "j", "j", "j", "j", "k"):
        press(tab, key)
        seen.append(tab.evaluate(FOCUSED))
    assert seen == [*keys, keys[3], keys[2]]
    failed = tab.evaluate("document.querySelector('[data-error]').dataset.key")
    press(tab, "k", "k", "E")
    assert tab.evaluate(FOCUSED) != failed  # there is none before
    press(tab, "e")
    assert tab.evaluate(FOCUSED) == failed
    link = tab.evaluate("document.activeElement.querySelector('a').pathname")
    press(tab, "Enter")
    tab.page.wait_for_url(f"**{link}*")


def test_keys_lead_to_pages_and_back(visit: Open, agents: PageClient) -> None:
    tab = visit(agents)
    tab.open("/traces?filter=status:ok")
    for key, path in (("s", "/sessions"), ("c", "/calls"), ("l", "/logs"), ("t", "/traces")):
        press(tab, "g", key)
        tab.page.wait_for_url(f"**{path}")
    press(tab, "g", "x", "s")
    assert read_path(tab) == "/traces"


def test_leaving_a_page_leads_to_the_list_as_it_was(visit: Open, agents: PageClient) -> None:
    tab = visit(agents)
    tab.open("/sessions?filter=status:ok")
    listed = tab.page.url
    press(tab, "j", "Enter")
    tab.page.wait_for_url(re.compile("/sessions/."))
    press(tab, "Escape")
    tab.page.wait_for_url(lambda url: url == listed)


def test_keys_do_nothing_where_one_writes_or_with_others(visit: Open, agents: PageClient) -> None:
    tab = visit(agents)
    tab.open("/traces")
    press(tab, "Control+j", "Alt+j", "Meta+j")
    assert tab.evaluate(FOCUSED) is None
    press(tab, "/")
    tab.page.keyboard.type("jkgs?.")
    assert tab.page.locator("[data-filter]").input_value() == "jkgs?."
    assert tab.count("dialog[open]") == 0
    press(tab, "Escape", "Escape", "j")
    assert tab.evaluate(FOCUSED) is not None


def test_the_help_shows_every_key_and_gives_the_focus_back(visit: Open, agents: PageClient) -> None:
    tab = visit(agents, 390, "dark")
    tab.open("/traces")
    press(tab, "j", "?")
    dialog = tab.page.get_by_role("dialog", name="Keys")
    expect(dialog).to_be_visible()
    declared = KEYS.findall(SCRIPT.read_text(encoding="utf-8"))
    shown = [text.split("\n") for text in dialog.locator("dl > div").all_inner_texts()]
    assert [(keys.strip(), about) for keys, about in shown] == declared
    assert tab.find_barriers() == []
    row = tab.evaluate("document.querySelector('[data-row]').dataset.key")
    press(tab, "j", "Escape")
    expect(dialog).to_be_hidden()
    assert tab.evaluate(FOCUSED) == row
    tab.page.get_by_role("button", name="Keys").click()
    expect(dialog).to_be_visible()


def test_docs_have_the_keys_that_there_are() -> None:
    declared = KEYS.findall(SCRIPT.read_text(encoding="utf-8"))
    text = (ROOT / "docs/page.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ((?:`[^`]+` ?)+) \| (.+) \|$", text.split("## Keys")[1].split("\n## ")[0], re.MULTILINE)
    assert [(keys.replace("`", ""), about) for keys, about in rows] == declared


@pytest.mark.parametrize("has_clipboard", [True, False])
def test_what_is_copied_is_the_exact_text(visit: Open, agents: PageClient, has_clipboard: bool) -> None:
    tab = visit(agents)
    tab.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    if not has_clipboard:
        tab.page.add_init_script("navigator.clipboard.writeText = () => Promise.reject(new Error())")
    tab.open("/traces")
    exact = 'a\u202e "b" <i>c</i>\n\td\\u202e'
    tab.evaluate(
        """text => {
            const shown = Object.assign(document.createElement('pre'), {id: 'shown'});
            shown.textContent = text;
            const button = Object.assign(document.createElement('button'), {textContent: 'Copy'});
            button.dataset.copy = '#shown';
            document.querySelector('main').prepend(shown, button);
        }""",
        exact,
    )
    press(tab, "c")
    expect(tab.page.locator(".unseen[role=status]")).to_have_text("copied")
    assert tab.evaluate("navigator.clipboard.readText()") == exact
    press(tab, "y")
    expect(tab.page.locator(".unseen[role=status]")).to_have_text("the link is copied")
    assert tab.evaluate("navigator.clipboard.readText()") == tab.page.url


def test_a_filter_is_completed(visit: Open, agents: PageClient) -> None:
    tab = visit(agents)
    tab.open("/calls")
    field = tab.page.locator("[data-filter]")
    options = tab.page.locator(".suggestions [role=option]")
    press(tab, "/")
    tab.page.keyboard.type("mod")
    expect(options).to_have_count(1)
    assert tab.find_barriers() == []
    press(tab, "ArrowDown", "Enter")
    assert field.input_value() == "model:"
    expect(options).to_have_count(4)
    tab.page.keyboard.type("odd")
    expect(options).to_have_count(1)
    press(tab, "ArrowDown")
    assert field.get_attribute("aria-activedescendant") == options.first.get_attribute("id")
    press(tab, "Tab")
    assert field.input_value() == 'model:"odd \\"one\\", \\\\ (two)" '
    press(tab, "Enter")
    tab.page.wait_for_url(re.compile("filter="))
    assert tab.count("[data-row]") == 1
    press(tab, "/")
    tab.page.keyboard.type("-stat")
    expect(options).to_have_count(1)
    press(tab, "Escape")
    expect(options).to_have_count(0)
    assert field.input_value().endswith("-stat")


def test_colours_can_be_chosen(visit: Open, agents: PageClient) -> None:
    tab = visit(agents, scheme="light")
    tab.open("/traces")
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    light = tab.evaluate(ground)
    tab.page.get_by_label("Colours").select_option("dark")
    dark = tab.evaluate(ground)
    assert dark != light
    tab.open("/sessions")
    assert tab.evaluate(ground) == dark
    assert tab.page.get_by_label("Colours").input_value() == "dark"
    tab.page.get_by_label("Colours").select_option("")
    assert tab.evaluate(ground) == light
