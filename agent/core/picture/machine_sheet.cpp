#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "core/base/columns.hpp"
#include "core/base/utf8.hpp"
#include "core/picture/pieces.hpp"
#include "core/picture/sheet.hpp"

namespace hostsplit {
namespace {

using namespace pieces;

constexpr int narrowest_box = 36;  // an address, a VM with its name, and a mark

std::string counted(std::size_t count, const char* one, const char* many) {
  return fmt::format("{} {}", count, count == 1 ? one : many);
}

/// "0-31, 64-95": as the kernel writes it, with blanks where a line may end.
std::string cpus_text(const CpuSet& cpus) {
  std::string text;
  for (const char c : to_string(cpus)) text += c == ',' ? ", " : std::string(1, c);
  return text;
}

std::string use_text(const MemoryPart& part, const MachinePicture& picture) {
  const auto size = rounded_size(part.size);
  switch (part.use) {
    case MemoryUse::vm: return picture.owner(part.vm) + " " + size;
    case MemoryUse::others: return "other VMs and programs " + size;
    case MemoryUse::spare: return "other huge pages " + size;
    case MemoryUse::floor: return "kept for the host " + size;
    case MemoryUse::free: return "not reserved " + size;
  }
  return size;
}

std::string label_of(const MemoryPart& part) {
  switch (part.use) {
    case MemoryUse::vm: return part.vm ? std::to_string(*part.vm) : "";
    case MemoryUse::others: return "others";
    case MemoryUse::spare: return "other";
    case MemoryUse::floor: return "host";
    case MemoryUse::free: return "not reserved";
  }
  return {};
}

/// Parts `width` cells in proportion; what is not nothing gets a cell as long as there are enough of them. What
/// rounding leaves goes to the largest remainders.
std::vector<int> in_proportion(const std::vector<MemoryPart>& parts, int width) {
  double whole = 0;
  for (const auto& part : parts) whole += static_cast<double>(part.size);
  const int least = static_cast<int>(parts.size()) <= width ? 1 : 0;
  const int to_share = width - least * static_cast<int>(parts.size());
  std::vector<int> cells;
  std::vector<std::pair<double, std::size_t>> remainders;
  int left = to_share;
  for (const auto& part : parts) {
    const double share = static_cast<double>(part.size) / whole * to_share;
    remainders.emplace_back(share - std::floor(share), cells.size());
    cells.push_back(least + static_cast<int>(share));
    left -= static_cast<int>(share);
  }
  std::stable_sort(remainders.begin(), remainders.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  for (std::size_t i = 0; left > 0; ++i, --left) ++cells[remainders[i % remainders.size()].second];
  return cells;
}

SheetBar memory_bar(const NodePicture& node, const MachinePicture& picture, int width) {
  SheetBar bar;
  const auto cells = in_proportion(node.memory_parts, width);
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const auto& part = node.memory_parts[i];
    if (cells[i] == 0) continue;
    BarPart drawn{cells[i], part.use, picture.colour_of(part.vm), label_of(part)};
    if (static_cast<int>(display_width(drawn.label)) + 2 > drawn.width) drawn.label.clear();
    bar.parts.push_back(std::move(drawn));
  }
  return bar;
}

/// What the parts of the bar are, side by side as far as they fit.
void draw_legend(Box& box, const NodePicture& node, const MachinePicture& picture) {
  constexpr int dot = 2, between = 3;
  int x = 0, lines = 0;
  for (const auto& part : node.memory_parts) {
    const std::string text = cut_to(use_text(part, picture), static_cast<std::size_t>(box.inner() - dot));
    const int width = dot + static_cast<int>(display_width(text));
    if (x != 0 && x + width > box.inner()) x = 0, ++lines;
    const int y = box.next_line() + lines;
    box.sheet().dots.push_back({box.left() + x, y, part.use, false, picture.colour_of(part.vm)});
    box.sheet().texts.push_back({box.left() + x + dot, y, text});
    x += width + between;
  }
  box.skip(node.memory_parts.empty() ? 0 : lines + 1);
}

std::string driver_text(const ControllerPicture& controller) {
  std::string text = controller.driver.empty() ? "no driver" : "driver " + controller.driver;
  if (controller.released) return text + ", lent to the host until the next boot";
  if (controller.driver != controller.wanted_driver && !controller.wanted_driver.empty())
    text += ", wanted " + controller.wanted_driver;
  return text;
}

Sheet draw_controller(const MachinePicture& picture, const ControllerPicture& controller, int width) {
  const Colour colour = picture.colour_of(controller.vm);
  Box box(picture, width, to_string(controller.address) + " " + picture.owner(controller.vm), controller.marks, colour);
  if (!controller.name.empty()) box.text(controller.name);
  std::string line = controller.kind + " " + controller.ids;
  line += controller.group ? fmt::format(", IOMMU group {}", *controller.group) : ", no IOMMU group";
  box.text(line, TextRole::muted);
  box.text(driver_text(controller), TextRole::muted);
  box.sockets(controller.sockets, colour);
  if (controller.unnamed != 0)
    box.text(counted(controller.unnamed, "empty port without a name", "empty ports without a name"), TextRole::muted);
  return box.done();
}

Sheet draw_vm(const MachinePicture& picture, const VmPicture& vm, int width) {
  Box box(picture, width, vm.title(), vm.marks, picture.colour_of(vm.id));
  std::vector<std::string> memory;
  for (const auto& [node, size] : vm.memory) memory.push_back(fmt::format("{} on node {}", rounded_size(size), node));
  box.text(memory.empty() ? "no huge pages" : fmt::format("{}", fmt::join(memory, ", ")));
  if (!vm.cpus.empty()) box.text("CPUs " + cpus_text(vm.cpus));
  box.text(vm.sockets.empty() ? "no named socket" : fmt::format("{}", fmt::join(vm.sockets, ", ")));
  return box.done();
}

void draw_pools(Box& box, const NodePicture& node) {
  for (const auto& pool : node.pools) {
    const auto pages = fmt::format("{} of {} pages of {}", pool.reserved, pool.wanted, format_size(pool.page_size));
    box.text(pool.reserved < pool.wanted ? "reserved now: " + pages : "reserved: " + pages, TextRole::muted);
  }
}

/// From the top down; each function draws below what is there.
class MachineSheet {
 public:
  MachineSheet(const MachinePicture& picture, int width) : picture_(picture) {
    sheet_.width = std::max(width, narrowest_sheet);
    sheet_.title = "hostsplit: the machine";
  }

