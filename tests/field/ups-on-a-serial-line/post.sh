mkdir -p etc/nut
printf '[a]\n driver = blazer_ser\n port = /dev/ttyUSB0\n[b]\n driver = nutdrv_qx\n port = auto\n vendorid = 0001\n' >etc/nut/ups.conf
