# SPDX-License-Identifier: Apache-2.0
"""The command `connect`, in home folders of its own: what it prints, writes, and takes back."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import plistlib
import shutil
import signal
import stat
import subprocess
import tomllib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from click.testing import CliRunner

from otel_sqlite_exporter.cli.commands import PROGRAM, cli
from otel_sqlite_exporter.cli.edges.connect_commands import AGENTS
from otel_sqlite_exporter.connect.agent_profiles import PROFILES, Destination
from otel_sqlite_exporter.connect.config_changes import make_change, plan_undo, plan_write
from otel_sqlite_exporter.connect.endpoint_checks import find_obstacle
from otel_sqlite_exporter.connect.service_units import find_unit, is_managed, write_launchd, write_systemd
from otel_sqlite_exporter.connect.settings_text import make_target
from otel_sqlite_exporter.errors import ConfigurationFileError
from otel_sqlite_exporter.server.access.access_policy import AccessPolicy
from otel_sqlite_exporter.server.access.tokens import TokenFile
from tests.commands import COMMAND
from tests.conftest import HANG_S, clean_environment, exporting, in_new_process, make_spans
from tests.guarded_server import guarding
from tests.serving import serving

VARIABLES = ("CLAUDE_CONFIG_DIR", "CODEX_HOME", "GEMINI_CLI_HOME", "ZDOTDIR", "XDG_CONFIG_HOME")
IDLE = "nothing listens at "
TOKEN = "abc_DEF-123"
FILES = {
    "claude-code": ".claude/settings.json",
    "codex": ".codex/config.toml",
    "gemini-cli": ".gemini/settings.json",
    "copilot": ".bashrc",
    "otlp": "work/.env",
}
CONTENTS = {
    "claude-code": '{\n    "model": "opus",\n    "env": {"FOO": "1"},\n    "permissions": {"allow": ["Read"]}\n}\n',
    "codex": 'model = "gpt-5" # mine\n\n[otel]\nenvironment = "dev"\n\n[tui]\ntheme = "dark"\n',
    "gemini-cli": '{"ui":{"theme":"GitHub"},"telemetry":{"target":"gcp"}}',
    "copilot": "alias ll='ls -l'\n",
    "otlp": "KEY=1\n",
}


class Home:
    """A home folder, and the command in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "work").mkdir()

    def run(self, *arguments: str, **environment: str) -> tuple[int, str, str]:
        unset = dict.fromkeys(VARIABLES)
        settings = unset | {"HOME": str(self.folder), "SHELL": "/bin/bash"} | environment
        with contextlib.chdir(self.folder / "work"):
            done = CliRunner(env=settings).invoke(cli, ["connect", *arguments], prog_name=PROGRAM)
        return (
            done.exit_code,
            done.stdout,
            "".join(line for line in done.stderr.splitlines(True) if not line.startswith(IDLE)),
        )

    def write(self, agent: str, *arguments: str, **environment: str) -> tuple[int, str, str]:
        return self.run(agent, "--write", "--yes", "--no-wait", *arguments, **environment)

    def fill(self, agent: str) -> Path:
        file = self.folder / FILES[agent]
        file.parent.mkdir(exist_ok=True)
        file.write_text(CONTENTS[agent])
        return file

    def list_files(self) -> set[str]:
        files = (file for file in self.folder.rglob("*") if file.is_file())
        return {file.relative_to(self.folder).as_posix() for file in files}

    def read_files(self) -> dict[str, bytes]:
        return {name: (self.folder / name).read_bytes() for name in self.list_files()}

    def read_copies(self) -> dict[str, bytes]:
        return {name: content for name, content in self.read_files().items() if name.endswith(".bak")}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def read_settings(file: Path) -> Any:
    """What a file says, read as its agent does."""
    text = file.read_text()
    if file.suffix == ".json":
        return json.loads(text)
    return tomllib.loads(text) if file.suffix == ".toml" else text


def test_the_command_knows_the_agents() -> None:
    assert tuple(PROFILES) == AGENTS
    assert set(FILES) == set(AGENTS)


