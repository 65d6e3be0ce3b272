mkdir -p dev/zvol/tank etc; rm -r sys/devices/virtual/block/md0/dm dev/mapper/x
z=sys/devices/virtual/block/zd0; mkdir -p $z; echo 230:0 >$z/dev
for l in sys/class/block sys/block; do ln -s ../../${z#sys/} $l/zd0; done; ln -s ../../${z#sys/} sys/dev/block/230:0
ln -s ../../zd0 dev/zvol/tank/swap
printf 'Filename\tType\tSize\tUsed\tPriority\n/dev/zd0 partition 8388604 0 100\n/mnt/swap/swapfile file 100 0 -2\n' >proc/swaps
echo 'root_crypt UUID=aa /etc/keys/root.key luks' >etc/crypttab
