"""Puts what needs a licence into clusters that share licences, and clusters alike into groups."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import chain, compress, pairwise, zip_longest
from typing import NamedTuple

import numpy as np

from quitus_collector.domain.licensing.clusters import Group, Members, Place
from quitus_collector.domain.licensing.columns import Counts, Indexes, Numbers, alike
from quitus_collector.domain.licensing.competition import Component, Kind
from quitus_collector.domain.licensing.components import Demand
from quitus_collector.domain.licensing.demand import Spot
from quitus_collector.domain.licensing.situation import Situation
from quitus_collector.domain.licensing.spots import AccessSpots, DeviceSpots, use_spot


def groups(component: Component, situation: Situation, demand: Demand) -> list[Group]:
    """The component's clusters, those alike together."""
    if component.kind is Kind.USES:
        return [
            _uses(use_spot(component, product), count)
            for product, count in sorted(demand.uses.items())
            if product in component.products
        ]
    if component.kind is Kind.ACCESS:
        return _access_groups(component, situation, demand)
    return _device_groups(component, situation, demand)


class _Stands(NamedTuple):
    """Spots before their clusters are known, a row each.

    By number: which spot it is; the device and the user of a line that it stands for; the person
    and the host whose units may reach it. 0 is none of the last four.
    """

    spots: Numbers
    devices: Numbers
    users: Numbers
    people: Numbers
    hosts: Numbers

    def at(self, rows: Indexes) -> "_Stands":
        """Some of them, in this order."""
        return _Stands._make(column[rows] for column in self)


def _uses(spot: Spot, count: int) -> Group:
    nothing = np.zeros((1, 1), np.int32)
    return Group((Place(spot, None, None),), Members(nothing, nothing), np.array([count]))


def _device_groups(component: Component, situation: Situation, demand: Demand) -> list[Group]:
    products = sorted(component.products)
    installed = np.flatnonzero(demand.have(*products)).astype(np.int32)
    spots = DeviceSpots(component, situation, demand.devices, installed)
    devices = spots.counted()
    have = (demand.have(product)[devices] for product in products)
    first, kinds = alike(len(devices), chain(have, spots.traits(devices)))
    examples = devices[first]
    found = np.array([demand.have(product)[examples] for product in products])
    numbers = [
        spots.spots_of(device, tuple(compress(products, has)))
        for device, has in zip(examples.tolist(), found.T.tolist(), strict=True)
    ]
    # The spots of a device are few: a row of them for each, filled up with -1.
    taken = np.array(list(zip_longest(*numbers, fillvalue=-1)), np.int32).T[kinds]
    rows = np.nonzero(taken >= 0)[0]
    people, hosts = spots.shares(devices)
    nobody = np.zeros(len(rows), np.int32)
    stands = _Stands(taken[taken >= 0], devices[rows], nobody, people[rows], hosts[rows])
    return list(_grouped(stands, spots.made, demand.copies))


def _access_groups(component: Component, situation: Situation, demand: Demand) -> list[Group]:
    products = sorted(component.products)
    lines = [demand.access[product] for product in products]
    product = np.repeat(np.arange(len(lines), dtype=np.int32), [len(each.users) for each in lines])
    devices = np.concatenate([each.devices for each in lines])
    users = np.concatenate([each.users for each in lines])
    order = np.lexsort((users, product, devices))
    product, devices, users = product[order], devices[order], users[order]
    spots = AccessSpots(component, demand.devices)
    first, kinds = alike(len(order), (product, users > 0, devices > 0, *spots.traits(devices)))
    numbers = [
        spots.spot_of(products[product[row]], int(devices[row]), has_user=bool(users[row]))
        for row in first
    ]
    taken = np.array(numbers, np.int32)[kinds]
    return list(_grouped(_Stands(taken, devices, users, users, devices), spots.made))


def _grouped(
    stands: _Stands, spots: Sequence[Spot], copies: Counts | None = None
) -> Iterator[Group]:
    """Joins stands that share a person or a host, and clusters that look the same.

    `copies` say how many devices, each with a person of its own, a device stands for.
    """
    shares = (stands.people > 0) | (stands.hosts > 0)
    yield from _lone_groups(stands.at(np.flatnonzero(~shares)), spots, copies)
    yield from _sharing_groups(stands.at(np.flatnonzero(shares)), spots, copies)


