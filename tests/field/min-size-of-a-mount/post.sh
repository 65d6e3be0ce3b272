mkdir -p sys/kernel/mm/hugepages/hugepages-1048576kB; echo 8 >sys/kernel/mm/hugepages/hugepages-1048576kB/resv_hugepages
printf 'none /mnt/huge hugetlbfs rw,relatime,pagesize=1024M,min_size=8G 0 0\n' >>proc/mounts
