#include "operations/report/sections.hpp"

#include <fmt/format.h>

namespace hostsplit {

Section section_of(const Step& step) {
  if (std::holds_alternative<SetPve>(step.action)) return Section::proxmox;
  return describe(step.action).at_next_boot ? Section::next_boot : Section::now;
}

bool is_file_step(const Step& step) {
  return std::holds_alternative<WriteFile>(step.action) || std::holds_alternative<RemoveFile>(step.action);
}

std::string files_text(std::size_t written, std::size_t removed) {
  const auto part = [](const char* verb, std::size_t count) {
    return count == 0 ? std::string() : fmt::format("{} {} file{}", verb, count, count == 1 ? "" : "s");
  };
  const auto write = part("write", written), remove = part("remove", removed);
  return write + (write.empty() || remove.empty() ? "" : ", ") + remove;
}

PartedFindings parted(const std::vector<Finding>& findings) {
  PartedFindings parts;
  for (const auto& finding : findings)
    (finding.code.starts_with("pve-") ? parts.proxmox : parts.others).push_back(finding);
  return parts;
}

}  // namespace hostsplit