  Sheet draw() {
    headline();
    boxes(picture_.vms, [&](const VmPicture& vm, int width) { return draw_vm(picture_, vm, width); });
    for (const auto& node : picture_.nodes) {
      place_below(draw_node(node));
      sheet_.breaks.push_back(sheet_.height);
    }
    std::vector<ControllerPicture> elsewhere;
    for (const auto& controller : picture_.controllers)
      if (!is_at_a_node(controller)) elsewhere.push_back(controller);
    boxes(elsewhere, [&](const auto& controller, int width) { return draw_controller(picture_, controller, width); });
    lost_sockets();
    findings();
    sheet_.breaks.push_back(sheet_.height);
    return std::move(sheet_);
  }

 private:
  void headline() {
    line(fmt::format("{}, {}, {}", counted(picture_.vms.size(), "VM", "VMs"),
                     counted(picture_.nodes.size(), "NUMA node", "NUMA nodes"),
                     counted(picture_.controllers.size(), "USB controller", "USB controllers")),
         TextRole::strong);
    if (!picture_.configured) line("Not configured: everything is the host's. See hostsplit setup.", TextRole::muted);
  }

  void line(const std::string& text, TextRole role) {
    for (auto& part : wrapped(text, static_cast<std::size_t>(sheet_.width)))
      sheet_.texts.push_back({0, sheet_.height++, std::move(part), role, {}});
  }

