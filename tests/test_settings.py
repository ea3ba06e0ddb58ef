import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pydantic import ValidationError

from crm_graph.settings import Settings


def test_the_environment_is_read_once_and_frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRM_GRAPH_PORT", "8123")
    settings = Settings()
    assert settings.port == 8123
    with pytest.raises(ValidationError):
        settings.port = 1


@pytest.mark.parametrize(("name", "value"), [("PORT", "70000"), ("POOL_SIZE", "0"), ("LOG_LEVEL", "LOUD")])
def test_a_senseless_value_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"CRM_GRAPH_{name}", value)
    with pytest.raises(ValidationError):
        Settings()


def test_every_setting_says_what_it_is() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_the_secret_is_kept_private_and_the_same_for_all(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "new")
    with ThreadPoolExecutor(8) as threads:
        found = set(threads.map(lambda _: settings.secret_bytes(), range(16)))
    assert len(found) == 1
    assert len(found.pop()) >= 32
    assert stat.S_IMODE((tmp_path / "new" / "secret").stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["secret"]


def test_a_short_secret_is_refused_and_none_is_shown() -> None:
    settings = Settings.model_validate({"secret": "tooshort"})
    assert "tooshort" not in repr(settings)
    with pytest.raises(ValueError, match="shorter than 32"):
        settings.secret_bytes()


def test_the_sealing_key_is_made_once_and_is_not_the_secret(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "new")
    with ThreadPoolExecutor(8) as threads:
        found = set(threads.map(lambda _: settings.sealing_key_texts(), range(16)))
    [[key]] = found
    assert len(key) >= 32
    assert key != settings.secret_bytes()
    assert stat.S_IMODE((tmp_path / "new" / "sealing-key").stat().st_mode) == 0o600


def test_sealing_keys_are_separated_by_commas_and_each_long_enough() -> None:
    settings = Settings.model_validate({"sealing_keys": f"{'a' * 32}, {'b' * 40}"})
    assert "aaaa" not in repr(settings)
    assert settings.sealing_key_texts() == (b"a" * 32, b"b" * 40)
    for short in ("a" * 31, f"{'a' * 32},", f"{'a' * 32},short"):
        with pytest.raises(ValueError, match="shorter than 32"):
            Settings.model_validate({"sealing_keys": short}).sealing_key_texts()
