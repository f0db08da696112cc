import lzma
from pathlib import Path

import pytest

from quitus_agent.errors import SourceError
from quitus_agent.inventory import Install
from quitus_agent.registry import captured, export, number, text, uninstall
from quitus_agent.registry.machine import WindowsRegistry
from quitus_agent.sources import (
    activation,
    appx,
    click_to_run,
    office_msi,
    sql_server,
    visual_studio,
    windows_edition,
    windows_uninstall,
    windows_user_uninstall,
)

HOME_2010 = "Microsoft Office Home and Business 2010"
CAPTURE = Path("tests/captures/windows/workstation.reg")


@pytest.fixture(scope="module")
def registry() -> WindowsRegistry:
    """The captured workstation."""
    return captured.registry(CAPTURE)


def by_name(installs: object) -> dict[str, Install]:
    return {install.name: install for install in installs}  # type: ignore[attr-defined]


# --- The reader ---


def test_an_export_is_read_with_its_types_and_without_regard_to_case(
    registry: WindowsRegistry,
) -> None:
    assert registry.system
    parameters = registry.system.subkey(r"controlset001\SERVICES\tcpip\Parameters")
    assert parameters
    assert text(parameters, "domain") == "mercure.example"
    assert parameters.value("Search") == ["a.fr", "b.fr"]
    assert number(parameters, "Domain") == 0
    assert registry.software.subkey(r"Microsoft\Nothing\Here") is None


def test_a_text_may_go_over_several_lines(registry: WindowsRegistry) -> None:
    key = registry.software.subkey(f"{uninstall.WOW64}\\Notepad++")

    assert key
    assert text(key, "Comments") == 'several\nlines "quoted"'


@pytest.mark.parametrize(
    ("key", "values", "hidden"),
    [
        ("a", {"ReleaseType": "Software Update "}, True),
        ("a", {"ReleaseType": "Update Rollup"}, True),
        ("a", {"ReleaseType": "Retail"}, False),
        ("a", {"ParentDisplayName": "Windows XP - Mises à jour logicielles"}, True),
        ("a", {"ParentKeyName": " "}, False),
        ("KB923561", {}, True),
        ("{90140000}_PROPLUS_{KB2553065}", {}, True),
        ("a", {"DisplayName": "Correctif Windows XP - KB873333"}, True),
        ("a", {"DisplayName": "Windows XP Hotfix (SP2) Q329048"}, True),
        ("a", {"DisplayName": "Mise à jour de sécurité pour Windows XP (KB923561v2)"}, True),
        ("a", {"DisplayName": "SKB123456 Tool Q12345"}, False),
    ],
)
def test_a_patch_is_known_by_its_kind_its_parent_or_the_article_on_it(
    key: str, values: dict[str, str], hidden: bool
) -> None:
    software = export.MemoryKey("SOFTWARE")
    entry = software.make(rf"{uninstall.NATIVE}\{key}")
    for name, value in ({"DisplayName": "Program", "DisplayVersion": "1 "} | values).items():
        entry.set(name, value)

    (found,) = windows_uninstall.parse(software)

    assert found.hidden == hidden
    assert found.version == "1"


def test_a_part_names_its_parent_by_its_key_rather_than_by_its_name() -> None:
    software = export.MemoryKey("SOFTWARE")
    entry = software.make(rf"{uninstall.NATIVE}\a")
    values = {"DisplayName": "a", "ParentKeyName": "Office14", "ParentDisplayName": "Office"}
    for name, value in values.items():
        entry.set(name, value)

    (found,) = windows_uninstall.parse(software)

    assert found.identifiers["parent"] == "Office14"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "cp1252"])
def test_an_export_is_read_in_every_encoding_that_windows_writes(
    tmp_path: Path, encoding: str
) -> None:
    file = tmp_path / "export.reg"
    file.write_bytes(
        f'{export.HEADERS[0]}\r\n\r\n[HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft]\r\n"a"="été"\r\n'.encode(
            encoding
        )
    )

    microsoft = captured.registry(file).software.subkey("Microsoft")

    assert microsoft
    assert microsoft.value("a") == "été"


def test_texts_in_bytes_are_those_of_the_windows_that_wrote_them() -> None:
    wide, narrow = "C:\\Été\0".encode("utf-16-le"), "C:\\Été\0".encode("cp1252")

    for heading, content in zip(export.HEADERS, (wide, narrow), strict=True):
        root = export.parse(f'{heading}\n[K]\n"a"=hex(2):{content.hex(",")}\n')

        key = root.subkey("K")
        assert key
        assert text(key, "a") == "C:\\Été"


