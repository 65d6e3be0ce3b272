mkdir -p proc/900/fd proc/900/ns sys/dev/char; echo node >proc/900/comm; ln -s 'mnt:[4026533000]' proc/900/ns/mnt
ln -s "$(readlink sys/class/tty/ttyUSB0)" sys/dev/char/188:0; ln -s /dev/char/188:0 proc/900/fd/21
