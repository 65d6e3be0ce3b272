echo '41 1 0:44 / /srv/x rw,relatime shared:1 - fuse.ceph-fuse ceph-fuse rw' >>proc/1/mountinfo
echo '41 1 0:45 / /srv/y rw,relatime shared:1 - binder binder rw' >>proc/1/mountinfo
