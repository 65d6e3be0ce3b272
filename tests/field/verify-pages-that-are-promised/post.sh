mkdir -p sys/kernel/mm/hugepages/hugepages-2048kB proc/900
echo 3584 >sys/kernel/mm/hugepages/hugepages-2048kB/resv_hugepages
printf 'Name:\tpostgres\nHugetlbPages:\t1048576 kB\n' >proc/900/status; printf '/usr/lib/postgresql/17/bin/postgres\0' >proc/900/cmdline
printf '7f00 default file=/anon_hugepage\\040(deleted) huge dirty=512 N0=512 kernelpagesize_kB=2048\n' >proc/900/numa_maps