def test_a_text_is_verbatim_up_to_its_end_and_a_blank_one_is_none() -> None:
    key = export.MemoryKey("K")
    key.set("padded", "OpenVPN 2.3 \0rubbish")
    key.set("blank", " \0")

    assert text(key, "padded") == "OpenVPN 2.3 "
    assert text(key, "blank") == ""


def test_what_an_export_has_of_people_is_theirs(tmp_path: Path) -> None:
    sid = "S-1-5-21-1-2-3-1001"
    file = tmp_path / "users.reg"
    programs = {
        f"HKEY_USERS\\{sid}\\Software": "Zoom",
        "HKEY_CURRENT_USER\\Software": "Slack",
        "HKEY_USERS\\.DEFAULT\\Software": "A service's",
    }
    file.write_text(
        "\n".join(
            [
                export.HEADERS[0],
                *(
                    f'[{path}\\{uninstall.NATIVE}\\x]\n"DisplayName"="{name}"'
                    for path, name in programs.items()
                ),
                rf"[HKEY_USERS\{sid}_Classes\{appx.REPOSITORY}\Own.App_1.0.0.0_x64__abc]",
            ]
        )
    )

    found = windows_user_uninstall.read(file)
    assert {each.name for each in found} == {"Zoom", "Slack", "A service's"}
    assert list(windows_uninstall.parse(captured.registry(file).software)) == []
    assert [(each.name, each.scope) for each in appx.read(file)] == [("Own.App", "user")]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("", "line 1 is not the heading"),
        (f"{export.HEADERS[0]}\n[HKEY", "line 2: a key name that does not end"),
        (f'{export.HEADERS[0]}\n[K]\n"a"', 'line 3 is not "name"=value'),
        (f'{export.HEADERS[0]}\n[K]\n"a"=dword:xyz', "line 3: 'dword:xyz' is not a value"),
        (f'{export.HEADERS[0]}\n[K]\n"a"="open', "line 3: a value that does not end"),
        (f'{export.HEADERS[0]}\n[K]\n"a"=hex:1,\\', "line 3: a value that does not end"),
    ],
)
def test_a_broken_export_is_refused_with_the_line(content: str, complaint: str) -> None:
    with pytest.raises(SourceError, match=complaint.replace("[", r"\[")):
        export.parse(content)


def test_a_value_of_100_megabytes_is_left_unread() -> None:
    long = "x" * (100 * 1024 * 1024)

    root = export.parse(f'{export.HEADERS[0]}\n[K]\n"a"="{long}"\n"b"="c"')

    key = root.subkey("K")
    assert key
    assert (key.value("a"), key.value("b")) == (None, "c")


# --- The sources ---


def test_programs_are_those_with_a_name_and_hidden_ones_are_flagged() -> None:
    found = by_name(windows_uninstall.read(CAPTURE))

    assert "AddressBook" not in found
    seven_zip = found["7-Zip 23.01 (x64)"]
    assert (seven_zip.version, seven_zip.publisher) == ("23.01", "Igor Pavlov")
    assert (seven_zip.architecture, seven_zip.hidden) == ("x64", False)
    assert seven_zip.location == "C:\\Program Files\\7-Zip\\"
    assert found["Notepad++ (32-bit x86)"].architecture == "x86"
    assert found["Microsoft Office Proof (German) 2016"].hidden


def test_a_patch_names_its_parent_and_its_kind() -> None:
    name = "Mise à jour de sécurité pour Microsoft Office 2016 (KB4011574) 64 bits"

    patch = by_name(windows_uninstall.read(CAPTURE))[name]

    assert patch.hidden
    assert patch.identifiers["parent"] == "Office16.PROPLUS"
    assert patch.identifiers["release_type"] == "Security Update"


def test_dates_are_iso_or_nothing() -> None:
    found = by_name(windows_uninstall.read(CAPTURE))

    assert found["Notepad++ (32-bit x86)"].installed_on == ""
    assert uninstall.iso_date("20170302") == "2017-03-02"
    assert uninstall.iso_date("20171399") == ""