@pytest.mark.parametrize("agent", AGENTS)
def test_what_is_printed_is_what_is_written(agent: str, home: Home) -> None:
    code, printed, said = home.run(agent, "--token", TOKEN, "--content")
    assert code == 0
    assert f"this belongs in {home.folder / FILES[agent]}" in said
    assert home.list_files() == set()
    code, shown, said = home.write(agent, "--token", TOKEN, "--content")
    assert (code, TOKEN in shown + said) == (0, False)
    file = home.folder / FILES[agent]
    written = file.read_text()
    if agent in ("copilot", "otlp"):
        assert "\n".join(written.splitlines()[1:-1]) == printed.rstrip("\n")
    else:
        pasted = home.folder / f"pasted{file.suffix}"
        pasted.write_text(printed)
        assert read_settings(file) == read_settings(pasted)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert home.run(agent, "--undo", "--yes")[0] == 0
    assert home.list_files() <= {f"pasted{file.suffix}"}


@pytest.mark.parametrize("agent", AGENTS)
def test_everything_else_stays(agent: str, home: Home) -> None:
    file = home.fill(agent)
    file.chmod(0o640)
    before = file.read_text()
    assert home.write(agent)[0] == 0
    first = file.read_text()
    assert first != before
    files = home.list_files()
    assert len(files) == 3
    copies = [home.folder / name for name in files if name.endswith(".bak")]
    assert [stat.S_IMODE(copy.stat().st_mode) for copy in copies] == [0o600]
    assert {(home.folder / name).read_text() for name in files if name.endswith(".bak")} == {before}
    code, printed, _ = home.write(agent)
    assert (code, printed) == (0, f"nothing to do: {file} holds it already\n")
    assert (file.read_text(), home.list_files()) == (first, files)
    assert home.write(agent, "--content", "--endpoint", "https://host:1/x/")[0] == 0
    assert "https://host:1/x" in file.read_text()
    assert home.write(agent)[0] == 0
    assert home.run(agent, "--undo", "--yes")[0] == 0
    assert file.read_text() == before
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert {name for name in home.list_files() if not name.endswith(".bak")} == {FILES[agent]}
    assert home.run(agent, "--undo", "--yes") == (0, f"nothing to do: this command has written nothing to {file}\n", "")


def test_undo_keeps_what_was_changed_meanwhile(home: Home) -> None:
    file = home.fill("claude-code")
    home.write("claude-code")
    held = json.loads(file.read_text())
    held["env"]["OTEL_LOGS_EXPORTER"] = "console"
    held["model"] = "sonnet"
    file.write_text(json.dumps(held, indent=2))  # as an agent does: in a layout of its own
    code, _, said = home.run("claude-code", "--undo", "--yes")
    assert (code, said) == (0, "env.OTEL_LOGS_EXPORTER stays: somebody else has changed it since\n")
    left = json.loads(CONTENTS["claude-code"]) | {"model": "sonnet"}
    assert json.loads(file.read_text()) == left | {"env": {"FOO": "1", "OTEL_LOGS_EXPORTER": "console"}}


def test_a_file_that_was_made_goes_only_if_nothing_else_is_in_it(home: Home) -> None:
    file = home.folder / FILES["codex"]
    home.write("codex")
    file.write_text(f'model = "gpt-5"\n{file.read_text()}')
    home.run("codex", "--undo", "--yes")
    assert file.read_text() == 'model = "gpt-5"\n'


@pytest.mark.parametrize("agent", AGENTS)
@pytest.mark.parametrize("broken", ["bytes", "link", "hard link", "folder", "record"])
def test_what_cannot_be_read_is_left_alone(agent: str, broken: str, home: Home) -> None:
    file = home.fill(agent)
    other = home.folder / "other"
    if broken == "bytes":
        file.write_bytes(b'{"a": "\xff"}')
    elif broken == "folder":
        file.unlink()
        file.mkdir()
    elif broken == "record":
        (home.folder / f"{FILES[agent]}.otel-sqlite-exporter.json").write_text("{}")
    else:
        file.rename(other)
        (file.symlink_to if broken == "link" else file.hardlink_to)(other)
    before = home.read_files()
    code, printed, said = home.write(agent)
    assert code == 2
    assert printed == home.run(agent)[1]
    assert said.startswith("Error: ")
    assert said.endswith("; it was left as it is: paste what is printed here\n")
    assert said.count("\n") == 1
    assert home.read_files() == before


