<#
.SYNOPSIS
Installe ou met à jour l'agent Quitus au démarrage du poste (script de démarrage d'une GPO).

.DESCRIPTION
Copie le paquet là où seuls les administrateurs écrivent, vérifie son empreinte SHA-256, l'installe sans
fenêtre, et note tout dans un journal. S'il est déjà installé, ne fait rien. Ne reçoit jamais le jeton
lui-même, seulement le chemin de son fichier : une ligne de commande se lit.

.PARAMETER Package
Le paquet : \\serveur\quitus$\quitus-agent-1.0.0-x64.msi

.PARAMETER Sha256
Son empreinte : (Get-FileHash paquet.msi).Hash

.PARAMETER Collector
L'adresse du collecteur, si aucune stratégie ne la donne.

.PARAMETER TokenFile
Le fichier du jeton d'enrôlement, si aucune stratégie ne le donne.

.PARAMETER Entity
Le SIREN de l'entité, si aucune stratégie ne le donne.

.EXAMPLE
.\Install-QuitusAgent.ps1 -Package \\srv\quitus$\quitus-agent-1.0.0-x64.msi -Sha256 9F86D0... -Collector collecteur.exemple.fr
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory = $true)] [string] $Package,
    [Parameter(Mandatory = $true)] [ValidatePattern('^[0-9A-Fa-f]{64}$')] [string] $Sha256,
    [ValidatePattern('^[^"]*$')] [string] $Collector = '',
    [ValidatePattern('^[^"]*$')] [string] $TokenFile = '',
    [ValidatePattern('^(\d{9})?$')] [string] $Entity = ''
)

Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'

$settings = 'HKLM:\SOFTWARE\Quitus'
# Ces deux dossiers ne sont modifiables que par les administrateurs.
$logs = Join-Path $env:SystemRoot 'Logs\Quitus'
$work = Join-Path $env:ProgramFiles 'Quitus\setup'
$done = 0
$rebootNeeded = 3010
$failed = 1

function Write-Line([string] $text) {
    $line = '{0:yyyy-MM-dd HH:mm:ss} {1}' -f (Get-Date), $text
    Add-Content -LiteralPath (Join-Path $logs 'install.log') -Value $line -Encoding UTF8
}

function Test-Installed {
    $known = Get-ItemProperty -LiteralPath $settings -Name 'Package' -ErrorAction SilentlyContinue
    $program = Join-Path $env:ProgramFiles 'Quitus\Agent\python.exe'
    return ($null -ne $known) -and ($known.Package -eq $Sha256) -and (Test-Path -LiteralPath $program)
}

function Install-Package([string] $file) {
    # No records of actions: those that write the registry would tell the token to who may read the log.
    $words = @('/i', "`"$file`"", '/qn', '/norestart', '/liweu', "`"$(Join-Path $logs 'msi.log')`"")
    if ($Collector) { $words += "COLLECTOR=`"$Collector`"" }
    if ($TokenFile) { $words += "TOKENFILE=`"$TokenFile`"" }
    if ($Entity) { $words += "ENTITY=$Entity" }
    $msiexec = Join-Path $env:SystemRoot 'System32\msiexec.exe'
    $process = Start-Process -FilePath $msiexec -ArgumentList $words -Wait -PassThru -WindowStyle Hidden
    return $process.ExitCode
}

$null = New-Item -ItemType Directory -Path $logs -Force
try {
    if (Test-Installed) {
        exit $done
    }
    $null = New-Item -ItemType Directory -Path $work -Force
    $file = Join-Path $work 'agent.msi'
    Copy-Item -LiteralPath $Package -Destination $file -Force
    $found = (Get-FileHash -LiteralPath $file -Algorithm SHA256).Hash
    if ($found -ne $Sha256) {
        Write-Line "refusé : $Package a l'empreinte $found, $Sha256 était attendue"
        exit $failed
    }
    $status = Install-Package $file
    if (($status -ne $done) -and ($status -ne $rebootNeeded)) {
        Write-Line "échec : msiexec a rendu $status ; voir msi.log"
        exit $status
    }
    Set-ItemProperty -LiteralPath $settings -Name 'Package' -Value $Sha256
    Write-Line "installé : $Package ($Sha256)"
    exit $done
}
catch {
    Write-Line "échec : $($_.Exception.Message)"
    exit $failed
}
finally {
    Remove-Item -LiteralPath $work -Recurse -Force -ErrorAction SilentlyContinue
}
