mkdir -p proc/900/fd proc/900/ns; echo node >proc/900/comm; ln -s 'mnt:[4026533000]' proc/900/ns/mnt; ln -s /dev/ttyACM0 proc/900/fd/21
