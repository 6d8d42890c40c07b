# SPDX-License-Identifier: Apache-2.0
"""Who may reach a server, tried with requests as programs, browsers and pages of other sites send them."""

from __future__ import annotations

import json
import os
import re
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from google.rpc.status_pb2 import Status

from otel_sqlite_exporter.cli.commands import cli
from otel_sqlite_exporter.cli.edges.access_options import ACCESS_ARGUMENTS
from otel_sqlite_exporter.errors import ConfigurationError, NotFoundError
from otel_sqlite_exporter.server.access import access_middleware, token_rights, tokens
from otel_sqlite_exporter.server.access.access_policy import AccessPolicy, make_policy
from otel_sqlite_exporter.server.access.refusal_answers import AccessRefusal
from otel_sqlite_exporter.server.access.tokens import Token, TokenFile
from tests.commands import run_here
from tests.guarded_server import Guarded, guarding
from tests.integration.test_docs import find_tables

JSON: dict[str, Any] = {"content_type": "application/json", "body": b"{}"}
READING, SENDING = "/api/v1/traces", "/v1/traces"
EVIL = "https://evil.example"


@pytest.fixture(scope="module")
def loopback(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    path = tmp_path_factory.mktemp("loopback") / "otel.db-tokens"
    with guarding(make_policy(["127.0.0.1", "::1"], token_file=str(path))) as server:
        yield server


@pytest.fixture
def file(tmp_path: Path) -> TokenFile:
    return TokenFile(str(tmp_path / "otel.db-tokens"))


@pytest.fixture
def tokened(file: TokenFile) -> Iterator[Guarded]:
    file.create("other", may_send=True, may_read=True)
    with guarding(make_policy(["127.0.0.1"], token_file=file.path, require_token=True)) as server:
        yield server


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate and its key; the authority is `ca.pem` in the folder."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    made, cert, key = authority.issue_cert("127.0.0.1", "localhost"), folder / "cert.pem", folder / "key.pem"
    made.private_key_pem.write_to_path(str(key))
    for number, part in enumerate(made.cert_chain_pems):
        part.write_to_path(str(cert), append=number > 0)
    return cert, key


def bearer(secret: str) -> dict[str, Any]:
    return {"authorization": f"Bearer {secret}"}


def test_loopback_needs_no_token(loopback: Guarded) -> None:
    assert loopback.ask(READING).status == 200
    assert loopback.ask(SENDING, "POST", **JSON).status == 200
    assert loopback.passed[-1]["token"] is None


@pytest.mark.parametrize(
    "path", [READING, SENDING, "/", "/mcp", "/metrics", "/livez", "/readyz", "/link/x", "/nothing"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "PUT"])
def test_host_is_checked_on_every_route(loopback: Guarded, path: str, method: str) -> None:
    before = len(loopback.passed)
    for host in (
        "evil.example",
        "evil.example:4318",
        "127.0.0.1.evil.example",
        "localhost.",
        "localhost@evil",
        "1.2.3.4",
    ):
        assert loopback.ask(path, method, host=host, **JSON).status == 421
    assert loopback.ask(path, method, host="", **JSON).status == 400
    assert len(loopback.passed) == before


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1", "[::1]:4318"])
def test_the_names_of_this_machine_are_allowed(loopback: Guarded, host: str) -> None:
    assert loopback.ask(READING, host=host).status == 200


def test_a_request_without_one_host_is_refused(loopback: Guarded) -> None:
    for hosts in (b"", b"Host: localhost\r\nHost: localhost\r\n"):
        with socket.create_connection(("127.0.0.1", loopback.port)) as connection:
            connection.sendall(b"GET /api/v1/info HTTP/1.0\r\n" + hosts + b"\r\n")
            assert connection.recv(100).split()[1] == b"400"


def test_the_address_of_the_connection_is_a_name_and_others_are_given(file: TokenFile) -> None:
    secret = file.create("ada", may_send=False, may_read=True)
    policy = make_policy(["0.0.0.0"], token_file=file.path, insecure=True, allow_hosts=["Traces.Example"])
    with guarding(policy) as server:
        assert server.ask(READING, host="traces.example:80", **bearer(secret)).status == 200
        assert server.ask(READING, host="127.0.0.1", **bearer(secret)).status == 200
        assert server.ask(READING, host="0.0.0.0", **bearer(secret)).status == 421
        assert server.ask(READING, host="10.0.0.1", **bearer(secret)).status == 421


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": EVIL},
        {"origin": "null"},
        {"origin": "http://localhost:1"},
        {"origin": "https://127.0.0.1.evil.example"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate"},
    ],
)
def test_a_page_of_another_site_changes_nothing(loopback: Guarded, headers: dict[str, str]) -> None:
    before = len(loopback.passed)
    for path, method in (
        (SENDING, "POST"),
        ("/api/v1/sql", "POST"),
        ("/mcp", "POST"),
        ("/mcp", "GET"),
        ("/x", "DELETE"),
    ):
        assert loopback.ask(path, method, **JSON, **headers).status == 403
    assert loopback.ask(SENDING, "OPTIONS", access_control_request_method="POST", **headers).status in (200, 403)
    assert [one for one in loopback.passed[before:] if one["path"] != SENDING] == []


