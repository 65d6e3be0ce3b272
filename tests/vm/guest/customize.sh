#!/bin/sh
# customize.sh ROOT: turns the freshly installed Debian in ROOT into the bench's host.
# Called by mmdebstrap as its customize hook.
set -eu
root=$1
here=$(dirname "$0")

cp -a --no-preserve=ownership "$here/root/." "$root/"
chroot "$root" passwd --delete root
chroot "$root" systemd-machine-id-setup
chroot "$root" systemctl enable systemd-networkd.service
chroot "$root" systemctl mask apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer \
    e2scrub_all.timer e2scrub_reap.service fstrim.timer systemd-pstore.service \
    man-db.timer getty@tty1.service grub-common.service \
    lvm2-monitor.service blk-availability.service systemd-networkd-wait-online.service
rm -f "$root/etc/resolv.conf"
# Again, because the copied files decide what goes into it.
chroot "$root" update-initramfs -u
