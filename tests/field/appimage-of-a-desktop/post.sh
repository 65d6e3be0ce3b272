echo '90 1 0:60 / /tmp/.mount_NextclAb12 ro,nosuid,nodev - fuse.Nextcloud-3.16.0-x86_64.AppImage Nextcloud-3.16.0-x86_64.AppImage ro,user_id=1000,group_id=1000' >>proc/1/mountinfo
