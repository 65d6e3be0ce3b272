#include "formats/recording/recording_file.hpp"

#include <fmt/format.h>

#include <vector>

#include "core/base/error.hpp"
#include "core/base/number.hpp"
#include "core/base/printable.hpp"
#include "core/base/text.hpp"

namespace hostsplit {
namespace {

using Kind = RecordedEntry::Kind;
constexpr std::string_view magic = "hostsplit-snapshot ";
constexpr std::size_t most_entries = 500000, longest_name = 255, longest_target = 4095;

/// One line of text that an editor shows as it is. \param with_blanks  whether blanks may stay
std::string escaped(std::string_view text, bool with_blanks) {
  const bool valid = valid_utf8(text) == text;
  std::string result;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\\')
      result += "\\\\";
    else if (byte < 0x20 || byte == 0x7f || (byte > 0x7f && !valid) || (c == ' ' && !with_blanks))
      result += fmt::format("\\x{:02x}", byte);
    else
      result += c;
  }
  return result;
}

std::string content_lines(const std::string& name, const std::string& content) {
  if (content.size() > 1 && content.find('\n') == content.size() - 1)
    return "= " + name + " " + escaped(std::string_view(content).substr(0, content.size() - 1), true) + "\n";
  std::string lines = ": " + name + "\n";
  for (std::string_view rest = content; !rest.empty();) {
    const bool ended = rest.find('\n') != std::string_view::npos;
    lines += (ended ? "| " : "~ ") + escaped(cut(rest, '\n'), true) + "\n";
  }
  return lines;
}

std::string entry_lines(const std::string& name, const RecordedEntry& entry) {
  std::string lines;
  switch (entry.kind) {
    case Kind::name: lines = ". " + name + "\n"; break;
    case Kind::directory: lines = "/ " + name + "\n"; break;
    case Kind::unreadable: lines = "! " + name + "\n"; break;
    case Kind::link: lines = "> " + name + " " + escaped(entry.text, true) + "\n"; break;
    case Kind::file: lines = content_lines(name, entry.text); break;
  }
  if (entry.mode) lines += fmt::format("m {:04o}\n", *entry.mode);
  if (entry.left_out != 0) lines += fmt::format("- {}\n", entry.left_out);
  return lines;
}

/// Where "a/b/../c" leads, seen from a directory. \return false when it leads out of the root.
bool stays_inside(std::string_view directory, std::string_view target) {
  std::size_t depth = 0;
  while (!directory.empty()) depth += !cut(directory, '/').empty();
  while (!target.empty()) {
    const auto part = cut(target, '/');
    if (part.empty() || part == ".") continue;
    if (part != "..")
      ++depth;
    else if (depth-- == 0)
      return false;
  }
  return true;
}

/// What a process has open is named as the process sees it.
bool is_open_file(std::string_view path) {
  const auto next = [&] { return cut(path, '/'); };
  const bool process = next() == "proc" && parse_number<int>(next()) && next() == "fd";
  return process && parse_number<int>(path);
}

class RecordingReader {
 public:
  RecordingReader(std::string_view text, const std::string& file) : text_(text), file_(file) {}

  Recording read() {
    header();
    while (!ended_) line();
    if (!text_.empty()) refuse("there is something behind its end", damaged);
    require_directories();
    return std::move(recording_);
  }

 private:
  static constexpr const char* damaged = "Get the file again: it is damaged.";
  static constexpr const char* unsafe = "Do not use it: hostsplit does not write such files.";

  [[noreturn]] void refuse(const std::string& reason, const std::string& what_to_do) const {
    throw bad_line(file_, line_, "", reason, what_to_do);
  }

  std::string_view next_line() {
    if (text_.find('\n') == std::string_view::npos) refuse("it ends in the middle", damaged);
    ++line_;
    return cut(text_, '\n');
  }

  void header() {
    if (!text_.starts_with(magic))
      throw Error("use", file_, "it is not a snapshot of hostsplit",
                  "Make one with: hostsplit snapshot FILE. A recorded machine may be a directory, too.",
                  Error::Kind::bad_input);
    const auto version = next_line().substr(magic.size());
    if (version != "1")
      refuse("it has format " + std::string(version) + ", and this hostsplit knows format 1",
             "Use the hostsplit that made it, or a newer one.");
    for (auto rest = next_line(); !rest.empty(); rest = next_line()) {
      const auto key = cut(rest, ' ');
      if (key == "made-by") recording_.made_by = printable(rest);
      if (key == "scrubbed") recording_.scrubbed = rest == "yes";
    }
  }

  std::string plain(std::string_view text) const {
    std::string result;
    while (!text.empty()) {
      const auto end = std::min(text.find('\\'), text.size());
      result += text.substr(0, end);
      text.remove_prefix(end);
      if (text.empty()) break;
      if (text.substr(0, 2) == "\\\\") {
        result += '\\';
        text.remove_prefix(2);
        continue;
      }
      const auto byte = text.substr(0, 2) == "\\x" ? parse_number<unsigned>(text.substr(2, 2), 16) : std::nullopt;
      if (!byte || text.size() < 4) refuse("\"\\\" without \"\\\" or \"x\" and two digits behind it", damaged);
      result += static_cast<char>(*byte);
      text.remove_prefix(4);
    }
    return result;
  }

