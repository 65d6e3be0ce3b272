mkdir -p run/qemu-server proc/4711; echo 4711 >run/qemu-server/101.pid; echo kvm >proc/4711/comm
printf 'Name:\tkvm\nVmRSS:\t2097152 kB\nRssAnon:\t2097152 kB\nRssFile:\t0 kB\nRssShmem:\t0 kB\nHugetlbPages:\t0 kB\n' >proc/4711/status
printf '%s\0' /usr/bin/kvm -id 101 -m 16384 -pidfile /var/run/qemu-server/101.pid -daemonize >proc/4711/cmdline
mkdir -p run/qemu-server proc/4811; echo 4811 >run/qemu-server/102.pid; echo kvm >proc/4811/comm
printf 'Name:\tkvm\nVmRSS:\t2097152 kB\nRssAnon:\t2097152 kB\nRssFile:\t0 kB\nRssShmem:\t0 kB\nHugetlbPages:\t0 kB\n' >proc/4811/status
printf '%s\0' /usr/bin/kvm -id 102 -m 16384 -pidfile /var/run/qemu-server/102.pid -daemonize >proc/4811/cmdline
