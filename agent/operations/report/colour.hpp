#pragma once
#include <string>

namespace hostsplit {

/// Colour, where it is wanted. Default: none.
struct Paint {
  bool colour = false;

  /// Colour on a terminal only, and never with NO_COLOR set (no-color.org).
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

}  // namespace hostsplit
