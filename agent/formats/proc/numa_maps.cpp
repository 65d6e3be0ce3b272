#include "formats/proc/numa_maps.hpp"

#include <algorithm>

#include "core/base/number.hpp"
#include "core/base/text.hpp"

namespace hostsplit {
namespace {

struct Line {
  Kib page_size = 0;
  bool huge = false;
  std::vector<std::pair<int, std::uint64_t>> pages;
};

Line parse_line(std::string_view text) {
  constexpr std::string_view size_key = "kernelpagesize_kB=";
  Line line;
  while (!text.empty()) {
    const auto word = cut(text, ' ');
    if (word == "huge") line.huge = true;
    if (word.starts_with(size_key)) line.page_size = parse_number<Kib>(word.substr(size_key.size())).value_or(0);
    if (!word.starts_with('N')) continue;
    const auto equals = word.find('=');
    if (equals == std::string_view::npos) continue;
    const auto node = parse_number<int>(word.substr(1, equals - 1));
    const auto pages = parse_number<std::uint64_t>(word.substr(equals + 1));
    if (node && pages) line.pages.emplace_back(*node, *pages);
  }
  return line;
}

}  // namespace

GuestPages parse_numa_maps(std::string_view text) {
  GuestPages pages;
  while (!text.empty()) {
    const Line line = parse_line(cut(text, '\n'));
    if (line.page_size == 0) continue;
    for (const auto& [node, count] : line.pages) {
      if (line.huge)
        pages.huge[line.page_size][node] += count;
      else
        pages.ordinary += count * line.page_size;
    }
  }
  return pages;
}

std::vector<GuestInterrupt> parse_vfio_interrupts(std::string_view text) {
  std::vector<GuestInterrupt> interrupts;
  while (!text.empty()) {
    auto line = cut(text, '\n');
    const auto vfio = line.rfind(" vfio-");
    if (vfio == std::string_view::npos) continue;
    const auto open = line.find('(', vfio), close = line.find(')', vfio);
    if (open == std::string_view::npos || close == std::string_view::npos || close < open) continue;
    const auto address = parse_pci_address(line.substr(open + 1, close - open - 1));
    auto number_text = line.substr(0, line.find(':'));
    number_text.remove_prefix(std::min(number_text.find_first_not_of(' '), number_text.size()));
    const auto number = parse_number<int>(number_text);
    if (address && number) interrupts.push_back({*number, *address, {}});
  }
  return interrupts;
}

}  // namespace hostsplit
