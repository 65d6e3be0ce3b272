controller=sys/devices/pci0000:00/0000:00:1b.0/0000:04:00.0/nvme/nvme1
subsystem=sys/devices/virtual/nvme-subsystem/nvme-subsys1
mkdir -p $controller/nvme1c1n1 $subsystem/nvme1n1 sys/class/nvme-subsystem sys/class/nvme sys/class/block sys/block sys/dev/block
echo pcie >$controller/transport; echo live >$controller/state
echo 1 >$controller/nvme1c1n1/hidden
echo 259:1 >$subsystem/nvme1n1/dev; echo 2000000000 >$subsystem/nvme1n1/size
ln -s ../../../pci0000:00/0000:00:1b.0/0000:04:00.0/nvme/nvme1 $subsystem/nvme1
ln -s ../../devices/virtual/nvme-subsystem/nvme-subsys1 sys/class/nvme-subsystem/nvme-subsys1
ln -s ../../${controller#sys/} sys/class/nvme/nvme1
ln -s ../../${subsystem#sys/}/nvme1n1 sys/class/block/nvme1n1
ln -s ../${subsystem#sys/}/nvme1n1 sys/block/nvme1n1
ln -s ../../${controller#sys/}/nvme1c1n1 sys/class/block/nvme1c1n1
ln -s ../${controller#sys/}/nvme1c1n1 sys/block/nvme1c1n1
ln -s ../../${subsystem#sys/}/nvme1n1 sys/dev/block/259:1
mkdir -p proc/900/fd; echo dd >proc/900/comm; printf "dd\0" >proc/900/cmdline
ln -s /dev/nvme1n1 proc/900/fd/3
