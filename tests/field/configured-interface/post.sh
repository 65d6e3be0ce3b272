mkdir -p etc/network
printf 'iface enx02 inet static\n\taddress 10.1.1.1/24\n' >etc/network/interfaces
