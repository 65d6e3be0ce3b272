mkdir -p proc/4711/task/4711
printf 'Name:\tkvm\nCpus_allowed_list:\t0-15\n' | tee proc/4711/status >proc/4711/task/4711/status
printf '%s\0' /usr/bin/kvm -id 115 -m 8192 -object \
    memory-backend-file,id=ram-node0,size=8192M,mem-path=/run/hugepages/kvm/1048576kB,share=on,prealloc=yes,host-nodes=1,policy=bind \
    -numa node,nodeid=0,cpus=0-3,memdev=ram-node0 -pidfile /var/run/qemu-server/115.pid -daemonize >proc/4711/cmdline
printf '7f00 bind:1 file=/run/hugepages/kvm/1048576kB/x\\040(deleted) huge N1=8 kernelpagesize_kB=1048576\n' >proc/4711/numa_maps
