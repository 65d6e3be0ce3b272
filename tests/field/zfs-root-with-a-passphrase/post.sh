mkdir -p etc/zfs/zfs-list.cache
printf 'rpool/ROOT\tnone\ton\ton\ton\ton\ton\toff\ton\toff\trpool/ROOT\tprompt\t-\t-\t-\t-\t-\t-\t-\t-\n' >etc/zfs/zfs-list.cache/rpool
printf 'rpool/ROOT/pve-1\t/\ton\ton\ton\ton\ton\toff\ton\toff\trpool/ROOT\tnone\t-\t-\t-\t-\t-\t-\t-\t-\n' >>etc/zfs/zfs-list.cache/rpool
