"""How alike names are, through rapidfuzz; implements domain.triage.Likeness."""

from collections.abc import Sequence

from rapidfuzz import fuzz, process, utils


class Likeness:
    """Words in any order, in lower case, without punctuation."""

    def groups(self, names: Sequence[str], at_least: int) -> Sequence[Sequence[int]]:
        """Each name with the first one that it is alike, so that the answer does not drift."""
        groups: list[list[int]] = []
        heads: list[str] = []
        plain = [utils.default_process(name) for name in names]
        for number in sorted(range(len(names)), key=lambda number: (plain[number], number)):
            match = process.extractOne(
                plain[number], heads, scorer=fuzz.token_sort_ratio, score_cutoff=at_least
            )
            if match:
                groups[match[2]].append(number)
            else:
                heads.append(plain[number])
                groups.append([number])
        return groups

    def nearest(self, name: str, among: Sequence[str]) -> tuple[str, int] | None:
        """By whole names: a word in common makes no likeness."""
        match = process.extractOne(
            name, among, scorer=fuzz.token_sort_ratio, processor=utils.default_process
        )
        return (match[0], round(match[1])) if match else None
