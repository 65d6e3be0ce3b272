mkdir -p etc/pam.d; printf 'auth required pam_u2f.so authfile=/etc/u2f_mappings\nauth [success=1 default=ignore] pam_unix.so nullok\n' >etc/pam.d/common-auth
