mkdir -p etc/apcupsd etc/nut; printf 'UPSCABLE usb\nUPSTYPE modbus\nDEVICE\n' >etc/apcupsd/apcupsd.conf; printf '[hp]\n  driver = usbhid-ups\n  port = auto\n' >etc/nut/ups.conf