@pytest.mark.parametrize(
    ("agent", "text", "reason"),
    [
        ("claude-code", '{\n  // mine\n  "env": {}\n}', "line 2 is not JSON; comments are not, either"),
        ("gemini-cli", '{"telemetry": true}', "telemetry is not an object"),
        ("codex", "[otel\n", "line 1 is not TOML"),
        ("codex", "otel.exporter = 'none'", "it is laid out in a way that this program does not change"),
    ],
)
def test_text_that_cannot_be_changed_is_left_alone(agent: str, text: str, reason: str, home: Home) -> None:
    file = home.fill(agent)
    file.write_text(text)
    code, printed, said = home.write(agent)
    assert (code, printed) == (2, home.run(agent)[1])
    assert said == f"Error: {file}: {reason}; it was left as it is: paste what is printed here\n"
    assert (file.read_text(), len(home.list_files())) == (text, 1)


@pytest.mark.parametrize("agent", AGENTS)
def test_a_plan_that_another_run_overtook_changes_nothing(agent: str, home: Home) -> None:
    """It waits for an answer, say. What the other run wrote can be taken back."""
    file = home.fill(agent)
    target = make_target(agent, PROFILES[agent], Destination("http://127.0.0.1:1"), str(file))
    waiting = plan_write(target)
    home.write(agent)
    written = home.read_files()
    with pytest.raises(ConfigurationFileError, match="was changed meanwhile: run the command again"):
        make_change(waiting)
    undo = plan_undo(target)
    assert undo is not None
    assert home.read_files() == written
    home.write(agent, "--endpoint", "http://127.0.0.1:2")
    with pytest.raises(ConfigurationFileError, match="was changed meanwhile: run the command again"):
        make_change(undo)
    assert home.run(agent, "--undo", "--yes")[0] == 0
    assert file.read_text() == CONTENTS[agent]


