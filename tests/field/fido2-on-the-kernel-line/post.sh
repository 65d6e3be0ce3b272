sed -i 's/$/ rd.luks.uuid=luks-aa rd.luks.options=fido2-device=auto/' proc/cmdline
