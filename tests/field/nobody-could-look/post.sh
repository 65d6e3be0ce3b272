rm -rf proc/1/mountinfo proc/net/route sys/class/input proc/swaps
