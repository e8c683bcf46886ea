#Requires -Version 5.1
#Requires -RunAsAdministrator
<#
.SYNOPSIS
Installs pydyndns for this computer, or updates it. Running it again changes nothing that is right already.

.DESCRIPTION
Copies the program to C:\Program Files\PyDynDNS, prepares C:\ProgramData\PyDynDNS for the cache, keeps the configuration
from the eyes of other users, registers the event source, and creates the tasks Normal, Force and Network. A configuration
that is there already stays as it is; a new one is opened in an editor before the tasks begin.

.PARAMETER Quiet
Ask nothing and open no editor, for unattended installations. Put an edited pydyndns.conf beside this script, or into
C:\Program Files\PyDynDNS beforehand.
#>
[CmdletBinding()]
param([switch] $Quiet)

Set-StrictMode -Version 2
$ErrorActionPreference = 'Stop'

# A 32-bit PowerShell has another folder in ProgramFiles.
$programFiles = if ($env:ProgramW6432) { $env:ProgramW6432 } else { $env:ProgramFiles }
$programFolder = Join-Path $programFiles 'PyDynDNS'
$dataFolder = Join-Path $env:ProgramData 'PyDynDNS'
$program = Join-Path $programFolder 'pydyndns.exe'
$configuration = Join-Path $programFolder 'pydyndns.conf'
$source = 'HKLM:\SYSTEM\CurrentControlSet\Services\EventLog\Application\PyDynDNS'
$taskPath = '\PyDynDNS\'
$tasks = 'Normal', 'Force', 'Network'

# SYSTEM and Administrators: everything. Local Service, which the tasks run as: what it needs. Nobody else, and nothing
# inherited: every user may create folders in C:\ProgramData.
$dataAccess = 'O:BAG:BAD:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;0x1301bf;;;LS)'
$secretAccess = 'O:BAG:BAD:PAI(A;;FA;;;SY)(A;;FA;;;BA)(A;;FR;;;LS)'

function Test-Link([string] $Path) {
    $item = Get-Item -LiteralPath $Path -Force -ErrorAction SilentlyContinue
    return ($null -ne $item) -and (($item.Attributes -band [IO.FileAttributes]::ReparsePoint) -ne 0)
}

# Replaces owner and access list as a whole: "icacls /grant" would leave what others were granted before.
function Set-Access([string] $Path, [string] $Sddl) {
    $item = Get-Item -LiteralPath $Path -Force
    $access = if ($item.PSIsContainer) {
        New-Object System.Security.AccessControl.DirectorySecurity
    } else {
        New-Object System.Security.AccessControl.FileSecurity
    }
    $access.SetSecurityDescriptorSddlForm($Sddl)
    Set-Acl -LiteralPath $Path -AclObject $access
}

# Stops the tasks, so that the program's file can be replaced.
foreach ($name in $tasks) {
    $task = Get-ScheduledTask -TaskPath $taskPath -TaskName $name -ErrorAction SilentlyContinue
    if ($null -ne $task) { Stop-ScheduledTask -InputObject $task }
}

# The program.
if (Test-Link $programFolder) { throw "$programFolder is a link; remove it and run this script again" }
New-Item -ItemType Directory -Path $programFolder -Force | Out-Null
$deadline = (Get-Date).AddSeconds(30)
while ($true) {
    try {
        Copy-Item -LiteralPath (Join-Path $PSScriptRoot 'pydyndns.exe') -Destination $program -Force
        break
    } catch [System.IO.IOException] {
        # A run that is under way, or a virus scanner, holds the file.
        if ((Get-Date) -gt $deadline) { throw }
        Start-Sleep -Milliseconds 500
    }
}
foreach ($name in 'uninstall.ps1', 'LICENSE.txt', 'LICENSES.txt', 'README.txt') {
    Copy-Item -LiteralPath (Join-Path $PSScriptRoot $name) -Destination $programFolder -Force
}

# The cache's folder. A link would lead elsewhere; what others put into an old folder is not ours to believe.
if (Test-Link $dataFolder) { throw "$dataFolder is a link; remove it and run this script again" }
if (Test-Path -LiteralPath $dataFolder -PathType Leaf) { throw "$dataFolder is a file; remove it and run this script again" }
New-Item -ItemType Directory -Path $dataFolder -Force | Out-Null
$wanted = New-Object System.Security.AccessControl.DirectorySecurity
$wanted.SetSecurityDescriptorSddlForm($dataAccess)
$isOurs = (Get-Acl -LiteralPath $dataFolder).GetSecurityDescriptorSddlForm('Owner,Access') -eq
    $wanted.GetSecurityDescriptorSddlForm('Owner,Access')
if (-not $isOurs) {
    Set-Access $dataFolder $dataAccess
    Get-ChildItem -LiteralPath $dataFolder -Force | ForEach-Object {
        # Not recursive through links: [IO.Directory]::Delete removes a junction, not what it points to.
        if (-not $_.PSIsContainer) { Remove-Item -LiteralPath $_.FullName -Force }
        elseif (Test-Link $_.FullName) { [IO.Directory]::Delete($_.FullName) }
        else { throw "$($_.FullName) is not part of pydyndns; remove it and run this script again" }
    }
}

# The configuration.
$isNew = -not (Test-Path -LiteralPath $configuration)
if ($isNew) {
    Copy-Item -LiteralPath (Join-Path $PSScriptRoot 'pydyndns.conf') -Destination $configuration
}
Set-Access $configuration $secretAccess
if ($isNew -and -not $Quiet) {
    # PowerShell does not wait for a window by itself.
    Start-Process -FilePath notepad.exe -ArgumentList "`"$configuration`"" -Wait
    # An editor may have saved a new file in the place of the old one.
    Set-Access $configuration $secretAccess
}

# The event source, whose message file shows the text as it is.
New-Item -Path $source -Force | Out-Null
New-ItemProperty -Path $source -Name EventMessageFile -PropertyType ExpandString -Force `
    -Value '%SystemRoot%\System32\EventCreate.exe' | Out-Null
New-ItemProperty -Path $source -Name TypesSupported -PropertyType DWord -Value 7 -Force | Out-Null

# The tasks.
foreach ($name in $tasks) {
    $xml = Get-Content -LiteralPath (Join-Path $PSScriptRoot "tasks\$name.xml") -Raw -Encoding Unicode
    $xml = $xml.Replace('C:\Program Files\PyDynDNS', [Security.SecurityElement]::Escape($programFolder))
    Register-ScheduledTask -TaskPath $taskPath -TaskName $name -Xml $xml -Force | Out-Null
}

if (-not $Quiet) {
    & $program --status
    if ($LASTEXITCODE -eq 2) {
        Write-Warning "the configuration is wrong: correct $configuration, then look again with --status"
    } elseif ($LASTEXITCODE -ne 0) {
        Write-Host "The task Normal registers this computer now, and then every ten minutes."
    }
}
