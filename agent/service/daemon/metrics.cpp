#include "service/daemon/metrics.hpp"

#include <fmt/format.h>

#include <map>

#include "core/base/error.hpp"
#include "core/base/names.hpp"
#include "core/memory/pools.hpp"

namespace hostsplit {
namespace {

/// Label values are ours or the kernel's names; a quote in one must not end it.
std::string quoted(const std::string& value) {
  std::string text = "\"";
  for (const char c : value) {
    if (c == '"' || c == '\\') text += '\\';
    text += c == '\n' ? ' ' : c;
  }
  return text + "\"";
}

class Writer {
 public:
  void begin(const char* name, const char* type, const char* help) {
    name_ = name;
    text_ += fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n", name, help, type);
  }
  void value(const std::string& labels, std::uint64_t number) {
    text_ +=
        labels.empty() ? fmt::format("{} {}\n", name_, number) : fmt::format("{}{{{}}} {}\n", name_, labels, number);
  }
  std::string text() { return std::move(text_); }

 private:
  std::string name_, text_;
};

void write_pools(Writer& writer, const Status& status) {
  writer.begin("hostsplit_huge_pages", "gauge", "Huge pages of a node: asked for, got, free, surplus.");
  for (const auto& one : status.pools) {
    if (!one.wanted && one.pool.total == 0) continue;
    const auto labels = [&](const char* kind) {
      return fmt::format("node=\"{}\",size_kib=\"{}\",kind=\"{}\"", one.node, one.pool.page_size, kind);
    };
    writer.value(labels("asked"), one.wanted.value_or(0));
    writer.value(labels("got"), persistent(one.pool));
    writer.value(labels("free"), one.pool.free);
    writer.value(labels("surplus"), one.pool.surplus);
  }
}

void write_controllers(Writer& writer, const Status& status) {
  std::map<std::string, std::uint64_t> actual, wanted;
  for (const auto& one : status.controllers) {
    ++actual[one.driver.empty() ? "none" : one.driver];
    ++wanted[one.wanted_driver.empty() ? "none" : one.wanted_driver];
  }
  writer.begin("hostsplit_controllers", "gauge", "USB controllers by driver, as they are and as they should be.");
  for (const auto& [driver, count] : actual) writer.value("kind=\"actual\",driver=" + quoted(driver), count);
  for (const auto& [driver, count] : wanted) writer.value("kind=\"wanted\",driver=" + quoted(driver), count);
}

void write_findings(Writer& writer, const Status& status) {
  std::map<std::string, std::uint64_t> by_severity{{"error", 0}, {"warning", 0}};
  for (const auto& finding : status.findings) ++by_severity[to_string(finding.severity)];
  writer.begin("hostsplit_findings", "gauge", "Findings by severity.");
  for (const auto& [severity, count] : by_severity) writer.value("severity=" + quoted(severity), count);
}

void write_health(Writer& writer, const BootStatus& boot) {
  writer.begin("hostsplit_unhealthy_boots", "gauge", "Boots in a row not found healthy, the present one included.");
  writer.value("", boot.unhealthy);
  writer.begin("hostsplit_sitting_out", "gauge", "1 if nothing is done because of them.");
  writer.value("", boot.suspended ? 1 : 0);
}

void write_proofs(Writer& writer, const std::map<int, LastProof>& proofs) {
  if (proofs.empty()) return;
  const auto of = [](int vm) { return fmt::format("vm=\"{}\"", vm); };
  writer.begin("hostsplit_verify_wrong", "gauge", "What was found wrong with a VM after its last start.");
  for (const auto& [vm, proof] : proofs) writer.value(of(vm), proof.wrong);
  writer.begin("hostsplit_verify_time_seconds", "gauge", "When that was, since 1970.");
  for (const auto& [vm, proof] : proofs) writer.value(of(vm), static_cast<std::uint64_t>(proof.at));
}

}  // namespace

std::string metrics_text(const Status& status, std::uint64_t drift_repairs, const std::map<int, LastProof>& proofs) {
  Writer writer;
  writer.begin("hostsplit_configured", "gauge", "1 if a configuration exists.");
  writer.value("", status.configured ? 1 : 0);
  writer.begin("hostsplit_applied", "gauge", "1 if something was applied and is kept true.");
  writer.value("", status.applied ? 1 : 0);
  writer.begin("hostsplit_pending_reboot", "gauge", "1 if something waits for a reboot.");
  writer.value("", status.pending_reboot ? 1 : 0);
  write_pools(writer, status);
  write_controllers(writer, status);
  write_findings(writer, status);
  write_health(writer, status.boot);
  write_proofs(writer, proofs);
  writer.begin("hostsplit_drift_repairs_total", "counter", "Drivers corrected since the service started.");
  writer.value("", drift_repairs);
  return writer.text();
}

void Metrics::update(const State& state, const std::vector<Finding>& damaged, std::uint64_t drift_repairs) {
  if (!context_.root.exists(names::metrics_directory)) return;
  const auto text = metrics_text(status(state, damaged), drift_repairs, load_proofs(context_.root));
  if (text == written_) return;
  try {
    context_.effects.replace_file(std::string(names::metrics_directory) + "/hostsplit.prom", text);
    written_ = text;
    failed_ = false;
  } catch (const Error&) {
    if (failed_) return;
    failed_ = true;
    throw;
  }
}

}  // namespace hostsplit