def test_a_page_of_another_site_reads_nothing_but_a_link_is_followed(loopback: Guarded) -> None:
    assert loopback.ask(READING, origin=EVIL).status == 403
    for mode in ("no-cors", "cors", "same-origin"):
        assert loopback.ask(READING, sec_fetch_site="cross-site", sec_fetch_mode=mode).status == 403
    followed = loopback.ask(READING, sec_fetch_site="cross-site", sec_fetch_mode="navigate")
    assert followed.status == 200
    assert "access-control-allow-origin" not in followed.headers


def test_its_own_pages_may_do_all(loopback: Guarded) -> None:
    own = {"origin": f"http://127.0.0.1:{loopback.port}", "sec_fetch_site": "same-origin"}
    assert loopback.ask("/mcp", "POST", **JSON, **own).status == 200
    assert loopback.ask(READING, sec_fetch_site="none").status == 200


def test_only_a_named_origin_may_read_and_send(file: TokenFile) -> None:
    policy = make_policy(["127.0.0.1"], token_file=file.path, allow_origins=["https://dash.example:443"])
    with guarding(policy) as server:
        page = {"origin": "https://dash.example", "sec_fetch_site": "cross-site"}
        preflight = server.ask(SENDING, "OPTIONS", access_control_request_method="POST", **page)
        assert preflight.status == 204
        assert "content-type" in preflight.headers["access-control-allow-headers"]
        sent = server.ask(SENDING, "POST", **JSON, **page)
        assert sent.status == 200
        for answer in (preflight, sent):
            assert answer.headers["access-control-allow-origin"] == "https://dash.example"
            assert "access-control-allow-credentials" not in answer.headers
            assert answer.headers["vary"] == "Origin"
        assert server.ask(READING).headers["vary"] == "Origin"
        refused = server.ask(SENDING, "OPTIONS", origin=EVIL, access_control_request_method="POST")
        assert (refused.status, "access-control-allow-origin" in refused.headers) == (403, False)


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "text/plain",
        "Text/Plain; charset=UTF-8",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
    ],
)
def test_what_a_form_can_post_is_refused(loopback: Guarded, content_type: str | None) -> None:
    for path in (SENDING, "/api/v1/sql", "/mcp"):
        assert loopback.ask(path, "POST", body=b"{}", content_type=content_type).status == 415


def test_every_answer_protects_a_browser(loopback: Guarded) -> None:
    for answer in (loopback.ask(READING), loopback.ask(READING, host="x"), loopback.ask("/mcp", "POST", origin=EVIL)):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        assert answer.headers["cross-origin-opener-policy"] == "same-origin"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert answer.headers["cache-control"] == "no-store"


def test_refusals_speak_the_language_of_the_route(loopback: Guarded) -> None:
    problem = loopback.ask(READING, host="evil.example")
    assert problem.headers["content-type"] == "application/problem+json"
    assert problem.document["status"] == 421
    assert "--allow-host" in problem.document["detail"]
    status = loopback.ask(SENDING, "POST", host="evil.example", **JSON)
    assert status.document["code"] == 3
    assert b"evil" not in problem.body + status.body
    encoded = loopback.ask(SENDING, "POST", host="x", body=b"", content_type="application/x-protobuf")
    assert Status.FromString(encoded.body).message == status.document["message"]


