d=sys/devices/system/node/node0/hugepages/hugepages-1048576kB
mkdir -p $d proc/4711/task/4711 run/qemu-server
echo 8 >$d/nr_hugepages; echo 0 >$d/free_hugepages; echo 0 >$d/surplus_hugepages
echo 4711 >run/qemu-server/101.pid
printf 'Name:\tkvm\nHugetlbPages:\t%s kB\n' 8388608 >proc/4711/status
printf 'Name:\tkvm\nCpus_allowed_list:\t0-9,20-29\n' >proc/4711/task/4711/status
printf '%s\0' /usr/bin/kvm -id 101 -m 8192 -object \
    memory-backend-file,id=ram-node0,size=8192M,mem-path=/run/hugepages/kvm/1048576kB,share=on,prealloc=yes,host-nodes=0,policy=bind \
    -numa node,nodeid=0,cpus=0-7,memdev=ram-node0 -pidfile /var/run/qemu-server/101.pid -daemonize >proc/4711/cmdline
printf '7f00 bind:0 file=/run/hugepages/kvm/1048576kB/x huge N0=8 kernelpagesize_kB=1048576\n55a0 default heap anon=130000 dirty=130000 N0=130000 kernelpagesize_kB=4\n' >proc/4711/numa_maps
