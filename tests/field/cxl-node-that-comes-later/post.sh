mkdir -p sys/bus/dax/drivers/kmem; ln -s ../../drivers/kmem sys/bus/dax/devices/dax0.0/driver
