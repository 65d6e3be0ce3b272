#include "core/boot/grub_settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "core/base/text.hpp"

namespace hostsplit {
namespace {

constexpr std::string_view linux_name = "GRUB_CMDLINE_LINUX", default_name = "GRUB_CMDLINE_LINUX_DEFAULT";

bool is_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

std::string_view take_name(std::string_view& text) {
  std::size_t end = 0;
  while (end < text.size() && is_name(text[end])) ++end;
  const auto name = text.substr(0, end);
  text.remove_prefix(end);
  return name;
}

using Variables = std::map<std::string, std::string, std::less<>>;

/// One word of a shell line behind "NAME=". Empty where it needs a shell.
class Word {
 public:
  Word(std::string_view text, const Variables& variables) : text_(text), variables_(variables) {}

  std::optional<std::string> value() {
    while (!text_.empty() && good_) {
      const char c = text_.front();
      if (c == '\'')
        single();
      else if (c == '"')
        double_quoted();
      else if (c == ' ' || c == '\t' || c == ';')
        break;
      else if (std::string_view("&|<>()").find(c) != std::string_view::npos)
        good_ = false;
      else
        one(false);
    }
    return good_ && nothing_behind() ? std::optional(value_) : std::nullopt;
  }

 private:
  /// A command behind the word would get the assignment for itself alone.
  bool nothing_behind() {
    text_ = trimmed(text_);
    while (text_.starts_with(';')) text_ = trimmed(text_.substr(1));
    return text_.empty() || text_.starts_with('#');
  }

  void single() {
    const auto end = text_.find('\'', 1);
    good_ = end != std::string_view::npos;
    if (!good_) return;
    value_ += text_.substr(1, end - 1);
    text_.remove_prefix(end + 1);
  }

  void double_quoted() {
    text_.remove_prefix(1);
    while (good_ && !text_.empty() && text_.front() != '"') one(true);
    good_ = good_ && !text_.empty();
    if (good_) text_.remove_prefix(1);
  }

  void one(bool quoted) {
    const char c = text_.front();
    text_.remove_prefix(1);
    if (c == '`') {
      good_ = false;
    } else if (c == '$') {
      variable();
    } else if (c == '\\' && !text_.empty() &&
               (!quoted || std::string_view("$`\"\\").find(text_.front()) != std::string_view::npos)) {
      value_ += text_.front();
      text_.remove_prefix(1);
    } else {
      value_ += c;
    }
  }

  void variable() {
    const bool braces = text_.starts_with('{');
    if (braces) text_.remove_prefix(1);
    const auto name = take_name(text_);
    if (name.empty() || (braces && !text_.starts_with('}'))) {
      good_ = false;
      return;
    }
    if (braces) text_.remove_prefix(1);
    if (const auto at = variables_.find(name); at != variables_.end()) value_ += at->second;
  }

  std::string_view text_;
  const Variables& variables_;
  std::string value_;
  bool good_ = true;
};

bool is_ours(std::string_view name) {
  return name == linux_name || name == default_name;
}

/// True when one of the two stands in it, and not only as a part of GRUB_CMDLINE_LINUX_RECOVERY.
bool touches_ours(std::string_view line) {
  while (!line.empty()) {
    if (is_name(line.front())) {
      if (is_ours(take_name(line))) return true;
    } else {
      line.remove_prefix(1);
    }
  }
  return false;
}

/// Lines below these run only sometimes, more than once, or later.
class Nesting {
 public:
  bool conditional() const { return depth_ != 0; }

