#include "measure.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <stdexcept>

void raw_write(const std::string& path, const std::string& value) {
  const int fd = open(path.c_str(), O_WRONLY);
  const bool written = fd >= 0 && write(fd, value.data(), value.size()) >= 0;
  close(fd);
  if (!written) throw std::runtime_error("cannot write " + path);
}

long microseconds(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - start).count();
}

long median(std::vector<long> values) {
  std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
  return values[values.size() / 2];
}
