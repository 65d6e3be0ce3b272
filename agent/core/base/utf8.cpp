#include "core/base/utf8.hpp"

#include <utf8proc.h>

#include <algorithm>

namespace hostsplit {
namespace {

/// Cuts off the first character. \return a negative number where the text is no UTF-8; one byte is cut off then.
utf8proc_int32_t next_character(std::string_view& text) {
  utf8proc_int32_t character = -1;
  const auto length = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                       static_cast<utf8proc_ssize_t>(text.size()), &character);
  text.remove_prefix(static_cast<std::size_t>(std::max<utf8proc_ssize_t>(length, 1)));
  return length > 0 ? character : -1;
}

enum class Sort { letter, mark, between, other };

Sort sort_of(utf8proc_int32_t character) {
  if (character == ' ' || character == '.' || character == '_' || character == '-') return Sort::between;
  if (character < 0) return Sort::other;
  switch (utf8proc_category(character)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO: return Sort::letter;
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC: return Sort::mark;
    default: return Sort::other;
  }
}

}  // namespace

bool is_name(std::string_view text, std::size_t most) {
  if (text.empty() || text.back() == ' ' || text.find("  ") != std::string_view::npos) return false;
  std::size_t count = 0;
  for (; !text.empty(); ++count) {
    const Sort sort = sort_of(next_character(text));
    if (sort == Sort::other || (count == 0 && sort != Sort::letter)) return false;
  }
  return count <= most;
}

std::size_t first_character(std::string_view text) {
  std::size_t bytes = 1;
  while (bytes < text.size() && (static_cast<unsigned char>(text[bytes]) & 0xc0) == 0x80) ++bytes;
  return bytes;
}

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  while (!text.empty()) {
    if (text.front() == '\033') {
      text.remove_prefix(std::min(text.find('m'), text.size() - 1) + 1);
      continue;
    }
    const auto character = next_character(text);
    width += character < 0 ? 1 : static_cast<std::size_t>(std::max(utf8proc_charwidth(character), 0));
  }
  return width;
}

std::string shell_word(const std::string& word) {
  return word.find(' ') == std::string::npos ? word : "\"" + word + "\"";
}

}  // namespace hostsplit
