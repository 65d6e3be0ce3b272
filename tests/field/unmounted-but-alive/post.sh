mkdir -p sys/fs/ext4/sdb sys/fs/ext4/features
