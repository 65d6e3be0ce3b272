for d in sys/bus/usb/devices/*-1; do grep -q 2101 $d/idProduct || continue; n=$(basename $d); mkdir -p $d/$n:1.1; echo 0b >$d/$n:1.1/bInterfaceClass; done
