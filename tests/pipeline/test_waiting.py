"""Lines of a pipe, however they come."""

import os
import subprocess
import sys
import threading
import time

from pipeline import waiting


def test_lines_come_whole_however_they_are_written() -> None:
    read_end, write_end = os.pipe()
    written = "one\n\u00e9\u4e2d\n\nlast without an end".encode()

    def write() -> None:
        for number in range(len(written)):
            os.write(write_end, written[number : number + 1])
        os.close(write_end)

    thread = threading.Thread(target=write)
    thread.start()
    with os.fdopen(read_end, "rb", buffering=0) as pipe:
        assert list(waiting.lines(pipe)) == ["one", "\u00e9\u4e2d", "", "last without an end"]
    thread.join()


def test_a_line_is_there_before_the_next_one_is_written() -> None:
    read_end, write_end = os.pipe()
    with os.fdopen(read_end, "rb", buffering=0) as pipe:
        found = waiting.lines(pipe)
        for line in ("one", "two"):
            os.write(write_end, f"{line}\n".encode())
            assert next(found) == line
        os.close(write_end)
        assert list(found) == []


def test_it_waits_longer_than_a_look() -> None:
    read_end, write_end = os.pipe()

    def write_late() -> None:
        time.sleep(1.2)
        os.write(write_end, b"late\n")
        os.close(write_end)

    thread = threading.Thread(target=write_late)
    thread.start()
    with os.fdopen(read_end, "rb", buffering=0) as pipe:
        assert list(waiting.lines(pipe)) == ["late"]
    thread.join()
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1.2); raise SystemExit(3)"]) as process:
        assert waiting.wait(process) == 3
