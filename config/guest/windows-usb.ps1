try { [Console]::OutputEncoding = [Text.Encoding]::UTF8 } catch { };
Get-PnpDevice -PresentOnly -ErrorAction SilentlyContinue |
  Where-Object { $_.InstanceId -like 'USB\VID_*' -and $_.InstanceId -notlike '*&MI_*' } |
  ForEach-Object { $_.InstanceId + [char]9 + $_.FriendlyName };
'end'
