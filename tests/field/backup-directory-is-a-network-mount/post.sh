s() { f=$(readlink -f sys/class/block/$1); echo $(( $2 * 2097152 )) >$f/size; }
s sda 931; s sda1 0; s sda2 1; s sda3 740; s dm-0 96; s dm-1 8; s dm-2 600; s dm-3 600
mkdir -p etc/pve/qemu-server; printf 'dir: local\n\tpath /var/lib/vz\n\tcontent iso,backup,vztmpl\n\nlvmthin: local-lvm\n\tthinpool data\n\tvgname pve\n\tcontent rootdir,images\n\ndir: linked\n\tpath /srv/link\n\tcontent backup\n' >etc/pve/storage.cfg
printf "name: win\nmemory: 1024\nhostpci0: 02:00.0\nscsi0: local-lvm:vm-101-disk-0,size=64G\n" >etc/pve/qemu-server/101.conf
mkdir -p var/lib/vz/dump mnt/nas/dump srv; ln -s /mnt/nas srv/link
: >var/lib/vz/dump/vzdump-qemu-101-2026_01_31-01_00_00.vma.zst; : >mnt/nas/dump/vzdump-qemu-101-2026_02_28-01_00_00.vma.zst