def test_runs_at_the_same_time_can_be_taken_back(home: Home) -> None:
    file = home.fill("claude-code")
    command = [*COMMAND, "connect", "claude-code", "--write", "--yes", "--no-wait", "--file", str(file)]
    endpoints = [f"http://127.0.0.1:{port}" for port in range(1, 5)]
    runs = [
        subprocess.Popen(
            [*command, "--endpoint", endpoint],
            env=clean_environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for endpoint in endpoints
    ]
    assert 0 in [run.wait(HANG_S) for run in runs]
    assert home.run("claude-code", "--undo", "--yes")[0] == 0
    assert file.read_text() == CONTENTS["claude-code"]


def test_a_file_holds_the_settings_of_one_agent(home: Home) -> None:
    """The record beside it can take back one of them."""
    for first, other in (("copilot", "otlp"), ("codex", "otlp"), ("claude-code", "gemini-cli")):
        file = str(home.folder / first)
        assert home.write(first, "--file", file)[0] == 0
        written = home.read_files()
        code, _, said = home.write(other, "--file", file)
        assert (code, "it holds what was written for another agent" in said) == (2, True)
        code, printed, _ = home.run(other, "--undo", "--yes", "--file", file)
        assert (code, printed) == (0, f"nothing to do: this command has written nothing to {file}\n")
        assert home.read_files() == written
        assert home.run(first, "--undo", "--yes", "--file", file)[0] == 0
        assert not Path(file).exists()


@pytest.mark.parametrize("agent", AGENTS)
def test_a_read_only_file_is_left_alone(agent: str, home: Home) -> None:
    """Its folder would let it be replaced."""
    file = home.fill(agent)
    file.chmod(0o444)
    before = home.read_files()
    assert f"Error: {file} cannot be written: Permission denied" in home.write(agent)[2]
    assert home.read_files() == before


@pytest.mark.parametrize("agent", AGENTS)
@pytest.mark.parametrize(
    "change",
    [
        {"keys": [{"path": [], "value": "1", "before": None}]},
        {"keys": [{"path": ["env", 5], "value": "1", "before": None}]},
        {"keys": [{"path": ["env", "A"], "value": "1", "before": 7}]},
        {"keys": [{"path": "env", "value": "1", "before": None}]},
        {"made": [[]]},
        {"block": 7},
    ],
)
def test_a_record_that_says_something_else_is_damaged(agent: str, change: dict[str, Any], home: Home) -> None:
    file = home.fill(agent)
    record = {"version": 1, "made_file": True, "keys": [], "made": [], "block": None} | change
    file.with_name(f"{file.name}.otel-sqlite-exporter.json").write_text(json.dumps(record))
    for done in (home.write(agent), home.run(agent, "--undo", "--yes")):
        assert done[0] == 2
        assert "is damaged: remove it, and what it names, by hand" in done[2]
    assert file.read_text() == CONTENTS[agent]


@pytest.mark.parametrize("agent", AGENTS)
def test_line_ends_are_those_of_the_file(agent: str, home: Home) -> None:
    """And an editor may change them."""
    file = home.fill(agent)
    for first, then in (("\r\n", "\r\n"), ("\n", "\r\n"), ("\r\n", "\n")):
        file.write_bytes(CONTENTS[agent].replace("\n", first).encode())
        assert home.write(agent)[0] == 0
        written = file.read_bytes().decode()
        assert written.count("\n") == written.count(first)
        file.write_bytes(written.replace("\r\n", "\n").replace("\n", then).encode())
        assert home.run(agent, "--undo", "--yes")[0] == 0
        assert file.read_bytes() == CONTENTS[agent].replace("\n", then).encode()


@pytest.mark.parametrize("agent", AGENTS)
def test_a_byte_order_mark_stays(agent: str, home: Home) -> None:
    file = home.fill(agent)
    held = b"\xef\xbb\xbf" + CONTENTS[agent].encode()
    file.write_bytes(held)
    assert home.write(agent)[0] == 0
    assert file.read_bytes().count(b"\xef\xbb\xbf") == 1
    assert file.read_bytes().startswith(held[:4])
    assert home.run(agent, "--undo", "--yes")[0] == 0
    assert file.read_bytes() == held


@pytest.mark.parametrize("agent", AGENTS)
def test_a_file_that_was_emptied_holds_nothing_to_take_back(agent: str, home: Home) -> None:
    file = home.fill(agent)
    home.write(agent)
    file.write_text("\n")
    code, printed, _ = home.run(agent, "--undo", "--yes")
    assert (code, printed) == (0, f"nothing to do: {file} is as it was\n")
    assert home.read_files() == {FILES[agent]: b"\n"} | home.read_copies()


def write_as_another(file: str) -> None:
    """A program: `connect`, by a user who may only read the file."""
    for module in ("agent_profiles", "settings_text", "config_changes"):
        importlib.import_module(f"otel_sqlite_exporter.connect.{module}")
    if os.geteuid() == 0:
        os.setegid(65534)
        os.seteuid(65534)
    done = CliRunner().invoke(cli, ["connect", "claude-code", "--write", "--yes", "--no-wait", "--file", file])
    os.seteuid(os.getuid())  # what measures coverage writes its file in the end
    print(json.dumps([done.exit_code, done.stderr]))


@pytest.mark.parametrize(("folder_mode", "file_mode", "what"), [(0o555, 0o444, "written"), (0o755, 0o000, "read")])
def test_a_file_that_may_not_be_changed_is_said(folder_mode: int, file_mode: int, what: str) -> None:
    with TemporaryDirectory() as folder:
        file = Path(folder, "settings.json")
        file.write_text(CONTENTS["claude-code"])
        file.chmod(file_mode)
        Path(folder).chmod(folder_mode)
        try:
            code, said = in_new_process(write_as_another, file)
        finally:
            Path(folder).chmod(0o755)
            file.chmod(0o644)
        assert code == 2
        assert said.startswith(f"Error: {folder}")
        assert f" cannot be {what}: Permission denied; it was left as it is" in said
        assert [entry.name for entry in Path(folder).iterdir()] == ["settings.json"]
        assert file.read_text() == CONTENTS["claude-code"]


def test_it_asks_and_may_be_refused(home: Home) -> None:
    file = home.fill("codex")
    code, shown, said = home.run("codex", "--write")
    assert (code, said) == (2, "Error: nothing was changed: nobody can be asked here, so give --yes\n")
    assert "+exporter = " in shown
    assert file.read_text() == CONTENTS["codex"]


def test_it_asks_on_a_terminal(home: Home) -> None:
    file = home.fill("codex")
    written = {}
    for answer in ("n", "y"):
        ours, theirs = os.openpty()
        with subprocess.Popen(
            [*COMMAND, "connect", "codex", "--write", "--no-wait"],
            env=clean_environment(HOME=str(home.folder)),
            stdin=theirs,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            os.write(ours, f"{answer}\n".encode())
            said = process.communicate(timeout=HANG_S)[1]
        os.close(ours)
        os.close(theirs)
        assert f"Change {file}? [y/N]: " in said
        written[answer] = (process.returncode, "exporter" in file.read_text())
    assert written == {"n": (2, False), "y": (0, True)}


def test_a_token_is_not_shown_and_who_may_read_it_is_said(home: Home) -> None:
    file = home.fill("gemini-cli")
    file.chmod(0o644)
    _, shown, said = home.write("gemini-cli", "--token", TOKEN)
    assert '"otlpEndpoint":' in file.read_text()
    assert "http://127.0.0.1:4318/t/[token]" in shown
    assert f"others may read {file}, which holds the token now" in said
    shown = home.run("gemini-cli", "--undo", "--yes")[1]
    assert (TOKEN in shown, "/t/[token]" in shown) == (False, True)
    modes = {stat.S_IMODE((home.folder / name).stat().st_mode) for name in home.read_copies()}
    assert modes == {0o600}, "the last copy holds the token"


def test_content_that_was_chosen_before_is_said(home: Home) -> None:
    file = home.fill("claude-code")
    file.write_text('{"env": {"OTEL_LOG_USER_PROMPTS": "1", "OTEL_LOG_TOOL_DETAILS": "0"}}')
    assert f"but env.OTEL_LOG_USER_PROMPTS in {file} may let it send such content" in home.write("claude-code")[2]
    said = home.run("gemini-cli", GEMINI_TELEMETRY_OUTFILE="x")[2]
    assert "environment variables come before these settings: unset GEMINI_TELEMETRY_OUTFILE" in said
    assert "Not sent: prompts" in said


@pytest.mark.parametrize("agent", ["claude-code", "copilot", "otlp"])
def test_variables_of_one_signal_that_come_before_are_said(agent: str, home: Home) -> None:
    said = home.run(agent, OTEL_EXPORTER_OTLP_LOGS_ENDPOINT="http://x")[2]
    assert "environment variables come before these settings: unset OTEL_EXPORTER_OTLP_LOGS_ENDPOINT" in said
    file = home.fill("claude-code")
    file.write_text('{"env": {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://x"}}')
    before = f"env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT in {file} come before these settings: remove them"
    assert (before in home.run(agent)[2]) == (agent == "claude-code")


def test_folders_that_variables_name_are_used(home: Home) -> None:
    folder = home.folder / "else"
    for agent, variable, file in (
        ("claude-code", "CLAUDE_CONFIG_DIR", "settings.json"),
        ("codex", "CODEX_HOME", "config.toml"),
        ("gemini-cli", "GEMINI_CLI_HOME", ".gemini/settings.json"),
    ):
        assert home.write(agent, **{variable: str(folder)})[0] == 0
        assert (folder / file).exists()
    assert home.write("copilot", SHELL="/bin/zsh", ZDOTDIR=str(folder))[0] == 0
    assert (folder / ".zshrc").exists()
    code, printed, said = home.write("copilot", SHELL="/usr/bin/fish")
    assert (code, said) == (2, "Error: the file that your shell reads is not known: give it with --file\n")
    assert printed.startswith("function copilot {")


def test_the_shell_gives_the_variables_to_that_program_alone(home: Home) -> None:
    assert home.write("copilot", "--token", TOKEN, "--content")[0] == 0
    program = home.folder / "copilot"
    program.write_text('#!/bin/sh\nenv | grep ^OTEL_ | sort\necho "$#" "$2"\n')
    program.chmod(0o755)
    script = (
        f"PATH={home.folder}:$PATH; . {home.folder}/.bashrc; copilot -p 'two words'; env | grep ^OTEL_ || echo none"
    )
    done = subprocess.run(["bash", "-c", script], env=clean_environment(), capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318",
        f"OTEL_EXPORTER_OTLP_HEADERS=Authorization=Bearer%20{TOKEN}",
        "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=true",
        "2 two words",
        "none",
    ]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ((), "give one of claude-code"),
        (("cursor",), "'cursor' is not an agent that is known: give one of claude-code"),
        (("codex", "--write", "--undo"), "give only one of --write and --undo"),
        (("--service", "codex"), "--service takes no AGENT, only PATH"),
        (("--service", "otel.db", "otel.db"), "--service takes no AGENT, only PATH"),
        (("--service", "--endpoint", "http://c"), "--service takes no option but --write, --undo and --yes"),
        (("--service", "--content"), "--service takes no option but --write, --undo and --yes"),
        *(
            (("codex", "--endpoint", endpoint), "give a URL such as http://127.0.0.1:4318")
            for endpoint in (
                "127.0.0.1:4318",
                "grpc://x",
                "http://",
                "http://a:b@c",
                "http://c?d",
                "http://x:y",
                "http://a b",
                "http://c:0",
                "http://c/#",
            )
        ),
        *(
            (("codex", "--endpoint", f"http://c/v1/{signal}"), f"give the address without /v1/{signal.rstrip('/')}")
            for signal in ("traces", "logs/", "metrics")
        ),
        (("codex", "--token", "a b"), "give what the command `token` printed"),
    ],
)
def test_wrong_arguments_are_said(arguments: tuple[str, ...], reason: str, home: Home) -> None:
    code, _, said = home.run(*arguments)
    assert code == 2
    assert reason in said


