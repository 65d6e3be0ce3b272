#pragma once
#include <string>
#include <string_view>

namespace hostsplit {

/// SHA-1 (FIPS 180-4) as 40 hex digits. For comparing with what others compute, never for security.
std::string sha1_hex(std::string_view text);

}  // namespace hostsplit