def test_click_to_run_in_both_views_of_the_registry_is_one() -> None:
    key = "Microsoft\\Office\\ClickToRun\\Configuration"
    software = export.MemoryKey("")
    for path in (key, f"Wow6432Node\\{key}"):
        configuration = software.make(path)
        configuration.set("ProductReleaseIds", "O365ProPlusRetail,VisioProRetail")
        configuration.set("VersionToReport", "16.0.1")

    names = [each.name for each in click_to_run.parse(software)]

    assert names == ["O365ProPlusRetail", "VisioProRetail"]


def test_an_office_2013_before_its_first_pack_is_told_once() -> None:
    software = export.MemoryKey("")
    place = r"Wow6432Node\Microsoft\Office\15.0\ClickToRun"
    bag = software.make(rf"{place}\propertyBag")
    bag.set("productreleaseid", "O365ProPlusRetail,VisioProRetail")
    bag.set("platform", "x86")

    before = [(each.name, each.architecture) for each in click_to_run.parse(software)]
    software.make(rf"{place}\Configuration").set("ProductReleaseIds", "O365ProPlusRetail")
    after = [each.name for each in click_to_run.parse(software)]

    assert before == [("O365ProPlusRetail", "x86"), ("VisioProRetail", "x86")]
    assert after == ["O365ProPlusRetail", "VisioProRetail"]


def test_click_to_run_tells_each_product_and_how_it_is_licensed() -> None:
    office, visio, proofing = click_to_run.read(CAPTURE)

    assert office.name == "O365ProPlusEEANoTeamsRetail"
    assert office.version == "16.0.17928.20156"
    assert office.identifiers == {
        "release_id": "O365ProPlusEEANoTeamsRetail",
        "channel": "semi-annual",
        "shared_computer_licensing": "1",
        "languages": "fr-fr",
    }
    assert (visio.name, proofing.name) == ("VisioPro2021Volume", "ProofingTools")


def test_an_msi_suite_is_one_record_with_its_languages() -> None:
    (suite,) = office_msi.read(CAPTURE)

    assert suite.name == "Microsoft Office Professional Plus 2016"
    assert (suite.architecture, suite.installed_on) == ("x64", "2017-03-02")
    assert suite.identifiers == {
        "product_code": "{90160000-0011-0000-1000-0000000FF1CE}",
        "office_product": "0011",
        "release_type": "volume",
        "languages": "de-de,fr-fr",
    }


def test_viewers_and_runtimes_are_shown_apart_from_the_suite_and_lend_it_no_language() -> None:
    software = export.MemoryKey("SOFTWARE")
    for code in (
        "90160000-0011-0000-1000",
        "90160000-0011-040C-1000",
        "95160000-0052-0409-1000",
        "90160000-001C-0000-1000",
        "90160000-00D1-0407-1000",
        "90160000-012B-0000-1000",
    ):
        key = software.make(rf"{uninstall.NATIVE}\{{{code}-0000000FF1CE}}")
        key.set("DisplayName", code)

    found = {each.name: each for each in office_msi.parse(software)}

    assert {name: each.identifiers.get("languages") for name, each in found.items()} == {
        "Microsoft Office Professional Plus 2016": "fr-fr",
        "Microsoft Visio Viewer 2016": "en-us",
        "Microsoft Access Runtime 2016": "fr-fr",
        "Microsoft Skype for Business 2016": "fr-fr",
    }
    assert found["Microsoft Visio Viewer 2016"].identifiers["release_type"] == "download"
    assert not any(each.hidden for each in found.values())


def test_product_codes_of_office_are_decoded_and_others_left_alone() -> None:
    code = office_msi.decode("{91140000-0051-0000-0000-0000000FF1CE}")

    assert code
    assert (code.release, code.product, code.kind, code.bits) == ("14", "0051", "1", "0")
    assert office_msi.decode("{90160000-0011-0000-1000-0000000FF1CF}") is None
    assert office_msi.decode("{AC76BA86-1036-FFFF-7760-0C0F074E4100}") is None


