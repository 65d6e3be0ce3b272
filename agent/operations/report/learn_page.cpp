#include "operations/report/learn_page.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/columns.hpp"
#include "core/base/printable.hpp"
#include "core/base/utf8.hpp"

namespace hostsplit {
namespace {

using Style = LearnSpan::Style;
using Ask = LearnQuestion::Kind;

constexpr std::size_t address_width = 12, half_width = 10, vm_width = 4;
/// The mark and the blank behind it, and one blank behind each column but the last.
constexpr std::size_t fixed_width = 2 + address_width + 2 * half_width + vm_width + 5;
/// Wider than that, a row is hard to follow.
constexpr std::size_t least_label = 10, least_device = 12, most_device = 48;
constexpr int most_messages = 4;

std::size_t columns(int count) {
  return static_cast<std::size_t>(std::max(count, 0));
}

/// In a column of that width.
std::string cell(const std::string& text, std::size_t width) {
  std::string shown = cut_to(text, width);
  return shown + std::string(width - display_width(shown), ' ');
}

struct Columns {
  std::size_t label, device;
};

Columns columns_for(const LearnScene& scene, std::size_t width) {
  std::size_t longest = least_label;
  for (const auto& port : scene.ports) longest = std::max(longest, display_width(port.label));
  const std::size_t room = width > fixed_width ? width - fixed_width : 0;
  const std::size_t label = std::min(longest, std::max(least_label, room * 2 / 5));
  return {label, std::clamp(room > label ? room - label : 0, least_device, most_device)};
}

std::string half_text(const std::optional<std::string>& path, bool seen, bool learned) {
  if (!path) return "-";
  return *path + (!learned ? "" : seen ? " seen" : " ?");
}

bool is_lit(const PortStatus& port, const UsbDevice* lit) {
  if (!lit || port.controller != lit->controller) return false;
  return (lit->half == UsbHalf::usb2 ? port.usb2 : port.usb3) == lit->path;
}

std::string row_text(const LearnScene& scene, const PortStatus& port, const Columns& width, const char* mark) {
  std::string vm = "host";
  if (port.controller && scene.vms.count(*port.controller)) vm = std::to_string(scene.vms.at(*port.controller));
  if (!port.controller) vm = "";
  const bool learned = !port.label.empty();
  return fmt::format("{} {} {} {} {} {} {}", mark, cell(learned ? port.label : "-", width.label),
                     cell(printable(port.device), width.device),
                     cell(port.controller ? to_string(*port.controller) : "not there", address_width),
                     cell(half_text(port.usb2, port.usb2_seen, learned), half_width),
                     cell(half_text(port.usb3, port.usb3_seen, learned), half_width), cell(vm, vm_width));
}

struct Rows {
  std::vector<LearnLine> lines;
  std::size_t wanted = 0;  ///< must be seen
};

Rows rows(const LearnDialogue& dialogue, const Columns& width) {
  const auto& scene = dialogue.scene();
  Rows rows;
  for (const auto& port : scene.ports) {
    const bool lit = is_lit(port, dialogue.lit());
    const bool selected = !port.label.empty() && port.label == dialogue.selected();
    if (lit || (selected && !dialogue.lit())) rows.wanted = rows.lines.size();
    const Style style = lit ? Style::lit : port.label.empty() ? Style::faint : selected ? Style::strong : Style::plain;
    rows.lines.push_back({{row_text(scene, port, width, lit ? "*" : selected ? ">" : " "), style}});
  }
  for (const auto& hidden : scene.hidden) {
    const auto whose = hidden.vm == 0 ? std::string() : fmt::format(" for VM {}", hidden.vm);
    rows.lines.push_back({{fmt::format("  {} is on vfio-pci{}, its sockets are hidden{}", to_string(hidden.address),
                                       whose, hidden.why_not.empty() ? "; Ctrl-O lends it" : ""),
                           Style::faint}});
  }
  return rows;
}

/// Those that fit, so that the wanted one is among them; says how many there are above and below.
void add_rows(std::vector<LearnLine>& lines, Rows rows, std::size_t room) {
  const std::size_t count = rows.lines.size();
  if (count <= room) {
    lines.insert(lines.end(), rows.lines.begin(), rows.lines.end());
    lines.resize(lines.size() + room - count);
    return;
  }
  if (room < 2) {
    lines.resize(lines.size() + room);
    return;
  }
  const std::size_t shown = room - 1;
  const std::size_t first = std::min(rows.wanted < shown ? 0 : rows.wanted - shown + 1, count - shown);
  const auto from = rows.lines.begin() + static_cast<std::ptrdiff_t>(first);
  lines.insert(lines.end(), from, from + static_cast<std::ptrdiff_t>(shown));
  const std::size_t below = count - first - shown;
  std::string more = "  ";
  if (first > 0) more += fmt::format("{} more above", first);
  if (below > 0) more += fmt::format("{}{} more below", first > 0 ? ", " : "", below);
  lines.push_back({{more, Style::faint}});
}

std::string question_text(const LearnDialogue& dialogue) {
  if (!dialogue.question()) return "Plug a USB stick into a socket to name it.";
  const auto& question = *dialogue.question();
  switch (question.kind) {
    case Ask::name: return "New socket: " + place_of(question.device);
    case Ask::other_half:
      return fmt::format("Is this the other side of {}? {}", question.label, place_of(question.device));
    case Ask::rename: return "Rename " + question.label;
    case Ask::forget: return "Forget " + question.label + "?";
    case Ask::lend: break;
  }
  std::string list;
  for (const auto& hidden : dialogue.scene().hidden)
    if (hidden.why_not.empty())
      list += fmt::format("{}{} of VM {}", list.empty() ? "" : ", ", to_string(hidden.address), hidden.vm);
  return "Lend to the host while you learn, back to the VM afterwards: " + list + "?";
}

std::string answers_text(const LearnQuestion& question) {
  switch (question.kind) {
    case Ask::name: return "Enter: take it   Esc: skip";
    case Ask::other_half: return "Enter: yes, or type another name   Esc: skip";
    case Ask::rename: return "Enter: rename   Esc: leave it";
    case Ask::forget: return "Enter: forget it   Esc: keep it";
    case Ask::lend: return "Enter: lend them   Esc: leave them";
  }
  return "";
}

/// The end of what was typed, where it does not fit.
std::string tail(std::string text, std::size_t width) {
  while (display_width(text) > width && !text.empty()) text.erase(0, first_character(text));
  return text;
}

void add_question(LearnPage& page, const LearnDialogue& dialogue, std::size_t width) {
  auto& lines = page.lines;
  const auto text = wrapped(question_text(dialogue), std::max<std::size_t>(width, 2) - 1);
  lines.push_back({{" " + text.front(), Style::strong}});
  lines.push_back({{text.size() > 1 ? " " + cut_to(text[1], width - 1) : "", Style::strong}});
  if (!dialogue.question()) {
    lines.resize(lines.size() + 2);
    return;
  }
  const auto& question = *dialogue.question();
  const std::string answers = answers_text(question);
  if (question.takes_text()) {
    const std::size_t room = width > 40 ? std::min<std::size_t>(width - 40, 64) : 8;
    const std::string typed = tail(question.answer, room - 1);
    const auto field =
        typed + std::string(std::max<std::size_t>(display_width(typed) + 1, 20) - display_width(typed), ' ');
    page.cursor = {static_cast<int>(lines.size()),
                   static_cast<int>(7 + (question.proposed ? 0 : display_width(typed)))};
    lines.push_back({{" Name: ", Style::plain}, {cut_to(field, room), Style::input}, {"  " + answers, Style::faint}});
  } else {
    lines.push_back({{" " + answers, Style::plain}});
  }
  lines.push_back({{" " + cut_to(question.refusal, width - 1), Style::bad}});
}

Style style_of(LearnDialogue::Tone tone) {
  switch (tone) {
    case LearnDialogue::Tone::good: return Style::good;
    case LearnDialogue::Tone::bad: return Style::bad;
    case LearnDialogue::Tone::hint: return Style::strong;
    case LearnDialogue::Tone::plain: break;
  }
  return Style::plain;
}

/// The latest, each with all its lines; the oldest of them may lose its first lines.
void add_messages(std::vector<LearnLine>& lines, const LearnDialogue& dialogue, std::size_t width, std::size_t room) {
  std::vector<LearnLine> all;
  for (const auto& message : dialogue.messages())
    for (const auto& line : wrapped(message.text, std::max<std::size_t>(width, 2) - 1))
      all.push_back({{" " + line, style_of(message.tone)}});
  const std::size_t first = all.size() > room ? all.size() - room : 0;
  lines.insert(lines.end(), all.begin() + static_cast<std::ptrdiff_t>(first), all.end());
  lines.resize(lines.size() + room - (all.size() - first));
}

std::string title(const LearnDialogue& dialogue, std::size_t width) {
  const auto& scene = dialogue.scene();
  std::string left =
      fmt::format(" hostsplit learn: {} of {} sockets have a name", scene.map.ports.size(), scene.ports.size());
  std::string right = dialogue.waiting() == 0 ? "" : fmt::format("{} waiting ", dialogue.waiting());
  left = cut_to(left, width - std::min(width, display_width(right)));
  const std::size_t used = display_width(left) + display_width(right);
  return left + std::string(width > used ? width - used : 0, ' ') + cut_to(right, width - display_width(left));
}

void fit(LearnLine& line, std::size_t width) {
  std::size_t used = 0;
  for (auto& span : line) {
    span.text = cut_to(span.text, width - used);
    used += display_width(span.text);
  }
}

}  // namespace

LearnPage learn_page(const LearnDialogue& dialogue, int width, int height) {
  constexpr std::size_t around = 9;  // title, heading, rule, four lines of the question, rule, keys
  const std::size_t wide = columns(width), high = columns(height);
  const std::size_t messages = high > around + 6 ? most_messages : 1;
  const std::size_t room = high > around + messages ? high - around - messages : 0;
  const Columns width_of = columns_for(dialogue.scene(), wide);
  LearnPage page;
  auto& lines = page.lines;
  lines.push_back({{title(dialogue, wide), Style::bar}});
  lines.push_back(
      {{fmt::format("  {} {} {} {} {} {}", cell("SOCKET", width_of.label), cell("PLUGGED IN", width_of.device),
                    cell("CONTROLLER", address_width), cell("USB2", half_width), cell("USB3", half_width), "VM"),
        Style::faint}});
  add_rows(lines, rows(dialogue, width_of), room);
  lines.emplace_back();
  add_question(page, dialogue, std::max<std::size_t>(wide, 2));
  lines.emplace_back();
  add_messages(lines, dialogue, std::max<std::size_t>(wide, 2), messages);
  const char* keys = " ^Z undo last  ^R rename  ^F forget  ^O lend  ^L redraw  ^D done";
  lines.push_back({{keys + std::string(wide > display_width(keys) ? wide - display_width(keys) : 0, ' '), Style::bar}});
  // On a screen too small for all of it, the question counts most.
  while (lines.size() > high) {
    lines.erase(lines.begin());
    if (page.cursor) --page.cursor->first;
  }
  for (auto& line : lines) fit(line, wide);
  if (page.cursor && (page.cursor->first < 0 || page.cursor->second >= width)) page.cursor.reset();
  return page;
}

}  // namespace hostsplit
