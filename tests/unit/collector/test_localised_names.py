"""Names as French, German, Italian and Spanish machines show them."""

import pytest

from quitus_collector.domain.install import Install
from tests.builders import shipped_catalogue

CATALOGUE = shipped_catalogue()
MICROSOFT = "Microsoft Corporation"
COUNTED = {
    "microsoft/office/professional-plus@2019": "Microsoft Office Profesional Plus 2019 - es-es",
    "microsoft/office/home-business@2016": "Microsoft Office Hogar y Empresas 2016 - es-es",
    "microsoft/office/home-business@2021": "Microsoft Office Famille et Petite Entreprise 2021",
    "microsoft/office/home-student@2019": "Microsoft Office Famille et Étudiant 2019 - fr-fr",
    "microsoft/office/standard@2010": "Microsoft Office Estándar 2010",
    "microsoft/office/small-business@2003": "Microsoft Office Édition PME 2003",
    "microsoft/365-apps/business": "Applications Microsoft 365 pour les PME - fr-fr",
    "microsoft/365-apps/enterprise": "Microsoft 365 Apps für Unternehmen - de-de",
    "microsoft/365-apps": "Microsoft 365 - it-it",
    "microsoft/visio/professional@2013": "Microsoft Visio Professionnel 2013",
    "microsoft/visio/ltsc-standard@2024": "Microsoft Visio LTSC Standard 2024 - de-de",
    "microsoft/windows/home-single-language@10": "Microsoft Windows 10 Famille Unilingue",
    "microsoft/windows/ultimate@7": "Microsoft Windows 7 Édition Intégrale",
    "microsoft/windows/enterprise-ltsc@10": "Microsoft Windows 10 Entreprise LTSC",
    "microsoft/windows-server/standard@2003": "Microsoft Windows(R) Server 2003, Standard Edition",
    "microsoft/sql-server@2008r2": "Microsoft SQL Server 2008 R2 (64 bits)",
    "microsoft/visual-studio/professional@2008": "Microsoft Visual Studio 2008 Professional - FRA",
    "microsoft/exchange-server@2016": "Microsoft Exchange Server 2016 Cumulative Update 23",
}
PARTS = [
    "Outils de vérification linguistique 2016 de Microsoft Office - Français",
    "Strumenti di correzione di Microsoft Office 2016 - Italiano",
    "Herramientas de corrección de Microsoft Office 2016: español",
    "Composants 64 bits Microsoft Office 2016",
    "Module linguistique Microsoft Visual Studio 2010 Tools pour Office Runtime (x64) - FRA",
    "Contrôle d’intégrité du PC Windows",
    "Microsoft Edge WebView2-Laufzeit",
    "Datenbankmoduldienste für SQL Server 2019",
    "Enregistreur VSS Microsoft SQL Server pour SQL Server 2012",
    "Connettività client SQL Server 2017",
    "Herramientas de cliente de SQL Server 2016",
    "Microsoft Access Datenbank-Engine 2010 (German)",
    "Windows 10-Update-Assistent",
    "Asistente para actualización a Windows 10",
    "Paquete de idioma de Microsoft .NET Framework 4.7.2 (español)",
    "Kit de développement logiciel Windows - Windows 10.0.17763.132",
]
PATCHES = [
    "Mise à jour cumulative pour Windows 10 Version 22H2",
    "Kumulatives Update für Windows 10 Version 22H2",
    "Update für Microsoft Office 2016 (KB4484106) 32-Bit-Edition",
    "Aggiornamento della protezione per Microsoft Office 2016 (KB5002138)",
    "Actualización de seguridad para Microsoft Outlook 2016 (KB5002543)",
    "Service Pack 3 für Microsoft Office 2007",
    "Microsoft Project 2010 Service Pack 2 (SP2)",
    "Windows Internet Explorer 8 - Mise à jour logicielle",
    "Mise à jour 2021 de l’heure d’été",
]
OF_DEVICES = [
    ("Pilote graphique NVIDIA 531.41", "NVIDIA Corporation"),
    ("NVIDIA Grafiktreiber 472.12", "NVIDIA Corporation"),
    ("Controlador de gráficos de NVIDIA 512.77", "NVIDIA Corporation"),
    ("Logiciel Intel® PROSet/Wireless", "Intel Corporation"),
    ("Prise en charge des applications Apple (64 bits)", "Apple Inc."),
    ("Logiciel de base du périphérique HP Officejet Pro 8620", "Hewlett-Packard"),
    ("Étude d’amélioration de produits HP Officejet 4630", "Hewlett Packard"),
]
SOLD = [
    ("syncro-soft/oxygen@25", "Oxygen XML Editor 25.0", "Syncro Soft"),
    ("claris/filemaker-pro@16", "FileMaker Pro 16 Advanced", "FileMaker, Inc."),
    ("datev/datev", "DATEV Kanzlei-Rechnungswesen", "DATEV eG"),
    ("lexware/lexware@2022", "Lexware buchhaltung plus 2022", "Haufe-Lexware GmbH & Co.KG"),
    ("sage/contaplus@2019", "Sage ContaPlus Élite 2019", "Sage Spain"),
    ("wolters-kluwer/a3", "a3ASESOR | con", "Wolters Kluwer"),
    ("zwsoft/zwcad@2022", "ZWCAD 2022 Français", "ZWSOFT"),
    ("bluebeam/revu@20", "Bluebeam Revu x64 20", "Bluebeam, Inc."),
    ("ni/labview@2020", "NI LabVIEW 2020 (32-bit)", "National Instruments"),
    ("dassault-systemes/catia@v5-6r2018", "Dassault Systemes Software B28", "Dassault Systemes"),
    ("autodesk/vault-professional@2022", "Autodesk Vault Professional 2022 (Client)", "Autodesk"),
    (
        "trend-micro/worry-free",
        "Trend Micro Worry-Free Business Security Agent",
        "Trend Micro Inc.",
    ),
]


