"""Files the emulator reads again when they change."""

from __future__ import annotations

import threading
from pathlib import Path

from kubectl_asm.emulator.files import Reloaded


def test_nobody_gets_the_former_content_while_another_thread_reads_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "fixtures"
    path.write_text("old")
    is_reading, may_go_on = threading.Event(), threading.Event()

    def read(file: Path) -> str:
        text = file.read_text()
        if text == "newer":
            is_reading.set()
            may_go_on.wait(5)
        return text

    content = Reloaded(path, read, report=lambda _text: None)
    path.write_text("newer")
    got: list[str] = []
    threads = [threading.Thread(target=lambda: got.append(content.get())) for _ in range(2)]
    threads[0].start()
    is_reading.wait(5)
    threads[1].start()
    threads[1].join(0.05)
    may_go_on.set()
    for thread in threads:
        thread.join(5)
    assert got == ["newer", "newer"]


def test_a_change_that_cannot_be_read_keeps_the_former_content_and_is_said_once(tmp_path: Path) -> None:
    path = tmp_path / "number"
    path.write_text("1")
    said: list[str] = []
    content = Reloaded(path, lambda file: int(file.read_text()), report=said.append)
    path.write_text("one hundred")
    assert [content.get(), content.get()] == [1, 1]
    assert said == [f"{path}: kept the former content: ValueError"]
