for i in $(seq 0 31); do mkdir -p sys/devices/system/cpu/cpu$i/topology sys/devices/system/cpu/cpu$i/cache/index3
if [ $i -lt 16 ]; then echo $((i/2*2))-$((i/2*2+1)); else echo $i; fi >sys/devices/system/cpu/cpu$i/topology/thread_siblings_list
echo 3 >sys/devices/system/cpu/cpu$i/cache/index3/level; echo 0-31 >sys/devices/system/cpu/cpu$i/cache/index3/shared_cpu_list; done
mkdir -p sys/devices/cpu_core sys/devices/cpu_atom; echo 0-15 >sys/devices/cpu_core/cpus; echo 16-31 >sys/devices/cpu_atom/cpus