def _sharing_groups(
    stands: _Stands, spots: Sequence[Spot], copies: Counts | None
) -> Iterator[Group]:
    if not len(stands.spots):
        return
    sharing, bounds = _in_clusters(stands)
    for form, clusters in _by_form(_form(sharing, bounds), bounds):
        places = tuple(
            Place(spots[spot], person if person >= 0 else None, host if host >= 0 else None)
            for spot, person, host in form
        )
        rows = bounds[clusters].reshape(-1, 1) + np.arange(len(places))
        yield _group(places, sharing.devices[rows], sharing.users[rows], copies)


def _lone_groups(stands: _Stands, spots: Sequence[Spot], copies: Counts | None) -> Iterator[Group]:
    """Groups of what shares nothing: nearly all of a large estate."""
    order = np.argsort(stands.spots, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(stands.spots[order])) + 1):
        if len(rows):
            place = Place(spots[stands.spots[rows[0]]], None, None)
            devices, users = stands.devices[rows], stands.users[rows]
            yield _group((place,), devices.reshape(-1, 1), users.reshape(-1, 1), copies)


def _group(
    places: tuple[Place, ...], devices: Numbers, users: Numbers, copies: Counts | None
) -> Group:
    counts = np.ones(len(devices), np.int64) if copies is None else copies[devices[:, 0]]
    return Group(places, Members(devices, users), counts)


def _in_clusters(stands: _Stands) -> tuple[_Stands, Indexes]:
    """The stands that share a person or a host, cluster by cluster, and the bounds of the clusters.

    In the order of the first stand of each; those of a cluster in an order that makes it look like
    others that do.
    """
    people, hosts = stands.people, stands.hosts
    both = (people > 0) & (hosts > 0)
    most = int(people.max(initial=0))
    roots = _joined(most + 1 + int(hosts.max(initial=0)), people[both], most + hosts[both])
    owners = np.where(people > 0, people, most + hosts)
    first, clusters = alike(len(owners), (roots[owners],))

    def degrees(owners: Numbers) -> Indexes:
        return np.where(owners > 0, np.bincount(owners)[owners], 0)

    order = np.lexsort(
        (
            *(stands.users, stands.devices, hosts, people),
            *(degrees(hosts), degrees(people), stands.spots, clusters),
        )
    )
    return stands.at(order), np.searchsorted(clusters[order], np.arange(len(first) + 1))


def _joined(size: int, one: Numbers, other: Numbers) -> Indexes:
    """The lowest of all that each is joined with, by pairs."""
    roots = np.arange(size)
    while True:
        lower, higher = roots[one], roots[other]
        lower, higher = np.minimum(lower, higher), np.maximum(lower, higher)
        if np.array_equal(lower, higher):
            return roots
        np.minimum.at(roots, higher, lower)
        while not np.array_equal(roots, above := roots[roots]):
            roots = above


def _form(stands: _Stands, bounds: Indexes) -> Indexes:
    """What clusters alike have in common: a row a stand with its spot, person and host.

    The latter numbered within the cluster from 0 as they come; -1 is none.
    """

    def within(owners: Numbers) -> Indexes:
        _, first, of = np.unique(owners, return_index=True, return_inverse=True)
        is_new = np.zeros(len(owners), np.bool)
        is_new[first] = True
        is_new[owners == 0] = False
        seen = np.cumsum(is_new)
        before = np.append(0, seen)[bounds[:-1]]
        return np.where(owners > 0, seen[first[of]] - np.repeat(before, np.diff(bounds)) - 1, -1)

    return np.stack((stands.spots, within(stands.people), within(stands.hosts)), axis=1)


def _by_form(form: Indexes, bounds: Indexes) -> Iterator[tuple[list[list[int]], list[int]]]:
    """Each form that clusters have, and which ones have it."""
    found: defaultdict[bytes, list[int]] = defaultdict(list)
    content, width = form.tobytes(), form[:1].nbytes
    for cluster, (start, end) in enumerate(pairwise(bounds.tolist())):
        found[content[start * width : end * width]].append(cluster)
    for clusters in found.values():
        yield form[bounds[clusters[0]] : bounds[clusters[0] + 1]].tolist(), clusters
