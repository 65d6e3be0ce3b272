mkdir -p etc/nut; printf '[apc]\n  driver = apc_modbus\n  port = auto\n  porttype = usb\n' >etc/nut/ups.conf
