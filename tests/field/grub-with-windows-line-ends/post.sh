printf 'GRUB_DEFAULT=0\r\n\r\nGRUB_CMDLINE_LINUX_DEFAULT="quiet"\r\nGRUB_CMDLINE_LINUX="hugepagesz=1G hugepages=16"\r\n' > etc/default/grub
