d=sys/devices/system/node/node0/hugepages/hugepages-2048kB
mkdir -p $d; echo 12800 > $d/nr_hugepages; echo 12800 > $d/free_hugepages; echo 0 > $d/surplus_hugepages
