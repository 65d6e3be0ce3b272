printf 'Local:\n        |-- 10.77.0.2\n           /32 host LOCAL\n        |-- 127.0.0.1\n           /32 host LOCAL\n' >proc/net/fib_trie