@pytest.mark.parametrize(
    ("product_code", "name", "kind", "languages"),
    [
        (
            "{90110409-6000-11D3-8CFE-0150048383C9}",
            "Microsoft Office Professional Edition 2003",
            "volume",
            "en-us",
        ),
        (
            "{91CA040C-6000-11D3-8CFE-0150048383C9}",
            "Microsoft Office Small Business Edition 2003",
            "retail",
            "fr-fr",
        ),
        (
            "{91280409-6000-11D3-8CFE-0050048383C9}",
            "Microsoft Office XP Professional with FrontPage",
            "retail",
            "en-us",
        ),
        (
            "{9251040C-6D54-11D4-BEE3-00C04F990354}",
            "Microsoft Visio Professional 2002",
            "trial",
            "fr-fr",
        ),
        (
            "{0001040C-78E1-11D2-B60F-006097C998E7}",
            "Microsoft Office 2000 Professional",
            "",
            "fr-fr",
        ),
        ("{90140000-0013-0000-1000-0000000FF1CE}", HOME_2010, "volume", ""),
        (
            "{91120000-110D-0000-1000-0000000FF1CE}",
            "Microsoft SharePoint Server 2007",
            "retail",
            "",
        ),
    ],
)
def test_product_codes_of_every_release_of_office_are_decoded(
    product_code: str, name: str, kind: str, languages: str
) -> None:
    software = export.MemoryKey("SOFTWARE")
    part = "{90A40409-6000-11D3-8CFE-0150048383C9}"
    for key in (product_code, part):
        software.make(rf"{uninstall.NATIVE}\{key}").set("DisplayName", "Office")

    (found,) = office_msi.parse(software)

    assert (found.name, found.identifiers.get("release_type", "")) == (name, kind)
    assert found.identifiers.get("languages", "") == languages
    assert found.identifiers["product_code"] == product_code


def test_nothing_of_a_product_key_is_read() -> None:
    digital = bytearray(1272)
    digital[0x118 : 0x118 + 26] = "HomeBusinessR".encode("utf-16-le")
    digital[0x3F8 : 0x3F8 + 12] = "Retail".encode("utf-16-le")
    digital[52:67] = b"\x42" * 15  # where the key lies

    assert office_msi.readable_part(bytes(digital)) == {
        "edition_id": "HomeBusinessR",
        "channel": "Retail",
    }
    assert office_msi.readable_part(b"\0" * 164) == {}


def test_windows_is_named_as_it_is_sold() -> None:
    (windows,) = windows_edition.read(CAPTURE)

    assert windows.name == "Microsoft Windows 11 Pro"
    assert windows.version == "10.0.22631.3278"
    assert windows.identifiers == {
        "edition_id": "Professional",
        "installation_type": "Client",
        "release": "23H2",
    }


@pytest.mark.parametrize(
    ("product", "edition", "kind", "build", "lab", "name", "architecture"),
    [
        (
            *("Windows 10 Pro N", "ProfessionalN", "Client", "22621"),
            *("22621.1.amd64fre.ni_release.220506-1250", "Microsoft Windows 11 Pro N", "x64"),
        ),
        (
            *("Windows 10 Enterprise LTSC 2021", "EnterpriseS", "Client", "19044"),
            *("", "Microsoft Windows 10 Enterprise LTSC 2021", ""),
        ),
        (
            *("Windows 10 IoT Enterprise LTSC 2024", "IoTEnterpriseS", "Client", "26100"),
            *("26100.1.arm64fre.ge_release.240331-1435",),
            *("Microsoft Windows 11 IoT Enterprise LTSC 2024", "arm64"),
        ),
        (
            *("Windows Server 2022 Datacenter Azure Edition", "ServerTurbine", "Server Core"),
            *("20348", "20348.1.amd64fre.fe_release.210507-1500"),
            *("Microsoft Windows Server 2022 Datacenter Azure Edition", "x64"),
        ),
        (
            *("Windows 10 Éducation", "Education", "", "22631", ""),
            *("Microsoft Windows 11 Éducation", ""),
        ),
        (*("Microsoft Windows XP", "", "", "2600", "", "Microsoft Windows XP", ""),),
    ],
)
def test_every_edition_of_windows_keeps_its_name(
    product: str, edition: str, kind: str, build: str, lab: str, name: str, architecture: str
) -> None:
    software = export.MemoryKey("SOFTWARE")
    current = software.make(windows_edition.CURRENT_VERSION)
    values = {
        "ProductName": product,
        "EditionID": edition,
        "InstallationType": kind,
        "CurrentBuild": build,
        "BuildLabEx": lab,
    }
    for key, value in values.items():
        current.set(key, value)

    (windows,) = windows_edition.parse(software)

    assert (windows.name, windows.architecture) == (name, architecture)
    assert windows.identifiers.get("edition_id", "") == edition