def test_a_token_may_send_or_read_or_both(tokened: Guarded, file: TokenFile) -> None:
    sends = file.create("sends", may_send=True, may_read=False)
    reads = file.create("reads", may_send=False, may_read=True)
    for secret, may_read, may_send in ((sends, 403, 200), (reads, 200, 403), ("wrong", 401, 401), ("", 401, 401)):
        assert tokened.ask(READING, **bearer(secret)).status == may_read
        assert tokened.ask(SENDING, "POST", **JSON, **bearer(secret)).status == may_send
    assert tokened.ask(READING, **bearer(reads)).status == 200
    assert tokened.passed[-1]["token"] == Token("reads", False, True)
    for path in (READING, SENDING, "/", "/mcp", "/metrics", "/nothing"):
        answer = tokened.ask(path, "POST", **JSON)
        assert (answer.status, answer.headers["www-authenticate"].partition(" ")[0]) == (401, "Bearer")
    assert tokened.ask(SENDING, "POST", **JSON).document["code"] == 16
    for scheme in ("Basic", "bearer-ish", ""):
        assert tokened.ask(READING, authorization=f"{scheme} {reads}").status == 401
    assert [tokened.ask(path).status for path in ("/livez", "/readyz")] == [200, 200]


def test_a_token_can_stand_in_the_path_of_a_sender(tokened: Guarded, file: TokenFile) -> None:
    secret = file.create("sends", may_send=True, may_read=True)
    assert tokened.ask(f"/t/{secret}/v1/traces", "POST", **JSON).status == 200
    assert tokened.passed[-1] == {"path": SENDING, "raw_path": SENDING.encode(), "token": Token("sends", True, True)}
    before = len(tokened.passed)
    assert tokened.ask("/t/wrong/v1/traces", "POST", **JSON).status == 401
    assert tokened.ask("/t//v1/traces", "POST", **JSON).status == 401
    for path in (f"/t/{secret}/api/v1/info", f"/t/{secret}/mcp", f"/t/{secret}", f"/t/{secret}//v1/traces", "/t/"):
        assert tokened.ask(path).status == 404
    assert tokened.ask(f"/t/{secret}/v1/traces", "POST", **JSON, origin=EVIL).status == 403
    assert len(tokened.passed) == before


def test_a_revoked_token_ends_while_the_server_runs(tokened: Guarded, file: TokenFile) -> None:
    secret = file.create("ada", may_send=False, may_read=True)
    assert tokened.ask(READING, **bearer(secret)).status == 200
    TokenFile(file.path).revoke("ada")
    assert tokened.ask(READING, **bearer(secret)).status == 401
    with pytest.raises(NotFoundError, match="has no token ada"):
        file.revoke("ada")


def test_a_file_that_others_may_read_admits_nobody(tokened: Guarded, file: TokenFile) -> None:
    secret = file.create("ada", may_send=False, may_read=True)
    for mode, status in ((0o600, 200), (0o640, 401), (0o600, 200)):
        os.chmod(file.path, mode)
        assert tokened.ask(READING, **bearer(secret)).status == status
    os.unlink(file.path)
    assert tokened.ask(READING, **bearer(secret)).status == 401


def test_a_person_without_a_token_gets_a_page_that_says_how_to_get_in(tokened: Guarded) -> None:
    browser = {"accept": "text/html,*/*;q=0.8", "sec_fetch_mode": "navigate", "sec_fetch_dest": "document"}
    answer = tokened.ask("/sessions", **browser)
    assert (answer.status, answer.headers["content-type"]) == (401, "text/html; charset=utf-8")
    assert "<code>token link</code>" in answer.body.decode()
    used = tokened.ask("/link/used", **browser)
    assert (used.status, used.headers["content-type"]) == (403, "text/html; charset=utf-8")
    for other in ({"accept": "*/*"}, {**browser, "sec_fetch_mode": "cors", "sec_fetch_dest": "empty"}):
        assert tokened.ask("/sessions", **other).headers["content-type"] == "application/problem+json"


