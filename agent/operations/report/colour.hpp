#pragma once
#include <cstddef>
#include <string>

namespace hostsplit {

/// How a text is shown: in colour or not, and in how many columns. Default: no colour, lines of any length.
struct Paint {
  bool colour = false;
  std::size_t width = 0;  ///< columns for tables; 0: no limit

  /// For standard output now. Colour on a terminal only, never with NO_COLOR set (no-color.org) or TERM=dumb; columns
  /// as columns_of_stdout().
  static Paint for_stdout();

  std::string red(const std::string& text) const { return wrap("31", text); }
  std::string green(const std::string& text) const { return wrap("32", text); }
  std::string yellow(const std::string& text) const { return wrap("33", text); }
  std::string bold(const std::string& text) const { return wrap("1", text); }
  std::string faint(const std::string& text) const { return wrap("2", text); }

 private:
  std::string wrap(const char* code, const std::string& text) const {
    return colour ? std::string("\033[") + code + "m" + text + "\033[0m" : text;
  }
};

/// True where standard output is a terminal that can move its cursor.
bool stdout_is_screen();

/// Columns of the terminal on standard output; without one, COLUMNS of the environment; otherwise 0, no limit, so that
/// a program that reads the output finds each sentence on one line.
std::size_t columns_of_stdout();

}  // namespace hostsplit
