mkdir -p sys/devices/virtual/net/ppp0 proc/800/fd; ln -s ../../devices/virtual/net/ppp0 sys/class/net/ppp0; echo pppd >proc/800/comm; ln -s /dev/ttyUSB0 proc/800/fd/5
