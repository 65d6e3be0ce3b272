mkdir -p etc/pve/qemu-server
printf "lvm: local-lvm\n\tvgname pve\n\tcontent images\n" >etc/pve/storage.cfg
printf "name: db\nmemory: 1024\nscsi1: local-lvm:vm-110-disk-0,size=100G\n" >etc/pve/qemu-server/110.conf
