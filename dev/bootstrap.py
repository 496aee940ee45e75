"""Picks the lane, makes its environment where that is needed, and runs a command in it.

    python3 -m dev.bootstrap setup
    python3 -m dev.bootstrap run -- pytest -k gate
    python3 -m dev.bootstrap docs

Variables: PNFREC_LANE and PNFREC_PYTHON choose, PNFREC_EXTRAS adds extras (gpu). See CONTRIBUTING.md.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from dev import environment, lock, pipconf, pythons, site
from dev.console import SetupError, say
from dev.lanes import Choice, Host, Python, allowed_lanes, choose, dotted, no_python_message, this_host
from dev.uv import get_uv

ROOT = Path(__file__).resolve().parent.parent


def standing_choice(root: Path, host: Host, env: Mapping[str, str]) -> Choice | None:
    """The lane and interpreter of an environment that is complete, so that a later make looks no further.

    Only of the best lane for this machine, and not where PNFREC_PYTHON names an interpreter.
    """
    lane = allowed_lanes(host, env.get("PNFREC_LANE", ""))[0]
    stamp = environment.read_stamp(environment.venv_folder(root, lane))
    if stamp is None or env.get("PNFREC_PYTHON"):
        return None
    version = tuple(int(part) for part in stamp.version.split("."))
    return Choice(lane, Python(stamp.python, version), "as it was set up before")


def make_choice(root: Path, host: Host, env: Mapping[str, str], log: Path) -> Choice:
    """The lane and interpreter for this machine; asks uv for an interpreter where none was found.

    Raises:
        SetupError: No lane fits, or no interpreter is to be had.
    """
    lane, name = env.get("PNFREC_LANE", ""), env.get("PNFREC_PYTHON", "")
    lanes = allowed_lanes(host, lane)
    home = Path.home()
    if name:
        found = pythons.named(name, env, home, root)
    else:
        found = pythons.find([*pythons.candidates(env, home, root), sys.executable])
    choice = choose(host, found, lane, python_named=bool(name))
    if choice:
        return choice
    uv = "uv"
    if not name:
        target = dotted(lanes[0].pythons[0])
        say(f"pnfrec: no Python {lanes[0].python_range} was found; asking uv for one")
        uv = get_uv(root, env, [python.path for python in found], log)
        install_python(uv, target, root, env, log)
        choice = choose(host, pythons.find(pythons.candidates(env, home, root)), lane)
    if choice:
        return choice
    raise SetupError(no_python_message(host, found, lane, bool(name), uv))


def install_python(uv: str, version: str, root: Path, env: Mapping[str, str], log: Path) -> None:
    """Lets uv fetch an interpreter into the tool folder; whether it could shows in what is found afterwards."""
    folder = {"UV_PYTHON_INSTALL_DIR": str(root / ".tools" / "python"), **uv_environment(env)}
    with log.open("ab") as output:
        subprocess.run(
            [uv, "python", "install", "--no-bin", version], env=folder, stdout=output, stderr=output, check=False
        )


def uv_environment(env: Mapping[str, str]) -> dict[str, str]:
    """`env` with what uv needs to reach packages the way pip does here."""
    settings = pipconf.pip_settings(env, pipconf.pip_config_list(sys.executable))
    return {**env, **pipconf.uv_variables(settings, env)}


def set_up(root: Path, host: Host, env: Mapping[str, str]) -> Path:
    """Makes sure that the environment for this machine is complete and current; returns its folder.

    Raises:
        SetupError: It could not be made.
    """
    choice = standing_choice(root, host, env)
    if choice and environment.is_current(root, choice, _extras(root, choice, env), host.pinned):
        say(f"pnfrec: lane {choice.lane.name}, Python {dotted(choice.python.version)}")
        return environment.venv_folder(root, choice.lane)
    with environment.locked(root):
        log = root / ".venv" / "tools.log"
        choice = standing_choice(root, host, env) or make_choice(root, host, env, log)
        say(f"pnfrec: lane {choice.lane.name} (TFX {choice.lane.tfx}): {choice.reason}")
        say(f"pnfrec: Python {dotted(choice.python.version)} ({choice.python.path})")
        extras = _extras(root, choice, env)
        # Another make may have set it up while this one waited.
        if not environment.is_current(root, choice, extras, host.pinned):
            uv = get_uv(root, env, [choice.python.path], log)
            environment.Setup(root, choice, uv, uv_environment(env), host.pinned, extras).run()
    return environment.venv_folder(root, choice.lane)


def _extras(root: Path, choice: Choice, env: Mapping[str, str]) -> str:
    return environment.extras_of(env, environment.read_stamp(environment.venv_folder(root, choice.lane)))


def set_up_docs(root: Path, host: Host, env: Mapping[str, str]) -> Path:
    """Makes sure that the environment of the documentation site is complete and current; returns its folder.

    Raises:
        SetupError: It could not be made.
    """
    with environment.locked(root):
        python = site.choose_python(root, env)
        uv = get_uv(root, env, [python.path], root / ".venv" / "tools.log")
        return site.make_environment(root, python, uv, uv_environment(env), host.pinned)


def activated(venv: Path, env: Mapping[str, str]) -> dict[str, str]:
    """`env` as it is with the environment activated: tfx calls the pip on PATH."""
    result = {name: value for name, value in env.items() if name not in ("PYTHONHOME", "CONDA_PREFIX")}
    result["VIRTUAL_ENV"] = str(venv)
    result["PATH"] = os.pathsep.join([str(venv / "bin"), *filter(None, [env.get("PATH")])])
    return result


def run_in(venv: Path, command: Sequence[str], env: Mapping[str, str]) -> None:
    """Replaces this process by `command` in the environment.

    Raises:
        SetupError: There is no such program.
    """
    variables = activated(venv, env)
    try:
        os.execvpe(command[0], list(command), variables)
    except OSError as error:
        msg = f"{command[0]}: {error.strerror} (looked for in {venv / 'bin'} and on PATH)."
        raise SetupError(msg) from error


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python3 -m dev.bootstrap", description="Sets up pnfrec's environment.")
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("setup", help="make the environment, or bring it up to date")
    run = actions.add_parser("run", help="the same, then run a command in it")
    run.add_argument("command", nargs=argparse.REMAINDER)
    pins = actions.add_parser("lock", help="make the pin files anew")
    pins.add_argument("uv_options", nargs=argparse.REMAINDER, help="for example --upgrade")
    pages = actions.add_parser("docs", help="build the documentation site")
    pages.add_argument("sphinx_options", nargs=argparse.REMAINDER, help="passed on to Sphinx")
    chosen = parser.parse_args(arguments)
    command = chosen.command if chosen.action == "run" else []
    if command[:1] == ["--"]:
        command = command[1:]
    if chosen.action == "run" and not command:
        parser.error("`run` needs a command.")
    try:
        if chosen.action == "lock":
            with environment.locked(ROOT):
                lock.write_pin_files(ROOT, os.environ, chosen.uv_options)
        elif chosen.action == "docs":
            return site.build_site(ROOT, set_up_docs(ROOT, this_host(), os.environ), chosen.sphinx_options)
        else:
            venv = set_up(ROOT, this_host(), os.environ)
            if command:
                run_in(venv, command, os.environ)
            else:
                say(f"pnfrec: the command `pnfrec` itself: source {venv.relative_to(ROOT)}/bin/activate")
    except SetupError as error:
        say(f"pnfrec: {error}")
        return 1
    except KeyboardInterrupt:
        say("pnfrec: interrupted; the next make does it again")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
