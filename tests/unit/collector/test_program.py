import argparse
from importlib import import_module

import pytest

from quitus_collector.cli import program


@pytest.mark.parametrize("module", program.MODULES)
def test_a_command_is_found_in_the_module_that_adds_it(module: str) -> None:
    commands = argparse.ArgumentParser().add_subparsers()

    import_module(f"quitus_collector.cli.{module}").add(commands)

    assert tuple(commands.choices) == program.MODULES[module]


@pytest.mark.parametrize("option", ["--home", "--ho"])
def test_a_folder_that_is_called_like_a_command_is_no_command(
    option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        program.run([option, "pools", "reconcile", "--help"])

    assert "quitus-collector reconcile" in capsys.readouterr().out


def test_a_command_that_does_not_exist_is_told_with_all_that_do(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        program.run(["recount"])

    told = capsys.readouterr().err
    assert "'recount'" in told
    assert all(f"'{name}'" in told for names in program.MODULES.values() for name in names)
