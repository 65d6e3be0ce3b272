#pragma once
#include <functional>
#include <string>

namespace hostsplit {

/// Strings of an XDR encoded nvlist by key, in order, as in /etc/zfs/zpool.cache (include/sys/nvpair.h of OpenZFS).
/// Whatever else is in it is skipped.
void each_nvlist_string(const std::string& data,
                        const std::function<void(const std::string& key, const std::string& value)>& use);

/// One such string, encoded.
std::string nvlist_string(const std::string& key, const std::string& value);

}  // namespace hostsplit
