import re
from itertools import pairwise
from pathlib import Path

import pytest

from quitus_collector.adapters.catalogue import files as catalogue_files
from quitus_collector.domain.catalogue import Catalogue, fold
from quitus_collector.domain.counting import licensable
from quitus_collector.domain.entitlement import Metric
from quitus_collector.domain.install import Install
from quitus_collector.domain.plain_names import plain_name, plain_publisher
from quitus_collector.domain.product import is_lower_version
from quitus_collector.errors import CatalogueError
from tests.builders import shipped_catalogue


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    """The catalogue as it is shipped."""
    return shipped_catalogue()


def recognise(catalogue: Catalogue, name: str, publisher: str = "", **fields: object) -> tuple:  # type: ignore[type-arg]
    found = catalogue.recognise(Install(name, publisher=publisher, **fields))  # type: ignore[arg-type]
    return found.software_class.value, found.product


MICROSOFT = "Microsoft Corporation"
# Access licences are bought and never installed.
CAL = (Metric.USER_CAL, Metric.DEVICE_CAL)


@pytest.mark.parametrize(
    ("name", "product"),
    [
        ("Microsoft Office Professionnel Plus 2013", "microsoft/office/professional-plus@2013"),
        ("Microsoft Office Standard 2010", "microsoft/office/standard@2010"),
        (
            "Microsoft Office Famille et Petite Entreprise 2019 - fr-fr",
            "microsoft/office/home-business@2019",
        ),
        (
            "Microsoft Office LTSC Professionnel Plus 2024 - fr-fr",
            "microsoft/office/ltsc-professional-plus@2024",
        ),
        ("Microsoft Windows 11 Professionnel", "microsoft/windows/pro@11"),
        ("Microsoft Windows 10 Entreprise", "microsoft/windows/enterprise@10"),
        ("Windows Server 2012 R2 Standard", "microsoft/windows-server/standard@2012r2"),
        ("Microsoft Visio Professionnel 2016", "microsoft/visio/professional@2016"),
    ],
)
def test_french_names_are_the_same_products_as_english_ones(
    catalogue: Catalogue, name: str, product: str
) -> None:
    assert recognise(catalogue, name, MICROSOFT) == ("commercial", product)


@pytest.mark.parametrize(
    ("release_id", "product"),
    [
        ("ProPlus2019Volume", "microsoft/office/professional-plus@2019"),
        ("ProPlusVolume", "microsoft/office/professional-plus@2016"),
        ("ProPlus2021Volume", "microsoft/office/ltsc-professional-plus@2021"),
        ("O365ProPlusEEANoTeamsRetail", "microsoft/365-apps/enterprise"),
        ("O365BusinessRetail", "microsoft/365-apps/business"),
        ("VisioPro2021Retail", "microsoft/visio/professional@2021"),
    ],
)
def test_click_to_run_ids_are_recognised_whatever_the_name(
    catalogue: Catalogue, release_id: str, product: str
) -> None:
    install = Install("whatever", identifiers={"release_id": release_id})

    found = catalogue.recognise(install)

    assert found.product == product
    assert found.evidence == f"release_id {release_id}"


@pytest.mark.parametrize(
    ("name", "version", "software_class"),
    [
        ("Java 8 Update 202", "8.0.2020.8", "free"),
        ("Java 8 Update 211", "8.0.2110.12", "commercial"),
        ("Java 8 Update 202", "", "free"),
        ("Java 8 Update 401 (64-bit)", "", "commercial"),
        ("Java SE Development Kit 17.0.12", "", "free"),
        ("Java SE Development Kit 17.0.13", "", "commercial"),
        ("Java 8", "", "commercial"),
    ],
)
def test_java_is_paid_from_update_211_on_whether_the_build_or_the_name_tells_it(
    catalogue: Catalogue, name: str, version: str, software_class: str
) -> None:
    found = recognise(catalogue, name, "Oracle Corporation", version=version)

    assert found[0] == software_class


@pytest.mark.parametrize(
    "name",
    [
        "Microsoft Word MUI (French) 2016",
        "Microsoft Office Proof (German) 2010",
        "Microsoft Access Runtime 2016",
        "Microsoft Visual C++ 2013 Redistributable (x86) - 12.0.40664",
    ],
)
def test_parts_and_runtimes_are_never_counted(catalogue: Catalogue, name: str) -> None:
    assert recognise(catalogue, name, MICROSOFT) == ("component", None)


