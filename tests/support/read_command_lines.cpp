// What hostsplit makes of kernel command lines, for a comparison with another model (tests/kernel_parser.py).
//
// Reads lines "RELEASE<TAB>GIBIBYTES<TAB>CMA<TAB>NODES<TAB>COMMAND LINE" and prints one line for each: the default size
// in KiB and the pools, "SIZE_KIB:ANYWHERE:NODE=PAGES,...", with blanks between them.
#include <fmt/format.h>

#include <iostream>
#include <sstream>
#include <string>

#include "core/boot/huge_page_parameters.hpp"

namespace {

std::set<int> nodes_of(const std::string& text) {
  std::set<int> nodes;
  std::istringstream parts(text);
  for (std::string node; std::getline(parts, node, ',');) nodes.insert(std::stoi(node));
  return nodes;
}

std::string answer(const hostsplit::KernelReading& reading) {
  std::string text = fmt::format("{}", reading.default_size);
  for (const auto& pages : reading.pages) {
    text += fmt::format("{}{}:{}:", " ", pages.page_size, pages.anywhere);
    for (const auto& [node, count] : pages.by_node)
      text += fmt::format("{}{}={}", node == pages.by_node.begin()->first ? "" : ",", node, count);
  }
  return text;
}

}  // namespace

int main() {
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream fields(line);
    std::string release, gibibytes, cma, nodes, command_line;
    std::getline(fields, release, '\t');
    std::getline(fields, gibibytes, '\t');
    std::getline(fields, cma, '\t');
    std::getline(fields, nodes, '\t');
    std::getline(fields, command_line);
    auto rules = hostsplit::kernel_rules(release);
    rules.gibibytes = gibibytes == "1";
    rules.cma = cma == "1";
    rules.online = nodes_of(nodes);
    std::cout << answer(hostsplit::read_huge_pages(command_line, rules)) << '\n';
  }
}
