#include "operations/report/colour.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include "core/base/number.hpp"

namespace hostsplit {
namespace {

/// With fewer columns a table is unreadable, however it is broken.
constexpr std::size_t fewest_columns = 40;

}  // namespace

bool stdout_is_screen() {
  const char* terminal = std::getenv("TERM");
  return isatty(STDOUT_FILENO) == 1 && terminal && *terminal && std::string_view(terminal) != "dumb";
}

std::size_t columns_of_stdout() {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col != 0)
    return std::max<std::size_t>(size.ws_col, fewest_columns);
  const char* columns = std::getenv("COLUMNS");
  const auto number = parse_number<unsigned>(columns ? columns : "");
  if (number && *number != 0) return std::max<std::size_t>(*number, fewest_columns);
  constexpr std::size_t usual = 80;  // a serial console does not know its size
  return isatty(STDOUT_FILENO) == 1 ? usual : 0;
}

Paint Paint::for_stdout() {
  const char* refused = std::getenv("NO_COLOR");
  return {stdout_is_screen() && (!refused || !*refused), columns_of_stdout()};
}

}  // namespace hostsplit
