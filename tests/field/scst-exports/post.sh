d=sys/kernel/scst_tgt/devices/nas; mkdir -p $d; printf '/dev/sdb\n[key]\n' >$d/filename; echo vdisk_blockio >$d/handler
