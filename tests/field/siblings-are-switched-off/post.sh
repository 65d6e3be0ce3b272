d=sys/devices/system/node/node0/hugepages/hugepages-1048576kB
mkdir -p $d proc/4711/task/4711 run/qemu-server
echo 40 >$d/nr_hugepages; echo 0 >$d/free_hugepages; echo 0 >$d/surplus_hugepages
echo 4711 >run/qemu-server/101.pid
printf 'Name:\tkvm\nHugetlbPages:\t%s kB\n' 41943040 >proc/4711/status
printf 'Name:\tkvm\nCpus_allowed_list:\t0-9,20-29\n' >proc/4711/task/4711/status
printf '%s\0' /usr/bin/kvm -id 101 -m 40960 -object \
    memory-backend-file,id=ram-node0,size=40960M,mem-path=/run/hugepages/kvm/1048576kB,share=on,prealloc=yes,host-nodes=0,policy=bind \
    -numa node,nodeid=0,cpus=0-7,memdev=ram-node0 -pidfile /var/run/qemu-server/101.pid -daemonize >proc/4711/cmdline
printf '7f00 bind:0 file=/run/hugepages/kvm/1048576kB/x huge N0=40 kernelpagesize_kB=1048576\n' >proc/4711/numa_maps
