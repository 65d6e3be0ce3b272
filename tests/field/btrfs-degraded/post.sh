u=sys/fs/btrfs/1111; mkdir -p $u/devices/sda2 $u/devinfo/1 $u/devinfo/2
