[Console]::OutputEncoding = [Text.Encoding]::UTF8
Get-PnpDevice -PresentOnly -ErrorAction SilentlyContinue |
  Where-Object { $_.InstanceId -like 'USB\VID_*' -and $_.InstanceId -notlike '*&MI_*' } |
  ForEach-Object { $_.InstanceId + [char]9 + $_.FriendlyName }
'end'
