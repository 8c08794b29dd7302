"""The command line's words: help, versions, settings, and how it ends when something is wrong."""

import json
import os
import socket
import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner

from ocpi_hub import __version__
from ocpi_hub.cli import main
from ocpi_hub.settings import PREFIX

KEY = "a-key-that-nobody-may-see"


@pytest.fixture(autouse=True)
def no_settings_of_this_machine(monkeypatch):
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)


def run(*arguments, **environment):
    return CliRunner().invoke(main, list(arguments), env=environment)


def commands(group, *names):
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, *names, name)
        yield (*names, name)


ALL = sorted(commands(typer.main.get_command(main)))


@pytest.mark.parametrize("names", ALL, ids=" ".join)
def test_every_command_helps_with_an_example(names):
    told = run(*names, "--help")
    assert told.exit_code == 0
    assert f"Example: ocpi-hub {names[0]}" in " ".join(told.stdout.split())


def test_the_commands_of_the_contract_are_there():
    assert {name[0] for name in ALL} >= {
        "serve",
        "migrate",
        "settings",
        "key",
        "platform",
        "messages",
        "demo",
        "version",
    }


@pytest.mark.parametrize("arguments", [("--version",), ("version",)])
def test_the_version_is_told(arguments):
    told = run(*arguments)
    assert (told.exit_code, told.stdout) == (0, f"{__version__}\n")


def test_settings_tell_every_variable_with_its_meaning_and_no_secret():
    environment = {
        "OCPI_HUB__ADMIN__BOOTSTRAP_KEY": KEY,
        "OCPI_HUB__SERVER__LISTEN": "127.0.0.1:9000",
    }
    told = run("settings", **environment)
    assert told.exit_code == 0
    assert "OCPI_HUB__SERVER__LISTEN" in told.stdout
    assert "127.0.0.1:9000" in told.stdout
    machine = run("settings", "--json", **environment)
    lines = {line["variable"]: line for line in json.loads(machine.stdout)}
    assert lines["OCPI_HUB__SERVER__LISTEN"]["value"] == "127.0.0.1:9000"
    assert lines["OCPI_HUB__SERVER__LISTEN"]["default"] == "127.0.0.1:8080"
    assert lines["OCPI_HUB__ADMIN__BOOTSTRAP_KEY"]["value"] == "********"
    assert all(line["meaning"] for line in lines.values())
    assert KEY not in told.stdout + machine.stdout


def test_a_toml_file_is_read_and_the_environment_goes_before_it(tmp_path):
    file = tmp_path / "hub.toml"
    file.write_text('[server]\nlisten = "127.0.0.1:9001"\n[hub]\nname = "From file"\n')
    arguments = ("settings", "--json", "--config", str(file))
    told = run(*arguments, OCPI_HUB__HUB__NAME="From environment")
    lines = {line["variable"]: line["value"] for line in json.loads(told.stdout)}
    assert lines["OCPI_HUB__SERVER__LISTEN"] == "127.0.0.1:9001"
    assert lines["OCPI_HUB__HUB__NAME"] == "From environment"


def test_every_wrong_setting_is_named_at_once_and_nothing_is_started():
    for command in ("settings", "migrate"):
        told = run(command, OCPI_HUB__SERVER__LISTEN="nowhere", OCPI_HUB__DELIVERY__DEADLINE_S="-1")
        assert told.exit_code == 2
        assert "OCPI_HUB__SERVER__LISTEN: must be host:port" in told.stderr
        assert "OCPI_HUB__DELIVERY__DEADLINE_S" in told.stderr
        assert told.stdout == ""


def test_a_config_file_that_is_not_there_is_a_wrong_setting():
    told = run("settings", "--config", "/nowhere/hub.toml")
    assert told.exit_code == 2
    assert "/nowhere/hub.toml is no file" in told.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("fly",),
        ("serve", "--workers", "0"),
        ("serve", "--workers", "many"),
        ("platform", "add", "Voltwerk"),
        ("platform", "add", "Voltwerk", "--role", "CPO", "--key", KEY),
        ("platform", "add", "V", "--role", "DE-VWK:CPO", "--quirk", "raw_token", "--key", KEY),
        ("key", "create", "car maker"),
        ("messages", "five"),
        ("messages", "--limit", "0"),
    ],
)
def test_a_wrong_call_ends_with_2(arguments):
    told = run(*arguments)
    assert told.exit_code == 2
    assert "Usage:" in told.stderr or "Invalid value" in told.stderr


def test_without_a_key_the_operator_is_told_how_to_give_one():
    told = run("platform", "list")
    assert told.exit_code == 1
    assert "OCPI_HUB__ADMIN__BOOTSTRAP_KEY" in told.stderr


def test_a_hub_that_is_not_there_is_told_with_its_address():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        told = run("platform", "list", "--url", url, "--key", KEY)
    assert told.exit_code == 1
    assert f"no hub answers at {url}" in told.stderr
    assert KEY not in told.stderr


def test_the_address_of_the_settings_is_asked_when_none_is_given():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        listen = f"127.0.0.1:{free.getsockname()[1]}"
        told = run(
            "key", "list", OCPI_HUB__SERVER__LISTEN=listen, OCPI_HUB__ADMIN__BOOTSTRAP_KEY=KEY
        )
    assert told.exit_code == 1
    assert f"no hub answers at http://{listen}" in told.stderr


def test_the_module_is_the_command():
    told = subprocess.run(
        [sys.executable, "-m", "ocpi_hub", "settings"],
        env={"PATH": os.environ["PATH"], "OCPI_HUB__SERVER__LISTEN": "nowhere"},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert told.returncode == 2
    assert told.stderr.startswith("ocpi-hub: OCPI_HUB__SERVER__LISTEN")
    assert "Traceback" not in told.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("messages", "--since", "yesterday"),
        ("key", "create", "x", "-s", "nav:read", "--expires", "2027-13-01"),
    ],
)
def test_what_is_no_time_is_said_with_an_example(arguments):
    told = run(*arguments, "--key", KEY)
    assert told.exit_code == 2
    assert "2026-11-01T00:00:00Z" in " ".join(told.stderr.replace("│", " ").split())


def test_key_and_address_may_come_from_a_file(tmp_path):
    file = tmp_path / "hub.toml"
    file.write_text(f'[admin]\nbootstrap_key = "{KEY}"\n[server]\nlisten = "127.0.0.1:1"\n')
    told = run("platform", "list", "--config", str(file))
    assert told.exit_code == 1
    assert "no hub answers at http://127.0.0.1:1" in told.stderr


def test_the_token_of_a_partner_may_come_from_the_environment():
    arguments = ("platform", "register", "ID", "http://x/versions", "--url", "http://127.0.0.1:1")
    told = run(*arguments, OCPI_HUB_PARTNER_TOKEN="t", OCPI_HUB__ADMIN__BOOTSTRAP_KEY=KEY)
    assert "no hub answers" in told.stderr
