#include "host/system/secret.hpp"

#include <sys/random.h>

#include <cerrno>
#include <cstring>

#include "core/base/error.hpp"

namespace hostsplit {

std::string new_secret() {
  constexpr const char* alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  unsigned char random[32];
  if (getrandom(random, sizeof random, 0) != static_cast<ssize_t>(sizeof random))
    throw Error("get", "random bytes", std::strerror(errno));
  std::string secret;
  for (const unsigned char byte : random) secret += alphabet[byte & 63];
  return secret;
}

}  // namespace hostsplit
