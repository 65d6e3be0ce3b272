echo '90 1 0:60 / /mnt/gdrive rw,nosuid,nodev,relatime - fuse.rclone gdrive: rw,user_id=0,group_id=0' >>proc/1/mountinfo; echo down >sys/class/net/enx02/operstate
