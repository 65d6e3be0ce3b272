#include "core/steps/files.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/names.hpp"
#include "core/base/text.hpp"

namespace hostsplit {
namespace {

Step write_step(const std::string& path, const FileNow& file, std::string reason) {
  return {"write " + path, WriteFile{path, file.content, file.mode}, std::move(reason)};
}

}  // namespace

const std::vector<std::string>& foreign_files() {
  static const std::vector<std::string> paths{
      names::initramfs_hook,     names::initramfs_script, names::grub_words,
      names::grub_entry,         names::kernel_cmdline,   names::kernel_postinst_hook,
      names::kernel_postrm_hook, names::modprobe_conf,    names::modules_load_conf};
  return paths;
}

bool is_foreign(const std::string& path) {
  for (const auto* own : {"etc/hostsplit/", "var/lib/hostsplit/", "run/hostsplit/"})
    if (path.starts_with(own)) return false;
  for (const auto* own : names::boot_count_files)
    if (path == own) return false;
  return true;
}

bool keeps_inverse(const std::string& path) {
  return is_foreign(path) || path == names::config_file;
}

void want_file(const Snapshot& snapshot, const std::string& path, const FileNow& wanted, const std::string& reason,
               std::vector<Step>& steps) {
  const auto now = snapshot.boot.files.find(path);
  if (now != snapshot.boot.files.end() && now->second == wanted) return;
  steps.push_back(write_step(path, wanted, reason));
}

bool is_ours(std::string_view content) {
  // config/grub, config/initramfs, config/systemd-boot and modprobe_conf(); config/pve.
  constexpr std::string_view marks[] = {"Written by `hostsplit apply`, removed by `hostsplit undo`.",
                                        "# Hook script of Proxmox VE for guests that hostsplit looks after."};
  return std::any_of(std::begin(marks), std::end(marks),
                     [&](std::string_view mark) { return content.find(mark) != std::string_view::npos; });
}

bool holds_what_was_written(const FileBefore& before, std::string_view content) {
  const std::string stamp = stamp_of({content});
  std::string_view rest = before.stamp;
  while (!rest.empty())
    if (cut(rest, ' ') == stamp) return true;
  return false;
}

void note_written(FileBefore& before, std::string_view content) {
  const std::string stamp = stamp_of({content}), last = before.stamp.substr(before.stamp.rfind(' ') + 1);
  before.stamp = last.empty() || last == stamp ? stamp : last + " " + stamp;
}

Step keep_step(const std::string& path, const std::string& content, std::string reason) {
  std::string name = path;
  std::replace(name.begin(), name.end(), '/', '-');
  return {"keep " + path,
          WriteFile{fmt::format("{}/{}.{}", names::kept_directory, name, stamp_of({content})), content, 0600},
          std::move(reason)};
}

namespace {

/// Neither as it was before hostsplit, nor as hostsplit wrote it, nor hostsplit's at all.
bool is_replaced(const FileBefore& before, const FileNow& now) {
  const bool as_before = before.file && before.file->content == now.content;
  return !as_before && !before.stamp.empty() && !is_ours(now.content) && !holds_what_was_written(before, now.content);
}

bool is_edited(const FileBefore& before, const FileNow& now) {
  return !before.stamp.empty() && is_ours(now.content) && !holds_what_was_written(before, now.content);
}

}  // namespace

void restore_file(const Snapshot& snapshot, const Baseline& baseline, const std::string& path,
                  std::vector<Step>& steps) {
  const FileBefore* before = baseline.file(path);
  if (!before) return;
  const auto now = snapshot.boot.files.find(path);
  const bool there = now != snapshot.boot.files.end();
  if (there ? before->file && now->second == *before->file : !before->file) return;
  if (there && is_replaced(*before, now->second)) return;
  if (there && is_edited(*before, now->second))
    steps.push_back(keep_step(path, now->second.content, "somebody edited it after hostsplit wrote it"));
  if (before->file)
    steps.push_back(write_step(path, *before->file, "it was like this before hostsplit"));
  else
    steps.push_back({"remove " + path, RemoveFile{path}, "it was not there before hostsplit"});
}

void keep_edits(const Snapshot& snapshot, const Baseline& baseline, std::vector<Step>& steps,
                std::vector<Finding>& findings) {
  std::vector<Step> all;
  for (auto& step : steps) {
    const auto* write = std::get_if<WriteFile>(&step.action);
    const FileBefore* before = write ? baseline.file(write->path) : nullptr;
    const auto now = write ? snapshot.boot.files.find(write->path) : snapshot.boot.files.end();
    if (before && now != snapshot.boot.files.end() &&
        (is_edited(*before, now->second) || is_replaced(*before, now->second))) {
      all.push_back(keep_step(write->path, now->second.content, "somebody edited it after hostsplit wrote it"));
      findings.push_back({"file-edited", Severity::warning, "/" + write->path,
                          fmt::format("somebody edited it after hostsplit wrote it; hostsplit writes it anew, and the "
                                      "edited one is kept as /{}",
                                      std::get<WriteFile>(all.back().action).path),
                          "Settings of your own belong into another file"});
    }
    all.push_back(std::move(step));
  }
  steps = std::move(all);
}

std::vector<Finding> changed_files(const Snapshot& snapshot, const Baseline& baseline) {
  std::vector<Finding> findings;
  for (const auto& path : foreign_files()) {
    const FileBefore* before = baseline.file(path);
    const auto now = snapshot.boot.files.find(path);
    if (!before || now == snapshot.boot.files.end() || !is_replaced(*before, now->second)) continue;
    findings.push_back(
        {"file-replaced", Severity::warning, "/" + path,
         "hostsplit wrote it and somebody has replaced it since, so it stays as it is",
         before->file ? "There was another file before hostsplit" : "It was not there before hostsplit"});
  }
  return findings;
}

}  // namespace hostsplit
