mkdir -p dev/hugepages; for i in 0 1 2 3 4 5 6 7; do : >dev/hugepages/rtemap_$i; done
printf 'hugetlbfs /dev/hugepages hugetlbfs rw,nosuid,nodev,relatime,pagesize=1024M 0 0\n' >>proc/mounts
