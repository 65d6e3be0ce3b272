mkdir -p etc/zfs/zfs-list.cache
printf 'tank/data\t/tank/data\ton\ton\ton\ton\ton\toff\ton\toff\ttank/data\tprompt\t-\t-\t-\t-\t-\t-\toff\t-\n' >etc/zfs/zfs-list.cache/tank
