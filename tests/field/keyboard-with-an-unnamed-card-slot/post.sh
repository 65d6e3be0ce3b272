# interface 0 is a boot keyboard, interface 1 a card reader
for d in sys/bus/usb/devices/*-4; do
  grep -q 00a1 $d/idProduct || continue
  n=${d##*/}; mkdir -p $d/$n:1.0 $d/$n:1.1; echo CHERRY >$d/manufacturer; echo 0b >$d/$n:1.1/bInterfaceClass
  echo 03 >$d/$n:1.0/bInterfaceClass; echo 01 >$d/$n:1.0/bInterfaceSubClass; echo 01 >$d/$n:1.0/bInterfaceProtocol
done
