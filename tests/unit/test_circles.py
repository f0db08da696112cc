"""What import-linter's contracts cannot say of modules of one layer: no two need each other."""

from graphlib import CycleError, TopologicalSorter

import grimp

PROGRAMS = ("quitus_agent", "quitus_collector", "quitus")


def circle(needs: dict[str, set[str]]) -> list[str]:
    """The modules of one circle, the first of them again at its end; none where there is none."""
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_no_module_imports_itself_by_way_of_others() -> None:
    graph = grimp.build_graph(*PROGRAMS, cache_dir=None)
    needs = {each: graph.find_modules_directly_imported_by(each) for each in graph.modules}

    assert sum(map(len, needs.values())) > len(needs)  # it was the imports that were read
    assert circle(needs) == []


def test_a_circle_is_told_with_all_its_modules() -> None:
    found = circle({"a": {"b"}, "b": {"c"}, "c": {"b"}})

    assert sorted(set(found)) == ["b", "c"]
