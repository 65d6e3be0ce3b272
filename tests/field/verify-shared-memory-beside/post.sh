mkdir -p proc/4711/task/4711 proc/4711/task/4712
printf 'Name:\tkvm\nHugetlbPages:\t%s kB\n' "33554432" >proc/4711/status
for t in 4711 4712; do printf 'Name:\tkvm\nCpus_allowed_list:\t0-7,16-23\n' >proc/4711/task/$t/status; done
printf '%s\0' /usr/bin/kvm -id 101 -m 32768 -object \
    memory-backend-file,id=ram-node0,size=32768M,mem-path=/run/hugepages/kvm/1048576kB,share=on,prealloc=yes,host-nodes=0,policy=bind \
    -numa node,nodeid=0,cpus=0-3,memdev=ram-node0 -object memory-backend-memfd,id=shm,size=1G,share=on -device ivshmem-plain,memdev=shm -pidfile /var/run/qemu-server/101.pid -daemonize >proc/4711/cmdline
printf '7f00 bind:0 file=/run/hugepages/kvm/1048576kB/x huge N0=32 kernelpagesize_kB=1048576\n7f90 default file=/memfd:x N1=262144 kernelpagesize_kB=4\n' >proc/4711/numa_maps
