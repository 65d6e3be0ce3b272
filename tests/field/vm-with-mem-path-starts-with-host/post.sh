d=sys/devices/system/node/node0/hugepages/hugepages-1048576kB
mkdir -p $d; echo 56 > $d/nr_hugepages; echo 56 > $d/free_hugepages; echo 0 > $d/surplus_hugepages
