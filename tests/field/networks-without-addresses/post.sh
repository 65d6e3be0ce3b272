for i in 0 1; do echo 280 >sys/class/net/can$i/type; done
echo 0x400c1 >sys/class/net/can0/flags; echo 0x40080 >sys/class/net/can1/flags
