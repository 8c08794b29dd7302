"""Settings: where they come from, and that every fault is named at once."""

import os
from pathlib import Path

import pytest

from ocpi_hub.commands.manual import manual
from ocpi_hub.settings import BadSettings, load

KEY = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:

    for name in [name for name in os.environ if name.startswith("OCPI_HUB__")]:
        monkeypatch.delenv(name)


def faults() -> str:
    with pytest.raises(BadSettings) as caught:
        load()
    return "\n".join(caught.value.faults)


def test_defaults_are_those_of_the_contract() -> None:
    loaded = load()
    assert loaded.public_url == "http://127.0.0.1:8080"
    assert (loaded.hub.country_code, loaded.hub.party_id, loaded.hub.name) == (
        "NL",
        "HUB",
        "OCPI Hub",
    )
    assert (loaded.delivery.allow_private, loaded.delivery.require_https) == (False, True)
    assert (loaded.delivery.deadline_s, loaded.alive.interval_s) == (10, 300)
    assert loaded.server.max_body == 1024**2
    assert loaded.routing.agreements == "open"


def test_the_environment_goes_before_the_file_and_the_file_before_the_default(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "hub.toml"
    file.write_text('[hub]\nname = "From file"\nparty_id = "FIL"\n[server]\nmax_body = "2 MiB"\n')
    monkeypatch.setenv("OCPI_HUB__HUB__PARTY_ID", "ENV")
    loaded = load(file)
    assert (loaded.hub.name, loaded.hub.party_id) == ("From file", "ENV")
    assert loaded.server.max_body == 2 * 1024**2


def test_every_fault_is_named_by_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = {
        "OCPI_HUB__SERVER__LISTEN": "nowhere",
        "OCPI_HUB__SERVER__TYPO": "1",
        "OCPI_HUB__SERVR__LISTEN": "127.0.0.1:1",
        "OCPI_HUB_SERVER__LISTEN": "127.0.0.1:1",
        "OCPI_HUB__ROUTING__AGREEMENTS": "sometimes",
        "OCPI_HUB__ADMIN__BOOTSTRAP_KEY": "short",
        "OCPI_HUB__SECURITY__KEY": "no key",
    }
    for name, value in wrong.items():
        monkeypatch.setenv(name, value)
    told = faults()
    assert [name for name in wrong if f"{name}:" not in told] == []
    assert "no key" not in told


def test_a_missing_key_is_named_beside_other_faults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCPI_HUB__DATABASE__URL", "postgresql://hub@db/hub")
    monkeypatch.setenv("OCPI_HUB__SERVER__LISTEN", "nowhere")
    told = faults()
    assert "OCPI_HUB__SECURITY__KEY: required" in told
    assert "OCPI_HUB__SERVER__LISTEN: " in told


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OCPI_HUB__SERVER__TRUSTED_PROXIES", '["nonsense"]'),
        ("OCPI_HUB__SERVER__TRUSTED_PROXIES", "10.0.0.1"),
        ("OCPI_HUB__SERVER", "x"),
        ("OCPI_HUB__ADMIN__BOOTSTRAP_KEY", "with a blank 0123456789"),
        ("OCPI_HUB__ADMIN__BOOTSTRAP_KEY", "nicht-aus-ascii-ü-0123456789"),
        ("OCPI_HUB__ADMIN__BOOTSTRAP_KEY", "0123456789abcdef\n"),
    ],
)
def test_what_could_never_work_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv("OCPI_HUB__DATA_DIR", "/var/lib/hub")
    monkeypatch.setenv(name, value)
    told = faults()
    assert told.startswith(f"{name}: ")
    assert "\n" not in told
    assert value not in told


def test_a_database_of_ones_own_needs_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCPI_HUB__DATABASE__URL", "postgresql://hub@db/hub")
    assert "OCPI_HUB__SECURITY__KEY" in faults()
    monkeypatch.setenv("OCPI_HUB__SECURITY__KEY", KEY)
    assert load().database.url.get_secret_value() == "postgresql://hub@db/hub"


def test_the_manual_explains_every_setting_and_shows_no_secret(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OCPI_HUB__ADMIN__BOOTSTRAP_KEY", "a-very-secret-key")
    lines = list(manual(load()))
    assert all(line.meaning for line in lines)
    assert "a-very-secret-key" not in str(lines)
    (shown,) = [line for line in lines if line.variable == "OCPI_HUB__ADMIN__BOOTSTRAP_KEY"]
    assert shown.value == "********"


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "hub.toml"
    file.write_text("[hub\n")
    with pytest.raises(BadSettings, match=r"hub\.toml"):
        load(file)
