#Requires -Version 5.1
#Requires -RunAsAdministrator
<#
.SYNOPSIS
Takes back everything that install.ps1 did, except the configuration. The records in DNS stay.

.PARAMETER RemoveConfiguration
Remove the configuration too.

.PARAMETER Unregister
Remove this computer's records from DNS first.
#>
[CmdletBinding()]
param([switch] $RemoveConfiguration, [switch] $Unregister)

Set-StrictMode -Version 2
$ErrorActionPreference = 'Stop'

$programFiles = if ($env:ProgramW6432) { $env:ProgramW6432 } else { $env:ProgramFiles }
$programFolder = Join-Path $programFiles 'PyDynDNS'
$dataFolder = Join-Path $env:ProgramData 'PyDynDNS'
$program = Join-Path $programFolder 'pydyndns.exe'
$configuration = Join-Path $programFolder 'pydyndns.conf'
$source = 'HKLM:\SYSTEM\CurrentControlSet\Services\EventLog\Application\PyDynDNS'
$taskPath = '\PyDynDNS\'

# The tasks first, so that none of them registers again.
foreach ($name in 'Normal', 'Force', 'Network') {
    $task = Get-ScheduledTask -TaskPath $taskPath -TaskName $name -ErrorAction SilentlyContinue
    if ($null -ne $task) {
        Stop-ScheduledTask -InputObject $task
        Unregister-ScheduledTask -InputObject $task -Confirm:$false
    }
}
$scheduler = New-Object -ComObject Schedule.Service
$scheduler.Connect()
# A folder with tasks of somebody else stays.
try { $scheduler.GetFolder('\').DeleteFolder('PyDynDNS', 0) } catch { Write-Verbose "$_" }

if ($Unregister -and (Test-Path -LiteralPath $program)) {
    & $program --unregister
    if ($LASTEXITCODE -ne 0) { throw 'the records could not be removed; nothing else has been removed but the tasks' }
}

foreach ($name in 'pydyndns.cache', 'pydyndns.cache.lock', 'pydyndns.cache.new') {
    $file = Join-Path $dataFolder $name
    if (Test-Path -LiteralPath $file) { Remove-Item -LiteralPath $file -Force }
}
foreach ($name in 'pydyndns.exe', 'LICENSE.txt', 'LICENSES.txt', 'README.txt', 'uninstall.ps1') {
    $file = Join-Path $programFolder $name
    if (Test-Path -LiteralPath $file) { Remove-Item -LiteralPath $file -Force }
}
if ($RemoveConfiguration -and (Test-Path -LiteralPath $configuration)) {
    Remove-Item -LiteralPath $configuration -Force
}
# What is left in a folder is not ours, or is the configuration.
foreach ($folder in $dataFolder, $programFolder) {
    if ((Test-Path -LiteralPath $folder) -and -not (Get-ChildItem -LiteralPath $folder -Force)) {
        Remove-Item -LiteralPath $folder -Force
    }
}

if (Test-Path -LiteralPath $source) { Remove-Item -LiteralPath $source -Recurse -Force }
