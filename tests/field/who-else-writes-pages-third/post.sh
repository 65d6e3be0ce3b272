chmod 755 etc/cron.daily/hp etc/init.d/hugepages etc/network/if-up.d/hp
