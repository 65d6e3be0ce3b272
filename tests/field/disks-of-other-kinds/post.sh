a=sys/devices/virtual/block/etherd!e1.1; mkdir -p $a; echo 152:16 >$a/dev
for l in sys/class/block sys/block; do mkdir -p $l; ln -s ../../${a#sys/} $l/etherd!e1.1; done
sed -i 's,^/block,,' $a/dev; ln -s ../../${a#sys/} sys/dev/block/152:16
echo '40 1 152:16 / /srv/aoe rw,relatime shared:1 - xfs /dev/etherd/e1.1 rw' >>proc/1/mountinfo
t=sys/kernel/config/target/core/iblock_0/backup; mkdir -p $t; echo /dev/sdc >$t/udev_path; echo 1 >$t/enable
t=sys/kernel/config/nvmet/subsystems/nqn.x/namespaces/1; mkdir -p $t; echo /dev/sdd >$t/device_path; echo 1 >$t/enable
mkdir -p etc dev/disk/by-uuid; ln -s ../../sde dev/disk/by-uuid/ABCD-1234
printf '# boot\nUUID=ABCD-1234 /boot/efi vfat noauto,x-systemd.automount,umask=0077 0 1\n' >etc/fstab
z=sys/devices/virtual/block/zram0; mkdir -p $z; echo 254:0 >$z/dev; echo /dev/mapper/cold >$z/backing_dev
for l in sys/class/block sys/block; do ln -s ../../${z#sys/} $l/zram0; done; ln -s ../../${z#sys/} sys/dev/block/254:0
printf 'Filename\tType\tSize\tUsed\tPriority\n/dev/zram0 partition 8388604 0 100\n' >proc/swaps
mkdir -p run/udev/data etc/pve/qemu-server etc/lvm/backup
n=$(cat sys/class/block/sdg/dev); printf 'E:ID_FS_TYPE=LVM2_member\nE:ID_FS_UUID=abcdef-0000-1111-2222-3333-4444-ghijkl\n' >run/udev/data/b$n
printf 'cold {\n\tid = "x"\n\tphysical_volumes {\n\t\tpv0 {\n\t\t\tid = "abcdef-0000-1111-2222-3333-4444-ghijkl"\n\t\t\tdevice = "/dev/sdz"\n\t\t}\n\t}\n}\n' >etc/lvm/backup/cold
printf 'lvmthin: usbthin\n\tthinpool data\n\tvgname cold\n\tcontent images\n' >etc/pve/storage.cfg
printf 'cores: 1\nmemory: 1024\nname: nas\nscsi1: usbthin:vm-105-disk-0,size=4G\n' >etc/pve/qemu-server/105.conf