@pytest.mark.parametrize(
    "name",
    [
        "Mise à jour de sécurité pour Windows 10 (KB5030211)",
        "Security Update for Microsoft Office 2016 (KB4011574) 32-Bit Edition",
        "Sicherheitsupdate für Microsoft Excel 2016 (KB5002519)",
    ],
)
def test_updates_are_updates_in_every_language(catalogue: Catalogue, name: str) -> None:
    assert recognise(catalogue, name, "Microsoft")[0] == "update"


@pytest.mark.parametrize(
    ("name", "publisher", "version", "answer"),
    [
        ("VMware Workstation", "VMware, Inc.", "17.6.3", ("free", "vmware/workstation/pro@17")),
        ("MySQL Workbench 8.0 SE", "Oracle", "", ("commercial", "oracle/mysql-workbench/standard")),
        ("Java 7 Update 201", "Oracle", "7.0.2010", ("commercial", "oracle/java-se/jre@7")),
        (
            "Java SE Development Kit 7 Update 80",
            "Oracle",
            "1.7.0.800",
            ("free", "oracle/java-se/jdk@7"),
        ),
        ("Java SE Development Kit 9.0.4", "Oracle", "9.0.4.0", ("free", "oracle/java-se/jdk@9")),
        (
            "Microsoft Office Groove 2007",
            "Microsoft",
            "",
            ("commercial", "microsoft/office/groove@2007"),
        ),
        (
            "eDrawings Professional 2023",
            "Dassault Systèmes",
            "",
            ("commercial", "dassault-systemes/edrawings-professional@2023"),
        ),
        ("HP Sure Click Enterprise", "HP Inc.", "", ("unknown", None)),
        ("HP Network Automation", "HP", "", ("unknown", None)),
        (
            "Avast Driver Updater",
            "Avast Software",
            "",
            ("commercial", "avast/premium-security"),
        ),
        ("PRTG Network Monitor", "", "", ("commercial", "paessler/prtg")),
        ("SolarWinds Network Performance Monitor", "", "", ("unknown", None)),
    ],
)
def test_what_is_sold_is_not_taken_for_something_free(
    catalogue: Catalogue,
    name: str,
    publisher: str,
    version: str,
    answer: tuple[str, str | None],
) -> None:
    assert recognise(catalogue, name, publisher, version=version) == answer


@pytest.mark.parametrize(
    ("name", "publisher", "answer"),
    [
        ("TeXworks", "TeX", ("free", "tex/texworks")),
        ("Microsoft Whiteboard", MICROSOFT, ("free", "microsoft/whiteboard")),
        ("Network Console", "LogMeIn, Inc.", ("component", None)),
    ],
)
def test_what_is_free_is_called_by_its_own_name(
    catalogue: Catalogue, name: str, publisher: str, answer: tuple[str, str | None]
) -> None:
    assert recognise(catalogue, name, publisher) == answer


def test_the_stores_skype_is_told_by_its_family_name(catalogue: Catalogue) -> None:
    family = {"package_family_name": "Microsoft.SkypeApp_kzf8qxf38zg5c"}

    assert recognise(catalogue, "Microsoft.SkypeApp", "CN=Skype", identifiers=family) == (
        "free",
        "skype/skype",
    )


@pytest.mark.parametrize(
    ("names", "publisher"),
    [
        (["Adobe Acrobat 9 Pro", "Adobe Acrobat X Pro", "Adobe Acrobat XI Pro"], "Adobe"),
        (["Adobe Photoshop CS6", "Adobe Photoshop CC", "Adobe Photoshop CC 2019"], "Adobe"),
        (
            [f"CorelDRAW Graphics Suite {version}" for version in ("12", "X3", "X7", "2021")],
            "Corel Corporation",
        ),
    ],
)
def test_versions_that_have_names_are_in_the_order_in_which_they_came(
    catalogue: Catalogue, names: list[str], publisher: str
) -> None:
    products = [recognise(catalogue, name, publisher)[1] for name in names]

    for older, newer in pairwise(products):
        assert is_lower_version(older, of=newer)
        assert not is_lower_version(newer, of=older)


