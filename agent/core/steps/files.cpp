#include "core/steps/files.hpp"

#include "core/base/names.hpp"

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
  for (const auto* own : names::grub_count_files)
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

void restore_file(const Snapshot& snapshot, const Baseline& baseline, const std::string& path,
                  std::vector<Step>& steps) {
  const FileBefore* before = baseline.file(path);
  if (!before) return;
  const auto now = snapshot.boot.files.find(path);
  const bool there = now != snapshot.boot.files.end();
  if (!before->file && there)
    steps.push_back({"remove " + path, RemoveFile{path}, "it was not there before hostsplit"});
  if (before->file && (!there || now->second != *before->file))
    steps.push_back(write_step(path, *before->file, "it was like this before hostsplit"));
}

}  // namespace hostsplit
