mkdir -p etc/network/interfaces.d
cat >etc/network/interfaces <<'E'
auto dsl
iface dsl inet ppp
	provider dsl

E
mkdir -p $(dirname etc/ppp/peers/dsl)
cat >etc/ppp/peers/dsl <<'E'
plugin rp-pppoe.so
nic-enx02
user "x"

E
