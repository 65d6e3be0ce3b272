mkdir -p run/qemu-server proc/4711
echo 4711 >run/qemu-server/101.pid; echo kvm >proc/4711/comm
printf 'Name:\tkvm\nState:\tS (sleeping)\nHugetlbPages:\t%s kB\n' 50331648 >proc/4711/status
printf '%s\0' /usr/bin/kvm -id 101 -name win,debug-threads=on -no-shutdown -m 49152 -object memory-backend-file,id=ram-node0,size=49152M,mem-path=/run/hugepages/kvm/1048576kB,share=on,prealloc=yes,host-nodes=0,policy=bind -numa node,nodeid=0,cpus=0-7,memdev=ram-node0 -device vfio-pci,host=0000:01:00.0,id=hostpci0,bus=ich9-pcie-port-1,addr=0x0 -pidfile /var/run/qemu-server/101.pid -daemonize >proc/4711/cmdline
cat >proc/4711/numa_maps <<'X'
7f0000000000 bind:0 file=/run/hugepages/kvm/1048576kB/qemu_back_mem._objects_ram-node0.abc\040(deleted) huge dirty=48 N0=48 kernelpagesize_kB=1048576
55a000000000 default heap anon=20000 dirty=20000 N0=20000 kernelpagesize_kB=4
7ffc00000000 default stack anon=10 dirty=10 N0=10 kernelpagesize_kB=4
X
mkdir -p proc/4711/task/4711; printf 'Name:\tkvm\nState:\tS (sleeping)\nCpus_allowed_list:\t0-7,16-23\n' >proc/4711/task/4711/status; printf 'kvm\n' >proc/4711/task/4711/comm
mkdir -p proc/4711/task/4712; printf 'Name:\tCPU 0/KVM\nState:\tS (sleeping)\nCpus_allowed_list:\t0-7,16-23\n' >proc/4711/task/4712/status; printf 'CPU 0/KVM\n' >proc/4711/task/4712/comm
mkdir -p proc/4711/task/4713; printf 'Name:\tCPU 1/KVM\nState:\tS (sleeping)\nCpus_allowed_list:\t0-7,16-23\n' >proc/4711/task/4713/status; printf 'CPU 1/KVM\n' >proc/4711/task/4713/comm
mkdir -p proc/4711/task/4714; printf 'Name:\tCPU 2/KVM\nState:\tS (sleeping)\nCpus_allowed_list:\t0-7,16-23\n' >proc/4711/task/4714/status; printf 'CPU 2/KVM\n' >proc/4711/task/4714/comm
mkdir -p proc/4711/task/4715; printf 'Name:\tCPU 3/KVM\nState:\tS (sleeping)\nCpus_allowed_list:\t0-7,16-23\n' >proc/4711/task/4715/status; printf 'CPU 3/KVM\n' >proc/4711/task/4715/comm
mkdir -p proc/4711/fd proc/irq/91 proc/irq/92; ln -s /dev/vfio/40 proc/4711/fd/40
for i in 91 92; do echo 8-15 >proc/irq/$i/smp_affinity_list; echo 8 >proc/irq/$i/effective_affinity_list; done
