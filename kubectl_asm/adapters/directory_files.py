"""The files of a directory cluster: which there are, one writer at a time, and replacing them atomically.

A process killed at any moment leaves every file either as it was or as it should be. Left-over temporary files start with
a dot, are never read as manifests, and go when the next writer takes the lock.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from kubectl_asm.errors import AsmError, InputError

STATE_NAME = ".asm-state.yaml"
LOCK_NAME = ".asm-lock"
PRIVATE = 0o600

_SUFFIXES = (".yaml", ".yml", ".json")
_TEMPORARY = ".asm-new"


def manifest_files(folder: Path) -> list[Path]:
    """Return the manifest files below a folder in name order; hidden files and folders are not looked at."""
    return [path for path in _walk(folder) if path.suffix in _SUFFIXES and not path.name.startswith(".")]


def _walk(folder: Path) -> Iterator[Path]:
    if not folder.is_dir():
        raise InputError("there is no such folder", file=str(folder))
    for place, folders, names in os.walk(folder, onerror=_cannot_list):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(place) / name for name in sorted(names))


def _cannot_list(error: OSError) -> None:
    raise InputError(f"the folder cannot be read: {error.strerror}", file=str(error.filename)) from None


def read_bytes(path: Path) -> bytes:
    """Return the content of a file; raises InputError."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"the file cannot be read: {error.strerror}", file=str(path)) from None


def replace_file(path: Path, data: bytes, *, private: bool, durable: bool = True) -> None:
    """Write data to path in one step. private: mode 0600; otherwise the mode of the file that was there. Raises OSError.

    A symbolic link stays one: its target is replaced. durable: also survive a loss of power, which costs a wait for the disk.
    """
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f".{target.name}{_TEMPORARY}")
    mode = PRIVATE if private else _mode_of(target)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE)
    try:
        with os.fdopen(descriptor, "wb") as handle:
            os.chmod(temporary, mode)
            handle.write(data)
            handle.flush()
            if durable:
                os.fsync(handle.fileno())
        os.replace(temporary, target)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def _mode_of(path: Path) -> int:
    try:
        return path.stat().st_mode & 0o777
    except FileNotFoundError:
        return 0o644


class FolderLock:
    """One writer at a time. The operating system drops the lock when its holder dies, so it is never stale."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / LOCK_NAME
        self._descriptor: int | None = None

    def take(self) -> None:
        """Take the lock and remove what a killed holder left; raises AsmError when another process has it."""
        while True:
            descriptor = self._open()
            if not _try_lock(descriptor):
                os.close(descriptor)
                raise AsmError(
                    f"another process works on {self._path.parent}",
                    hint="wait for it to end; the lock goes with the process that holds it",
                )
            if self._is_current(descriptor):
                break
            os.close(descriptor)  # its holder removed the file between our open and our lock
        self._descriptor = descriptor
        for path in list(_walk(self._path.parent)):
            if path.name.endswith(_TEMPORARY) and path.name.startswith("."):
                path.unlink(missing_ok=True)

    def drop(self) -> None:
        """Give the lock back. May be called twice."""
        if self._descriptor is not None:
            with contextlib.suppress(OSError):
                self._path.unlink()
            os.close(self._descriptor)
            self._descriptor = None

    def _open(self) -> int:
        try:
            return os.open(self._path, os.O_RDWR | os.O_CREAT, PRIVATE)
        except OSError as error:
            raise AsmError(f"{self._path.parent} cannot be written: {error.strerror}") from None

    def _is_current(self, descriptor: int) -> bool:
        try:
            return os.path.samestat(os.fstat(descriptor), self._path.stat())
        except FileNotFoundError:
            return False


def _try_lock(descriptor: int) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt  # noqa: PLC0415  # exists on Windows only

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl  # noqa: PLC0415  # exists on POSIX only

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
