echo '91 36 8:99 / /mnt/gone rw - vfat /dev/sdq rw' >>proc/1/mountinfo
