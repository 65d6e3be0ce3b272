for n in 0 1; do d=sys/devices/system/node/node$n/hugepages/hugepages-1048576kB
mkdir -p $d; echo 40 > $d/nr_hugepages; echo 40 > $d/free_hugepages; echo 0 > $d/surplus_hugepages; done