  void place_below(const Sheet& piece) {
    place(sheet_, piece, 0, sheet_.height);
    sheet_.height += piece.height;
  }

  template <typename Item, typename Draw>
  void boxes(const std::vector<Item>& items, Draw draw) {
    if (items.empty()) return;
    const int columns = columns_in(sheet_.width, narrowest_box, items.size());
    std::vector<Sheet> drawn;
    for (const auto& item : items) drawn.push_back(draw(item, column_width(sheet_.width, columns)));
    sheet_.height += place_in_columns(sheet_, drawn, 0, sheet_.height, columns);
    sheet_.breaks.push_back(sheet_.height);
  }

  /// On a machine with one node everything is at that node, whether firmware says so or not.
  bool is_at(const ControllerPicture& controller, const NodePicture& node) const {
    return controller.node ? *controller.node == node.id : picture_.nodes.size() == 1;
  }

  bool is_at_a_node(const ControllerPicture& controller) const {
    return std::any_of(picture_.nodes.begin(), picture_.nodes.end(),
                       [&](const NodePicture& node) { return is_at(controller, node); });
  }

  Sheet draw_node(const NodePicture& node) {
    const auto title = node.memory == 0 ? fmt::format("NUMA node {}, no memory", node.id)
                                        : fmt::format("NUMA node {}, {}", node.id, rounded_size(node.memory));
    Box box(picture_, sheet_.width, title, node.marks, {});
    for (const auto& part : node.cpus) {
      const auto use = part.vm ? MemoryUse::vm : MemoryUse::floor;
      box.sheet().dots.push_back({box.left(), box.next_line(), use, false, picture_.colour_of(part.vm)});
      box.text(fmt::format("{} CPUs {}", picture_.owner(part.vm), cpus_text(part.cpus)), TextRole::plain, {}, 2);
    }
    if (!node.memory_parts.empty()) box.bar(memory_bar(node, picture_, box.inner()));
    draw_legend(box, node, picture_);
    draw_pools(box, node);
    std::vector<const ControllerPicture*> here;
    for (const auto& controller : picture_.controllers)
      if (is_at(controller, node)) here.push_back(&controller);
    const int columns = columns_in(box.inner(), narrowest_box, here.size());
    std::vector<Sheet> drawn;
    for (const auto* controller : here)
      drawn.push_back(draw_controller(picture_, *controller, column_width(box.inner(), columns)));
    box.skip(place_in_columns(box.sheet(), drawn, box.left(), box.next_line(), columns));
    return box.done(true);
  }

  void lost_sockets() {
    if (picture_.lost.empty()) return;
    Box box(picture_, sheet_.width, "Sockets whose controller is not there", {}, {});
    box.sockets(picture_.lost, {});
    place_below(box.done());
    sheet_.breaks.push_back(sheet_.height);
  }

  void findings() {
    if (picture_.findings.empty()) return;
    sheet_.findings_from = sheet_.height;
    ++sheet_.height;
    for (const auto& marked : picture_.findings) {
      sheet_.marks.push_back({0, sheet_.height, marked.mark, marked.finding.severity});
      const int indent = static_cast<int>(display_width(marked.mark)) + 1;
      for (auto& part : wrapped(marked.finding.subject + ": " + marked.finding.message,
                                static_cast<std::size_t>(sheet_.width - indent)))
        sheet_.texts.push_back({indent, sheet_.height++, std::move(part)});
    }
    line("E: error, W: warning. What to do about them: hostsplit status, hostsplit doctor.", TextRole::muted);
  }

  const MachinePicture& picture_;
  Sheet sheet_;
};

}  // namespace

Sheet draw_machine(const MachinePicture& picture, int width) {
  return MachineSheet(picture, width).draw();
}

}  // namespace hostsplit
