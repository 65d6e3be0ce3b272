#include "core/boot/grub_settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <optional>
#include <utility>

#include "core/base/text.hpp"
#include "core/boot/grub_menu.hpp"

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

/// Empty: only a shell knows the value.
using Variables = std::map<std::string, std::optional<std::string>, std::less<>>;

/// Follows quotes, comments and what runs in a shell of its own, one character after the other.
class ShellScanner {
 public:
  bool in_comment() const { return comment_; }
  bool in_quotes() const {
    return std::any_of(open_.begin(), open_.end(), [](char c) { return c != '('; });
  }
  /// Behind a backslash that is none of the text; with a line break they are nothing.
  bool take_back_escape() { return std::exchange(escaped_, false); }

  /// \return true where the character has its meaning for the shell that reads the line.
  bool take(char c) {
    if (comment_) {
      comment_ = word_ = c != '\n';
      return false;
    }
    const char in = open_.empty() ? '\0' : open_.back();
    if (take_back_escape()) {
      dollar_ = false;
      word_ = true;
      return false;
    }
    if (c == '\\' && in != '\'') {
      escaped_ = true;
      return false;
    }
    const bool alone = open_.empty();
    const bool dollar = std::exchange(dollar_, c == '$');
    const bool word = std::exchange(word_, std::string_view(" \t\n;&|()<>").find(c) == std::string_view::npos);
    if (!alone && c == (in == '(' ? ')' : in))
      open_.pop_back();
    else if (opens(c, in, dollar))
      open_ += c;
    else if (c == '#' && !word && (alone || in == '('))
      comment_ = true;
    return alone && open_.empty() && !comment_;
  }

 private:
  static bool opens(char c, char in, bool dollar) {
    if (in == '\'') return false;
    return c == '"' || c == '`' || (c == '\'' && in != '"') || (c == '(' && (in != '"' || dollar));
  }

  std::string open_;  ///< quotes and parentheses, the innermost last
  bool escaped_ = false, dollar_ = false, word_ = false, comment_ = false;
};

/// A line without its comment, and with those it goes on in: behind a backslash, or while quotes are open.
std::string take_line(std::string_view& rest, unsigned& number) {
  ShellScanner scanner;
  std::string line;
  while (!rest.empty()) {
    const char c = rest.front();
    rest.remove_prefix(1);
    if (c == '\n') {
      ++number;
      if (scanner.take_back_escape()) {
        line.pop_back();
        continue;
      }
      if (!scanner.in_quotes()) break;
    }
    scanner.take(c);
    if (!scanner.in_comment()) line += c;
  }
  return line;
}

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
    const auto at = variables_.find(name);
    if (at == variables_.end()) return;
    good_ = at->second.has_value();
    value_ += at->second.value_or("");
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

  /// \return false when a command in it can set each variable, or end the file: one is sourced, a text is run.
  bool follow(std::string_view line) {
    ShellScanner scanner;
    std::string word;
    bool command = true, known = true;
    const auto end_word = [&] {
      if (word.empty()) return;
      known = known && !(command && is(word, {".", "source", "eval", "return", "exit"}));
      command = word.ends_with("()") || (command && take(word));
      word.clear();
    };
    for (const char c : line) {
      if (!scanner.take(c) || std::string_view(" \t\n;&|)<>").find(c) == std::string_view::npos) {
        word += c;
        if (word.ends_with("()")) end_word();
        continue;
      }
      end_word();
      command = command || std::string_view(";&|)").find(c) != std::string_view::npos;
    }
    end_word();
    return known;
  }

 private:
  static bool is(std::string_view word, std::initializer_list<std::string_view> words) {
    return std::find(words.begin(), words.end(), word) != words.end();
  }

  /// \return true when another command follows it.
  bool take(std::string_view word) {
    if (is(word, {"if", "case", "for", "while", "until", "{"})) ++depth_;
    if (is(word, {"fi", "esac", "done", "}"})) depth_ -= depth_ != 0 ? 1 : 0;
    auto behind = word;
    const bool assigns = !take_name(behind).empty() && behind.starts_with('=');
    return assigns || is(word, {"if", "while", "until", "then", "do", "else", "elif", "{", "!", "command", "builtin"});
  }

  unsigned depth_ = 0;
};

