mkdir -p etc/network/interfaces.d
cat >etc/network/interfaces <<'E'
auto lo
iface lo inet loopback

E
mkdir -p $(dirname etc/systemd/network/20-storage.network)
cat >etc/systemd/network/20-storage.network <<'E'
[Match]
Name=enx02

[Network]
Address=10.1.1.1/24

E
