d=sys/devices/system/node/node1/hugepages/hugepages-1048576kB
mkdir -p $d; echo 40 > $d/nr_hugepages; echo 0 > $d/free_hugepages; echo 0 > $d/surplus_hugepages
