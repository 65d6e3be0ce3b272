mkdir -p etc/pve/qemu-server
printf "cores: 1\nmemory: 1024\nname: a\nscsi0: local:101/vm-101-disk-0.raw,size=4G\n" >etc/pve/qemu-server/101.conf
printf 'vzdump: a\n\tschedule 2:00\n\tpool people\n' >etc/pve/jobs.cfg
printf 'dir: local\n\tpath /var/lib/vz\n' >etc/pve/storage.cfg
