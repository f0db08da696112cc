"""The folder that a Mac makes its package of: there are pinned libraries for the Macs served."""

from pathlib import Path

import pytest

from deploy.packages import __main__ as packing


def test_the_folder_for_a_mac_holds_the_agent_and_libraries_of_its_processor(
    tmp_path: Path,
) -> None:
    words = ("--form", "macos", "--architecture", "arm64", "--python", "3.13", "--version", "1.0.0")

    assert packing.main([*words, "--out", str(tmp_path)]) == 0

    (made,) = tmp_path.iterdir()
    home = made / "root/opt/quitus-agent"
    assert made.name == "quitus-agent-1.0.0-macos-arm64"
    assert (home / "lib/quitus_agent/cli.py").exists()
    assert (home / "lib/grpc/_cython/cygrpc.cpython-313-darwin.so").exists()
    assert list(home.glob("lib/cryptography/hazmat/bindings/_rust.abi3.so"))
    assert (made / "root/Library/LaunchDaemons/fr.quitus.agent.plist").exists()


def test_a_mac_that_no_library_is_made_for_is_refused_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--form", "macos", "--architecture", "amd64", "--out", str(tmp_path))

    assert packing.main(words) == 1

    assert capsys.readouterr().err == (
        "packages: Macs of amd64 are not served: cryptography has no wheel for them\n"
    )
    assert list(tmp_path.iterdir()) == []