@pytest.mark.parametrize(
    ("name", "publisher", "version", "product"),
    [
        ("Prism", "GraphPad Software", "9.5.1", "graphpad/prism@9"),
        ("Prism 9", "GraphPad Software", "", "graphpad/prism@9"),
        ("EndNote X9", "Clarivate", "", "clarivate/endnote@19"),
        ("EndNote", "Clarivate", "19.3.0", "clarivate/endnote@19"),
        ("HCL Notes", "HCL Technologies Limited", "12.0.2", "ibm/notes@12"),
        ("Microsoft Windows XP Media Center Edition", MICROSOFT, "", "microsoft/windows@xp"),
        ("Oracle Database", "Oracle Corporation", "", "oracle/database"),
    ],
)
def test_a_version_that_the_name_leaves_out_is_told_by_the_build_or_not_at_all(
    catalogue: Catalogue, name: str, publisher: str, version: str, product: str
) -> None:
    assert recognise(catalogue, name, publisher, version=version)[1] == product


def test_a_version_that_an_identifier_does_not_tell_is_told_by_the_name(tmp_path: Path) -> None:
    (tmp_path / "acme.toml").write_text(
        'publisher = "acme"\nlabel = "Acme"\nknown_as = ["Acme"]\n[[product]]\n'
        'id = "acme/tool"\nlabel = "Tool"\nnames = [\'Tool (?P<version>20\\d\\d)\']\n'
        "identifiers.upgrade_code = ['one', 'of-(?P<version>20..)']\n"
    )
    catalogue = catalogue_files.load(tmp_path)

    def product(name: str, code: str) -> str | None:
        return recognise(catalogue, name, identifiers={"upgrade_code": code})[1]

    assert product("Tool 2024", "one") == "acme/tool@2024"
    assert product("Tool 2024", "of-2023") == "acme/tool@2023"
    assert product("Outil", "one") == "acme/tool"


@pytest.mark.parametrize(
    ("bundle_id", "name", "version", "product"),
    [
        ("com.adobe.Photoshop", "Adobe Photoshop 2024", "25.4", "adobe/photoshop@2024"),
        ("com.sketchup.SketchUp.2023", "SketchUp", "23.1", "trimble/sketchup-pro@2023"),
        ("com.seriflabs.affinitydesigner2", "Affinity Designer 2", "2.3", "serif/affinity@2"),
        ("com.mcneel.rhinoceros.7", "Rhino 7", "7.31", "mcneel/rhinoceros@7"),
        ("com.autodesk.AutoCAD2023", "AutoCAD 2023", "24.2", "autodesk/autocad@2023"),
        (
            "com.parallels.desktop.console",
            "Parallels Desktop",
            "18.1",
            "corel/parallels-desktop@18",
        ),
    ],
)
def test_an_application_of_a_mac_is_told_by_its_bundle_whatever_its_publisher(
    catalogue: Catalogue, bundle_id: str, name: str, version: str, product: str
) -> None:
    identifiers = {"bundle_id": bundle_id}

    found = recognise(
        catalogue, name, "Identified Developer", version=version, identifiers=identifiers
    )

    assert found == ("commercial", product)


def test_a_subscription_beside_versions_lacks_none(catalogue: Catalogue) -> None:
    assert catalogue.lacks_version("oracle/database")
    assert not catalogue.lacks_version("oracle/database@19c")
    assert not catalogue.lacks_version("adobe/acrobat/pro")
    assert not catalogue.lacks_version("docker/desktop")


def test_what_is_hidden_and_unknown_is_a_part_and_what_is_hidden_and_sold_is_counted(
    catalogue: Catalogue,
) -> None:
    assert recognise(catalogue, "Acme Core Files", "Acme", hidden=True) == ("component", None)
    hidden = recognise(catalogue, "Microsoft Visio Standard 2016", MICROSOFT, hidden=True)
    assert hidden == ("commercial", "microsoft/visio/standard@2016")


def test_what_no_rule_knows_is_unknown_and_never_free(catalogue: Catalogue) -> None:
    assert recognise(catalogue, "Pointage Atelier 3.2", "Service informatique") == ("unknown", None)


def test_a_name_under_another_publisher_is_not_the_product(catalogue: Catalogue) -> None:
    assert recognise(catalogue, "AutoCAD 2024", "Pirates SARL")[0] == "unknown"
    assert recognise(catalogue, "AutoCAD 2024", "Autodesk, Inc.")[0] == "commercial"
    assert recognise(catalogue, "AutoCAD 2024", "")[0] == "commercial"