@pytest.mark.parametrize("name", ["export", "export.txt", "SOFTWARE.reg", "Win32_OS.wmi"])
def test_the_form_of_a_capture_is_told_by_how_it_begins(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(CAPTURE.read_bytes())
    packed = tmp_path / f"{name}-packed"
    packed.write_bytes(lzma.compress(CAPTURE.read_bytes()))

    for file in (tmp_path / name, packed):
        assert [each.name for each in windows_edition.read(file)] == ["Microsoft Windows 11 Pro"]


def test_a_list_of_windows_is_kept_as_it_names_itself(tmp_path: Path) -> None:
    file = tmp_path / "SOFTWARE.reg"
    file.write_text("BuildNumber=22631\nCaption=Microsoft Windows 11 Professionnel Entreprise\n")

    found = [each.name for each in windows_edition.read(file)]

    assert found == ["Microsoft Windows 11 Professionnel Entreprise"]


def test_sql_server_instances_tell_their_edition_and_their_cluster() -> None:
    found = by_name(sql_server.read(CAPTURE))

    assert set(found) == {
        "Microsoft SQL Server 2019 Express Edition",
        "Microsoft SQL Server 2016 Standard Edition",
        "Microsoft SQL Server Reporting Services 2016 Standard Edition",
    }
    clustered = found["Microsoft SQL Server 2016 Standard Edition"]
    assert clustered.identifiers["cluster"] == "SQLPAIE"
    assert clustered.identifiers["instance"] == "PAIE"
    assert found["Microsoft SQL Server 2019 Express Edition"].version == "15.0.4345.5"


def test_report_servers_since_2017_are_told_by_their_version(tmp_path: Path) -> None:
    software = export.MemoryKey("SOFTWARE")
    root = software.make(r"Microsoft\Microsoft SQL Server")
    for name, version in (("SSRS", "15.0.1102.911"), ("PBIRS", "15.0.1110.120")):
        root.make(r"Instance Names\RS").set(name, name)
        root.make(rf"{name}\Setup").set("InstallRootDirectory", "C:\\RS")
        root.make(rf"{name}\MSSQLServer\CurrentVersion").set("ProductVersion", version)

    found = list(sql_server.parse(software))

    assert [(each.name, each.version) for each in found] == [
        ("Microsoft SQL Server Reporting Services 2019", "15.0.1102.911"),
        ("Microsoft Power BI Report Server", "15.0.1110.120"),
    ]
    assert found[0].location == "C:\\RS"


def test_integration_services_are_told_and_not_the_libraries_of_tools() -> None:
    software = export.MemoryKey("SOFTWARE")
    for version, features in (("150", "SQL_DTS_Full=3 Connectivity_Full=3"), ("130", "SDK_Full=3")):
        setup = software.make(rf"Microsoft\Microsoft SQL Server\{version}\DTS\Setup")
        values = {"PatchLevel": "15.0.4261.1", "Edition": "Standard Edition"}
        for name, value in (values | {"FeatureList": features}).items():
            setup.set(name, value)

    (found,) = sql_server.parse(software)

    assert found.name == "Microsoft SQL Server Integration Services 2019 Standard Edition"
    assert "instance" not in found.identifiers


@pytest.mark.parametrize(
    ("version", "year"),
    [
        ("9.00.5000.00", "2005"),
        ("10.0.1600.22", "2008"),
        ("10.50.1600.1", "2008 R2"),
        ("10.53.6000.34", "2008 R2"),
        ("11.4.7001.0", "2012"),
        ("13.2.5026.0", "2016"),
        ("99.0", ""),
        ("", ""),
    ],
)
def test_engine_versions_are_the_years_that_are_sold(version: str, year: str) -> None:
    assert sql_server.release(version) == year


def test_instances_of_2005_are_what_their_list_says_and_those_of_2000_are_known_by_name() -> None:
    software = export.MemoryKey("SOFTWARE")
    root = software.make(r"Wow6432Node\Microsoft\Microsoft SQL Server")
    root.set("InstalledInstances", ["MSSQLSERVER", "PAIE", "ANCIEN"])
    for kind, name, folder in (("SQL", "PAIE", "MSSQL.2"), ("OLAP", "PAIE", "MSSQL.1")):
        root.make(rf"Instance Names\{kind}").set(name, folder)
        setup = root.make(rf"{folder}\Setup")
        setup.set("Edition", "Workgroup Edition")
        setup.set("Version", "9.00.5000.00")
    old = software.make(r"Wow6432Node\Microsoft\MSSQLServer\MSSQLServer\CurrentVersion")
    old.set("CurrentVersion", "8.00.194")
    old.set("CSDVersion", "8.00.2039")
    root.make(r"ANCIEN\MSSQLServer\CurrentVersion").set("CurrentVersion", "8.00.194")

    found = [
        (each.name, each.version, each.identifiers["instance"], each.architecture)
        for each in sql_server.parse(software)
    ]

    assert found == [
        ("Microsoft SQL Server 2005 Workgroup Edition", "9.00.5000.00", "PAIE", "x86"),
        (
            "Microsoft SQL Server Analysis Services 2005 Workgroup Edition",
            "9.00.5000.00",
            "PAIE",
            "x86",
        ),
        ("Microsoft SQL Server 2000", "8.00.2039", "MSSQLSERVER", "x86"),
        ("Microsoft SQL Server 2000", "8.00.194", "ANCIEN", "x86"),
    ]


def test_a_patch_is_flagged_by_its_release_type_where_no_parent_is_named() -> None:
    software = export.MemoryKey("SOFTWARE")
    for name, kind in (("KB1", "Hotfix"), ("Office", "Product"), ("KB2", "Security Update")):
        key = software.make(rf"{uninstall.NATIVE}\{name}")
        key.set("DisplayName", name)
        key.set("ReleaseType", kind)

    found = {each.name: each.hidden for each in windows_uninstall.parse(software)}

    assert found == {"KB1": True, "Office": False, "KB2": True}


WMIC = "\r\r\nBuildNumber=7601\r\r\nCaption=Microsoft Windows 7 Professionnel \r\r\n{}\r\r\n\r\r\n"
POWERSHELL = """
BuildNumber             : 7601
Caption                 : Microsoft Windows 7
                           Professionnel
OperatingSystemSKU      : 48
Version                 : 6.1.7601
"""


@pytest.mark.parametrize(
    "listing",
    [
        WMIC.format("OperatingSystemSKU=48\r\r\nVersion=6.1.7601").encode("utf-16"),
        WMIC.format("OperatingSystemSKU=48\r\r\nVersion=6.1.7601").encode("utf-16-le"),
        POWERSHELL.encode("cp1252"),
    ],
    ids=["wmic", "wmic without a mark", "PowerShell"],
)
def test_windows_is_read_from_the_lists_that_administrators_print(
    tmp_path: Path, listing: bytes
) -> None:
    file = tmp_path / "os.wmi"
    file.write_bytes(listing)

    (windows,) = windows_edition.read(file)

    assert windows.name == "Microsoft Windows 7 Professionnel"
    assert (windows.version, windows.identifiers) == ("6.1.7601", {"sku": "48"})


def test_visual_studio_instances_tell_their_edition(tmp_path: Path) -> None:
    state = tmp_path / "ProgramData/Microsoft/VisualStudio/Packages/_Instances/3f/state.json"
    state.parent.mkdir(parents=True)
    state.write_text(
        '{"installationVersion": "17.9.34622.214", "installDate": "2024-03-12T08:00:00Z",'
        ' "product": {"id": "Microsoft.VisualStudio.Product.Professional"},'
        ' "catalogInfo": {"productDisplayVersion": "17.9.2", "productLineVersion": "2022"}}'
    )

    (found,) = visual_studio.scan(tmp_path)

    assert (found.name, found.version) == ("Visual Studio Professional 2022", "17.9.2")
    assert found.installed_on == "2024-03-12"


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"product": 3}', "null", "[" * 90_000])
def test_a_damaged_visual_studio_state_is_named(tmp_path: Path, content: str) -> None:
    file = tmp_path / "state.json"
    file.write_text(content)

    with pytest.raises(SourceError, match=r"state\.json: "):
        list(visual_studio.read(file))