  void follow(std::string_view line) {
    bool command = true;
    while (!line.empty() && line.front() != '#') {
      const char c = line.front();
      if (c == '"' || c == '\'') {
        const auto end = line.find(c, 1);
        line.remove_prefix(end == std::string_view::npos ? line.size() : end + 1);
        command = false;
      } else if (c == '{' || c == '}') {
        if (command) c == '{' ? enter() : leave();
        line.remove_prefix(1);
      } else if (is_name(c)) {
        const auto word = take_name(line);
        if (command) take(word);
        command = word == "then" || word == "do" || word == "else";
      } else {
        command = c == ';' || c == '&' || c == '|' || c == ')' || c == '(' || (command && (c == ' ' || c == '\t'));
        line.remove_prefix(1);
      }
    }
  }

 private:
  void take(std::string_view word) {
    for (const std::string_view opens : {"if", "case", "for", "while", "until"})
      if (word == opens) enter();
    for (const std::string_view closes : {"fi", "esac", "done"})
      if (word == closes) leave();
  }
  void enter() { ++depth_; }
  void leave() { depth_ -= depth_ != 0 ? 1 : 0; }

  unsigned depth_ = 0;
};

bool is_sourcing(std::string_view line) {
  return line.starts_with(". ") || line.starts_with(".\t") || line.starts_with("source ");
}

/// \return false when the line sets one of the two in a way that is not followed.
bool run(std::string_view line, Variables& variables, bool conditional) {
  line = trimmed(line);
  if (line.starts_with("export ")) line = trimmed(line.substr(7));
  if (line.empty() || line.starts_with('#')) return true;
  if (is_sourcing(line)) return false;
  const bool touches = touches_ours(line);
  auto rest = line;
  const auto name = take_name(rest);
  if (name.empty() || !rest.starts_with('=')) return !touches || (rest.empty() && is_ours(name));
  if (conditional) return !touches;
  const auto value = Word(rest.substr(1), variables).value();
  if (!value) return !touches;
  variables[std::string(name)] = *value;
  return true;
}

/// Lines that end in a backslash go on in the next one; so do open quotes.
bool goes_on(std::string_view line) {
  if (line.ends_with('\\')) return true;
  char open = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\\' && open != '\'') {
      ++i;
    } else if (open == 0 && line[i] == '#' && (i == 0 || line[i - 1] == ' ' || line[i - 1] == '\t')) {
      return false;
    } else if (open == 0 && (line[i] == '"' || line[i] == '\'')) {
      open = line[i];
    } else if (line[i] == open) {
      open = 0;
    }
  }
  return open != 0;
}

void run_file(const SettingsFile& file, Variables& variables, std::vector<std::string>& not_understood) {
  std::string_view rest = file.content;
  Nesting nesting;
  for (unsigned number = 1; !rest.empty(); ++number) {
    const unsigned first = number;
    std::string line(cut(rest, '\n'));
    while (goes_on(line) && !rest.empty()) {
      if (line.ends_with('\\'))
        line.pop_back();
      else
        line += '\n';
      line += cut(rest, '\n');
      ++number;
    }
    nesting.follow(trimmed(line));
    if (!run(line, variables, nesting.conditional())) not_understood.push_back(fmt::format("/{}:{}", file.path, first));
  }
}

}  // namespace

std::string GrubSettings::line() const {
  return linux + (linux.empty() || linux_default.empty() ? "" : " ") + linux_default;
}

GrubSettings read_grub_settings(const std::vector<SettingsFile>& files) {
  Variables variables;
  GrubSettings settings;
  for (const auto& file : files) run_file(file, variables, settings.not_understood);
  settings.linux = variables[std::string(linux_name)];
  settings.linux_default = variables[std::string(default_name)];
  return settings;
}

std::vector<SettingsFile> with_file(std::vector<SettingsFile> files, const SettingsFile& changed) {
  std::erase_if(files, [&](const SettingsFile& file) { return file.path == changed.path; });
  if (changed.content.empty()) return files;
  // The first is /etc/default/grub, whatever it is called.
  auto at = files.begin() + (files.empty() ? 0 : 1);
  while (at != files.end() && at->path < changed.path) ++at;
  files.insert(at, changed);
  return files;
}

}  // namespace hostsplit
