"""Names that are nearly right, for hints and near misses. Source: spec/lint.md 3 (unknown-store)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from kubectl_asm.rules.base import quoted

_LONGEST: Final = 64
_SHORTEST: Final = 3  # one edit turns a word of three letters into many others


def is_near(word: str, other: str) -> bool:
    """Return whether two names differ by one letter added, lost or changed, or by two neighbours swapped."""
    shorter, longer = sorted((word, other), key=len)
    if word == other or len(longer) - len(shorter) > 1:
        return False
    start = next((at for at, (one, two) in enumerate(zip(shorter, longer, strict=False)) if one != two), len(shorter))
    if len(longer) > len(shorter):
        return shorter[start:] == longer[start + 1 :]
    swapped = shorter[start + 1 : start + 2] + shorter[start : start + 1]
    return shorter[start + 1 :] == longer[start + 1 :] or swapped + shorter[start + 2 :] == longer[start:]


def near_names(word: str, known: Iterable[str]) -> tuple[str, ...]:
    """Return the known names that are nearly a word, sorted."""
    return tuple(sorted(name for name in known if is_near(word, name)))


class NearIndex:
    """The same for many questions about many names: a name is found by what is left when one of its letters is taken away."""

    def __init__(self, known: Iterable[str]) -> None:
        self._long: list[str] = []
        self._by_rest: defaultdict[str, set[str]] = defaultdict(set)
        for name in known:
            if len(name) > _LONGEST:
                self._long.append(name)
                continue
            for rest in _rests(name):
                self._by_rest[rest].add(name)

    def near(self, word: str) -> tuple[str, ...]:
        """Return the known names that are nearly a word, sorted."""
        found = set(self._long)
        if len(word) <= _LONGEST + 1:
            found.update(*(self._by_rest.get(rest, ()) for rest in _rests(word)))
        return near_names(word, found)


def _rests(name: str) -> set[str]:
    return {name, *(name[:at] + name[at + 1 :] for at in range(len(name)))}


def did_you_mean(names: Iterable[str]) -> str:
    """Return a question naming the candidates, empty for none."""
    shown = ", ".join(map(quoted, names))
    return f"did you mean {shown}?" if shown else ""


def only_meant(word: str, known: Iterable[str]) -> str:
    """Return the known word that alone can be meant: letter case, blanks, dashes aside, or one edit away; empty for none.

    Stricter than a hint, because a fix writes it.
    """
    names = tuple(known)
    plain = _plain(word)
    same = [name for name in names if _plain(name) == plain]
    found = same or [name for name in names if len(name) > _SHORTEST and is_near(plain, _plain(name))]
    return found[0] if len(found) == 1 and found[0] != word else ""


def _plain(word: str) -> str:
    return word.strip().lower().replace("-", "").replace("_", "")
