mkdir -p run/udev/data
printf 'E:ID_PART_ENTRY_TYPE=6a898cc3-1dd2-11b2-99a6-080020736631\n' >run/udev/data/b$(cat sys/class/block/sdb/dev)
printf 'E:ID_PART_ENTRY_TYPE=0fc63daf-8483-4772-8e79-3d69d8477de4\n' >run/udev/data/b$(cat sys/class/block/sdc/dev)