def test_a_link_lets_one_browser_in_once(tokened: Guarded, file: TokenFile) -> None:
    secret = file.create("ada", may_send=True, may_read=True)
    code = file.create_link("ada")
    assert secret not in code
    ahead = [
        tokened.ask(f"/link/{code}", "HEAD"),
        tokened.ask(f"/link/{code}", sec_purpose="prefetch"),
        tokened.ask(f"/link/{code}", sec_fetch_site="cross-site", sec_fetch_mode="navigate", sec_fetch_dest="iframe"),
        tokened.ask(f"/link/{code}", sec_fetch_site="cross-site", sec_fetch_mode="no-cors", sec_fetch_dest="image"),
        tokened.ask(f"/link/{code}", sec_fetch_site="same-origin", sec_fetch_mode="cors", sec_fetch_dest="empty"),
        tokened.ask(f"/link/{code}", "POST", **JSON),
    ]
    assert {answer.status for answer in ahead} == {403}
    admitted = tokened.ask(f"/link/{code}")
    assert (admitted.status, admitted.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert b'content="0; url=/"' in admitted.body
    assert code.encode() not in admitted.body
    assert admitted.headers["content-security-policy"].startswith("default-src 'none'")
    assert admitted.headers["referrer-policy"] == "no-referrer"
    cookie, *flags = admitted.headers["set-cookie"].split("; ")
    assert {"Path=/", "HttpOnly", "SameSite=Strict"} <= {*flags}
    assert "Secure" not in flags
    assert code not in cookie
    assert tokened.ask(f"/link/{code}").status == 403
    assert tokened.ask("/link/").status == 403
    assert tokened.ask(READING, cookie=f'broken; a="b; {cookie}').status == 200
    assert tokened.passed[-1]["token"] == Token("ada", False, True)
    assert tokened.ask(SENDING, "POST", **JSON, cookie=cookie).status == 403
    own = cookie.partition("=")[2]
    assert tokened.ask(READING, **bearer(own)).status == 401
    file.revoke("ada")
    assert tokened.ask(READING, cookie=cookie).status == 401


@pytest.mark.parametrize("site", ["none", "same-origin", "same-site", "cross-site"])
def test_a_link_may_be_followed_from_any_site(site: str, tokened: Guarded, file: TokenFile) -> None:
    """In a mail that is read in the browser, say. A redirect would lose the cookie there."""
    opened = {"sec_fetch_site": site, "sec_fetch_mode": "navigate", "sec_fetch_dest": "document"}
    admitted = tokened.ask(f"/link/{file.create_link('other')}", **opened)
    assert (admitted.status, "location" in admitted.headers) == (200, False)
    cookie = admitted.headers["set-cookie"].partition(";")[0]
    assert tokened.ask(READING, cookie=cookie, **opened | {"sec_fetch_site": "same-origin"}).status == 200


def test_a_link_and_a_cookie_end(file: TokenFile, monkeypatch: pytest.MonkeyPatch) -> None:
    file.create("ada", may_send=False, may_read=True)
    monkeypatch.setattr(tokens, "LINK_S", -1)
    assert file.redeem(file.create_link("ada")) is None
    monkeypatch.setattr(tokens, "LINK_S", 300)
    monkeypatch.setattr(tokens, "BROWSER_S", -1)
    cookie = file.redeem(file.create_link("ada"))
    assert cookie is not None
    assert file.find_browser(cookie) is None
    file.create("sends", may_send=True, may_read=False)
    with pytest.raises(ConfigurationError, match="may not read"):
        file.create_link("sends")


def test_the_file_holds_no_secret_and_is_for_its_owner(file: TokenFile) -> None:
    secret = file.create("ada", may_send=True, may_read=True)
    code = file.create_link("ada")
    cookie = file.redeem(file.create_link("ada"))
    text = Path(file.path).read_text(encoding="utf-8")
    assert [one for one in (secret, code, cookie) if one is None or one in text] == []
    assert os.stat(file.path).st_mode & 0o777 == 0o600
    assert os.listdir(os.path.dirname(file.path)) == ["otel.db-tokens"]
    assert len(secret.partition("_")[2]) == 43  # 256 bits in base64
    with pytest.raises(ConfigurationError, match="has a token ada already"):
        file.create("ada", may_send=True, may_read=True)
    for name in ("", "a b", "a/b", "-a", "a" * 65, "é", "a\n"):
        with pytest.raises(ConfigurationError, match="cannot be the name of a token"):
            file.create(name, may_send=True, may_read=True)


def test_a_file_that_is_not_safe_is_refused(file: TokenFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.create("ada", may_send=True, may_read=True)
    link = TokenFile(str(tmp_path / "link"))
    os.symlink(file.path, link.path)
    folder = TokenFile(str(tmp_path))
    for mode in (0o604, 0o640, 0o660):
        os.chmod(file.path, mode)
        with pytest.raises(ConfigurationError, match="chmod 600"):
            file.create("eve", may_send=True, may_read=True)
    os.chmod(file.path, 0o600)
    for refused, why in ((link, "is a link"), (folder, "not a regular file")):
        with pytest.raises(ConfigurationError, match=why):
            refused.list_tokens()
    with monkeypatch.context() as other:
        other.setattr(os, "geteuid", lambda: 12345)
        with pytest.raises(ConfigurationError, match="belongs to another user"):
            file.list_tokens()
    for text in ("", "{}", "[]", '{"version": 2}', '{"version": 1, "tokens": [{}], "links": [], "browsers": []}'):
        Path(file.path).write_text(text, encoding="utf-8")
        with pytest.raises(ConfigurationError, match="not a token file of this version"):
            file.list_tokens()


def test_another_address_needs_tokens_and_tls(file: TokenFile, tmp_path: Path) -> None:
    def start(**options: Any) -> AccessPolicy:
        return make_policy(["127.0.0.1", "192.0.2.7"], token_file=file.path, **options)

    with pytest.raises(ConfigurationError, match=r"192\.0\.2\.7 .* has no tokens: create one with"):
        start(insecure=True)
    with pytest.raises(ConfigurationError, match=r"has no tokens: create one with .* and the server has no TLS: give"):
        start()
    with pytest.raises(ConfigurationError, match="--require-token is given"):
        make_policy(["::1"], token_file=file.path, require_token=True)
    file.create("ada", may_send=True, may_read=True)
    with pytest.raises(ConfigurationError, match="no TLS: give --tls-cert and --tls-key, or --insecure"):
        start()
    assert len(start(insecure=True).warnings) == 1
    cert, key = make_certificate(tmp_path)
    policy = start(tls_cert=str(cert), tls_key=str(key))
    assert (policy.warnings, policy.needs_token, policy.is_secure) == ((), True, True)
    with pytest.raises(ConfigurationError, match="give both"):
        start(tls_cert=str(cert))
    with pytest.raises(ConfigurationError, match="not a certificate and its key"):
        start(tls_cert=str(key), tls_key=str(key))


@pytest.mark.parametrize(
    ("option", "values"),
    [
        ("allow_hosts", ["", "http://a", "a:80", "*", "a b", "*.example"]),
        (
            "allow_origins",
            ["*", "null", "dash.example", "https://", "https://a/b", "ftp://a", "https://u@a", "https://a:x"],
        ),
    ],
)
def test_an_option_that_says_too_much_is_refused(file: TokenFile, option: str, values: list[str]) -> None:
    for value in values:
        with pytest.raises(ConfigurationError, match="--allow-"):
            make_policy(["127.0.0.1"], token_file=file.path, **{option: [value]})  # type: ignore[arg-type]


def test_under_tls_a_cookie_is_secure(file: TokenFile, tmp_path: Path) -> None:
    file.create("ada", may_send=False, may_read=True)
    cert, key = make_certificate(tmp_path)
    context = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
    policy = make_policy(["0.0.0.0"], token_file=file.path, tls_cert=str(cert), tls_key=str(key))
    with guarding(policy, cert, key) as server:
        admitted = server.ask(f"/link/{file.create_link('ada')}", context=context)
        assert "; Secure" in admitted.headers["set-cookie"]


def test_the_command_creates_lists_and_revokes(path: Path) -> None:
    secret = run_here("token", "create", "ada", path, "--send").output.strip()
    file = TokenFile(f"{path}-tokens")
    assert file.find(secret) == Token("ada", True, False)
    run_here("token", "create", "bob", path, "--read", "--send")
    assert run_here("token", "list", path).output.split()[:2] == ["ada", "send"]
    listed = json.loads(run_here("token", "list", path, "--json").output)["tokens"]
    assert [(row["name"], row["send"], row["read"]) for row in listed] == [("ada", True, False), ("bob", True, True)]
    here = run_here("token", "link", "bob", path)
    assert here.stdout.startswith("http://127.0.0.1:4318/link/")
    assert here.stderr == "this is where `serve` is by default: give --url if it is elsewhere\n"
    link = run_here("token", "link", "bob", path, "--url", "https://traces.example/").output.strip()
    assert link.startswith("https://traces.example/link/")
    assert file.redeem(link.rpartition("/")[2])
    assert run_here("token", "revoke", "ada", path).output == "revoked ada\n"
    assert file.find(secret) is None
    failed = [
        run_here("token", "revoke", "ada", path),
        run_here("token", "create", "eve", path),
        run_here("token", "link", "eve", path),
    ]
    assert [one.exit_code for one in failed] == [2, 2, 2]
    assert "has no tokens" in run_here("token", "list", "--token-file", f"{path}-none").output


def test_the_document_names_every_refusal() -> None:
    rows = find_tables("docs/security.md", "What is refused, and how")
    described = {(row[0].strip("`"), int(row[1])) for row in rows}
    modules = access_middleware, token_rights
    refusals = [one for module in modules for one in vars(module).values() if isinstance(one, AccessRefusal)]
    assert described == {(one.kind, one.status) for one in refusals}
    options = {one.opts[0] for one in cli.commands["serve"].params if one.name in (*ACCESS_ARGUMENTS,)}
    shown = {
        option
        for row in find_tables("docs/security.md", "From another machine")
        for option in re.findall(r"--[\w-]+", row[0])
    }
    assert shown == options
