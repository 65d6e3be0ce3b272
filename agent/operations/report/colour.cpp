#include "operations/report/colour.hpp"

#include <unistd.h>

#include <cstdlib>

namespace hostsplit {

Paint Paint::for_stdout() {
  const char* refused = std::getenv("NO_COLOR");
  return {isatty(STDOUT_FILENO) == 1 && (!refused || !*refused)};
}

}  // namespace hostsplit
