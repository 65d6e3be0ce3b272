mkdir -p run/qemu-server proc/4711
echo 4711 >run/qemu-server/115.pid
printf 'Name:\tkvm\nHugetlbPages:\t%s kB\n' 12582912 >proc/4711/status
for t in 4711 4712; do mkdir -p proc/4711/task/$t; printf 'Name:\tCPU 0/KVM\nCpus_allowed_list:\t0-3\n' >proc/4711/task/$t/status; done
printf '%s\0' /usr/bin/kvm -id 115 -m 12288 -object memory-backend-file,id=ram-node0,size=12288M,mem-path=/run/hugepages/kvm/1048576kB,share=on,prealloc=yes,host-nodes=0,policy=bind -numa node,nodeid=0,cpus=0-3,memdev=ram-node0  -pidfile /var/run/qemu-server/115.pid -daemonize >proc/4711/cmdline
printf '7f00 bind:0 file=/run/hugepages/kvm/1048576kB/x huge N0=12 kernelpagesize_kB=1048576\n' >proc/4711/numa_maps
