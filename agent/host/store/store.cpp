#include "host/store/store.hpp"

#include <fmt/format.h>

#include <sstream>

#include "core/base/error.hpp"
#include "core/base/names.hpp"
#include "core/base/number.hpp"
#include "formats/toml/documents.hpp"

namespace hostsplit {
namespace {

/// First free name "<file>.damaged-<n>".
std::string free_name(const Root& root, const std::string& file) {
  for (int n = 1;; ++n)
    if (const std::string name = fmt::format("{}.damaged-{}", file, n); !root.exists(name)) return name;
}

bool damaged(const std::string& text, const std::string& file) {
  try {
    parse_port_map(text, file);
    return false;
  } catch (const Error&) {
    return true;
  }
}

}  // namespace

std::optional<Config> load_config(const Root& root) {
  const auto text = root.read_file(names::config_file);
  if (!text) return std::nullopt;
  return parse_config(*text, root.display(names::config_file));
}

PortMap load_port_map(const Root& root) {
  const std::string file = root.display(names::port_map_file);
  const auto text = root.read_file(names::port_map_file);
  if (!text) return PortMap{{}, file};
  return parse_port_map(*text, file);
}

std::optional<std::string> save_port_map(const Root& root, Effects& effects, const PortMap& map) {
  const std::string file = names::port_map_file;
  std::optional<std::string> kept;
  const unsigned mode = root.mode(file).value_or(0644);
  if (const auto old = root.read_file(file); old && damaged(*old, file)) {
    const std::string aside = free_name(root, file);
    effects.rename_file(file, aside);
    kept = root.display(aside);
  }
  effects.replace_file(file, to_toml(map), mode);
  return kept;
}

Baseline load_baseline(const Root& root) {
  const auto text = root.read_file(names::baseline_file);
  return text ? parse_baseline(*text, root.display(names::baseline_file)) : Baseline{};
}

void save_baseline(Effects& effects, const Baseline& baseline) {
  if (baseline.empty())
    effects.remove_file(names::baseline_file);
  else
    effects.replace_file(names::baseline_file, to_toml(baseline), 0600);  // it holds files that may be nobody's affair
}

HealthRecord load_boot_health(const Root& root) {
  const auto text = root.read_file(names::boot_health_file);
  if (!text) return {};
  HealthRecord record{false, parse_boot_health(*text)};
  record.damaged = !record.health;
  return record;
}

std::optional<RungRecord> load_rung(const Root& root) {
  const auto text = root.read_file(names::rung_file);
  return text ? parse_rung(*text) : std::nullopt;
}

std::set<PciAddress> load_released(const Root& root) {
  std::set<PciAddress> released;
  std::istringstream lines(root.read(names::released_file).value_or(""));
  for (std::string line; std::getline(lines, line);)
    if (const auto address = parse_pci_address(line)) released.insert(*address);
  return released;
}

std::map<int, LastProof> load_proofs(const Root& root) {
  std::map<int, LastProof> proofs;
  for (const std::string& name : root.list(names::proofs_directory)) {
    const auto vm = parse_number<int>(name);
    std::istringstream words(root.read(fmt::format("{}/{}", names::proofs_directory, name)).value_or(""));
    if (LastProof proof; vm && words >> proof.wrong >> proof.at) proofs.emplace(*vm, proof);
  }
  return proofs;
}

void save_proof(Effects& effects, int vm, const LastProof& proof) {
  effects.replace_file(fmt::format("{}/{}", names::proofs_directory, vm),
                       fmt::format("{} {}\n", proof.wrong, proof.at));
}

std::optional<BootPlan> load_boot_plan(const Root& root) {
  const auto text = root.read_file(names::boot_plan_file);
  if (!text) return std::nullopt;
  return parse_boot_plan(*text, root.display(names::boot_plan_file));
}

BootPlan salvage_boot_plan(std::string_view text) {
  BootPlan salvaged;
  for (std::size_t at = text.find('\n'); at != std::string_view::npos; at = text.find('\n')) {
    const std::string line(text.substr(0, at + 1));
    text.remove_prefix(at + 1);
    try {
      const BootPlan one = parse_boot_plan("version 1\nfloor keep_free=0\n" + line, "");
      salvaged.claims.insert(salvaged.claims.end(), one.claims.begin(), one.claims.end());
      salvaged.reservations.insert(salvaged.reservations.end(), one.reservations.begin(), one.reservations.end());
    } catch (const Error&) {
      // Not one that can be used.
    }
  }
  return salvaged;
}

}  // namespace hostsplit
