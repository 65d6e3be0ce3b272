s() { f=$(readlink -f sys/class/block/$1); echo $(( $2 * 2097152 )) >$f/size; }
s sda 931; s sda1 0; s sda2 1; s sda3 740; s dm-0 96; s dm-1 8; s dm-2 600; s dm-3 600
mkdir -p etc/pve/qemu-server; printf 'dir: local\n\tpath /var/lib/vz\n\tcontent iso,backup,vztmpl\n\nlvmthin: local-lvm\n\tthinpool data\n\tvgname pve\n\tcontent rootdir,images\n\nnfs: nas\n\tpath /mnt/pve/nas\n\tserver 10.0.0.9\n\texport /b\n\tcontent backup\n\npbs: pbs\n\tdatastore main\n\tserver 10.0.0.10\n\tcontent backup\n' >etc/pve/storage.cfg
printf "name: win\nmemory: 1024\nhostpci0: 02:00.0\nscsi0: local-lvm:vm-101-disk-0,size=64G\n" >etc/pve/qemu-server/101.conf
mkdir -p etc/pve/nodes/pve etc/pve/nodes/pve2; echo pve >etc/hostname; ln -sfn nodes/pve etc/pve/local; printf "vzdump: backup-1\n\tschedule 02:00\n\tall 1\n\tnode pve2\n\tstorage local\n\tenabled 1\n" >etc/pve/jobs.cfg
