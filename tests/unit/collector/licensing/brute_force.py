"""Answers small scenarios by trying every way to hand out licences: docs/licensing.md, literally.

It shares nothing with the engine. It takes the scenario document, lists for every licence line (or
lines that add up) all that could be done with its units, tries all combinations that no line is too
small for, and compares the answers by the objective.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import chain, combinations
from typing import Any, NamedTuple

Doc = Mapping[str, Any]
RIGHTS = ("direct", "downgrade", "maintenance", "edition_downgrade", "suite", "second_use")
RIGHTS += ("virtualisation",)


class Act(NamedTuple):
    """What one line or several that add up may do: units by line, and what that covers.

    Covers are (position, line id, right); a position is (device, product, user or "").
    """

    units: tuple[tuple[str, int], ...]
    covers: tuple[tuple[tuple[str, str, str], str, str], ...]
    uses: tuple[tuple[str, int, bool], ...] = ()


NOTHING = Act((), ())


class TooLarge(Exception):
    """More combinations than anyone would wait for."""


class BruteForce:
    def __init__(self, doc: Doc, *, patience: int = 60_000) -> None:
        self.doc = doc
        self.patience = patience
        self.products = {p["id"]: p for p in doc["products"]}
        self.devices = {d["id"]: d for d in doc["devices"]}
        self.lines = {
            e["id"]: e
            for e in doc["entitlements"]
            if e.get("valid_from", "") <= doc["as_of"] <= e.get("valid_until", "9999")
        }
        by_uses = {p["product"] for p in doc.get("peaks", ())} | {
            p for p, terms in self.products.items() if terms.get("default_metric") == "concurrent"
        }
        pairs = {(i["device"], i["product"]) for i in doc["installs"]}
        self.installs = sorted((d, p, "") for d, p in pairs if p not in by_uses)
        self.uses = {p: sum(q == p for _, q in pairs) for p in by_uses}
        self.uses |= {p["product"]: p["concurrent"] for p in doc.get("peaks", ())}
        self.access = sorted(
            {(a["device"], a["product"], a["user"]) for a in doc.get("access", ())}
        )

    # --- what a line may cover ---

    def right(self, line: Doc, product: str) -> str | None:
        name = product.partition("@")[0]
        own, _, own_version = line["product"].partition("@")
        by_version = self.reaches_version(line, own_version, product)
        if name == own and by_version:
            return by_version
        if line.get("edition_downgrade") and name != own and by_version:
            ranks = [self.products[p].get("edition_rank") for p in (product, line["product"])]
            same_family = name.split("/")[:2] == own.split("/")[:2]
            if same_family and None not in ranks and ranks[0] < ranks[1]:
                return "edition_downgrade"
        for part in self.parts(line["product"]):
            part_name, _, part_version = part.partition("@")
            if part_name == name and self.reaches_version(line, part_version, product):
                return "suite"
        return None

    def reaches_version(self, line: Doc, stands_at: str, product: str) -> str | None:
        version = product.partition("@")[2]
        if bool(version) != bool(stands_at):
            return None
        if ordered(version) == ordered(stands_at):
            return "direct"
        if ordered(version) < ordered(stands_at):
            return "downgrade" if line.get("downgrade") else None
        released = self.products[product].get("released", "9999")
        return "maintenance" if released <= line.get("maintenance_until", "") else None

    def parts(self, suite: str) -> set[str]:
        version = suite.partition("@")[2]
        found = set()
        for listed in self.products.get(suite, {}).get("includes", ()):
            at = listed if "@" in listed or not version else f"{listed}@{version}"
            found |= {at} | self.parts(at)
        return found

    def covers(self, line: Doc, device: str, right: str | None = None) -> list[Any]:
        return [
            (position, line["id"], right or found)
            for position in self.installs
            if position[0] == device and (found := self.right(line, position[1]))
        ]

    def may_go_to(self, line: Doc, device: Doc | None) -> bool:
        device = device or {}
        return line.get("bound_to") in (None, device.get("id")) and line.get("entity") in (
            None,
            device.get("entity"),
        )

    def cores(self, line_product: str, metric: str, device: Doc) -> int:
        terms = self.products[line_product]
        processors, cores = device.get("processors", 1), device.get("cores", 1)
        if metric == "processor":
            return max(1, processors)
        least = terms.get("core_minimum_per_processor", 0) * processors
        cores = max(1, cores, least, terms.get("core_minimum_per_device", 0))
        pack = terms.get("core_pack", 1)
        while cores % pack:
            cores += 1
        return cores

    def host(self, device: Doc) -> Doc | None:
        host = self.devices.get(device.get("host", ""))
        if device.get("kind") != "virtual" or not host or host.get("kind") == "virtual":
            return None
        return host

    # --- what can be done with units ---

    def pools(self) -> Iterator[list[Doc]]:
        """Lines whose units may be added up."""
        found: dict[str, list[Doc]] = {}
        differing = {"id", "quantity", "valid_from", "valid_until", "bound_to", "entity"}
        for line in sorted(self.lines.values(), key=lambda e: e["id"]):
            rights = {k: v for k, v in line.items() if k not in differing and v is not False}
            found.setdefault(repr(sorted(rights.items())), []).append(line)
        yield from found.values()

    def splits(self, lines: Sequence[Doc], units: int) -> Iterator[tuple[tuple[str, int], ...]]:
        """All ways to take so many units from these lines."""
        if not lines:
            if not units:
                yield ()
            return
        first, rest = lines[0], lines[1:]
        for taken in range(min(units, first["quantity"]) + 1):
            for others in self.splits(rest, units - taken):
                yield ((first["id"], taken), *others) if taken else others

    def bases(self, line: Doc, device: Doc) -> list[tuple[tuple[str, int], ...]]:
        """The full licences that an upgrade may consume on a device: nothing for a full licence."""
        wanted = line.get("requires_base")
        if not wanted:
            return [()]
        found = []
        for pool in self.pools():
            terms = pool[0]
            owned, metric = terms["product"], terms["metric"]
            if terms.get("requires_base") or wanted not in (owned, owned.partition("@")[0]):
                continue
            reaching = [each for each in pool if self.may_go_to(each, device)]
            if metric == "device" or (metric == "user" and device.get("user")):
                found += self.splits(reaching, 1)
            elif metric in ("core", "processor") and not (
                "virtual_machines" in terms and device.get("kind") == "virtual"
            ):
                found += self.splits(reaching, self.cores(owned, metric, device))
        return found

    def slots(self) -> Iterator[list[Act]]:
        """For each independent decision, all that may be decided."""
        for pool in self.pools():
            yield from getattr(self, "slots_" + pool[0]["metric"])(pool)

    def slots_device(self, pool: list[Doc]) -> Iterator[list[Act]]:
        for line in pool:
            lends = line.get("second_use") and not line.get("bound_to")
            for device in self.devices.values():
                if not self.may_go_to(line, device):
                    continue
                seconds: list[Doc] = []
                if lends and device.get("user"):
                    seconds = [
                        other
                        for other in self.devices.values()
                        if other["id"] != device["id"]
                        and other.get("user") == device["user"]
                        and other.get("portable")
                        and self.may_go_to(line, other)
                    ]
                # A device may hold several units, each with a second device of its own.
                one = [
                    Act(
                        add(((line["id"], 1),), base),
                        (
                            *self.covers(line, device["id"]),
                            *(self.covers(line, second["id"], "second_use") if second else ()),
                        ),
                    )
                    for base in self.bases(line, device)
                    for second in (None, *seconds)
                ]
                acts = [act for act in one if act.covers]
                yield [NOTHING, *acts]
                for _ in range(len(seconds) - 1):
                    yield [NOTHING, *acts]

    def slots_user(self, pool: list[Doc]) -> Iterator[list[Act]]:
        for line in pool:
            for user in sorted({d["user"] for d in self.devices.values() if d.get("user")}):
                theirs = [
                    d
                    for d in self.devices.values()
                    if d.get("user") == user
                    and self.may_go_to(line, d)
                    and self.covers(line, d["id"])
                ]
                acts = [NOTHING]
                for chosen in subsets(theirs):
                    if chosen:
                        units = -(-len(chosen) // line.get("devices_per_user", 99))
                        for base in self.all_bases(line, chosen):
                            covers = [c for d in chosen for c in self.covers(line, d["id"])]
                            acts.append(Act(add(((line["id"], units),), base), tuple(covers)))
                yield acts

    def all_bases(self, line: Doc, devices: Sequence[Doc]) -> Iterator[tuple[tuple[str, int], ...]]:
        """A base for each of the devices."""
        if not devices:
            yield ()
            return
        for base in self.bases(line, devices[0]):
            for others in self.all_bases(line, devices[1:]):
                yield add(base, others)

    def slots_core(self, pool: list[Doc]) -> Iterator[list[Act]]:
        terms = pool[0]
        for device in self.devices.values():
            reaching = [line for line in pool if self.may_go_to(line, device)]
            once = self.cores(terms["product"], terms["metric"], device)
            slots = terms.get("virtual_machines")
            if slots is None:
                covering = bool(self.covers(terms, device["id"]))
                yield [NOTHING] + [
                    Act(add(units, base), named(units, self.covers(terms, device["id"])))
                    for units in (self.splits(reaching, once) if covering else ())
                    for base in self.bases(terms, device)
                ]
            elif device.get("kind") != "virtual":
                guests = [
                    guest
                    for guest in self.devices.values()
                    if self.host(guest) is device and self.covers(terms, guest["id"])
                ]
                acts = [NOTHING]
                for chosen in subsets(guests):
                    own = self.covers(terms, device["id"])
                    if not (chosen or own) or (chosen and slots == 0):
                        continue
                    times = 1 if slots in ("unlimited", 0) else max(1, -(-len(chosen) // slots))
                    covers = own + [
                        c for g in chosen for c in self.covers(terms, g["id"], "virtualisation")
                    ]
                    for units in self.splits(reaching, times * once):
                        for base in self.all_bases(terms, [device, *chosen]):
                            acts.append(Act(add(units, base), named(units, covers)))
                yield acts

    slots_processor = slots_core

    def slots_employee(self, pool: list[Doc]) -> Iterator[list[Act]]:
        covers = [c for device in self.devices for c in self.covers(pool[0], device)]
        units = self.splits(pool, max(1, self.doc.get("employees", 0))) if covers else ()
        yield [NOTHING] + [Act(each, named(each, covers)) for each in units]

    def slots_concurrent(self, pool: list[Doc]) -> Iterator[list[Act]]:
        for line in pool:
            for product, peak in self.uses.items():
                right = self.right(line, product)
                if right:
                    yield [
                        Act(((line["id"], n),) if n else (), (), ((product, n, right == "direct"),))
                        for n in range(min(peak, line["quantity"]) + 1)
                    ]

    def slots_user_cal(self, pool: list[Doc]) -> Iterator[list[Act]]:
        at = 2 if pool[0]["metric"] == "user_cal" else 0
        for line in pool:
            for holder in sorted({position[at] for position in self.access}):
                covers = [
                    (position, line["id"], right)
                    for position in self.access
                    if position[at] == holder
                    and (right := self.right(line, position[1]))
                    and self.may_go_to(line, self.devices.get(position[0], {"id": position[0]}))
                ]
                if covers:
                    yield [NOTHING, Act(((line["id"], 1),), tuple(covers))]

    slots_device_cal = slots_user_cal

    # --- all of it ---

    def best(self) -> tuple[Any, ...]:
        """The objective of the best answer, level by level, then its covers and units."""
        slots = [acts for acts in self.slots() if len(acts) > 1]
        size = 1
        for acts in slots:
            size *= len(acts)
        if size > self.patience:
            raise TooLarge
        best: tuple[Any, ...] | None = None
        left = {name: line["quantity"] for name, line in self.lines.items()}
        for acts in self.choices(slots, left):
            levels = self.objective(acts)
            if best is None or levels[:-1] < best[:-1]:
                best = levels
        assert best is not None
        *objective, rights, units, _, uncovered = best
        return (*objective, [RIGHTS[right] for right in rights], units, uncovered)

    def choices(self, slots: list[list[Act]], left: dict[str, int]) -> Iterator[tuple[Act, ...]]:
        if not slots:
            yield ()
            return
        for act in slots[0]:
            if all(left[name] >= units for name, units in act.units):
                for name, units in act.units:
                    left[name] -= units
                for others in self.choices(slots[1:], left):
                    yield (act, *others)
                for name, units in act.units:
                    left[name] += units

    def objective(self, acts: Sequence[Act]) -> tuple[Any, ...]:
        used = Counter({name: 0 for name in self.lines})
        covered: dict[Any, tuple[bool, str, int]] = {}
        uses_left = dict(self.uses)
        direct_uses = 0
        for act in acts:
            used.update(dict(act.units))
            for position, name, right in act.covers:
                key = (right != "direct", name, RIGHTS.index(right))
                covered[position] = min(covered.get(position, key), key)
            for product, count, direct in act.uses:
                uses_left[product] -= count
                direct_uses += count * direct
        if any(count < 0 for count in uses_left.values()):
            return (float("inf"), None)
        missing = [p for p in (*self.installs, *self.access) if p not in covered]
        lines = self.lines.values()

        def most(chosen: Any) -> int:
            return -sum(used[line["id"]] for line in lines if chosen(line))

        ends = sorted({line["valid_until"] for line in lines if line.get("valid_until")})
        direct = sum(not key[0] for key in covered.values()) + direct_uses
        return (
            self.cost(missing, uses_left, used),
            len(missing) + sum(uses_left.values()),
            sum(self.unit_cost(line["product"]) * used[line["id"]] for line in lines),
            used.total(),
            most(lambda line: line.get("bound_to")),
            most(lambda line: line.get("entity")),
            tuple(most(lambda line, end=end: line.get("valid_until") == end) for end in ends),
            -direct,
            sorted((d, p, key[1], u) for (d, p, u), key in covered.items()),
            [
                key[2]
                for _, key in sorted(covered.items(), key=lambda c: (*c[0][:2], c[1][1], c[0][2]))
            ],
            tuple(-used[name] for name in sorted(self.lines)),
            tuple(uses_left[product] for product in sorted(uses_left)),
            (
                dict(Counter(p for _, p, user in missing if not user) + Counter(uses_left)),
                dict(Counter(p for _, p, user in missing if user)),
            ),
        )

    # --- what the shortfall costs ---

    def unit_cost(self, product: str) -> Fraction:
        return Fraction(str(self.products[product].get("unit_cost", 1)))

    def cost(self, missing: Sequence[Any], uses: Mapping[str, int], used: Counter[str]) -> Fraction:
        cost = sum((self.unit_cost(p) * count for p, count in uses.items()), Fraction(0))
        for product in {position[1] for position in missing}:
            devices = [self.devices[d] for d, p, user in missing if p == product and not user]
            lines = [(u, d) for d, p, u in missing if p == product and u]
            units = self.to_buy(product, devices, used) + fewest_touching(lines)
            cost += self.unit_cost(product) * units
        return cost

    def to_buy(self, product: str, devices: Sequence[Doc], used: Counter[str]) -> int:
        if not devices:
            return 0
        metric = self.products[product].get("default_metric", "device")
        if metric == "user":
            limits = [
                e["devices_per_user"]
                for e in self.doc["entitlements"]
                if e["product"] == product and e.get("devices_per_user")
            ]
            people = Counter(d["user"] for d in devices if d.get("user"))
            alone = sum(not d.get("user") for d in devices)
            return alone + sum(-(-n // min(limits, default=99)) for n in people.values())
        if metric not in ("core", "processor", "employee"):
            return len(devices)
        left = [
            (line, line["quantity"] - used[line["id"]])
            for line in self.lines.values()
            if line["product"] == product
            and line["metric"] == metric
            and line.get("virtual_machines") is None
            and not line.get("requires_base")
        ]
        if metric == "employee":
            needed = max(1, self.doc.get("employees", 0))
            return max(0, needed - sum(units for _, units in left))
        return unmet(
            [self.cores(product, metric, device) for device in devices],
            [
                (units, [i for i, d in enumerate(devices) if self.may_go_to(line, d)])
                for line, units in left
            ],
        )


def ordered(version: str) -> list[tuple[bool, int, str]]:
    """Digits above letters, as numbers; a longer version above its beginning."""
    runs = re.findall(r"\d+|[a-z]+", version)
    return [(run.isdigit(), int(run) if run.isdigit() else 0, run) for run in runs]


def subsets(things: Sequence[Any]) -> list[tuple[Any, ...]]:
    return list(chain.from_iterable(combinations(things, n) for n in range(len(things) + 1)))


def add(*parts: tuple[tuple[str, int], ...]) -> tuple[tuple[str, int], ...]:
    found: Counter[str] = Counter()
    for part in parts:
        for name, units in part:
            found[name] += units
    return tuple(found.items())


def named(units: tuple[tuple[str, int], ...], covers: Sequence[Any]) -> tuple[Any, ...]:
    """Covers by lines that add up carry the lowest id of those that give units."""
    lowest = min(name for name, _ in units)
    return tuple((position, lowest, right) for position, _, right in covers)


def unmet(needs: list[int], stocks: list[tuple[int, list[int]]]) -> int:
    """The least that is still needed once the stocks are given to those that they reach."""
    needs = list(needs)
    if not stocks:
        return sum(needs)
    units, reached = stocks[0]

    def given(where: list[int], left: int) -> int:
        if not where:
            return unmet(needs, stocks[1:])
        least = None
        at = where[0]
        for taken in range(min(left, needs[at]) + 1):
            needs[at] -= taken
            found = given(where[1:], left - taken)
            needs[at] += taken
            least = found if least is None else min(least, found)
        assert least is not None
        return least

    return given(reached, units)


def fewest_touching(lines: Sequence[tuple[str, str]]) -> int:
    """Users and devices such that every line has one of them."""
    ends = sorted({("user", u) for u, _ in lines} | {("device", d) for _, d in lines})
    for size in range(len(ends) + 1):
        for chosen in combinations(ends, size):
            if all(("user", u) in chosen or ("device", d) in chosen for u, d in lines):
                return size
    raise AssertionError("all ends touch all lines")
