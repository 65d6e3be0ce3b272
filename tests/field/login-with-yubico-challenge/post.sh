mkdir -p etc/pam.d; printf 'auth required pam_yubico.so mode=challenge-response\n' >etc/pam.d/common-auth