def test_debians_own_packages_are_free_and_others_are_not_taken_for_them(
    catalogue: Catalogue,
) -> None:
    def of(maintainer: str, section: str) -> str:
        return str(
            recognise(catalogue, "x", maintainer, source="dpkg", identifiers={"section": section})[
                0
            ]
        )

    assert of("Debian Perl Group <pkg-perl@lists.alioth.debian.org>", "perl") == "free"
    assert of("YOKOTA Hiroshi <yokota@debian.org>", "non-free/utils") == "unknown"
    assert of("TeamViewer GmbH <package@teamviewer.com>", "non-free/internet") == "unknown"


def test_an_edition_that_is_known_hides_the_record_that_does_not_tell_it(
    catalogue: Catalogue,
) -> None:
    records = [
        Install("Microsoft SQL Server 2019 (64 bits)", publisher=MICROSOFT),
        Install("Microsoft SQL Server 2019 Express Edition", publisher=MICROSOFT),
    ]

    assert licensable(map(catalogue.recognise, records[:1]), {}) == {"microsoft/sql-server@2019"}
    assert licensable(map(catalogue.recognise, records), {}) == frozenset()
    assert fold(["m/sql@2019", "m/sql/standard@2017"]) == {"m/sql@2019", "m/sql/standard@2017"}


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("Autodesk AutoCAD 2024 - Français (French)", "Autodesk AutoCAD 2024"),
        ("Mozilla Firefox (x64 fr)", "Mozilla Firefox"),
        ("Notepad++ (64-bit x64)", "Notepad++"),
        ("Microsoft SQL Server 2019 (64 bits)", "Microsoft SQL Server 2019"),
        ("Intel(R) Graphics\u00a0 Driver™ ", "Intel Graphics Driver"),
        (
            "Microsoft Office Professional Plus 2019 - fr-fr",
            "Microsoft Office Professional Plus 2019",
        ),
        ("(x64)", "(x64)"),
    ],
)
def test_names_lose_what_does_not_change_the_product(name: str, plain: str) -> None:
    assert plain_name(name) == plain


@pytest.mark.parametrize(
    "publisher", ["Adobe", "Adobe Inc.", "ADOBE, INC", "Adobe\u00a0Inc", " adobe "]
)
def test_publishers_are_one_whatever_their_legal_form(publisher: str) -> None:
    assert plain_publisher(publisher) == "adobe"


def test_labels_have_the_version_where_people_put_it(catalogue: Catalogue) -> None:
    assert catalogue.label("microsoft/windows/pro@11") == "Windows 11 Pro"
    assert catalogue.label("mathworks/matlab@r2023b") == "MATLAB R2023b"
    assert catalogue.label("docker/desktop") == "Docker Desktop"
    assert catalogue.label("adobe/acrobat/pro@11") == "Adobe Acrobat Pro XI"


def test_every_product_of_the_catalogue_can_be_reached_by_a_rule(catalogue: Catalogue) -> None:
    reached = {rule.line for rule in catalogue.rules if rule.names or rule.identifiers}
    sold_only = {line for line in catalogue.products if catalogue.metric(line) in CAL}

    assert set(catalogue.products) - sold_only <= reached


def a_catalogue(folder: Path, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "acme.toml").write_text(f'publisher = "acme"\nlabel = "Acme"\n{text}')
    return folder


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("colour = 1", "colour: unknown key"),
        ('[[product]]\nid = "acme/x"', "product[0].label: missing"),
        ('[[product]]\nid = "other/x"\nlabel = "X"', "product[0].id: 'other/x' is not acme/"),
        (
            '[[product]]\nid = "acme/x"\nlabel = "X"\nnames = ["("]',
            "product[0].names[0]: '(' is not",
        ),
        ('[[product]]\nid = "acme/x"\nlabel = "X"\nmetric = "seat"', "product[0].metric: input"),
        ('[[other]]\nid = "x"\nclass = "runtime"', "other[0].class: input should be"),
        ("[[product", "Expected ']]' at the end"),
    ],
)
def test_a_wrong_catalogue_file_is_refused_with_the_place(
    tmp_path: Path, text: str, complaint: str
) -> None:
    with pytest.raises(CatalogueError, match=re.escape("acme.toml")) as raised:
        catalogue_files.load(a_catalogue(tmp_path / "c", text))

    assert complaint in str(raised.value)


def test_the_digest_changes_with_any_file(tmp_path: Path) -> None:
    folder = a_catalogue(tmp_path / "c", "")
    before = catalogue_files.load(folder).digest

    a_catalogue(folder, "# a word\n")

    assert catalogue_files.load(folder).digest != before
