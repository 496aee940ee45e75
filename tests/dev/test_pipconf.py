"""Settings of pip that uv has to follow."""

from pathlib import Path

import pytest

from dev.pipconf import pip_config_list, pip_settings, uv_variables

LISTING = """\
:env:.timeout='60'
global.cert='/etc/ssl/company.pem'
global.constraint='/etc/constraints.txt'
global.extra-index-url='https://extra.example/simple'
global.index-url='https://global.example/simple'
install.index-url='https://install.example/simple'
list.format='columns'
"""


def test_variables_win_over_the_install_section_and_that_over_the_global_one() -> None:
    assert pip_settings({}, LISTING) == {"cert": "/etc/ssl/company.pem", "index-url": "https://install.example/simple"}
    assert pip_settings({"PIP_INDEX_URL": "https://mine.example", "PATH": "/bin", "PIP_PRE": "1"}, LISTING) == {
        "cert": "/etc/ssl/company.pem",
        "index-url": "https://mine.example",
    }


def test_further_sources_come_from_variables_only_and_never_into_a_pin_file() -> None:
    env = {"PIP_EXTRA_INDEX_URL": "https://a.example https://b.example", "PIP_FIND_LINKS": "/wheels", "PIP_CERT": "/c"}

    assert pip_settings(env) == {
        "extra-index-url": "https://a.example https://b.example",
        "find-links": "/wheels",
        "cert": "/c",
    }
    assert pip_settings(env, sources=False) == {"cert": "/c"}


def test_settings_become_variables_of_uv(tmp_path: Path) -> None:
    wheels, more = tmp_path / "wheels", tmp_path / "more"
    wheels.mkdir()
    more.mkdir()
    certificates = tmp_path / "company.pem"
    certificates.touch()
    settings = {
        "index-url": "https://mine.example/simple",
        "extra-index-url": f"https://a.example file://{more}",
        "find-links": f"{wheels}\n{more}",
        "no-index": "1",
        "cert": str(certificates),
        "proxy": "http://proxy.example:3128",
        "trusted-host": "mine.example",
        "default-timeout": "180",
    }

    assert uv_variables(settings, {}) == {
        "UV_DEFAULT_INDEX": "https://mine.example/simple",
        "UV_INDEX": f"https://a.example file://{more}",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_FIND_LINKS": f"{wheels},{more}",
        "UV_NO_INDEX": "1",
        "SSL_CERT_FILE": str(certificates),
        "ALL_PROXY": "http://proxy.example:3128",
        "UV_INSECURE_HOST": "mine.example",
        "UV_HTTP_TIMEOUT": "180",
    }


def test_local_places_that_do_not_exist_are_left_out_as_pip_does(tmp_path: Path) -> None:
    gone = tmp_path / "gone"

    assert uv_variables({"find-links": str(gone), "extra-index-url": f"file://{gone}", "cert": str(gone)}, {}) == {}


def test_variables_of_uv_that_are_set_win() -> None:
    settings = {"index-url": "https://pip.example", "extra-index-url": "https://extra.example"}
    env = {"UV_DEFAULT_INDEX": "https://uv.example", "UV_INDEX_STRATEGY": "first-index"}

    assert uv_variables(settings, env) == {"UV_INDEX": "https://extra.example"}


def test_the_listing_is_that_of_pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    config = tmp_path / "pip.conf"
    config.write_text("[global]\nindex-url = https://conf.example/simple\n", encoding="utf-8")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(config))

    assert pip_settings({}, pip_config_list(sys.executable))["index-url"] == "https://conf.example/simple"


def test_the_listing_is_empty_without_pip() -> None:
    assert pip_config_list("/no/such/python") == ""
    assert pip_config_list("/bin/false") == ""
