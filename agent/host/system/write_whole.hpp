#pragma once
#include <string_view>

namespace hostsplit {

/// Writes all of it, however often that takes. \return errno, 0 when all was written.
int write_whole(int fd, std::string_view content);

}  // namespace hostsplit
