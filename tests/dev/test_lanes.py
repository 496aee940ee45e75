"""The rule that picks a lane, over tables of machines and interpreters."""

import pytest

from dev.console import SetupError
from dev.lanes import TFX116, TFX121, Choice, Host, Lane, Python, allowed_lanes, choose, no_python_message, this_host

DEBIAN_12 = Host("Linux", "x86_64", (2, 36))
DEBIAN_13 = Host("Linux", "x86_64", (2, 41))
UBUNTU_2404 = Host("Linux", "x86_64", (2, 39))
MAC = Host("Darwin", "arm64")

PY310 = Python("/opt/python3.10", (3, 10, 13))
PY311 = Python("/opt/python3.11", (3, 11, 7))
PY312 = Python("/opt/python3.12", (3, 12, 1))
PY313 = Python("/opt/python3.13", (3, 13, 5))
PY314 = Python("/opt/python3.14", (3, 14, 0))
ALL = [PY314, PY311, PY310, PY313, PY312]


@pytest.mark.parametrize(
    ("host", "pythons", "lane", "python"),
    [
        pytest.param(DEBIAN_12, ALL, TFX116, PY310, id="an old glibc leaves only Python 3.10"),
        pytest.param(DEBIAN_13, ALL, TFX121, PY313, id="a new glibc takes the newest Python that has wheels"),
        pytest.param(UBUNTU_2404, ALL, TFX121, PY313, id="glibc 2.39 is new enough"),
        pytest.param(Host("Linux", "x86_64", (2, 38)), ALL, TFX116, PY310, id="glibc 2.38 is not"),
        pytest.param(Host("Linux", "x86_64", (2, 28)), ALL, TFX116, PY310, id="the oldest glibc"),
        pytest.param(DEBIAN_13, [PY312, PY310], TFX121, PY312, id="the new lane wins over the old one"),
        pytest.param(DEBIAN_13, [PY314, PY310], TFX116, PY310, id="the old lane where no Python fits the new one"),
        pytest.param(MAC, ALL, TFX121, PY313, id="macOS on arm64"),
    ],
)
def test_the_lane_and_python_of_a_machine(host: Host, pythons: list[Python], lane: Lane, python: Python) -> None:
    choice = choose(host, pythons)

    assert choice is not None
    assert (choice.lane, choice.python) == (lane, python)


@pytest.mark.parametrize(
    ("host", "pythons"),
    [
        pytest.param(DEBIAN_12, [PY311, PY312, PY313, PY314], id="an old glibc without Python 3.10"),
        pytest.param(DEBIAN_13, [PY314], id="only a Python that no lane takes"),
        pytest.param(MAC, [PY310], id="the old lane is not for macOS"),
        pytest.param(DEBIAN_13, [], id="nothing found"),
    ],
)
def test_no_choice_where_no_python_fits(host: Host, pythons: list[Python]) -> None:
    assert choose(host, pythons) is None


def test_a_python_with_headers_is_preferred_since_some_packages_are_compiled() -> None:
    bare = Python("/usr/bin/python3.13", (3, 13, 5), headers=False)

    choice = choose(DEBIAN_13, [bare, PY311, PY312])

    assert choice is not None
    assert choice.python == PY312


def test_equal_pythons_keep_the_order_in_which_they_were_found() -> None:
    nearer = Python("/home/me/python3.13", (3, 13, 0))

    choice = choose(DEBIAN_13, [nearer, PY313])

    assert choice is not None
    assert choice.python == nearer


@pytest.mark.parametrize(
    ("host", "pythons", "wanted", "named", "reason"),
    [
        (
            DEBIAN_12,
            ALL,
            "",
            False,
            "the wheels of TFX 1.21 need glibc 2.39 or newer, and this is Linux x86_64, glibc 2.36",
        ),
        (DEBIAN_13, ALL, "", False, "the wheels of TFX 1.21 load here (Linux x86_64, glibc 2.41)"),
        (DEBIAN_13, [PY310], "", False, "no Python 3.11 to 3.13, which TFX 1.21 needs, was found"),
        (DEBIAN_13, [PY310], "", True, "PNFREC_PYTHON names a Python of this lane"),
        (DEBIAN_13, ALL, "tfx116", False, "PNFREC_LANE asks for it"),
        (MAC, [PY312], "", False, "the wheels of TFX 1.21 load here (Darwin arm64)"),
    ],
)
def test_the_choice_says_why(host: Host, pythons: list[Python], wanted: str, named: bool, reason: str) -> None:
    choice = choose(host, pythons, wanted, named)

    assert isinstance(choice, Choice)
    assert choice.reason == reason


