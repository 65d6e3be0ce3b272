i=$(readlink -f sys/class/net/enx020000000001); i=$(dirname $(dirname $i)); rm -r $i/net/enx020000000001 sys/class/net/enx020000000001