  void require_name(std::string_view name) const {
    const bool bad = name.empty() || name == "." || name == ".." || name.size() > longest_name ||
                     name.find('/') != std::string_view::npos || name.find('\0') != std::string_view::npos;
    if (bad) refuse("\"" + std::string(name) + "\" is not a name in a directory", unsafe);
  }

  void enter(std::string_view path) {
    directory_ = plain(path);
    if (!directory_.starts_with('/')) refuse("a directory begins with \"/\"", damaged);
    directory_.erase(0, 1);
    for (std::string_view rest = directory_; !rest.empty();) require_name(cut(rest, '/'));
    if (directory_.ends_with('/') || directory_.size() > longest_target)
      refuse("it is not the path of a directory", unsafe);
  }

  RecordedEntry& add(Kind kind, std::string_view escaped_name) {
    const auto name = plain(escaped_name);
    require_name(name);
    const auto path = directory_.empty() ? name : directory_ + "/" + name;
    const auto [entry, fresh] = recording_.entries.emplace(path, RecordedEntry{kind});
    if (!fresh) refuse(path + " is there twice", unsafe);
    if (recording_.entries.size() > most_entries) refuse("it has too many entries", unsafe);
    return entry->second;
  }

  void add_link(std::string_view rest) {
    const auto name = cut(rest, ' ');
    auto& entry = add(Kind::link, name);
    last_ = &entry;
    entry.text = plain(rest);
    const bool bad =
        entry.text.empty() || entry.text.size() > longest_target || entry.text.find('\0') != std::string::npos;
    if (bad) refuse("it is not the target of a link", unsafe);
    if (entry.text.front() == '/' ? !is_open_file(directory_ + "/" + plain(name))
                                  : !stays_inside(directory_, entry.text))
      refuse("the link leads out of the recorded machine", unsafe);
  }

  void line() {
    auto rest = next_line();
    if (rest == "end") return void(ended_ = true);
    if (rest.size() < 3 || rest[1] != ' ') {
      if (rest == "| " || rest == "|") return content('|', {});  // some editors take blanks off
      refuse("the line is not understood", damaged);
    }
    const char tag = rest.front();
    rest.remove_prefix(2);
    switch (tag) {
      case 'd': return enter(rest);
      case '.': last_ = &add(Kind::name, rest); return;
      case '/': last_ = &add(Kind::directory, rest); return;
      case '!': last_ = &add(Kind::unreadable, rest); return;
      case ':': last_ = &add(Kind::file, rest); return;
      case '=': {
        last_ = &add(Kind::file, cut(rest, ' '));
        last_->text = plain(rest) + "\n";
        return;
      }
      case '>': return add_link(rest);
      case '|':
      case '~': return content(tag, rest);
      case 'm': return mode(rest);
      case '-': return left_out(rest);
      default: refuse("the line is not understood", damaged);
    }
  }

  RecordedEntry& last() const {
    if (!last_) refuse("it belongs to no entry", damaged);
    return *last_;
  }

  void content(char tag, std::string_view rest) {
    if (last().kind != Kind::file || (!last().text.empty() && last().text.back() != '\n'))
      refuse("content without a file it belongs to", damaged);
    last().text += plain(rest) + (tag == '|' ? "\n" : "");
  }

  void mode(std::string_view rest) {
    const auto bits = parse_number<unsigned>(rest, 8);
    if (!bits || *bits > 0777) refuse("a mode has nine bits", unsafe);
    last().mode = *bits;
  }

  void left_out(std::string_view rest) {
    const auto bytes = parse_number<std::uint64_t>(rest);
    if (!bytes) refuse("it is not a number of bytes", damaged);
    last().left_out = *bytes;
  }

  void require_directories() const {
    for (const auto& [path, entry] : recording_.entries)
      for (auto slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1)) {
        const auto above = recording_.entries.find(path.substr(0, slash));
        if (above == recording_.entries.end() || (above->second.kind != Kind::file && above->second.kind != Kind::link))
          continue;
        throw Error("use", file_, printable(path) + " is below something that is no directory", unsafe,
                    Error::Kind::bad_input);
      }
  }

  std::string_view text_;
  const std::string& file_;
  unsigned line_ = 0;
  bool ended_ = false;
  Recording recording_;
  std::string directory_;
  RecordedEntry* last_ = nullptr;
};

}  // namespace

std::string to_text(const Recording& recording) {
  std::map<std::string, std::vector<std::pair<std::string, const RecordedEntry*>>> directories;
  for (const auto& [path, entry] : recording.entries) {
    const auto slash = path.rfind('/');
    const auto directory = slash == std::string::npos ? std::string() : path.substr(0, slash);
    directories[directory].emplace_back(path.substr(slash == std::string::npos ? 0 : slash + 1), &entry);
  }
  std::string text = fmt::format("{}1\nmade-by {}\nscrubbed {}\n\n", magic, escaped(recording.made_by, true),
                                 recording.scrubbed ? "yes" : "no");
  for (const auto& [directory, entries] : directories) {
    text += "d /" + escaped(directory, true) + "\n";
    for (const auto& [name, entry] : entries) text += entry_lines(escaped(name, false), *entry);
  }
  return text + "end\n";
}

Recording parse_recording(std::string_view text, const std::string& file) {
  if (text.size() > largest_recording)
    throw Error("use", file, "it is larger than any snapshot", "Name a file that hostsplit snapshot made.",
                Error::Kind::bad_input);
  return RecordingReader(text, file).read();
}

}  // namespace hostsplit
