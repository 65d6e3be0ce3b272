#pragma once
#include <string>

namespace hostsplit {

/// 192 random bits of the kernel, as 32 letters, digits, '-' and '_': characters that mean nothing else in a URL, a
/// cookie and a header. \throws Error
std::string new_secret();

}  // namespace hostsplit