def test_a_wanted_lane_is_the_only_one_looked_at() -> None:
    assert allowed_lanes(DEBIAN_13) == (TFX121, TFX116)
    assert allowed_lanes(DEBIAN_13, "tfx116") == (TFX116,)
    assert choose(DEBIAN_13, [PY313], "tfx116") is None


@pytest.mark.parametrize(
    ("host", "wanted", "message"),
    [
        (
            DEBIAN_12,
            "tfx121",
            "PNFREC_LANE=tfx121 does not fit this machine (Linux x86_64, glibc 2.36).\n"
            "  The wheels of TFX 1.21 need Linux on x86_64 with glibc 2.39 or newer, or macOS on arm64.\n"
            "  Leave PNFREC_LANE out to get tfx116.",
        ),
        (DEBIAN_12, "new", "PNFREC_LANE must be tfx121 or tfx116. Received: 'new'."),
    ],
)
def test_a_wanted_lane_that_cannot_be_is_refused(host: Host, wanted: str, message: str) -> None:
    with pytest.raises(SetupError) as caught:
        allowed_lanes(host, wanted)

    assert str(caught.value) == message


@pytest.mark.parametrize(
    "host",
    [
        Host("Linux", "aarch64", (2, 41)),
        Host("Linux", "x86_64", (2, 27)),
        Host("Linux", "x86_64", None),
        Host("Darwin", "x86_64"),
        Host("Windows", "AMD64"),
    ],
    ids=str,
)
def test_machines_without_wheels_are_told_so(host: Host) -> None:
    with pytest.raises(SetupError) as caught:
        choose(host, ALL)

    assert str(caught.value) == (
        f"TFX has no wheels for this machine ({host}).\n"
        "  They exist for Linux on x86_64 with glibc 2.28 or newer, and for macOS on arm64 (on Windows: use WSL).\n"
        "  The network alone needs only TensorFlow and Keras: pip install '.[keras]'"
    )


def test_the_message_without_a_python_names_what_is_needed_found_and_to_do() -> None:
    assert no_python_message(DEBIAN_12, [PY311, PY313], uv="/repo/.tools/uv/bin/uv") == (
        "No Python that fits was found.\n"
        "  this is    Linux x86_64, glibc 2.36\n"
        "  it needs   Python 3.10 (lane tfx116, TFX 1.16)\n"
        "  found      3.11.7   /opt/python3.11\n"
        "             3.13.5   /opt/python3.13\n"
        "  Get one, then run make again:\n"
        "             /repo/.tools/uv/bin/uv python install 3.10\n"
        "             pyenv install 3.10\n"
        "             apt install python3.10 python3.10-dev    (Ubuntu; after 22.04 from the deadsnakes PPA)\n"
        "  Or name one that was not found: make PNFREC_PYTHON=/path/to/python3.10 ..."
    )


def test_the_message_without_a_python_fits_the_machine() -> None:
    debian = no_python_message(DEBIAN_13, [])
    mac = no_python_message(MAC, [PY310], python_named=True)

    assert "  it needs   Python 3.11 to 3.13 (lane tfx121, TFX 1.21) or Python 3.10 (lane tfx116, TFX 1.16)\n" in debian
    assert "  found      none\n" in debian
    assert "             apt install python3 python3-dev    (Debian 13, Ubuntu 24.04)\n" in debian
    assert mac.startswith("The Python that PNFREC_PYTHON names does not fit.\n  this is    Darwin arm64\n")
    assert "             brew install python@3.13\n" in mac


@pytest.mark.parametrize(
    ("libc", "glibc"),
    [(("glibc", "2.36"), (2, 36)), (("glibc", "2.39"), (2, 39)), (("", ""), None), (("musl", "1.2.4"), None)],
)
def test_this_host_reads_the_glibc(
    monkeypatch: pytest.MonkeyPatch, libc: tuple[str, str], glibc: tuple[int, ...] | None
) -> None:
    monkeypatch.setattr("platform.libc_ver", lambda: libc)
    monkeypatch.setattr("platform.system", lambda: "Linux")
    monkeypatch.setattr("platform.machine", lambda: "x86_64")

    assert this_host() == Host("Linux", "x86_64", glibc)


def test_only_linux_is_pinned() -> None:
    assert DEBIAN_12.pinned
    assert not MAC.pinned
