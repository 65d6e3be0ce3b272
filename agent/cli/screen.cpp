#include "cli/screen.hpp"

#include <cerrno>
#include <cstring>
#include <iostream>

#include "cli/verbs.hpp"
#include "operations/report/colour.hpp"
#include "operations/report/wrap.hpp"

namespace hostsplit::cli {

void show(const std::string& text) {
  std::cout << fit(text, columns_of_stdout());
}

int with_output_written(int code) {
  errno = 0;
  if (std::cout.flush()) return code;
  // An earlier flush may have failed: its errno is gone.
  std::cerr << "hostsplit: cannot write standard output: " << std::strerror(errno == 0 ? EIO : errno) << "\n";
  return Exit::failed;
}

}  // namespace hostsplit::cli