@pytest.mark.parametrize(("product", "name"), COUNTED.items())
def test_a_localised_name_is_the_product(product: str, name: str) -> None:
    found = CATALOGUE.recognise(Install(name, publisher=MICROSOFT))

    assert (found.software_class.value, found.product) == ("commercial", product)


@pytest.mark.parametrize(("product", "name", "publisher"), SOLD)
def test_what_is_sold_in_one_country_or_trade_is_known(
    product: str, name: str, publisher: str
) -> None:
    found = CATALOGUE.recognise(Install(name, publisher=publisher))

    assert (found.software_class.value, found.product) == ("commercial", product)


@pytest.mark.parametrize("name", PARTS)
def test_a_localised_part_is_a_part(name: str) -> None:
    assert CATALOGUE.recognise(Install(name, publisher=MICROSOFT)).software_class == "component"


@pytest.mark.parametrize("name", PATCHES)
def test_a_localised_patch_is_a_patch(name: str) -> None:
    assert CATALOGUE.recognise(Install(name, publisher="Microsoft")).software_class == "update"


@pytest.mark.parametrize(("name", "publisher"), OF_DEVICES)
def test_what_comes_with_a_device_is_a_part(name: str, publisher: str) -> None:
    assert CATALOGUE.recognise(Install(name, publisher=publisher)).software_class == "component"


@pytest.mark.parametrize(
    ("publisher", "known"),
    [
        ("Mozilla Foundation", "Mozilla Firefox"),
        ("CN=Adobe Inc., O=Adobe Inc., L=San Jose, C=US", "Adobe Creative Cloud"),
        (
            "Copyright © 2002-2010 Adobe Systems Incorporated. All rights reserved.",
            "Adobe Bridge CS5",
        ),
        ("Корпорация Майкрософт", "Microsoft Edge"),
        ("TeamViewer GmbH <package@teamviewer.com>", "teamviewer"),
    ],
)
def test_a_publisher_is_known_however_it_is_written(publisher: str, known: str) -> None:
    found = CATALOGUE.recognise(Install(known, publisher=publisher))

    assert found.evidence == "name and publisher"


@pytest.mark.parametrize(
    ("family", "product"),
    [
        ("Office19ProPlus2019VL_KMS_Client_AE", "microsoft/office/professional-plus@2019"),
        ("Office21ProPlus2021VL_MAK_AE", "microsoft/office/ltsc-professional-plus@2021"),
        ("Office16VisioProXVL_KMS_Client", "microsoft/visio/professional@2016"),
        ("Office16O365ProPlusR_Subscription1", "microsoft/365-apps/enterprise"),
        ("ServerStandard", "microsoft/windows-server/standard"),
    ],
)
def test_an_activation_row_shows_its_product_by_its_name_alone(family: str, product: str) -> None:
    kind = "Office 16" if family.startswith("Office") else "Windows(R)"

    assert CATALOGUE.recognise(Install(f"{kind}, {family} edition")).product == product