@pytest.mark.parametrize(
    ("endpoint", "remedy"),
    [
        ("http://127.0.0.1:9", "run `python -m otel_sqlite_exporter serve otel.db --port 9`"),
        (
            "https://localhost:9",
            "run `python -m otel_sqlite_exporter serve otel.db --port 9 --tls-cert FILE --tls-key FILE`",
        ),
    ],
)
def test_how_to_start_the_server_is_said(endpoint: str, remedy: str, home: Home) -> None:
    assert find_obstacle(Destination(endpoint), "otel.db") == f"nothing listens at {endpoint}: {remedy}"


def test_what_a_server_refuses_is_said_with_the_remedy(home: Home, path: Path) -> None:
    tokens = TokenFile(f"{path}-tokens")
    sends, reads = (tokens.create(name, may_send=name == "s", may_read=name == "r") for name in ("s", "r"))
    command = f"python -m otel_sqlite_exporter token create NAME --send {path}"
    with serving(path, "--require-token") as server:
        asked = ("--endpoint", server.url, "--no-wait")
        for given, why in (
            ((), "asks for a token, and none is given"),
            (("--token", TOKEN), "does not know this token"),
            (("--token", reads), "does not let this token send"),
        ):
            said = home.run("codex", str(path), *asked, *given)[2]
            assert said.splitlines()[-1] == f"{server.url} {why}: create one with `{command}` and give it with --token"
        for agent, what in (("codex", "agent"), ("otlp", "program")):
            code, _, said = home.run(agent, str(path), "--endpoint", server.url, "--token", sends, "--wait", "0.1")
            assert code == 1
            assert said.endswith(f"no record came: start the {what} anew, as it reads its settings when it starts\n")
        tls = find_obstacle(Destination(server.url.replace("http", "https"), sends), str(path))
        assert " does not speak HTTPS: run `" in str(tls)
    with guarding(AccessPolicy(TokenFile(f"{path}-tokens"), hosts=frozenset(["traces.example"]))) as guarded:
        here = f"http://localhost:{guarded.port}"
        told = find_obstacle(Destination(here), str(path))
        assert told == f"{here} does not answer under this name: start `serve` with --allow-host localhost"
    unknown = find_obstacle(Destination("http://none.invalid:4318"), str(path))
    assert unknown == "none.invalid has no address: give that of `serve` with --endpoint"