/// A line that is not followed can set what it names: what becomes of that, only a shell knows. The two keep what they
/// had; such a line is reported.
void forget(std::string_view line, Variables& variables) {
  for (std::size_t at = 0; at < line.size(); ++at) {
    if (!is_name(line[at])) continue;
    auto rest = line.substr(at);
    const auto name = take_name(rest), before = line.substr(0, at);
    const bool sets = rest.starts_with('=') || rest.starts_with(":=");
    if (!is_ours(name) && !before.ends_with('$') && (sets || !before.ends_with("${")))
      variables[std::string(name)] = std::nullopt;
    at += name.size();
  }
}

/// \return false when the line sets one of the two in a way that is not followed.
bool run(std::string_view line, Variables& variables, bool conditional) {
  const bool touches = touches_ours(line);
  const auto not_followed = [&] { return forget(line, variables), !touches; };
  if (conditional || line.find('\r') != std::string_view::npos) return not_followed();
  auto rest = trimmed(line);
  const bool exported = rest.starts_with("export ");
  if (exported) rest = trimmed(rest.substr(7));
  if (rest.empty() ||
      (exported && std::all_of(rest.begin(), rest.end(), [](char c) { return is_name(c) || c == ' '; })))
    return true;
  const auto name = take_name(rest);
  if (name.empty() || !rest.starts_with('=')) return not_followed();
  const auto value = Word(rest.substr(1), variables).value();
  // 10_linux writes the value as it is, and a line break ends the command `linux` of the menu.
  if (!value || (is_ours(name) && value->find('\n') != std::string::npos)) return not_followed();
  variables[std::string(name)] = *value;
  return !is_ours(name) || read_as_grub(*value).known;
}

void run_file(const SettingsFile& file, Variables& variables, std::vector<std::string>& not_understood) {
  std::string_view rest = file.content;
  Nesting nesting;
  for (unsigned number = 1; !rest.empty();) {
    const unsigned first = number;
    const std::string line = take_line(rest, number);
    const bool known = nesting.follow(line);
    if (!run(line, variables, nesting.conditional()) || !known)
      not_understood.push_back(fmt::format("/{}:{}", file.path, first));
  }
}

}  // namespace

std::string GrubSettings::written() const {
  return linux + (linux.empty() || linux_default.empty() ? "" : " ") + linux_default;
}

std::string GrubSettings::line() const {
  const std::string all = written();
  return std::string(given_by_grub(all));
}

GrubSettings read_grub_settings(const std::vector<SettingsFile>& files) {
  Variables variables;
  GrubSettings settings;
  for (const auto& file : files) run_file(file, variables, settings.not_understood);
  settings.linux = variables[std::string(linux_name)].value_or("");
  settings.linux_default = variables[std::string(default_name)].value_or("");
  return settings;
}

std::vector<Finding> check_line_ends(const std::vector<SettingsFile>& files, bool update_grub) {
  std::vector<Finding> findings;
  for (const auto& file : files) {
    std::string_view rest = file.content;
    bool found = false, alone = false;
    for (unsigned number = 1; !rest.empty();) {
      const std::string line = take_line(rest, number);
      const bool here = line.find('\r') != std::string::npos;
      found = found || here;
      alone = alone || (here && trimmed(line).empty());
    }
    if (!found) continue;
    findings.push_back({"grub-carriage-return", alone && update_grub ? Severity::error : Severity::warning,
                        "/" + file.path,
                        "its lines end in carriage returns, as Windows writes them: the shell takes them for a part of "
                        "the values, and update-grub stops at a line that has nothing else",
                        fmt::format("sed -i 's/\\r//g' /{}; then run hostsplit apply again", file.path)});
  }
  return findings;
}

std::vector<Finding> check_menu_line(const GrubSettings& owners) {
  const std::string all = owners.written();
  const auto reading = read_as_grub(all);
  if (reading.end == all.size()) return {};
  return {{"grub-line-cut", Severity::warning, "kernel command line",
           fmt::format("{}, so the kernel does not get it, nor what follows; hostsplit's parameters go in front: {}",
                       reading.comment ? "GRUB takes a word that begins with # for the beginning of a comment"
                                       : fmt::format("GRUB ends the command at \"{}\"", all[reading.end]),
                       all.substr(reading.end)),
           "Take it out of GRUB_CMDLINE_LINUX and GRUB_CMDLINE_LINUX_DEFAULT (/etc/default/grub, "
           "/etc/default/grub.d), or put a backslash in front of it there if the kernel is to have it"}};
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
