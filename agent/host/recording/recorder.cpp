#include "host/recording/recorder.hpp"

#include <fcntl.h>

#include "core/base/text.hpp"
#include "host/system/unique_fd.hpp"

namespace hostsplit {
namespace {

using Kind = RecordedEntry::Kind;
constexpr int most_links = 40;  // as the kernel has it: MAXSYMLINKS

std::string below(const std::string& directory, const std::string& name) {
  return directory.empty() ? name : directory + "/" + name;
}

/// What is more is known later: a name in a listing turns out to be a directory.
int rank(Kind kind) {
  switch (kind) {
    case Kind::name: return 0;
    case Kind::unreadable: return 1;
    case Kind::directory: return 2;
    case Kind::file: return 3;
    case Kind::link: return 4;
  }
  return 0;
}

/// "/run" as seen from "var": "../run".
std::string relative(const std::string& path, const std::string& target) {
  std::string up;
  for (const char c : path) up += c == '/' ? "../" : "";
  const auto begin = target.find_first_not_of('/');
  return begin == std::string::npos ? (up.empty() ? "." : up) : up + target.substr(begin);
}

/// They lead to the process that reads: to nobody in a recorded machine.
bool is_of_the_reader(const std::string& path) {
  return path == "proc/net" || path == "proc/self" || path == "proc/mounts";
}

bool is_open_file(const std::string& path) {
  return path.starts_with("proc/") && path.find("/fd/") != std::string::npos;
}

}  // namespace

RecordedEntry* Recorder::put(const std::string& path, Kind kind) {
  if (path.empty()) return nullptr;
  auto& entry = entries_[path];
  if (rank(kind) > rank(entry.kind)) entry.kind = kind;
  return &entry;
}

void Recorder::put_link(const std::string& path, const std::string& target) {
  if (auto* entry = put(path, Kind::link))
    entry->text = target.starts_with('/') && !is_open_file(path) ? relative(path, target) : target;
}

std::string Recorder::walk(const std::string& from, const std::string& target, int depth) {
  std::string at = target.starts_with('/') ? "" : from;
  for (std::string_view rest = target; !rest.empty();) {
    const std::string part(cut(rest, '/'));
    if (part.empty() || part == ".") continue;
    if (part == "..")
      at = at.substr(0, at.find('/') == std::string::npos ? 0 : at.rfind('/'));
    else
      at = step(at, part, depth);
  }
  return at;
}

/// One component further, through links; each of them becomes an entry.
std::string Recorder::step(const std::string& directory, const std::string& name, int depth) {
  const auto path = below(directory, name);
  // Links of the kernel's own ("pipe:[1]") lead nowhere.
  const bool follows = depth < most_links && !is_open_file(path) && !is_of_the_reader(path);
  const auto target = follows ? plain_.link_text(path) : std::nullopt;
  if (!target || target->find(":[") != std::string::npos) return path;
  put_link(path, *target);
  return walk(directory, *target, depth + 1);
}

std::string Recorder::directory_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? std::string() : follow(path.substr(0, slash));
}

std::string Recorder::follow(const std::string& path) {
  if (const auto known = followed_.find(path); known != followed_.end()) return known->second;
  const auto name = path.substr(path.rfind('/') + 1);
  const auto directory = directory_of(path);
  const auto found = name.empty() || name == "." || name == ".." ? walk(directory, name, 0) : step(directory, name, 0);
  followed_[path] = found;
  return found;
}

void Recorder::on_read(const std::string& path, const std::string& content) {
  auto* entry = put(follow(path), Kind::file);
  // The same attribute is read with different limits, and of /proc the length may change.
  if (entry && entry->kind == Kind::file && content.size() >= entry->text.size()) entry->text = content;
}

void Recorder::on_unreadable(const std::string& path) {
  put(follow(path), Kind::unreadable);
}

void Recorder::on_list(const std::string& path, const std::vector<std::string>& names) {
  const auto directory = follow(path);
  put(directory, Kind::directory);
  for (const auto& name : names) put(below(directory, name), Kind::name);
}

void Recorder::on_link(const std::string& path, const std::string& target) {
  put_link(below(directory_of(path), path.substr(path.rfind('/') + 1)), target);
}

void Recorder::on_seen(const std::string& path) {
  const auto found = follow(path);
  if (found.empty()) return;
  const UniqueFd directory(::openat(plain_.descriptor(), found.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (directory.get() >= 0)
    put(found, Kind::directory);
  else if (auto* entry = put(found, Kind::name); entry->kind == Kind::name)
    entry->kind = Kind::file;  // of which nothing but its being there was asked
}

void Recorder::on_mode(const std::string& path, unsigned mode) {
  on_seen(path);
  if (auto* entry = put(follow(path), Kind::name)) entry->mode = mode & 0777u;
}

}  // namespace hostsplit