def test_it_says_what_came(home: Home, path: Path) -> None:
    with exporting(path) as exporter:
        exporter.export(make_spans("before"))
    command = [*COMMAND, "connect", "otlp", str(path), "--wait", str(HANG_S)]
    with subprocess.Popen(
        command, cwd=home.folder, env=clean_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        while "waiting for records" not in process.stderr.readline():
            pass
        with exporting(path) as exporter:
            exporter.export(make_spans("work", "work", attributes={"session.id": "chat-17"}))
        printed, said = process.communicate(timeout=HANG_S)
    assert (process.returncode, said) == (0, "")
    assert printed.splitlines()[-1] == "came from unknown_service:python: 2 spans and 0 log records, session chat-17"


def test_it_need_not_come(home: Home) -> None:
    code, _, said = home.run("codex", "--wait", "0.1")
    assert code == 1
    assert "no record came: nothing listens at http://127.0.0.1:4318: run `" in said
    with subprocess.Popen(
        [*COMMAND, "connect", "codex", "--wait", str(HANG_S)],
        cwd=home.folder,
        env=clean_environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        while "waiting for records" not in process.stderr.readline():
            pass
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=HANG_S)[1] == "not waiting any more\n"
    assert process.returncode == 0


def test_a_service_is_printed_written_and_removed(home: Home) -> None:
    if find_unit("/x") is None:
        pytest.skip("no service manager is known here")
    file = home.folder / ".config/systemd/user/otel-sqlite-exporter.service"
    code, printed, said = home.run("--service", "my otel.db")
    assert (code, home.list_files()) == (0, set())
    assert f"this belongs in {file}" in said
    assert home.run("--service", "my otel.db", "--write", "--yes")[0] == 0
    assert file.read_text() == printed
    assert str(home.folder / "work/my otel.db") in printed
    again = home.run("--service", "my otel.db", "--write", "--yes")
    assert again[:2] == (0, f"nothing to do: {file} holds it already\n")
    assert "systemctl --user enable --now otel-sqlite-exporter" in again[2]
    assert home.run("--service", "other.db", "--write", "--yes")[0] == 0
    file.write_text(f"{file.read_text()}# mine\n")
    for choice in ("--write", "--undo"):
        code, _, said = home.run("--service", choice, "--yes")
        assert code == 2
        assert "somebody else has" in said
    file.write_text(file.read_text().removesuffix("# mine\n"))
    assert home.run("--service", "--undo", "--yes")[0] == 0
    assert {name for name in home.list_files() if not name.endswith(".bak")} == set()
    file.write_text(printed)  # by hand
    assert home.run("--service", "my otel.db", "--write", "--yes")[:2] == (0, f"nothing to do: {file} is as it was\n")
    assert "this command has written nothing" in home.run("--service", "--undo", "--yes")[1]
    assert file.read_text() == printed


def test_a_relative_folder_of_services_is_ignored(home: Home) -> None:
    if find_unit("/x") is None:
        pytest.skip("no service manager is known here")
    assert f"{home.folder}/.config/systemd/user" in home.run("--service", XDG_CONFIG_HOME="rel")[2]
    assert f"{home.folder}/cfg/systemd/user" in home.run("--service", XDG_CONFIG_HOME=f"{home.folder}/cfg")[2]


def test_a_service_manager_that_does_not_run_is_said(home: Home) -> None:
    if find_unit("/x") is None:
        pytest.skip("no service manager is known here")
    assert ("systemd does not run here" in home.run("--service")[2]) == (not is_managed())


def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    database = tmp_path / 'a $b "c" %d \\ e.db'
    unit = tmp_path / "otel-sqlite-exporter.service"
    unit.write_text(write_systemd(["/bin/echo", "serve", str(database)], str(database)))
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd is not here")
    done = subprocess.run(
        ["systemd-analyze", "--user", "verify", unit],
        env=clean_environment(XDG_RUNTIME_DIR=str(tmp_path)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_launchd_reads_the_agent() -> None:
    command = ["/usr/bin/python3", "-m", "otel_sqlite_exporter", "serve", "/a <b> & \u00e9.db"]
    agent = plistlib.loads(write_launchd(command).encode())
    assert agent["ProgramArguments"] == command
    assert agent["RunAtLoad"] is True
    unit = find_unit("/x.db", "darwin")
    assert unit is not None
    assert unit.path.endswith("/Library/LaunchAgents/otel-sqlite-exporter.plist")
    assert find_unit("/x.db", "win32") is None
