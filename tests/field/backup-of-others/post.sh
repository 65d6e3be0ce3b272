mkdir -p etc/pve/qemu-server
for i in 101 102; do printf "cores: 1\nmemory: 1024\nname: vm$i\nscsi0: local:$i/vm-$i-disk-0.raw,size=4G\n" >etc/pve/qemu-server/$i.conf; done
printf 'vzdump: a\n\tschedule 2:00\n\tall 1\n\texclude 101\n' >etc/pve/jobs.cfg
printf 'dir: local\n\tpath /var/lib/vz\n' >etc/pve/storage.cfg
