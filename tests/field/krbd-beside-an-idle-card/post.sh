mkdir -p etc/pve
n=sys/devices/virtual/block/rbd0; mkdir -p $n; echo 252:0 >$n/dev; for x in sys/class/block sys/block; do ln -s ../../${n#sys/} $x/rbd0; done; ln -s ../../${n#sys/} sys/dev/block/252:0; echo '90 1 252:0 / /var/lib/lxc/110/rootfs rw,relatime - ext4 /dev/rbd0 rw,stripe=16' >>proc/1/mountinfo; printf '[global]\n\tpublic_network = 10.0.0.0/24\n\tmon_host = 10.0.0.2 10.0.0.3\n' >etc/pve/ceph.conf
# The kernel says itself which monitors it has.
mkdir -p sys/bus/rbd/devices/0; echo '10.0.0.2:6789,10.0.0.3:6789 name=admin,key=client.admin rbd vm-110-disk-0 -' >sys/bus/rbd/devices/0/config_info
