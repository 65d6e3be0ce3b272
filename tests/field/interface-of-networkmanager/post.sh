mkdir -p etc/network/interfaces.d
cat >etc/network/interfaces <<'E'
auto lo
iface lo inet loopback

E
mkdir -p $(dirname etc/NetworkManager/system-connections/storage.nmconnection)
cat >etc/NetworkManager/system-connections/storage.nmconnection <<'E'
[connection]
id=storage
type=ethernet
interface-name=enx02

[ipv4]
address1=10.1.1.1/24
method=manual

E