def test_store_applications_are_told_by_their_package_names() -> None:
    (calculator,) = appx.read(CAPTURE)

    assert (calculator.name, calculator.version) == ("Microsoft.WindowsCalculator", "11.2311.0.0")
    assert calculator.publisher == "Microsoft Corporation"
    assert calculator.identifiers["package_family_name"] == (
        "Microsoft.WindowsCalculator_8wekyb3d8bbwe"
    )
    assert appx.split("not a package") is None


def test_a_language_of_a_store_application_is_a_part_of_it() -> None:
    classes = export.MemoryKey("")
    for resource in ("", "split.language-fr"):
        name = f"Acme.Editor_1.2.0.0_neutral_{resource}_abcdefghjkmnp"
        classes.make(rf"{appx.REPOSITORY}\{name}")

    found = list(appx.parse(WindowsRegistry(export.MemoryKey(""), classes=(classes,))))

    assert [each.hidden for each in found] == [False, True]


def a_row(**values: str) -> dict[str, str]:
    return {"Name": "Windows(R)", "PartialProductKey": "3V66T", "LicenseStatus": "1"} | values


@pytest.mark.parametrize(
    ("row", "channel"),
    [
        (a_row(ProductKeyChannel="OEM:DM"), "oem"),
        (a_row(ProductKeyChannel="Retail"), "retail"),
        (a_row(ProductKeyChannel="Volume:MAK"), "mak"),
        (a_row(ProductKeyChannel="Volume:GVLK"), "kms-client"),
        (a_row(ProductKeyChannel="Volume:CSVLK"), "kms-host"),
        (
            a_row(Description="Système d'exploitation Windows, VOLUME_KMSCLIENT channel"),
            "kms-client",
        ),
        (a_row(Description="Windows, OEM_DM channel"), "oem"),
        (a_row(Description="Office 16, canal TIMEBASED_SUB"), "subscription"),
        (a_row(Description="Windows Server, TIMEBASED_EVAL channel"), "evaluation"),
        (a_row(IsKeyManagementServiceMachine="1"), "kms-host"),
        (a_row(), ""),
        (
            {
                "PartialProductKey": "X2345",
                "LicenseStatus": "1",
                "Description": "Office 16, RETAIL(MAK) channel",
            },
            "mak",
        ),
    ],
)
def test_the_activation_channel_is_read_or_guessed_from_what_is_not_translated(
    row: dict[str, str], channel: str
) -> None:
    (record,) = activation.parse_rows([row])

    assert record.identifiers.get("channel", "") == channel
    assert record.identifiers["licence_status"] == "licensed"


