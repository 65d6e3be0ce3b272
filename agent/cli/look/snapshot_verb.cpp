#include <fmt/format.h>
#include <unistd.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "cli/verbs.hpp"
#include "core/base/printable.hpp"
#include "core/base/utf8.hpp"
#include "formats/recording/recording_file.hpp"
#include "host/store/output_file.hpp"
#include "operations/record.hpp"
#include "operations/report/json_parts.hpp"
#include "version.hpp"

namespace hostsplit::cli {
namespace {

void print_json(const std::string& file, const Recording& recording, std::size_t bytes) {
  auto left_out = nlohmann::ordered_json::array();
  for (const auto& [path, entry] : recording.entries)
    if (entry.left_out != 0) left_out.push_back({{"path", "/" + path}, {"bytes", entry.left_out}});
  std::cout << printed({{"version", 1},
                        {"file", file},
                        {"bytes", bytes},
                        {"entries", recording.entries.size()},
                        {"scrubbed", recording.scrubbed},
                        {"left_out", left_out}});
}

void print_text(const std::string& file, const Recording& recording, std::size_t bytes) {
  std::cout << fmt::format("Wrote {}: {} KiB, {} entries.\n", printable(file), (bytes + 1023) / 1024,
                           recording.entries.size());
  for (const auto& [path, entry] : recording.entries)
    if (entry.left_out != 0) std::cout << fmt::format("Left out: {} bytes of /{}\n", entry.left_out, printable(path));
  std::cout << (recording.scrubbed
                    ? "Serial numbers, hardware and IP addresses, UUIDs, and names of hosts, VMs and containers are\n"
                      "replaced; comments and secrets are left out. It is text: look it through before you send it.\n"
                    : "Nothing is replaced: it contains serial numbers, addresses and names. Keep it to yourself.\n");
  std::cout << "Look at it with: hostsplit --root " << shell_word(file) << " status\n";
}

}  // namespace

int snapshot_verb(const Options& options) {
  const std::string file = options.words.empty() ? "hostsplit-snapshot.txt" : options.words.front();
  Recording recording = record_machine(options.root);
  if (!options.no_scrub) recording = scrubbed(recording);
  recording.made_by = version;
  const std::string text = to_text(recording);
  if (file == "-") return std::cout << text, Exit::fine;
  write_new_file(file, text, recording.scrubbed);
  if (options.json)
    print_json(file, recording, text.size());
  else
    print_text(file, recording, text.size());
  if (geteuid() != 0 && options.root.directory == "/")
    std::cerr
        << "hostsplit: without root, much of what other users' processes and Proxmox VE have is missing; run: sudo "
           "hostsplit snapshot\n";
  return Exit::fine;
}

}  // namespace hostsplit::cli
