echo '90 1 0:60 / /cvmfs/atlas.cern.ch ro,nosuid,nodev,relatime - fuse cvmfs2 ro,user_id=999,group_id=999,default_permissions,allow_other' >>proc/1/mountinfo