def test_the_licensing_service_is_understood_in_the_code_page_of_a_french_console() -> None:
    row = b'{"Name":"Windows(R)","PartialProductKey":"3V66T","LicenseStatus":0,' + (
        '"Description":"Système, VOLUME_MAK channel","ProductKeyChannel":null}'
    ).encode("cp850")

    (record,) = activation.parse_answer(b"[" + row + b"]\r\n")

    assert record.identifiers["channel"] == "mak"
    assert record.identifiers["licence_status"] == "unlicensed"


@pytest.mark.parametrize("answer", [b"", b"{}", b"[1]", b"Get-CimInstance : Access denied"])
def test_no_list_from_the_licensing_service_is_a_failure(answer: bytes) -> None:
    assert list(activation.parse_answer(b"[]")) == []

    with pytest.raises(SourceError, match="gave no list"):
        list(activation.parse_answer(answer))


def test_a_row_of_a_list_without_names_is_called_by_its_family_or_description() -> None:
    row = a_row(Name="", LicenseFamily="Office16ProPlusVL_KMS_Client", Description="Office")

    first, second = activation.parse_rows([row, {**row, "LicenseFamily": ""}])

    assert (first.name, second.name) == ("Office16ProPlusVL_KMS_Client", "Office")


def test_rows_without_a_key_are_no_activation_and_a_whole_key_is_cut() -> None:
    whole = "AAAAA-BBBBB-CCCCC-DDDDD-EEEEE"

    (record,) = activation.parse_rows([{"Name": "x"}, a_row(PartialProductKey=whole)])

    assert record.identifiers["partial_key"] == "EEEEE"
    assert "AAAAA" not in repr(record)


# --- Users ---


def a_user(*programs: str) -> export.MemoryKey:
    software = export.MemoryKey("Software")
    for program in programs:
        key = software.make(f"{uninstall.NATIVE}\\{program}")
        key.set("DisplayName", program)
        key.set("InstallLocation", f"C:\\Users\\zoe.noel\\{program}")
    return software


def test_what_people_installed_says_nothing_of_them() -> None:
    found = list(windows_user_uninstall.parse([a_user("Zoom", "Slack"), a_user("Zoom")]))

    assert [(each.name, each.scope) for each in found] == [("Zoom", "user"), ("Slack", "user")]
    assert "zoe" not in repr(found)
